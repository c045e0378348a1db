//! Hooks in git's configuration, which git runs from version 2.54 on: what the
//! settings make git run, and which of them are ours. Reads them as git's own
//! `hook.c` does: names in the order of their last `event`, the last `command`.

use super::hook::{Hook, HookProgram};

/// A version of git, as far as it decides about hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    pub major: u32,
    pub minor: u32,
}

impl GitVersion {
    /// Reads `git version 2.54.0 (Apple Git-1)`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().strip_prefix("git version ")?.split('.');
        let mut number = || numbers.next()?.parse().ok();
        Some(Self { major: number()?, minor: number()? })
    }

    /// Whether it runs the hooks of its configuration. Older ones say nothing.
    pub fn runs_configured_hooks(self) -> bool {
        self >= Self { major: 2, minor: 54 }
    }
}

impl std::fmt::Display for GitVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One value of git's `hook.*` settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSetting {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub scope: String,
    /// `hook.<name>.<key>`.
    pub key: String,
    pub value: String,
}

impl HookSetting {
    /// The name and the last part of the key; `None` for `hook.jobs`.
    fn parts(&self) -> Option<(&str, &str)> {
        self.key.strip_prefix("hook.")?.rsplit_once('.')
    }
}

/// A hook of the configuration, for one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredHook {
    pub name: String,
    pub command: String,
    /// The setting that keeps it from running.
    pub off_by: Option<String>,
}

impl ConfiguredHook {
    /// Whether it calls dbm-git for `hook`.
    pub fn is_ours(&self, hook: Hook) -> bool {
        super::hook::names_us(&self.command, hook)
    }
}

/// What the settings make git do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfiguredHooks {
    /// It ends every command that would run a hook, for this reason.
    Fatal { name: String, reason: &'static str },
    /// It runs these for the event, in this order.
    Run(Vec<ConfiguredHook>),
}

/// What `settings`, in git's order, make it run for `hook`.
pub fn configured_hooks(settings: &[HookSetting], hook: Hook) -> ConfiguredHooks {
    let mut events: Vec<(&str, &str)> = Vec::new();
    for setting in settings {
        let Some((name, "event")) = setting.parts() else { continue };
        if setting.value.is_empty() {
            events.retain(|(known, _)| *known != name);
            continue;
        }
        if is_event(name) {
            return ConfiguredHooks::Fatal {
                name: name.to_owned(),
                reason: "is named as an event of git",
            };
        }
        events.retain(|known| *known != (name, setting.value.as_str()));
        events.push((name, &setting.value));
    }
    let last = |name: &str, wanted: &str| {
        let found = settings.iter().rfind(|s| s.parts() == Some((name, wanted)));
        found.map(|setting| setting.value.as_str())
    };
    let is_disabled = |name: &str| last(name, "enabled").is_some_and(is_false);
    let half = |name: &&str| last(name, "command").is_none() && !is_disabled(name);
    if let Some(name) = events.iter().map(|(name, _)| *name).find(half) {
        let reason = "has an event and no command";
        return ConfiguredHooks::Fatal { name: name.to_owned(), reason };
    }
    let found = events.iter().filter(|(_, event)| *event == hook.name()).map(|(name, _)| {
        let off = [*name, hook.name()].into_iter().find(|name| is_disabled(name));
        ConfiguredHook {
            name: (*name).to_owned(),
            command: last(name, "command").unwrap_or_default().to_owned(),
            off_by: off.map(|name| format!("hook.{name}.enabled")),
        }
    });
    ConfiguredHooks::Run(found.collect())
}

/// The events whose names git refuses as names of hooks, as far as they are hooks of a clone.
fn is_event(name: &str) -> bool {
    const OTHERS: [&str; 12] = [
        "pre-commit",
        "pre-merge-commit",
        "prepare-commit-msg",
        "commit-msg",
        "applypatch-msg",
        "pre-applypatch",
        "post-applypatch",
        "pre-rebase",
        "pre-auto-gc",
        "post-index-change",
        "reference-transaction",
        "sendemail-validate",
    ];
    Hook::from_name(name).is_some() || OTHERS.contains(&name)
}

/// What git takes for false; the empty value is one too.
fn is_false(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.is_empty() || ["false", "no", "off", "0"].contains(&value.as_str())
}

/// The name of our own hook for an event. Never the event's, which git refuses.
pub fn section(hook: Hook) -> String {
    format!("dbm-git-{hook}")
}

/// What our own hook's `command` is. git runs it in sh and adds its arguments
/// to the end, so it has to end in a call that takes them.
pub fn configured_command(hook: Hook, program: &HookProgram) -> String {
    let program = program.quoted();
    format!(
        "test \"${{DBM_GIT-}}\" = 0 || test -n \"${{DBM_GIT_IN_HOOK-}}\" || \
         DBM_GIT_IN_HOOK=1 \"$(if test -x {program}; then echo {program}; \
         else command -v dbm-git || {{ \
         echo 'dbm-git: program not found, the {hook} hook is skipped' >&2; echo true; }}; fi)\" \
         hook {hook}"
    )
}

/// What to do with one event's section of git's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionPlan {
    AlreadyCurrent,
    /// Write `command` and then `event`: half a section ends every command of git.
    Write {
        command: String,
        /// Something of ours is there; it goes first.
        replaces: bool,
    },
}

