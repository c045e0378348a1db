-- Where the log of a worktree's HEAD was at its last look: what alembic may have
-- had since is in the entries above it. Empty where that is not known.
ALTER TABLE ledger_files ADD COLUMN head TEXT NOT NULL DEFAULT '';
