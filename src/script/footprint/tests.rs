use proptest::prelude::*;

use super::{Touches, read_footprint, read_operations};
use crate::script::SchemaObject;

const IMPORTS: &str = "from alembic import op, context\nimport sqlalchemy as sa\n";

#[track_caller]
fn read(script: &str) -> Touches {
    let script = format!("{IMPORTS}{script}");
    read_footprint(script.as_bytes()).unwrap_or_else(|| panic!("no Python:\n{script}")).upgrade
}

/// `tables | + what it creates - what it drops | opaque: words | lines that lose data`
fn shown(touches: &Touches) -> String {
    let object = |sign: &str, object: &SchemaObject| match object {
        SchemaObject::Table(table) => format!("{sign}{table}"),
        SchemaObject::Column { table, column } => format!("{sign}{table}.{column}"),
        SchemaObject::Index(index) => format!("{sign}#{index}"),
    };
    let created = touches.creates.iter().map(|o| object("+", o));
    let changes: Vec<String> =
        created.chain(touches.drops.iter().map(|o| object("-", o))).collect();
    let tables: Vec<&str> = touches.tables.iter().map(String::as_str).collect();
    let mut parts = vec![tables.join(" "), changes.join(" ")];
    parts.retain(|part| !part.is_empty());
    if touches.is_opaque {
        parts.push("opaque".to_owned());
    }
    if touches.changes.is_unbounded {
        parts.push("unbounded".to_owned());
    }
    if touches.is_empty {
        parts.push("empty".to_owned());
    }
    parts.join(" | ")
}

/// Checks what the statements touch as the body of `upgrade`.
#[track_caller]
fn check(body: &str, expected: &str) {
    let script = format!("def upgrade():\n    {}\n", body.replace('\n', "\n    "));
    assert_eq!(shown(&read(&script)), expected, "{body}");
}

/// Checks what `upgrade` of a whole script touches.
#[track_caller]
fn check_script(script: &str, expected: &str) {
    assert_eq!(shown(&read(script)), expected, "{script}");
}

#[test]
fn tables_are_created_dropped_and_renamed() {
    check("op.create_table('a', sa.Column('x', sa.Integer()), sa.Column('y'))", "a | +a +a.x +a.y");
    check("op.create_table('a', sa.Column(name='x'))", "a | +a +a.x");
    check("op.create_table(table_name='a')", "a | +a");
    check("op.create_table('a', if_not_exists=True)", "a");
    check("op.create_table('a', if_not_exists=False)", "a | +a");
    check("op.create_table('a', schema='s')", "s.a | +s.a");
    check("op.drop_table('a')", "a | -a");
    check("op.drop_table('a', if_exists=True)", "a");
    check("op.rename_table('a', 'b')", "a b | +b -a");
    check("op.rename_table('a', 'b', schema='s')", "s.a s.b | +s.b -s.a");
    check("op.create_table_comment('a', 'words')\nop.drop_table_comment('b')", "a b");
}

#[test]
fn columns_are_added_dropped_and_renamed() {
    check("op.add_column('a', sa.Column('x', sa.Integer()))", "a | +a.x");
    check("op.add_column('a', column=sa.Column('x'), schema='s')", "s.a | +s.a.x");
    check("op.drop_column('a', 'x')", "a | -a.x");
    check("op.drop_column(table_name='a', column_name='x')", "a | -a.x");
    check("op.alter_column('a', 'x', nullable=False)", "a");
    check("op.alter_column('a', 'x', new_column_name='y')", "a | +a.y -a.x");
    check("op.alter_column('a', 'x', new_column_name='x')", "a");
    check("op.add_column('a', make_column())", "a");
}

