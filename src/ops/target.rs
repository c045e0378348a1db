//! What a component's alembic is run on, of what the session knows.

use std::path::PathBuf;

use super::host::Host;
use super::session::Session;
use crate::alembic::{AlembicCommand, ProjectFiles, Sought, Surroundings, Target, find_command};
use crate::project::Component;

/// Where the component's configuration and scripts are in the working tree.
pub fn project_files(session: &Session, component: &Component) -> ProjectFiles {
    let root = session.repository.root();
    ProjectFiles {
        root: root.to_path_buf(),
        config: component.config.as_ref().map(|config| root.join(config.path.as_str())),
        section: component.config.as_ref().map_or("alembic".to_owned(), |c| c.section.clone()),
        script_location: root.join(component.script_location.as_str()),
        version_locations: component
            .version_locations
            .iter()
            .map(|l| root.join(l.as_str()))
            .collect(),
    }
}

/// Why there is nothing to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    #[error("no alembic was found for it")]
    NoAlembic,
    #[error("the component has no ini file that alembic could be run with")]
    NoConfig,
}

/// The component's alembic with its configuration. What no output of it may show
/// is added by whoever knows it ([`Target::without`]).
pub fn target(session: &Session, component: &Component, host: &Host) -> Result<Target, NoTarget> {
    let files = project_files(session, component);
    let command = command(session, component, host).ok_or(NoTarget::NoAlembic)?;
    Target::of(command, &files).ok_or(NoTarget::NoConfig)
}

/// Where the component's alembic runs.
pub fn folder(session: &Session, component: &Component) -> PathBuf {
    session.repository.root().join(component.working_folder.as_str())
}

/// The command that runs the component's alembic, if one can be found.
pub fn command(session: &Session, component: &Component, host: &Host) -> Option<AlembicCommand> {
    let virtual_env = (host.variable)("VIRTUAL_ENV").map(PathBuf::from);
    let root = session.repository.root();
    let sought = Sought {
        configured: component.alembic_command.as_deref(),
        root,
        folder: &folder(session, component),
        script_location: &root.join(component.script_location.as_str()),
    };
    find_command(&sought, Surroundings { virtual_env: virtual_env.as_deref(), path: &host.path })
}
