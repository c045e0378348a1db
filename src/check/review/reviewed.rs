//! One revision with all that the rules of the review may know of it.

use std::collections::BTreeSet;

use crate::check::rules::Rule;
use crate::check::{DatabaseKind, Finding, Location, places};
use crate::revision::Revision;
use crate::script::{Act, Constraint, Operation, Operations, Span};
use crate::tree::RepoPath;

/// A revision that is reviewed.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'a> {
    pub revision: &'a Revision,
    pub path: &'a RepoPath,
    pub bytes: &'a [u8],
    pub operations: &'a Operations,
    /// `None` where neither the configuration nor any script tells.
    pub database: Option<DatabaseKind>,
    /// The packages and modules of the repository, by their first name.
    pub modules: &'a BTreeSet<String>,
    pub script_location: &'a RepoPath,
}

impl<'a> Reviewed<'a> {
    /// What `upgrade` does.
    pub fn upgrade(&self) -> &'a [Operation] {
        &self.operations.upgrade.operations
    }

    /// What `downgrade` does.
    pub fn downgrade(&self) -> &'a [Operation] {
        &self.operations.downgrade.operations
    }

    /// What `upgrade` does on PostgreSQL; nothing where that is not the database.
    pub fn on_postgresql(&self) -> impl Iterator<Item = &'a Operation> + use<'a> {
        let is_meant = self.database == Some(DatabaseKind::Postgres);
        self.upgrade().iter().filter(move |operation| is_meant && !operation.spares_postgresql)
    }

    /// A finding about one operation.
    pub fn finding(
        &self,
        rule: &Rule,
        operation: &Operation,
        message: impl Into<String>,
    ) -> Finding {
        self.finding_at(rule, operation.line, &operation.span, message)
    }

    /// A finding about a place in the script.
    pub fn finding_at(
        &self,
        rule: &Rule,
        line: u32,
        span: &Span,
        message: impl Into<String>,
    ) -> Finding {
        rule.finding(message).at(self.place(line, span)).about([self.revision.id.clone()])
    }

    /// Of findings about operations the first one for each table, with the places of
    /// the others: they wait for the same lock.
    pub fn one_for_each_table(
        &self,
        found: impl Iterator<Item = (&'a Operation, Finding)>,
    ) -> Vec<Finding> {
        let mut tables: Vec<(Option<&str>, Finding)> = Vec::new();
        for (operation, finding) in found {
            let table = operation.table.as_deref();
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, first)) => {
                    let place = self.place(operation.line, &operation.span);
                    first.related.push((place, "and here".to_owned()));
                }
                None => tables.push((table, finding)),
            }
        }
        tables.into_iter().map(|(_, finding)| finding).collect()
    }

    /// Where an operation begins: its first line is enough to know it by.
    pub fn place(&self, line: u32, span: &Span) -> Location {
        places::of_operation(self.path, self.bytes, line, span)
    }

    /// Whether rows of the table are changed before the operation at `index`.
    pub fn changes_rows_before(&self, index: usize, table: &str) -> bool {
        let mut before = self.upgrade()[..index].iter();
        before.any(|operation| operation.act == Act::ChangeRows && operation.is_on(table))
    }

    /// Whether a check has proven what the operation at `index` asks for: one that was
    /// validated before, or one that is dropped afterwards, having done its work.
    pub fn is_proven(&self, index: usize, table: &str) -> bool {
        let (before, after) = self.upgrade().split_at(index);
        let is_validated = |operation: &Operation| operation.act == Act::ValidateConstraint;
        let is_swapped = |operation: &Operation| {
            let kind = match &operation.act {
                Act::DropConstraint { kind, .. } => *kind,
                _ => return false,
            };
            kind.is_none_or(|kind| kind == Constraint::Check)
        };
        before.iter().filter(|o| o.is_on(table)).any(is_validated)
            || after.iter().filter(|o| o.is_on(table)).any(is_swapped)
    }

    /// Whether rows of the table may have been changed before the operation at `index`.
    pub fn may_fill_before(&self, index: usize, table: &str) -> bool {
        self.upgrade()[..index].iter().any(|operation| match operation.act {
            Act::ChangeRows => operation.table.is_none() || operation.is_on(table),
            Act::Unknown => true,
            _ => false,
        })
    }
}
