//! What the schema proves about revisions of which nobody knows whether they
//! ran. Only objects count that no other revision has a hand in.

use crate::script::{Footprint, SchemaObject, SchemaObjects};

/// What a schema says of one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Ran,
    DidNotRun,
}

/// Proves whether `subject` ran, by what it creates for certain and none of the
/// `others` creates, drops, renames or might touch in ways that cannot be read.
/// All of that is there: it ran. Nothing of it: it did not. Else nothing is proved.
pub fn prove(subject: &Footprint, others: &[&Footprint], schema: &SchemaObjects) -> Option<Proof> {
    let mut proofs = subject
        .upgrade
        .creates
        .iter()
        .filter_map(|object| Some((object, subject.upgrade.table_of(object)?)))
        .filter(|(object, table)| is_decisive(object, table, subject, others))
        .map(|(object, table)| presence(object, table, subject, schema));
    let first = proofs.next()??;
    proofs.all(|proof| proof == Some(first)).then_some(first)
}

fn is_decisive(
    object: &SchemaObject,
    table: &str,
    subject: &Footprint,
    others: &[&Footprint],
) -> bool {
    // Only the default schema has been looked at.
    let is_seen = !table.contains('.');
    // What comes with a table is worth as much as the table.
    let whole = SchemaObject::Table(table.to_owned());
    let comes_with = subject.upgrade.creates.contains(&whole).then_some(&whole);
    let is_foul = |object: &SchemaObject| {
        subject.upgrade.mentions(object, table)
            || others.iter().any(|other| {
                // What a downgrade drops, its upgrade has created.
                other.upgrade.may_change(object, table) || other.downgrade.may_create(object, table)
            })
    };
    is_seen && ![Some(object), comes_with].into_iter().flatten().any(is_foul)
}

