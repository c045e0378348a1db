//! An ini file as Python's `ConfigParser` reads it: `[DEFAULT]`, keys without
//! case, continuation lines, no inline comments, `%(name)s` interpolation; and
//! with its strictness: what Python refuses is refused here.

use std::collections::{BTreeMap, BTreeSet};

use configparser::ini::Ini as Parser;

/// Python's name for the section whose values all others inherit.
const DEFAULT_SECTION: &str = "DEFAULT";

/// Python's `MAX_INTERPOLATION_DEPTH`.
const MAX_DEPTH: usize = 10;

/// Ten levels of values that each name others ten times would fill any memory.
const MAX_REFERENCES: usize = 1_000;

/// Bytes; a longer value is no path and no list of paths.
const MAX_VALUE: usize = 1 << 20;

/// Why Python would refuse the file, or a value of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct IniError {
    pub line: Option<u32>,
    pub reason: String,
}

/// A parsed ini file.
#[derive(Clone, Debug)]
pub struct Ini {
    sections: Vec<Section>,
    defaults: BTreeMap<String, String>,
    lines: BTreeMap<(String, String), u32>,
}

#[derive(Clone, Debug)]
struct Section {
    name: String,
    values: BTreeMap<String, String>,
}

impl Ini {
    /// Parses `text`; `here` is what `%(here)s` stands for.
    pub fn parse(text: &str, here: &str) -> Result<Self, IniError> {
        let Scan { lines, headers } = scan(text)?;
        let mut parser = Parser::new_cs();
        parser.set_multiline(true);
        parser.set_inline_comment_symbols(Some(&[]));
        let map = parser.read(text.to_owned()).map_err(|reason| IniError { line: None, reason })?;

        let mut defaults = BTreeMap::from([("here".to_owned(), here.to_owned())]);
        let mut sections = Vec::new();
        for (trimmed, options) in map {
            // Python keeps the blanks of `[ alembic ]`, and takes an indented header for a value.
            let Some(name) = headers.iter().find(|header| header.trim() == trimmed).cloned() else {
                let reason = format!("`[{trimmed}]` continues the value above it");
                return Err(IniError { line: None, reason });
            };
            let mut values = BTreeMap::new();
            for (key, value) in options {
                let key = key.to_lowercase();
                let line = lines.get(&(name.clone(), key.clone())).copied();
                let Some(value) = value else {
                    return Err(IniError { line, reason: format!("`{key}` has no value") });
                };
                // `configparser` writes the platform's line ends, Python never does.
                values.insert(key, value.replace("\r\n", "\n"));
            }
            if name == DEFAULT_SECTION {
                defaults.extend(values);
            } else {
                sections.push(Section { name, values });
            }
        }
        Ok(Self { sections, defaults, lines })
    }

    /// The sections but `[DEFAULT]`, in the file's order.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// Whether the section itself has the option, not only `[DEFAULT]`.
    pub fn sets(&self, section: &str, key: &str) -> bool {
        self.section(section).is_some_and(|s| s.values.contains_key(key))
    }

    /// Whether `[DEFAULT]` has the option.
    pub fn defaults_set(&self, key: &str) -> bool {
        self.defaults.contains_key(key)
    }

    /// The interpolated value; `None` if the section is missing or neither it nor `[DEFAULT]` has the option.
    pub fn value(&self, section: &str, key: &str) -> Result<Option<String>, IniError> {
        let Some(found) = self.section(section) else { return Ok(None) };
        let Some(raw) = self.raw(found, key) else { return Ok(None) };
        let mut out = String::new();
        let mut references = 0;
        match self.interpolate(found, raw, &mut out, &mut references, 1) {
            Ok(()) => Ok(Some(out)),
            Err(reason) => Err(IniError {
                line: self.line(section, key),
                reason: format!("`{key}` in section `[{section}]`: {reason}"),
            }),
        }
    }

    /// The 1-based line of an option, in the section or in `[DEFAULT]`.
    pub fn line(&self, section: &str, key: &str) -> Option<u32> {
        let line = |section: &str| self.lines.get(&(section.to_owned(), key.to_owned())).copied();
        line(section).or_else(|| line(DEFAULT_SECTION))
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn raw<'a>(&'a self, section: &'a Section, key: &str) -> Option<&'a str> {
        section.values.get(key).or_else(|| self.defaults.get(key)).map(String::as_str)
    }

    /// Python's `BasicInterpolation._interpolate_some`.
    fn interpolate(
        &self,
        section: &Section,
        mut rest: &str,
        out: &mut String,
        references: &mut usize,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("its interpolation never ends".to_owned());
        }
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let Some(reference) = after.strip_prefix('(') else {
                return Err(format!("`%` must be followed by `%` or `(`, found `{}`", &rest[at..]));
            };
            let (name, after) = reference
                .split_once(')')
                .and_then(|(name, after)| Some((name, after.strip_prefix('s')?)))
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| format!("bad variable reference `{}`", &rest[at..]))?;
            let value = self
                .raw(section, &name.to_lowercase())
                .ok_or_else(|| format!("nothing says what `%({name})s` is"))?;
            *references += 1;
            if *references > MAX_REFERENCES || out.len() > MAX_VALUE {
                return Err("its interpolation is too long".to_owned());
            }
            self.interpolate(section, value, out, references, depth + 1)?;
            rest = after;
        }
        out.push_str(rest);
        Ok(())
    }
}

