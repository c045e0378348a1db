//! From Alembic's locations, written for a process in some folder of some
//! machine, to folders of the repository. Nothing is imported: `pkg.mod:dir`
//! is looked up where Python would be told to look.

use super::options::AlembicOptions;
use crate::tree::{EntryKind, RepoPath, Tree, TreeError};

/// The folder of the repository on this machine, as Python would write it (absolute, POSIX).
#[derive(Clone, Copy)]
pub struct Root<'a>(pub &'a str);

impl Root<'_> {
    /// The absolute path of a folder of the repository.
    pub fn absolute(self, path: &RepoPath) -> String {
        let root = self.0.trim_end_matches('/');
        if path.is_root() { root.to_owned() } else { format!("{root}/{}", path.as_str()) }
    }

    /// The repository path of an absolute one; `None` outside of the repository.
    fn relative(self, absolute: &str) -> Option<RepoPath> {
        let root = RepoPath::new(self.0.trim_start_matches('/'))?;
        let path = RepoPath::new(absolute.trim_start_matches('/'))?;
        let rest = path.is_within(&root).then(|| &path.as_str()[root.as_str().len()..])?;
        RepoPath::new(rest.trim_start_matches('/'))
    }
}

/// Where one environment's scripts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub working_folder: RepoPath,
    pub script_location: RepoPath,
    /// Empty if all are lost.
    pub version_locations: Vec<RepoPath>,
    /// Version locations that are nowhere in the repository, as written.
    pub lost: Vec<String>,
}

/// Looks locations up for an alembic that runs in `working_folder`.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    pub tree: &'a dyn Tree,
    pub root: Root<'a>,
    /// The folder of the config file.
    pub config_folder: &'a RepoPath,
    pub working_folder: &'a RepoPath,
}

/// How good a guess of the working folder turned out; greater is better: there
/// is an `env.py`, the package is found from there, the version locations exist.
pub type Fit = (bool, bool, bool);

