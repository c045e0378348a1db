//! Migrations that run: each changes a small model of a schema by one or two of
//! alembic's operations, written in one of the ways in which people write them.

use std::fmt::Write as _;

use crate::support::Random;

/// What the migrations run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

#[derive(Clone, Debug)]
struct Table {
    name: String,
    columns: Vec<Column>,
    indexes: Vec<(String, String)>,
    /// Kind as `drop_constraint` wants it, name, column.
    constraints: Vec<(&'static str, String, String)>,
    /// Other tables point here, or this one points there.
    is_bound: bool,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    is_text: bool,
    is_nullable: bool,
    /// Of a named type, which stays what it is.
    is_enum: bool,
}

/// A chain of migrations.
pub struct Migrations {
    kind: Kind,
    random: Random,
    tables: Vec<Table>,
    /// Types that nothing uses.
    types: Vec<String>,
    names: usize,
}

/// The lines of an operation; `None` if the schema has no place for it.
type Operation = fn(&mut Migrations) -> Option<Vec<String>>;

/// What can be done to a schema.
const OPERATIONS: &[Operation] = &[
    Migrations::create_table,
    Migrations::create_table,
    Migrations::drop_table,
    Migrations::rename_table,
    Migrations::add_column,
    Migrations::add_column,
    Migrations::drop_column,
    Migrations::alter_column,
    Migrations::alter_column,
    Migrations::create_index,
    Migrations::create_index,
    Migrations::drop_index,
    Migrations::create_unique_constraint,
    Migrations::create_check_constraint,
    Migrations::create_foreign_key,
    Migrations::create_primary_key,
    Migrations::create_exclude_constraint,
    Migrations::drop_constraint,
    Migrations::table_comment,
    Migrations::rows,
    Migrations::raw_sql,
    Migrations::create_type,
    Migrations::drop_type,
    Migrations::by_a_loop,
    Migrations::by_a_function,
    Migrations::computed,
];

impl Migrations {
    pub fn new(kind: Kind, random: Random) -> Self {
        Self { kind, random, tables: Vec::new(), types: Vec::new(), names: 0 }
    }

    /// The next script, which is sure to run after the one before.
    pub fn next(&mut self, id: &str, down: Option<&str>) -> String {
        let (mut lines, wanted) = (Vec::new(), 1 + self.random.below(2));
        while lines.len() < wanted {
            let operation = *self.random.pick(OPERATIONS);
            if let Some(operation) = operation(self) {
                lines.push(operation.join("\n    "));
            }
        }
        let down = down.map_or("None".to_owned(), |down| format!("'{down}'"));
        format!(
            "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{id}'\n\
             down_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\n\
             def upgrade():\n    {}\n\n\ndef downgrade():\n    pass\n",
            lines.join("\n    ")
        )
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}_{}", self.names)
    }

    /// The place of a table for which `is_wanted`.
    fn table(&mut self, is_wanted: impl Fn(&Table) -> bool) -> Option<usize> {
        let wanted = |(at, table): (usize, &Table)| is_wanted(table).then_some(at);
        let found: Vec<usize> = self.tables.iter().enumerate().filter_map(wanted).collect();
        (!found.is_empty()).then(|| *self.random.pick(&found))
    }

    /// A column that nothing else hangs on.
    fn free_column(&mut self, table: usize) -> Option<usize> {
        let of = &self.tables[table];
        let is_free = |name: &str| {
            of.indexes.iter().all(|(_, column)| column != name)
                && of.constraints.iter().all(|(_, _, column)| column != name)
        };
        let columns = of.columns.iter().enumerate().skip(1);
        let found: Vec<usize> =
            columns.filter(|(_, c)| !c.is_enum && is_free(&c.name)).map(|(at, _)| at).collect();
        (!found.is_empty()).then(|| *self.random.pick(&found))
    }

    /// A column that has a place for an index: neither text nor `id`.
    fn number(&mut self, table: usize) -> Option<String> {
        let columns = self.tables[table].columns.iter().skip(1);
        let found: Vec<String> =
            columns.filter(|c| !c.is_text && !c.is_enum).map(|c| c.name.clone()).collect();
        (!found.is_empty()).then(|| self.random.pick(&found).clone())
    }

