//! All scripts of one component and the graph over them, whatever state they are in.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::header::{Element, Field, FieldValue, Header};
use super::names::legacy_revision_of;
use super::{ParseFailure, Parsed, Span, SyntaxProblem};
use crate::revision::{
    BranchLabel, GraphProblem, Node, Revision, RevisionGraph, RevisionId, RevisionRef,
};
use crate::tree::RepoPath;

/// A script as it was found, before anything is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFile {
    pub path: RepoPath,
    /// Position among the component's version locations.
    pub location: usize,
    pub bytes: Arc<Vec<u8>>,
}

/// A script with a revision; its position in [`History::scripts`] is its [`Node`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub file: ScriptFile,
    pub header: Arc<Header>,
    /// Python would refuse the file.
    pub is_broken: bool,
    /// Its down revisions could not be read, so it is no base though it looks like one.
    pub has_unknown_down: bool,
}

/// Something about one file that keeps it, or a part of it, out of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptProblem {
    pub path: RepoPath,
    /// 1-based.
    pub line: u32,
    pub span: Option<Span>,
    pub kind: ScriptProblemKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptProblemKind {
    /// Syntax, conflict markers, encoding, a dangling link.
    Unreadable { reason: String },
    /// A partial clone has left the object out: nothing is wrong with the file.
    NotInClone { reason: String },
    /// `field` is there but only Python could tell its value.
    Dynamic { field: &'static str, source: String },
    /// `field` is not assigned at all.
    Absent { field: &'static str },
    /// A revision id that Alembic refuses.
    IllegalId { reason: String },
    /// A down revision that can be no revision (`""`, illegal characters, not a string).
    IllegalDownRevision { reason: String },
    /// A label or dependency that is computed: reported, changes nothing else.
    DynamicNote { field: &'static str, source: String },
}

impl ScriptProblem {
    /// Whether it hides a revision or an edge from the graph.
    pub fn is_grave(&self) -> bool {
        !matches!(self.kind, ScriptProblemKind::DynamicNote { .. })
    }
}

impl fmt::Display for ScriptProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reason }
            | Self::NotInClone { reason }
            | Self::IllegalId { reason }
            | Self::IllegalDownRevision { reason } => f.write_str(reason),
            Self::Dynamic { field, source } | Self::DynamicNote { field, source } => {
                write!(f, "`{field}` is computed (`{source}`)")
            }
            Self::Absent { field } => write!(f, "`{field}` is not assigned"),
        }
    }
}

/// The scripts of one component in file order, and what they amount to.
#[derive(Clone, Debug)]
pub struct History {
    pub scripts: Vec<Script>,
    pub graph: RevisionGraph,
    pub graph_problems: Vec<GraphProblem>,
    pub problems: Vec<ScriptProblem>,
    by_path: HashMap<RepoPath, Node>,
}

impl History {
    /// Builds the graph from parsed files, given in file order, and from
    /// `unread`, the problems of files that could not even be opened.
    pub fn build(
        files: Vec<(ScriptFile, Result<Parsed, ParseFailure>)>,
        unread: Vec<ScriptProblem>,
    ) -> Self {
        let mut problems = unread;
        let mut scripts = Vec::with_capacity(files.len());
        let mut revisions = Vec::with_capacity(files.len());
        for (file, parsed) in files {
            let mut reader = Reader { file: &file, problems: &mut problems, unknown_down: false };
            let Some((revision, header, is_broken)) = reader.read(parsed) else { continue };
            let has_unknown_down = reader.unknown_down;
            revisions.push(revision);
            scripts.push(Script { file, header, is_broken, has_unknown_down });
        }
        let (graph, graph_problems) = RevisionGraph::build(revisions);
        let path_of = |(node, script): (Node, &Script)| (script.file.path.clone(), node);
        let by_path = scripts.iter().enumerate().map(path_of).collect();
        Self { scripts, graph, graph_problems, problems, by_path }
    }

    /// The script at `node`.
    pub fn script(&self, node: Node) -> &Script {
        &self.scripts[node]
    }

    /// The revision id at `node`.
    pub fn id(&self, node: Node) -> &RevisionId {
        &self.graph.revision(node).id
    }

    /// The heads, each id once, in file order.
    pub fn head_ids(&self) -> Vec<RevisionId> {
        self.unique_ids(self.graph.heads())
    }

    /// The bases that say so: a down revision that cannot be read makes none.
    pub fn base_ids(&self) -> Vec<RevisionId> {
        let bases = self.graph.bases().into_iter();
        self.unique_ids(bases.filter(|&node| !self.script(node).has_unknown_down))
    }

