//! Whether two scripts have a hand in the same thing, so that it matters which
//! of them runs first. Of what only Python or the database could tell, that is said.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::super::Span;
use super::operation::{Act, FunctionOperations, Operation};
use super::sql::words;
use super::touches::key;

/// A thing in a schema, by the name that is compared: in lower case and without
/// its schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    Table(String),
    Column { table: String, column: String },
    Index(String),
    Constraint(String),
    Type(String),
}

/// As a sentence names it.
impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table `{table}`"),
            Self::Column { table, column } => write!(f, "column `{table}.{column}`"),
            Self::Index(name) => write!(f, "index `{name}`"),
            Self::Constraint(name) => write!(f, "constraint `{name}`"),
            Self::Type(name) => write!(f, "type `{name}`"),
        }
    }
}

/// Where an operation stands in its script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based.
    pub line: u32,
    pub span: Span,
}

/// Two operations with a hand in the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    pub thing: Thing,
    pub one: Place,
    pub other: Place,
}

/// What the operations of two functions are to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// In either order they come to the same.
    Independent,
    /// The first pair of operations for each thing.
    Meet(Vec<Meeting>),
    /// They meet nowhere that can be seen, and may all the same.
    Unknown,
}

/// What a function has a hand in.
#[derive(Clone, Debug, Default)]
pub struct Hands {
    hands: Vec<Hand>,
    /// By what operations change and by what they mention.
    by_word: HashMap<String, Vec<usize>>,
    /// It may do more than its operations say.
    is_opaque: bool,
}

/// What one operation has a hand in.
#[derive(Clone, Debug)]
struct Hand {
    place: Place,
    /// What it creates, alters or drops.
    things: Vec<Thing>,
    /// Those that are there or have their name only before it, or only after it: who
    /// mentions such a thing meets it, too.
    lasting: Vec<Thing>,
    table: Option<String>,
    words: BTreeSet<String>,
    /// What it does to `table` is not all known.
    is_vague: bool,
}

impl Hands {
    /// What a function of the script `bytes` has a hand in.
    pub fn of(function: &FunctionOperations, bytes: &[u8]) -> Self {
        let hands: Vec<Hand> =
            function.operations.iter().map(|operation| Hand::of(operation, bytes)).collect();
        let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, hand) in hands.iter().enumerate() {
            for word in hand.all_words() {
                by_word.entry(word.to_owned()).or_default().push(at);
            }
        }
        let unknown = |operation: &Operation| operation.act == Act::Unknown;
        let is_opaque = function.is_opaque || function.operations.iter().any(unknown);
        Self { hands, by_word, is_opaque }
    }

    /// What the two are to each other.
    pub fn relation(&self, other: &Self) -> Relation {
        let mut meetings: Vec<Meeting> = Vec::new();
        let mut is_vague = false;
        for hand in &self.hands {
            for at in other.near(hand) {
                let their = &other.hands[at];
                is_vague |= hand.is_on_table_of(their) && (hand.is_vague || their.is_vague);
                for thing in hand.common(their) {
                    if meetings.iter().all(|known| known.thing != thing) {
                        let (one, other) = (hand.place.clone(), their.place.clone());
                        meetings.push(Meeting { thing, one, other });
                    }
                }
            }
        }
        let does_nothing = |hands: &Self| hands.hands.is_empty() && !hands.is_opaque;
        match meetings.is_empty() {
            false => Relation::Meet(meetings),
            true if does_nothing(self) || does_nothing(other) => Relation::Independent,
            true if is_vague || self.is_opaque || other.is_opaque => Relation::Unknown,
            true => Relation::Independent,
        }
    }

    /// The operations with a word in common.
    fn near(&self, hand: &Hand) -> BTreeSet<usize> {
        hand.all_words().filter_map(|word| self.by_word.get(word)).flatten().copied().collect()
    }
}

impl Hand {
    fn of(operation: &Operation, bytes: &[u8]) -> Self {
        let table = operation.table.as_deref().map(key);
        let (things, lasting) = things_of(&operation.act, table.as_deref());
        let text = match &operation.sql {
            Some(sql) => words(sql),
            None => words(&String::from_utf8_lossy(
                bytes.get(operation.span.clone()).unwrap_or_default(),
            )),
        };
        Self {
            place: Place { line: operation.line, span: operation.span.clone() },
            things,
            lasting,
            table,
            words: text,
            is_vague: is_vague(&operation.act),
        }
    }

    fn all_words(&self) -> impl Iterator<Item = &str> {
        let names = self.things.iter().flat_map(|thing| match thing {
            Thing::Table(name)
            | Thing::Index(name)
            | Thing::Constraint(name)
            | Thing::Type(name) => [Some(name.as_str()), None],
            Thing::Column { table, column } => [Some(table.as_str()), Some(column.as_str())],
        });
        let all = names.flatten().chain(self.table.as_deref());
        let unique: BTreeSet<&str> = all.chain(self.words.iter().map(String::as_str)).collect();
        unique.into_iter()
    }