    /// An operation on a table: plain, or in a batch; SQLite needs the latter for most.
    fn on(&mut self, table: &str, plain: &str, batch: &str, needs_batch: bool) -> Vec<String> {
        let is_batch = (self.kind == Kind::Sqlite && needs_batch) || self.random.chance(25);
        if !is_batch {
            return vec![format!("op.{plain}")];
        }
        let opening = match self.random.below(3) {
            0 => format!("with op.batch_alter_table(table_name='{table}') as batch:"),
            1 => format!("with op.batch_alter_table('{table}', schema=None) as batch:"),
            _ => format!("with op.batch_alter_table('{table}') as batch:"),
        };
        vec![opening, format!("    batch.{batch}")]
    }

    fn create_table(&mut self) -> Option<Vec<String>> {
        let name = self.name("table");
        let mut table = Table {
            name: name.clone(),
            columns: vec![Column {
                name: "id".to_owned(),
                is_text: false,
                is_nullable: false,
                is_enum: false,
            }],
            indexes: Vec::new(),
            constraints: Vec::new(),
            is_bound: false,
        };
        // PostgreSQL would make a sequence, which keeps its name when the table is renamed.
        let id = "sa.Column('id', sa.Integer(), primary_key=True, autoincrement=False)";
        let mut parts = vec![id.to_owned()];
        for _ in 0..1 + self.random.below(4) {
            let column = self.name("column");
            let is_text = self.random.chance(30);
            let is_nullable = self.random.chance(80);
            let ty = if is_text { "sa.String(40)" } else { "sa.Integer()" };
            let index = !is_text && self.random.chance(15);
            let null = if is_nullable { "" } else { ", nullable=False, server_default='0'" };
            let indexed = if index { ", index=True" } else { "" };
            if index {
                table.indexes.push((format!("ix_{name}_{column}"), column.clone()));
            }
            parts.push(format!("sa.Column('{column}', {ty}{null}{indexed})"));
            table.columns.push(Column { name: column, is_text, is_nullable, is_enum: false });
        }
        if self.random.chance(25) {
            let (column, ty) = (self.name("column"), self.name("kind"));
            parts.push(format!("sa.Column('{column}', sa.Enum('a', 'b', name='{ty}'))"));
            let (is_text, is_nullable, is_enum) = (true, true, true);
            table.columns.push(Column { name: column, is_text, is_nullable, is_enum });
        }
        if self.random.chance(25)
            && let Some(target) = self.table(|_| true)
        {
            let (column, key) = (self.name("column"), self.name("fk"));
            let target = &mut self.tables[target];
            target.is_bound = true;
            table.is_bound = true;
            parts.push(format!("sa.Column('{column}', sa.Integer())"));
            parts.push(format!(
                "sa.ForeignKeyConstraint(['{column}'], ['{}.id'], name='{key}')",
                target.name
            ));
            table.constraints.push(("foreignkey", key, column.clone()));
            let (is_text, is_nullable, is_enum) = (false, true, false);
            table.columns.push(Column { name: column, is_text, is_nullable, is_enum });
        }
        self.tables.push(table);
        Some(vec![format!("op.create_table('{name}', {})", parts.join(", "))])
    }

    fn drop_table(&mut self) -> Option<Vec<String>> {
        let table = self.table(|table| !table.is_bound)?;
        let table = self.tables.remove(table).name;
        Some(vec![match self.random.below(3) {
            0 => format!("op.drop_table(table_name='{table}')"),
            1 => format!("op.execute('DROP TABLE {table}')"),
            _ => format!("op.drop_table('{table}')"),
        }])
    }

    fn rename_table(&mut self) -> Option<Vec<String>> {
        let at = self.table(|table| !table.is_bound)?;
        let new = self.name("table");
        let old = std::mem::replace(&mut self.tables[at].name, new.clone());
        Some(vec![match self.random.chance(50) {
            true => format!("op.rename_table('{old}', '{new}')"),
            false => format!("op.rename_table(new_table_name='{new}', old_table_name='{old}')"),
        }])
    }