#[test]
fn indexes_and_constraints_name_their_tables() {
    check("op.create_index('ix', 'a', ['x'])", "a | +#ix");
    check("op.create_index(op.f('ix_a_x'), 'a', ['x'], unique=False)", "a | +#ix_a_x");
    check("op.create_index('ix', 'a', [sa.text('lower(x)')])", "a | +#ix");
    check("op.create_index('ix', 'a', [sa.func.lower(sa.column('x'))])", "a");
    check("op.create_index(None, 'a', ['x'])", "a");
    check("op.create_index('ix', table_name='a', columns=['x'])", "a | +#ix");
    check("op.drop_index(op.f('ix'), table_name='a')", "a | -#ix");
    check("op.drop_index('ix', 'a')", "a | -#ix");
    check("op.drop_index('ix')", "-#ix | opaque");
    check("op.create_unique_constraint('uq', 'a', ['x'])", "a");
    check("op.create_check_constraint('ck', 'a', sa.text('x > 0'))", "a");
    check("op.create_primary_key('pk', 'a', ['x'])", "a");
    check("op.create_exclude_constraint('ex', 'a', ('x', '='))", "a");
    check("op.drop_constraint('uq', 'a', type_='unique')", "a");
    check("op.drop_constraint(op.f('uq'), table_name='a', schema='s')", "s.a");
}

#[test]
fn foreign_keys_touch_what_they_point_at() {
    check("op.create_foreign_key('fk', 'a', 'b', ['x'], ['y'])", "a b");
    check("op.create_foreign_key(None, source='a', referent='b')", "a b");
    check("op.create_foreign_key('fk', 'a', 'b', [], [], referent_schema='s')", "a s.b");
    check("op.add_column('a', sa.Column('x', sa.ForeignKey('b.id')))", "a b | +a.x");
    check("op.add_column('a', sa.Column('x', sa.ForeignKey('s.b.id')))", "a s.b | +a.x");
    check(
        "op.create_table('a', sa.ForeignKeyConstraint(['x'], ['b.id', 's.c.id']))",
        "a b s.c | +a",
    );
    check("op.add_column('a', sa.Column('x', sa.ForeignKey(target())))", "a | +a.x | opaque");
}

#[test]
fn a_batch_is_about_its_table() {
    let batch = |rest: &str| format!("with op.batch_alter_table('a') as batch_op:\n    {rest}");
    check(&batch("batch_op.add_column(sa.Column('x'))"), "a | +a.x");
    check(&batch("batch_op.drop_column('x')"), "a | -a.x");
    check(&batch("batch_op.alter_column('x', new_column_name='y')"), "a | +a.y -a.x");
    check(&batch("batch_op.create_index(batch_op.f('ix'), ['x'], unique=False)"), "a | +#ix");
    check(&batch("batch_op.drop_index('ix')"), "a | -#ix");
    check(&batch("batch_op.create_foreign_key('fk', 'b', ['x'], ['y'])"), "a b");
    check(&batch("batch_op.create_unique_constraint('uq', ['x'])"), "a");
    check(&batch("batch_op.drop_constraint('uq', type_='unique')"), "a");
    check(&batch("pass"), "a");
    check("with op.batch_alter_table('a', schema=None) as b:\n    b.drop_column('x')", "a | -a.x");
    check("with op.batch_alter_table('a', 's') as b:\n    b.drop_column('x')", "s.a | -s.a.x");
    check("with op.batch_alter_table('a', schema=where()) as b:\n    b.drop_column('x')", "a");
    check(
        "with op.batch_alter_table('a') as x, op.batch_alter_table('b') as y:\n    x.drop_column('i')\n    y.drop_column('j')",
        "a b | -a.i -b.j",
    );
}

#[test]
fn raw_sql_is_opaque() {
    check("op.execute('DELETE FROM a')", "opaque");
    check("op.execute(sa.text('ALTER TABLE a ADD x int'))", "opaque");
    check("op.get_bind().execute(sa.text('SELECT 1')).fetchall()", "opaque");
    check("connection = op.get_bind()\nconnection.exec_driver_sql('SELECT 1')", "opaque");
    check("session = sa.orm.Session(bind=op.get_bind())\nsession.query(User).all()", "opaque");
    check("op.execute(f'UPDATE {table} SET x = 1')", "opaque");
    check("op.execute(statement)", "opaque | unbounded");
    check("op.execute(f'DROP TABLE {table}')", "opaque | unbounded");
    check("op.execute('DROP TABLE {}'.format(table))", "opaque | unbounded");
    check("op.execute('ALTER TABLE a ADD %s int' % name)", "opaque");
    check("op.execute('DROP TABLE {}'.format(1))", "opaque");
    check("op.execute(open('a.sql').read())", "opaque | unbounded");
    check("Base.metadata.create_all(op.get_bind())", "opaque | unbounded");
}