    fn unique_ids(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<RevisionId> {
        let mut seen = HashSet::new();
        let ids = nodes.into_iter().map(|node| self.id(node));
        ids.filter(|id| seen.insert(*id)).cloned().collect()
    }

    /// Names and bytes of these scripts, for one folder that holds them all: of two
    /// version locations each may have a file of the same name.
    pub fn in_one_folder(&self, nodes: &[Node]) -> Vec<(String, Vec<u8>)> {
        let mut names = HashSet::new();
        let file = |&node: &Node| {
            let file = &self.script(node).file;
            let name = file.path.file_name().to_owned();
            // A script may look for what lies beside it by its own name.
            let is_free = names.insert(name.clone());
            (if is_free { name } else { format!("{node}_{name}") }, file.bytes.to_vec())
        };
        nodes.iter().map(file).collect()
    }

    /// The node whose file is `path`.
    pub fn node_at(&self, path: &RepoPath) -> Option<Node> {
        self.by_path.get(path).copied()
    }
}

/// Turns one parsed file into a revision and notes what it could not use.
struct Reader<'a> {
    file: &'a ScriptFile,
    problems: &'a mut Vec<ScriptProblem>,
    unknown_down: bool,
}

impl Reader<'_> {
    fn read(
        &mut self,
        parsed: Result<Parsed, ParseFailure>,
    ) -> Option<(Revision, Arc<Header>, bool)> {
        let Parsed { header, syntax } = match parsed {
            Ok(parsed) => parsed,
            Err(failure) => {
                self.unreadable(&failure);
                return None;
            }
        };
        let is_broken = syntax.is_some();
        if let Some(SyntaxProblem { message, span, line }) = syntax {
            self.push(line, Some(span), ScriptProblemKind::Unreadable { reason: message });
        }
        let id = self.revision_id(&header, is_broken)?;
        let revision = Revision {
            id,
            down_revisions: self.down_revisions(&header, is_broken),
            depends_on: self.depends_on(&header),
            branch_labels: self.branch_labels(&header),
            message: header.docstring.as_ref().map(|d| d.message.clone()).unwrap_or_default(),
        };
        Some((revision, header, is_broken))
    }

    fn unreadable(&mut self, failure: &ParseFailure) {
        let span = match failure {
            ParseFailure::TooDeep { span, .. } => span.clone(),
            _ => None,
        };
        let line = span.as_ref().map_or(1, |s| super::line_of(&self.file.bytes, s.start));
        self.push(line, span, ScriptProblemKind::Unreadable { reason: failure.to_string() });
    }

    fn push(&mut self, line: u32, span: Option<Span>, kind: ScriptProblemKind) {
        self.problems.push(ScriptProblem { path: self.file.path.clone(), line, span, kind });
    }

    fn at(&mut self, field: &Field, kind: ScriptProblemKind) {
        self.push(field.line, Some(field.span.clone()), kind);
    }

    fn revision_id(&mut self, header: &Header, is_broken: bool) -> Option<RevisionId> {
        let Some(field) = &header.revision else {
            let legacy = legacy_revision_of(self.file.path.file_name());
            if legacy.is_none() && !is_broken {
                self.push(1, None, ScriptProblemKind::Absent { field: "revision" });
            }
            return legacy.and_then(|id| RevisionId::new(id).ok());
        };
        match &field.value {
            FieldValue::Text(text) => match RevisionId::new(text.clone()) {
                Ok(id) => Some(id),
                Err(error) => {
                    self.at(field, ScriptProblemKind::IllegalId { reason: error.to_string() });
                    None
                }
            },
            other => {
                let source = source_of(other);
                self.at(field, ScriptProblemKind::Dynamic { field: "revision", source });
                None
            }
        }
    }

    fn down_revisions(&mut self, header: &Header, is_broken: bool) -> Vec<RevisionId> {
        let Some(field) = &header.down_revision else {
            self.unknown_down = true;
            if !is_broken {
                self.push(1, None, ScriptProblemKind::Absent { field: "down_revision" });
            }
            return Vec::new();
        };
        let texts: Vec<&str> = match &field.value {
            FieldValue::None => return Vec::new(),
            FieldValue::Text(text) => vec![text],
            FieldValue::Sequence(elements) if elements.iter().all(is_text) => {
                elements.iter().filter_map(text_of).collect()
            }
            other => {
                self.unknown_down = true;
                let source = source_of(other);
                self.at(field, ScriptProblemKind::Dynamic { field: "down_revision", source });
                return Vec::new();
            }
        };
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            match RevisionId::new(text) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    self.unknown_down = true;
                    let reason = error.to_string();
                    self.at(field, ScriptProblemKind::IllegalDownRevision { reason });
                }
            }
        }
        ids
    }

    fn depends_on(&mut self, header: &Header) -> Vec<RevisionRef> {
        let (texts, dynamic) = texts_of(header.depends_on.as_ref());
        if let (Some(field), Some(source)) = (&header.depends_on, dynamic.into_iter().next()) {
            self.at(field, ScriptProblemKind::DynamicNote { field: "depends_on", source });
        }
        texts.into_iter().map(RevisionRef::new).collect()
    }

    fn branch_labels(&mut self, header: &Header) -> Vec<BranchLabel> {
        let (mut texts, dynamic) = texts_of(header.branch_labels.as_ref());
        if let (Some(field), Some(source)) = (&header.branch_labels, dynamic.first()) {
            let source = source.clone();
            self.at(field, ScriptProblemKind::DynamicNote { field: "branch_labels", source });
        }
        // A computed label stands for itself: it still tells two heads apart.
        texts.extend(dynamic);
        texts.into_iter().map(BranchLabel::new).collect()
    }
}