    fn add_column(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let (table, column) = (self.tables[at].name.clone(), self.name("column"));
        let is_text = self.random.chance(30);
        let ty = if is_text { "sa.String(40)" } else { "sa.Integer()" };
        let is_nullable = self.random.chance(70);
        let rest = if is_nullable { "" } else { ", nullable=False, server_default='7'" };
        let text = format!("sa.Column('{column}', {ty}{rest})");
        let column = Column { name: column, is_text, is_nullable, is_enum: false };
        self.tables[at].columns.push(column);
        let plain = match self.random.chance(70) {
            true => format!("add_column('{table}', {text})"),
            false => format!("add_column(column={text}, table_name='{table}')"),
        };
        Some(self.on(&table, &plain, &format!("add_column({text})"), false))
    }

    fn drop_column(&mut self) -> Option<Vec<String>> {
        let at = self.table(|table| table.columns.len() > 2)?;
        let column = self.free_column(at)?;
        let table = self.tables[at].name.clone();
        let column = self.tables[at].columns.remove(column).name;
        let plain = match self.random.chance(70) {
            true => format!("drop_column('{table}', '{column}')"),
            false => format!("drop_column(column_name='{column}', table_name='{table}')"),
        };
        Some(self.on(&table, &plain, &format!("drop_column('{column}')"), true))
    }

    fn alter_column(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let place = self.free_column(at)?;
        let table = self.tables[at].name.clone();
        let column = self.tables[at].columns[place].clone();
        let ty = if column.is_text { "sa.String(40)" } else { "sa.Integer()" };
        let change = match self.random.below(4) {
            0 => {
                let new = self.name("column");
                self.tables[at].columns[place].name = new.clone();
                format!("new_column_name='{new}'")
            }
            1 if column.is_text => "type_=sa.String(80)".to_owned(),
            1 => "type_=sa.BigInteger()".to_owned(),
            2 => {
                self.tables[at].columns[place].is_nullable = !column.is_nullable;
                format!("nullable={}", if column.is_nullable { "False" } else { "True" })
            }
            _ => "server_default='5'".to_owned(),
        };
        let null = match change.starts_with("nullable") {
            true => String::new(),
            false => {
                format!(", existing_nullable={}", if column.is_nullable { "True" } else { "False" })
            }
        };
        let rest = format!("'{}', {change}, existing_type={ty}{null}", column.name);
        let plain = format!("alter_column('{table}', {rest})");
        Some(self.on(&table, &plain, &format!("alter_column({rest})"), true))
    }

    fn create_index(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let column = self.number(at)?;
        let (table, index) = (self.tables[at].name.clone(), self.name("ix"));
        self.tables[at].indexes.push((index.clone(), column.clone()));
        let unique = if self.random.chance(30) { ", unique=True" } else { "" };
        let written = match self.random.chance(50) {
            true => format!("op.f('{index}')"),
            false => format!("'{index}'"),
        };
        let plain = format!("create_index({written}, '{table}', ['{column}']{unique})");
        let batch = format!("create_index({written}, ['{column}']{unique})");
        Some(self.on(&table, &plain, &batch, false))
    }

    fn drop_index(&mut self) -> Option<Vec<String>> {
        // MySQL wants an index for what a foreign key is about.
        let at = self.table(|table| !table.indexes.is_empty() && !table.is_bound)?;
        let table = self.tables[at].name.clone();
        let (index, _) = self.tables[at].indexes.pop()?;
        let plain = match self.random.chance(50) {
            true => format!("drop_index('{index}', table_name='{table}')"),
            false => format!("drop_index(index_name='{index}', table_name='{table}')"),
        };
        Some(self.on(&table, &plain, &format!("drop_index('{index}')"), false))
    }

    fn create_unique_constraint(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let column = self.number(at)?;
        let (table, name) = (self.tables[at].name.clone(), self.name("uq"));
        let plain = format!("create_unique_constraint('{name}', '{table}', ['{column}'])");
        let batch = format!("create_unique_constraint('{name}', ['{column}'])");
        let lines = self.on(&table, &plain, &batch, true);
        self.tables[at].constraints.push(("unique", name, column));
        Some(lines)
    }

