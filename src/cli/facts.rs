//! What the help, the manual pages, README.md and docs/configuration.md say
//! alike: exit codes, variables, settings and files. One table for each.

/// One row: what it is called, and what is to be said of it.
pub type Fact = (&'static str, &'static str);

/// The exit codes.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done, or nothing to do"),
    (1, "looked and found problems, or refused because it is unsafe"),
    (2, "wrong usage"),
    (
        3,
        "configuration or environment: not a repository, no component, bad configuration, no alembic",
    ),
    (4, "alembic or the database failed"),
    (5, "an interrupted operation waits for `dbm-git recover`"),
    (101, "internal error, please report"),
];

/// The environment variables that are looked at.
pub const VARIABLES: &[Fact] = &[
    ("DBM_GIT", "`0` keeps the hooks from doing anything"),
    (
        "DBM_GIT_IN_HOOK",
        "set for the programs that dbm-git runs: hooks of theirs do not call it again",
    ),
    ("NO_COLOR", "not empty: no colours, unless `--color always`"),
    ("CLICOLOR_FORCE", "neither empty nor `0`: colours in files and pipes too, unless `NO_COLOR`"),
    ("TERM", "`dumb`: a terminal without colours"),
    ("LC_ALL", "`C` or `POSIX`: words instead of icons on a terminal; counts before `LC_CTYPE`"),
    ("LC_CTYPE", "the same; counts before `LANG`"),
    ("LANG", "the same"),
    ("PATH", "where git, alembic and its runners are looked for"),
    ("VIRTUAL_ENV", "the virtual environment whose alembic is run, where the project has none"),
    ("CI", "not empty, `0` or `false`: a check is one of continuous integration"),
    ("GITHUB_ACTIONS", "the same, and the platform says what is to be merged with what"),
    ("GITLAB_CI", "the same"),
    ("TF_BUILD", "the same, for Azure"),
    ("BITBUCKET_BUILD_NUMBER", "the same"),
    ("GITHUB_STEP_SUMMARY", "the file to which `check` adds its page in GitHub Actions"),
    ("GIT_HTTP_LOW_SPEED_LIMIT", "set for git, with the next one: a silent server is given up"),
    ("GIT_HTTP_LOW_SPEED_TIME", "set to a minute for git"),
    ("GIT_TERMINAL_PROMPT", "set to `0` for git, which then asks nobody for a password"),
    ("XDG_CACHE_HOME", "where `demo` keeps its alembic; without it `.cache` in `HOME`"),
    ("HOME", "the user's folder"),
    ("HUSKY", "`0`: husky calls no hooks, and `doctor` says so"),
    ("LEFTHOOK", "`0` or `false`: lefthook calls no hooks, and `doctor` says so"),
    ("SKIP_SIMPLE_GIT_HOOKS", "`1`: simple-git-hooks calls no hooks, and `doctor` says so"),
];

/// What a clone sets in git's own configuration.
pub const CLONE_SETTINGS: &[Fact] = &[
    ("dbm-git.postMerge", "`report` (default), `sync` or `off`: what this hook may do"),
    ("dbm-git.postCommit", "the same"),
    ("dbm-git.postCheckout", "the same"),
    ("dbm-git.postRewrite", "the same"),
    (
        "dbm-git.prePush",
        "`report` (default): new errors block a push; `strict`: what would diverge once merged does, too; `off`: nothing does",
    ),
    (
        "dbm-git.branchData",
        "`snapshot`: a `git switch` keeps the data of the branch that is left, and brings back those of the one that is entered",
    ),
    ("dbm-git.snapshotCount", "how many snapshots are kept (10)"),
    ("dbm-git.snapshotSize", "what all of them may take (`2g`)"),
    ("dbm-git.localHosts", "hosts that count as this machine, separated by blanks or commas"),
];

/// The files that are read or written.
pub const FILES: &[Fact] = &[
    ("dbm-git.toml", "the configuration, in the repository's root"),
    ("pyproject.toml", "the same in `[tool.dbm-git]`, where there is no `dbm-git.toml`"),
    ("alembic.ini", "what alembic is configured with; read, and never changed"),
    (".git/dbm-git/state.db", "what was done, so that it can be undone, and what ran in databases"),
    (".git/dbm-git/backups/", "copies of databases from before they were changed"),
    (
        ".git/dbm-git/snapshots/",
        "snapshots of SQLite databases, and dumps of those of MySQL and MariaDB",
    ),
    (".git/hooks/", "the hooks, unless they are in git's configuration"),
];

/// The exit codes as one line of help.
pub fn exit_codes_in_words() -> String {
    let each = EXIT_CODES.iter().map(|(code, meaning)| format!("\n  {code:<3}  {meaning}"));
    format!("Exit codes:{}", each.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::exit::Exit;
    use super::*;

    #[test]
    fn every_exit_code_has_a_meaning_and_no_other_has() {
        let all = [
            Exit::Done,
            Exit::Problems,
            Exit::Usage,
            Exit::Environment,
            Exit::Database,
            Exit::Interrupted,
            Exit::Internal,
        ];
        let codes: Vec<u8> = EXIT_CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, all.map(|exit| exit as u8));
    }

    #[test]
    fn nothing_is_named_twice() {
        for table in [VARIABLES, CLONE_SETTINGS, FILES] {
            let names: std::collections::HashSet<_> = table.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), table.len());
        }
    }
}
