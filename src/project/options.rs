//! Alembic's options out of an ini section and `[tool.alembic]`: which wins,
//! how lists are split, what counts as true (`alembic/config.py` 1.20).

use super::ini::{Ini, IniError};
use crate::script::FileTemplate;

/// `[tool.alembic]` of a `pyproject.toml`.
#[derive(Clone, Debug)]
pub struct TomlOptions {
    pub table: toml::Table,
    /// What `%(here)s` stands for.
    pub here: String,
}

/// An option that Alembic would not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// Whether the ini says it, or `pyproject.toml`.
    pub in_ini: bool,
    pub line: Option<u32>,
    pub reason: String,
}

impl From<IniError> for OptionError {
    fn from(error: IniError) -> Self {
        Self { in_ini: true, line: error.line, reason: error.reason }
    }
}

/// What Alembic takes from its configuration to find scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlembicOptions {
    pub script_location: Option<String>,
    /// As split by Alembic; `None` where it takes the default.
    pub version_locations: Option<Vec<String>>,
    pub prepend_sys_path: Vec<String>,
    pub recursive: bool,
    pub sourceless: bool,
    pub file_template: FileTemplate,
    pub sqlalchemy_url: Option<String>,
}

/// The files that one run of alembic reads; an option of the ini wins over the same one of the toml.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub ini: Option<&'a Ini>,
    pub section: &'a str,
    pub toml: Option<&'a TomlOptions>,
}

impl AlembicOptions {
    /// Reads what `ScriptDirectory.from_config` reads, with its defaults.
    pub fn read(sources: Sources<'_>) -> Result<Self, OptionError> {
        let default = FileTemplate::default();
        Ok(Self {
            script_location: sources.string("script_location")?,
            version_locations: sources.version_locations()?,
            prepend_sys_path: sources.prepend_sys_path()?,
            recursive: sources.boolean("recursive_version_locations")?,
            sourceless: sources.boolean("sourceless")?,
            file_template: FileTemplate {
                pattern: sources.string("file_template")?.unwrap_or(default.pattern),
                slug_length: sources.slug_length()?.unwrap_or(default.slug_length),
            },
            // Only env.py reads it, so a value that cannot be interpolated is no error here.
            sqlalchemy_url: sources.ini("sqlalchemy.url").ok().flatten(),
        })
    }
}

