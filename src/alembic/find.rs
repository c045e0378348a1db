//! Which command runs this project's alembic.

use std::path::{Path, PathBuf};

/// A command line that starts alembic; arguments are added behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlembicCommand {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Where it is run.
    pub folder: PathBuf,
}

impl AlembicCommand {
    /// As a person would type it.
    pub fn shown(&self) -> String {
        std::iter::once(self.program.display().to_string())
            .chain(self.arguments.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// What the search looks at, read at the edge.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// `VIRTUAL_ENV`.
    pub virtual_env: Option<&'a Path>,
    /// The folders of `PATH`.
    pub path: &'a [PathBuf],
}

/// Lock files of the tools that run things in a project's own environment.
const RUNNERS: [(&str, &str); 4] =
    [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm"), ("Pipfile.lock", "pipenv")];

/// Finds alembic for a project whose alembic runs in `folder`, a folder of the
/// repository at `root`: what the configuration says, the project's own
/// `.venv`, an activated environment, a runner that the project has a lock
/// file of, then `PATH`. `None` if there is none.
pub fn find_alembic(
    configured: Option<&[String]>,
    root: &Path,
    folder: &Path,
    surroundings: Surroundings<'_>,
) -> Option<AlembicCommand> {
    let command = |program: PathBuf, arguments: &[&str]| AlembicCommand {
        program,
        arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
        folder: folder.to_path_buf(),
    };
    if let Some([program, arguments @ ..]) = configured {
        return Some(AlembicCommand {
            program: PathBuf::from(program),
            arguments: arguments.to_vec(),
            folder: folder.to_path_buf(),
        });
    }
    // The nearest one wins, from where alembic runs up to the repository's root.
    let folders: Vec<&Path> = folder.ancestors().take_while(|f| f.starts_with(root)).collect();
    for at in &folders {
        for name in [".venv", "venv"] {
            let program = at.join(name).join("bin/alembic");
            if program.is_file() {
                return Some(command(program, &[]));
            }
        }
    }
    if let Some(program) = surroundings.virtual_env.map(|v| v.join("bin/alembic"))
        && program.is_file()
    {
        return Some(command(program, &[]));
    }
    let on_path = |name: &str| surroundings.path.iter().map(|p| p.join(name)).find(|p| p.is_file());
    for at in &folders {
        for (lock, runner) in RUNNERS {
            if at.join(lock).is_file()
                && let Some(program) = on_path(runner)
            {
                return Some(command(program, &["run", "alembic"]));
            }
        }
    }
    on_path("alembic").map(|program| command(program, &[]))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files to be found")]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_environment_wins_and_the_configuration_over_all() {
        let root = tempfile::tempdir().expect("a folder");
        let backend = root.path().join("backend");
        for folder in [root.path(), &backend] {
            std::fs::create_dir_all(folder.join(".venv/bin")).expect("folders");
            std::fs::File::create(folder.join(".venv/bin/alembic")).expect("a file");
        }
        let nothing = Surroundings { virtual_env: None, path: &[] };
        let found = find_alembic(None, root.path(), &backend, nothing).expect("there");
        assert_eq!(found.program, backend.join(".venv/bin/alembic"));
        let configured = ["uv".to_owned(), "run".to_owned(), "alembic".to_owned()];
        let found = find_alembic(Some(&configured), root.path(), &backend, nothing).expect("there");
        assert_eq!(found.shown(), "uv run alembic");
    }

    #[test]
    fn a_lock_file_asks_for_its_runner_only_where_that_is_installed() {
        let root = tempfile::tempdir().expect("a folder");
        let bin = tempfile::tempdir().expect("a folder");
        std::fs::File::create(root.path().join("uv.lock")).expect("a file");
        let path = [bin.path().to_path_buf()];
        let surroundings = Surroundings { virtual_env: None, path: &path };
        assert_eq!(find_alembic(None, root.path(), root.path(), surroundings), None);
        std::fs::File::create(bin.path().join("uv")).expect("a file");
        let found = find_alembic(None, root.path(), root.path(), surroundings).expect("there");
        assert_eq!(found.arguments, ["run", "alembic"]);
    }
}
