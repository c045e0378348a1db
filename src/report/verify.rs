//! Revisions that went up, down and up again.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::verify::{ComponentVerification, ModelComparison, VerifiedRevision, VerifyFault};
use crate::plan::SchemaDifference;
use crate::revision::RevisionId;

/// `verify --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyReport {
    pub version: u32,
    /// Whether everything that ran does what it says, and all of it ran.
    pub ok: bool,
    pub components: Vec<ComponentVerifyReport>,
}

/// One component.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentVerifyReport {
    pub name: String,
    /// What the scratch database is like, without the password.
    pub database: String,
    pub revisions: Vec<VerifiedReport>,
    /// Not verified, since something below failed.
    pub left: Vec<String>,
    /// Why what lies below does not run from an empty database.
    pub error: Option<String>,
    /// Whether the models say what the migrations make, by alembic's own `check`; null where
    /// not all migrations have run.
    pub models: Option<ModelsReport>,
}

/// What alembic says of the models.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelsReport {
    #[schemars(extend("enum" = ["same", "drifted", "no-models", "not-compared"]))]
    pub state: &'static str,
    /// What a new revision would have to do, or why there is no telling.
    pub detail: Option<String>,
}

/// One revision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifiedReport {
    pub revision: String,
    pub path: String,
    pub ok: bool,
    #[schemars(extend("enum" = ["upgrade-fails", "downgrade-fails", "not-reversed",
                                "second-upgrade-fails", "not-repeated", null]))]
    pub fault: Option<&'static str>,
    /// What alembic said.
    pub error: Option<String>,
    pub differences: Vec<DifferenceReport>,
    /// What its `upgrade` takes away for good.
    pub loses: Vec<String>,
    /// How long it has taken, up, down and up again, with alembic's starting.
    pub seconds: f64,
}

/// What two schemas do not agree about.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// `index ix_users_name of users`
    pub thing: String,
    /// Null where it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl VerifyReport {
    /// The report of `verifications`.
    pub fn new(verifications: &[ComponentVerification]) -> Self {
        Self {
            version: 1,
            ok: verifications.iter().all(ComponentVerification::is_sound),
            components: verifications.iter().map(ComponentVerifyReport::new).collect(),
        }
    }
}

impl ComponentVerifyReport {
    fn new(verification: &ComponentVerification) -> Self {
        Self {
            name: verification.name.clone(),
            database: verification.database.clone(),
            revisions: verification.verified.iter().map(VerifiedReport::new).collect(),
            left: verification.left.iter().map(RevisionId::to_string).collect(),
            error: verification.ground_fails.clone(),
            models: verification.models.as_ref().map(ModelsReport::new),
        }
    }
}

impl ModelsReport {
    fn new(models: &ModelComparison) -> Self {
        let (state, detail) = match models {
            ModelComparison::Same => ("same", None),
            ModelComparison::Drifted(operations) => ("drifted", Some(operations.clone())),
            ModelComparison::NoModels => ("no-models", None),
            ModelComparison::NotCompared(reason) => ("not-compared", Some(reason.clone())),
        };
        Self { state, detail }
    }
}