    fn create_check_constraint(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let column = self.number(at)?;
        let (table, name) = (self.tables[at].name.clone(), self.name("ck"));
        let plain = format!("create_check_constraint('{name}', '{table}', '{column} > -9')");
        let batch = format!("create_check_constraint('{name}', '{column} > -9')");
        let lines = self.on(&table, &plain, &batch, true);
        self.tables[at].constraints.push(("check", name, column));
        Some(lines)
    }

    fn create_foreign_key(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let place = self.free_column(at)?;
        let column = self.tables[at].columns[place].clone();
        let other = self.table(|_| true)?;
        if column.is_text || other == at {
            return None;
        }
        let (table, name) = (self.tables[at].name.clone(), self.name("fk"));
        let target = self.tables[other].name.clone();
        // An integer, whatever it was altered to.
        let ty = format!(
            "alter_column('{}', type_=sa.Integer(), existing_type=sa.BigInteger(), \
             existing_nullable={})",
            column.name,
            if column.is_nullable { "True" } else { "False" }
        );
        let fixed = self.on(&table, &ty.replacen('(', &format!("('{table}', "), 1), &ty, true);
        let keys = format!("['{}'], ['id']", column.name);
        let plain = match self.random.chance(50) {
            true => format!("create_foreign_key('{name}', '{table}', '{target}', {keys})"),
            false => format!(
                "create_foreign_key('{name}', source_table='{table}', referent_table='{target}', \
                 local_cols=['{}'], remote_cols=['id'])",
                column.name
            ),
        };
        let batch = format!("create_foreign_key('{name}', '{target}', {keys})");
        let key = self.on(&table, &plain, &batch, true);
        self.tables[at].is_bound = true;
        self.tables[other].is_bound = true;
        self.tables[at].constraints.push(("foreignkey", name, column.name));
        Some([fixed, key].concat())
    }

    /// A table that had none.
    fn create_primary_key(&mut self) -> Option<Vec<String>> {
        if self.kind == Kind::Sqlite {
            return None;
        }
        let (table, name) = (self.name("table"), self.name("pk"));
        let id =
            Column { name: "id".to_owned(), is_text: false, is_nullable: false, is_enum: false };
        self.tables.push(Table {
            name: table.clone(),
            columns: vec![id],
            indexes: Vec::new(),
            constraints: Vec::new(),
            is_bound: false,
        });
        Some(vec![
            format!("op.create_table('{table}', sa.Column('id', sa.Integer(), nullable=False))"),
            format!("op.create_primary_key('{name}', '{table}', ['id'])"),
        ])
    }

    fn create_exclude_constraint(&mut self) -> Option<Vec<String>> {
        if self.kind != Kind::Postgres {
            return None;
        }
        let at = self.table(|_| true)?;
        let column = self.number(at)?;
        let (table, name) = (self.tables[at].name.clone(), self.name("ex"));
        self.tables[at].constraints.push(("check", name.clone(), column.clone()));
        Some(vec![format!(
            "op.create_exclude_constraint('{name}', '{table}', (sa.column('{column}'), '='), \
             using='btree')"
        )])
    }

    fn drop_constraint(&mut self) -> Option<Vec<String>> {
        let at = self.table(|table| {
            table.constraints.iter().any(|(kind, ..)| *kind != "foreignkey") && !table.is_bound
        })?;
        let constraints = &self.tables[at].constraints;
        let place = constraints.iter().position(|(kind, ..)| *kind != "foreignkey")?;
        let table = self.tables[at].name.clone();
        let (kind, name, _) = self.tables[at].constraints.remove(place);
        let plain = format!("drop_constraint('{name}', '{table}', type_='{kind}')");
        Some(self.on(&table, &plain, &format!("drop_constraint('{name}', type_='{kind}')"), true))
    }

    fn table_comment(&mut self) -> Option<Vec<String>> {
        if self.kind == Kind::Sqlite {
            return None;
        }
        let at = self.table(|_| true)?;
        let table = self.tables[at].name.clone();
        Some(vec![
            format!("op.create_table_comment('{table}', 'what it is for')"),
            format!("op.drop_table_comment('{table}', existing_comment='what it is for')"),
        ])
    }

