//! What to write into a manager's own file, so that it calls us whenever it
//! writes its hooks anew: the one place of which it loses nothing.

use super::hook::{Hook, HookManager, HookProgram};

/// Lines for a file that a person keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLines {
    /// The file, as it is called from the working tree's root.
    pub file: String,
    pub text: String,
    /// What makes the manager read them; `None` where it does so by itself.
    pub then: Option<String>,
}

/// The lines by which `manager` calls `program` for `hooks`; `None` of one that
/// leaves our lines alone where `install` puts them.
pub fn own_lines(
    manager: HookManager,
    hooks: &[Hook],
    program: &HookProgram,
) -> Option<Vec<OwnLines>> {
    let lines = |file: &str, text: String, then: Option<String>| {
        vec![OwnLines { file: file.to_owned(), text, then }]
    };
    match manager {
        HookManager::GitLfs => None,
        HookManager::Lefthook => Some(lines(
            // Not committed as a rule, so that the path in it is nobody else's.
            "lefthook-local.yml",
            hooks.iter().map(|hook| lefthook(*hook, program)).collect(),
            Some("lefthook install".to_owned()),
        )),
        HookManager::PreCommit | HookManager::Prek => {
            let types: Vec<String> = hooks.iter().map(|hook| format!(" -t {hook}")).collect();
            Some(lines(
                ".pre-commit-config.yaml",
                pre_commit(hooks, program),
                Some(format!("{} install{}", manager.name(), types.concat())),
            ))
        }
        HookManager::Husky => {
            let line = |hook: &Hook| OwnLines {
                file: format!(".husky/{hook}"),
                text: guarded(&format!("{} hook {hook} \"$@\"", program.quoted())),
                then: None,
            };
            Some(hooks.iter().map(line).collect())
        }
        HookManager::SimpleGitHooks => Some(lines(
            "package.json",
            simple_git_hooks(hooks, program),
            Some("npx simple-git-hooks".to_owned()),
        )),
    }
}

/// A call that our own git commands don't come back through.
fn guarded(call: &str) -> String {
    format!("[ -n \"${{DBM_GIT_IN_HOOK-}}\" ] || DBM_GIT_IN_HOOK=1 {call}\n")
}

fn lefthook(hook: Hook, program: &HookProgram) -> String {
    let call = guarded(&format!("{} hook {hook} {{0}}", program.quoted()));
    let input = if hook.has_input() { "      use_stdin: true\n" } else { "" };
    format!("{hook}:\n  commands:\n    dbm-git:\n{input}      run: |\n        {call}")
}

fn pre_commit(hooks: &[Hook], program: &HookProgram) -> String {
    let entry = |hook: &Hook| {
        // They hand on what git has said in variables, not all of the same name.
        let call = match hook {
            Hook::PostMerge => {
                "\"$0\" hook post-merge \
                 \"${PRE_COMMIT_IS_SQUASH_MERGE:-${PRE_COMMIT_SQUASH_MERGE:-0}}\""
            }
            Hook::PostCommit => "\"$0\" hook post-commit",
            Hook::PostCheckout => {
                "\"$0\" hook post-checkout \"$PRE_COMMIT_FROM_REF\" \"$PRE_COMMIT_TO_REF\" \
                 \"$PRE_COMMIT_CHECKOUT_TYPE\""
            }
            Hook::PostRewrite => "\"$0\" hook post-rewrite \"$PRE_COMMIT_REWRITE_COMMAND\"",
            // Of a push of several refs they tell the first.
            Hook::PrePush => {
                "echo \"$PRE_COMMIT_LOCAL_BRANCH ${PRE_COMMIT_TO_REF:-$(git rev-parse \
                 \"$PRE_COMMIT_LOCAL_BRANCH\")} $PRE_COMMIT_REMOTE_BRANCH \
                 ${PRE_COMMIT_FROM_REF:-0000000000000000000000000000000000000000}\" | \
                 \"$0\" hook pre-push \"$PRE_COMMIT_REMOTE_NAME\" \"$PRE_COMMIT_REMOTE_URL\""
            }
        };
        let program = program.quoted();
        format!(
            "  - id: dbm-git-{hook}\n    name: dbm-git\n    language: system\n    \
             stages: [{hook}]\n    always_run: true\n    pass_filenames: false\n    \
             verbose: true\n    entry: |-\n      \
             env DBM_GIT_IN_HOOK=1 sh -c '{call}' {program}\n"
        )
    };
    let entries: String = hooks.iter().map(entry).collect();
    format!("- repo: local\n  hooks:\n{entries}")
}

/// Whether a configuration of pre-commit or prek names the hook of our
/// `.pre-commit-hooks.yaml` that `hook` calls.
pub fn names_manifest_hook(text: &str, hook: Hook) -> bool {
    let id = format!("dbm-git-{hook}");
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        let words: Vec<&str> =
            line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
        words.windows(2).any(|pair| pair == ["id", &id])
    })
}

fn simple_git_hooks(hooks: &[Hook], program: &HookProgram) -> String {
    let entry = |hook: &Hook| {
        let call = guarded(&format!("{} hook {hook} \"$@\"", program.quoted()));
        let call = call.trim_end().replace('\\', r"\\").replace('"', "\\\"");
        format!("  \"{hook}\": \"{call}\"")
    };
    let entries: Vec<String> = hooks.iter().map(entry).collect();
    format!("\"simple-git-hooks\": {{\n{}\n}}\n", entries.join(",\n"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::hook::names_us;
    use super::*;

    #[test]
    fn what_is_to_be_added_is_found_again_where_it_was_added() {
        let program = HookProgram::new(Path::new("/it's/dbm-git")).expect("can be baked in");
        for manager in [
            HookManager::Lefthook,
            HookManager::PreCommit,
            HookManager::Prek,
            HookManager::Husky,
            HookManager::SimpleGitHooks,
        ] {
            let lines = own_lines(manager, &Hook::ALL, &program).expect("it has a file");
            let text: String = lines.iter().map(|lines| lines.text.as_str()).collect();
            for hook in Hook::ALL {
                assert!(names_us(&text, hook), "{hook}:\n{text}");
                let others: Vec<Hook> = Hook::ALL.into_iter().filter(|h| *h != hook).collect();
                let lines = own_lines(manager, &others, &program).expect("it has a file");
                assert!(!lines.iter().any(|lines| names_us(&lines.text, hook)));
            }
        }
        assert_eq!(own_lines(HookManager::GitLfs, &Hook::ALL, &program), None);
    }
    #[test]
    fn a_hook_of_our_manifest_is_found_by_its_id() {
        let names = |text: &str| -> Vec<&str> {
            let named = Hook::ALL.into_iter().filter(|hook| names_manifest_hook(text, *hook));
            named.map(Hook::name).collect()
        };
        for text in [
            "  - id: dbm-git-post-merge\n",
            "hooks: [{id: 'dbm-git-post-merge'}]",
            "id = \"dbm-git-post-merge\"",
            "- id: dbm-git-post-merge # ours\n- id: dbm-git-check\n",
        ] {
            assert_eq!(names(text), ["post-merge"], "{text}");
        }
        for text in ["# - id: dbm-git-post-merge", "- id: dbm-git-post", "- repo: dbm-git-pre-push"]
        {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
