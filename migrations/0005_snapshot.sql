-- Copies of databases that are kept for the branches that left them.

CREATE TABLE snapshot (
    -- Never used twice: `dbm-git snapshots restore 7` must not one day mean another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Written down before there is anything, and until nothing is left.
    state TEXT NOT NULL CHECK (state IN ('making', 'kept', 'dropping')),
    -- Null unless a person has named it.
    name TEXT,
    branch TEXT,
    head TEXT,
    component TEXT NOT NULL,
    -- The URL as it may be shown; never a password.
    database TEXT NOT NULL,
    -- That of the ledger.
    identity TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'database', 'dump')),
    -- A file's name below `dbm-git/snapshots` (a dump is one, too), or a database's on its server.
    place TEXT NOT NULL UNIQUE,
    -- Version rows, one a line; empty for none.
    version_rows TEXT NOT NULL,
    -- Whether the ledger told of these rows then.
    is_explained INTEGER NOT NULL CHECK (is_explained IN (0, 1)),
    -- JSON: the ledger's entries of that moment, in order.
    revisions TEXT NOT NULL,
    -- The revisions that were once found to be skipped, one a line.
    skipped TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    -- Unix seconds.
    created_at INTEGER NOT NULL
) STRICT;

-- A snapshot put in the place of a database, as a part of an operation.
CREATE TABLE exchange (
    id INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    component TEXT NOT NULL,
    -- The snapshot that is put there; it is gone once that is done.
    restored INTEGER NOT NULL,
    -- What was there before, as a snapshot; null where there was nothing.
    kept INTEGER,
    -- The database's fingerprint from before.
    content TEXT NOT NULL,
    -- The exchange that this one takes back.
    undoes INTEGER REFERENCES exchange (id),
    state TEXT NOT NULL CHECK (state IN ('started', 'done', 'called-off', 'taken-back'))
) STRICT;
