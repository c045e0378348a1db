//! The same situations, judged by the real alembic; and a sample of them in
//! real repositories, with the built program.

use std::collections::{BTreeMap, BTreeSet};

use dbm_git::revision::HeadPolicy;

use crate::judge::{Aftermath, Fact, Facts, assert_files, assert_history, location_of};
use crate::planning::replan;
use crate::scenario::{LOCATIONS, Planned, Scenario};
use crate::support::{Oracle, OracleAnswer, OracleRequest, RebaseComponent, RebaseJson, TestRepo};

/// How many planned situations alembic judges, and how many are played in git.
const JUDGED: u64 = 300;
const PLAYED: u64 = 40;

fn request(repo: &TestRepo, folder: &str) -> OracleRequest {
    OracleRequest {
        path: repo.path().to_str().expect("a plain temporary folder").to_owned(),
        script_location: Some(folder.to_owned()),
        version_locations: LOCATIONS.iter().map(|l| format!("{folder}/{l}")).collect(),
        ..OracleRequest::default()
    }
}

fn facts(answer: &OracleAnswer, folder: &str) -> Facts {
    let fact = |r: &crate::support::OracleRevision| Fact {
        downs: r.down_revisions.clone(),
        depends_on: r.resolved_dependencies.clone(),
        labels: r.labels.iter().cloned().collect(),
        location: location_of(r.path.strip_prefix(folder).expect("inside").trim_start_matches('/')),
    };
    answer.revisions.iter().map(|r| (r.revision.clone(), fact(r))).collect()
}

/// Alembic loads the files without a word, finds the heads that it should, and
/// upgrades in an order that each side had.
#[track_caller]
fn assert_alembic_agrees(
    scenario: &Scenario,
    after: &Aftermath,
    answer: &OracleAnswer,
    folder: &str,
    policy: HeadPolicy,
) {
    let seed = scenario.seed;
    assert_eq!(answer.error, None, "seed {seed}");
    assert_eq!(answer.warnings, Vec::<String>::new(), "seed {seed}");
    assert_history(scenario, after, &facts(answer, folder), policy);
    assert_eq!(answer.upgrade_error, None, "seed {seed}");
    let order = answer.upgrade_order.as_ref().expect("a way up");
    let position: BTreeMap<&str, usize> =
        order.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    assert_eq!(position.len(), answer.revisions.len(), "seed {seed}: {order:?}");
    for (at, earlier) in scenario.earlier().into_iter().enumerate() {
        let place = |at: usize| {
            let revision = &scenario.revisions[at];
            after.survives(revision).then(|| position[after.id(revision)])
        };
        let Some(place_of_this) = place(at) else { continue };
        let is_earlier = |other: usize| place(other).is_none_or(|other| other < place_of_this);
        assert!(earlier.into_iter().all(is_earlier), "seed {seed}: {order:?}");
    }
}

#[test]
fn alembic_accepts_every_rebased_history() {
    let repo = TestRepo::empty();
    let mut oracle = Oracle::start();
    for seed in 0..JUDGED {
        let Some(replanned) = replan(seed) else { continue };
        let folder = format!("s{seed}");
        for (path, bytes) in &replanned.after.files {
            repo.write(&format!("{folder}/{path}"), bytes);
        }
        let answer = oracle.ask(&request(&repo, &folder));
        assert_alembic_agrees(
            &replanned.scenario,
            &replanned.after,
            &answer,
            &folder,
            replanned.manner.policy,
        );
    }
}

/// A scenario in a repository of its own: own revisions on `feature`, begun
/// when only a part had landed on `main`, which has been merged since.
struct Played {
    repo: TestRepo,
    scenario: Scenario,
}

const SCRIPTS: &str = "migrations";