    fn rows(&mut self) -> Option<Vec<String>> {
        let at = self.table(|table| table.columns.iter().skip(1).all(|c| c.is_nullable))?;
        let (table, name) = (self.tables[at].name.clone(), self.name("rows"));
        Some(vec![
            format!("{name} = sa.table('{table}', sa.column('id', sa.Integer()))"),
            format!("op.bulk_insert({name}, [{{'id': 1}}, {{'id': 2}}])"),
            format!("op.execute({name}.delete().where({name}.c.id == 1))"),
            format!("op.execute('DELETE FROM {table}')"),
        ])
    }

    fn raw_sql(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let table = self.tables[at].name.clone();
        let (column, index) = (self.name("column"), self.name("ix"));
        let (is_text, is_nullable, is_enum) = (false, true, false);
        self.tables[at].indexes.push((index.clone(), column.clone()));
        let new = Column { name: column.clone(), is_text, is_nullable, is_enum };
        self.tables[at].columns.push(new);
        let add = format!("ALTER TABLE {table} ADD COLUMN {column} INTEGER");
        Some(vec![
            match self.random.below(3) {
                0 => format!("op.execute(sa.text('{add}'))"),
                1 => format!("op.get_bind().exec_driver_sql('{add}')"),
                _ => format!("op.execute(sqltext='''\n        {add}\n    ''')"),
            },
            format!("op.execute(f'CREATE INDEX {index} ON {{\"{table}\"}} ({column})')"),
        ])
    }

    fn create_type(&mut self) -> Option<Vec<String>> {
        if self.kind != Kind::Postgres {
            return None;
        }
        let ty = self.name("kind");
        self.types.push(ty.clone());
        Some(vec![match self.random.chance(50) {
            true => format!("sa.Enum('a', 'b', name='{ty}').create(op.get_bind())"),
            false => format!("op.execute(\"CREATE TYPE {ty} AS ENUM ('a', 'b')\")"),
        }])
    }

    fn drop_type(&mut self) -> Option<Vec<String>> {
        let ty = self.types.pop()?;
        Some(vec![match self.random.below(3) {
            0 => format!("sa.Enum(name='{ty}').drop(op.get_bind(), checkfirst=False)"),
            1 => format!("op.execute(\"ALTER TYPE {ty} ADD VALUE 'c'\")"),
            _ => format!("op.execute('DROP TYPE {ty}')"),
        }])
    }

    fn by_a_loop(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let table = self.tables[at].name.clone();
        let names = [self.name("column"), self.name("column")];
        for name in &names {
            let (is_text, is_nullable, is_enum) = (true, true, false);
            self.tables[at].columns.push(Column {
                name: name.clone(),
                is_text,
                is_nullable,
                is_enum,
            });
        }
        Some(vec![
            format!("for name in ({:?}, {:?}):", names[0], names[1]),
            format!("    op.add_column('{table}', sa.Column(name, sa.String(40)))"),
        ])
    }

    fn by_a_function(&mut self) -> Option<Vec<String>> {
        let at = self.table(|_| true)?;
        let (table, column) = (self.tables[at].name.clone(), self.name("column"));
        let add = self.name("add");
        let (is_text, is_nullable, is_enum) = (false, true, false);
        let new = Column { name: column.clone(), is_text, is_nullable, is_enum };
        self.tables[at].columns.push(new);
        Some(vec![
            format!("def {add}(table, column):"),
            "    op.add_column(table, sa.Column(column, sa.Integer()))".to_owned(),
            format!("{add}('{table}', column='{column}')"),
        ])
    }

    /// By names that only Python could tell.
    fn computed(&mut self) -> Option<Vec<String>> {
        if self.random.chance(50) {
            return None;
        }
        let at = self.table(|_| true)?;
        let (table, column) = (self.tables[at].name.clone(), self.name("column"));
        let (is_text, is_nullable, is_enum) = (false, true, false);
        let new = Column { name: column.clone(), is_text, is_nullable, is_enum };
        self.tables[at].columns.push(new);
        let mut codes = String::new();
        for code in table.bytes() {
            write!(codes, "{code}, ").expect("text");
        }
        Some(vec![
            format!("name = bytes([{codes}]).decode()"),
            format!("op.add_column(name, sa.Column('{column}', sa.Integer()))"),
        ])
    }
}
