"""What people do at the prompt: one JSON line in, one JSON line out.

    {"do": "alembic", "folder": "/project", "arguments": ["upgrade", "heads"],
     "environment": {"NAME": "value"}}
    {"do": "sql", "url": "sqlite:////db", "statements": ["SELECT 1"]}
    {"do": "schema", "url": "sqlite:////db"}
    {"do": "rows", "url": "sqlite:////db"}

One process does all of it, which is much faster than starting one for each
command. Nothing of alembic is replaced. Byte code is neither written nor found,
so a script is always what its file says.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True

import contextlib  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import traceback  # noqa: E402
import warnings  # noqa: E402

from alembic.config import CommandLine  # noqa: E402
from sqlalchemy import create_engine, inspect, make_url, pool, text  # noqa: E402


def alembic(request):
    before = (os.getcwd(), dict(os.environ), list(sys.path), set(sys.modules))
    output = io.StringIO()
    code, error = 0, None
    os.chdir(request["folder"])
    os.environ.update(request.get("environment") or {})
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            CommandLine("alembic").main(request["arguments"])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception:
        code, error = 1, traceback.format_exc(limit=-3)
    finally:
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])
        sys.path[:] = before[2]
        for name in set(sys.modules) - before[3]:
            if not name.startswith(("alembic", "sqlalchemy", "mako")):
                del sys.modules[name]
    return {"code": code, "output": output.getvalue() + (error or "")}


def connect(url):
    return create_engine(url, poolclass=pool.NullPool)


def is_missing(url):
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not os.path.exists(parsed.database)


def sql(request):
    rows = []
    with connect(request["url"]).begin() as connection:
        for statement in request["statements"]:
            result = connection.execute(text(statement))
            rows = [list(map(str, row)) for row in result] if result.returns_rows else []
    return {"rows": rows}


def schema(request):
    tables = {}
    if is_missing(request["url"]):
        return {"tables": tables}
    with connect(request["url"]).connect() as connection:
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            if table != "alembic_version":
                tables[table] = description(inspector, table)
    return {"tables": tables}


def rows(request):
    """The version rows, sorted; none if there is no table for them."""
    if is_missing(request["url"]):
        return {"rows": []}
    with connect(request["url"]).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return {"rows": []}
        found = connection.execute(text("SELECT version_num FROM alembic_version"))
        return {"rows": sorted(found.scalars())}


def description(inspector, table):
    lines = []
    for column in inspector.get_columns(table):
        null = "null" if column["nullable"] else "not null"
        lines.append(f"{column['name']} {column['type']} {null} {column['default']}")
    lines.append(f"primary key {inspector.get_pk_constraint(table)['constrained_columns']}")
    for index in inspector.get_indexes(table):
        lines.append(f"index {index['name']} {index['column_names']} {bool(index['unique'])}")
    for key in inspector.get_foreign_keys(table):
        names = [key["constrained_columns"], key["referred_table"], key["referred_columns"]]
        lines.append(f"foreign key {names}")
    for key in inspector.get_unique_constraints(table):
        lines.append(f"unique {key['column_names']}")
    return sorted(lines)


ACTIONS = {"alembic": alembic, "sql": sql, "schema": schema, "rows": rows}


def main():
    stdout = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = ACTIONS[request["do"]](request)
            except Exception:
                result = {"failed": traceback.format_exc(limit=-3)}
        stdout.write(json.dumps(result) + "\n")
        stdout.flush()


if __name__ == "__main__":
    main()
