//! Graph walks as pure functions over closures: they need only edges.

/// All nodes reachable from `starts` along `next`, the starts included, as a
/// membership vector over `0..len`.
pub fn reachable<'a, I>(len: usize, starts: I, next: impl Fn(usize) -> &'a [usize]) -> Vec<bool>
where
    I: IntoIterator<Item = usize>,
{
    let mut seen = vec![false; len];
    let mut stack = Vec::new();
    for start in starts {
        if !seen[start] {
            seen[start] = true;
            stack.push(start);
        }
    }
    while let Some(node) = stack.pop() {
        for &after in next(node) {
            if !seen[after] {
                seen[after] = true;
                stack.push(after);
            }
        }
    }
    seen
}

/// A topological order of `nodes` (a node comes after all of its `before`
/// nodes that are also in `nodes`), ties broken by position in `nodes`.
///
/// # Errors
/// The nodes that lie on, or after, a cycle, in the order of `nodes`.
pub fn topological<'a>(
    len: usize,
    nodes: &[usize],
    before: impl Fn(usize) -> &'a [usize],
) -> Result<Vec<usize>, Vec<usize>> {
    let mut rank = vec![usize::MAX; len];
    for (position, &node) in nodes.iter().enumerate() {
        rank[node] = position;
    }
    let mut waiting = vec![0usize; len];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); len];
    for &node in nodes {
        for &earlier in before(node) {
            if rank[earlier] != usize::MAX {
                waiting[node] += 1;
                after[earlier].push(node);
            }
        }
    }
    let mut ready: std::collections::BTreeSet<(usize, usize)> =
        nodes.iter().filter(|&&n| waiting[n] == 0).map(|&n| (rank[n], n)).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some((_, node)) = ready.pop_first() {
        order.push(node);
        for &later in &after[node] {
            waiting[later] -= 1;
            if waiting[later] == 0 {
                ready.insert((rank[later], later));
            }
        }
    }
    if order.len() == nodes.len() {
        Ok(order)
    } else {
        Err(nodes.iter().copied().filter(|&n| waiting[n] > 0).collect())
    }
}

/// The strongly connected components that hold a cycle (two or more nodes, or
/// a node that is its own successor), each in ascending order.
pub fn cycles<'a>(len: usize, next: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = strongly_connected(len, &next)
        .into_iter()
        .filter(|nodes| nodes.len() > 1 || next(nodes[0]).contains(&nodes[0]))
        .collect();
    found.iter_mut().for_each(|nodes| nodes.sort_unstable());
    found.sort_unstable();
    found
}

/// Tarjan's strongly connected components, without recursion: a history may be
/// one line of any length.
fn strongly_connected<'a>(len: usize, next: &impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    // The order in which nodes were met, and the earliest that each can get back to.
    let (mut met, mut low) = (vec![UNSEEN; len], vec![UNSEEN; len]);
    let mut is_open = vec![false; len];
    let (mut open, mut found, mut count) = (Vec::new(), Vec::new(), 0);
    for start in 0..len {
        // Each node on the way, with how many of its edges were followed.
        let mut way: Vec<(usize, usize)> = Vec::new();
        let mut entered = (met[start] == UNSEEN).then_some(start);
        loop {
            if let Some(node) = entered.take() {
                (met[node], low[node]) = (count, count);
                count += 1;
                open.push(node);
                is_open[node] = true;
                way.push((node, 0));
            }
            let Some((node, followed)) = way.last_mut() else { break };
            let node = *node;
            if let Some(&after) = next(node).get(*followed) {
                *followed += 1;
                if met[after] == UNSEEN {
                    entered = Some(after);
                } else if is_open[after] {
                    low[node] = low[node].min(met[after]);
                }
                continue;
            }
            way.pop();
            if let Some(&(before, _)) = way.last() {
                low[before] = low[before].min(low[node]);
            }
            if low[node] == met[node] {
                let first = open.iter().rposition(|&n| n == node).unwrap_or_default();
                let nodes = open.split_off(first);
                nodes.iter().for_each(|&n| is_open[n] = false);
                found.push(nodes);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_what_reaches_itself() {
        const LEN: usize = 4;
        // Every graph of four nodes.
        for edges in 0..1u32 << (LEN * LEN) {
            let has = |from: usize, to: usize| edges >> (from * LEN + to) & 1 == 1;
            let next: Vec<Vec<usize>> =
                (0..LEN).map(|from| (0..LEN).filter(|&to| has(from, to)).collect()).collect();
            let below: Vec<Vec<bool>> =
                next.iter().map(|n| reachable(LEN, n.iter().copied(), |n| &next[n])).collect();
            let mut expected: Vec<Vec<usize>> = (0..LEN)
                .filter(|&n| below[n][n])
                .map(|n| (0..LEN).filter(|&m| m == n || below[n][m] && below[m][n]).collect())
                .collect();
            expected.sort();
            expected.dedup();
            assert_eq!(cycles(LEN, |n| &next[n]), expected, "{next:?}");
        }
    }

    #[test]
    fn a_cycle_may_have_any_length() {
        const LEN: usize = 200_000;
        let next: Vec<[usize; 1]> = (0..LEN).map(|n| [(n + 1) % LEN]).collect();
        assert_eq!(cycles(LEN, |n| &next[n]), [(0..LEN).collect::<Vec<_>>()]);
    }
}
