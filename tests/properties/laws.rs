//! The laws of the notation, the graph, the header parser and the edits.

use std::collections::{BTreeMap, BTreeSet};

use dbm_git::revision::{
    BranchLabel, Revision, RevisionGraph, RevisionId, RevisionRef, parse_history, render_history,
};
use dbm_git::script::{
    Parsed, apply_edits, parse_script, rename_dependencies, set_down_revisions, set_revision,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::scenario::Scenario;
use crate::support::GraphFixture;

/// A revision before it is known which others there are.
type Sketch = (Vec<Index>, Vec<Index>, usize, String);

/// Sound histories, each revision after what it names.
fn histories() -> impl Strategy<Value = Vec<Revision>> {
    let indices = || prop::collection::vec(any::<Index>(), 0..3);
    let message = "(|[a-z]{1,6}|[a-z]{1,4}, [a-z(]{1,4}\\)?( -> [a-z]{1,3})?)";
    let sketch = (indices(), indices(), 0..3usize, message);
    prop::collection::vec(sketch, 1..24)
        .prop_map(|sketches| sketches.into_iter().enumerate().map(revision).collect())
}

fn revision((at, (downs, dependencies, labels, message)): (usize, Sketch)) -> Revision {
    let earlier = |indices: Vec<Index>| -> BTreeSet<usize> {
        if at == 0 {
            return BTreeSet::new();
        }
        indices.into_iter().map(|index| index.index(at)).collect()
    };
    Revision {
        id: id(at),
        down_revisions: earlier(downs).into_iter().map(id).collect(),
        depends_on: earlier(dependencies)
            .into_iter()
            .map(|at| RevisionRef::new(id(at).as_str()))
            .collect(),
        branch_labels: (0..labels).map(|n| BranchLabel::new(format!("l{at} {n}"))).collect(),
        message,
    }
}

fn id(at: usize) -> RevisionId {
    RevisionId::new(format!("r{at}")).expect("legal")
}

/// What a graph says, in words that don't depend on the order of the input.
fn said(graph: &RevisionGraph) -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let names = |nodes: &[usize]| -> BTreeSet<String> {
        graph.ids(nodes.iter().copied()).iter().map(ToString::to_string).collect()
    };
    let chosen = |chosen: Vec<bool>| -> BTreeSet<String> {
        let nodes: Vec<usize> = (0..graph.len()).filter(|&n| chosen[n]).collect();
        names(&nodes)
    };
    let mut said: BTreeMap<String, Vec<BTreeSet<String>>> = (0..graph.len())
        .map(|n| {
            let labels = graph.inherited_labels(n).iter().map(ToString::to_string).collect();
            let facts = vec![
                names(graph.down(n)),
                names(graph.up(n)),
                names(graph.below(n)),
                names(graph.above(n)),
                chosen(graph.ancestors([n])),
                chosen(graph.ancestors_with_dependencies([n])),
                chosen(graph.descendants([n])),
                labels,
            ];
            (graph.revision(n).id.to_string(), facts)
        })
        .collect();
    let ends = vec![names(&graph.heads()), names(&graph.real_heads()), names(&graph.bases())];
    said.insert("the whole".to_owned(), ends);
    said
}

/// Ancestors by the definition: what is named, and what that names.
fn naive(graph: &RevisionGraph, node: usize, edges: &dyn Fn(usize) -> Vec<usize>) -> Vec<bool> {
    let mut found = vec![false; graph.len()];
    found[node] = true;
    loop {
        let next: Vec<usize> =
            (0..graph.len()).filter(|&n| found[n]).flat_map(edges).filter(|&n| !found[n]).collect();
        if next.is_empty() {
            return found;
        }
        next.into_iter().for_each(|n| found[n] = true);
    }
}

/// A sound script of a scenario, and what it declares.
fn script(seed: u64, index: Index) -> (Vec<u8>, Parsed) {
    let scenario = Scenario::generate(seed);
    let bytes = index.get(&scenario.revisions).bytes();
    let parsed = parse_script(&bytes).expect("a sound script");
    (bytes, parsed)
}

/// What the four names are bound to, and the rest of the file.
fn values(bytes: &[u8]) -> [Vec<String>; 4] {
    let header = parse_script(bytes).expect("a sound script").header;
    [&header.revision, &header.down_revision, &header.depends_on, &header.branch_labels].map(
        |field| {
            use dbm_git::script::{Element, FieldValue};
            match &field.as_ref().expect("all four are assigned").value {
                FieldValue::None => Vec::new(),
                FieldValue::Text(text) => vec![text.clone()],
                FieldValue::Sequence(elements) => elements
                    .iter()
                    .map(|element| match element {
                        Element::Text { value, .. } => value.clone(),
                        Element::Dynamic { source, .. } => panic!("`{source}` is no literal"),
                    })
                    .collect(),
                FieldValue::Dynamic { source } => panic!("`{source}` is no literal"),
            }
        },
    )
}