#[test]
fn the_words_of_raw_sql_are_kept_where_it_may_change_the_schema() {
    let words = |body: &str| {
        let touches = read(&format!("def upgrade():\n    {body}\n"));
        touches.words.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words("op.execute('UPDATE a SET x = 1')"), "");
    assert_eq!(
        words("op.execute('ALTER TABLE a '\n               'DROP \"B c\"')"),
        "a alter b c drop table"
    );
    assert!(words("op.execute('DROP TABLE %s' % 'b')").contains("b "));
}

#[test]
fn data_is_known_where_all_its_tables_are() {
    check("op.bulk_insert(sa.table('a', sa.column('x')), [{'x': 1}])", "a");
    check("users = sa.table('a')\nop.bulk_insert(users, [])", "a");
    check("t = op.create_table('a')\nop.bulk_insert(t, [])", "a | +a");
    check(
        "t = sa.table('a', sa.column('x'))\nop.execute(t.update().where(t.c.x == 1).values(x=2))",
        "a",
    );
    check(
        "t = sa.Table('a', sa.MetaData(), autoload_with=op.get_bind())\nop.execute(t.delete())",
        "a",
    );
    check("op.execute(sa.select(User.id))", "opaque");
    check("op.bulk_insert(User.__table__, [])", "opaque");
    check_script("t = sa.table('a')\n\ndef upgrade():\n    op.bulk_insert(t, [])", "a");
    check_script("t = sa.table('a')\n\ndef upgrade():\n    op.drop_table('b')", "b | -b");
}

#[test]
fn names_of_strings_are_followed() {
    check("name = 'a'\nop.drop_table(name)", "a | -a");
    check("op.drop_table('a' 'b')", "ab | -ab");
    check("op.drop_table('a' + '_b')", "a_b | -a_b");
    check("name = 'a'\nop.drop_table(f'{name}_b')", "a_b | -a_b");
    check("op.drop_table(name)", "opaque | unbounded");
    check("op.drop_table(f'{x}_b')", "opaque | unbounded");
    check("op.drop_table('%s_b' % 1)", "opaque");
    check("op.drop_table('%s_b' % 'a')", "a_b | -a_b");
    check("op.drop_table('{}_b'.format('a'))", "a_b | -a_b");
    check_script("NAME = 'a'\n\ndef upgrade():\n    op.drop_table(NAME)", "a | -a");
    check_script("NAME: str = 'a'\nO = NAME\n\ndef upgrade():\n    op.drop_table(O)", "a | -a");
    check("if x:\n    name = 'a'\nelse:\n    name = 'b'\nop.drop_table(name)", "opaque");
}

#[test]
fn what_may_not_be_executed_is_not_certain() {
    for body in [
        "if x:\n    op.drop_table('a')",
        "for i in range(3):\n    op.drop_table('a')",
        "while x:\n    op.drop_table('a')",
        "try:\n    op.drop_table('a')\nexcept Exception:\n    pass",
        "with contextlib.suppress(Exception):\n    op.drop_table('a')",
        "if x:\n    return\nop.drop_table('a')",
        "match x:\n    case 1:\n        op.drop_table('a')",
        "x and op.drop_table('a')",
        "op.drop_table('a') if x else None",
        "[op.drop_table('a') for _ in range(3)]",
    ] {
        check_script(
            &format!("import contextlib\ndef upgrade():\n    {}", body.replace('\n', "\n    ")),
            "a",
        );
    }
    check("return\nop.drop_table('a')", "");
    check("raise NotImplementedError('no way')\nop.drop_table('a')", "");
    check("if x:\n    raise ValueError()\nop.drop_table('a')", "a | -a");
    check("if x:\n    return\nelse:\n    return\nop.drop_table('a')", "");
    check("with op.get_context().autocommit_block():\n    op.drop_table('a')", "a | -a");
}

