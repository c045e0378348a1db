//! The text and the file name of a new revision, by Alembic's conventions.

use std::collections::BTreeMap;

use super::literal::QuoteStyle;
use crate::revision::RevisionId;

/// A date as a docstring's `Create Date:` line gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CreateDate {
    /// year, month, day, hour, minute, second
    parts: [u32; 6],
    text: String,
}

impl CreateDate {
    /// Reads `2026-11-20 13:56:17.063275`, with or without fraction and offset.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = [0u32; 6];
        let head = text.get(..19)?;
        let numbers: Vec<u32> = head
            .split(|c: char| !c.is_ascii_digit())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        if numbers.len() != 6 {
            return None;
        }
        parts.copy_from_slice(&numbers);
        Some(Self { parts, text: text.to_owned() })
    }

    /// For histories whose docstrings give no date at all.
    pub fn unknown() -> Self {
        Self { parts: [1970, 1, 1, 0, 0, 0], text: "1970-01-01 00:00:00".to_owned() }
    }
}

/// What a new script says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    pub id: RevisionId,
    pub down_revisions: Vec<RevisionId>,
    pub message: String,
    pub create_date: CreateDate,
}

/// `file_template` and `truncate_slug_length` of the component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTemplate {
    pub pattern: String,
    pub slug_length: usize,
}

impl Default for FileTemplate {
    fn default() -> Self {
        Self { pattern: "%(rev)s_%(slug)s".to_owned(), slug_length: 40 }
    }
}

impl FileTemplate {
    /// The file's name, `.py` included; may hold `/` (Alembic 1.18 and newer).
    pub fn file_name(&self, new: &NewRevision) -> String {
        let [year, month, day, hour, minute, second] = new.create_date.parts.map(|n| n.to_string());
        let values = BTreeMap::from([
            ("rev", new.id.to_string()),
            ("slug", slug(&new.message, self.slug_length)),
            ("epoch", epoch(new.create_date.parts).to_string()),
            ("year", year),
            ("month", month),
            ("day", day),
            ("hour", hour),
            ("minute", minute),
            ("second", second),
        ]);
        format!("{}.py", percent_format(&self.pattern, &values))
    }
}

/// Seconds since 1970 of a date in UTC (days from the civil calendar, by H. Hinnant's method).
fn epoch([year, month, day, hour, minute, second]: [u32; 6]) -> i64 {
    let [y, m, d] = [year, month, day].map(i64::from);
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second)
}

/// No file system takes a longer name, whatever a template asks for.
const MAX_WIDTH: usize = 255;

/// Python's `%` formatting for `%(name)s`, `%(name)d` and `%(name).2d`.
fn percent_format(pattern: &str, values: &BTreeMap<&str, String>) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let field = rest.strip_prefix('(').and_then(|r| r.split_once(')'));
        let Some((name, after)) = field else {
            out.push('%');
            continue;
        };
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |n| n + 1);
        let digits: String = after[..end].chars().filter(char::is_ascii_digit).collect();
        let width = digits.trim_start_matches('0').parse().unwrap_or(0).min(MAX_WIDTH);
        let value = values.get(name).cloned().unwrap_or_default();
        out.push_str(&format!("{value:0>width$}"));
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// Alembic's slug: the words of the message, lower case, joined by `_`, cut at a word.
pub fn slug(message: &str, length: usize) -> String {
    let words: Vec<&str> = message
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let text = words.join("_").to_lowercase();
    if text.chars().count() <= length {
        return text;
    }
    let cut: String = text.chars().take(length).collect();
    let kept = cut.rsplit_once('_').map_or(cut.as_str(), |(kept, _)| kept);
    format!("{kept}_")
}

/// The script's text by the project's `script.py.mako`. A template that does
/// more than substitute what Alembic passes for an empty revision cannot be
/// rendered without Python; then Alembic's own generic template is used.
pub fn render_revision_file(template: Option<&str>, new: &NewRevision) -> String {
    template
        .and_then(|text| render_template(text, new))
        .or_else(|| render_template(GENERIC_TEMPLATE, new))
        .expect("the generic template uses known expressions only")
}

const GENERIC_TEMPLATE: &str = include_str!("generic.py.mako");