    fn is_on_table_of(&self, other: &Self) -> bool {
        self.table.is_some() && self.table == other.table
    }

    /// The things in which both have a hand.
    fn common(&self, other: &Self) -> Vec<Thing> {
        let both = self.things.iter().filter(|thing| other.things.contains(thing));
        let mine = self.lasting.iter().filter(|thing| other.mentions(thing));
        let theirs = other.lasting.iter().filter(|thing| self.mentions(thing));
        let mut found: Vec<Thing> = both.chain(mine).chain(theirs).cloned().collect();
        // Of a table that comes or goes, its columns say no more.
        let whole = found.iter().find(|thing| matches!(thing, Thing::Table(_))).cloned();
        if let Some(Thing::Table(whole)) = whole {
            found.retain(|thing| !matches!(thing, Thing::Column { table, .. } if *table == whole));
        }
        found
    }

    fn mentions(&self, thing: &Thing) -> bool {
        let is_on = |name: &str| self.table.as_deref() == Some(name) || self.words.contains(name);
        match thing {
            Thing::Table(table) => is_on(table),
            Thing::Column { table, column } => {
                // A foreign key names another table beside its own.
                is_on(table)
                    && self.table.as_ref().is_none_or(|own| own == table)
                    && self.words.contains(column)
            }
            Thing::Index(name) | Thing::Constraint(name) | Thing::Type(name) => {
                self.words.contains(name)
            }
        }
    }
}

/// Whether an operation may do more to its table than its arguments say.
fn is_vague(act: &Act) -> bool {
    match act {
        // Rows that are read for others may have been changed by them.
        Act::InsertRows
        | Act::ChangeRows
        | Act::Shape { .. }
        | Act::Unknown
        | Act::AddColumn(None) => true,
        Act::DropColumn { column } => column.is_none(),
        Act::AlterColumn(change) => change.column.is_none(),
        _ => false,
    }
}

