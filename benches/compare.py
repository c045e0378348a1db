"""Whole processes side by side, in turns, on the same projects: ours and those that answer
the same question, or read the same bytes.

Prints medians and ratios as Markdown, and writes them as JSON where a file is named. A ratio
above 1 says how many times longer the other one takes; the last column, where there is one,
is what the ratio has to be.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projects import bushy, commit, diverge, fixture, git, linear, write_project, write_revision

ROUNDS = 15
BACKEND_AI = "lablup__backend.ai__0.json"
SHIM = "post-checkout"


class Bench:
    def __init__(self, dbm_git, scratch):
        # Not resolved: a link to the interpreter would lead out of its environment.
        bin = Path(sys.executable).parent
        self.dbm_git = dbm_git
        self.alembic = str(bin / "alembic")
        self.heads = [sys.executable, "-S", "-E", "-B", str(Path("benches/heads.py").resolve())]
        self.empty = str(scratch / "empty")
        (scratch / "empty.rs").write_text("fn main() {}\n")
        subprocess.run(["rustc", "-O", "-o", self.empty, str(scratch / "empty.rs")], check=True)
        self.scratch = scratch
        self.rows = []
        print("| | ours | the other | | ratio | wanted |")
        print("|---|--:|---|--:|--:|---|")

    def project(self, name, revisions, **more):
        folder = self.scratch / name
        write_project(folder, revisions, **more)
        return folder

    def compare(self, name, folder, ours, others, forget=False, rounds=ROUNDS, codes=(0, 1)):
        """Times `ours` and each of `others`: (label, command, wanted ratio or None)."""
        commands = [ours] + [command for _, command, _ in others]
        times = [[] for _ in commands]
        for round in range(rounds + 1):
            for at, command in enumerate(commands):
                if at == 0 and forget:
                    for file in ("headers", "answers"):
                        (folder / ".git" / "dbm-git" / file).unlink(missing_ok=True)
                seconds = run(command, folder, codes)
                # The first round warms caches that are not ours.
                if round:
                    times[at].append(seconds)
        medians = [statistics.median(t) for t in times]
        for (label, _, wanted), theirs in zip(others, medians[1:]):
            self.say(name, medians[0], label, theirs, wanted)
        return medians[0]

    def say(self, name, ours, label, theirs, wanted=None):
        ratio = theirs / ours
        row = dict(name=name, ours=ours, other=label, theirs=theirs, ratio=ratio, wanted=wanted)
        self.rows.append(row)
        wanted = "" if wanted is None else f"at least {wanted:g}"
        print(
            f"| {name} | {ours * 1000:.1f} ms | {label} | {theirs * 1000:.1f} ms "
            f"| {ratio:.2f} | {wanted} |",
            flush=True,
        )


def run(command, folder, codes):
    """Seconds of a whole process, as whoever starts it sees them."""
    words = [str(word) for word in command]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    nothing = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, stream) for stream in (0, 1, 2)]
    here = os.getcwd()
    os.chdir(folder)
    try:
        start = time.perf_counter()
        child = os.posix_spawnp(words[0], words, environment, file_actions=actions)
        _, status = os.waitpid(child, 0)
        seconds = time.perf_counter() - start
    finally:
        os.chdir(here)
        os.close(nothing)
    if os.waitstatus_to_exitcode(status) not in codes:
        sys.exit(f"{words} failed in {folder}: exit {os.waitstatus_to_exitcode(status)}")
    return seconds


def reading(bench):
    """What is read of the working tree, cold and warm, by the size of the history."""
    versions = "migrations/versions"
    check = [bench.dbm_git, "check", "-q"]
    status = ["git", "status", "--porcelain", versions]
    folder = bench.project("backend_ai", fixture(BACKEND_AI))
    alembic, ast = [bench.alembic, "heads"], [*bench.heads, versions]
    others = [
        ("`alembic heads`", alembic, 60),
        ("`alembic history`", [bench.alembic, "history"], None),
        ("Python's `ast`", ast, 10),
        ("`git ls-tree`", ["git", "ls-tree", "HEAD", f"{versions}/"], None),
    ]
    bench.compare("484 revisions, `check`, cold", folder, check, others, forget=True)
    # Twice: the first look parses, the second one remembers.
    [run(check, folder, (0,)) for _ in range(2)]
    others = [
        ("`alembic heads`", alembic, 150),
        ("`git status`", status, None),
        ("an empty program", [bench.empty], 1 / 3),
    ]
    bench.compare("484 revisions, `check`, warm", folder, check, others)
    bench.compare("484 revisions, `graph`", folder, [bench.dbm_git, "graph"], [
        ("`alembic history`", [bench.alembic, "history"], None),
    ])
    cold = {}
    for count in (100, 500, 2_000, 10_000):
        folder = bench.project(f"linear_{count}", linear(count))
        name = f"{count:,} revisions in a line, `check`"
        others = [("`git status`", status, None)]
        cold[count] = bench.compare(f"{name}, cold", folder, check, others, forget=True)
        [run(check, folder, (0,)) for _ in range(2)]
        wanted = 1 if count == 10_000 else None
        bench.compare(f"{name}, warm", folder, check, [("`git status`", status, wanted)])
    # How many times 500 revisions fit into 10,000, turned around.
    bench.say("10,000 revisions, cold", cold[10_000], "500 revisions, cold", cold[500], 1 / 20)
    others = [("`git status`", status, None)]
    for count in (500, 2_000):
        folder = bench.project(f"bushy_{count}", bushy(count))
        name = f"{count:,} revisions in branches, `check`, cold"
        bench.compare(name, folder, check, others, forget=True)
    folder = bench.project("components", linear(100), components=10)
    others = [("`git status`", ["git", "status", "--porcelain"], None)]
    bench.compare("10 components of 100, `check`, cold", folder, check, others, forget=True)


def memory(bench):
    """What a cold check holds at most, by the size of the history."""
    check, peaks = [bench.dbm_git, "check", "-q"], {}
    for count in (100, 2_000, 10_000):
        folder = bench.project(f"memory_{count}", linear(count))
        # Of a child that is waited for, and of its own alone.
        code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        told = subprocess.check_output([sys.executable, "-c", code, *check], cwd=folder, text=True)
        peaks[count] = int(told.split()[-1])
    each = (peaks[10_000] - peaks[2_000]) / 8_000
    name = "10,000 revisions, `check`, cold: memory"
    row = dict(name=name, kib=peaks, kib_of_a_revision=each)
    bench.rows.append(row)
    of = ", ".join(f"{count:,}: {kib / 1024:.1f} MiB" for count, kib in peaks.items())
    print(f"| {name} | {each:.1f} KiB each | {of} | | | |", flush=True)


def diverged(bench):
    """One new revision on each side of a long history."""
    for count in (500, 10_000):
        folder = bench.project(f"diverged_{count}", linear(count))
        diverge(folder, f"{count:012x}")
        two = ["sh", "-c", "git merge-base main feature; git diff --name-only main feature"]
        check = [bench.dbm_git, "check", "--base", "main"]
        name = f"{count:,} revisions, one more on each side, `check --base`"
        others = [("`git merge-base`, `git diff`", two, None)]
        bench.compare(f"{name}, cold", folder, check, others, forget=True, rounds=5)
        [run(check, folder, (1,)) for _ in range(2)]
        others = [("`git merge-base`, `git diff`", two, 0.5)]
        bench.compare(f"{name}, warm", folder, check, others)
        rebase = [bench.dbm_git, "rebase", "--dry-run", "--base", "main"]
        others = [("`git rebase`, which finds nothing", ["git", "rebase", "HEAD"], None)]
        bench.compare(f"{count:,} revisions, `rebase --dry-run`", folder, rebase, others, rounds=5)


def hooks(bench):
    """What a hook adds to a `git switch` in a repository of 100,000 other files."""
    folder = bench.project("large", linear(500), files=100_000)
    subprocess.run(
        [bench.dbm_git, "install"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    old = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()
    git(folder, "switch", "-q", "-c", "text")
    (folder / "README").write_text("Read me.\n")
    commit(folder, "Read me")
    hook = folder / ".git" / "hooks" / SHIM
    same = folder / ".git" / "hooks" / "empty"
    same.write_text(hook.read_text().replace(bench.dbm_git, bench.empty))
    same.chmod(0o755)
    words = [old, old, "1"]
    others = [("an empty program, by the same shim", [same, *words], 0.5)]
    bench.compare("hook, nothing changed, 100,000 other files", folder, [hook, *words], others)
    # Each round sees one revision come or go.
    git(folder, "switch", "-q", "-c", "revision")
    write_revision(folder / "migrations" / "versions", "f" * 12, [f"{500:012x}"])
    commit(folder, "one more")
    git(folder, "switch", "-q", "text")
    there = "git switch -q revision; git switch -q text"
    plain = ["sh", "-c", there.replace("git", "git -c core.hooksPath=/dev/null")]
    others = [("without hooks", plain, 0.1)]
    name = "two switches, a revision comes and goes, 500 looked at"
    bench.compare(name, folder, ["sh", "-c", there], others)


def database(bench):
    """`status` of a SQLite database; the servers' are in the tests' own words."""
    for count in (1, 500):
        folder = bench.project(f"status_{count}", linear(count))
        subprocess.run(
            [bench.alembic, "upgrade", "head"], cwd=folder, check=True, stderr=subprocess.DEVNULL
        )
        # alembic is asked once where the database is.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        status = ["env", f"PATH={path}", bench.dbm_git, "status"]
        [run(status, folder, (0,)) for _ in range(2)]
        others = [("`alembic current`", [bench.alembic, "current"], 20)]
        bench.compare(f"`status`, {count} on SQLite", folder, status, others)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dbm_git")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=["reading", "memory", "diverged", "hooks", "database"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(str(Path(arguments.dbm_git).resolve()), Path(scratch))
        for part in (reading, memory, diverged, hooks, database):
            if arguments.only in (None, part.__name__):
                part(bench)
        if arguments.json:
            arguments.json.write_text(json.dumps(bench.rows, indent=2) + "\n")


main()
