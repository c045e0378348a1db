//! Raw SQL, as far as its words go.

use std::collections::BTreeSet;

/// The words of a text, in lower case: what may be names.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    split(text).map(str::to_lowercase).collect()
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
        .filter(|word| !word.is_empty())
}

/// Statements that change rows, rights or settings and no table's shape, unless
/// they call a function that does.
const DATA: &[&str] = &[
    "analyze", "comment", "commit", "delete", "explain", "grant", "insert", "lock", "merge",
    "pragma", "refresh", "reindex", "replace", "revoke", "select", "set", "show", "truncate",
    "update", "vacuum", "values", "with",
];

/// Statements that are as likely to change shapes as not.
const SHAPING: &[&str] = &["alter", "create", "drop", "rename"];

/// What stands before a bracket in statements about data.
const HARMLESS_CALLS: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array",
    "array_agg",
    "array_append",
    "array_length",
    "array_position",
    "array_remove",
    "as",
    "avg",
    "by",
    "cast",
    "ceil",
    "char_length",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "convert",
    "count",
    "current_setting",
    "current_timestamp",
    "date",
    "date_trunc",
    "datetime",
    "decimal",
    "distinct",
    "else",
    "enum_range",
    "exists",
    "extract",
    "filter",
    "floor",
    "from",
    "gen_random_uuid",
    "greatest",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "in",
    "int",
    "interval",
    "into",
    "isnull",
    "join",
    "json_agg",
    "json_array",
    "json_build_array",
    "json_build_object",
    "json_extract",
    "json_extract_path_text",
    "json_insert",
    "json_object",
    "json_remove",
    "json_set",
    "jsonb_agg",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "jsonb_set",
    "jsonb_strip_nulls",
    "jsonb_typeof",
    "lateral",
    "least",
    "left",
    "length",
    "lower",
    "lpad",
    "max",
    "md5",
    "min",
    "mod",
    "nextval",
    "not",
    "now",
    "nullif",
    "numeric",
    "on",
    "or",
    "over",
    "partition",
    "quote_ident",
    "quote_literal",
    "random",
    "randomblob",
    "regexp_match",
    "regexp_matches",
    "regexp_replace",
    "replace",
    "returning",
    "right",
    "round",
    "row",
    "row_number",
    "row_to_json",
    "rpad",
    "select",
    "setval",
    "split_part",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "then",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_regclass",
    "to_timestamp",
    "trim",
    "union",
    "unnest",
    "upper",
    "using",
    "uuid",
    "uuid_generate_v4",
    "values",
    "varchar",
    "when",
    "where",
    "with",
];

/// What can be created or altered beside tables and indexes.
const BESIDE: &[&str] = &[
    "aggregate",
    "cast",
    "domain",
    "extension",
    "function",
    "materialized",
    "operator",
    "policy",
    "procedure",
    "role",
    "rule",
    "sequence",
    "trigger",
    "type",
    "user",
    "view",
];

/// Words between `create` and what is created.
const ADJECTIVES: &[&str] = &["constraint", "definer", "or", "recursive", "replace"];

/// Whether SQL may create, drop or rename a table, a column or an index.
pub(super) fn may_change_schema(sql: &str) -> bool {
    bare(sql).split(';').any(|statement| {
        let words: Vec<String> = split(statement).map(str::to_lowercase).collect();
        let is = |list: &[&str], word: &String| list.contains(&word.as_str());
        let Some(first) = words.first() else { return false };
        if is(DATA, first) {
            return words.iter().any(|word| is(SHAPING, word)) || calls_unknown(statement);
        }
        let shaped = words.iter().skip(1).find(|word| !is(ADJECTIVES, word));
        let is_beside = matches!(first.as_str(), "create" | "alter" | "drop")
            && shaped.is_some_and(|word| is(BESIDE, word));
        !is_beside
    })
}

/// Whether a statement calls a function of which nothing is known.
fn calls_unknown(statement: &str) -> bool {
    statement.match_indices('(').any(|(at, _)| {
        let mut before = split_keeping_dots(&statement[..at]).rev();
        let is_adjacent = !statement[..at].trim_end().ends_with(|c: char| !is_name(c));
        let (name, word) = (before.next().unwrap_or_default(), before.next().unwrap_or_default());
        // `insert into a (b, c)` names columns.
        let is_call = is_adjacent && !word.eq_ignore_ascii_case("into");
        is_call && !HARMLESS_CALLS.contains(&name.to_lowercase().as_str())
    })
}

fn split_keeping_dots(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !is_name(c)).filter(|word| !word.is_empty())
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

/// What a `DROP` may name without any row being lost.
const LOSES_NOTHING: &[&str] = &[
    "aggregate",
    "check",
    "constraint",
    "default",
    "domain",
    "expression",
    "extension",
    "foreign",
    "function",
    "identity",
    "index",
    "key",
    "materialized",
    "not",
    "policy",
    "primary",
    "procedure",
    "rule",
    "trigger",
    "type",
    "view",
];

