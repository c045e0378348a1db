//! What the documents show is what the program shows, and what there is.

use std::collections::BTreeSet;
use std::path::Path;

use dbm_git::plan::hook::{Hook, HookManager, HookProgram};
use dbm_git::plan::hook_manager::own_lines;
use serde_json::Value;

use super::release::yaml;

const HOOKS: &str = include_str!("../../docs/hooks.md");
const CI: &str = include_str!("../../docs/ci.md");
const MANIFEST: &str = include_str!("../../.pre-commit-hooks.yaml");
const ACTION: &str = include_str!("../../action.yml");
const TEMPLATE: &str = include_str!("../../templates/check.yml");

/// What `dbm-git install` says to add to a manager's file, of a program on `PATH`.
#[track_caller]
fn shown_by_install(manager: HookManager) -> String {
    let program = HookProgram::new(Path::new("/opt/dbm-git")).expect("an absolute path");
    let lines = own_lines(manager, &Hook::ALL, &program).expect("it has a file");
    let text: String = lines.into_iter().map(|lines| lines.text).collect();
    text.replace("'/opt/dbm-git'", "dbm-git")
}

#[test]
fn the_lines_for_managers_are_those_that_install_shows() {
    for manager in [HookManager::Lefthook, HookManager::SimpleGitHooks] {
        assert!(HOOKS.contains(&shown_by_install(manager)), "{}", shown_by_install(manager));
    }
    let husky = shown_by_install(HookManager::Husky);
    assert_eq!(husky.lines().count(), Hook::ALL.len());
    let of_merge = husky.lines().next().expect("a line");
    assert!(HOOKS.contains(&format!("```sh\n{of_merge}\n```")), "{of_merge}");
}

#[test]
fn the_manifest_calls_what_install_shows_for_a_hook_of_ones_own() {
    let calls = |text: &str| -> BTreeSet<String> {
        let calls =
            text.lines().map(str::trim).filter(|line| line.starts_with("env DBM_GIT_IN_HOOK"));
        calls.map(str::to_owned).collect()
    };
    assert_eq!(calls(MANIFEST), calls(&shown_by_install(HookManager::PreCommit)));
    assert_eq!(calls(MANIFEST).len(), Hook::ALL.len());
}

#[test]
fn the_documents_name_all_hooks_of_the_manifest() {
    let hooks = yaml(MANIFEST).remove(0);
    for hook in hooks.as_array().expect("hooks") {
        let id = hook["id"].as_str().expect("an id");
        assert!(HOOKS.contains(&format!("  - id: {id}")), "{id}");
        let stage = hook["stages"][0].as_str().expect("a stage");
        let types = HOOKS.lines().find(|line| line.starts_with("default_install_hook_types"));
        assert!(types.expect("a line").contains(stage), "{stage}");
    }
}

#[test]
fn the_table_of_the_action_lists_its_inputs_and_defaults() {
    let action = yaml(ACTION).remove(0);
    let inputs = action["inputs"].as_object().expect("inputs").iter();
    let inputs = inputs.map(|(name, input)| (name.clone(), input["default"].as_str()));
    let rows = CI.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let default = cells[2].strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        (cells[0].trim_end_matches('`').to_owned(), Some(default.unwrap_or_default()))
    });
    assert_eq!(rows.collect::<BTreeSet<_>>(), inputs.collect::<BTreeSet<_>>());
}

#[test]
fn the_job_for_gitlab_without_components_is_that_of_the_component() {
    let shown = CI.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mut shown = shown.map(|text| yaml(text).remove(0)["dbm-git"].clone());
    let shown = shown.find(Value::is_object).expect("the job");
    let job = yaml(TEMPLATE).remove(1)["dbm-git"].clone();
    for key in ["rules", "artifacts"] {
        assert_eq!(shown[key], job[key]);
    }
    let checks = |job: &Value| -> Vec<String> {
        let lines = job["script"].as_array().expect("lines").iter();
        let lines = lines.map(|line| line.as_str().expect("text").replace(" $DBM_GIT_ARGS", ""));
        lines.filter(|line| line.starts_with("dbm-git ")).collect()
    };
    assert_eq!(checks(&shown), checks(&job));
}
