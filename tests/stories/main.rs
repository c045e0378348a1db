//! Random projects and random stories: what people do with git, alembic and
//! dbm-git, and what must hold of the database whatever they did.
//!
//! `tests/run-stories` runs as many as asked; here it is a fixed hundred.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests set up and look at the real world; the rules are for the shipped code"
)]

mod database;
mod evidence;
mod judge;
mod operations;
mod python;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use database::Dialect;
use python::{AlembicServer, Hands};
use story::{Act, Story, Who};
use world::{Failure, World};

/// What a shortened story may cost, in stories.
const MAX_SHORTENED: usize = 60;

/// Told once for each cause.
struct Found {
    seed: u64,
    failure: Failure,
    script: String,
    /// Others that failed in the same way.
    also: Vec<u64>,
}

/// Runs one story to its end, or to the first thing that must not be.
fn run(
    story: &Story,
    hands: &mut Hands,
    server: &AlembicServer,
    tally: &mut BTreeMap<String, usize>,
) -> Result<(), (Failure, Vec<String>)> {
    let mut world = World::new(hands, server, Dialect::of_environment(), story.seed, story.setting);
    let result = play(story, &mut world);
    for (what, count) in std::mem::take(&mut world.tally) {
        *tally.entry(what).or_default() += count;
    }
    result.map_err(|failure| (failure, std::mem::take(&mut world.transcript)))
}

fn play(story: &Story, world: &mut World<'_>) -> Result<(), Failure> {
    for event in &story.events {
        world.happen(event);
        match event.act {
            _ if event.who == Who::Bob || !world.repo(event.who).path().exists() => {}
            Act::DbmStatus => judge::status(world, event.who)?,
            Act::DbmSync => judge::sync(world, event.who)?,
            _ => {}
        }
    }
    judge::ending(world)
}

/// The shortest story found that fails for the same cause.
fn shortened(
    story: Story,
    cause: &str,
    hands: &mut Hands,
    server: &AlembicServer,
) -> Option<(Story, Failure, Vec<String>)> {
    let mut shortest: Option<(Story, Failure, Vec<String>)> = None;
    let mut story = story;
    let mut tried = 0;
    loop {
        let before = story.events.len();
        for at in (0..before).rev() {
            let shorter = story.without(at);
            tried += 1;
            if let Err((failure, script)) = run(&shorter, hands, server, &mut BTreeMap::new())
                && failure.cause == cause
            {
                story = shorter.clone();
                shortest = Some((shorter, failure, script));
            }
            if tried == MAX_SHORTENED {
                return shortest;
            }
        }
        if story.events.len() == before {
            break;
        }
    }
    shortest
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

/// How often what was seen: stories in which nothing happens prove nothing.
fn shown(tallies: &BTreeMap<String, usize>) -> String {
    tallies.iter().map(|(what, count)| format!("{count:6} {what}\n")).collect()
}

#[test]
fn no_story_ends_badly() {
    let (first, count) = (number("DBM_GIT_STORY_SEED", 1), number("DBM_GIT_STORIES", 100));
    let all_verify = std::env::var_os("DBM_GIT_STORIES_VERIFY").is_some();
    let next = AtomicU64::new(first);
    let found: Mutex<BTreeMap<String, Found>> = Mutex::default();
    let tallies: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let work = || {
        let (mut hands, server) = (Hands::start(), AlembicServer::start());
        let mut tally = BTreeMap::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                break;
            }
            let mut story = Story::generate(seed);
            story.setting.verifies |= all_verify;
            let Err((failure, script)) = run(&story, &mut hands, &server, &mut tally) else {
                continue;
            };
            {
                let mut found = found.lock().expect("no thread has panicked");
                if let Some(known) = found.get_mut(&failure.cause) {
                    known.also.push(seed);
                    continue;
                }
                let entry = Found {
                    seed,
                    failure: failure.clone(),
                    script: script.join("\n"),
                    also: Vec::new(),
                };
                found.insert(failure.cause.clone(), entry);
            }
            if let Some((_, shorter, script)) =
                shortened(story, &failure.cause, &mut hands, &server)
            {
                let mut found = found.lock().expect("no thread has panicked");
                let known = found.get_mut(&failure.cause).expect("just put there");
                known.failure = shorter;
                known.script = script.join("\n");
            }
        }
        let mut tallies = tallies.lock().expect("no thread has panicked");
        for (what, count) in tally {
            *tallies.entry(what).or_default() += count;
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let tallies = tallies.into_inner().expect("no thread has panicked");
    if std::env::var_os("DBM_GIT_STORIES").is_some() {
        println!("{}", shown(&tallies));
    }
    let found = found.into_inner().expect("no thread has panicked");
    if count >= 50 {
        for what in [
            "sync replay",
            "sync downgrade",
            "sync none",
            "status skipped",
            "hook sync",
            "trial passed",
        ] {
            assert!(tallies.contains_key(what), "no story has a {what}\n{}", shown(&tallies));
        }
    }
    let told: Vec<String> = found
        .values()
        .map(|f| {
            let Found { seed, failure, script, also } = f;
            format!(
                "== {} (seed {seed}, also {also:?})\n{script}\n-- {}\n",
                failure.cause, failure.detail
            )
        })
        .collect();
    assert!(found.is_empty(), "{} causes\n{}", found.len(), told.join("\n"));
}