/// What an operation creates, alters or drops, and what of it is there or has its
/// name on one side of it only.
fn things_of(act: &Act, table: Option<&str>) -> (Vec<Thing>, Vec<Thing>) {
    let whole = |name: Option<&str>| name.map(|name| Thing::Table(key(name)));
    let column = |name: Option<&String>| {
        let (table, column) = (table?.to_owned(), name?.to_lowercase());
        Some(Thing::Column { table, column })
    };
    let lasting = |things: Vec<Option<Thing>>| {
        let things: Vec<Thing> = things.into_iter().flatten().collect();
        (things.clone(), things)
    };
    let plain = |thing: Option<Thing>| (thing.into_iter().collect(), Vec::new());
    match act {
        // Gone with the connection.
        Act::CreateTable { is_temporary: true, .. } => (Vec::new(), Vec::new()),
        Act::CreateTable { columns, .. } => {
            let types = columns.iter().filter_map(|column| {
                let of = column.ty.as_ref()?.enumeration.as_ref()?;
                Some(Thing::Type(key(of.name.as_ref().filter(|_| of.comes_with_table)?)))
            });
            let mut things: Vec<Thing> = whole(table).into_iter().collect();
            let lasting = things.clone();
            things.extend(types);
            (things, lasting)
        }
        Act::DropTable => lasting(vec![whole(table)]),
        Act::RenameTable { to } => lasting(vec![whole(table), whole(to.as_deref())]),
        Act::AddColumn(new) => {
            lasting(vec![column(new.as_ref().and_then(|new| new.name.as_ref()))])
        }
        Act::DropColumn { column: name } => lasting(vec![column(name.as_ref())]),
        Act::AlterColumn(change) if change.new_name.is_some() => {
            lasting(vec![column(change.column.as_ref()), column(change.new_name.as_ref())])
        }
        Act::AlterColumn(change) => plain(column(change.column.as_ref())),
        Act::CreateIndex { index, .. } | Act::DropIndex { index, .. } => {
            plain(index.as_deref().map(|index| Thing::Index(key(index))))
        }
        Act::AddConstraint { name, .. } | Act::DropConstraint { name, .. } => {
            plain(name.as_deref().map(|name| Thing::Constraint(key(name))))
        }
        Act::CreateType(of) => plain(of.name.as_deref().map(|name| Thing::Type(key(name)))),
        Act::DropType { name } => lasting(vec![name.as_deref().map(|name| Thing::Type(key(name)))]),
        Act::RenameType { name, to } => {
            lasting(vec![Some(Thing::Type(key(name))), Some(Thing::Type(key(to)))])
        }
        Act::AddValue { of, .. } => plain(Some(Thing::Type(key(of)))),
        Act::ValidateConstraint
        | Act::InsertRows
        | Act::ChangeRows
        | Act::Shape { .. }
        | Act::Commit
        | Act::Unknown => (Vec::new(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_operations;
    use super::*;

    fn hands(body: &str) -> Hands {
        let script = format!(
            "import sqlalchemy as sa\nfrom alembic import op\n\ndef upgrade():\n    {}\n",
            body.replace('\n', "\n    ")
        );
        let operations = read_operations(script.as_bytes()).expect("Python");
        Hands::of(&operations.upgrade, script.as_bytes())
    }

    /// The same must be said from either side.
    #[track_caller]
    fn check(one: &str, other: &str, expected: &str) {
        let shown = |relation: Relation| match relation {
            Relation::Independent => "independent".to_owned(),
            Relation::Unknown => "unknown".to_owned(),
            Relation::Meet(meetings) => {
                let mut things: Vec<String> =
                    meetings.iter().map(|meeting| meeting.thing.to_string()).collect();
                things.sort();
                things.join(", ")
            }
        };
        assert_eq!(shown(hands(one).relation(&hands(other))), expected, "{one}\n{other}");
        assert_eq!(shown(hands(other).relation(&hands(one))), expected, "{other}\n{one}");
    }

    const ADD: &str = "op.add_column('users', sa.Column('age', sa.Integer()))";
    const DROP: &str = "op.drop_column('users', 'name')";

    #[test]
    fn different_columns_of_one_table_are_independent() {
        check(ADD, DROP, "independent");
        check(ADD, "op.create_index('ix_mail', 'users', ['mail'])", "independent");
        check(ADD, "op.create_table('t', sa.Column('age', sa.Integer()))", "independent");
        check(ADD, "pass", "independent");
        check("op.execute('x')", "pass", "independent");
    }

    #[test]
    fn the_same_column_meets_however_it_is_written() {
        check(ADD, "op.add_column('Users', sa.Column('AGE', sa.Text()))", "column `users.age`");
        check(DROP, "op.execute('ALTER TABLE app.users DROP COLUMN name')", "column `users.name`");
        let batch = "with op.batch_alter_table('users') as batch:\n    batch.";
        check(DROP, &format!("{batch}alter_column('name', nullable=True)"), "column `users.name`");
        check(
            "op.alter_column('users', 'nick', new_column_name='name')",
            DROP,
            "column `users.name`",
        );
    }

    #[test]
    fn who_needs_what_another_drops_meets_it() {
        check(DROP, "op.create_index('ix', 'users', ['name'])", "column `users.name`");
        check(DROP, "op.create_index('ix', 'others', ['name'])", "independent");
        check(DROP, "op.execute('UPDATE users SET name = 1')", "column `users.name`");
        let drop_table = "op.drop_table('users')";
        check(drop_table, ADD, "table `users`");
        check(drop_table, DROP, "table `users`");
        let key = "op.create_foreign_key('fk', 'orders', 'users', ['user_id'], ['id'])";
        check(drop_table, key, "table `users`");
        check("op.rename_table('users', 'people')", ADD, "table `users`");
        let table = "op.create_table('x', sa.Column('u', sa.ForeignKey('users.id')))";
        check(drop_table, table, "table `users`");
    }

    #[test]
    fn names_of_indexes_constraints_and_types_are_taken_once() {
        check(
            "op.create_index('ix', 'a', ['x'])",
            "op.create_index('ix', 'b', ['x'])",
            "index `ix`",
        );
        check(
            "op.create_unique_constraint('uq', 'a', ['x'])",
            "op.drop_constraint('uq', 'a')",
            "constraint `uq`",
        );
        check(
            "op.create_table('t', sa.Column('s', sa.Enum('a', name='state')))",
            "op.execute(\"ALTER TYPE state ADD VALUE 'b'\")",
            "type `state`",
        );
    }

    #[test]
    fn both_create_it() {
        let create = "op.create_table('t', sa.Column('id', sa.Integer()))";
        check(create, create, "table `t`");
        check(create, "op.rename_table('old', 't')", "table `t`");
        check(create, "op.create_table('u', sa.Column('id', sa.Integer()))", "independent");
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_unknown() {
        check(ADD, "op.execute(build())", "unknown");
        check(ADD, "op.add_column(table(), sa.Column('age', sa.Integer()))", "unknown");
        // Rows may be made of what the other one changes.
        check(ADD, "op.execute('UPDATE users SET mail = 1')", "unknown");
        check(
            DROP,
            "op.execute('SELECT f()')\nop.drop_column('users', 'name')",
            "column `users.name`",
        );
    }
}