impl VerifiedReport {
    fn new(verified: &VerifiedRevision) -> Self {
        let fault = verified.fault.as_ref();
        let difference = |difference: &SchemaDifference| DifferenceReport {
            thing: difference.thing.clone(),
            before: difference.before.clone(),
            after: difference.after.clone(),
        };
        Self {
            revision: verified.revision.to_string(),
            path: verified.path.to_string(),
            ok: fault.is_none(),
            fault: fault.map(name),
            error: fault.and_then(error).map(str::to_owned),
            differences: fault.map_or(&[][..], differences).iter().map(difference).collect(),
            loses: verified.loses.iter().map(|lost| lost.what.clone()).collect(),
            // Milliseconds are more than anybody can rely on.
            seconds: (verified.took.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}

/// The word in JSON and XML.
pub(super) fn name(fault: &VerifyFault) -> &'static str {
    match fault {
        VerifyFault::UpgradeFails(_) => "upgrade-fails",
        VerifyFault::DowngradeFails(_) => "downgrade-fails",
        VerifyFault::NotReversed(_) => "not-reversed",
        VerifyFault::SecondUpgradeFails(_) => "second-upgrade-fails",
        VerifyFault::NotRepeated(_) => "not-repeated",
    }
}

fn error(fault: &VerifyFault) -> Option<&str> {
    match fault {
        VerifyFault::UpgradeFails(error)
        | VerifyFault::DowngradeFails(error)
        | VerifyFault::SecondUpgradeFails(error) => Some(error),
        VerifyFault::NotReversed(_) | VerifyFault::NotRepeated(_) => None,
    }
}

fn differences(fault: &VerifyFault) -> &[SchemaDifference] {
    match fault {
        VerifyFault::NotReversed(differences) | VerifyFault::NotRepeated(differences) => {
            differences
        }
        _ => &[],
    }
}

/// The human form: a line for each revision, and below it what is wrong.
pub fn render_verification(verifications: &[ComponentVerification], unicode: bool) -> String {
    let several = verifications.len() > 1;
    let mut text = String::new();
    for verification in verifications {
        if several {
            text += &format!("{}\n", verification.name);
        }
        if verification.verified.is_empty() && verification.ground_fails.is_none() {
            text += "nothing of one's own to verify; name revisions, or `--from-empty`\n";
            continue;
        }
        if let Some(error) = &verification.ground_fails {
            text += &format!("{} what lies below does not run from nothing\n", cross(unicode));
            text += &indented(error, "    ");
        }
        for verified in &verification.verified {
            text += &revision(verified, unicode);
        }
        text += &verification.models.as_ref().map_or_else(String::new, |m| models(m, unicode));
        if !verification.left.is_empty() {
            let left: Vec<String> = verification.left.iter().map(|id| format!("`{id}`")).collect();
            text += &format!("  not verified: {}\n", left.join(", "));
        }
    }
    text
}

fn revision(verified: &VerifiedRevision, unicode: bool) -> String {
    let VerifiedRevision { revision, message, path, fault, loses, took } = verified;
    let mark = if fault.is_none() { tick(unicode) } else { cross(unicode) };
    let says = says(fault.as_ref());
    let seconds = took.as_secs_f64();
    let mut text = format!("{mark} {revision} ({message}): {says}, {seconds:.1} s\n");
    if let Some(fault) = fault {
        text += &format!("    {path}\n");
        text += &indented(error(fault).unwrap_or_default(), "    ");
        for difference in differences(fault) {
            text += &changed(difference);
        }
    }
    for lost in loses {
        text += &format!("    for good, at {path}:{}: {}\n", lost.line, lost.what);
    }
    text
}

/// What has become of a revision, in words.
pub(super) fn says(fault: Option<&VerifyFault>) -> String {
    match fault {
        None => "up, down and up again".to_owned(),
        Some(VerifyFault::UpgradeFails(_)) => "its upgrade fails".to_owned(),
        Some(VerifyFault::DowngradeFails(_)) => "its downgrade fails".to_owned(),
        Some(VerifyFault::NotReversed(_)) => {
            "its downgrade does not take back what its upgrade did".to_owned()
        }
        Some(VerifyFault::SecondUpgradeFails(_)) => "its upgrade fails the second time".to_owned(),
        Some(VerifyFault::NotRepeated(_)) => {
            "its upgrade leaves something else the second time".to_owned()
        }
    }
}

/// What is wrong with a revision, below what has become of it.
pub(super) fn details(verified: &VerifiedRevision) -> String {
    let Some(fault) = &verified.fault else { return String::new() };
    let changes: String = differences(fault).iter().map(changed).collect();
    let error = error(fault).map(|error| format!("{error}\n")).unwrap_or_default();
    format!("{}\n{error}{changes}", verified.path)
}

fn models(models: &ModelComparison, unicode: bool) -> String {
    match models {
        ModelComparison::Same => {
            format!("{} the models say what the migrations make\n", tick(unicode))
        }
        ModelComparison::Drifted(operations) => format!(
            "{} the models say something else than the migrations make\n{}",
            cross(unicode),
            indented(operations, "    ")
        ),
        ModelComparison::NoModels => String::new(),
        ModelComparison::NotCompared(reason) => {
            format!("  the models were not compared with the migrations{reason}\n")
        }
    }
}

/// As a diff shows it: what was there, and what is there instead.
fn changed(difference: &SchemaDifference) -> String {
    let line = |sign: &str, what: &Option<String>| match what.as_deref() {
        None => String::new(),
        Some("") => format!("    {sign} {}\n", difference.thing),
        Some(what) => format!("    {sign} {}: {what}\n", difference.thing),
    };
    line("-", &difference.before) + &line("+", &difference.after)
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

fn tick(unicode: bool) -> &'static str {
    if unicode { "✅" } else { "ok" }
}

fn cross(unicode: bool) -> &'static str {
    if unicode { "❌" } else { "FAILED" }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tree::RepoPath;

    fn verified(id: &str, fault: Option<VerifyFault>) -> VerifiedRevision {
        VerifiedRevision {
            revision: RevisionId::new(id).expect("an id"),
            message: "a change".to_owned(),
            path: RepoPath::new(&format!("versions/{id}.py")).expect("inside"),
            fault,
            loses: Vec::new(),
            took: Duration::from_millis(1250),
        }
    }

    #[test]
    fn each_revision_is_a_line_with_what_is_wrong_below_it() {
        let difference =
            |thing: &str, before: Option<&str>, after: Option<&str>| SchemaDifference {
                thing: thing.to_owned(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            };
        let differences = vec![
            difference("column name of t", Some("varchar(8)"), Some("text")),
            difference("index ix of t", None, Some("(name)")),
            difference("table u", Some(""), None),
        ];
        let verification = ComponentVerification {
            name: "default".to_owned(),
            database: "sqlite:///app.db".to_owned(),
            verified: vec![
                verified("a", None),
                verified("b", Some(VerifyFault::NotReversed(differences))),
                verified("c", Some(VerifyFault::DowngradeFails("no way\nback".to_owned()))),
            ],
            ground_fails: None,
            models: Some(ModelComparison::Drifted("[('add_column', 'x')]".to_owned())),
            left: vec![RevisionId::new("d").expect("an id")],
        };
        insta::assert_snapshot!(render_verification(std::slice::from_ref(&verification), false), @"
        ok a (a change): up, down and up again, 1.2 s
        FAILED b (a change): its downgrade does not take back what its upgrade did, 1.2 s
            versions/b.py
            - column name of t: varchar(8)
            + column name of t: text
            + index ix of t: (name)
            - table u
        FAILED c (a change): its downgrade fails, 1.2 s
            versions/c.py
            no way
            back
        FAILED the models say something else than the migrations make
            [('add_column', 'x')]
          not verified: `d`
        ");
        let report = VerifyReport::new(&[verification]);
        let faults: Vec<_> = report.components[0].revisions.iter().map(|r| r.fault).collect();
        assert_eq!(faults, [None, Some("not-reversed"), Some("downgrade-fails")]);
        assert_eq!(report.components[0].revisions[0].seconds, 1.25);
        assert!(!report.ok);
    }
}
