-- Snapshots of MySQL and MariaDB are dumps. A check cannot be altered, so that the
-- table is made anew; the numbers that were used stay used.

CREATE TABLE snapshot_with_dumps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('making', 'kept', 'dropping')),
    name TEXT,
    branch TEXT,
    head TEXT,
    component TEXT NOT NULL,
    database TEXT NOT NULL,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'database', 'dump')),
    place TEXT NOT NULL UNIQUE,
    version_rows TEXT NOT NULL,
    is_explained INTEGER NOT NULL CHECK (is_explained IN (0, 1)),
    revisions TEXT NOT NULL,
    skipped TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

INSERT INTO snapshot_with_dumps
SELECT id, state, name, branch, head, component, database, identity, kind, place,
       version_rows, is_explained, revisions, skipped, bytes, created_at
  FROM snapshot;

-- `ALTER TABLE .. RENAME` takes the row of the new table along.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'snapshot_with_dumps', 0
 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'snapshot_with_dumps');
UPDATE sqlite_sequence
   SET seq = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'snapshot'), 0)
 WHERE name = 'snapshot_with_dumps';

DROP TABLE snapshot;
ALTER TABLE snapshot_with_dumps RENAME TO snapshot;
