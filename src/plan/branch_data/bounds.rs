//! How many snapshots are kept, and which of them go first.

use super::kept::{DatabaseSnapshot, SnapshotId};

/// What all snapshots of a clone together may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub count: usize,
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { count: 10, bytes: 2 << 30 }
    }
}

/// What has to go so that the bounds hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruning {
    pub dropped: Vec<SnapshotId>,
    /// Whether that is enough.
    pub is_enough: bool,
}

/// Why a snapshot goes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// The branch was left again since.
    Superseded,
    /// Nobody can switch to its branch any more.
    Branchless,
    Current,
}

/// What goes so that `coming` bytes more, as one snapshot, fit in: first what a
/// newer one of the same branch stands for, then those of branches that are gone,
/// then the oldest. Never one of `spared`, nor one that a person has named.
pub fn prune(
    snapshots: &[DatabaseSnapshot],
    branches: &[String],
    bounds: Bounds,
    coming: Option<u64>,
    spared: &[SnapshotId],
) -> Pruning {
    let mut count = snapshots.len() + usize::from(coming.is_some());
    let mut bytes = snapshots.iter().map(|s| s.bytes).sum::<u64>() + coming.unwrap_or(0);
    let mut candidates: Vec<&DatabaseSnapshot> =
        snapshots.iter().filter(|s| s.name.is_none() && !spared.contains(&s.id)).collect();
    candidates.sort_by_key(|s| (worth(s, snapshots, branches), s.created_at, s.id));
    let mut dropped = Vec::new();
    for snapshot in candidates {
        if count <= bounds.count && bytes <= bounds.bytes {
            break;
        }
        count -= 1;
        bytes -= snapshot.bytes;
        dropped.push(snapshot.id);
    }
    Pruning { dropped, is_enough: count <= bounds.count && bytes <= bounds.bytes }
}

/// What nothing would bring back: older ones of a branch, and those of branches that are gone.
pub fn worn_out(snapshots: &[DatabaseSnapshot], branches: &[String]) -> Vec<SnapshotId> {
    snapshots
        .iter()
        .filter(|s| s.name.is_none() && worth(s, snapshots, branches) != Worth::Current)
        .map(|s| s.id)
        .collect()
}

fn worth(snapshot: &DatabaseSnapshot, all: &[DatabaseSnapshot], branches: &[String]) -> Worth {
    let Some(branch) = &snapshot.branch else { return Worth::Branchless };
    let is_newer = |other: &DatabaseSnapshot| {
        other.is_of_branch(branch) && other.identity == snapshot.identity && other.id > snapshot.id
    };
    if all.iter().any(is_newer) {
        Worth::Superseded
    } else if !branches.contains(branch) {
        Worth::Branchless
    } else {
        Worth::Current
    }
}

/// A number of bytes as git's configuration has it: `500m`, `2g`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(['k', 'm', 'g']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
