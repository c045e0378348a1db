//! `dbm-git verify`.

use super::super::args::{Format, Global};
use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::verify::{VerifyOptions, Watch, verify};
use crate::report::{JunitReport, VerifyReport, escaped_text, render_verification};

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Verify these instead of one's own
    #[arg(value_name = "REV", add = Candidates::revisions())]
    pub revisions: Vec<String>,
    /// Verify the whole history, from an empty database on
    #[arg(long, conflicts_with = "revisions")]
    pub from_empty: bool,
    /// The database whose kind and server are meant, instead of the configured one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// Runs `dbm-git verify`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = super::session(global, false)?;
    let host = environment::looking_host(flags.database_url.clone());
    let options =
        VerifyOptions { revisions: flags.revisions.clone(), from_empty: flags.from_empty };
    let (clock, mut progress) = (environment::stopwatch(), super::progress(ui));
    let mut watch = Watch { clock: &clock, progress: &mut progress };
    let verifications = verify(&session, &host, &options, &mut watch)?;
    let report = VerifyReport::new(&verifications);
    let ok = report.ok;
    if ui.format == Format::Junit {
        ui.answer(&JunitReport::of_verifications(&verifications).to_xml());
    } else {
        ui.report(&report, || escaped_text(&render_verification(&verifications, ui.unicode)));
    }
    Ok(if ok { Exit::Done } else { Exit::Problems })
}
