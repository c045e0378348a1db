//! `dbm-git create`.

use clap::ValueHint;

use super::super::args::Global;
use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::create::{self, CreateOutcome, CreateRequest};
use crate::ops::{Session, WriteAccess};
use crate::report::{CreateReport, escaped_text, render_created};

/// Flags of `create`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// What the revision does
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Let alembic compare the models with the database, and fill in the difference
    #[arg(long)]
    pub autogenerate: bool,
    /// The head that it follows, as alembic takes it: an id, label@head, or base
    #[arg(long, value_name = "REVISION", add = Candidates::heads())]
    pub head: Option<String>,
    /// The revision id, instead of one that alembic makes up
    #[arg(long, value_name = "ID")]
    pub rev_id: Option<String>,
    /// A label for the branch that starts here
    #[arg(long, value_name = "LABEL")]
    pub branch_label: Option<String>,
    /// A revision that has to have run before (can be repeated)
    #[arg(long, value_name = "REVISION", add = Candidates::revisions())]
    pub depends_on: Vec<String>,
    /// The version location to write to, where there are several
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub version_path: Option<String>,
    /// The database whose state is looked at, instead of the configured one
    #[arg(long, value_name = "URL", requires = "autogenerate")]
    pub database_url: Option<String>,
}

/// Runs `dbm-git create`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    if global.at.is_some() {
        return Err(CliError::usage(
            "--at names a commit, and only the working tree can be changed",
        ));
    }
    if global.component.len() > 1 {
        return Err(CliError::usage("a revision is written for one component"));
    }
    let session = super::session(global, false)?;
    let name = create::component(&session)?.name.clone();
    let only = Global { component: vec![name], ..global.clone() };
    let session = super::session(&only, false)?;
    // Nobody moves the heads meanwhile, and nothing half done is built on.
    let mut access = super::write_access(&session.repository, ui)?;
    let outcome = write(flags, &session, &mut access, ui)?;
    ui.report(&CreateReport::new(&outcome), || escaped_text(&render_created(&outcome, ui.unicode)));
    if !ui.is_json() {
        advise(&outcome, ui);
    }
    Ok(Exit::Done)
}

fn write(
    flags: &Flags,
    session: &Session,
    access: &mut WriteAccess,
    ui: &Ui,
) -> Result<CreateOutcome, CliError> {
    let request = CreateRequest {
        message: flags.message.clone(),
        autogenerate: flags.autogenerate,
        head: flags.head.clone(),
        rev_id: flags.rev_id.clone(),
        branch_label: flags.branch_label.clone(),
        depends_on: flags.depends_on.clone(),
        version_path: flags.version_path.clone(),
    };
    let host = environment::looking_host(flags.database_url.clone());
    let component = create::component(session)?;
    Ok(create::create(session, component, &request, &host, access, &mut |line| {
        ui.note(&escaped_text(&format!("  {line}")));
    })?)
}

fn advise(outcome: &CreateOutcome, ui: &Ui) {
    if let Some(operation) = outcome.operation {
        ui.note(&format!("note: `dbm-git undo {operation}` deletes it again"));
    }
    for script in &outcome.scripts {
        if outcome.autogenerate && script.is_empty {
            ui.note(&format!(
                "hint: delete {} if nothing was meant to change; if something was, see whether \
                 env.py imports all models",
                script.path
            ));
        }
    }
}
