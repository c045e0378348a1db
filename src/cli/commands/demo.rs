//! `dbm-git demo`.

use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::demo::{DemoEvent, DemoOptions, demo};
use crate::report::DemoView;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Keep the scratch repository and say where it is
    #[arg(long)]
    pub keep: bool,
}

/// Runs `dbm-git demo`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    if ui.is_json() {
        return Err(CliError::usage("the demo is for people and has no JSON form"));
    }
    let options = DemoOptions {
        binary: environment::binary()
            .ok_or_else(|| CliError::usage("the path of this binary is not known"))?,
        path: environment::search_path(),
        cache: environment::cache_folder(),
        color: ui.color,
        keep: flags.keep,
    };
    let mut view = DemoView::new(ui.color);
    let outcome = demo(&options, &mut |event| match event {
        DemoEvent::Progress(text) => ui.note(text),
        event => ui.answer(&view.render(&event)),
    })?;
    let reason = outcome
        .without_alembic
        .as_ref()
        .map(|error| CliError::of(Kind::Environment, error).full_message());
    ui.answer(&view.render_end(reason.as_deref()));
    Ok(Exit::Done)
}
