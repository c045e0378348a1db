//! A standard Alembic project on SQLite.

use super::TestRepo;

/// The script location of the standard project.
pub const SCRIPT_LOCATION: &str = "migrations";

/// The version location of the standard project.
pub const VERSIONS: &str = "migrations/versions";

const INI: &str = "\
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = .
path_separator = os
sqlalchemy.url = sqlite:///db.sqlite
";

const ENV: &str = r#"from alembic import context
from sqlalchemy import create_engine, pool

config = context.config


def run_migrations_offline() -> None:
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    engine = create_engine(config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
"#;

/// Writes `alembic.ini`, `env.py` and the template of new revisions.
pub fn write_alembic_project(repo: &TestRepo) {
    repo.write("alembic.ini", INI);
    repo.write("migrations/env.py", ENV);
    repo.write("migrations/script.py.mako", include_str!("../../src/script/generic.py.mako"));
    repo.write(".gitignore", "__pycache__/\n/db.sqlite*\n");
}
