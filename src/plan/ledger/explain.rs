//! From one look to the next: which revisions must have run in between.

use std::collections::{HashMap, HashSet};

use super::super::{Observation, Proof};
use super::entry::{BodyHash, Evidence, Ledger, LedgerEntry};
use super::known::Matching;
use super::snapshot::Snapshot;
use crate::revision::RevisionId;

/// The ledger after a look that saw `now`, where nothing but the graphs tells.
///
/// See [`possibilities`].
pub fn explain(
    ledger: &Ledger,
    now: &Observation,
    tiers: &[Vec<&Snapshot>],
    current: &Snapshot,
) -> Ledger {
    possibilities(ledger, now, tiers, current).ledger()
}

/// What may have happened until a look that saw `now`.
///
/// `tiers` are the graphs that alembic may have had since the last look, the
/// surest first. The first tier in which one knows all rows, old and new,
/// explains the look; where several of a tier do and disagree, what they
/// disagree about is unknown. If none does, the ledger stays as it is: the
/// files that explain the rows may yet arrive. `current` is the graph of the
/// files as they are now.
pub fn possibilities<'a>(
    ledger: &'a Ledger,
    now: &'a Observation,
    tiers: &[Vec<&Snapshot>],
    current: &'a Snapshot,
) -> Possibilities<'a> {
    let tiers = match &ledger.seen {
        None => first_look(now, tiers),
        Some(before) if before.rows == now.rows => vec![vec![ledger.entries.clone()]],
        Some(before) => moved(ledger, before, now, tiers),
    };
    Possibilities { ledger, now, current, tiers }
}

/// What each of the graphs that explain a look says to have run.
#[derive(Clone, Debug)]
pub struct Possibilities<'a> {
    ledger: &'a Ledger,
    now: &'a Observation,
    current: &'a Snapshot,
    /// Those with a graph that explains the look.
    tiers: Vec<Vec<Vec<LedgerEntry>>>,
}

impl Possibilities<'_> {
    /// Whether no graph explains the look.
    pub fn is_empty(&self) -> bool {
        self.tiers.is_empty()
    }

    /// All revisions that ran by any of them; some of them several times.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.tiers.iter().flatten().flatten()
    }

    /// What those of the surest tier agree about; of the rest nothing is known.
    pub fn ledger(&self) -> Ledger {
        self.agreed(self.tiers.first().into_iter().flatten().collect())
    }

    /// The same, without those that the schema refutes: files of which one did
    /// not run are not those that alembic had, however sure that seemed. Where it
    /// refutes all of them it tells nothing about any. `proof` is that of a
    /// revision in a database in which all of the given ones ran.
    pub fn unrefuted(
        &self,
        proof: impl Fn(&LedgerEntry, &[LedgerEntry]) -> Option<Proof>,
    ) -> Ledger {
        let names = Names::of(self.tiers.iter().flatten());
        let disputed = self.disputed(&names);
        let is_possible = |possibility: &&Vec<LedgerEntry>| {
            let ran = names.all(possibility);
            disputed.iter().all(|entry| match proof(entry, possibility) {
                Some(Proof::Ran) => ran.contains(&names.name(entry)),
                Some(Proof::DidNotRun) => !ran.contains(&names.name(entry)),
                None => true,
            })
        };
        let left = self.tiers.iter().map(|tier| tier.iter().filter(is_possible).collect());
        let left = left.into_iter().find(|left: &Vec<_>| !left.is_empty());
        left.map_or_else(|| self.ledger(), |left| self.agreed(left))
    }

    /// Each revision once that not all of them say to have run.
    fn disputed<'e>(&'e self, names: &Names<'_>) -> Vec<&'e LedgerEntry> {
        let mut counts: HashMap<Name<'_>, (usize, &LedgerEntry)> = HashMap::new();
        for entry in self.entries() {
            counts.entry(names.name(entry)).or_insert((0, entry)).0 += 1;
        }
        let all = self.tiers.iter().flatten().count();
        counts.into_values().filter(|(count, _)| *count < all).map(|(_, entry)| entry).collect()
    }

    fn agreed(&self, possibilities: Vec<&Vec<LedgerEntry>>) -> Ledger {
        if possibilities.is_empty() {
            return self.ledger.clone();
        }
        let mut after = Ledger {
            seen: Some(self.now.clone()),
            entries: agreed(&possibilities),
            once_skipped: self.ledger.once_skipped.clone(),
        };
        if let Some(before) = &self.ledger.seen {
            doubt(&mut after, before, self.now, self.current);
        }
        after
    }
}

