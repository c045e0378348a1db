//! Completion in real shells: each sources the script that the program writes
//! and is asked for candidates, as if a line were being typed.

use std::os::unix::fs::symlink;

use super::diverged;
use super::support::{Run, TestRepo, VERSIONS};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// bash's own completion function for the program, called as bash calls it.
const BASH: &str = r#"
source <(dbm-git completions bash)
COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 )) COMP_TYPE=9
function=$(complete -p dbm-git | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" dbm-git "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// The function that zsh has registered; `_describe` would show what is printed here.
const ZSH: &str = r#"
autoload -Uz compinit && compinit -D -u
source <(dbm-git completions zsh)
_describe() { local -a all=("${(@P)3}"); print -rl -- "${all[@]}" }
words=("$@") CURRENT=$#
"${_comps[dbm-git]}"
"#;

const FISH: &str = r#"
dbm-git completions fish | source
complete --do-complete "$argv"
"#;

/// What `shell` offers for the last word of `line`: values, and help where it shows it.
#[track_caller]
fn offered(repo: &TestRepo, shell: &str, line: &str) -> Vec<(String, String)> {
    let program = repo.programs().join("dbm-git");
    if !program.exists() {
        std::fs::create_dir_all(repo.programs()).expect("a new folder");
        symlink(env!("CARGO_BIN_EXE_dbm-git"), &program).expect("a new link");
    }
    let mut command = repo.command(shell);
    match shell {
        "bash" => command.args(["--norc", "-c", BASH, "bash"]).args(line.split(' ')),
        "zsh" => command.args(["-f", "-c", ZSH, "zsh"]).args(line.split(' ')),
        _ => command.args(["--no-config", "-c", FISH, line]),
    };
    let run = Run::of(&mut command);
    assert_eq!(run.stderr, "", "{shell}: {line}\n{run}");
    let between = if shell == "zsh" { ':' } else { '\t' };
    let lines = run.stdout.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.split_once(between).unwrap_or((line, "")))
        .map(|(value, help)| (value.to_owned(), help.to_owned()))
        .collect()
}

fn values(repo: &TestRepo, shell: &str, line: &str) -> Vec<String> {
    offered(repo, shell, line).into_iter().map(|(value, _)| value).collect()
}

/// Holds against what each shell offers, in its order.
#[track_caller]
fn check(repo: &TestRepo, line: &str, expected: &[&str]) {
    for shell in SHELLS {
        assert_eq!(values(repo, shell, line), expected, "{shell}: {line}");
    }
}

#[test]
fn commands_and_flags_are_completed() {
    let repo = TestRepo::empty();
    check(&repo, "dbm-git reb", &["rebase"]);
    check(&repo, "dbm-git check --st", &["--staged", "--strict"]);
    check(&repo, "dbm-git sync --assume ", &["applied", "skipped"]);
}

#[test]
fn revisions_are_completed_with_their_messages() {
    let repo = diverged();
    check(&repo, "dbm-git rebase f", &["f"]);
    for line in ["dbm-git rebase --onto ", "dbm-git create --depends-on "] {
        for shell in SHELLS {
            let mut found = values(&repo, shell, line);
            found.sort();
            assert_eq!(found, ["a", "f", "m"], "{shell}: {line}");
        }
    }
    let with_help = [("m".to_owned(), "main work".to_owned())];
    for shell in ["zsh", "fish"] {
        assert_eq!(offered(&repo, shell, "dbm-git rebase --onto m"), with_help, "{shell}");
    }
}

#[test]
fn targets_begin_with_the_words_that_alembic_knows() {
    let repo = TestRepo::new().adds("<base> -> a (shop), root\na -> b, orders");
    check(&repo, "dbm-git migrate --target ", &["head", "base", "+1", "-1", "b", "shop@head", "a"]);
    check(&repo, "dbm-git create --head ", &["b", "shop@head", "base", "a"]);
}

