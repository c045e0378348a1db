//! `dbm-git man`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueHint;

use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::manual::{Page, pages};
use super::super::ui::Ui;

/// Flags of `man`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Write all pages into this folder, instead of the main one to standard output
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Runs `dbm-git man`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let pages = pages();
    match &flags.dir {
        None => ui.answer(&pages[0].text),
        Some(folder) => {
            write(folder, &pages)?;
            ui.note(&format!("{} pages are in {}", pages.len(), folder.display()));
        }
    }
    Ok(Exit::Done)
}

/// The pages are the program's own and can be written again: no journal keeps what was there.
#[expect(clippy::disallowed_methods, reason = "no file of the project, and nothing to undo")]
fn write(folder: &Path, pages: &[Page]) -> Result<(), CliError> {
    let failed = |path: &Path, source: &std::io::Error| {
        let mut error = CliError::of(Kind::Environment, source);
        let cause =
            std::mem::replace(&mut error.message, format!("cannot write `{}`", path.display()));
        error.causes.insert(0, cause);
        error
    };
    fs::create_dir_all(folder).map_err(|source| failed(folder, &source))?;
    for page in pages {
        let path = folder.join(&page.file);
        fs::write(&path, &page.text).map_err(|source| failed(&path, &source))?;
    }
    Ok(())
}