/// The literal texts and the sources of what is not literal. An empty string
/// is what Alembic takes for "none" in these two fields.
fn texts_of(field: Option<&Field>) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut dynamic) = (Vec::new(), Vec::new());
    match field.map(|f| &f.value) {
        None | Some(FieldValue::None) => {}
        Some(FieldValue::Text(text)) => texts.push(text.clone()),
        Some(FieldValue::Dynamic { source }) => dynamic.push(source.clone()),
        Some(FieldValue::Sequence(elements)) => {
            for element in elements {
                match element {
                    Element::Text { value, .. } => texts.push(value.clone()),
                    Element::Dynamic { source, .. } => dynamic.push(source.clone()),
                }
            }
        }
    }
    texts.retain(|text| !text.is_empty());
    (texts, dynamic)
}

fn is_text(element: &Element) -> bool {
    text_of(element).is_some()
}

fn text_of(element: &Element) -> Option<&str> {
    match element {
        Element::Text { value, .. } => Some(value),
        Element::Dynamic { .. } => None,
    }
}

fn source_of(value: &FieldValue) -> String {
    match value {
        FieldValue::Dynamic { source } => source.clone(),
        FieldValue::None => "None".to_owned(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Sequence(elements) => elements
            .iter()
            .map(|element| match element {
                Element::Text { value, .. } => value.as_str(),
                Element::Dynamic { source, .. } => source.as_str(),
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// For tests: one file per line of notation, `versions/<id>.py`.
#[cfg(test)]
pub(crate) fn history_of(notation: &str) -> History {
    let revisions = crate::revision::parse_history(notation).expect("notation");
    let files = revisions.iter().map(|revision| {
        let text = script_text(revision, "pass");
        let path = RepoPath::new(&format!("versions/{}.py", revision.id)).expect("inside");
        let file = ScriptFile { path, location: 0, bytes: Arc::new(text.into_bytes()) };
        let parsed = super::parse_script(&file.bytes);
        (file, parsed)
    });
    History::build(files.collect(), Vec::new())
}

/// For tests: the text of a script as people's templates write it.
#[cfg(test)]
fn script_text(revision: &Revision, body: &str) -> String {
    let quoted = |items: Vec<String>| match items.as_slice() {
        [] => "None".to_owned(),
        [one] => format!("{one:?}"),
        many => {
            format!("({})", many.iter().map(|i| format!("{i:?}")).collect::<Vec<_>>().join(", "))
        }
    };
    let downs: Vec<String> = revision.down_revisions.iter().map(ToString::to_string).collect();
    format!(
        "\"\"\"{}\n\nRevision ID: {id}\nRevises: {}\n\n\"\"\"\n\nrevision = {id:?}\ndown_revision = {}\n\
         branch_labels = {}\ndepends_on = {}\n\n\ndef upgrade():\n    {body}\n\n\ndef downgrade():\n    {body}\n",
        revision.message,
        downs.join(", "),
        quoted(downs.clone()),
        quoted(revision.branch_labels.iter().map(ToString::to_string).collect()),
        quoted(revision.depends_on.iter().map(ToString::to_string).collect()),
        id = revision.id.as_str(),
    )
}
