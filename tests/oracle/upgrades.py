"""Takes one project's database from revision to revision by the real alembic.

Each line of the input is a revision; once the database is there, `done` is said, or what
went wrong, in one line. One process, since alembic takes longer to start than to upgrade.
"""

import contextlib
import sys

sys.dont_write_bytecode = True

from alembic import command  # noqa: E402
from alembic.config import Config  # noqa: E402


def main():
    answers = sys.stdout
    for line in sys.stdin:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                command.upgrade(Config("alembic.ini"), line.strip())
            said = "done"
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    main()
