//! Findings that somebody does not want to hear of: `# dbm-git: ignore DBM010
//! reason` in the script, or `[[ignore]]` in the configuration.

use std::collections::HashSet;

use super::review::review;
use super::rules::{UNUSED, run_rules, sort_findings};
use super::{Code, Finding, Judged, Location, RULES};
use crate::script::{Comment, CommentSearch};
use crate::tree::RepoPath;

/// What a comment of ours begins with.
pub(super) const MARK: &str = "dbm-git:";

/// Which findings are not to be told, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// As they were written: not all of them need to exist.
    pub codes: Vec<String>,
    pub reason: Option<String>,
    /// Where it is written.
    pub place: Location,
    pub scope: Scope,
}

/// What a suppression is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Findings in the script that the comment is in.
    File(RepoPath),
    /// Findings in these files.
    Files(HashSet<RepoPath>),
    Everywhere,
}

/// A finding that is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressedFinding {
    pub finding: Finding,
    pub reason: Option<String>,
}

/// Findings, parted in those that are told and those that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub findings: Vec<Finding>,
    pub suppressed: Vec<SuppressedFinding>,
    /// Of each suppression of the configuration, the codes that were found.
    pub used: Vec<HashSet<Code>>,
}

impl Suppression {
    /// The codes that there are.
    pub fn known(&self) -> impl Iterator<Item = Code> {
        self.codes.iter().filter_map(|text| Code::parse(text))
    }

    fn covers(&self, finding: &Finding) -> bool {
        let path = finding.location.as_ref().map(|location| &location.path);
        let is_in_scope = match &self.scope {
            Scope::File(file) => path == Some(file),
            Scope::Files(files) => path.is_some_and(|path| files.contains(path)),
            Scope::Everywhere => true,
        };
        is_in_scope && self.known().any(|code| code == finding.code)
    }
}

/// Runs the rules, and leaves out what the scripts or the configuration suppress;
/// suppressions in scripts that are of no use are findings themselves.
pub fn told(judged: &Judged<'_>, configured: &[Suppression]) -> Told {
    let in_scripts = suppressions_in(judged);
    let all: Vec<&Suppression> = configured.iter().chain(&in_scripts).collect();
    let mut told = part(run_rules(judged), &all);
    for (suppression, used) in in_scripts.iter().zip(told.used.split_off(configured.len())) {
        told.findings.extend(unused(suppression, &used, Some(judged)));
    }
    sort_findings(&mut told.findings);
    told
}

/// The review alone, in the same way.
pub fn told_of_review(judged: &Judged<'_>, configured: &[Suppression]) -> Told {
    let in_scripts = suppressions_in(judged);
    let all: Vec<&Suppression> = configured.iter().chain(&in_scripts).collect();
    let mut findings = review(judged);
    sort_findings(&mut findings);
    part(findings, &all)
}

/// The suppressions that the scripts of the judged history hold.
fn suppressions_in(judged: &Judged<'_>) -> Vec<Suppression> {
    let files = judged.history.scripts.iter().map(|script| &script.file);
    let search = CommentSearch::new(MARK);
    files
        .flat_map(|file| {
            let comments = search.comments_of(&file.bytes);
            comments.into_iter().filter_map(|comment| read(&comment, &file.path))
        })
        .collect()
}

/// `dbm-git: ignore DBM010, DBM013 the docstring is right`.
fn read(comment: &Comment, path: &RepoPath) -> Option<Suppression> {
    let text = comment.text.strip_prefix(MARK)?.trim();
    let mut rest = text.strip_prefix("ignore")?;
    let mut codes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ",:".contains(c));
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let is_code = rest[..end].to_ascii_uppercase().starts_with("DBM");
        if !is_code {
            break;
        }
        codes.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    let reason = rest.trim_start_matches(['-', '–', '—', '(']).trim().trim_end_matches(')');
    Some(Suppression {
        codes,
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        place: Location::at(path.clone(), comment.line, &comment.span),
        scope: Scope::File(path.clone()),
    })
}