impl Played {
    fn of(seed: u64) -> Self {
        let scenario = Scenario::generate(seed);
        let repo = TestRepo::empty();
        let locations = LOCATIONS.map(|l| format!("%(here)s/{SCRIPTS}/{l}")).join(":");
        repo.write(
            "alembic.ini",
            format!(
                "[alembic]\nscript_location = %(here)s/{SCRIPTS}\npath_separator = os\n\
                 version_locations = {locations}\n"
            ),
        );
        let played = Self { repo, scenario };
        let (common, late): (Vec<_>, Vec<_>) =
            played.scenario.landed().enumerate().partition(|(at, _)| *at < played.scenario.common);
        played.commit(common.into_iter().map(|(_, revision)| revision));
        played.repo.git(["switch", "--quiet", "--create", "feature"]);
        for revision in played.scenario.own().filter(|r| r.is_committed) {
            played.commit([revision]);
        }
        played.repo.git(["switch", "--quiet", "main"]);
        played.commit(late.into_iter().map(|(_, revision)| revision));
        played.repo.git(["switch", "--quiet", "feature"]);
        played.repo.git(["merge", "--quiet", "--no-edit", "main"]);
        played.write(played.scenario.own().filter(|r| !r.is_committed));
        played
    }

    fn write<'a>(&self, revisions: impl IntoIterator<Item = &'a Planned>) {
        for revision in revisions {
            self.repo.write(&format!("{SCRIPTS}/{}", revision.path()), revision.bytes());
        }
    }

    fn commit<'a>(&self, revisions: impl IntoIterator<Item = &'a Planned>) {
        self.write(revisions);
        self.repo.commit("Add revisions");
    }

    /// All scripts, by their path in the script location.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        LOCATIONS
            .iter()
            .flat_map(|l| self.repo.files_in(&format!("{SCRIPTS}/{l}")))
            .map(|(path, bytes)| (inside(&path), bytes))
            .collect()
    }

    #[track_caller]
    fn rebase(&self, arguments: &[&str], code: i32) -> RebaseJson {
        let fixed = ["rebase", "--format", "json"];
        self.repo.dbm(fixed.iter().chain(arguments)).expect_code(code).json()
    }
}

fn inside(path: &str) -> String {
    let inside = path.strip_prefix(SCRIPTS).and_then(|p| p.strip_prefix('/'));
    inside.expect("a path of a script").to_owned()
}

/// What `told` says of the scenario's files.
fn aftermath(played: &Played, told: &RebaseComponent) -> Aftermath {
    let files = played.files();
    let renamed: BTreeMap<String, String> =
        told.renamed.iter().map(|r| (inside(&r.from), inside(&r.to))).collect();
    // The new name starts with the new id, as the old did with the old one.
    let own = |path: &String| played.scenario.own().find(|r| &r.path() == path);
    let renumbered = renamed.iter().map(|(from, to)| {
        let revision = own(from).expect("only own files are renamed");
        let rest = revision.file.strip_prefix(&revision.id).expect("files named by their ids");
        let name = to.rsplit('/').next().unwrap_or_default();
        (from.clone(), name.strip_suffix(rest).expect("only the id changes").to_owned())
    });
    Aftermath {
        renumbered: renumbered.collect(),
        deleted: told.deleted.iter().map(|path| inside(path)).collect(),
        renamed,
        files,
    }
}

#[test]
fn a_rebase_in_a_repository_does_what_its_dry_run_says_and_can_be_undone() {
    let mut oracle = Oracle::start();
    let mut rebased = 0;
    for seed in 0..PLAYED {
        let played = Played::of(seed);
        let before = played.files();
        let claimed = played.rebase(&["--dry-run"], 0);
        assert_eq!(played.files(), before, "seed {seed}: only a dry run");
        let done = played.rebase(&[], 0);
        assert_eq!(format!("{:?}", claimed.components), format!("{:?}", done.components));
        let [component] = done.components.as_slice() else { panic!("one component: {done:?}") };

        let after = aftermath(&played, component);
        assert_files(&played.scenario, &after);
        let answer = oracle.ask(&request(&played.repo, SCRIPTS));
        let policy = HeadPolicy::Auto;
        assert_alembic_agrees(&played.scenario, &after, &answer, SCRIPTS, policy);
        let heads: BTreeSet<&String> = component.heads.iter().collect();
        assert_eq!(heads, answer.heads.iter().collect(), "seed {seed}");

        let again = played.rebase(&[], 0);
        assert_eq!(again.operation, None, "seed {seed}: {again:?}");
        if done.operation.is_some() {
            rebased += 1;
            played.repo.dbm(["undo"]).expect_code(0);
        }
        assert_eq!(played.files(), before, "seed {seed}: undone");
    }
    assert!(rebased > PLAYED / 2, "{rebased} of {PLAYED} had something to rebase");
}
