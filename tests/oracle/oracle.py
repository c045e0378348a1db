"""What the real alembic says about projects: one JSON line in, one JSON line out.

A request names a project folder and how its scripts are found:

    {"path": "/project", "ini": "alembic.ini", "section": "alembic"}
    {"path": "/project", "script_location": "migrations",
     "version_locations": ["migrations/versions"], "recursive": false}

The answer has either an "error" (the exception's class and message) or what
``ScriptDirectory`` loaded. Nothing of alembic is replaced; one process answers
for many projects, so what a project's files import is forgotten after each.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True

import contextlib  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import alembic  # noqa: E402
from alembic.config import Config  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from alembic.util import to_tuple  # noqa: E402


def config_of(request):
    if request.get("ini") is not None:
        return Config(request["ini"], ini_section=request.get("section", "alembic"))
    config = Config()
    config.set_main_option("script_location", escaped(request["script_location"]))
    if request.get("version_locations"):
        config.set_main_option("path_separator", "newline")
        locations = "\n".join(request["version_locations"])
        config.set_main_option("version_locations", escaped(locations))
    if request.get("recursive"):
        config.set_main_option("recursive_version_locations", "true")
    return config


def escaped(value):
    return value.replace("%", "%%")


def description(script, project):
    return {
        "revision": script.revision,
        "down_revisions": list(script._versioned_down_revisions),
        "depends_on": list(to_tuple(script.dependencies or ())),
        "resolved_dependencies": list(script._resolved_dependencies),
        "labels": sorted(script._orig_branch_labels),
        "effective_labels": sorted(script.branch_labels),
        "path": Path(os.path.relpath(script.path, project)).as_posix(),
        "doc": script.doc,
    }


def answer(request):
    directory = ScriptDirectory.from_config(config_of(request))
    revision_map = directory.revision_map
    # The map also has an entry per label, and several entries may be one script.
    scripts = {id(s): s for s in revision_map._revision_map.values() if s is not None}
    result = {
        "revisions": [description(s, Path.cwd()) for s in scripts.values()],
        "heads": list(revision_map.heads),
        "real_heads": list(revision_map._real_heads),
        "bases": list(revision_map.bases),
        "upgrade_order": None,
        "upgrade_error": None,
    }
    # Some histories load and only fail when a way through them is asked for.
    try:
        steps = directory._upgrade_revs("heads", None)
        result["upgrade_order"] = [step.revision.revision for step in steps]
    except Exception as error:
        result["upgrade_error"] = failure(error)
    return result


def failure(error):
    return {"class": type(error).__name__, "message": str(error)}


@contextlib.contextmanager
def inside(project):
    """Runs in the project's folder and forgets what its files imported."""
    folder, path = os.getcwd(), list(sys.path)
    os.chdir(project)
    try:
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        for name in [n for n, m in sys.modules.items() if lies_in(m, project)]:
            del sys.modules[name]
        importlib.invalidate_caches()


def lies_in(module, project):
    # A namespace package has no file, only a path.
    places = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
    root = os.path.realpath(project) + os.sep
    return any(os.path.realpath(p).startswith(root) for p in places if p)


def respond(request):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # A script may print; the answer's stream is not its to write to.
        with inside(request["path"]), contextlib.redirect_stdout(sys.stderr):
            try:
                result = answer(request)
            # A script may also raise SystemExit.
            except (Exception, SystemExit) as error:
                result = {"error": failure(error)}
    result["warnings"] = [str(w.message) for w in caught if w.category is UserWarning]
    return result


def main():
    stdout = sys.stdout
    for line in sys.stdin:
        result = respond(json.loads(line))
        result["alembic"] = alembic.__version__
        stdout.write(json.dumps(result) + "\n")
        stdout.flush()


if __name__ == "__main__":
    main()
