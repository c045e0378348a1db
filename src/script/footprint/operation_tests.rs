use super::operation::{Act, Column, Operation, Operations};
use super::read_operations;

const IMPORTS: &str = "from alembic import op, context\nimport sqlalchemy as sa\n";

#[track_caller]
fn read(script: &str) -> Operations {
    let script = format!("{IMPORTS}{script}");
    read_operations(script.as_bytes()).unwrap_or_else(|| panic!("no Python:\n{script}"))
}

fn column(column: &Column) -> String {
    let ty = column.ty.as_ref().map_or(String::new(), |ty| {
        let of = ty.enumeration.as_ref().and_then(|of| of.name.as_deref());
        format!(" {}{}", ty.text, of.map_or(String::new(), |of| format!(" of {of}")))
    });
    let null = if column.is_nullable { "" } else { " not null" };
    let default = if column.has_server_default { " default" } else { "" };
    format!("{}{ty}{null}{default}", column.name.as_deref().unwrap_or("?"))
}

fn act(act: &Act) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
    match act {
        Act::CreateTable { columns, .. } => {
            let columns: Vec<String> = columns.iter().map(|c| column(c)).collect();
            format!("create ({})", columns.join(", "))
        }
        Act::DropTable => "drop".to_owned(),
        Act::AddColumn(Some(added)) => format!("+{}", column(added)),
        Act::AddColumn(None) => "+?".to_owned(),
        Act::DropColumn { column } => format!("-{}", name(column)),
        Act::AlterColumn(change) => {
            let ty = |ty: &Option<super::ColumnType>| {
                ty.as_ref().map_or("?".to_owned(), |ty| format!("{}{:?}", ty.name, ty.numbers))
            };
            let null = change.is_nullable.map_or("", |yes| if yes { " null" } else { " not null" });
            let change_of_type = match (&change.existing_type, &change.ty) {
                (None, None) => String::new(),
                (from, to) => format!(" {} to {}", ty(from), ty(to)),
            };
            let to = change.new_name.as_ref().map_or(String::new(), |to| format!(" as {to}"));
            format!("~{}{null}{change_of_type}{to}", name(&change.column))
        }
        Act::CreateIndex { index, is_concurrent } => {
            format!("+#{}{}", name(index), if *is_concurrent { " concurrently" } else { "" })
        }
        Act::AddConstraint { kind, is_brief, .. } => {
            format!("{kind:?}{}", if *is_brief { " brief" } else { "" })
        }
        Act::CreateType(of) => format!("+type {}", name(&of.name)),
        Act::DropType { name: of } => format!("-type {}", name(of)),
        other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// `table: what`, with what is to be known about where it stands.
fn shown(operation: &Operation) -> String {
    let table = operation.table.as_ref().map_or(String::new(), |table| format!("{table}: "));
    let mut text = format!("{table}{}", act(&operation.act));
    for (is_so, word) in [
        (operation.is_on_new_table, "new"),
        (!operation.is_in_transaction, "outside"),
        (!operation.is_certain, "perhaps"),
        (operation.spares_postgresql, "elsewhere"),
    ] {
        if is_so {
            text += &format!(" [{word}]");
        }
    }
    text
}

/// Checks what the statements do as the body of `upgrade`.
#[track_caller]
fn check(body: &str, expected: &str) {
    let script = format!("def upgrade():\n    {}\n", body.replace('\n', "\n    "));
    let found: Vec<String> = read(&script).upgrade.operations.iter().map(shown).collect();
    assert_eq!(found.join("; "), expected, "{body}");
}

#[test]
fn tables_and_columns_come_with_what_is_known_of_them() {
    check(
        "op.create_table('a', sa.Column('x', sa.Integer(), nullable=False), sa.Column('y', sa.String(9)))",
        "a: create (x sa.Integer() not null, y sa.String(9))",
    );
    check("op.add_column('a', sa.Column('x', sa.Text()), schema='s')", "s.a: +x sa.Text()");
    check(
        "op.add_column('a', sa.Column('x', sa.Integer(), nullable=False, server_default='0'))",
        "a: +x sa.Integer() not null default",
    );
    check("op.add_column('a', sa.Column('x', type_=sa.Text()))", "a: +x sa.Text()");
    check("op.add_column('a', column())", "a: +?");
    check("op.drop_column('a', 'x')\nop.drop_table('a')", "a: -x; a: drop");
    check("op.drop_column(name(), 'x')", "-x");
}

#[test]
fn a_change_of_a_column_comes_with_both_types() {
    check(
        "op.alter_column('a', 'x', existing_type=sa.VARCHAR(length=9), type_=sa.Numeric(10, 2))",
        "a: ~x varchar[9] to numeric[10, 2]",
    );
    check("op.alter_column('a', 'x', nullable=False)", "a: ~x not null");
    check("op.alter_column('a', 'x', new_column_name='y')", "a: ~x as y");
    check(
        "op.alter_column('a', 'x', type_=sa.String(5).with_variant(sa.Text(), 'sqlite'))",
        "a: ~x ? to string[5]",
    );
}

#[test]
fn a_batch_and_what_the_file_names_are_followed() {
    check(
        "with op.batch_alter_table('a') as b:\n    b.add_column(sa.Column('x'))\n    b.create_index('i', ['x'])\n    b.create_unique_constraint('u', ['x'])",
        "a: +x; a: +#i; a: Unique",
    );
    check(
        "for name in ('a', 'b'):\n    op.drop_table(name)",
        "a: drop [perhaps]; b: drop [perhaps]",
    );
    check("def f(t):\n    op.drop_table(t)\nf('a')\nf('a')", "a: drop");
}

#[test]
fn what_was_created_here_is_new() {
    check(
        "op.create_table('a')\nop.create_index('i', 'a', ['x'])\nop.create_index('j', 'b', ['x'])",
        "a: create (); a: +#i [new]; b: +#j",
    );
    check(
        "op.create_table('a')\nop.rename_table('a', 'b')\nop.drop_column('b', 'x')",
        "a: create (); a: RenameTable [new]; b: -x [new]",
    );
    check(
        "op.execute('CREATE TABLE s.a (x int)')\nop.create_check_constraint('c', 'a', 'x > 0', schema='s')",
        "s.a: create (); s.a: Check [new]",
    );
}

#[test]
fn what_runs_outside_of_the_transaction_is_known_by_its_block_or_a_commit() {
    check(
        "with op.get_context().autocommit_block():\n    op.create_index('i', 'a', ['x'], postgresql_concurrently=True)\nop.drop_table('b')",
        "a: +#i concurrently [outside]; b: drop",
    );
    check("op.execute('COMMIT')\nop.drop_table('b')", "Commit; b: drop [outside]");
    check(
        "op.get_bind().execution_options(isolation_level='AUTOCOMMIT')\nop.drop_table('b')",
        "b: drop [outside]",
    );
}

#[test]
fn a_condition_on_the_dialect_says_who_comes_by() {
    check(
        "if op.get_bind().dialect.name == 'sqlite':\n    op.drop_table('a')\nelse:\n    op.drop_table('b')",
        "a: drop [perhaps] [elsewhere]; b: drop [perhaps]",
    );
    check(
        "if context.dialect.name != 'postgresql' and x:\n    op.drop_table('a')",
        "a: drop [perhaps] [elsewhere]",
    );
    check(
        "if dialect in ('mysql', 'postgresql'):\n    op.drop_table('a')\nelse:\n    op.drop_table('b')",
        "a: drop [perhaps]; b: drop [perhaps] [elsewhere]",
    );
    check("if name == 'other':\n    op.drop_table('a')", "a: drop [perhaps]");
}

#[test]
fn types_of_values_are_known_wherever_they_are_made() {
    check(
        "t = sa.Enum('a', 'b', name='kind')\nop.create_table('a', sa.Column('x', t))\nt.drop(op.get_bind())",
        "a: create (x t of kind); -type kind",
    );
    check("sa.Enum('a', name='kind').create(op.get_bind())", "+type kind");
}

#[test]
fn statements_that_change_rows_are_told_from_those_that_read() {
    check("t = sa.table('a')\nop.execute(t.update().values(x=1))", "a: ChangeRows");
    check(
        "t = sa.table('a')\nop.get_bind().execute(sa.update(t).where(t.c.x == 1))",
        "a: ChangeRows",
    );
    check("t = sa.table('a')\nop.get_bind().execute(sa.select(t.c.x)).fetchall()", "");
    check("op.get_bind().execute(sa.text('SELECT 1')).scalar()", "");
    check("t = sa.table('a')\nop.bulk_insert(t, [{'x': 1}])", "a: InsertRows");
    check("op.execute('UPDATE a SET x = 1; DELETE FROM b')", "a: ChangeRows; b: ChangeRows");
    check("op.execute(statement())", "Unknown");
    check("fill(op.get_bind())", "Unknown");
    check("session = sa.orm.Session(bind=op.get_bind())\nsession.add(User())", "ChangeRows");
}

#[test]
fn places_are_those_in_the_file() {
    let script = "def upgrade():\r\n    op.drop_table(\r\n        'a')\r\n";
    let read = read(script);
    let [drop] = read.upgrade.operations.as_slice() else { panic!("{read:?}") };
    let whole = format!("{IMPORTS}{script}");
    assert_eq!(&whole[drop.span.clone()], "op.drop_table(\r\n        'a')");
    assert_eq!((drop.line, read.upgrade.place.map(|(line, _)| line)), (4, Some(3)));
    assert_eq!(read.downgrade.place, None);
}

#[test]
fn a_function_that_raises_or_does_nothing_says_so() {
    let read =
        read("def upgrade():\n    pass\n\ndef downgrade():\n    '''No.'''\n    raise ValueError\n");
    assert!(read.upgrade.is_empty && !read.upgrade.raises);
    assert!(read.downgrade.raises && !read.downgrade.is_empty);
}

#[test]
fn imports_are_noted_where_they_run_and_with_what_they_are_for() {
    let read = read(
        "from app.types import Guid\nfrom ..x import y\n\ndef upgrade():\n    import app.models as m\n    m.f()\n    op.add_column('a', sa.Column('x', Guid()))\n    y()\n\ndef other():\n    import json\n",
    );
    let imports = read.imports.iter().skip(2);
    let shown: Vec<String> =
        imports.map(|i| format!("{} {} {} {}", i.line, i.level, i.module, i.is_of_types)).collect();
    assert_eq!(shown, ["3 0 app.types true", "4 2 x false", "7 0 app.models false"]);
}
