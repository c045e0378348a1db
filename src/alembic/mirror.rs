//! A folder that looks like the repository, made of links, in which some files
//! are others: what `env.py` or a script looks up beside its own file is there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folders of a mirror that are made; everything in the others is linked.
#[derive(Debug)]
pub(super) struct Mirror<'a> {
    /// The folder that is mirrored.
    root: &'a Path,
    /// Where the mirror is; it exists.
    folder: &'a Path,
    /// Paths below `root` whose folders must be real ones.
    real: BTreeSet<PathBuf>,
    /// Files to write, below `root`.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Entries of this folder that are scripts are not linked.
    scripts: Vec<PathBuf>,
}

impl<'a> Mirror<'a> {
    /// A mirror of `root` in the empty `folder`.
    pub fn new(root: &'a Path, folder: &'a Path) -> Self {
        Self {
            root,
            folder,
            real: BTreeSet::from([PathBuf::new()]),
            files: Vec::new(),
            scripts: Vec::new(),
        }
    }

    /// Puts a file of its own at `path`, below the root.
    pub fn file(&mut self, path: &Path, bytes: Vec<u8>) {
        self.folder(path.parent().unwrap_or(Path::new("")));
        self.files.push((path.to_owned(), bytes));
    }

    /// Makes a folder at `path`, below the root, with links in it.
    pub fn folder(&mut self, path: &Path) {
        self.real.extend(path.ancestors().map(Path::to_owned));
    }

    /// The same for a folder of scripts, of which none is linked.
    pub fn scripts(&mut self, path: &Path) {
        self.folder(path);
        self.scripts.push(path.to_owned());
    }

    /// Where the mirror has `path`.
    pub fn at(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Makes folders, files and links.
    pub fn build(&self) -> io::Result<()> {
        for folder in &self.real {
            fs::create_dir_all(self.at(folder))?;
        }
        for (path, bytes) in &self.files {
            let path = self.at(path);
            fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
            // Nobody else may read it: an ini can hold a password. The folder is ours alone.
            fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)?;
        }
        for folder in &self.real {
            self.link_entries(folder)?;
        }
        Ok(())
    }

    fn link_entries(&self, folder: &Path) -> io::Result<()> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let holds_scripts = self.scripts.iter().any(|path| path == folder);
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            // Our own scratch folders lie in git's, and compiled files belong to other sources.
            let left_out = text == ".git"
                || text == "__pycache__"
                || holds_scripts && [".py", ".pyc", ".pyo"].iter().any(|end| text.ends_with(end));
            let path = self.at(&folder.join(&name));
            if !left_out && path.symlink_metadata().is_err() {
                link(&entry.path(), &path)?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
