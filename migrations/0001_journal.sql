-- What dbm-git did to files, with everything that is needed to take it back.

CREATE TABLE operation (
    -- Never used twice: `dbm-git undo 7` must not one day mean another operation.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    -- Where it happened: `.` for the main worktree, `worktrees/<name>` for a linked one.
    worktree TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('prepared', 'applied', 'undone', 'rolled-back', 'discarded')),
    -- Unix seconds.
    created_at INTEGER NOT NULL,
    command TEXT NOT NULL,
    head TEXT,
    branch TEXT,
    summary TEXT NOT NULL,
    undoes INTEGER REFERENCES operation (id)
) STRICT;

-- At most one operation is open in a worktree, whatever the code believes.
CREATE UNIQUE INDEX open_operation ON operation (worktree) WHERE state = 'prepared';

CREATE TABLE change (
    operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    path TEXT NOT NULL,
    -- Null where there is no file.
    before_bytes BLOB,
    before_mode INTEGER,
    after_bytes BLOB,
    after_mode INTEGER,
    PRIMARY KEY (operation, seq),
    UNIQUE (operation, path),
    CHECK ((before_bytes IS NULL) = (before_mode IS NULL)),
    CHECK ((after_bytes IS NULL) = (after_mode IS NULL))
) STRICT;
