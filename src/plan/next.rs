//! The one thing to do next in a repository, of all that could be done.

use super::DatabaseState;

/// How many of git's hooks call us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HooksInPlace {
    All,
    Some,
    None,
}

/// What decides about one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentFacts {
    /// Errors in its files, diverged heads left out.
    pub errors: usize,
    pub is_diverged: bool,
    pub state: DatabaseState,
    /// What `status` recommends.
    pub recommended: String,
}

/// What of git's or ours is not finished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// An operation of ours was interrupted.
    pub is_interrupted: bool,
    /// What git is in the middle of, and what ends that.
    pub git: Option<(&'static str, &'static str)>,
    /// Revisions are changed and not committed.
    pub is_uncommitted: bool,
}

/// A command and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    pub command: String,
    pub reason: String,
}

/// The gravest thing first: what was interrupted, then the files, then the
/// databases, then what keeps all of it from going unnoticed next time.
pub fn next_step(
    unfinished: &Unfinished,
    components: &[ComponentFacts],
    hooks: HooksInPlace,
) -> Option<NextStep> {
    let step = |command: &str, reason: &str| {
        Some(NextStep { command: command.to_owned(), reason: reason.to_owned() })
    };
    if unfinished.is_interrupted {
        return step("dbm-git recover", "an operation was interrupted");
    }
    if components.iter().any(|component| component.errors > 0) {
        return step("dbm-git check", "shows what is wrong with the files");
    }
    if components.iter().any(|component| component.is_diverged) {
        return step("dbm-git rebase", "puts your own revisions on top of the landed ones");
    }
    if let Some((work, command)) = unfinished.git {
        return step(command, &format!("ends the {work}: the files are in order"));
    }
    let gravest = components
        .iter()
        .filter(|component| !component.recommended.is_empty())
        .min_by_key(|component| component.state);
    if let Some(component) = gravest {
        return step(&component.recommended, reason_for(component.state));
    }
    if unfinished.is_uncommitted {
        return step("git commit", "changed revisions are not committed yet");
    }
    match hooks {
        HooksInPlace::All => None,
        HooksInPlace::Some => step("dbm-git doctor", "some of git's hooks don't call dbm-git"),
        HooksInPlace::None => step("dbm-git install", "has git's hooks look after all of this"),
    }
}

fn reason_for(state: DatabaseState) -> &'static str {
    match state {
        DatabaseState::Unreachable => "the database cannot be reached",
        DatabaseState::Behind | DatabaseState::NoRevision => "runs what is pending",
        DatabaseState::Broken => "shows what is wrong with the files",
        DatabaseState::Unknown => "somebody has to say what has run",
        DatabaseState::Foreign
        | DatabaseState::Skipped
        | DatabaseState::Overlapping
        | DatabaseState::Diverged
        | DatabaseState::UpToDate => "brings the database in line with the files",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(state: DatabaseState, recommended: &str) -> ComponentFacts {
        let recommended = recommended.to_owned();
        ComponentFacts { errors: 0, is_diverged: false, state, recommended }
    }

    #[track_caller]
    fn check(components: &[ComponentFacts], hooks: HooksInPlace, expected: Option<&str>) {
        let step = next_step(&Unfinished::default(), components, hooks);
        assert_eq!(step.as_ref().map(|step| step.command.as_str()), expected);
    }

    #[test]
    fn the_gravest_thing_comes_first() {
        let fine = || component(DatabaseState::UpToDate, "");
        let behind = || component(DatabaseState::Behind, "migrate");
        let foreign = || component(DatabaseState::Foreign, "sync");
        let diverged = || ComponentFacts { is_diverged: true, ..behind() };
        let broken = || ComponentFacts { errors: 1, ..fine() };
        check(&[fine()], HooksInPlace::All, None);
        check(&[fine()], HooksInPlace::None, Some("dbm-git install"));
        check(&[fine()], HooksInPlace::Some, Some("dbm-git doctor"));
        check(&[fine(), behind()], HooksInPlace::None, Some("migrate"));
        check(&[behind(), foreign()], HooksInPlace::None, Some("sync"));
        check(&[foreign(), diverged()], HooksInPlace::None, Some("dbm-git rebase"));
        check(&[diverged(), broken()], HooksInPlace::None, Some("dbm-git check"));
        let told = |unfinished: Unfinished, component: ComponentFacts| {
            next_step(&unfinished, &[component], HooksInPlace::None).expect("a step").command
        };
        let interrupted = Unfinished { is_interrupted: true, ..Unfinished::default() };
        assert_eq!(told(interrupted, broken()), "dbm-git recover");
        let merging = || Unfinished { git: Some(("merge", "git commit")), ..Unfinished::default() };
        assert_eq!(told(merging(), diverged()), "dbm-git rebase");
        assert_eq!(told(merging(), behind()), "git commit");
        let changed = || Unfinished { is_uncommitted: true, ..Unfinished::default() };
        assert_eq!(told(changed(), behind()), "migrate");
        assert_eq!(told(changed(), fine()), "git commit");
    }
}
