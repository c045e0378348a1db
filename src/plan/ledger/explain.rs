//! From one look to the next: which revisions must have run in between.

use std::collections::HashSet;

use super::super::Observation;
use super::entry::{Evidence, Ledger, LedgerEntry};
use super::known::Matching;
use super::snapshot::Snapshot;
use crate::revision::RevisionId;

/// The ledger after a look that saw `now`.
///
/// `tiers` are the graphs that alembic may have had since the last look, the
/// surest first. The first tier in which one knows all rows, old and new,
/// explains the look; where several of a tier do and disagree, what they
/// disagree about is unknown. If none does, the ledger stays as it is: the
/// files that explain the rows may yet arrive. `current` is the graph of the
/// files as they are now.
pub fn explain(
    ledger: &Ledger,
    now: &Observation,
    tiers: &[Vec<&Snapshot>],
    current: &Snapshot,
) -> Ledger {
    let explained = match &ledger.seen {
        None => first_look(now, tiers),
        Some(before) if before.rows == now.rows => Some(ledger.entries.clone()),
        Some(before) => moved(ledger, before, now, tiers),
    };
    let Some(entries) = explained else { return ledger.clone() };
    let mut after =
        Ledger { seen: Some(now.clone()), entries, once_skipped: ledger.once_skipped.clone() };
    if let Some(before) = &ledger.seen {
        doubt(&mut after, before, now, current);
    }
    after
}

fn first_look(now: &Observation, tiers: &[Vec<&Snapshot>]) -> Option<Vec<LedgerEntry>> {
    let valid = first_valid(tiers, |snapshot| snapshot.knows(&now.rows))?;
    let all = valid.iter().map(|snapshot| ran_by_rows(snapshot, &now.rows)).collect();
    Some(agreed(all))
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
) -> Option<Vec<LedgerEntry>> {
    let is_other = before.fingerprint.identity != now.fingerprint.identity;
    if now.rows.is_empty() && is_other {
        // Dropped, and made anew: nothing of what ran is in there.
        return Some(Vec::new());
    }
    let knows_both = |s: &&Snapshot| s.knows(&before.rows) && s.knows(&now.rows);
    if let Some(valid) = first_valid(tiers, |snapshot| knows_both(&snapshot)) {
        let all = valid
            .iter()
            .map(|snapshot| walked(&ledger.entries, snapshot, &before.rows, &now.rows))
            .collect();
        return Some(agreed(all));
    }
    // Alembic refuses to walk from rows that it doesn't know: somebody has
    // stamped, or run the other files, or brought an older copy back.
    let valid = first_valid(tiers, |snapshot| snapshot.knows(&now.rows))?;
    Some(agreed(valid.iter().map(|snapshot| jumped(&ledger.entries, snapshot, now)).collect()))
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

/// The graphs of the first tier that has any that will do.
fn first_valid<'a>(
    tiers: &[Vec<&'a Snapshot>],
    will_do: impl Fn(&Snapshot) -> bool,
) -> Option<Vec<&'a Snapshot>> {
    tiers
        .iter()
        .map(|tier| tier.iter().copied().filter(|s| will_do(s)).collect::<Vec<_>>())
        .find(|valid| !valid.is_empty())
}

/// The first of several possibilities; what not all of them say is unknown.
fn agreed(possibilities: Vec<Vec<LedgerEntry>>) -> Vec<LedgerEntry> {
    let names = |entries: &[LedgerEntry]| -> HashSet<_> {
        entries.iter().map(|e| (e.revision.clone(), e.body.clone())).collect()
    };
    let sets: Vec<HashSet<_>> = possibilities.iter().map(|p| names(p)).collect();
    let mut seen: HashSet<(RevisionId, super::BodyHash)> = HashSet::new();
    let mut all = Vec::new();
    for mut entry in possibilities.into_iter().flatten() {
        let name = (entry.revision.clone(), entry.body.clone());
        if !seen.insert(name.clone()) {
            continue;
        }
        if !sets.iter().all(|set| set.contains(&name)) {
            entry.evidence = Evidence::Unknown;
        }
        all.push(entry);
    }
    all
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
    if is_other {
        // A restored copy need not hold what ran beside its rows.
        let applied = current.applied(&now.rows);
        for (at, entry) in ledger.entries.iter_mut().enumerate() {
            if matching.node_of[at].is_none_or(|node| !applied[node]) {
                entry.evidence = Evidence::Unknown;
            }
        }
    }
    let skipped = matching.without_entry(current, &now.rows);
    ledger.entries.extend(skipped.into_iter().map(|n| current.entry(n, Evidence::Unknown)));
}