fn part(findings: Vec<Finding>, suppressions: &[&Suppression]) -> Told {
    let mut parted = Told { used: vec![HashSet::new(); suppressions.len()], ..Told::default() };
    for finding in findings {
        let mut reason = None;
        for (at, suppression) in suppressions.iter().enumerate() {
            if suppression.covers(&finding) {
                parted.used[at].insert(finding.code);
                reason.get_or_insert_with(|| suppression.reason.clone());
            }
        }
        match reason {
            Some(reason) => parted.suppressed.push(SuppressedFinding { finding, reason }),
            None => parted.findings.push(finding),
        }
    }
    parted
}

/// What is wrong with a suppression itself. `judged` is that of the script that
/// it is in; a suppression of the configuration has none.
pub fn unused(
    suppression: &Suppression,
    used: &HashSet<Code>,
    judged: Option<&Judged<'_>>,
) -> Vec<Finding> {
    let finding = |message: String, help: &str| {
        let is_landed = judged.is_some_and(|judged| has_landed(suppression, judged));
        let finding = UNUSED.finding(message).at(suppression.place.clone()).help(help);
        Finding { is_new: !is_landed, ..finding }
    };
    let unknown: Vec<&String> =
        suppression.codes.iter().filter(|text| Code::parse(text).is_none()).collect();
    if suppression.codes.is_empty() {
        let message = "a suppression names no code, so it suppresses nothing";
        return vec![finding(message.to_owned(), "write `# dbm-git: ignore DBM010 reason`")];
    }
    let mut found: Vec<Finding> = unknown
        .iter()
        .map(|code| {
            finding(
                format!("there is no code `{code}` to be ignored"),
                "`dbm-git explain` lists all codes",
            )
        })
        .collect();
    if suppression.reason.is_none() {
        let message = format!("nothing says why {} is ignored", suppression.codes.join(", "));
        let help = match suppression.scope {
            Scope::File(_) => "write the reason behind the code",
            Scope::Files(_) | Scope::Everywhere => "write `reason = \"…\"` below it",
        };
        found.push(finding(message, help));
    }
    for code in suppression.known().filter(|code| !used.contains(code)) {
        if can_tell(code, suppression, judged) {
            let message = format!("{code} is ignored, and is not found");
            found.push(finding(message, "take the code, or the suppression, out"));
        }
    }
    found
}

/// Whether it would show here if it were of use. What is wrong with a change is
/// wrong until that has landed.
fn can_tell(code: Code, suppression: &Suppression, judged: Option<&Judged<'_>>) -> bool {
    let is_about_changes = matches!(code.0, 8..=10 | 15 | 16);
    let is_of_review = RULES.iter().any(|rule| rule.code == code && rule.is_of_review());
    if is_of_review {
        return judged.is_some_and(|judged| is_reviewed(suppression, judged));
    }
    !is_about_changes
        || judged
            .is_some_and(|judged| judged.upstream.is_some() && !has_landed(suppression, judged))
}

/// Whether the script that it is in was reviewed.
fn is_reviewed(suppression: &Suppression, judged: &Judged<'_>) -> bool {
    let node = judged.history.node_at(&suppression.place.path);
    node.zip(judged.review).is_some_and(|(node, review)| review.nodes.contains(&node))
}

