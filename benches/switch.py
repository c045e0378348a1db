"""What our hooks add to a whole `git switch`, by the side of one without them.

One repository of 500 revisions and 2,000 other files; the runs take turns, and
what counts is the processor time of git and all that it starts. The second line
is what any hook costs that a shell starts: nobody gets below it.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projects import commit, git, linear, write_project, write_revision

ROUNDS = 25


def write_repository(folder):
    """`main`, `text` with another README, and `revision` with one revision more."""
    revisions = linear(500)
    write_project(folder, revisions, files=2000)
    git(folder, "switch", "-q", "-c", "text")
    (folder / "README").write_text("Read me.\n")
    commit(folder, "Read me")
    git(folder, "switch", "-q", "-c", "revision", "main")
    write_revision(folder / "migrations" / "versions", "f" * 12, [revisions[-1][0]])
    commit(folder, "One more")
    git(folder, "switch", "-q", "main")
    git(folder, "gc", "-q")


def install_nothing(folder, _dbm_git):
    for name in ["post-checkout", "post-commit", "post-merge", "post-rewrite", "pre-push"]:
        (folder / ".git" / "hooks" / name).unlink(missing_ok=True)


def install_shell(folder, dbm_git):
    install_nothing(folder, dbm_git)
    hook = folder / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nexec /bin/true\n")
    hook.chmod(0o755)


def install_ours(folder, dbm_git):
    install_nothing(folder, dbm_git)
    subprocess.run([dbm_git, "install"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def switch(folder, branch):
    """Seconds of the processor, and of the clock."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        ["git", "switch", "-q", branch], cwd=folder, check=True, stderr=subprocess.DEVNULL
    )
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def main():
    dbm_git = str(Path(sys.argv[1]).resolve())
    cases = [
        ("without hooks", install_nothing, "text"),
        ("a hook that does nothing", install_shell, "text"),
        ("ours, nothing changed", install_ours, "text"),
        ("without hooks, a revision comes and goes", install_nothing, "revision"),
        ("ours, 500 revisions read anew", install_ours, "revision"),
    ]
    times = {name: [] for name, _, _ in cases}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_repository(folder)
        for _ in range(ROUNDS):
            for name, install, branch in cases:
                install(folder, dbm_git)
                switch(folder, branch)
                switch(folder, "main")
                times[name] += [switch(folder, branch), switch(folder, "main")]
    print("| `git switch` | processor | clock | ratio |")
    print("|---|---|---|---|")
    for name, install, branch in cases:
        processor, clock = (statistics.median(t) * 1000 for t in zip(*times[name]))
        base = cases[0][0] if branch == "text" else cases[3][0]
        ratio = processor / statistics.median(t for t, _ in times[base]) / 1000
        print(f"| {name} | {processor:.1f} ms | {clock:.1f} ms | {ratio:.2f} |")


main()