impl Lookup<'_> {
    /// The environment that `options` describe; `None` if its script location does not exist.
    pub fn locate(&self, options: &AlembicOptions) -> Result<Option<(Fit, Located)>, TreeError> {
        let script_location = match &options.script_location {
            Some(text) => self.script_location(text, &options.prepend_sys_path)?,
            None => self.own_folder()?,
        };
        let Some(script_location) = script_location else { return Ok(None) };
        let (version_locations, lost) = match &options.version_locations {
            Some(elements) => self.version_locations(elements, &options.prepend_sys_path)?,
            None => (vec![script_location.entry("versions")], Vec::new()),
        };
        let holds_env = self.tree.has_file(&script_location.entry("env.py"))?;
        let mut all_exist = !version_locations.is_empty();
        for location in &version_locations {
            all_exist &= self.tree.has_folder(location)?;
        }
        let runs_there = match &options.script_location {
            Some(text) if is_package(text) => self
                .package(text, &options.prepend_sys_path)?
                .is_some_and(|(home, _)| home == *self.working_folder),
            _ => true,
        };
        let working_folder = self.working_folder.clone();
        let located = Located { working_folder, script_location, version_locations, lost };
        Ok(Some(((holds_env, runs_there, all_exist), located)))
    }

    /// The folder for `script_location`, if there is one.
    ///
    /// What Alembic would take comes first. Only where that leads nowhere a
    /// comment is cut off (Python 2 did) and, for a path that is absolute in
    /// some container, its end is looked for.
    fn script_location(
        &self,
        text: &str,
        search: &[String],
    ) -> Result<Option<RepoPath>, TreeError> {
        for text in [Some(text), without_comment(text)].into_iter().flatten() {
            if let Some(path) = self.path(text, search)?
                && self.tree.has_folder(&path)?
            {
                return Ok(Some(path));
            }
        }
        if text.starts_with('/') { self.end_of(text) } else { Ok(None) }
    }

    /// Flask-Migrate's ini has no `script_location`: it lies in it.
    fn own_folder(&self) -> Result<Option<RepoPath>, TreeError> {
        let holds_env = self.tree.has_file(&self.config_folder.entry("env.py"))?;
        Ok(holds_env.then(|| self.config_folder.clone()))
    }

    fn version_locations(
        &self,
        elements: &[String],
        search: &[String],
    ) -> Result<(Vec<RepoPath>, Vec<String>), TreeError> {
        let mut found: Vec<RepoPath> = Vec::new();
        let mut lost = Vec::new();
        let mut in_comment = false;
        for element in elements {
            in_comment |= element.starts_with(['#', ';']);
            match self.path(element, search)? {
                // Words of a comment are locations to Alembic, which ignores those that don't exist.
                Some(path) if in_comment && !self.tree.has_folder(&path)? => {}
                Some(path) if found.contains(&path) => {}
                Some(path) => found.push(path),
                None if in_comment => {}
                None => lost.push(element.clone()),
            }
        }
        Ok((found, lost))
    }

    /// Alembic's `coerce_resource_to_filename`; `None` if that is outside of the repository.
    fn path(&self, text: &str, search: &[String]) -> Result<Option<RepoPath>, TreeError> {
        if text.starts_with('/') {
            Ok(self.root.relative(text))
        } else if is_package(text) {
            Ok(self.package(text, search)?.map(|(_, path)| path))
        } else {
            Ok(self.working_folder.join(text))
        }
    }

    /// `prepend_sys_path` as folders of the repository.
    fn search_path(&self, elements: &[String]) -> Vec<RepoPath> {
        elements
            .iter()
            .filter_map(|element| {
                if element.starts_with('/') {
                    self.root.relative(element)
                } else {
                    self.working_folder.join(element)
                }
            })
            .collect()
    }

    /// Where packages lie in practice: beside the config, above it, in `src/`,
    /// and, in repositories of several projects, in the folders of those.
    fn usual_package_folders(&self) -> Result<Vec<RepoPath>, TreeError> {
        let mut folders: Vec<RepoPath> = Vec::new();
        let ancestors = ancestors(self.config_folder);
        for folder in &ancestors {
            folders.extend([folder.clone(), folder.entry("src")]);
        }
        for folder in ancestors {
            for entry in self.tree.list(&folder)?.unwrap_or_default() {
                if entry.kind == EntryKind::Folder && !entry.name.starts_with('.') {
                    let inner = folder.entry(&entry.name);
                    folders.extend([inner.entry("src"), inner]);
                }
            }
        }
        Ok(folders)
    }

    /// Where `pkg.mod:dir` is, and the folder people run alembic in to reach it:
    /// the one that `prepend_sys_path` counts from, else the package's project.
    fn package(
        &self,
        text: &str,
        search: &[String],
    ) -> Result<Option<(RepoPath, RepoPath)>, TreeError> {
        for folder in self.search_path(search) {
            if let Some(path) = self.package_below(text, &folder)? {
                return Ok(Some((self.working_folder.clone(), path)));
            }
        }
        for folder in self.usual_package_folders()? {
            if let Some(path) = self.package_below(text, &folder)? {
                let is_source = matches!(folder.file_name(), "src" | "lib" | "python");
                let home = if is_source { folder.folder() } else { folder };
                return Ok(Some((home, path)));
            }
        }
        Ok(None)
    }

    fn package_below(&self, text: &str, folder: &RepoPath) -> Result<Option<RepoPath>, TreeError> {
        let mut parts = text.split(':');
        let package = parts.next().unwrap_or_default().replace('.', "/");
        let below = parts.collect::<Vec<_>>().join("/");
        let Some(package) = folder.join(&package) else { return Ok(None) };
        if let Some(path) = package.join(&below)
            && self.tree.has_folder(&path)?
        {
            return Ok(Some(path));
        }
        // A module that is no package stands for the folder it lies in (Python 3.12).
        let module = package.folder().entry(&format!("{}.py", package.file_name()));
        if self.tree.read(&module)?.is_some()
            && let Some(path) = module.folder().join(&below)
            && self.tree.has_folder(&path)?
        {
            return Ok(Some(path));
        }
        Ok(None)
    }

    /// The longest end of an absolute path that is a script folder here.
    fn end_of(&self, text: &str) -> Result<Option<RepoPath>, TreeError> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        for start in 0..parts.len() {
            let end = parts[start..].join("/");
            for folder in ancestors(self.config_folder) {
                if let Some(path) = folder.join(&end)
                    && self.tree.has_file(&path.entry("env.py"))?
                {
                    return Ok(Some(path));
                }
            }
        }
        Ok(None)
    }
}

/// The folders alembic may be meant to run in, likeliest first: that of the
/// config, the repository's root, those between.
pub fn working_folders(config_folder: &RepoPath) -> Vec<RepoPath> {
    let mut folders = ancestors(config_folder);
    let root = folders.pop().filter(|_| !folders.is_empty());
    if let Some(root) = root {
        folders.insert(1, root);
    } else {
        folders = vec![config_folder.clone()];
    }
    folders
}

/// `folder` and the folders above it, the root last.
fn ancestors(folder: &RepoPath) -> Vec<RepoPath> {
    let mut all = vec![folder.clone()];
    let mut at = folder.clone();
    while !at.is_root() {
        at = at.folder();
        all.push(at.clone());
    }
    all
}

fn is_package(text: &str) -> bool {
    !text.starts_with('/') && text.contains(':')
}

fn without_comment(text: &str) -> Option<&str> {
    let at = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| text.find(mark)).min()?;
    Some(text[..at].trim_end())
}
