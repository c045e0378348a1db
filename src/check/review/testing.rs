//! Revisions for the rules' tests, written as the bodies of their functions.

use std::collections::BTreeSet;

use crate::check::rules::{Rule, Run};
use crate::check::testing::history_and;
use crate::check::{DatabaseKind, Level, Location};
use crate::script::read_operations;
use crate::tree::RepoPath;

use super::Reviewed;

/// A script with these bodies; the first line of `upgrade` is the seventh.
pub fn script(upgrade: &str, downgrade: &str) -> String {
    let indented = |body: &str| body.replace('\n', "\n    ");
    format!(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'b'\ndown_revision = 'a'\n\n\
         def upgrade():\n    {}\n\ndef downgrade():\n    {}\n",
        indented(upgrade),
        indented(downgrade)
    )
}

/// What a rule says of a script on PostgreSQL: `line: message`, with the level
/// where it is not the rule's own.
#[track_caller]
pub fn check(rule: &Rule, script: &str, expected: &[&str]) {
    check_on(Some(DatabaseKind::Postgres), rule, script, expected);
}

/// The same on another database, or on one that nobody knows.
#[track_caller]
pub fn check_on(database: Option<DatabaseKind>, rule: &Rule, script: &str, expected: &[&str]) {
    let history = history_and("<base> -> a", &[("versions/b.py", script)]);
    let node = history.graph.node("b").expect("a revision");
    let file = &history.script(node).file;
    let operations = read_operations(&file.bytes).expect("Python");
    let modules = BTreeSet::from(["app".to_owned()]);
    let reviewed = Reviewed {
        revision: history.graph.revision(node),
        path: &file.path,
        bytes: &file.bytes,
        operations: &operations,
        database,
        modules: &modules,
        script_location: &RepoPath::new("app/migrations").expect("inside"),
    };
    let Run::Revision(run) = rule.run else { panic!("{} is no rule of the review", rule.code) };
    let found: Vec<String> = run(&reviewed)
        .iter()
        .map(|finding| {
            let level = match finding.level {
                level if level == rule.level => "",
                Level::Note => "note ",
                Level::Warning => "warning ",
                Level::Error => "error ",
            };
            assert!(finding.help.is_some(), "{}", finding.message);
            let line = finding.location.as_ref().map_or(0, |Location { line, .. }| *line);
            format!("{line}: {level}{}", finding.message)
        })
        .collect();
    assert_eq!(found, expected, "{script}");
}