fn ids() -> impl Strategy<Value = RevisionId> {
    "[a-z0-9_]{1,12}".prop_map(|text| RevisionId::new(text).expect("legal"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_of_a_history_can_be_read_back(history in histories()) {
        let (graph, problems) = RevisionGraph::build(history.clone());
        prop_assert_eq!(problems, []);
        let mut again = parse_history(&render_history(&graph)).expect("its own notation");
        again.sort_by_key(|revision| graph.node(revision.id.as_str()));
        prop_assert_eq!(again, history);
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(
        history in histories(),
        keys in prop::collection::vec(any::<u32>(), 24),
    ) {
        let mut shuffled: Vec<(u32, Revision)> =
            keys.into_iter().zip(history.iter().cloned()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled = shuffled.into_iter().map(|(_, revision)| revision).collect();
        let (one, other) = (RevisionGraph::build(history).0, RevisionGraph::build(shuffled).0);
        prop_assert_eq!(said(&one), said(&other));
    }

    #[test]
    fn fast_ancestors_are_the_naive_ones(history in histories()) {
        let (graph, _) = RevisionGraph::build(history);
        let down = |n: usize| -> Vec<usize> {
            let ids = graph.revision(n).down_revisions.iter();
            ids.map(|id| graph.node(id.as_str()).expect("there")).collect()
        };
        let below = |n: usize| -> Vec<usize> {
            let references = graph.revision(n).depends_on.iter();
            let named = references.map(|r| graph.node(r.as_str()).expect("there"));
            down(n).into_iter().chain(named).collect()
        };
        for node in 0..graph.len() {
            let ancestors = naive(&graph, node, &down);
            for (other, &is_below) in ancestors.iter().enumerate() {
                prop_assert_eq!(graph.descendants([other])[node], is_below);
                prop_assert_eq!(graph.is_ancestor(other, node), is_below && other != node);
            }
            prop_assert_eq!(graph.ancestors([node]), ancestors);
            prop_assert_eq!(
                graph.ancestors_with_dependencies([node]),
                naive(&graph, node, &below)
            );
        }
    }

    #[test]
    fn the_header_parser_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_script(&bytes);
    }

    #[test]
    fn the_header_parser_survives_any_text(text in "\\PC{0,200}") {
        let _ = parse_script(text.as_bytes());
    }

    /// A mutated script is read or not; the spans lie inside it either way.
    #[test]
    fn the_header_parser_survives_mutated_scripts(
        seed in 0..500u64,
        which in any::<Index>(),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let (mut bytes, _) = script(seed, which);
        for (place, byte, kind) in mutations {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"'\"()[],=\n\\#\r"[usize::from(byte) % 12]),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        if let Ok(Parsed { header, .. }) = parse_script(&bytes) {
            let fields = [&header.revision, &header.down_revision, &header.depends_on];
            for field in fields.into_iter().flatten() {
                prop_assert!(field.span.end <= bytes.len() && field.line >= 1);
            }
            let body: usize = header.body(&bytes).iter().map(|piece| piece.len()).sum();
            prop_assert!(body <= bytes.len());
            if let Ok(edits) = set_down_revisions(&bytes, &header, &[id(1), id(2)]) {
                apply_edits(&bytes, edits);
            }
        }
    }

    /// The new values are there, the others are as before, and so is the body.
    #[test]
    fn an_edit_gives_the_new_values_and_leaves_the_rest(
        seed in 0..500u64,
        which in any::<Index>(),
        new_id in ids(),
        downs in prop::collection::vec(ids(), 0..4),
        dependency in ids(),
    ) {
        let (bytes, Parsed { header, .. }) = script(seed, which);
        let [_, _, dependencies, labels] = values(&bytes);
        let mut edits = set_revision(&bytes, &header, &new_id).expect("editable");
        edits.extend(set_down_revisions(&bytes, &header, &downs).expect("editable"));
        let renamed = |_: &str| Some(dependency.as_str());
        edits.extend(rename_dependencies(&bytes, &header, renamed).expect("editable"));
        let edited = apply_edits(&bytes, edits);

        let texts = |ids: &[RevisionId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let dependencies: Vec<String> =
            dependencies.iter().map(|_| dependency.to_string()).collect();
        let expected = [texts(std::slice::from_ref(&new_id)), texts(&downs), dependencies, labels];
        prop_assert_eq!(values(&edited), expected);
        let again = parse_script(&edited).expect("still sound").header;
        prop_assert_eq!(again.body(&edited), header.body(&bytes));
        if let Some(docstring) = &again.docstring {
            let ids = |line: &Option<dbm_git::script::DocstringLine>| {
                line.as_ref().map(|l| l.ids().iter().map(ToString::to_string).collect::<Vec<_>>())
            };
            prop_assert!(ids(&docstring.revises).is_none_or(|revises| revises == texts(&downs)));
            prop_assert!(ids(&docstring.revision_id).is_none_or(|id| id == texts(&[new_id])));
        }
    }
}

#[test]
fn ancestors_in_real_projects_are_the_naive_ones() {
    for fixture in GraphFixture::all() {
        let revisions: Vec<Revision> = fixture
            .revisions
            .iter()
            .map(|r| Revision {
                id: RevisionId::new(r.revision.as_str()).expect("legal"),
                down_revisions: r
                    .down_revision
                    .iter()
                    .map(|id| RevisionId::new(id.as_str()).expect("legal"))
                    .collect(),
                depends_on: r.depends_on.iter().map(RevisionRef::new).collect(),
                branch_labels: r.branch_labels.iter().map(BranchLabel::new).collect(),
                message: String::new(),
            })
            .collect();
        let (graph, _) = RevisionGraph::build(revisions);
        for head in graph.heads() {
            let down = |n: usize| graph.down(n).to_vec();
            let below = |n: usize| graph.below(n).to_vec();
            assert_eq!(graph.ancestors([head]), naive(&graph, head, &down), "{}", fixture.name);
            let with_dependencies = graph.ancestors_with_dependencies([head]);
            assert_eq!(with_dependencies, naive(&graph, head, &below), "{}", fixture.name);
        }
    }
}
