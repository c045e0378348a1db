//! What autogenerate takes for a drop and an addition, and may be a rename. Which
//! belong together one can only guess: of tables by the names of their columns, of
//! columns by their types, which the downgrade tells; and of both by their names,
//! unless there is but one of each.

use std::sync::Arc;

use super::Reviewed;
use crate::script::{Act, Column, ColumnType, Operation, is_same_name};

/// A drop and the addition that may be the same thing under another name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rename<'a> {
    pub dropped: &'a Operation,
    pub added: &'a Operation,
}

/// Each drop with at most one addition, in order.
pub(super) fn renames<'a>(reviewed: &Reviewed<'a>) -> Vec<Rename<'a>> {
    let operations = reviewed.upgrade();
    let mut found: Vec<Rename<'a>> = Vec::new();
    for dropped in operations {
        let is_free = |added: &&Operation| !found.iter().any(|rename| rename.added == *added);
        let belongs = |added: &&Operation| belongs(reviewed, dropped, added);
        let candidates = operations.iter().filter(is_free).filter(belongs);
        // Of equals the first one.
        let added = candidates
            .rev()
            .max_by(|one, other| likeness(dropped, one).total_cmp(&likeness(dropped, other)));
        found.extend(added.map(|added| Rename { dropped, added }));
    }
    found
}

fn belongs(reviewed: &Reviewed<'_>, dropped: &Operation, added: &Operation) -> bool {
    let (Some(old), Some(new)) = (&dropped.table, &added.table) else { return false };
    if dropped.is_on_new_table || (dropped.spares_postgresql != added.spares_postgresql) {
        return false;
    }
    match (&dropped.act, &added.act) {
        (Act::DropTable, Act::CreateTable { columns, .. }) => {
            !is_same_name(old, new)
                && !carries_over(reviewed, new)
                && is_like_table(reviewed, old, new, columns)
        }
        (Act::DropColumn { column: Some(column) }, Act::AddColumn(Some(other))) => {
            is_same_name(old, new)
                && other.name.as_ref().is_some_and(|name| {
                    !is_same_name(name, column)
                        && (is_like_name(column, name) || is_only_pair(reviewed, old))
                })
                && !carries_over(reviewed, new)
                && is_like_column(reviewed, old, column, other)
        }
        _ => false,
    }
}

/// Whether rows go to the table in between: then somebody has thought of them.
fn carries_over(reviewed: &Reviewed<'_>, table: &str) -> bool {
    reviewed.upgrade().iter().any(|operation| match operation.act {
        Act::ChangeRows => operation.table.is_none() || operation.is_on(table),
        Act::Unknown => true,
        _ => false,
    })
}

/// Whether at least half of the columns have the same names.
fn is_like_table(
    reviewed: &Reviewed<'_>,
    old_name: &str,
    new_name: &str,
    new: &[Arc<Column>],
) -> bool {
    let before = reviewed.downgrade().iter().find_map(|operation| match &operation.act {
        Act::CreateTable { columns, .. } if operation.is_on(old_name) => Some(columns),
        _ => None,
    });
    let Some(before) = before.filter(|before| !before.is_empty()) else {
        return is_like_name(old_name, new_name) || has_only_two_tables(reviewed);
    };
    let names = |columns: &[Arc<Column>]| -> Vec<String> {
        columns.iter().filter_map(|column| column.name.clone()).collect()
    };
    let (before, after) = (names(before), names(new));
    let common = before.iter().filter(|name| after.contains(name)).count();
    // A key alone is common to all tables.
    common > 1 && 2 * common >= before.len().max(after.len())
}

fn is_like_column(reviewed: &Reviewed<'_>, table: &str, old: &str, new: &Column) -> bool {
    let before = reviewed.downgrade().iter().find_map(|operation| match &operation.act {
        Act::AddColumn(Some(column)) if operation.is_on(table) => {
            column.name.as_deref().filter(|name| is_same_name(name, old)).map(|_| &column.ty)
        }
        _ => None,
    });
    match (before, &new.ty) {
        (Some(Some(before)), Some(after)) => is_same_type(before, after),
        _ => true,
    }
}

/// Whether of the table's columns one is dropped, and one added.
fn is_only_pair(reviewed: &Reviewed<'_>, table: &str) -> bool {
    let count = |is_it: fn(&Act) -> bool| {
        reviewed.upgrade().iter().filter(|o| o.is_on(table) && is_it(&o.act)).count()
    };
    count(|act| matches!(act, Act::DropColumn { .. })) == 1
        && count(|act| matches!(act, Act::AddColumn(_))) == 1
}

/// Whether one table is dropped, and one created.
fn has_only_two_tables(reviewed: &Reviewed<'_>) -> bool {
    let count =
        |is_it: fn(&Act) -> bool| reviewed.upgrade().iter().filter(|o| is_it(&o.act)).count();
    count(|act| matches!(act, Act::DropTable)) == 1
        && count(|act| matches!(act, Act::CreateTable { .. })) == 1
}

/// How much the names of two things are alike, from 0 to 1.
fn likeness(dropped: &Operation, added: &Operation) -> f64 {
    fn name(operation: &Operation) -> &str {
        let name = match &operation.act {
            Act::DropColumn { column } => column,
            Act::AddColumn(Some(column)) => &column.name,
            _ => &operation.table,
        };
        name.as_deref().unwrap_or_default()
    }
    strsim::normalized_damerau_levenshtein(name(dropped), name(added))
}

/// Whether they share a word, or most of their letters.
fn is_like_name(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 3;
    const MOST: f64 = 0.6;
    let mut words = one.split('_').filter(|word| word.len() >= SHORTEST);
    words.any(|word| other.split('_').any(|other| word.eq_ignore_ascii_case(other)))
        || strsim::normalized_damerau_levenshtein(one, other) >= MOST
}

fn is_same_type(one: &ColumnType, other: &ColumnType) -> bool {
    (&one.name, &one.numbers, one.has_time_zone)
        == (&other.name, &other.numbers, other.has_time_zone)
}