#[test]
fn loops_over_literal_names_are_followed() {
    check("for name in ('a', 'b'):\n    op.drop_table(name)", "a b");
    check("for name, column in [('a', 'x')]:\n    op.drop_column(name, column)", "a");
    check_script(
        "NAMES = ['a']\n\ndef upgrade():\n    for n in NAMES:\n        op.drop_table(n)",
        "a",
    );
    check("for name in names():\n    op.drop_table(name)", "opaque | unbounded");
    check("for name in names():\n    op.alter_column(name, 'x', nullable=True)", "opaque");
    check(
        "rows = op.get_bind().execute('SELECT 1')\nfor r in rows:\n    op.drop_table(r[0])",
        "opaque | unbounded",
    );
    check(
        "names = ['a']\nnames.append('b')\nfor name in names:\n    op.drop_table(name)",
        "opaque",
    );
}

#[test]
fn looking_at_the_database_is_not_opaque() {
    check(
        "inspector = sa.inspect(op.get_bind())\nif 'a' not in inspector.get_table_names():\n    op.create_table('a')",
        "a",
    );
    check("if op.get_bind().dialect.name == 'sqlite':\n    op.drop_table('a')", "a");
    check("if op.get_context().dialect.name == 'sqlite':\n    op.drop_table('a')", "a");
    check("if context.is_offline_mode():\n    op.drop_table('a')", "a");
    check("sa.Enum('x', name='e').create(op.get_bind(), checkfirst=True)", "");
}

#[test]
fn functions_of_the_file_are_followed() {
    check_script("def upgrade():\n    up()\n\ndef up():\n    op.drop_table('a')", "a | -a");
    check_script(
        "def up(op, name):\n    op.drop_table(name)\n\ndef upgrade():\n    up(op, 'a')",
        "a | -a",
    );
    check_script(
        "def up(name='a', *, s=None):\n    op.drop_table(name, schema=s)\n\ndef upgrade():\n    up()",
        "a | -a",
    );
    check_script(
        "def name():\n    return 'a'\n\ndef upgrade():\n    op.drop_table(name())",
        "a | -a",
    );
    check_script(
        "def up():\n    if x:\n        return\n    op.drop_table('b')\n\ndef upgrade():\n    up()\n    op.drop_table('a')",
        "a b | -a",
    );
    check_script("def up():\n    up()\n\ndef upgrade():\n    up()", "opaque");
    check_script(
        "def upgrade():\n    def up():\n        op.drop_table(name)\n    name = 'a'\n    up()",
        "a | -a",
    );
    check_script(
        "NAME = 'a'\ndef up():\n    op.drop_table(NAME)\n\ndef upgrade():\n    NAME = 'b'\n    up()",
        "a | -a",
    );
    check_script("def up():\n    op.drop_table('a')\n\nupgrade = up", "a | -a");
    check_script("@wrapped\ndef upgrade():\n    op.drop_table('a')", "a | -a | opaque");
}

#[test]
fn what_other_files_do_is_opaque() {
    check_script("from app import up\n\ndef upgrade():\n    up('a')", "opaque");
    check_script("from app import up\n\ndef upgrade():\n    up(op)", "opaque");
    check_script(
        "from app import sql\n\ndef upgrade():\n    op.execute(sql.TABLES)",
        "opaque | unbounded",
    );
    check_script("from app import upgrade", "opaque");
    check_script(
        "from app import T\n\ndef upgrade():\n    op.add_column('a', sa.Column('x', T()))",
        "a | +a.x",
    );
    check("op.create_view('a')", "opaque");
    check("getattr(op, 'drop_table')('a')", "opaque");
    check("eval('op')", "opaque");
}

