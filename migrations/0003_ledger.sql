-- What is known to have run in each database, and each step taken in one.

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    -- A hash over dialect, host, port, name and version table; never a password.
    identity TEXT NOT NULL UNIQUE,
    -- The URL as it may be shown.
    database TEXT NOT NULL,
    -- Counts the writes: who explained an older state must not overwrite a newer one.
    generation INTEGER NOT NULL,
    -- The last look that could be explained, all null before the first: version
    -- rows, one a line, and the database's fingerprint.
    version_rows TEXT,
    fingerprint_identity TEXT,
    fingerprint_content TEXT,
    CHECK ((version_rows IS NULL) = (fingerprint_identity IS NULL)),
    CHECK ((version_rows IS NULL) = (fingerprint_content IS NULL))
) STRICT;

CREATE TABLE ledger_entry (
    ledger INTEGER NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
    -- In the order in which they ran.
    seq INTEGER NOT NULL,
    revision TEXT NOT NULL,
    body TEXT NOT NULL,
    path TEXT NOT NULL,
    -- Down revisions and dependencies when it ran, one a line.
    below TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (evidence IN ('ran', 'inferred', 'unknown')),
    is_empty INTEGER NOT NULL CHECK (is_empty IN (0, 1)),
    PRIMARY KEY (ledger, seq)
) STRICT;

-- Revisions that were once found to be skipped.
CREATE TABLE ledger_skipped (
    ledger INTEGER NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
    revision TEXT NOT NULL,
    PRIMARY KEY (ledger, revision)
) STRICT, WITHOUT ROWID;

-- The files that a worktree had at its last look at a database.
CREATE TABLE ledger_files (
    ledger INTEGER NOT NULL REFERENCES ledger (id) ON DELETE CASCADE,
    worktree TEXT NOT NULL,
    -- JSON: a list of revisions in file order.
    files TEXT NOT NULL,
    PRIMARY KEY (ledger, worktree)
) STRICT;

-- Scripts by the hash of what they say outside of header and docstring.
CREATE TABLE script (
    body TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE step (
    operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    component TEXT NOT NULL,
    -- The URL as it may be shown; never a password.
    database TEXT NOT NULL,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind IN ('downgrade', 'run', 'set-rows', 'upgrade')),
    -- What alembic is told to go to, with the project's own files; null where a
    -- scratch project holds nothing but the one revision.
    target TEXT,
    -- JSON: the ledger's entries that it removes or adds, in order.
    revisions TEXT NOT NULL,
    -- Version rows, one a line; empty for none.
    rows_before TEXT NOT NULL,
    rows_after TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'started', 'done', 'failed', 'called-off', 'taken-back')),
    -- What the schema was when the step was started; null before.
    content TEXT,
    PRIMARY KEY (operation, seq)
) STRICT;

INSERT INTO step
    (operation, seq, component, database, identity, kind, revisions, rows_before, rows_after, state)
SELECT
    operation, row_number() OVER (PARTITION BY operation ORDER BY component), component, database,
    '', 'upgrade', '', rows_before, coalesce(rows_after, ''),
    CASE WHEN rows_after IS NULL THEN 'failed' ELSE 'done' END
FROM database_step;

DROP TABLE database_step;

-- Copies of databases from before an operation.
CREATE TABLE backup (
    operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    component TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (operation, component)
) STRICT;

-- What alembic said about the URL in a component's ini, while the files that
-- decide about it are the same.
CREATE TABLE confirmed_url (
    component TEXT PRIMARY KEY,
    -- A hash over the configuration and env.py.
    files TEXT NOT NULL,
    -- Empty: alembic uses the ini's. Else the URL that alembic shows, without password.
    answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