/// `None` if it cannot be told: the table that it would be added to is missing,
/// or something is there whose name differs in case alone.
fn presence(
    object: &SchemaObject,
    table: &str,
    subject: &Footprint,
    schema: &SchemaObjects,
) -> Option<Proof> {
    if schema.contains(object) {
        return Some(Proof::Ran);
    }
    let is_like = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let is_unclear = match object {
        SchemaObject::Table(table) => schema.tables.keys().any(|there| is_like(there, table)),
        SchemaObject::Column { table, column } => {
            let columns = schema.tables.get(table);
            columns.is_some_and(|columns| columns.iter().any(|there| is_like(there, column)))
        }
        SchemaObject::Index(index) => schema.indexes.iter().any(|there| is_like(there, index)),
    };
    let whole = SchemaObject::Table(table.to_owned());
    let has_place = schema.tables.contains_key(table) || subject.upgrade.creates.contains(&whole);
    (has_place && !is_unclear).then_some(Proof::DidNotRun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::read_footprint;

    fn footprint(upgrade: &str, downgrade: &str) -> Footprint {
        let body = |text: &str| text.replace('\n', "\n    ");
        let script = format!(
            "from alembic import op\nimport sqlalchemy as sa\n\ndef upgrade():\n    {}\n\n\
             def downgrade():\n    {}\n",
            body(upgrade),
            body(downgrade),
        );
        read_footprint(script.as_bytes()).expect("a script")
    }

    /// `a: x y | ix` is a table of two columns and an index.
    fn schema(text: &str) -> SchemaObjects {
        let (tables, indexes) = text.split_once('|').unwrap_or((text, ""));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let table = |line: &str| {
            let (name, columns) = line.split_once(':').expect("a table");
            (name.trim().to_owned(), words(columns))
        };
        let tables = tables.split(',').filter(|t| !t.trim().is_empty()).map(table).collect();
        SchemaObjects { tables, indexes: words(indexes) }
    }

    #[track_caller]
    fn check(subject: &str, others: &[&str], there: &str, proof: Option<Proof>) {
        let others: Vec<Footprint> = others.iter().map(|o| footprint(o, "pass")).collect();
        let others: Vec<&Footprint> = others.iter().collect();
        assert_eq!(prove(&footprint(subject, "pass"), &others, &schema(there)), proof);
    }

    const RAN: Option<Proof> = Some(Proof::Ran);
    const NOT: Option<Proof> = Some(Proof::DidNotRun);
    const TABLE: &str = "op.create_table('a', sa.Column('x'), sa.Column('y'))";
    const COLUMN: &str = "op.add_column('a', sa.Column('y'))";
    const INDEX: &str = "op.create_index('ix', 'a', ['x'])";

    #[test]
    fn what_is_there_ran_and_what_is_not_did_not() {
        check(TABLE, &[], "a: x y", RAN);
        check(TABLE, &[], "b: x y", NOT);
        check(TABLE, &[], "", NOT);
        check(COLUMN, &[], "a: x y", RAN);
        check(COLUMN, &[], "a: x", NOT);
        check(INDEX, &[], "a: x | ix", RAN);
        check(INDEX, &[], "a: x", NOT);
    }

    #[test]
    fn half_of_it_proves_nothing() {
        check(TABLE, &[], "a: x", None);
        check(&format!("{COLUMN}\n{INDEX}"), &[], "a: x y", None);
    }

    #[test]
    fn a_revision_that_creates_nothing_proves_nothing() {
        for upgrade in ["pass", "op.drop_table('a')", "op.execute('CREATE TABLE a (x int)')"] {
            check(upgrade, &[], "a: x", None);
            check(upgrade, &[], "", None);
        }
    }

    #[test]
    fn what_others_have_a_hand_in_is_no_evidence() {
        for other in [
            TABLE,
            "op.drop_table('a')",
            "op.drop_table('A')",
            "op.drop_table('a', schema='public')",
            "op.rename_table('a', 'b')",
            "op.rename_table('b', 'a')",
            "op.execute('DROP TABLE a')",
            "for t in tables():\n    op.drop_table(t)",
            "sa.MetaData().create_all(op.get_bind())",
            "if x:\n    op.create_table('a')",
        ] {
            check(TABLE, &[other], "a: x y", None);
            check(TABLE, &[other], "", None);
        }
        for other in [
            COLUMN,
            "op.drop_column('a', 'y')",
            "op.alter_column('a', 'z', new_column_name='y')",
            "op.create_table('a', *columns())",
            "op.add_column('a', column())",
            "op.drop_table('a')",
            "op.execute('ALTER TABLE a ADD y int')",
        ] {
            check(COLUMN, &[other], "a: x y", None);
        }
        for other in ["op.drop_index('ix')", "op.drop_column('a', 'x')", "op.drop_table('a')"] {
            check(INDEX, &[other], "a: x", None);
        }
    }

    #[test]
    fn what_others_do_elsewhere_does_not_matter() {
        for other in [
            "op.create_table('a', sa.Column('x'))",
            "op.add_column('a', sa.Column('z'))",
            "op.drop_column('a', 'z')",
            "op.execute('UPDATE a SET x = 1')",
            "op.execute('DROP TABLE b')",
            "op.create_foreign_key('fk', 'b', 'a', ['x'], ['y'])",
        ] {
            check(COLUMN, &[other], "a: x y", RAN);
            check(COLUMN, &[other], "a: x", NOT);
        }
    }

    #[test]
    fn an_object_that_others_share_is_left_out_of_the_evidence() {
        let subject = format!("{COLUMN}\nop.create_table('c', sa.Column('x'))");
        check(&subject, &[COLUMN], "a: x y, c: x", RAN);
        check(&subject, &[COLUMN], "a: x y", NOT);
    }

    #[test]
    fn what_a_revision_does_to_its_own_objects_counts() {
        let drops = "op.create_table('a', sa.Column('x'))\nop.drop_table('a')";
        check(drops, &[], "", None);
        check(&format!("{TABLE}\nop.execute('DROP TABLE a')"), &[], "", None);
        check(&format!("{TABLE}\nop.execute('INSERT INTO a VALUES (1)')"), &[], "", NOT);
        check(&format!("if x:\n    {TABLE}"), &[], "", None);
        check(&format!("if x:\n    return\n{TABLE}"), &[], "", None);
    }

    #[test]
    fn what_a_downgrade_may_leave_behind_counts_too() {
        let other = footprint("op.drop_column('b', 'y')", COLUMN);
        let subject = footprint(COLUMN, "pass");
        assert_eq!(prove(&subject, &[&other], &schema("a: x y")), None);
        let other = footprint("pass", "op.drop_column('a', 'y')");
        assert_eq!(prove(&subject, &[&other], &schema("a: x y")), RAN);
    }

    #[test]
    fn other_schemas_and_other_spellings_prove_nothing() {
        check("op.create_table('a', schema='s')", &[], "a: x", None);
        check("op.create_table('a', schema='s')", &[], "", None);
        check("op.create_table('a', schema=name())", &[], "", None);
        check("op.create_table('A')", &[], "a: x", None);
        check("op.add_column('a', sa.Column('Y'))", &[], "a: x y", None);
        check(COLUMN, &[], "b: x", None);
    }
}
