//! DBM206: a drop and an addition that may be a rename.

use super::Reviewed;
use super::renames::{Rename, renames};
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::Act;

pub const RULE: Rule = Rule {
    code: Code(206),
    name: "rename as drop and addition",
    level: Level::Warning,
    summary: "a table or a column is dropped and one much like it added",
    explanation: "\
Autogenerate compares names. A column that has got another name in the models is to it
one that is gone and one that is new, and the same holds for tables. This is told where
the new one has the type, or half of the columns, of the old one, their names are
alike or there are no others, and no rows are carried over in between.

Why it matters
  What was in the old one is dropped with it. The new one starts empty, and on a table
  with rows a new column that is not null fails at once.

How to mend it
  If it is a rename, say so: `op.alter_column(\"users\", \"nick\",
  new_column_name=\"nickname\")`, `op.rename_table(\"person\", \"people\")`. If it is not,
  tell the next reader: `# dbm-git: ignore DBM206 two different things`.
  Alembic's manual names this among what autogenerate does not detect.

Example
  op.add_column(\"users\", sa.Column(\"nickname\", sa.String(length=50)))
  op.drop_column(\"users\", \"nick\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    renames(reviewed).into_iter().filter_map(|rename| told(reviewed, rename)).collect()
}

fn told(reviewed: &Reviewed<'_>, rename: Rename<'_>) -> Option<Finding> {
    let Rename { dropped, added } = rename;
    let (old, new) = (dropped.table.as_ref()?, added.table.as_ref()?);
    let (message, help) = match (&dropped.act, &added.act) {
        (Act::DropColumn { column: Some(from) }, Act::AddColumn(Some(to))) => (
            format!("`{old}.{from}` is dropped and `{old}.{}` added", to.name.as_ref()?),
            "if that is a rename, `op.alter_column(.., new_column_name=..)` keeps the values",
        ),
        _ => (
            format!("`{old}` is dropped and `{new}` created"),
            "if that is a rename, `op.rename_table` keeps the rows",
        ),
    };
    let added = reviewed.place(added.line, &added.span);
    Some(reviewed.finding(&RULE, dropped, message).and_at(added, "what is added").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    const ADD: &str = "op.add_column('t', sa.Column('b', sa.Integer()))";

    #[test]
    fn a_column_of_the_same_type_in_the_same_table() {
        let up = format!("{ADD}\nop.drop_column('t', 'a')\nop.drop_column('u', 'a')");
        let told = ["8: `t.a` is dropped and `t.b` added"];
        check(&RULE, &script(&up, "pass"), &told);
        let down = "op.add_column('t', sa.Column('a', sa.Integer()))";
        check(&RULE, &script(&up, down), &told);
        check(&RULE, &script(&up, &down.replace("Integer", "Text")), &[]);
        check(&RULE, &script(&up.replace("'a'", "'b'"), "pass"), &[]);
    }

    #[test]
    fn of_several_those_with_like_names() {
        let columns = |names: &[&str], operation: fn(&str) -> String| {
            names.iter().map(|name| operation(name)).collect::<Vec<_>>().join("\n")
        };
        let add = |name: &str| format!("op.add_column('t', sa.Column('{name}', sa.Integer()))");
        let drop = |name: &str| format!("op.drop_column('t', '{name}')");
        let added = columns(&["window", "nickname"], add);
        let dropped = columns(&["creator_id", "nick_name", "kind"], drop);
        check(
            &RULE,
            &script(&format!("{added}\n{dropped}"), "pass"),
            &["10: `t.nick_name` is dropped and `t.nickname` added"],
        );
    }

    #[test]
    fn a_table_with_half_of_the_columns() {
        let create = |name: &str, columns: &[&str]| {
            let columns: Vec<String> =
                columns.iter().map(|c| format!("sa.Column('{c}', sa.Integer())")).collect();
            format!("op.create_table('{name}', {})", columns.join(", "))
        };
        let up = format!("{}\nop.drop_table('old')", create("new", &["id", "x", "y"]));
        let told = ["8: `old` is dropped and `new` created"];
        check(&RULE, &script(&up, "pass"), &told);
        check(&RULE, &script(&up, &create("old", &["id", "x", "z"])), &told);
        check(&RULE, &script(&up, &create("old", &["id", "p", "q"])), &[]);
    }

    #[test]
    fn of_several_the_one_with_the_likest_name() {
        let up = "op.drop_table('worker_pool')\nop.drop_table('worker_pool_queue')\n\
                  op.create_table('work_pool_queue', sa.Column('x'))\n\
                  op.create_table('work_pool', sa.Column('x'))";
        check(
            &RULE,
            &script(up, "pass"),
            &[
                "7: `worker_pool` is dropped and `work_pool` created",
                "8: `worker_pool_queue` is dropped and `work_pool_queue` created",
            ],
        );
    }

    #[test]
    fn rows_that_are_carried_over_were_thought_of() {
        let up = format!("{ADD}\nop.execute('UPDATE t SET b = a')\nop.drop_column('t', 'a')");
        check(&RULE, &script(&up, "pass"), &[]);
    }
}
