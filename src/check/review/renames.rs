//! What autogenerate takes for a drop and an addition, and may be a rename. Which
//! belong together one can only guess: of tables by the names of their columns, of
//! columns by their types, which the downgrade tells.

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
        let added = operations.iter().filter(is_free).find(belongs);
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
        (Act::DropTable, Act::CreateTable { columns }) => {
            !is_same_name(old, new)
                && !carries_over(reviewed, new)
                && is_like_table(reviewed, old, columns)
        }
        (Act::DropColumn { column: Some(column) }, Act::AddColumn(Some(other))) => {
            is_same_name(old, new)
                && other.name.as_ref().is_some_and(|name| !is_same_name(name, column))
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
fn is_like_table(reviewed: &Reviewed<'_>, old: &str, new: &[std::sync::Arc<Column>]) -> bool {
    let before = reviewed.downgrade().iter().find_map(|operation| match &operation.act {
        Act::CreateTable { columns } if operation.is_on(old) => Some(columns),
        _ => None,
    });
    // Nothing is known of what it was: any one may be it.
    let Some(before) = before.filter(|before| !before.is_empty()) else { return true };
    let names = |columns: &[std::sync::Arc<Column>]| -> Vec<String> {
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

fn is_same_type(one: &ColumnType, other: &ColumnType) -> bool {
    (&one.name, &one.numbers, one.has_time_zone)
        == (&other.name, &other.numbers, other.has_time_zone)
}