#[test]
fn the_module_op_is_known_by_any_name() {
    for script in [
        "from alembic import op as o\n\ndef upgrade():\n    o.drop_table('a')",
        "import alembic\n\ndef upgrade():\n    alembic.op.drop_table('a')",
        "import alembic.op as o\n\ndef upgrade():\n    o.drop_table('a')",
        "from alembic.op import drop_table\n\ndef upgrade():\n    drop_table('a')",
        "o = op\n\ndef upgrade():\n    o.drop_table('a')",
        "def upgrade():\n    from alembic import op as o\n    o.drop_table('a')",
        "drop = op.drop_table\n\ndef upgrade():\n    drop('a')",
    ] {
        check_script(script, "a | -a");
    }
    let sqlmodel = "import sqlmodel as sm\nfrom sqlalchemy import Column as C, ForeignKey as F\n";
    check_script(
        &format!(
            "{sqlmodel}def upgrade():\n    op.create_table('a', C('x', F('b.id')), sm.Column('y'))"
        ),
        "a b | +a +a.x +a.y",
    );
}

#[test]
fn functions_that_do_nothing_are_empty() {
    for script in [
        "",
        "def upgrade():\n    pass",
        "def upgrade():\n    '''doc'''",
        "def upgrade():\n    ...",
        "def upgrade():\n    return",
    ] {
        check_script(script, "empty");
    }
    check("x = 1", "");
}

#[test]
fn only_the_outcome_of_the_function_counts() {
    check("op.create_table('a')\nop.drop_table('a')", "a");
    check("op.drop_index('ix', 'a')\nop.create_index('ix', 'a', ['x'])", "a");
    check("op.create_table('a', sa.Column('x'))\nop.drop_column('a', 'x')", "a | +a");
    check("op.create_table('b')\nop.drop_table('a')\nop.rename_table('b', 'a')", "a b");
}

#[test]
fn destructive_operations_are_named_by_line() {
    let touches = read(
        "\ndef upgrade():\n    op.drop_table('a')\n    op.execute(\n        'DELETE FROM b'\n    )\n    op.execute('UPDATE c SET x = 1')\n    with op.batch_alter_table('a') as b:\n        b.drop_column('x')\n        b.drop_constraint('y')\n",
    );
    let found: Vec<(u32, &str)> =
        touches.destructive.iter().map(|d| (d.line, d.what.as_str())).collect();
    assert_eq!(
        found,
        [
            (5, "op.drop_table('a')"),
            (6, "op.execute( 'DELETE FROM b' )"),
            (11, "b.drop_column('x')")
        ]
    );
    let touches =
        read(&format!("def upgrade():\n    op.execute('DROP TABLE {}')\n", "ä".repeat(200)));
    assert!(touches.destructive[0].what.ends_with("ä…"), "{touches:?}");
}

#[test]
fn the_downgrade_is_read_by_itself() {
    let script = format!(
        "{IMPORTS}def upgrade():\n    op.create_table('a')\n\ndef downgrade():\n    op.drop_table('a')\n"
    );
    let footprint = read_footprint(script.as_bytes()).expect("a script");
    assert_eq!(shown(&footprint.upgrade), "a | +a");
    assert_eq!(shown(&footprint.downgrade), "a | -a");
}

#[track_caller]
fn check_disjoint(one: &str, other: &str, expected: bool) {
    let touches = |body: &str| read(&format!("def upgrade():\n    {body}\n"));
    let (one, other) = (touches(one), touches(other));
    assert_eq!((one.is_disjoint(&other), other.is_disjoint(&one)), (expected, expected));
}

#[test]
fn only_known_tables_are_disjoint() {
    check_disjoint("op.drop_table('a')", "op.drop_table('b')", true);
    check_disjoint("op.drop_table('a')", "op.drop_column('A', 'x')", false);
    check_disjoint("op.drop_table('a')", "op.drop_table('a', schema='s')", false);
    check_disjoint("op.drop_table('a', schema='r')", "op.drop_table('a', schema='s')", true);
    check_disjoint("op.drop_table('a')", "op.execute('SELECT 1')", false);
    check_disjoint("pass", "op.execute('SELECT 1')", true);
    check_disjoint("op.create_table('a')", "op.create_foreign_key('fk', 'b', 'a', [], [])", false);
    check_disjoint("op.create_index('ix', 'a', ['x'])", "op.create_index('ix', 'b', ['x'])", false);
    let typed =
        |table: &str| format!("op.create_table('{table}', sa.Column('x', sa.Enum('y', name='e')))");
    check_disjoint(&typed("a"), &typed("b"), false);
}

