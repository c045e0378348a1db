//! The virtual environment with alembic: made once, kept in the user's cache.
//!
//! It is complete when the marker is there, which is written last, and alembic
//! says its version; anything else in its place is deleted and made anew. A
//! lock keeps two demos from making it at the same time.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::process::{self, ProcessError};

/// The alembic that the demo shows, and that the tests run against.
const ALEMBIC: &str = "1.20.1";

/// Written once everything else is in place.
const MARKER: &str = "complete";

/// There is no environment with alembic.
#[derive(Debug, thiserror::Error)]
pub enum VirtualEnvError {
    #[error("there is neither uv nor python3 on PATH")]
    NoPython,
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")]
    NoCache,
    #[error("cannot write in `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("alembic {ALEMBIC} could not be set up")]
    Process(#[source] ProcessError),
}

/// The programs of a virtual environment with alembic below `cache`, which is
/// made with the uv or Python of `path` if it isn't there. `say` hears when
/// that takes a while.
pub fn virtual_env(
    cache: Option<&Path>,
    path: &[PathBuf],
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, VirtualEnvError> {
    let cache = cache.ok_or(VirtualEnvError::NoCache)?.join("dbm-git");
    let folder = cache.join(format!("demo-venv-{ALEMBIC}"));
    if is_usable(&folder) {
        return Ok(folder.join("bin"));
    }
    let tools: Vec<Tool> = [Tool::Uv as fn(PathBuf) -> Tool, Tool::Python]
        .into_iter()
        .zip(["uv", "python3"])
        .filter_map(|(tool, name)| Some(tool(on_path(path, name)?)))
        .collect();
    if tools.is_empty() {
        return Err(VirtualEnvError::NoPython);
    }
    fs::create_dir_all(&cache).map_err(at(&cache))?;
    let _lock = lock(&cache.join(format!("demo-venv-{ALEMBIC}.lock")), say)?;
    // Another demo may have made it while this one waited.
    if is_usable(&folder) {
        return Ok(folder.join("bin"));
    }
    say("setting up alembic once, about 20 s …");
    let mut result = Err(VirtualEnvError::NoPython);
    for tool in tools {
        result = build(&tool, &cache, &folder);
        if result.is_ok() {
            break;
        }
    }
    result.map(|()| folder.join("bin"))
}

fn at(path: &Path) -> impl Fn(io::Error) -> VirtualEnvError {
    move |source| VirtualEnvError::Io { path: path.to_path_buf(), source }
}

fn on_path(path: &[PathBuf], name: &str) -> Option<PathBuf> {
    path.iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The marker is not enough: the Python that an environment stands on may be gone.
fn is_usable(folder: &Path) -> bool {
    let mut alembic = process::command(folder.join("bin/alembic"));
    alembic.arg("--version");
    folder.join(MARKER).is_file()
        && process::succeed(alembic).is_ok_and(|version| version.contains(ALEMBIC))
}

fn lock(path: &Path, say: &mut dyn FnMut(&str)) -> Result<File, VirtualEnvError> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(at(path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::Error(source)) => return Err(at(path)(source)),
        Err(TryLockError::WouldBlock) => {}
    }
    say("another demo is setting up alembic, waiting for it …");
    file.lock().map_err(at(path))?;
    Ok(file)
}

/// What makes virtual environments.
enum Tool {
    Uv(PathBuf),
    Python(PathBuf),
}

impl Tool {
    /// The two command lines: make the environment, put alembic into it.
    fn commands(&self, folder: &Path) -> [(PathBuf, Vec<OsString>); 2] {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let python = folder.join("bin/python");
        let package = OsString::from(format!("alembic=={ALEMBIC}"));
        match self {
            Self::Uv(uv) => {
                let mut make = words(&["venv", "--quiet", "--no-project"]);
                make.push(folder.into());
                let mut fill = words(&["pip", "install", "--quiet", "--compile-bytecode"]);
                fill.extend(["--python".into(), python.into(), package]);
                [(uv.clone(), make), (uv.clone(), fill)]
            }
            Self::Python(python3) => {
                let make = vec!["-m".into(), "venv".into(), folder.into()];
                let mut fill = words(&["-m", "pip", "install", "--quiet", "--no-input"]);
                fill.extend(words(&["--disable-pip-version-check", "--retries", "1"]));
                fill.push(package);
                [(python3.clone(), make), (python, fill)]
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is ours, down to its name")]
fn build(tool: &Tool, cache: &Path, folder: &Path) -> Result<(), VirtualEnvError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(folder)(error)),
        _ => {}
    }
    for (program, arguments) in tool.commands(folder) {
        let mut command = process::command(program);
        // A pyproject.toml of the folder we are in has no say in this.
        command.args(arguments).current_dir(cache);
        for name in ["PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"] {
            command.env_remove(name);
        }
        process::succeed(command).map_err(VirtualEnvError::Process)?;
    }
    let marker = folder.join(MARKER);
    fs::write(&marker, "").map_err(at(&marker))
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "tests break an environment of their own")]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A cache and a folder of programs, where `uv` and `python3` are shell scripts.
    struct World(TempDir);

    /// What stands in for an environment that works.
    const MAKES: &str = "if [ $1 = pip ]; then d=$(dirname $6); \
        printf '#!/bin/sh\\necho alembic 1.20.1\\n' >$d/alembic; chmod +x $d/alembic; \
        else mkdir -p $4/bin; fi";

    impl World {
        fn new() -> Self {
            let world = Self(tempfile::tempdir().expect("a folder"));
            fs::create_dir(world.programs()).expect("a folder");
            world
        }

        fn programs(&self) -> PathBuf {
            self.0.path().join("bin")
        }

        fn folder(&self) -> PathBuf {
            self.0.path().join("cache/dbm-git/demo-venv-1.20.1")
        }

        fn has(self, name: &str, script: &str) -> Self {
            let program = self.programs().join(name);
            // A child writes it: were it open here while another test's thread
            // starts a program, running it would fail with "text file busy".
            let mut command = process::command("sh");
            let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod +x \"$0\"";
            command.arg("-c").arg(write).arg(program).arg(script);
            process::succeed(command).expect("sh runs");
            self
        }

        /// What is said, and the outcome.
        fn ask(&self) -> (Vec<String>, Result<PathBuf, VirtualEnvError>) {
            let mut said = Vec::new();
            let cache = self.0.path().join("cache");
            let result = virtual_env(Some(&cache), &[self.programs()], &mut |line| {
                said.push(line.to_owned());
            });
            (said, result)
        }
    }

    #[test]
    fn the_environment_is_made_once() {
        let world = World::new().has("uv", MAKES);
        let (said, bin) = world.ask();
        assert_eq!(said, ["setting up alembic once, about 20 s …"]);
        assert_eq!(bin.expect("made"), world.folder().join("bin"));
        let (said, bin) = world.ask();
        assert_eq!(said, [""; 0]);
        bin.expect("still there");
    }

    #[test]
    fn a_half_made_or_broken_environment_is_made_anew() {
        let world = World::new().has("uv", MAKES);
        world.ask().1.expect("made");
        fs::remove_file(world.folder().join(MARKER)).expect("ours");
        fs::write(world.folder().join("leftover"), "").expect("a file");
        assert_eq!(world.ask().0.len(), 1);
        assert!(!world.folder().join("leftover").exists());
        fs::write(world.folder().join("bin/alembic"), "#!/nowhere/python\n").expect("a file");
        assert_eq!(world.ask().0.len(), 1);
        assert_eq!(world.ask().0.len(), 0);
    }

    #[test]
    fn where_uv_fails_python_is_asked_and_the_last_failure_is_told() {
        let python = "mkdir -p $3/bin; printf '#!/bin/sh\\necho alembic 1.20.1\\n' \
            >$3/bin/alembic; cp $3/bin/alembic $3/bin/python; chmod +x $3/bin/*";
        let world = World::new().has("uv", "echo no network; exit 2").has("python3", python);
        world.ask().1.expect("python3 made it");
        let world = World::new().has("uv", "exit 2").has("python3", "echo no ensurepip; exit 1");
        let error = world.ask().1.expect_err("both fail");
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.ends_with("(exit status: 1): no ensurepip"), "{cause}");
    }

    #[test]
    fn without_python_nothing_is_written() {
        let world = World::new();
        assert!(matches!(world.ask().1, Err(VirtualEnvError::NoPython)));
        assert!(!world.0.path().join("cache").exists());
    }
}