/// Whether SQL drops or deletes what no downgrade brings back.
pub(super) fn is_destructive(sql: &str) -> bool {
    let sql = bare(sql);
    let words: Vec<String> = split(&sql).map(str::to_lowercase).collect();
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).map_or("", |at| words[at].as_str());
        let after = words.get(at + 1).map_or("", String::as_str);
        match word.as_str() {
            "truncate" => true,
            // `ON DELETE CASCADE`, and triggers.
            "delete" => !matches!(before, "on" | "before" | "after" | "or"),
            "drop" => !LOSES_NOTHING.contains(&after),
            _ => false,
        }
    })
}

/// SQL without comments and without what stands in quotes.
fn bare(sql: &str) -> String {
    const MARKS: [(&str, &str); 3] = [("--", "\n"), ("/*", "*/"), ("'", "'")];
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    let first = |rest: &str| {
        let found = MARKS.iter().filter_map(|mark| Some((rest.find(mark.0)?, *mark)));
        found.min_by_key(|(at, _)| *at)
    };
    while let Some((at, (start, end))) = first(rest) {
        text.push_str(&rest[..at]);
        text.push(' ');
        rest = &rest[at + start.len()..];
        rest = rest.find(end).map_or("", |length| &rest[length + end.len()..]);
    }
    text.push_str(rest);
    text
}

/// Words after which a table is named.
const BEFORE_TABLES: &[&str] = &["exists", "into", "only", "schema", "table", "to"];

/// Whether `hole` stands where SQL names a table.
pub(super) fn has_table_in(sql: &str, hole: &str) -> bool {
    bare(sql).split(';').any(|statement| {
        statement.match_indices(hole).any(|(at, _)| {
            let before = statement[..at].trim_end_matches(['"', '`', '[', ' ', '\n', '\t', '\r']);
            let is_name = before.ends_with(['.', '_']);
            let word = split(before).last().unwrap_or_default().to_lowercase();
            word.is_empty() || is_name || BEFORE_TABLES.contains(&word.as_str())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_data_are_told_from_changes_of_the_schema() {
        for sql in [
            "UPDATE users SET name = 'x' WHERE id IN (SELECT id FROM old)",
            "-- drop it\nINSERT INTO a VALUES (1); DELETE FROM b;",
            "CREATE EXTENSION IF NOT EXISTS pgcrypto",
            "CREATE OR REPLACE FUNCTION f() RETURNS trigger",
            "ALTER TYPE status ADD VALUE 'new'",
            "/* alter */ truncate users",
            "SELECT count(*) FROM a WHERE b IN (1, 2)",
            "INSERT INTO a (b, c) SELECT x, lower(y) FROM d ON CONFLICT DO NOTHING",
            "UPDATE a SET b = 'drop (it)', c = 'it''s fine (now)'",
            "WITH x AS (SELECT 1) UPDATE a SET b = (SELECT max(y) FROM x)",
        ] {
            assert!(!may_change_schema(sql), "{sql}");
        }
        for sql in [
            "CREATE TABLE a (b int)",
            "create unique index i on a (b)",
            "UPDATE a SET b = 1; ALTER TABLE a RENAME TO c",
            "SELECT create_hypertable('a', 'b')",
            "DO $$ BEGIN DROP TABLE a; END $$",
            "WITH x AS (SELECT 1) SELECT f()",
            "drop schema s cascade",
            "SELECT AddGeometryColumn('a', 'b')",
            "INSERT INTO a SELECT f(x) FROM b",
        ] {
            assert!(may_change_schema(sql), "{sql}");
        }
    }

    #[test]
    fn holes_are_told_by_what_stands_before_them() {
        for sql in
            ["?", "DROP TABLE ?", "alter table if exists \"?\" add b", "alter table a.?", "x; ? y"]
        {
            assert!(has_table_in(sql, "?"), "{sql}");
        }
        for sql in
            ["ALTER TABLE a ALTER b TYPE ?", "ALTER TABLE a ADD CHECK (b = ?)", "DROP TABLE a -- ?"]
        {
            assert!(!has_table_in(sql, "?"), "{sql}");
        }
    }

    #[test]
    fn what_loses_rows_is_destructive() {
        for sql in [
            "DROP TABLE a",
            "alter table a drop b",
            "ALTER TABLE a DROP COLUMN b",
            "delete from a",
            "TRUNCATE a",
        ] {
            assert!(is_destructive(sql), "{sql}");
        }
        for sql in [
            "ALTER TABLE a DROP CONSTRAINT b",
            "ALTER TABLE a ALTER b DROP NOT NULL",
            "CREATE TABLE a (b int REFERENCES c ON DELETE CASCADE)",
            "DROP INDEX a",
            "UPDATE a SET b = 1 -- drop",
        ] {
            assert!(!is_destructive(sql), "{sql}");
        }
    }
}
