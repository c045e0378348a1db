//! One invocation's view of the repository: where it is, which components it
//! has, what is upstream, and the files in any of their states.

use std::cell::{Cell, OnceCell};

use super::OpsError;
use super::history::read_history;
use super::parsing::ParseCache;
use crate::git::{CommitId, EmptyTree, IndexTree, Preview, Repository, Upstream};
use crate::project::{Component, Overlay, Project, read_project};
use crate::script::{History, ScriptProblem, ScriptProblemKind};
use crate::tree::{Entry, RepoPath, Tree, TreeError};
use crate::workspace::WorkingTree;

/// Which state of the files is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    WorkingTree,
    Index,
    Commit(CommitId),
}

/// What the command line says about where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// `--component`, empty for all.
    pub components: Vec<String>,
    /// `--base`.
    pub base: Option<String>,
    /// `--at`.
    pub at: Option<String>,
    /// `--staged`.
    pub staged: bool,
    /// What is known of the base beside its name.
    pub given: Option<GivenBase>,
}

/// A base of which somebody else knows more than this clone shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBase {
    pub upstream: Upstream,
    /// What both have in common, where the clone's history cannot tell.
    pub merge_base: Option<CommitId>,
    /// What is judged, before it was merged with the base as that was then.
    pub alone: Option<CommitId>,
}

/// An open repository with its configuration.
pub struct Session {
    pub repository: Repository,
    pub project: Project,
    /// The state that commands look at unless they say otherwise.
    pub source: Source,
    options: SessionOptions,
    working_tree: Option<WorkingTree>,
    upstream: OnceCell<Option<Upstream>>,
    cache: ParseCache,
    /// Whether more was read than what is judged and its upstream.
    has_searched: Cell<bool>,
}

/// A history read from the merge preview of two states.
pub struct PreviewHistory {
    pub history: History,
    /// Files that git could not merge.
    pub conflicts: Vec<RepoPath>,
}

impl Session {
    /// Opens the repository of the current folder and reads its configuration.
    pub fn open(options: SessionOptions) -> Result<Self, OpsError> {
        let repository = Repository::open()?;
        let working_tree = (!repository.is_bare()).then(|| WorkingTree::new(repository.root()));
        let source = match (&options.at, options.staged) {
            (Some(spec), _) => Source::Commit(repository.commit(spec)?),
            (None, true) => Source::Index,
            (None, false) if repository.is_bare() => match repository.head()? {
                Some(head) => Source::Commit(head),
                None => return Err(OpsError::NothingCheckedOut),
            },
            (None, false) => Source::WorkingTree,
        };
        let project = {
            let tree = open_tree(&repository, working_tree.as_ref(), &source)?;
            let fallback = match &source {
                Source::WorkingTree => None,
                _ => working_tree.as_ref().map(|w| w as &dyn Tree),
            };
            read_project(tree.as_ref(), fallback, repository.root())?
        };
        let cache = ParseCache::new(repository.common_dir());
        let session = Self {
            repository,
            project,
            source,
            options,
            working_tree,
            upstream: OnceCell::new(),
            cache,
            has_searched: Cell::new(false),
        };
        session.components()?;
        Ok(session)
    }

    /// What the command line said.
    pub fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// Whether an answer may depend on more than what is judged, its upstream and
    /// the configuration: on other branches, say, or on objects that may yet come.
    pub fn has_searched(&self) -> bool {
        self.has_searched.get()
    }

    /// Whether any script had to be parsed.
    pub fn has_parsed(&self) -> bool {
        self.cache.has_parsed()
    }

    /// Says that an answer depends on more.
    pub fn note_search(&self) {
        self.has_searched.set(true);
    }

    /// The components that are asked for, in configuration order.
    pub fn components(&self) -> Result<Vec<&Component>, OpsError> {
        let all = &self.project.components;
        if all.is_empty() {
            return Err(OpsError::NoComponent { notes: self.project.notes.clone() });
        }
        for name in &self.options.components {
            if !all.iter().any(|c| &c.name == name) {
                return Err(OpsError::UnknownComponent {
                    name: name.clone(),
                    known: all.iter().map(|c| c.name.clone()).collect(),
                });
            }
        }
        let wanted = |c: &&Component| {
            self.options.components.is_empty() || self.options.components.contains(&c.name)
        };
        Ok(all.iter().filter(wanted).collect())
    }

    /// The component with this name.
    pub fn component(&self, name: &str) -> Result<&Component, OpsError> {
        let all = &self.project.components;
        all.iter().find(|component| component.name == name).ok_or_else(|| {
            OpsError::UnknownComponent {
                name: name.to_owned(),
                known: all.iter().map(|component| component.name.clone()).collect(),
            }
        })
    }

    /// The working tree; an error in a bare repository.
    pub fn working_tree(&self) -> Result<&WorkingTree, OpsError> {
        self.working_tree.as_ref().ok_or(OpsError::Bare)
    }

