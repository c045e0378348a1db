//! A copy of an ini with other values for some options, everything else as it
//! was: lines are told apart as Python's `ConfigParser` does, and bytes that
//! are no text here may be text in the encoding that Python reads it in.

/// Python's name for the section whose values all others inherit.
const DEFAULT: &str = "DEFAULT";

/// `ini` with `options` set in `section` (which is added if need be) and, unless
/// it says otherwise, `%(here)s` meaning `here`. Values are written as they
/// are to be read: their `%` is doubled.
pub(super) fn rewrite(
    ini: &[u8],
    section: &str,
    options: &[(&str, String)],
    here: &str,
) -> Vec<u8> {
    let replaced: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
    let kept = without_options(ini, section, &replaced);
    let mut out = Vec::new();
    let mut is_there = false;
    let mut says_here = false;
    for (at, line) in kept.iter().enumerate() {
        out.extend_from_slice(line.bytes);
        end_line(&mut out);
        says_here |= line.section == Some(DEFAULT) && line.option.as_deref() == Some("here");
        if line.is_header && line.section == Some(section) {
            is_there = true;
            // Deeper lines would continue what stands above them.
            let next = kept[at + 1..].iter().find(|line| line.is_significant());
            push_options(&mut out, options, next.map_or(0, |line| line.indent));
        }
    }
    if !is_there {
        out.extend_from_slice(format!("[{section}]\n").as_bytes());
        push_options(&mut out, options, 0);
    }
    if !says_here {
        out.extend_from_slice(format!("[{DEFAULT}]\n").as_bytes());
        push_options(&mut out, &[("here", here.to_owned())], 0);
    }
    out
}

fn end_line(out: &mut Vec<u8>) {
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.push(b'\n');
    }
}

fn push_options(out: &mut Vec<u8>, options: &[(&str, String)], indent: usize) {
    let indent = " ".repeat(indent);
    for (name, value) in options {
        let value = value.replace('%', "%%");
        out.extend_from_slice(format!("{indent}{name} = {value}\n").as_bytes());
    }
}

/// One line, with what Python makes of it.
struct Line<'a> {
    bytes: &'a [u8],
    section: Option<&'a str>,
    is_header: bool,
    /// The option that starts here, in lower case.
    option: Option<String>,
    /// How far in it starts, in characters.
    indent: usize,
}

impl Line<'_> {
    fn is_significant(&self) -> bool {
        self.is_header || self.option.is_some()
    }
}

/// The lines but those of the options called `names` in `section`.
fn without_options<'a>(ini: &'a [u8], section: &str, names: &[&str]) -> Vec<Line<'a>> {
    let mut kept = Vec::new();
    let mut current: Option<&str> = None;
    let mut in_option = false;
    let mut drops = false;
    let mut last_indent = 0;
    for bytes in ini.split_inclusive(|&byte| byte == b'\n') {
        let text = bytes.trim_ascii();
        let indent = bytes.len() - bytes.trim_ascii_start().len();
        let mut line = Line { bytes, section: current, is_header: false, option: None, indent };
        if text.is_empty() || text.starts_with(b"#") || text.starts_with(b";") {
            kept.push(line);
            continue;
        }
        if in_option && indent > last_indent {
            if !drops {
                kept.push(line);
            }
            continue;
        }
        last_indent = indent;
        drops = false;
        if let Some(name) = header(text) {
            current = Some(name);
            in_option = false;
            kept.push(Line { section: current, is_header: true, ..line });
            continue;
        }
        in_option = true;
        line.option = option(text);
        drops = current == Some(section)
            && line.option.as_deref().is_some_and(|name| names.contains(&name));
        if !drops {
            kept.push(line);
        }
    }
    kept
}

/// `[name]`, whatever comes behind it.
fn header(text: &[u8]) -> Option<&str> {
    let inside = text.strip_prefix(b"[")?;
    let end = inside.iter().rposition(|&byte| byte == b']').filter(|&end| end > 0)?;
    std::str::from_utf8(&inside[..end]).ok()
}

fn option(text: &[u8]) -> Option<String> {
    let end = text.iter().position(|&byte| byte == b'=' || byte == b':')?;
    std::str::from_utf8(&text[..end]).ok().map(|name| name.trim_end().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(ini: &str, section: &str) -> String {
        let options =
            [("version_locations", "/s".to_owned()), ("sqlalchemy.url", "a%b".to_owned())];
        let bytes = rewrite(ini.as_bytes(), section, &options, "/repo/50%");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn the_options_of_the_section_are_replaced_and_nothing_else() {
        insta::assert_snapshot!(rewritten(
            "# a\n[alembic]\nVersion_Locations : x\n  y\n\n  # c\n  z\nscript_location = m\n[other]\nversion_locations = o\n",
            "alembic",
        ), @"
        # a
        [alembic]
        version_locations = /s
        sqlalchemy.url = a%%b

          # c
        script_location = m
        [other]
        version_locations = o
        [DEFAULT]
        here = /repo/50%%
        ");
    }

    #[test]
    fn what_is_indented_stays_an_option() {
        insta::assert_snapshot!(rewritten(
            "[alembic]\n  script_location = m\n  version_locations = x\n    y\n  [other]\n  a = 1",
            "alembic",
        ), @"
        [alembic]
          version_locations = /s
          sqlalchemy.url = a%%b
          script_location = m
          [other]
          a = 1
        [DEFAULT]
        here = /repo/50%%
        ");
    }

    #[test]
    fn a_missing_section_is_added_and_here_is_kept() {
        insta::assert_snapshot!(rewritten("[DEFAULT]\nhere = there\nversion_locations = x\n", "tenant"), @"
        [DEFAULT]
        here = there
        version_locations = x
        [tenant]
        version_locations = /s
        sqlalchemy.url = a%%b
        ");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let ini = b"[alembic]\n# caf\xe9\nname = caf\xe9\r\n";
        let out = rewrite(ini, "alembic", &[], "/r");
        assert!(out.starts_with(ini), "{}", String::from_utf8_lossy(&out));
    }
}
