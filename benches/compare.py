"""Medians of whole processes, side by side: dbm-git and alembic on the same projects.

The projects are the 484 revisions of lablup/backend.ai (tests/fixtures/graphs)
and linear histories of 500 to 10,000 revisions with bodies of usual size.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projects import linear, write_project


def fixture(name):
    data = json.loads(Path("tests/fixtures/graphs", name).read_text())
    return [(r["revision"], r["down_revision"]) for r in data["revisions"]]


def median(command, folder, runs):
    """Median seconds of `runs` runs, after one that is not counted."""
    times = []
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            sys.exit(f"{command} failed in {folder}: {done.stderr.decode()}")
    return statistics.median(times[1:])


def main():
    dbm_git = str(Path(sys.argv[1]).resolve())
    # Not resolved: a link to the interpreter would lead out of its environment.
    alembic = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "alembic")
    projects = [("lablup/backend.ai, 484 revisions", fixture("lablup__backend.ai__0.json"), True)]
    projects += [(f"linear, {n} revisions", linear(n), n <= 500) for n in (500, 2000, 10000)]
    print("| project | `dbm-git check` | `alembic heads` | ratio |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for at, (name, revisions, with_alembic) in enumerate(projects):
            folder = Path(scratch, str(at))
            write_project(folder, revisions)
            ours = median([dbm_git, "check", "--quiet"], folder, 15)
            row = f"| {name} | {ours * 1000:.1f} ms |"
            if with_alembic:
                theirs = median([alembic, "heads"], folder, 5)
                row += f" {theirs * 1000:.0f} ms | {theirs / ours:.0f} |"
            else:
                row += " – | – |"
            print(row, flush=True)


main()
