//! What raw SQL does, said as the operations say it. Statements are read by
//! their first words; what is not known by those is left out or unknown.

use std::sync::Arc;

use super::operation::{Act, Alteration, Column, ColumnType, Constraint, Enumeration};

/// One thing that a statement does, and the table that it does it to.
pub(super) type SqlAct = (Option<String>, Act);

/// What the statements of a text do, in order.
pub(super) fn acts(sql: &str) -> Vec<SqlAct> {
    let tokens = tokens(sql);
    tokens
        .split(|token| *token == Token::Mark(';'))
        .flat_map(|statement| Cursor { tokens: statement }.statement())
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'s> {
    /// A word, a number, or a name with all its dots, without quotes.
    Word(String),
    /// What stands in single quotes, or between dollars.
    Text(&'s str),
    Mark(char),
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut rest = sql;
    // Whether the next word goes on with a name: `s.` or `"s".`
    let mut goes_on = false;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = comment_length(rest) {
            rest = &rest[comment..];
            continue;
        }
        let (token, length) = match first {
            '\'' => quoted(rest, "'", Token::Text),
            '$' if dollar(rest).is_some() => quoted(rest, dollar(rest).unwrap_or("$"), Token::Text),
            '"' => quoted(rest, "\"", |text| Token::Word(text.to_owned())),
            '`' => quoted(rest, "`", |text| Token::Word(text.to_owned())),
            _ if is_name(first) => {
                let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => (Token::Mark(first), first.len_utf8()),
        };
        rest = &rest[length..];
        match (token, found.last_mut()) {
            (Token::Mark('.'), Some(Token::Word(_))) => goes_on = true,
            (Token::Word(word), Some(Token::Word(before))) if goes_on => {
                before.push('.');
                before.push_str(&word);
                goes_on = false;
            }
            (Token::Mark(mark), _) if mark.is_whitespace() => goes_on = false,
            (token, _) => {
                goes_on = false;
                found.push(token);
            }
        }
    }
    found
}

fn comment_length(text: &str) -> Option<usize> {
    let end = |mark: &str| text.find(mark).map_or(text.len(), |at| at + mark.len());
    match text.as_bytes() {
        [b'-', b'-', ..] => Some(end("\n")),
        [b'/', b'*', ..] => Some(end("*/")),
        _ => None,
    }
}

/// `$$` or `$tag$`, at the beginning of a text.
fn dollar(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 2;
    let is_tag = text[1..end - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    is_tag.then_some(&text[..end])
}

fn quoted<'s>(
    text: &'s str,
    mark: &str,
    token: impl FnOnce(&'s str) -> Token<'s>,
) -> (Token<'s>, usize) {
    let inside = &text[mark.len()..];
    match inside.find(mark) {
        Some(end) => (token(&inside[..end]), end + 2 * mark.len()),
        None => (token(inside), text.len()),
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A statement that is being read.
#[derive(Clone, Copy)]
struct Cursor<'t, 's> {
    tokens: &'t [Token<'s>],
}

impl Cursor<'_, '_> {
    fn statement(mut self) -> Vec<SqlAct> {
        let Some(Token::Word(first)) = self.tokens.first() else { return Vec::new() };
        let first = first.to_lowercase();
        self.tokens = &self.tokens[1..];
        match first.as_str() {
            "alter" => self.alter(),
            "create" => vec![self.create()],
            "drop" => self.drop(),
            "insert" | "update" | "delete" | "truncate" | "merge" | "replace" | "copy" => {
                self.skip(&["into", "from", "table", "only", "ignore", "or", "replace"]);
                let is_written_out = first == "insert" && !self.has_any(&["select"]);
                let act = if is_written_out { Act::InsertRows } else { Act::ChangeRows };
                vec![(self.name(), act)]
            }
            "with" if self.has_any(&["insert", "update", "delete"]) => {
                vec![(None, Act::ChangeRows)]
            }
            "commit" => vec![(None, Act::Commit)],
            "select" | "with" if !self.has_call() => Vec::new(),
            "analyze" | "begin" | "comment" | "explain" | "grant" | "lock" | "pragma"
            | "refresh" | "reindex" | "revoke" | "rollback" | "set" | "show" | "vacuum"
            | "values" => Vec::new(),
            _ => vec![(None, Act::Unknown)],
        }
    }

    fn alter(mut self) -> Vec<SqlAct> {
        if self.take("table") {
            self.skip(&["if", "exists", "only"]);
            let table = self.name();
            let mut acts: Vec<SqlAct> = Vec::new();
            for action in self.actions() {
                acts.push((table.clone(), action.alter_table()));
            }
            return acts;
        }
        if self.take("type") {
            return vec![(None, self.alter_type())];
        }
        vec![(None, self.shape("alter"))]
    }

    /// The parts between commas that stand in no bracket.
    fn actions(&self) -> Vec<Self> {
        let mut depth = 0;
        self.tokens
            .split(|token| {
                depth += i32::from(*token == Token::Mark('('));
                depth -= i32::from(*token == Token::Mark(')'));
                depth == 0 && *token == Token::Mark(',')
            })
            .map(|tokens| Self { tokens })
            .collect()
    }

    fn alter_table(mut self) -> Act {
        let whole = self;
        let Some(verb) = self.word() else { return Act::Unknown };
        match verb.as_str() {
            "add" => self.add(),
            "drop" if self.is_constraint() => {
                self.skip(&["constraint", "if", "exists", "foreign", "key", "primary"]);
                Act::DropConstraint { name: self.name(), kind: None }
            }
            "drop" if self.take("index") || self.take("key") => {
                Act::DropIndex { index: self.name(), is_concurrent: false }
            }
            "drop" => {
                self.skip(&["column", "if", "exists"]);
                Act::DropColumn { column: self.name() }
            }
            "alter" => {
                self.skip(&["column"]);
                Act::AlterColumn(Alteration { column: self.name(), ..self.alteration() })
            }
            "rename" if self.take("to") => Act::RenameTable { to: self.name() },
            "rename" if self.is_constraint() || self.is("index") => whole.shape("alter table"),
            "rename" => {
                self.skip(&["column"]);
                let column = self.name();
                self.skip(&["to"]);
                let new_name = self.name();
                Act::AlterColumn(Alteration { column, new_name, ..Alteration::default() })
            }
            "validate" => Act::ValidateConstraint,
            _ => whole.shape("alter table"),
        }
    }

    fn is_constraint(&self) -> bool {
        ["constraint", "foreign", "primary", "unique", "check", "exclude"]
            .iter()
            .any(|word| self.is(word))
    }

    fn add(mut self) -> Act {
        if self.is_constraint() {
            let name = if self.take("constraint") { self.name() } else { None };
            let kind = match self.word().as_deref() {
                Some("foreign") => Constraint::ForeignKey,
                Some("primary") => Constraint::PrimaryKey,
                Some("unique") => Constraint::Unique,
                Some("exclude") => Constraint::Exclude,
                _ => Constraint::Check,
            };
            let is_brief = self.has_all(&["not", "valid"]) || self.has_all(&["using", "index"]);
            return Act::AddConstraint { kind, name, is_brief };
        }
        if ["index", "key", "fulltext"].iter().any(|word| self.take(word)) {
            return Act::CreateIndex { index: self.name(), is_concurrent: false };
        }
        self.skip(&["column", "if", "not", "exists"]);
        let name = self.name();
        let ty = self.ty();
        let is_serial = ty.as_ref().is_some_and(|ty| ty.name.ends_with("serial"));
        Act::AddColumn(Some(Arc::new(Column {
            name,
            is_indexed: false,
            is_primary_key: self.has_any(&["primary"]),
            is_nullable: !self.has_all(&["not", "null"]) && !self.has_any(&["primary"]),
            has_server_default: is_serial || self.has_any(&["default", "generated", "as"]),
            ty,
        })))
    }

    /// What follows `ALTER COLUMN name`.
    fn alteration(mut self) -> Alteration {
        let is_set = self.take("set");
        let is_drop = !is_set && self.take("drop");
        let mut alteration = Alteration::default();
        if self.take("not") {
            alteration.is_nullable = Some(is_drop);
        } else if self.take("default") {
            alteration.sets_default = is_set;
        } else {
            self.skip(&["data"]);
            if self.take("type") {
                alteration.ty = self.ty();
            }
        }
        alteration
    }

    fn alter_type(mut self) -> Act {
        let whole = self;
        let Some(name) = self.name() else { return Act::Unknown };
        if self.take("add") && self.take("value") {
            self.skip(&["if", "not", "exists"]);
            let [Token::Text(value), ..] = self.tokens else { return Act::Unknown };
            return Act::AddValue { of: name, value: (*value).to_owned() };
        }
        if self.take("rename") && self.take("to") {
            return self.name().map_or(Act::Unknown, |to| Act::RenameType { name, to });
        }
        whole.shape("alter type")
    }

    fn create(mut self) -> SqlAct {
        let whole = self;
        self.skip(&["unique", "unlogged", "fulltext", "global", "local"]);
        let is_temporary = self.take("temporary") || self.take("temp");
        if self.take("table") {
            self.skip(&["if", "not", "exists"]);
            return (self.name(), Act::CreateTable { columns: Vec::new(), is_temporary });
        }
        if self.take("index") {
            let is_concurrent = self.take("concurrently");
            self.skip(&["if", "not", "exists"]);
            let index = if self.is("on") { None } else { self.name() };
            self.skip(&["on", "only"]);
            return (self.name(), Act::CreateIndex { index, is_concurrent });
        }
        if self.take("type") {
            let name = self.name();
            if self.take("as") && self.take("enum") {
                let values = self.tokens.iter().filter_map(|token| match token {
                    Token::Text(value) => Some((*value).to_owned()),
                    _ => None,
                });
                let values: Vec<String> = values.collect();
                let is_known = !self.tokens.contains(&Token::Mark('?')) && !values.is_empty();
                let enumeration = Enumeration {
                    name,
                    values: is_known.then_some(values),
                    comes_with_table: false,
                };
                return (None, Act::CreateType(Arc::new(enumeration)));
            }
        }
        // `CREATE TRIGGER t AFTER INSERT ON a`
        let on = whole.words().position(|word| word.eq_ignore_ascii_case("on"));
        let table = on.and_then(|on| whole.words().nth(on + 1)).map(str::to_owned);
        (table, whole.shape("create"))
    }

    fn drop(mut self) -> Vec<SqlAct> {
        let whole = self;
        if self.take("table") {
            self.skip(&["if", "exists"]);
            let names = self.actions().into_iter().map(|mut table| table.name());
            return names.map(|table| (table, Act::DropTable)).collect();
        }
        if self.take("index") {
            let is_concurrent = self.take("concurrently");
            self.skip(&["if", "exists"]);
            return vec![(None, Act::DropIndex { index: self.name(), is_concurrent })];
        }
        if self.take("type") {
            self.skip(&["if", "exists"]);
            let names = self.actions().into_iter().map(|mut one| one.name());
            return names.map(|name| (None, Act::DropType { name })).collect();
        }
        vec![(None, whole.shape("drop"))]
    }

    /// `create trigger`
    fn shape(mut self, verb: &str) -> Act {
        const ADJECTIVES: [&str; 6] =
            ["or", "replace", "unique", "materialized", "constraint", "recursive"];
        self.skip(&ADJECTIVES);
        let noun = self.word().unwrap_or_default();
        Act::Shape { what: format!("{verb} {noun}").trim_end().to_owned() }
    }

    /// A type with what stands in its brackets.
    fn ty(&mut self) -> Option<ColumnType> {
        let name = self.word()?;
        let mut text = name.clone();
        let mut numbers = Vec::new();
        if self.tokens.first() == Some(&Token::Mark('(')) {
            let inside = self.tokens.iter().take_while(|token| **token != Token::Mark(')'));
            numbers = inside
                .filter_map(|token| match token {
                    Token::Word(word) => word.parse().ok(),
                    _ => None,
                })
                .collect();
            let shown: Vec<String> = numbers.iter().map(u32::to_string).collect();
            text += &format!("({})", shown.join(", "));
        }
        let has_time_zone =
            name == "timestamptz" || (name == "timestamp" && self.has_all(&["with", "time"]));
        Some(ColumnType { text, name, numbers, has_time_zone, enumeration: None })
    }

    fn is(&self, word: &str) -> bool {
        matches!(self.tokens.first(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.is(word);
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    fn skip(&mut self, words: &[&str]) {
        while words.iter().any(|word| self.take(word)) {}
    }

    /// The next word, in lower case.
    fn word(&mut self) -> Option<String> {
        let [Token::Word(word), rest @ ..] = self.tokens else { return None };
        self.tokens = rest;
        Some(word.to_lowercase())
    }

    /// The next word, which is a name unless it is computed.
    fn name(&mut self) -> Option<String> {
        let [Token::Word(name), rest @ ..] = self.tokens else { return None };
        self.tokens = rest;
        Some(name.clone())
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
    }

    fn has_any(&self, words: &[&str]) -> bool {
        self.words().any(|word| words.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
    }

    /// Whether these words follow each other somewhere.
    fn has_all(&self, words: &[&str]) -> bool {
        let all: Vec<&str> = self.words().collect();
        all.windows(words.len()).any(|window| {
            window.iter().zip(words).all(|(word, wanted)| word.eq_ignore_ascii_case(wanted))
        })
    }

    /// `SELECT f(..)`: whatever the function does.
    fn has_call(&self) -> bool {
        let is_first_a_call = matches!(self.tokens, [Token::Word(_), Token::Mark('('), ..]);
        const READING: [&str; 7] = ["count", "max", "min", "sum", "exists", "coalesce", "distinct"];
        is_first_a_call && !READING.iter().any(|word| self.is(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let shown = |(table, act): &SqlAct| match table {
            Some(table) => format!("{table}: {}", short(act)),
            None => short(act),
        };
        let found: Vec<String> = acts(sql).iter().map(shown).collect();
        assert_eq!(found.join("; "), expected, "{sql}");
    }

    fn short(act: &Act) -> String {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
        match act {
            Act::CreateTable { .. } => "create".to_owned(),
            Act::DropTable => "drop".to_owned(),
            Act::RenameTable { to } => format!("rename to {}", name(to)),
            Act::AddColumn(Some(column)) => {
                let null = if column.is_nullable { "" } else { " not null" };
                let default = if column.has_server_default { " default" } else { "" };
                let ty = column.ty.as_ref().map_or(String::new(), |ty| format!(" {}", ty.text));
                format!("+{}{ty}{null}{default}", name(&column.name))
            }
            Act::DropColumn { column } => format!("-{}", name(column)),
            Act::AlterColumn(change) => {
                let ty = change.ty.as_ref().map_or(String::new(), |ty| format!(" {}", ty.text));
                let to = change.new_name.as_ref().map_or(String::new(), |to| format!(" to {to}"));
                let null = match change.is_nullable {
                    None => "",
                    Some(true) => " null",
                    Some(false) => " not null",
                };
                format!("~{}{ty}{to}{null}", name(&change.column))
            }
            Act::CreateIndex { index, is_concurrent } => {
                format!("+#{}{}", name(index), if *is_concurrent { " concurrently" } else { "" })
            }
            Act::DropIndex { index, is_concurrent } => {
                format!("-#{}{}", name(index), if *is_concurrent { " concurrently" } else { "" })
            }
            Act::AddConstraint { kind, is_brief, .. } => {
                format!("{kind:?}{}", if *is_brief { " brief" } else { "" })
            }
            Act::CreateType(ty) => {
                format!(
                    "type {} {}",
                    name(&ty.name),
                    ty.values.clone().unwrap_or_default().join(" ")
                )
            }
            Act::DropType { name: of } => format!("-type {}", name(of)),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn tables_and_columns() {
        check(
            "CREATE TABLE IF NOT EXISTS s.a (x int); drop table a, \"B\"",
            "s.a: create; a: drop; B: drop",
        );
        check("alter table only a add column x varchar(10) not null", "a: +x varchar(10) not null");
        check("ALTER TABLE a ADD x int NOT NULL DEFAULT 0", "a: +x int not null default");
        check("ALTER TABLE a DROP x, DROP COLUMN IF EXISTS y", "a: -x; a: -y");
        check(
            "ALTER TABLE a ALTER COLUMN x TYPE numeric(10, 2) USING x::numeric",
            "a: ~x numeric(10, 2)",
        );
        check(
            "ALTER TABLE a ALTER x SET NOT NULL, ALTER y DROP NOT NULL",
            "a: ~x not null; a: ~y null",
        );
        check(
            "ALTER TABLE a RENAME TO b; ALTER TABLE a RENAME COLUMN x TO y",
            "a: rename to b; a: ~x to y",
        );
        check("ALTER TABLE a ALTER x SET DEFAULT now()", "a: ~x");
    }

    #[test]
    fn indexes_and_constraints() {
        check("CREATE UNIQUE INDEX CONCURRENTLY i ON a (x)", "a: +#i concurrently");
        check("create index on a (x)", "a: +#?");
        check("DROP INDEX CONCURRENTLY IF EXISTS i", "-#i concurrently");
        check(
            "ALTER TABLE a ADD CONSTRAINT fk FOREIGN KEY (x) REFERENCES b NOT VALID",
            "a: ForeignKey brief",
        );
        check("ALTER TABLE a ADD CHECK (x > 0)", "a: Check");
        check("ALTER TABLE a ADD CONSTRAINT u UNIQUE USING INDEX i", "a: Unique brief");
        check("ALTER TABLE a VALIDATE CONSTRAINT fk", "a: ValidateConstraint");
    }

    #[test]
    fn types() {
        check("CREATE TYPE t AS ENUM ('a', 'b')", "type t a b");
        check("CREATE TYPE t AS ENUM ( ? )", "type t ");
        check("DROP TYPE IF EXISTS t", "-type t");
        check(
            "ALTER TYPE s.t ADD VALUE IF NOT EXISTS 'c' AFTER 'b'",
            "AddValue { of: \"s.t\", value: \"c\" }",
        );
        check("ALTER TYPE t RENAME TO t_old", "RenameType { name: \"t\", to: \"t_old\" }");
    }

    proptest::proptest! {
        #[test]
        fn no_words_make_it_panic(words in proptest::collection::vec(proptest::sample::select(vec![
            "alter ", "table ", "a", " add ", " drop ", "column ", "create ", "type ", "enum", "(", ")", ",",
            ";", "'", "\"", "`", "$", "$$", "--", "/*", "*/", ".", "\n", "index ", "on ", " set ", "not ",
            "null", " rename ", "to ", "with ", "select ", "f(", "é", "?", "value ",
        ]), 0..40)) {
            acts(&words.concat());
        }
    }

    #[test]
    fn rows_and_the_rest() {
        check("UPDATE a SET x = 'drop; table' -- ;\n WHERE y", "a: ChangeRows");
        check("INSERT INTO a VALUES (1)", "a: InsertRows");
        check("CREATE TEMP TABLE a AS SELECT 1", "a: create");
        check("insert into \"s\".\"a\" select 1", "s.a: ChangeRows");
        check("WITH x AS (SELECT 1) UPDATE a SET b = 1", "ChangeRows");
        check("SELECT count(*) FROM a; SET lock_timeout = '2s'", "");
        check("SELECT create_hypertable('a', 'b')", "Unknown");
        check("DO $$ BEGIN DROP TABLE a; END $$", "Unknown");
        check("COMMIT", "Commit");
        check(
            "CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $f$ x; y $f$",
            "Shape { what: \"create function\" }",
        );
        check(
            "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
            "a: Shape { what: \"alter table enable\" }",
        );
        check("", "");
    }
}