/// Plans how the clone's configuration comes to call `program` for `hook`.
pub fn plan_section(settings: &[HookSetting], hook: Hook, program: &HookProgram) -> SectionPlan {
    let command = configured_command(hook, program);
    let own: Vec<(&str, &str)> = own_settings(settings, hook);
    let wanted = [("command", command.as_str()), ("event", hook.name())];
    if own == wanted {
        return SectionPlan::AlreadyCurrent;
    }
    SectionPlan::Write { command, replaces: !own.is_empty() }
}

/// Whether the clone's own configuration has our section for `hook`.
pub fn has_section(settings: &[HookSetting], hook: Hook) -> bool {
    !own_settings(settings, hook).is_empty()
}

fn own_settings(settings: &[HookSetting], hook: Hook) -> Vec<(&str, &str)> {
    let section = section(hook);
    settings
        .iter()
        .filter(|setting| setting.scope == "local")
        .filter_map(|setting| {
            let (name, key) = setting.parts()?;
            (name == section).then_some((key, setting.value.as_str()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn settings(lines: &[(&str, &str)]) -> Vec<HookSetting> {
        let setting = |(key, value): &(&str, &str)| HookSetting {
            scope: "local".to_owned(),
            key: format!("hook.{key}"),
            value: (*value).to_owned(),
        };
        lines.iter().map(setting).collect()
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], expected: &str) {
        let shown = match configured_hooks(&settings(lines), Hook::PostMerge) {
            ConfiguredHooks::Fatal { name, reason } => format!("fatal: {name} {reason}"),
            ConfiguredHooks::Run(hooks) => {
                let show = |hook: &ConfiguredHook| match &hook.off_by {
                    None => format!("{}={}", hook.name, hook.command),
                    Some(off) => format!("{}=off by {off}", hook.name),
                };
                hooks.iter().map(show).collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn hooks_run_in_the_order_of_their_events_with_the_last_command() {
        check(
            &[
                ("b.command", "1"),
                ("a.command", "2"),
                ("a.event", "post-merge"),
                ("b.event", "post-merge"),
                ("b.command", "3"),
                ("c.command", "4"),
                ("c.event", "pre-push"),
            ],
            "a=2, b=3",
        );
        // Named again, it moves to the end.
        let again = [
            ("a.command", "1"),
            ("b.command", "2"),
            ("a.event", "post-merge"),
            ("b.event", "post-merge"),
            ("a.event", "post-merge"),
        ];
        check(&again, "b=2, a=1");
    }

    #[test]
    fn an_empty_event_takes_back_those_before() {
        let reset = [("a.command", "1"), ("a.event", "post-merge"), ("a.event", "")];
        check(&reset, "");
    }

    #[test]
    fn a_hook_or_all_of_an_event_can_be_off() {
        let on = [("a.b.command", "1"), ("a.b.event", "post-merge")];
        check(&on, "a.b=1");
        check(&[&on[..], &[("a.b.enabled", "no")]].concat(), "a.b=off by hook.a.b.enabled");
        check(&[&on[..], &[("a.b.enabled", "no"), ("a.b.enabled", "1")]].concat(), "a.b=1");
        let event = [&on[..], &[("post-merge.enabled", "false")]].concat();
        check(&event, "a.b=off by hook.post-merge.enabled");
    }

    #[test]
    fn what_git_dies_of_is_told() {
        check(&[("a.event", "pre-push")], "fatal: a has an event and no command");
        check(&[("a.event", "post-merge"), ("a.enabled", "false")], "a=off by hook.a.enabled");
        check(
            &[("pre-push.event", "pre-push"), ("pre-push.command", "1")],
            "fatal: pre-push is named as an event of git",
        );
    }

    #[test]
    fn our_section_is_written_once_and_anew_when_the_program_moves() {
        let program =
            |path| HookProgram::new(Path::new(path)).expect("a path that can be baked in");
        let (here, there) = (program("/it's/dbm-git"), program("/there/dbm-git"));
        let hook = Hook::PostMerge;
        let command = configured_command(hook, &here);
        assert_eq!(
            plan_section(&[], hook, &here),
            SectionPlan::Write { command: command.clone(), replaces: false }
        );
        let ours = settings(&[
            ("dbm-git-post-merge.command", &command),
            ("dbm-git-post-merge.event", "post-merge"),
        ]);
        assert_eq!(plan_section(&ours, hook, &here), SectionPlan::AlreadyCurrent);
        let half = SectionPlan::Write { command: command.clone(), replaces: true };
        assert_eq!(plan_section(&ours[..1], hook, &here), half);
        let moved = plan_section(&ours, hook, &there);
        assert!(matches!(moved, SectionPlan::Write { replaces: true, .. }), "{moved:?}");
        assert!(has_section(&ours, hook) && !has_section(&ours, Hook::PrePush));
        let ConfiguredHooks::Run(found) = configured_hooks(&ours, hook) else { panic!("fatal") };
        assert!(found[0].is_ours(hook) && !found[0].is_ours(Hook::PrePush));
    }

    #[test]
    fn the_versions_of_git_are_told_apart() {
        let runs = |text| GitVersion::parse(text).map(GitVersion::runs_configured_hooks);
        assert_eq!(runs("git version 2.54.0"), Some(true));
        assert_eq!(runs("git version 2.100.GIT"), Some(true));
        assert_eq!(runs("git version 3.0"), Some(true));
        assert_eq!(runs("git version 2.53.1 (Apple Git-155)"), Some(false));
        assert_eq!(runs("hub version 1"), None);
    }
}
