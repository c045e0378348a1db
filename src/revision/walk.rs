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
    // Nodes that a topological sort cannot place contain every cycle; among
    // them a cycle is what reaches itself. Histories are almost always acyclic,
    // so the quadratic part is paid only by broken ones.
    let all: Vec<usize> = (0..len).collect();
    let Err(rest) = topological(len, &all, &next) else { return Vec::new() };
    let mut taken = vec![false; len];
    let mut found = Vec::new();
    for &node in &rest {
        if taken[node] {
            continue;
        }
        let from_here = reachable(len, next(node).iter().copied(), &next);
        if !from_here[node] {
            continue;
        }
        let members: Vec<usize> = rest
            .iter()
            .copied()
            .filter(|&other| {
                from_here[other] && reachable(len, next(other).iter().copied(), &next)[node]
            })
            .collect();
        for &member in &members {
            taken[member] = true;
        }
        found.push(members);
    }
    found
}