/// What a scan by Python's own classification of lines finds.
struct Scan {
    /// Where each option of each section is set.
    lines: BTreeMap<(String, String), u32>,
    /// The sections' names as written, blanks included.
    headers: BTreeSet<String>,
}

/// Scans for what `configparser` does not tell, and fails where Python's
/// strict parser does and `configparser` does not.
fn scan(text: &str) -> Result<Scan, IniError> {
    let mut options = BTreeMap::new();
    let mut headers = BTreeSet::new();
    let mut section: Option<&str> = None;
    let mut in_option = false;
    let mut indent = 0;
    for (line, raw) in (1..).zip(text.lines()) {
        let fail = |reason: String| Err(IniError { line: Some(line), reason });
        let value = raw.trim();
        if value.is_empty() || value.starts_with(['#', ';']) {
            continue;
        }
        let own_indent = raw.len() - raw.trim_start().len();
        if in_option && own_indent > indent {
            continue;
        }
        indent = own_indent;
        if let Some(name) = section_name(value) {
            if !headers.insert(name.to_owned()) && name != DEFAULT_SECTION {
                return fail(format!("section `[{name}]` stands there twice"));
            }
            section = Some(name);
            in_option = false;
            continue;
        }
        let Some(section) = section else {
            return fail("text before the first section".to_owned());
        };
        let Some((key, _)) = value.split_once(['=', ':']) else {
            return fail(format!("`{value}` is neither a section nor an option"));
        };
        let key = key.trim_end().to_lowercase();
        if options.insert((section.to_owned(), key.clone()), line).is_some() {
            return fail(format!("`{key}` is set twice in section `[{section}]`"));
        }
        in_option = true;
    }
    Ok(Scan { lines: options, headers })
}

fn section_name(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    inside.rfind(']').map(|end| &inside[..end]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, key: &str) -> Result<Option<String>, String> {
        Ini::parse(text, "/repo").and_then(|ini| ini.value("alembic", key)).map_err(|e| {
            format!("{}: {}", e.line.map_or("?".to_owned(), |l| l.to_string()), e.reason)
        })
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(value(text, "x"), Ok(Some(expected.to_owned())));
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        assert_eq!(value(text, "x"), Err(expected.to_owned()));
    }

    #[test]
    fn keys_have_no_case_and_sections_do() {
        check("[alembic]\nX = 1\n", "1");
        assert_eq!(value("[Alembic]\nx = 1\n", "x"), Ok(None));
    }

    #[test]
    fn an_inline_comment_is_part_of_the_value() {
        check("[alembic]\nx = a ; b # c\n", "a ; b # c");
        check("[alembic]\n# y = 2\n; z\nx = a\n", "a");
    }

    #[test]
    fn deeper_lines_continue_a_value_across_blanks_and_comments() {
        check("[alembic]\nx =\n  a\n\n  # no\n  b\ny = 1\n", "\na\n\nb");
        check("[alembic]\nx = a\n\n\ny = 1\n", "a");
    }

    #[test]
    fn values_are_interpolated_from_the_section_then_default_then_here() {
        check("[alembic]\nx = %(here)s/a\n", "/repo/a");
        check("[DEFAULT]\nB = dflt\n[alembic]\nx = %(b)s%%/%(C)s\nc = %(b)s2\n", "dflt%/dflt2");
        check("[DEFAULT]\nhere = there\n[alembic]\nx = %(here)s\n", "there");
        check("[DEFAULT]\nx = 1\n[alembic]\n", "1");
    }

    #[test]
    fn the_default_section_alone_is_no_section() {
        assert_eq!(value("[DEFAULT]\nx = 1\n[other]\n", "x"), Ok(None));
    }

    #[test]
    fn bad_interpolation_names_the_option_and_its_line() {
        refused(
            "[alembic]\n\nx = %(rev)s\n",
            "3: `x` in section `[alembic]`: nothing says what `%(rev)s` is",
        );
        refused(
            "[alembic]\nx = 5%\n",
            "2: `x` in section `[alembic]`: `%` must be followed by `%` or `(`, found `%`",
        );
        refused(
            "[alembic]\nx = %(x)s\n",
            "2: `x` in section `[alembic]`: its interpolation never ends",
        );
        let many = |name: &str| format!("%({name})s").repeat(100);
        refused(
            &format!("[alembic]\nx = {}\na = {}\nb =\n", many("a"), many("b")),
            "2: `x` in section `[alembic]`: its interpolation is too long",
        );
    }

    #[test]
    fn what_python_refuses_is_refused() {
        refused("[alembic]\nx = 1\nX = 2\n", "3: `x` is set twice in section `[alembic]`");
        refused("[alembic]\n[a]\n[alembic]\n", "3: section `[alembic]` stands there twice");
        refused("[alembic]\na = 1\n  [x]\n", "?: `[x]` continues the value above it");
        assert_eq!(value("[ alembic ]\nx = 1\n", "x"), Ok(None));
        refused("x = 1\n", "1: text before the first section");
        refused(
            "[alembic]\n<<<<<<< HEAD\n",
            "2: `<<<<<<< HEAD` is neither a section nor an option",
        );
    }
}
