//! The examples of the manual pages. A test parses each of them.

/// What is typed, and what comes of it.
pub type Example = (&'static str, &'static str);

/// Those of the main page: one for each moment at which the program is of use.
pub const MOMENTS: &[Example] = &[
    ("dbm-git install", "Sets up the hooks of this clone, once."),
    (
        "dbm-git rebase --apply",
        "After a merge: own revisions go on top, and the local database follows.",
    ),
    ("dbm-git undo", "Takes that back, files and database."),
    (
        "dbm-git check --base origin/main",
        "On a pull request: what would be wrong once it is merged.",
    ),
    ("dbm-git status", "How the database stands to the files, and what to run."),
    ("dbm-git sync", "Brings the database to the heads of the files, whatever happened to it."),
];

/// Those of the commands, by the command's name.
pub const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "check",
        &[
            ("dbm-git check", "Judges the working tree."),
            (
                "dbm-git check --base origin/main",
                "Judges what the branch and its base would be once merged.",
            ),
            (
                "dbm-git check --staged --strict",
                "Judges what would be committed; warnings count, too.",
            ),
            (
                "dbm-git check --review",
                "Looks at what own revisions do, too: data that is lost, locks, a missing downgrade.",
            ),
            ("dbm-git check --at v1.2 --format json", "Judges a tag, for a program to read."),
        ],
    ),
    (
        "graph",
        &[
            ("dbm-git graph -n 20", "Draws the newest 20 revisions."),
            (
                "dbm-git graph --at origin/main --component billing",
                "Draws one component as it is on another branch.",
            ),
        ],
    ),
    (
        "rebase",
        &[
            ("dbm-git rebase --dry-run", "Shows as a diff what would change."),
            (
                "dbm-git rebase --commit",
                "Re-points own revisions, and commits exactly those files.",
            ),
            (
                "dbm-git rebase 5b3e91d07c42 --onto c7190be4d583",
                "Moves one revision, and what follows it.",
            ),
        ],
    ),
    (
        "merge",
        &[(
            "dbm-git merge -m 'merge orders and invoices'",
            "Writes a merge revision over the diverged heads.",
        )],
    ),
    (
        "status",
        &[
            ("dbm-git status --exit-code", "Fails unless every database is up to date."),
            ("dbm-git status --database-url sqlite:///shop.db", "Looks at another database."),
        ],
    ),
    (
        "migrate",
        &[
            ("dbm-git migrate --dry-run", "Lists what would run, and what of it destroys data."),
            ("dbm-git migrate --target +1", "Runs the next revision only."),
            (
                "dbm-git migrate --direction downgrade --target -1",
                "Takes the last one down, after a backup.",
            ),
        ],
    ),
    (
        "sync",
        &[
            ("dbm-git sync --dry-run", "Shows the steps."),
            ("dbm-git sync --assume skipped", "Runs also what nobody knows to have run."),
        ],
    ),
    (
        "snapshots",
        &[
            ("dbm-git snapshots", "Lists what is kept."),
            ("dbm-git snapshots save before-demo", "Keeps the database as it is, by a name."),
            ("dbm-git snapshots restore before-demo", "Puts it back; what is there is kept, too."),
        ],
    ),
    (
        "verify",
        &[
            ("dbm-git verify", "One's own revisions, before they are pushed."),
            ("dbm-git verify --from-empty", "The whole history, as a new database runs it."),
        ],
    ),
    (
        "create",
        &[(
            "dbm-git create -m 'add orders' --autogenerate",
            "Has alembic compare models and database, and shows what to review.",
        )],
    ),
    (
        "undo",
        &[
            ("dbm-git undo 3", "Takes operation 3 back, as `dbm-git log` lists it."),
            ("dbm-git undo --keep-database", "Takes the files back only."),
        ],
    ),
    (
        "recover",
        &[(
            "dbm-git recover --rollback",
            "After a kill or a crash: as it was before the operation.",
        )],
    ),
    (
        "install",
        &[("dbm-git install --dry-run", "Says what would be written, and writes nothing.")],
    ),
    (
        "explain",
        &[("dbm-git explain DBM001", "Says what diverged heads are, and how to mend them.")],
    ),
    (
        "completions",
        &[
            ("source <(dbm-git completions bash)", "In `~/.bashrc`."),
            ("source <(dbm-git completions zsh)", "In `~/.zshrc`, below `compinit`."),
            ("dbm-git completions fish | source", "In `~/.config/fish/config.fish`."),
        ],
    ),
    (
        "man",
        &[("dbm-git man --dir ~/.local/share/man/man1", "Writes all pages where man finds them.")],
    ),
    ("schema", &[("dbm-git schema config", "The keys of dbm-git.toml, for an editor.")]),
];
