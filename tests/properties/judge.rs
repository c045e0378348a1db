//! What has to be true after a rebase, whoever reads the files.

use std::collections::{BTreeMap, BTreeSet};

use dbm_git::revision::HeadPolicy;

use crate::scenario::{LOCATIONS, Planned, Scenario};
use crate::spelling::differs_only_in_values;

/// A revision as the files say it afterwards.
#[derive(Debug)]
pub struct Fact {
    pub downs: Vec<String>,
    /// By id.
    pub depends_on: Vec<String>,
    /// The declared ones.
    pub labels: BTreeSet<String>,
    pub location: usize,
}

/// The history as it is read afterwards, by id.
pub type Facts = BTreeMap<String, Fact>;

/// What became of a scenario, by the paths its files had.
#[derive(Debug, Default)]
pub struct Aftermath {
    pub files: BTreeMap<String, Vec<u8>>,
    /// The new path of each renamed file.
    pub renamed: BTreeMap<String, String>,
    /// The new id of each renumbered file.
    pub renumbered: BTreeMap<String, String>,
    pub deleted: BTreeSet<String>,
}

impl Aftermath {
    fn path(&self, revision: &Planned) -> String {
        let path = revision.path();
        self.renamed.get(&path).cloned().unwrap_or(path)
    }

    pub fn id<'a>(&'a self, revision: &'a Planned) -> &'a str {
        self.renumbered.get(&revision.path()).map_or(&revision.id, String::as_str)
    }

    pub fn survives(&self, revision: &Planned) -> bool {
        !self.deleted.contains(&revision.path())
    }
}

/// Nothing but values changes in own files, and nothing at all in landed ones.
#[track_caller]
pub fn assert_files(scenario: &Scenario, after: &Aftermath) {
    let seed = scenario.seed;
    for revision in scenario.landed() {
        let path = revision.path();
        assert_eq!(after.files.get(&path), Some(&revision.bytes()), "seed {seed}: {path}");
    }
    for revision in scenario.own() {
        let path = after.path(revision);
        let Some(bytes) = after.files.get(&path) else {
            let was_merge = revision.downs.len() > 1 && revision.does_nothing;
            assert!(was_merge && !after.survives(revision), "seed {seed}: {path} is gone");
            continue;
        };
        assert!(
            differs_only_in_values(&revision.pieces, bytes),
            "seed {seed}: {path} was\n{}\nand is\n{}",
            String::from_utf8_lossy(&revision.bytes()),
            String::from_utf8_lossy(bytes)
        );
    }
}

/// No two heads of one lineage, every revision with its labels, and what had to
/// run before a revision still has to.
#[track_caller]
pub fn assert_history(scenario: &Scenario, after: &Aftermath, facts: &Facts, policy: HeadPolicy) {
    let seed = scenario.seed;
    assert_eq!(diverged(facts, policy), None, "seed {seed}");
    let earlier = scenario.earlier();
    for (position, revision) in scenario.revisions.iter().enumerate() {
        if !after.survives(revision) {
            continue;
        }
        let id = after.id(revision);
        let fact = facts.get(id).unwrap_or_else(|| panic!("seed {seed}: `{id}` is gone"));
        assert_eq!(fact.labels, revision.labels.iter().cloned().collect(), "seed {seed}: `{id}`");
        let below = below(facts, id, true);
        for &other in &earlier[position] {
            let other = &scenario.revisions[other];
            assert!(
                !after.survives(other) || below.contains(after.id(other)),
                "seed {seed}: `{}` ran before `{id}`, and need not any more",
                after.id(other)
            );
        }
    }
}

/// Two heads that ought to be one, by DESIGN.md's definition.
pub fn diverged(facts: &Facts, policy: HeadPolicy) -> Option<(String, String)> {
    let named: BTreeSet<&String> = facts.values().flat_map(|f| &f.downs).collect();
    let heads: Vec<&String> = facts.keys().filter(|id| !named.contains(id)).collect();
    let labels = |id: &str| -> BTreeSet<String> {
        below(facts, id, false).iter().flat_map(|b| facts[b].labels.clone()).collect()
    };
    for (at, &one) in heads.iter().enumerate() {
        for &other in &heads[..at] {
            let apart = labels(one) != labels(other)
                || below(facts, one, true).contains(other)
                || below(facts, other, true).contains(one)
                || (below(facts, one, false).is_disjoint(&below(facts, other, false))
                    && facts[one].location != facts[other].location);
            if policy == HeadPolicy::Single || !apart {
                return Some((other.clone(), one.clone()));
            }
        }
    }
    None
}

/// `id` and all that lies below it.
fn below(facts: &Facts, id: &str, with_dependencies: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![id.to_owned()];
    while let Some(id) = waiting.pop() {
        let fact = facts.get(&id).unwrap_or_else(|| panic!("`{id}` is named and not there"));
        if found.insert(id.clone()) {
            waiting.extend(fact.downs.iter().cloned());
            waiting.extend(fact.depends_on.iter().filter(|_| with_dependencies).cloned());
        }
    }
    found
}

/// The version location of a path relative to the scenario's folder.
pub fn location_of(path: &str) -> usize {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    LOCATIONS.iter().position(|l| *l == folder).expect("a version location")
}
