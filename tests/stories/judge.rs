//! What must hold, whatever happened before.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::story::Who;
use crate::support::Run;
use crate::world::{Failure, File, World};

/// The states in which dbm-git says that something is amiss below the rows, or
/// that it could not look.
const AMISS: [&str; 6] = ["unreachable", "broken", "foreign", "skipped", "overlapping", "unknown"];

/// What is really so.
struct Truth {
    files: Vec<File>,
    rows: BTreeSet<String>,
    ran: BTreeSet<String>,
    /// Ids of what the rows say has run, and has not.
    skipped: BTreeSet<String>,
    /// The same, where a row may stand for what had its id before a renumbering.
    perhaps_skipped: BTreeSet<String>,
    /// Of these nobody can know whether they ran.
    unseen: BTreeSet<String>,
    is_sound: bool,
}

impl Truth {
    fn of(world: &mut World<'_>, who: Who) -> Self {
        world.compare(who);
        let files = world.files(who);
        let rows = world.version_rows(who);
        let ran = world.database(who).ran();
        let not_run = |from: Vec<String>| -> Vec<&File> {
            let below = World::below(&files, from).into_iter();
            below.filter(|file| !ran.contains(&file.uid)).collect()
        };
        // A merge revision that somebody wrote does nothing: it may be told or not.
        let mut unseen = world.database(who).unseen().clone();
        unseen.extend(world.hidden_by_strangers(who, &files));
        let skipped = not_run(rows.iter().cloned().collect())
            .into_iter()
            .filter(|file| !file.uid.starts_with("id:") && !unseen.contains(&file.uid))
            .map(|file| file.id.clone())
            .collect();
        let of_those_that_ran = files.iter().filter(|file| ran.contains(&file.uid));
        let known = of_those_that_ran.map(|file| file.id.clone());
        let of_unseen = files.iter().filter(|file| unseen.contains(&file.uid));
        let perhaps_skipped = not_run(rows.iter().cloned().chain(known).collect())
            .into_iter()
            .chain(of_unseen)
            .map(|file| file.id.clone())
            .collect();
        let is_sound = World::is_sound(&files);
        Self { files, rows, ran, skipped, perhaps_skipped, unseen, is_sound }
    }

    /// What makes it hard to know: failures with the same are of one kind.
    fn circumstances(&self, world: &World<'_>, who: Who) -> String {
        let of_row = |row: &String| self.files.iter().find(|file| file.id == *row);
        let is_renumbered =
            self.rows.iter().filter_map(of_row).any(|file| !self.ran.contains(&file.uid));
        let mut circumstances = Vec::new();
        if is_renumbered {
            circumstances.push("a row names another revision than it did");
        }
        circumstances.extend(world.circumstances(who));
        match circumstances.as_slice() {
            [] => String::new(),
            some => format!(" [{}]", some.join(", ")),
        }
    }

    fn shown(&self) -> String {
        let files: Vec<String> = self
            .files
            .iter()
            .map(|file| format!("{} -> {} ({})", file.downs.join(", "), file.id, file.uid))
            .collect();
        format!(
            "files: {}\nrows: {:?}\nreally ran: {:?}\nreally skipped: {:?}\nunseen: {:?}",
            files.join("; "),
            self.rows,
            self.ran,
            self.skipped,
            self.unseen
        )
    }
}