#[test]
fn what_python_refuses_has_no_footprint() {
    for script in ["def upgrade(:", "<<<<<<< HEAD\n", "x = '", "\0", "# coding: utf-16\n\u{e9}"] {
        assert_eq!(read_footprint(script.as_bytes()), None, "{script}");
    }
}

/// In a thread with little stack, since ours are no larger everywhere.
fn survives(script: String) -> Option<super::Footprint> {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            read_operations(script.as_bytes());
            read_footprint(script.as_bytes())
        })
        .expect("a thread")
        .join()
        .expect("no overflow")
}

#[test]
fn hostile_scripts_end_soon_and_are_opaque() {
    let upgrade = |body: String| format!("{IMPORTS}def upgrade():\n    {body}\n");
    let calls: String =
        (0..40).map(|n| format!("def f{n}():\n    f{0}()\n    f{0}()\n", n + 1)).collect();
    for script in [
        upgrade(format!("x = {}", "1 + ".repeat(7_000) + "1")),
        upgrade(format!("{}{}", "f(".repeat(190), ")".repeat(190))),
        upgrade(format!("{}op{}", "op.f(".repeat(150), ")".repeat(150))),
        upgrade(format!("x{}", ".y()".repeat(3_000))),
        format!("{calls}def f40():\n    pass\n{}", upgrade("f0()".to_owned())),
        upgrade("a = 'x' * 3\n".to_owned() + &"    a = a + a\n".repeat(200) + "    op.execute(a)"),
        upgrade(
            (0..8)
                .map(|n| format!("{}for x{n} in {:?}:\n    ", " ".repeat(n), [1; 60]))
                .collect::<String>()
                + "         f(op)",
        ),
    ] {
        let footprint = survives(script.clone()).expect("Python");
        assert!(footprint.upgrade.is_opaque, "{}", &script[..200]);
    }
}

#[test]
fn what_is_merely_deep_is_read() {
    let conditions: String = (0..45).map(|n| format!("{}if x:\n    ", " ".repeat(n))).collect();
    let script =
        format!("{IMPORTS}def upgrade():\n    {conditions}{}op.drop_table('a')", " ".repeat(45));
    assert_eq!(shown(&survives(script).expect("Python").upgrade), "a");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_footprint(&bytes);
        read_operations(&bytes);
    }

    #[test]
    fn no_words_make_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "def ", "upgrade", "(", ")", ":", "\n", "\n    ", "\n        ", "op", ".", "drop_table", "'a'", ",",
        "=", "for ", " in ", "if ", "else", "with ", " as ", "batch_alter_table", "[", "]", "{", "}", "f'{x}'",
        "return ", "execute", "x", "*", "**", "lambda: ", "sa", "Column", "create_table", "%", "+", "import ",
        "from ", "alembic", "yield ", "await ", ":=", "not ", "None", "True", "class ", "try", "except", "#", "é",
    ]), 0..60)) {
        let script = format!("{IMPORTS}def upgrade():\n    {}", words.concat());
        read_footprint(script.as_bytes());
        read_operations(script.as_bytes());
    }

    #[test]
    fn names_are_read_back(table in "[a-z_]{1,12}", column in "[a-zA-Z_ ]{1,12}") {
        let script = format!("{IMPORTS}def upgrade():\n    op.add_column({table:?}, sa.Column({column:?}))\n");
        let touches = read_footprint(script.as_bytes()).expect("a script").upgrade;
        prop_assert_eq!(touches.creates, [SchemaObject::Column { table, column }]);
    }
}
