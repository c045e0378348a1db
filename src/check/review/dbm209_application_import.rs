//! DBM209: a revision imports the application.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Import, is_library};

pub const RULE: Rule = Rule {
    code: Code(209),
    name: "import of the application",
    level: Level::Warning,
    summary: "an own revision imports code of the application",
    explanation: "\
The script imports a module that lies in this repository, outside of the folder of the
migrations, and uses it for more than the types of columns, which autogenerate writes
that way. Helpers in the folder are meant for migrations, and are fine.

Why it matters
  A revision runs for years: in every new database, in every test that starts from an
  empty one. The application moves on meanwhile. A model then has columns that the table
  does not have yet at this point of the history, a constant another value, a module
  another name, and the history fails from the middle on.

How to mend it
  Write down what is needed as it is today: `sa.table(\"users\", sa.column(\"age\"))` in
  place of the model, values as literals, SQLAlchemy's own type in place of the
  application's. Alembic's manual does the same under `bulk_insert`.

Example
  from shop.models import User

  def upgrade() -> None:
      session = Session(bind=op.get_bind())
      session.query(User).update({\"active\": True})
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let imports = reviewed.operations.imports.iter();
    imports
        .filter(|import| is_of_application(reviewed, import))
        .map(|import| {
            let dots = ".".repeat(import.level as usize);
            let message = format!("`{dots}{}` is code of the application", import.module);
            let help = "write down here what is needed of it, as it is today";
            reviewed.finding_at(&RULE, import.line, &import.span, message).help(help)
        })
        .collect()
}

fn is_of_application(reviewed: &Reviewed<'_>, import: &Import) -> bool {
    if import.is_of_types || is_library(&import.module) {
        return false;
    }
    // Relative to the version location: one or two dots stay among the migrations.
    if import.level > 0 {
        return import.level > 2;
    }
    let first = import.module.split('.').next().unwrap_or_default();
    reviewed.modules.contains(first) && !is_of_migrations(reviewed, &import.module)
}

/// Whether the module lies in the folder of the migrations, by whichever of its
/// parts Python begins to look.
fn is_of_migrations(reviewed: &Reviewed<'_>, module: &str) -> bool {
    let module: Vec<&str> = module.split('.').collect();
    let folder: Vec<&str> = reviewed.script_location.as_str().split('/').collect();
    (0..folder.len()).any(|from| module.starts_with(&folder[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    #[track_caller]
    fn told(import: &str, expected: &[&str]) {
        let uses = "session = Session(User, app, application, helpers, table_exists, op, logging)";
        check(&RULE, &format!("{import}\n{}", script(uses, "pass")), expected);
        // In a function it is the same.
        let lines: Vec<String> = expected.iter().map(|line| line.replace("1: ", "7: ")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        check(&RULE, &script(&format!("{import}\n{uses}"), "pass"), &lines);
    }

    #[test]
    fn a_type_of_a_column_may_be_the_applications_own() {
        let with = |column: &str| {
            script(
                &format!("from app.types import Guid, Kind\nop.add_column('t', {column})"),
                "pass",
            )
        };
        check(&RULE, &with("sa.Column('x', Guid())"), &[]);
        check(&RULE, &with("sa.Column('x', type_=Guid())"), &[]);
        let told = ["7: `app.types` is code of the application"];
        check(&RULE, &with("sa.Column('x', sa.Enum(Kind))"), &told);
        check(&RULE, &with("sa.Column('x', Guid(), server_default=Kind.a)"), &told);
    }

    #[test]
    fn modules_of_the_repository_are_told() {
        told("from app.models import User", &["1: `app.models` is code of the application"]);
        told("import app", &["1: `app` is code of the application"]);
        told("from ...models import User", &["1: `...models` is code of the application"]);
    }

    #[test]
    fn libraries_and_helpers_of_migrations_are_not() {
        for import in [
            "from sqlalchemy.orm import Session",
            "import application",
            "import logging",
            "from app.migrations.helpers import table_exists",
            "from migrations import helpers",
            "from .helpers import table_exists",
        ] {
            told(import, &[]);
        }
    }
}