fn first_look(now: &Observation, tiers: &[Vec<&Snapshot>]) -> Vec<Vec<Vec<LedgerEntry>>> {
    of_valid(tiers, |s| s.knows(&now.rows), |snapshot| ran_by_rows(snapshot, &now.rows))
}

fn ran_by_rows(snapshot: &Snapshot, rows: &[String]) -> Vec<LedgerEntry> {
    let order = snapshot.in_order(&snapshot.applied(rows));
    order.into_iter().map(|node| snapshot.entry(node, Evidence::Inferred)).collect()
}

fn moved(
    ledger: &Ledger,
    before: &Observation,
    now: &Observation,
    tiers: &[Vec<&Snapshot>],
) -> Vec<Vec<Vec<LedgerEntry>>> {
    let is_other = before.fingerprint.identity != now.fingerprint.identity;
    if now.rows.is_empty() && is_other {
        // Dropped, and made anew: nothing of what ran is in there.
        return vec![vec![Vec::new()]];
    }
    let knows_both = |s: &Snapshot| s.knows(&before.rows) && s.knows(&now.rows);
    let walk = |s: &Snapshot| walked(&ledger.entries, s, &before.rows, &now.rows);
    let walks = of_valid(tiers, knows_both, walk);
    if !walks.is_empty() {
        return walks;
    }
    // Alembic refuses to walk from rows that it doesn't know: somebody has
    // stamped, or run the other files, or brought an older copy back.
    of_valid(tiers, |s| s.knows(&now.rows), |snapshot| jumped(&ledger.entries, snapshot, now))
}

/// The entries after alembic went from the rows `before` to the rows `now`.
fn walked(
    entries: &[LedgerEntry],
    snapshot: &Snapshot,
    before: &[String],
    now: &[String],
) -> Vec<LedgerEntry> {
    let (old, new) = (snapshot.applied(before), snapshot.applied(now));
    let matching = Matching::new(entries, snapshot);
    let stayed = |at: usize| matching.node_of[at].is_none_or(|node| !old[node] || new[node]);
    let mut after: Vec<LedgerEntry> =
        entries.iter().enumerate().filter(|&(at, _)| stayed(at)).map(|(_, e)| e.clone()).collect();
    let up: Vec<bool> = (0..old.len()).map(|n| new[n] && !old[n] && !matching.has(n)).collect();
    after.extend(
        snapshot.in_order(&up).into_iter().map(|node| snapshot.entry(node, Evidence::Inferred)),
    );
    after
}

/// The entries after the rows changed in a way that alembic cannot have walked.
fn jumped(entries: &[LedgerEntry], snapshot: &Snapshot, now: &Observation) -> Vec<LedgerEntry> {
    let applied = snapshot.applied(&now.rows);
    let matching = Matching::new(entries, snapshot);
    let mut after: Vec<LedgerEntry> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let is_below_rows = matching.node_of[at].is_some_and(|node| applied[node]);
            let evidence = if is_below_rows { entry.evidence } else { Evidence::Unknown };
            LedgerEntry { evidence, ..entry.clone() }
        })
        .collect();
    let new: Vec<bool> = (0..applied.len()).map(|n| applied[n] && !matching.has(n)).collect();
    after.extend(
        snapshot.in_order(&new).into_iter().map(|node| snapshot.entry(node, Evidence::Unknown)),
    );
    after
}

