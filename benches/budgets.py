"""Instructions of the hot paths, counted by valgrind, held against `budgets.json`.

Times differ from run to run and from machine to machine; instructions hardly do. A path that
takes more than its budget fails, with the functions that take most. Of one that takes much less
it is said that the budget can follow, by `--renew`, so that what was won stays.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from projects import commit, diverge, fixture, git, linear, write_project, write_revision

BUDGETS = Path(__file__).with_name("budgets.json")
# What differs between processors, versions of the C library and the seeds of hash maps.
TOLERANCE = 0.05
# What is won before the budget is worth following.
SLACK = 0.20


class Counter:
    def __init__(self, dbm_git, scratch):
        self.dbm_git = dbm_git
        self.out = scratch / "callgrind.out"
        # A `check` in CI looks for more, so nothing else may say where this runs.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "LC_ALL": "C"}

    def run(self, folder, *words, codes=(0, 1)):
        done = subprocess.run(
            [self.dbm_git, *words],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode not in codes:
            sys.exit(f"dbm-git {' '.join(words)}: {done.stderr.decode()}")

    def count(self, folder, *words, codes=(0, 1)):
        """Instructions of one run, all threads together."""
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}"]
        done = subprocess.run(
            [*command, self.dbm_git, *words],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        counted = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode not in codes or not counted:
            sys.exit(f"dbm-git {' '.join(words)}: {done.stderr}")
        return int(counted[1])

    def top(self):
        """The functions that took most of the last run."""
        annotated = subprocess.run(
            ["callgrind_annotate", str(self.out)], capture_output=True, text=True
        ).stdout
        lines = [line for line in annotated.splitlines() if re.match(r"\s*[\d,]+ \(", line)]
        return "\n".join(line[:150] for line in lines[1:11])


def forget(folder, *files):
    for file in files:
        (folder / ".git" / "dbm-git" / file).unlink(missing_ok=True)


def history(counter, scratch):
    """`check` on the 484 revisions of a real project: nothing known, headers known, all known."""
    folder = scratch / "backend_ai"
    write_project(folder, fixture("lablup__backend.ai__0.json"))
    yield "start", lambda: counter.count(folder, "--version")
    yield "check, nothing known", lambda: counter.count(folder, "check")
    yield "check, headers known", lambda: counter.count(folder, "check")
    counter.run(folder, "check")
    yield "check, answer known", lambda: counter.count(folder, "check")
    yield "graph", lambda: counter.count(folder, "graph")
    # What is added on each side is all that is new.
    diverge(folder, "c5a91e37d40b")
    counter.run(folder, "check", "--base", "main")
    forget(folder, "answers")
    yield "check --base, headers known", lambda: counter.count(folder, "check", "--base", "main")
    yield "rebase --dry-run", lambda: counter.count(folder, "rebase", "--dry-run", "--base", "main")


def hooks(counter, scratch):
    """The hook after a switch that changed nothing, and after one that brought a revision."""
    folder = scratch / "hooks"
    write_project(folder, linear(500), files=1000)
    counter.run(folder, "install")
    main = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()
    git(folder, "-c", "core.hooksPath=/dev/null", "switch", "-q", "-c", "text")
    (folder / "README").write_text("Read me.\n")
    commit(folder, "Read me")
    hook = ("hook", "post-checkout", main, main, "1")
    yield "hook, nothing changed", lambda: counter.count(folder, *hook)
    write_revision(folder / "migrations" / "versions", "f" * 12, [f"{500:012x}"])
    git(folder, "add", "-A")
    git(folder, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "one more")
    counter.run(folder, "check", "--at", "HEAD")
    yield "hook, one revision more", lambda: counter.count(folder, *hook)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dbm_git", type=Path)
    parser.add_argument("--renew", action="store_true")
    arguments = parser.parse_args()
    budgets = json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}
    counted, failed = {}, False
    with tempfile.TemporaryDirectory() as scratch:
        counter = Counter(str(arguments.dbm_git.resolve()), Path(scratch))
        for group in (history, hooks):
            for name, count in group(counter, Path(scratch)):
                counted[name] = count()
                budget = budgets.get(name)
                share = counted[name] / budget if budget else None
                print(f"{name}: {counted[name]:,}" + (f", {share:.0%} of the budget" if share else ""))
                if arguments.renew:
                    continue
                if share is None or share > 1 + TOLERANCE:
                    failed = True
                    print(f"  the budget is {budget or 0:,}; most of it goes to\n{counter.top()}")
                elif share < 1 - SLACK:
                    print(f"  the budget of {budget:,} can follow: benches/budgets --renew PROGRAM")
    if arguments.renew:
        BUDGETS.write_text(json.dumps(counted, indent=2) + "\n")
    elif failed or set(budgets) != set(counted):
        sys.exit(f"{BUDGETS.name}: not kept; `benches/budgets --renew PROGRAM` writes it anew")


main()
