//! Whether the project's models say what its migrations make: alembic's own `check`.

use std::time::Duration;

use super::run::{AlembicError, run_target};
use super::target::Target;

/// What the comparison says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelComparison {
    Same,
    /// What a new revision would have to do, as alembic puts it.
    Drifted(String),
    /// `env.py` names no models.
    NoModels,
    /// Why there is no telling: an alembic from before 1.9 has no `check`, say.
    NotCompared(String),
}

/// Runs `alembic check`, which changes nothing.
///
/// # Errors
/// alembic cannot be run at all.
pub fn compare_models(target: &Target, limit: Duration) -> Result<ModelComparison, AlembicError> {
    let error = match run_target(target, &["check"], &[], limit, &mut |_| {}) {
        Ok(_) => return Ok(ModelComparison::Same),
        Err(error) => error,
    };
    match &error {
        AlembicError::Failed { output, .. } => {
            Ok(read(output).unwrap_or_else(|| ModelComparison::NotCompared(error.brief())))
        }
        _ => Err(error),
    }
}

/// What the output of a `check` that failed says of the models.
fn read(output: &str) -> Option<ModelComparison> {
    const DETECTED: &str = "New upgrade operations detected: ";
    if let Some((_, operations)) = output.split_once(DETECTED) {
        return Some(ModelComparison::Drifted(operations.trim().to_owned()));
    }
    // https://github.com/sqlalchemy/alembic/blob/main/alembic/autogenerate/api.py
    output.contains("does not provide a MetaData object").then_some(ModelComparison::NoModels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: Option<ModelComparison>) {
        assert_eq!(read(output), expected);
    }

    #[test]
    fn drift_is_told_from_a_project_without_models() {
        let drifted = |text: &str| Some(ModelComparison::Drifted(text.to_owned()));
        check(
            "INFO  [alembic.autogenerate.compare] Detected added column 't.x'\n\
             FAILED: New upgrade operations detected: [('add_column', None, 't')]\n",
            drifted("[('add_column', None, 't')]"),
        );
        check(
            "FAILED: Can't proceed with --autogenerate option; environment script env.py does not \
             provide a MetaData object or sequence of objects to the context.",
            Some(ModelComparison::NoModels),
        );
        check("alembic: error: argument {branches,current}: invalid choice: 'check'", None);
    }
}
