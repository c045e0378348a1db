"""The heads of a version location, as a careful script would find them: by Python's own parser."""

import ast
import sys
from pathlib import Path


def header(path):
    names = {}
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif isinstance(statement, ast.AnnAssign):
            name = statement.target.id
        else:
            continue
        if name in ("revision", "down_revision"):
            names[name] = ast.literal_eval(statement.value)
    return names


revisions, below = set(), set()
for path in Path(sys.argv[1]).glob("*.py"):
    names = header(path)
    revisions.add(names["revision"])
    down = names["down_revision"]
    below.update([down] if isinstance(down, str) else down or [])
print(*sorted(revisions - below))
