//! What of a traceback tells: the exception, and the line of the user's own
//! that led to it. All the rest is frames of libraries.

use std::fmt;
use std::path::Path;

use super::scratch::PREFIX;

/// A line in a file of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As Python shows it, relative where it is below the folder of the command.
    pub path: String,
    /// 1-based.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// The end of what a Python program printed when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Essence {
    pub place: Option<Place>,
    /// The exception with its message, which may have several lines.
    pub exception: String,
}

/// The end of a sentence about a command that failed.
impl fmt::Display for Essence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        write!(f, ": {}", self.exception)
    }
}

/// How many lines of an exception's message are kept: a statement may be long.
const KEPT_LINES: usize = 12;

const START: &str = "Traceback (most recent call last):";

/// The last exception of the output; `None` where there is no traceback.
pub(super) fn essence<'a>(
    lines: impl Iterator<Item = &'a str> + Clone,
    folder: &Path,
) -> Option<Essence> {
    let start = lines.clone().collect::<Vec<_>>().iter().rposition(|line| *line == START)?;
    let traceback = lines.skip(start + 1);
    let is_frame = |line: &&str| line.starts_with(' ') || line.is_empty();
    let frames = traceback.clone().take_while(is_frame);
    let place = frames.filter_map(|line| place(line, folder)).last();
    let message: Vec<&str> = traceback
        .skip_while(is_frame)
        // SQLAlchemy's link to a page about the kind of error.
        .filter(|line| !line.starts_with("(Background on this error at: "))
        .collect();
    let mut exception = message.iter().take(KEPT_LINES).copied().collect::<Vec<_>>().join("\n");
    if message.len() > KEPT_LINES {
        exception += "\n…";
    }
    (!exception.is_empty()).then_some(Essence { place, exception })
}

/// `  File "/p/migrations/versions/a.py", line 9, in upgrade`, unless it is
/// Python's own file or a library's.
fn place(line: &str, folder: &Path) -> Option<Place> {
    let (path, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let number = rest.split(',').next()?;
    let is_library = path.starts_with('<')
        || ["/site-packages/", "/dist-packages/", "/lib/python"].iter().any(|p| path.contains(p))
        // The program that was started: `bin/alembic`.
        || !path.ends_with(".py");
    if is_library {
        return None;
    }
    let path = Path::new(path);
    let shown = mirrored(path).or_else(|| path.strip_prefix(folder).ok()).unwrap_or(path);
    Some(Place { path: shown.display().to_string(), line: number.trim().parse().ok()? })
}

/// The path below the repository's folder that one in a scratch project stands
/// for: its files lie, and have their lines, as those that they are made from.
fn mirrored(path: &Path) -> Option<&Path> {
    let is_scratch = |folder: &&Path| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
    };
    path.strip_prefix(path.ancestors().find(is_scratch)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: &str) {
        let found = essence(output.lines(), Path::new("/p"));
        let shown = found.map_or("none".to_owned(), |essence| essence.to_string());
        assert_eq!(shown, expected, "{output}");
    }

    #[test]
    fn the_last_exception_and_the_users_own_line_are_kept() {
        check(
            "INFO  [alembic] Running\n\
             Traceback (most recent call last):\n  \
               File \"/v/lib/python3.11/site-packages/sqlalchemy/engine/base.py\", line 19, in x\n    \
                 do()\n\
             sqlite3.OperationalError: no such table: t\n\
             \n\
             The above exception was the direct cause of the following exception:\n\
             \n\
             Traceback (most recent call last):\n  \
               File \"/v/bin/alembic\", line 8, in <module>\n    \
                 sys.exit(main())\n  \
               File \"/p/migrations/env.py\", line 24, in <module>\n    \
                 run()\n  \
               File \"<string>\", line 8, in run_migrations\n  \
               File \"/p/migrations/versions/b.py\", line 9, in upgrade\n    \
                 op.execute(\"INSERT\")\n  \
               File \"/usr/lib/python3.11/x.py\", line 2, in z\n\
             sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: t\n\
             [SQL: INSERT]\n\
             (Background on this error at: https://sqlalche.me/e/21/e3q8)\n",
            " at migrations/versions/b.py:9: \
             sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: t\n[SQL: INSERT]",
        );
    }

    #[test]
    fn a_file_that_does_not_parse_is_its_own_place() {
        check(
            "Traceback (most recent call last):\n  \
               File \"/v/lib/python3.11/site-packages/alembic/x.py\", line 1, in load\n  \
               File \"/q/a.py\", line 3\n    \
                 def upgrade(:\n                ^\n\
             SyntaxError: invalid syntax\n",
            " at /q/a.py:3: SyntaxError: invalid syntax",
        );
    }

    #[test]
    fn a_file_of_a_scratch_project_is_shown_as_that_which_it_stands_for() {
        check(
            "Traceback (most recent call last):\n  \
               File \"/p/.git/dbm-git/scratch/dbm-git-scratch-a1/migrations/versions/b.py\", line 9, in upgrade\n\
             RuntimeError: no\n",
            " at migrations/versions/b.py:9: RuntimeError: no",
        );
    }

    #[test]
    fn a_message_of_many_lines_is_cut() {
        let lines = (0..20).map(|n| format!("line {n}\n")).collect::<String>();
        let expected = (0..11).map(|n| format!("\nline {n}")).collect::<String>();
        check(
            &format!("Traceback (most recent call last):\n  no frame\nE: x\n{lines}"),
            &format!(": E: x{expected}\n…"),
        );
    }

    #[test]
    fn without_a_traceback_there_is_nothing_to_choose() {
        check("FAILED: Can't locate revision identified by 'x'\n", "none");
        check("Traceback (most recent call last):\n  File \"/p/a.py\", line 3, in x\n", "none");
    }
}
