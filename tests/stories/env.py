"""The environment of every story: it also writes down what really ran, and in
which database, where the story's tests look for it."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

config = context.config
url = (
    os.environ.get("STORY_URL")
    or os.environ.get("DATABASE_URL")
    or config.get_main_option("sqlalchemy.url")
)


# What ran in a transaction has not run until that is committed.
applied = []


def note(ctx, step, heads, run_args):
    if step.is_stamp:
        return
    what = "upgrade" if step.is_upgrade else "downgrade"
    script = step.up_revision
    # Merge revisions are written by others.
    uid = getattr(script.module, "UID", f"id:{script.revision}")
    database = ctx.connection.engine.url.database
    if ctx.connection.engine.name == "sqlite":
        database = os.path.realpath(database)
    applied.append(f"{what} {uid} {database}\n")
    if not ctx.impl.transactional_ddl:
        write_down()


def write_down():
    with open(os.environ["STORY_LOG"], "a") as log:
        log.writelines(applied)
    applied.clear()


if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, on_version_apply=note)
        with context.begin_transaction():
            context.run_migrations()
    write_down()