/// What the graphs that will do come to, by tier; without tiers that have none.
fn of_valid<T>(
    tiers: &[Vec<&Snapshot>],
    will_do: impl Fn(&Snapshot) -> bool,
    comes_to: impl Fn(&Snapshot) -> T,
) -> Vec<Vec<T>> {
    tiers
        .iter()
        .map(|tier| tier.iter().filter(|s| will_do(s)).map(|s| comes_to(s)).collect::<Vec<T>>())
        .filter(|valid| !valid.is_empty())
        .collect()
}

/// The first of several possibilities; what not all of them say is unknown.
fn agreed(possibilities: &[&Vec<LedgerEntry>]) -> Vec<LedgerEntry> {
    let names = Names::of(possibilities.iter().copied());
    let sets: Vec<HashSet<Name<'_>>> = possibilities.iter().map(|p| names.all(p)).collect();
    let mut seen: HashSet<Name<'_>> = HashSet::new();
    let mut all = Vec::new();
    for entry in possibilities.iter().copied().flatten() {
        let name = names.name(entry);
        if seen.insert(name) {
            let is_disputed = !sets.iter().all(|set| set.contains(&name));
            let evidence = if is_disputed { Evidence::Unknown } else { entry.evidence };
            all.push(LedgerEntry { evidence, ..entry.clone() });
        }
    }
    all
}

/// What makes two entries of different possibilities the same revision: what
/// they say, since either may have been renumbered. Only where that does not
/// tell one from another is it the id, too.
type Name<'a> = (Option<&'a RevisionId>, &'a BodyHash);

struct Names<'a> {
    /// Bodies that several entries of one possibility have.
    shared: HashSet<&'a BodyHash>,
}

impl<'a> Names<'a> {
    fn of(possibilities: impl IntoIterator<Item = &'a Vec<LedgerEntry>>) -> Self {
        let mut shared = HashSet::new();
        for possibility in possibilities {
            let mut seen = HashSet::new();
            let twice = possibility.iter().filter(|entry| !seen.insert(&entry.body));
            shared.extend(twice.map(|entry| &entry.body));
        }
        Self { shared }
    }

    fn name<'e>(&self, entry: &'e LedgerEntry) -> Name<'e> {
        let needs_id = entry.is_empty || self.shared.contains(&entry.body);
        (needs_id.then_some(&entry.revision), &entry.body)
    }

    fn all<'e>(&self, possibility: &'e [LedgerEntry]) -> HashSet<Name<'e>> {
        possibility.iter().map(|entry| self.name(entry)).collect()
    }
}

/// What the fingerprint takes back: the database was written by a hand that the
/// rows don't show.
fn doubt(ledger: &mut Ledger, before: &Observation, now: &Observation, current: &Snapshot) {
    if before.fingerprint == now.fingerprint {
        return;
    }
    let is_other = before.fingerprint.identity != now.fingerprint.identity;
    if is_other {
        for entry in &mut ledger.entries {
            if ledger.once_skipped.contains(&entry.revision) {
                entry.evidence = Evidence::Unknown;
            }
        }
    }
    if !is_other && before.rows != now.rows {
        // Alembic has walked, and said so.
        return;
    }
    let matching = Matching::new(&ledger.entries, current);
    let applied = current.applied(&now.rows);
    for (at, entry) in ledger.entries.iter_mut().enumerate() {
        let is_beyond_rows = match matching.node_of[at] {
            // Alembic may have gone up to it, for the second time, and back down.
            Some(node) => !applied[node],
            // A restored copy need not hold what ran beside its rows.
            None => is_other,
        };
        if is_beyond_rows {
            entry.evidence = Evidence::Unknown;
        }
    }
    let skipped = matching.without_entry(current, &now.rows);
    ledger.entries.extend(skipped.into_iter().map(|n| current.entry(n, Evidence::Unknown)));
}