impl Sources<'_> {
    fn ini(&self, name: &str) -> Result<Option<String>, IniError> {
        self.ini.map_or(Ok(None), |ini| ini.value(self.section, name))
    }

    fn toml(&self, name: &str) -> Option<(&toml::Value, &TomlOptions)> {
        self.toml.and_then(|toml| Some((toml.table.get(name)?, toml)))
    }

    /// Alembic's `get_alembic_option` for an option that is a string.
    fn string(&self, name: &str) -> Result<Option<String>, OptionError> {
        if let Some(value) = self.ini(name)? {
            return Ok(Some(value));
        }
        match self.toml(name) {
            None => Ok(None),
            Some((toml::Value::String(text), toml)) => toml.format(name, text).map(Some),
            Some(_) => Err(in_toml(format!("`{name}` must be a string"))),
        }
    }

    /// Alembic's `get_alembic_boolean_option`: in an ini nothing but `true` is true.
    fn boolean(&self, name: &str) -> Result<bool, OptionError> {
        if let Some(value) = self.ini(name)? {
            return Ok(value == "true");
        }
        match self.toml(name) {
            None => Ok(false),
            Some((toml::Value::Boolean(value), _)) => Ok(*value),
            Some(_) => Err(in_toml(format!("`{name}` must be true or false"))),
        }
    }

    /// `truncate_slug_length`; Python's `or 40` makes 0 the default.
    fn slug_length(&self) -> Result<Option<usize>, OptionError> {
        const NAME: &str = "truncate_slug_length";
        if let Some(value) = self.ini(NAME)? {
            return match value.trim().parse::<usize>() {
                Ok(length) => Ok(Some(length).filter(|&length| length > 0)),
                Err(_) => Err(OptionError {
                    in_ini: true,
                    line: self.ini.and_then(|ini| ini.line(self.section, NAME)),
                    reason: format!("`{NAME}` must be a number, not `{value}`"),
                }),
            };
        }
        let number = match self.toml(NAME) {
            None => return Ok(None),
            Some((toml::Value::Integer(number), _)) => usize::try_from(*number).ok(),
            Some((toml::Value::String(text), _)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(length) => Ok(Some(length).filter(|&length| length > 0)),
            None => Err(in_toml(format!("`{NAME}` must be a number"))),
        }
    }

    fn version_locations(&self) -> Result<Option<Vec<String>>, OptionError> {
        const NAME: &str = "version_locations";
        match self.ini(NAME)?.filter(|value| !value.is_empty()) {
            None => self.toml_list(NAME),
            Some(value) => match self.separator(&["path_separator", "version_path_separator"])? {
                Some(separator) => Ok(Some(split_at(&value, separator))),
                None => Ok(Some(legacy_split(&value, false))),
            },
        }
        // Python's `version_locations or ()`.
        .map(|list| list.filter(|list| !list.is_empty()))
    }

    fn prepend_sys_path(&self) -> Result<Vec<String>, OptionError> {
        const NAME: &str = "prepend_sys_path";
        match self.ini(NAME)?.filter(|value| !value.is_empty()) {
            None => Ok(self.toml_list(NAME)?.unwrap_or_default()),
            Some(value) => match self.separator(&["path_separator"])? {
                Some(separator) => Ok(split_at(&value, separator)),
                None => Ok(legacy_split(&value, true)),
            },
        }
    }

    fn toml_list(&self, name: &str) -> Result<Option<Vec<String>>, OptionError> {
        let Some((value, toml)) = self.toml(name) else { return Ok(None) };
        let wrong = || in_toml(format!("`{name}` must be a list of strings"));
        let items = value.as_array().ok_or_else(wrong)?;
        items
            .iter()
            .map(|item| toml.format(name, item.as_str().ok_or_else(wrong)?))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn separator(&self, names: &[&str]) -> Result<Option<char>, OptionError> {
        for name in names {
            let Some(value) = self.ini(name)? else { continue };
            return match value.as_str() {
                "space" => Ok(Some(' ')),
                "newline" => Ok(Some('\n')),
                "os" => Ok(Some(if cfg!(windows) { ';' } else { ':' })),
                ":" => Ok(Some(':')),
                ";" => Ok(Some(';')),
                _ => Err(OptionError {
                    in_ini: true,
                    line: self.ini.and_then(|ini| ini.line(self.section, name)),
                    reason: format!(
                        "`{value}` is not a valid value for `{name}`, \
                         which takes space, newline, os, : or ;"
                    ),
                }),
            };
        }
        Ok(None)
    }
}

impl TomlOptions {
    /// Python's `text % {"here": here}`.
    fn format(&self, name: &str, text: &str) -> Result<String, OptionError> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = if let Some(after) = rest[at..].strip_prefix("%%") {
                out.push('%');
                after
            } else if let Some(after) = rest[at..].strip_prefix("%(here)s") {
                out.push_str(&self.here);
                after
            } else {
                let reason = format!(
                    "`{name}`: a `%` is written `%%`, only `%(here)s` is known, found `{}`",
                    &rest[at..]
                );
                return Err(in_toml(reason));
            };
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn in_toml(reason: String) -> OptionError {
    OptionError { in_ini: false, line: None, reason }
}

/// `[x.strip() for x in text.split(separator) if x]`
fn split_at(text: &str, separator: char) -> Vec<String> {
    text.split(separator).filter(|x| !x.is_empty()).map(|x| x.trim().to_owned()).collect()
}

/// `re.split(r", *|(?: +)", text)`, with `|\:` for `prepend_sys_path`. Like
/// Alembic's it keeps empty elements, which stand for the working folder.
///
/// Unlike Alembic's it splits at line breaks: there the whole list is one path
/// that nobody has, and projects that read the value on their own mean a list.
fn legacy_split(text: &str, at_colon: bool) -> Vec<String> {
    text.lines()
        .flat_map(|line| {
            let trimmed = line.trim();
            let trimmed = if text.contains('\n') { trimmed.trim_end_matches(',') } else { trimmed };
            split_line(trimmed, at_colon)
        })
        .filter(|element| !(element.is_empty() && text.contains('\n')))
        .collect()
}

fn split_line(line: &str, at_colon: bool) -> Vec<String> {
    let mut elements = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ',' || c == ' ' {
            while chars.next_if_eq(&' ').is_some() {}
            elements.push(String::new());
        } else if c == ':' && at_colon {
            elements.push(String::new());
        } else if let Some(last) = elements.last_mut() {
            last.push(c);
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ini: &str, toml: &str) -> Result<AlembicOptions, OptionError> {
        let ini = Ini::parse(ini, "/r/ini")?;
        let table = toml.parse().expect("valid toml");
        let toml = TomlOptions { table, here: "/r/toml".to_owned() };
        AlembicOptions::read(Sources { ini: Some(&ini), section: "alembic", toml: Some(&toml) })
    }

    #[track_caller]
    fn locations(ini: &str, expected: &[&str]) {
        let options = read(&format!("[alembic]\n{ini}\n"), "").expect("valid");
        assert_eq!(options.version_locations.unwrap_or_default(), expected);
    }

    #[test]
    fn the_ini_wins_option_by_option() {
        let options = read(
            "[alembic]\nscript_location = %(here)s/a\n",
            "script_location = 'b'\nversion_locations = ['%(here)s/v']\nsourceless = true",
        )
        .expect("valid");
        assert_eq!(options.script_location.as_deref(), Some("/r/ini/a"));
        assert_eq!(options.version_locations, Some(vec!["/r/toml/v".to_owned()]));
        assert!(options.sourceless);
    }

    #[test]
    fn without_a_separator_spaces_and_commas_split() {
        locations("version_locations = a b,c,  d", &["a", "b", "c", "d"]);
        locations("version_locations = a , b", &["a", "", "b"]);
        locations("version_locations = a,\n  b\n  c", &["a", "b", "c"]);
        locations("version_locations =\n  a\n  b", &["a", "b"]);
    }

    #[test]
    fn a_separator_splits_nothing_else() {
        locations("path_separator = os\nversion_locations = a b:c,d::e", &["a b", "c,d", "e"]);
        locations("version_path_separator = ;\nversion_locations = a; b", &["a", "b"]);
        locations("path_separator = newline\nversion_locations =\n a\n\n b", &["a", "b"]);
        locations("path_separator = space\nversion_locations = a  b", &["a", "b"]);
    }

    #[test]
    fn the_search_path_is_split_at_colons_too() {
        let options = read("[alembic]\nprepend_sys_path = .:src, lib\n", "").expect("valid");
        assert_eq!(options.prepend_sys_path, [".", "src", "lib"]);
    }

    #[test]
    fn only_the_word_true_is_true() {
        for (text, expected) in [("true", true), ("True", false), ("1", false), ("yes", false)] {
            let ini = format!("[alembic]\nrecursive_version_locations = {text}\n");
            assert_eq!(read(&ini, "").expect("valid").recursive, expected, "{text}");
        }
    }

    #[test]
    fn a_slug_length_of_zero_is_the_default() {
        let length = |text: &str| {
            let ini = format!("[alembic]\ntruncate_slug_length = {text}\n");
            read(&ini, "").map(|options| options.file_template.slug_length).ok()
        };
        assert_eq!(["0", "12", "x"].map(length), [Some(40), Some(12), None]);
    }

    #[test]
    fn an_url_that_only_python_can_fill_in_is_no_error() {
        let options = read("[alembic]\nsqlalchemy.url = %(DB)s\n", "").expect("valid");
        assert_eq!(options.sqlalchemy_url, None);
    }

    #[test]
    fn an_unknown_separator_is_an_error_with_its_line() {
        let error = read("[alembic]\nversion_locations = a\npath_separator = bogus\n", "")
            .expect_err("refused");
        assert_eq!((error.in_ini, error.line), (true, Some(3)));
    }

    #[test]
    fn toml_strings_take_percent_formatting() {
        let template = |text: &str| {
            read("", &format!("file_template = '{text}'")).map(|o| o.file_template.pattern).ok()
        };
        assert_eq!(template("%%(rev)s").as_deref(), Some("%(rev)s"));
        assert_eq!(template("%(rev)s"), None);
    }
}
