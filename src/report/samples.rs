//! For tests: outcomes of checks, from notation and with awkward words in them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::check::testing::{history, history_and, judge};
use crate::check::{
    Code, ComponentCheck, Finding, Judged, Level, Location, diverged_parts, run_rules,
};
use crate::ops::check::CheckOutcome;
use crate::script::History;
use crate::tree::RepoPath;

/// What the rules find in `notation`.
pub fn component(name: &str, notation: &str) -> ComponentCheck {
    let ours = history(notation);
    let found = judge(&ours);
    of(name, &found)
}

/// What the rules find in `judged`.
pub fn of(name: &str, judged: &Judged<'_>) -> ComponentCheck {
    let findings = run_rules(judged);
    ComponentCheck {
        name: name.to_owned(),
        diverged: diverged_parts(judged, &findings),
        findings,
        suppressed: Vec::new(),
        place: RepoPath::new("alembic.ini").expect("inside"),
        is_reviewed: judged.review.is_some(),
        sources: sources(judged.history),
        heads: judged.history.head_ids(),
        bases: judged.history.base_ids(),
        revisions: judged.history.scripts.len(),
    }
}

fn sources(history: &History) -> HashMap<RepoPath, Arc<Vec<u8>>> {
    let files = history.scripts.iter().map(|script| &script.file);
    files.map(|file| (file.path.clone(), Arc::clone(&file.bytes))).collect()
}

/// Components without upstream and notes.
pub fn outcome(components: Vec<ComponentCheck>) -> CheckOutcome {
    CheckOutcome { components, upstream: None, notes: Vec::new() }
}

/// Two components: one with a stale docstring, one whose findings have all that
/// a format could trip over, one of them no file.
pub fn awkward() -> CheckOutcome {
    let stale = "\"\"\"add ü\n\nRevision ID: x\nRevises: y\n\"\"\"\nrevision = 'b'; ä = 1; down_revision = 'a'\n";
    let ours = history_and("<base> -> a", &[("versions/b.py", stale)]);
    let mut odd = component("o|d: d,%", "<base> -> a");
    let path = RepoPath::new("a b/50%, ä:1.py").expect("inside");
    let source = "ä = ['x']\n".as_bytes().to_vec();
    let first = Finding::new(Code(6), Level::Error, "a `{x}`\nand ]]>\x1b[31m 100%: <b>|[y](1)")
        .at(Location::at(path.clone(), 1, &(6..9)))
        .labelled("here")
        .and_at(Location::file(path.clone()), "and | there\nyonder")
        .help("run `git merge a|b`, then think");
    let nowhere = Finding::new(Code(9), Level::Note, "nowhere");
    odd.findings = vec![first, Finding { is_new: false, ..nowhere }];
    odd.sources.insert(path, Arc::new(source));
    outcome(vec![of("default", &judge(&ours)), odd])
}

/// Twelve findings of each level, the least grave first.
pub fn many() -> CheckOutcome {
    let mut component = component("default", "<base> -> a");
    for level in [Level::Note, Level::Warning, Level::Error] {
        for line in 1..=12 {
            let path = RepoPath::new("versions/a.py").expect("inside");
            let location = Location { path, line, span: None };
            let finding = Finding::new(Code(5), level, format!("{level:?} {line}"));
            component.findings.push(finding.at(location));
        }
    }
    outcome(vec![component])
}