fn render_template(template: &str, new: &NewRevision) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    if template.lines().any(|line| line.trim_start().starts_with("% ")) || template.contains("<%") {
        return None;
    }
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let (expression, after) = rest[at + 2..].split_once('}')?;
        out.push_str(&evaluate(expression, new)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The expressions of Alembic's templates, with the values of an empty revision.
fn evaluate(expression: &str, new: &NewRevision) -> Option<String> {
    let plain: String = expression.chars().filter(|c| !c.is_whitespace()).collect();
    let downs: Vec<&str> = new.down_revisions.iter().map(RevisionId::as_str).collect();
    Some(match plain.as_str() {
        "message" => new.message.clone(),
        "up_revision" => new.id.to_string(),
        "repr(up_revision)" => QuoteStyle::PYTHON.quote(new.id.as_str()),
        "down_revision|comma,n" | "down_revision|n,comma" | "down_revision|comma" => {
            downs.join(", ")
        }
        "repr(down_revision)" | "down_revision" => python_repr(&downs),
        "repr(branch_labels)" | "repr(depends_on)" | "branch_labels" | "depends_on" => {
            "None".to_owned()
        }
        "create_date" => new.create_date.text.clone(),
        "imports" | "upgrades" | "downgrades" => String::new(),
        other if other.starts_with("importsifimportselse") => String::new(),
        other
            if other.starts_with("upgradesifupgradeselse")
                || other.starts_with("downgradesifdowngradeselse") =>
        {
            "pass".to_owned()
        }
        _ => return None,
    })
}

fn python_repr(downs: &[&str]) -> String {
    let quoted: Vec<String> = downs.iter().map(|id| QuoteStyle::PYTHON.quote(id)).collect();
    match quoted.as_slice() {
        [] => "None".to_owned(),
        [one] => one.clone(),
        many => format!("({})", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge() -> NewRevision {
        NewRevision {
            id: RevisionId::new("abc123").expect("legal"),
            down_revisions: ["f1", "m1"].map(|id| RevisionId::new(id).expect("legal")).to_vec(),
            message: "merge f1 and m1".to_owned(),
            create_date: CreateDate::parse("2026-11-20 13:56:17.063275").expect("a date"),
        }
    }

    #[test]
    fn the_generic_template_is_alembics() {
        insta::assert_snapshot!(render_revision_file(None, &merge()), @r#"
        """merge f1 and m1

        Revision ID: abc123
        Revises: f1, m1
        Create Date: 2026-11-20 13:56:17.063275

        """
        from typing import Sequence, Union

        from alembic import op
        import sqlalchemy as sa


        # revision identifiers, used by Alembic.
        revision: str = 'abc123'
        down_revision: Union[str, Sequence[str], None] = ('f1', 'm1')
        branch_labels: Union[str, Sequence[str], None] = None
        depends_on: Union[str, Sequence[str], None] = None


        def upgrade() -> None:
            """Upgrade schema."""
            pass


        def downgrade() -> None:
            """Downgrade schema."""
            pass
        "#);
    }

    #[test]
    fn a_template_that_needs_python_falls_back() {
        let text = render_revision_file(Some("% if x:\n${message}\n% endif\n"), &merge());
        assert!(text.starts_with("\"\"\"merge f1 and m1\n"));
        assert_eq!(render_revision_file(Some("# ${message}\n"), &merge()), "# merge f1 and m1\n");
    }

    #[test]
    fn file_names_follow_the_template() {
        let name = |pattern: &str| {
            FileTemplate { pattern: pattern.to_owned(), slug_length: 40 }.file_name(&merge())
        };
        assert_eq!(name("%(rev)s_%(slug)s"), "abc123_merge_f1_and_m1.py");
        assert_eq!(
            name("%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d-%(rev)s"),
            "2026_11_20_1356-abc123.py"
        );
        assert_eq!(name("%(epoch)s"), "1795182977.py");
        assert_eq!(name("%(day)999999d").len(), MAX_WIDTH + 3);
    }

    #[test]
    fn slugs_are_cut_at_a_word() {
        assert_eq!(slug("First: add users & things (v1.0)!", 40), "first_add_users_things_v1_0");
        assert_eq!(slug("aaaa bbbb cccc", 10), "aaaa_bbbb_");
    }
}
