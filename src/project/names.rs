//! Names for environments that nobody named: what tells one from the others.

use std::collections::BTreeSet;

use super::environment::{Environment, PYPROJECT};
use crate::tree::RepoPath;

/// The name of a single environment.
pub const DEFAULT: &str = "default";

/// Parts of a path that say nothing about what the environment is for.
const GENERIC: [&str; 15] = [
    "alembic",
    "app",
    "apps",
    "backend",
    "database",
    "db",
    "lib",
    "migration",
    "migrations",
    "models",
    "packages",
    "revisions",
    "services",
    "src",
    "versions",
];

/// One unique name for each environment, in order.
pub fn names(environments: &[Environment]) -> Vec<String> {
    if environments.len() == 1 {
        return vec![DEFAULT.to_owned()];
    }
    let mut taken = BTreeSet::new();
    let short: Vec<String> = (0..environments.len()).map(|at| name(environments, at)).collect();
    short
        .iter()
        .zip(environments)
        .map(|(name, environment)| {
            let ambiguous = short.iter().filter(|other| *other == name).count() > 1;
            let long = || {
                let folder = environment.located.script_location.parts().collect::<Vec<_>>();
                if folder.ends_with(&[name.as_str()]) || folder.is_empty() {
                    folder.join("-")
                } else {
                    format!("{}-{name}", folder.join("-"))
                }
            };
            let wanted = if ambiguous { long() } else { name.clone() };
            let wanted = if wanted.is_empty() { DEFAULT.to_owned() } else { wanted };
            let free = std::iter::once(wanted.clone())
                .chain((2..).map(|n: u32| format!("{wanted}-{n}")))
                .find(|name| !taken.contains(name))
                .expect("the numbers do not end");
            taken.insert(free.clone());
            free
        })
        .collect()
}

fn name(environments: &[Environment], at: usize) -> String {
    let environment = &environments[at];
    let config = environment.config.as_ref();
    if let Some(tag) = config.and_then(|config| tag(config.path.file_name())) {
        return tag.to_owned();
    }
    if let Some(config) = config.filter(|config| config.section != "alembic") {
        return config.section.clone();
    }
    let place = |environment: &Environment| environment.located.script_location.clone();
    let versions = |environment: &Environment| environment.located.version_locations[0].clone();
    telling_part(environments, at, &place)
        .or_else(|| telling_part(environments, at, &versions))
        .unwrap_or_else(|| place(environment).file_name().to_owned())
}

/// `accountmgr` of `alembic-accountmgr.ini`.
fn tag(file: &str) -> Option<&str> {
    let tag = file.strip_suffix(".ini")?.strip_prefix("alembic")?.strip_prefix(['-', '_', '.'])?;
    (!tag.is_empty() && file != PYPROJECT).then_some(tag)
}

/// The innermost part of a path that no other environment's has, a meaningful one if possible.
fn telling_part(
    environments: &[Environment],
    at: usize,
    path_of: &dyn Fn(&Environment) -> RepoPath,
) -> Option<String> {
    let own = path_of(&environments[at]);
    let others: Vec<RepoPath> =
        environments.iter().map(path_of).filter(|other| *other != own).collect();
    if others.len() + 1 < environments.len() {
        return None;
    }
    let telling: Vec<&str> = own
        .parts()
        .filter(|part| others.iter().all(|other| other.parts().all(|theirs| theirs != *part)))
        .collect();
    let meaningful = telling.iter().rev().find(|part| !GENERIC.contains(part));
    meaningful.or(telling.last()).map(|part| (*part).to_owned())
}
