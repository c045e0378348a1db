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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::check::ReviewScope;
    use crate::check::testing::{history_and, judge};
    use crate::tree::RepoPath;

    const INDEX: &str = "from alembic import op\nrevision = 'b'\ndown_revision = 'a'\n\n\
        def upgrade():\n    op.create_index('i', 't', ['x'])\n\n\
        def downgrade():\n    op.drop_index('i', 't')\n";

    /// The codes that are found in `b`, and nowhere else.
    fn found(first: &str, database: Option<DatabaseKind>) -> Vec<String> {
        let history = history_and(
            "",
            &[
                ("versions/a.py", &format!("{first}revision = 'a'\ndown_revision = None\n")),
                ("versions/b.py", INDEX),
            ],
        );
        let node = history.graph.node("b").expect("there");
        let scope = ReviewScope {
            nodes: &[node],
            database,
            placeholder: Some(DatabaseKind::Sqlite),
            modules: &BTreeSet::new(),
            script_location: &RepoPath::new("versions").expect("inside"),
        };
        let judged = Judged { review: Some(scope), ..judge(&history) };
        review(&judged).iter().map(|finding| finding.code.to_string()).collect()
    }

    #[test]
    fn the_scripts_tell_the_database_where_the_configuration_does_not() {
        let postgres = "from sqlalchemy.dialects import postgresql\n";
        assert_eq!(found("", Some(DatabaseKind::Postgres)), ["DBM213"]);
        assert_eq!(found(postgres, None), ["DBM213"]);
        assert_eq!(found(postgres, Some(DatabaseKind::MySql)), Vec::<String>::new());
        assert_eq!(found("", None), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_reviewed_where_nobody_asks() {
        let history = history_and("<base> -> a", &[("versions/b.py", INDEX)]);
        assert_eq!(review(&judge(&history)), []);
    }
}
