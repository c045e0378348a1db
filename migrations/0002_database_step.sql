-- What an operation did to databases through alembic, so that undo can go back.

CREATE TABLE database_step (
    operation INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    component TEXT NOT NULL,
    -- The URL as it may be shown; never a password.
    database TEXT NOT NULL,
    -- Version rows, one a line; empty for none.
    rows_before TEXT NOT NULL,
    -- Null until alembic has run and its result was verified.
    rows_after TEXT,
    PRIMARY KEY (operation, component)
) STRICT;