fn list(component: &Value, name: &str) -> BTreeSet<String> {
    let values = component[name].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `status` says nothing that is not so, and does not keep quiet about anything.
pub fn status(world: &mut World<'_>, who: Who) -> Result<(), Failure> {
    let truth = Truth::of(world, who);
    let run = world.dbm(who, &["status", "--format", "json"]);
    if run.code != 0 {
        return Err(Failure::new("status fails", format!("{run}\n{}", truth.shown())));
    }
    let json = World::json(&run)?;
    let component = &json["components"][0];
    let state = component["state"].as_str().unwrap_or_default().to_owned();
    let lists = ["skipped", "unknown", "foreign"].map(|name| (name, list(component, name)));
    let lists = lists.iter().filter(|(_, ids)| !ids.is_empty());
    let told: String = lists.map(|(name, ids)| format!(", {name} {ids:?}")).collect();
    world.transcript.push(format!("    # {state}{told}"));
    world.count(format!("status {state}"));
    let circumstances = truth.circumstances(world, who);
    let fail = |cause: &str| {
        let cause = format!("{cause}{circumstances}");
        Err(Failure::new(cause, format!("{component}\n{}", truth.shown())))
    };
    if !truth.is_sound {
        return if state == "broken" {
            Ok(())
        } else {
            fail("unsound files are not called broken")
        };
    }
    if list(component, "current") != truth.rows {
        return fail("status shows other rows");
    }
    if !list(component, "skipped").is_subset(&truth.perhaps_skipped) {
        return fail("status calls skipped what ran");
    }
    let (known, unknown) = (list(component, "skipped"), list(component, "unknown"));
    let told: BTreeSet<String> = known.union(&unknown).cloned().collect();
    if state == "broken" || state == "unreachable" {
        return Ok(());
    }
    if !truth.skipped.is_empty() && !AMISS.contains(&state.as_str()) {
        return fail(&format!("status says {state} although something was skipped"));
    }
    if state != "foreign" && !truth.skipped.is_subset(&told) {
        return fail("status leaves out what was skipped");
    }
    Ok(())
}

/// `sync` brings the database to the heads, or leaves it alone.
pub fn sync(world: &mut World<'_>, who: Who) -> Result<(), Failure> {
    let truth = Truth::of(world, who);
    if !truth.is_sound || World::heads(&truth.files).len() != 1 {
        world.count("sync not tried");
        return Ok(());
    }
    let Some(fresh) = world.fresh(who) else {
        world.count("files that don't work");
        return Ok(());
    };
    let wanted: &[&str] = match world.setting.downgrades {
        true => &["--strategy", "downgrade"],
        false => &[],
    };
    if synced(world, who, &truth, &fresh, wanted)? {
        return Ok(());
    }
    // Somebody who knows may say what is not known, if it is all the same.
    let unknown = unknown_of(world, who)?;
    let really = |id: &String| {
        truth.files.iter().any(|file| file.id == *id && truth.ran.contains(&file.uid))
    };
    let ran = unknown.iter().filter(|id| really(id)).count();
    let assume = match ran {
        0 => "skipped",
        ran if ran == unknown.len() => "applied",
        _ => return Ok(()),
    };
    if !unknown.is_empty() {
        let said = synced(world, who, &truth, &fresh, &["--assume", assume])?;
        world.count(format!("sync with --assume {}", if said { "works" } else { "is refused" }));
    }
    Ok(())
}

fn unknown_of(world: &mut World<'_>, who: Who) -> Result<BTreeSet<String>, Failure> {
    let run = world.dbm(who, &["status", "--format", "json"]);
    let json = World::json(&run)?;
    let unknown = list(&json["components"][0], "unknown");
    world.transcript.push(format!("    # unknown: {unknown:?}"));
    Ok(unknown)
}

/// A sentence with `…` for all that stands in backticks.
fn without_names(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect()
}

/// What a program said, without the middle of tracebacks.
fn shortened(run: &Run) -> String {
    let text = run.to_string();
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 40 {
        return text;
    }
    [&lines[..20], &["[..]"], &lines[lines.len() - 20..]].concat().join("\n")
}

/// Whether the database has been brought to the heads.
fn synced(
    world: &mut World<'_>,
    who: Who,
    truth: &Truth,
    fresh: &(crate::python::Schema, BTreeSet<String>),
    arguments: &[&str],
) -> Result<bool, Failure> {
    let (schema, rows) = (world.schema(who), world.rows(who));
    let steps = world.database(who).steps();
    let verify = world.setting.verifies.then_some("--verify");
    let command: Vec<&str> = ["sync", "--format", "json"]
        .into_iter()
        .chain(verify)
        .chain(arguments.iter().copied())
        .collect();
    let run: Run = world.dbm(who, &command);
    let circumstances = truth.circumstances(world, who);
    let fail = |cause: &str, more: String| {
        let said = shortened(&run);
        let cause = format!("{cause}{circumstances}");
        Err(Failure::new(cause, format!("{more}\n{said}\nbefore: {}", truth.shown())))
    };
    match run.code {
        0 => {}
        1 => {
            let reason = World::json(&run).ok().and_then(|json| {
                let refused = json["components"][0]["refused"].as_str().map(str::to_owned);
                refused.or_else(|| json["error"]["message"].as_str().map(str::to_owned))
            });
            world.transcript.push(format!("    # refused: {}", reason.clone().unwrap_or_default()));
            world.count(format!("sync refused: {}", without_names(&reason.unwrap_or_default())));
            if (world.schema(who), world.rows(who)) != (schema, rows) {
                return fail("a refused sync changed the database", String::new());
            }
            if world.version_rows(who) != truth.rows {
                return fail("a refused sync changed the version rows", String::new());
            }
            return Ok(false);
        }
        code => return fail(&format!("sync ends with {code}"), String::new()),
    }
    let json = World::json(&run)?;
    let component = &json["components"][0];
    let strategy = component["strategy"].as_str().unwrap_or_default().to_owned();
    let verdict = component["trial"]["verdict"].as_str();
    let has_work = component["steps"].as_array().is_some_and(|steps| !steps.is_empty());
    if world.setting.verifies && has_work && verdict != Some("passed") {
        return fail("sync does what was not tried out", format!("{}", component["trial"]));
    }
    world.count(format!("trial {}", verdict.unwrap_or("none")));
    world.transcript.push(format!("    # strategy {strategy}"));
    world.count(format!("sync {strategy}"));
    let now = world.version_rows(who);
    if now != fresh.1 {
        return fail("sync leaves other version rows", format!("{now:?}, not {:?}", fresh.1));
    }
    if list(component, "current") != now {
        return fail("sync shows other rows", format!("{now:?}"));
    }
    let mut twice = world.database(who).ran_twice(steps);
    // A merge revision does nothing: it counts as taken down, and alembic is not run for it.
    twice.retain(|uid| !truth.unseen.contains(uid) && !uid.starts_with("id:"));
    if !twice.is_empty() {
        return fail("sync runs revisions twice", format!("{twice:?}"));
    }
    let schema_now = world.schema(who);
    if schema_now != fresh.0 && world.schema_without_strangers(who) != fresh.0 {
        let difference = format!("{schema_now:#?}\nnot\n{:#?}", fresh.0);
        return fail("sync leaves another schema", difference);
    }
    if strategy != "downgrade" {
        let rows_now = world.rows(who);
        for (table, before) in rows {
            if let Some(after) = rows_now.get(&table)
                && !before.is_subset(after)
            {
                return fail("sync loses rows", format!("{table}: {before:?}, now {after:?}"));
            }
        }
    }
    let run = world.dbm(who, &["status", "--format", "json"]);
    let state = World::json(&run)?["components"][0]["state"].clone();
    if state != "up-to-date" {
        return fail("after sync, status is not content", format!("{state}"));
    }
    Ok(true)
}

/// Ada puts her files in order, if need be, and has her database follow.
pub fn ending(world: &mut World<'_>) -> Result<(), Failure> {
    status(world, Who::Ada)?;
    for mend in ["rebase", "merge"] {
        let files = world.files(Who::Ada);
        if World::heads(&files).len() > 1 || !World::is_sound(&files) {
            world.dbm(Who::Ada, &[mend]);
            status(world, Who::Ada)?;
        }
    }
    sync(world, Who::Ada)
}
