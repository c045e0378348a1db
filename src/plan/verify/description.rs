//! All that a schema holds, as its catalogue has it.

use std::collections::BTreeMap;

/// Each thing by what it is called (`column users.name`), with what there is to
/// say of it (`varchar(64) not null`). Two schemas are the same if these are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDescription {
    pub things: BTreeMap<String, String>,
}

/// One thing that two schemas do not agree about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaDifference {
    pub thing: String,
    /// `None` where it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl SchemaDescription {
    /// What is otherwise in `later`, by name. Of a table that only one of them has,
    /// the table alone: its columns say no more.
    pub fn differences(&self, later: &Self) -> Vec<SchemaDifference> {
        let names = self.things.keys().chain(later.things.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort_unstable();
        names.dedup();
        let is_whole = |thing: &str| {
            let table = thing.split_once(" of ").map(|(_, table)| format!("table {table}"));
            table.is_some_and(|table| {
                self.things.contains_key(&table) != later.things.contains_key(&table)
            })
        };
        names
            .into_iter()
            .filter(|name| self.things.get(*name) != later.things.get(*name))
            .filter(|name| !is_whole(name))
            .map(|name| SchemaDifference {
                thing: name.clone(),
                before: self.things.get(name).cloned(),
                after: later.things.get(name).cloned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(things: &[(&str, &str)]) -> SchemaDescription {
        let things = things.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
        SchemaDescription { things: things.collect() }
    }

    #[test]
    fn what_came_went_and_changed_is_named_and_a_table_stands_for_its_columns() {
        let before = schema(&[
            ("column id of t", "int"),
            ("column name of t", "text"),
            ("index ix of t", "(name)"),
            ("table t", ""),
            ("column id of gone", "int"),
            ("table gone", ""),
        ]);
        let after = schema(&[
            ("column id of t", "bigint"),
            ("column name of t", "text"),
            ("table t", ""),
            ("view v", "select 1"),
        ]);
        let said = |differences: Vec<SchemaDifference>| -> Vec<String> {
            let word = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let line = |d: SchemaDifference| {
                format!("{}: {} > {}", d.thing, word(d.before), word(d.after))
            };
            differences.into_iter().map(line).collect()
        };
        assert_eq!(
            said(before.differences(&after)),
            [
                "column id of t: int > bigint",
                "index ix of t: (name) > -",
                "table gone:  > -",
                "view v: - > select 1",
            ]
        );
        assert_eq!(before.differences(&before), []);
    }
}