/// Whether the file is the same in upstream.
fn has_landed(suppression: &Suppression, judged: &Judged<'_>) -> bool {
    let path = &suppression.place.path;
    let file = |history: &crate::script::History| {
        Some(history.script(history.node_at(path)?).file.bytes.clone())
    };
    let ours = file(judged.history);
    ours.is_some() && judged.upstream.is_some_and(|upstream| file(upstream.history) == ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, judge, with_upstream};

    /// Codes that are not told, with their reasons, then those that are, and what
    /// is said of the suppressions.
    #[track_caller]
    fn check(judged: &Judged<'_>, expected: &str) {
        let told = told(judged, &[]);
        let text = |f: &Finding| match f.code {
            Code(17) => f.message.clone(),
            code => code.to_string(),
        };
        let reason = |s: &SuppressedFinding| s.reason.clone().unwrap_or_else(|| "-".to_owned());
        let suppressed =
            told.suppressed.iter().map(|s| format!("({} {})", s.finding.code, reason(s)));
        let told: Vec<String> = suppressed.chain(told.findings.iter().map(text)).collect();
        assert_eq!(told.join("; "), expected);
    }

    const STALE: &str = "'''b\n\nRevises: x\n'''\nrevision = 'b'\ndown_revision = 'a'\n";

    fn stale_with(comment: &str) -> crate::script::History {
        history_and("<base> -> a", &[("versions/b.py", &format!("{STALE}{comment}\n"))])
    }

    #[test]
    fn a_comment_silences_its_codes_in_its_own_file() {
        check(&judge(&stale_with("")), "DBM013");
        check(&judge(&stale_with("# dbm-git: ignore DBM013 as it was")), "(DBM013 as it was)");
        check(&judge(&stale_with("#dbm-git: ignore dbm013: as it was")), "(DBM013 as it was)");
        check(&judge(&stale_with("x = '# dbm-git: ignore DBM013 a string'")), "DBM013");
        let elsewhere = history_and(
            "<base> -> a",
            &[
                ("versions/b.py", STALE),
                (
                    "versions/c.py",
                    "# dbm-git: ignore DBM013 no\nrevision = 'c'\ndown_revision = 'b'\n",
                ),
            ],
        );
        check(&judge(&elsewhere), "DBM013; DBM013 is ignored, and is not found");
    }

    #[test]
    fn what_suppresses_nothing_is_told() {
        check(
            &judge(&stale_with("# dbm-git: ignore DBM013")),
            "(DBM013 -); nothing says why DBM013 is ignored",
        );
        check(
            &judge(&stale_with("# dbm-git: ignore DBM999 why")),
            "DBM013; there is no code `DBM999` to be ignored",
        );
        check(
            &judge(&stale_with("# dbm-git: ignore everything")),
            "DBM013; a suppression names no code, so it suppresses nothing",
        );
        check(
            &judge(&stale_with("# dbm-git: ignore DBM013, DBM001 both")),
            "(DBM013 both); DBM001 is ignored, and is not found",
        );
    }

    #[test]
    fn a_suppression_of_the_review_is_judged_where_its_script_is_reviewed() {
        let script = |comment: &str| {
            format!(
                "revision = 'b'\ndown_revision = 'a'\n{comment}\n\n\
                 def upgrade():\n    op.drop_table('t')\n\n\
                 def downgrade():\n    op.create_table('t')\n"
            )
            .replace("revision = 'b'", "from alembic import op\nrevision = 'b'")
        };
        let with =
            |comment: &str| history_and("<base> -> a", &[("versions/b.py", &script(comment))]);
        let (modules, location) = (std::collections::BTreeSet::new(), RepoPath::root());
        let reviewed = |history, nodes| Judged {
            review: Some(crate::check::ReviewScope {
                nodes,
                database: None,
                placeholder: None,
                modules: &modules,
                script_location: &location,
            }),
            ..judge(history)
        };
        let plain = with("");
        let node = [plain.graph.node("b").expect("there")];
        check(&reviewed(&plain, &node), "DBM203");
        check(&judge(&plain), "");
        let used = with("# dbm-git: ignore DBM203 nobody reads it");
        check(&reviewed(&used, &node), "(DBM203 nobody reads it)");
        check(&judge(&used), "");
        let unused = with("# dbm-git: ignore DBM203, DBM204 nobody reads it");
        check(
            &reviewed(&unused, &node),
            "(DBM203 nobody reads it); DBM204 is ignored, and is not found",
        );
        check(&judge(&unused), "");
        check(&reviewed(&unused, &[]), "");
    }

    #[test]
    fn what_is_wrong_with_a_change_alone_is_of_no_use_later_and_that_is_fine() {
        let landed = history("<base> -> a");
        let with = |text: &str| history_and("", &[("versions/a.py", text)]);
        let edited = with(
            "revision = 'a'\ndown_revision = None\n# dbm-git: ignore DBM010 a typo\n\n\ndef upgrade():\n    op.create('b')\n",
        );
        check(&with_upstream(&edited, &landed, &edited), "(DBM010 a typo)");
        check(&with_upstream(&edited, &edited, &edited), "");
        check(&judge(&edited), "");
        let same = with(
            "revision = 'a'\ndown_revision = None\n# dbm-git: ignore DBM010 a typo\n\n\ndef upgrade():\n    op.create('a')\n",
        );
        check(&with_upstream(&same, &landed, &same), "DBM010 is ignored, and is not found");
    }
}