    /// The files in the given state.
    pub fn tree(&self, source: &Source) -> Result<Box<dyn Tree + '_>, OpsError> {
        open_tree(&self.repository, self.working_tree.as_ref(), source)
    }

    /// The ref that others build on.
    pub fn upstream(&self) -> Result<Option<&Upstream>, OpsError> {
        if let Some(known) = self.upstream.get() {
            return Ok(known.as_ref());
        }
        if let Some(given) = &self.options.given {
            let known = Some(given.upstream.clone());
            return Ok(self.upstream.get_or_init(|| known).as_ref());
        }
        let settings = &self.project.settings;
        let found = self.repository.upstream(
            self.options.base.as_deref(),
            settings.upstream.as_deref(),
            &settings.protected,
        )?;
        Ok(self.upstream.get_or_init(|| found).as_ref())
    }

    /// Whether what is judged is the merge with a base that was named.
    pub fn has_explicit_base(&self) -> bool {
        self.options.base.is_some() || self.options.given.is_some()
    }

    /// Whether somebody else, a platform of continuous integration, told the base.
    pub fn is_base_fetched(&self) -> bool {
        self.options.given.is_some()
    }

    /// The judged state before any merge with its base, where that is another commit.
    pub fn judged_alone(&self) -> Option<CommitId> {
        self.options.given.as_ref()?.alone
    }

    /// What the judged state and `theirs` have in common.
    pub fn merge_base(&self, theirs: CommitId) -> Result<Option<CommitId>, OpsError> {
        let given = self.options.given.as_ref().filter(|given| given.upstream.commit == theirs);
        if let Some(base) = given.and_then(|given| given.merge_base) {
            return Ok(Some(base));
        }
        match self.judged_commit()? {
            Some(ours) => Ok(self.repository.merge_base(ours, theirs)?),
            None => Ok(None),
        }
    }

    /// The commit that the judged files stand on: `--at`, else `HEAD`.
    pub fn judged_commit(&self) -> Result<Option<CommitId>, OpsError> {
        match self.source {
            Source::Commit(commit) => Ok(Some(commit)),
            _ => Ok(self.repository.head()?),
        }
    }

    /// A component's history in the given state.
    pub fn history(&self, component: &Component, source: &Source) -> Result<History, OpsError> {
        let tree = self.tree(source)?;
        let elsewhere;
        let component = match source {
            // Another commit may keep its scripts elsewhere.
            Source::Commit(_) if *source != self.source => {
                elsewhere = self.component_in(component, tree.as_ref())?;
                &elsewhere
            }
            _ => component,
        };
        self.read(tree.as_ref(), component)
    }

    fn read(&self, tree: &dyn Tree, component: &Component) -> Result<History, OpsError> {
        let history = read_history(tree, component, &self.cache)?;
        let is_absent =
            |problem: &ScriptProblem| matches!(problem.kind, ScriptProblemKind::NotInClone { .. });
        if history.problems.iter().any(is_absent) {
            self.note_search();
        }
        Ok(history)
    }

    /// A component's history in the merge of `theirs` into the judged state.
    pub fn preview(
        &self,
        component: &Component,
        theirs: CommitId,
    ) -> Result<PreviewHistory, OpsError> {
        let ours = self.tree(&self.source)?;
        let base: Box<dyn Tree + '_> = match self.merge_base(theirs)? {
            Some(base) => Box::new(self.repository.tree(base)?),
            None => Box::new(EmptyTree),
        };
        let theirs = self.repository.tree(theirs)?;
        let preview = Preview::new(base.as_ref(), ours.as_ref(), &theirs);
        let component = self.component_in(component, &preview)?;
        let history = self.read(&preview, &component)?;
        Ok(PreviewHistory { history, conflicts: preview.conflicts() })
    }

    /// The component as `tree` configures it. Its place is looked up anew only
    /// where it is not where it used to be: discovery reads every folder.
    fn component_in(&self, component: &Component, tree: &dyn Tree) -> Result<Component, OpsError> {
        if tree.has_folder(&component.script_location)? {
            return Ok(component.clone());
        }
        self.note_search();
        let fallback = self.working_tree.as_ref().map(|w| w as &dyn Tree);
        let found = read_project(tree, fallback, self.repository.root())
            .ok()
            .and_then(|p| p.components.into_iter().find(|c| c.name == component.name));
        Ok(found.unwrap_or_else(|| component.clone()))
    }
}

fn open_tree<'a>(
    repository: &'a Repository,
    working_tree: Option<&'a WorkingTree>,
    source: &Source,
) -> Result<Box<dyn Tree + 'a>, OpsError> {
    Ok(match source {
        Source::WorkingTree => {
            let working_tree = working_tree.ok_or(OpsError::Bare)?.clone();
            match repository.left_out_by_sparse_checkout()? {
                None => Box::new(working_tree),
                Some(left_out) => Box::new(SparseTree { working_tree, left_out }),
            }
        }
        Source::Index => Box::new(repository.index()?),
        Source::Commit(commit) => Box::new(repository.tree(*commit)?),
    })
}

/// A sparse checkout: what it leaves out of the working tree is not deleted.
struct SparseTree<'a> {
    working_tree: WorkingTree,
    left_out: IndexTree<'a>,
}

impl SparseTree<'_> {
    fn both(&self) -> Overlay<'_> {
        Overlay { upper: &self.working_tree, lower: Some(&self.left_out) }
    }
}

impl Tree for SparseTree<'_> {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        self.both().list(folder)
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        self.both().read(path)
    }
}