#[test]
fn refs_codes_and_components_are_completed() {
    let repo = diverged();
    repo.git(["tag", "v1"]);
    check(&repo, "dbm-git check --base origin/m", &["origin/main"]);
    check(&repo, "dbm-git graph --at v", &["v1"]);
    check(
        &repo,
        "dbm-git explain DBM00",
        &["DBM001", "DBM002", "DBM003", "DBM004", "DBM005", "DBM006", "DBM007", "DBM008", "DBM009"],
    );
    check(&repo, "dbm-git --component ", &["default"]);
}

#[test]
fn operations_are_completed_and_undo_offers_what_can_be_undone() {
    let repo = diverged();
    repo.dbm(["rebase"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    let ids = |shell: &str, line: &str| {
        let mut found = values(&repo, shell, line);
        found.retain(|value| !value.starts_with('-'));
        found
    };
    for shell in SHELLS {
        assert_eq!(ids(shell, "dbm-git undo "), ["2"], "{shell}");
        assert_eq!(ids(shell, "dbm-git log "), ["2", "1"], "{shell}");
    }
}

#[test]
fn the_line_says_which_repository_and_which_components_are_meant() {
    let repo = TestRepo::new().adds("<base> -> a");
    repo.write("billing/versions/b.py", "revision = 'b'\ndown_revision = None\n");
    let components = "[components.main]\nconfig = 'alembic.ini'\n\
                      [components.billing]\nscript-location = 'billing'\n";
    repo.write("dbm-git.toml", components);
    check(&repo, "dbm-git --component ", &["main", "billing"]);
    check(&repo, "dbm-git --component billing rebase --onto ", &["b"]);
    let beside = repo.beside("elsewhere");
    std::fs::create_dir(beside.path()).expect("a new folder");
    check(&beside, "dbm-git -C ../repo --component main rebase --onto ", &["a"]);
    check(&beside, "dbm-git rebase --onto ", &[]);
    check(&repo, "dbm-git -C ../nowhere rebase --onto ", &[]);
}

#[test]
fn nothing_is_offered_and_nothing_said_where_nothing_can_be_read() {
    let repo = TestRepo::empty();
    check(&repo, "dbm-git rebase --onto ", &[]);
    check(&repo, "dbm-git --component ", &[]);
    repo.write("dbm-git.toml", "upstreams = 1\n");
    check(&repo, "dbm-git rebase --onto ", &[]);
}

/// bash writes a candidate into the line as it is: a stranger's revision must
/// not be a command there.
#[test]
fn what_a_shell_would_run_is_not_offered() {
    let repo = TestRepo::new().adds("<base> -> a");
    let script = "revision = '$(touch pwned)'\ndown_revision = 'a'\n";
    repo.write(&format!("{VERSIONS}/evil.py"), script);
    repo.git(["branch", "$(id)"]);
    check(&repo, "dbm-git rebase --onto ", &["a"]);
    check(&repo, "dbm-git graph --at ", &["main"]);
    assert!(!repo.has("pwned"));
}

#[test]
fn asking_changes_no_file_and_starts_no_program() {
    let repo = diverged();
    let before = repo.files_in(".git");
    // Whatever is run through PATH fails the test by what it leaves.
    std::fs::create_dir_all(repo.programs()).expect("a new folder");
    for program in ["git", "alembic", "python3"] {
        let trap = repo.programs().join(program);
        symlink("/bin/false", trap).expect("a new link");
    }
    let words = ["--", "dbm-git", "rebase", "--onto", ""];
    let run = Run::of(repo.dbm_command().env("_DBM_GIT_COMPLETE", "fish").args(words));
    assert_eq!(run.stdout.lines().count(), 3, "{run}");
    assert_eq!(run.stderr, "");
    assert_eq!(repo.files_in(".git"), before);
    // What was parsed need not be parsed again; no journal was made.
    let made = repo.files_in(".git/dbm-git").into_iter().map(|(path, _)| path);
    assert_eq!(made.collect::<Vec<_>>(), [".git/dbm-git/headers"]);
}
