//! Runs the rules of the review over the revisions that are asked for.

use super::Reviewed;
use crate::check::rules::{RULES, Run};
use crate::check::{DatabaseKind, Finding, Judged};
use crate::revision::Node;
use crate::script::{History, imports_dialect, read_operations};

/// What there is to look at; nothing where nobody asked for a review.
pub fn review(judged: &Judged<'_>) -> Vec<Finding> {
    let Some(scope) = judged.review else { return Vec::new() };
    if scope.nodes.is_empty() {
        return Vec::new();
    }
    let told = scope.database.or_else(|| written_for(judged.history));
    let database = told.or(scope.placeholder);
    scope.nodes.iter().flat_map(|&node| review_one(judged, node, database)).collect()
}

fn review_one(judged: &Judged<'_>, node: Node, database: Option<DatabaseKind>) -> Vec<Finding> {
    let Some(scope) = judged.review else { return Vec::new() };
    let file = &judged.history.script(node).file;
    // What Python cannot parse is DBM005.
    let Some(operations) = read_operations(&file.bytes) else { return Vec::new() };
    let reviewed = Reviewed {
        revision: judged.history.graph.revision(node),
        path: &file.path,
        bytes: &file.bytes,
        operations: &operations,
        database,
        modules: scope.modules,
        script_location: scope.script_location,
    };
    let found = RULES.iter().flat_map(|rule| match rule.run {
        Run::Revision(run) => run(&reviewed),
        Run::History(_) => Vec::new(),
    });
    found.collect()
}

/// The database that the scripts are written for: one that imports PostgreSQL's
/// types was meant for it, and a project that moved there has imported others, too.
fn written_for(history: &History) -> Option<DatabaseKind> {
    const KINDS: [(&str, DatabaseKind); 3] = [
        ("postgresql", DatabaseKind::Postgres),
        ("mysql", DatabaseKind::MySql),
        ("sqlite", DatabaseKind::Sqlite),
    ];
    let imports = |name: &str| {
        let scripts = history.scripts.iter().rev();
        scripts.into_iter().any(|script| imports_dialect(&script.file.bytes, name))
    };
    KINDS.into_iter().find(|(name, _)| imports(name)).map(|(_, kind)| kind)
}
