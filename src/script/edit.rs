//! Edits of a script as byte ranges: only the value's span and the docstring's
//! own line change, everything else stays byte for byte.

use super::header::{Element, Field, FieldValue, Header};
use super::literal::QuoteStyle;
use super::{DocstringLine, SourceEncoding, Span};
use crate::revision::RevisionId;

/// One replacement; spans of one file never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    /// In the file's own encoding.
    pub replacement: Vec<u8>,
}

/// An edit that has yet to be put into the file's encoding.
struct TextEdit {
    span: Span,
    replacement: String,
}

/// Why a header cannot be edited in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("`{field}` is not assigned in the file")]
    Absent { field: &'static str },
    #[error("`{field}` is computed (`{source_text}`), so there is no text to replace")]
    Dynamic { field: &'static str, source_text: String },
    #[error("`{field}` shares its value with another name in one statement")]
    Shared { field: &'static str },
    #[error("`{text}` cannot be written in {encoding}, which the file declares")]
    Unencodable { text: String, encoding: &'static str },
}

/// Puts `edits` into `bytes`.
pub fn apply_edits(bytes: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.span.start);
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut at = 0;
    for edit in &edits {
        out.extend_from_slice(&bytes[at..edit.span.start]);
        out.extend_from_slice(&edit.replacement);
        at = edit.span.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// The edits that make `down_revision` name `new`, with the docstring's
/// `Revises:` line, where there is one, in its own form.
pub fn set_down_revisions(
    bytes: &[u8],
    header: &Header,
    new: &[RevisionId],
) -> Result<Vec<Edit>, EditError> {
    let field = editable(header.down_revision.as_ref(), "down_revision")?;
    let names: Vec<&str> = new.iter().map(RevisionId::as_str).collect();
    let mut edits = value_edits(bytes, field, file_style(bytes, header), &names);
    if let Some(line) = header.docstring.as_ref().and_then(|d| d.revises.as_ref()) {
        edits.extend(docstring_edit(bytes, line, &names));
    }
    encoded(bytes, edits)
}

/// The edits that give the script the id `new`, in code and docstring.
pub fn set_revision(
    bytes: &[u8],
    header: &Header,
    new: &RevisionId,
) -> Result<Vec<Edit>, EditError> {
    let field = editable(header.revision.as_ref(), "revision")?;
    let names = [new.as_str()];
    let mut edits = value_edits(bytes, field, file_style(bytes, header), &names);
    if let Some(line) = header.docstring.as_ref().and_then(|d| d.revision_id.as_ref()) {
        edits.extend(docstring_edit(bytes, line, &names));
    }
    encoded(bytes, edits)
}

/// The edit that makes a line of the docstring name `names`, in its own form;
/// `None` where it does, or where the file's encoding has no characters for them.
pub fn set_docstring_line(bytes: &[u8], line: &DocstringLine, names: &[&str]) -> Option<Edit> {
    let edit = docstring_edit(bytes, line, names)?;
    encoded(bytes, vec![edit]).ok()?.pop()
}

/// The edits that give each dependency the name that `new_name` has for it;
/// what is computed, and what it has none for, stays as it is.
pub fn rename_dependencies<'n>(
    bytes: &[u8],
    header: &Header,
    new_name: impl Fn(&str) -> Option<&'n str>,
) -> Result<Vec<Edit>, EditError> {
    let Some(field) = &header.depends_on else { return Ok(Vec::new()) };
    let renamed = |old: &str| new_name(old).filter(|new| *new != old);
    let style = file_style(bytes, header);
    let edits: Vec<TextEdit> = match &field.value {
        FieldValue::Text(old) => {
            renamed(old).map(|new| value_edits(bytes, field, style, &[new])).unwrap_or_default()
        }
        FieldValue::Sequence(elements) => elements
            .iter()
            .filter_map(|element| match element {
                Element::Text { value, .. } => element_edit(bytes, element, style, renamed(value)?),
                Element::Dynamic { .. } => None,
            })
            .collect(),
        FieldValue::None | FieldValue::Dynamic { .. } => Vec::new(),
    };
    if !edits.is_empty() {
        editable(Some(field), "depends_on")?;
    }
    encoded(bytes, edits)
}

/// Puts what is to be written into the encoding of the file.
fn encoded(bytes: &[u8], edits: Vec<TextEdit>) -> Result<Vec<Edit>, EditError> {
    // A file that was parsed was decoded, so the encoding is known.
    let encoding = SourceEncoding::of(bytes).unwrap_or(SourceEncoding::Ascii);
    edits
        .into_iter()
        .map(|TextEdit { span, replacement }| match encoding.encode(&replacement) {
            Some(replacement) => Ok(Edit { span, replacement }),
            None => Err(EditError::Unencodable { text: replacement, encoding: encoding.name() }),
        })
        .collect()
}

fn editable<'a>(field: Option<&'a Field>, name: &'static str) -> Result<&'a Field, EditError> {
    let field = field.ok_or(EditError::Absent { field: name })?;
    if let FieldValue::Dynamic { source } = &field.value {
        return Err(EditError::Dynamic { field: name, source_text: source.clone() });
    }
    if field.shared {
        return Err(EditError::Shared { field: name });
    }
    Ok(field)
}

/// How the file itself quotes: as its `revision` does, else as Python would.
fn file_style<'a>(bytes: &'a [u8], header: &Header) -> QuoteStyle<'a> {
    let literal = header.revision.as_ref().map_or("", |field| slice(bytes, &field.span));
    let style = QuoteStyle::of(literal).unwrap_or(QuoteStyle::PYTHON);
    QuoteStyle { prefix: "", ..style }
}

fn value_edits(
    bytes: &[u8],
    field: &Field,
    style: QuoteStyle<'_>,
    names: &[&str],
) -> Vec<TextEdit> {
    if let FieldValue::Sequence(elements) = &field.value
        && elements.len() == names.len()
        && elements.iter().all(|element| lies_in(element, &field.span))
    {
        return elements
            .iter()
            .zip(names)
            .filter_map(|(element, name)| element_edit(bytes, element, style, name))
            .collect();
    }
    let text = slice(bytes, &field.span);
    let style = first_style(text).unwrap_or(style);
    let replacement = match (names, &field.value) {
        ([], _) => "None".to_owned(),
        ([one], FieldValue::Text(old)) if old == one => return Vec::new(),
        ([one], _) => style.quote(one),
        (many, _) => {
            let quoted: Vec<String> = many.iter().map(|name| style.quote(name)).collect();
            format!("({})", quoted.join(", "))
        }
    };
    if replacement == text {
        return Vec::new();
    }
    vec![TextEdit { span: field.span.clone(), replacement }]
}

/// Whether the value is written out here, not bound to another name above.
fn lies_in(element: &Element, value: &Span) -> bool {
    let (Element::Text { span, .. } | Element::Dynamic { span, .. }) = element;
    value.start <= span.start && span.end <= value.end
}

fn element_edit(
    bytes: &[u8],
    element: &Element,
    style: QuoteStyle<'_>,
    name: &str,
) -> Option<TextEdit> {
    match element {
        Element::Text { value, .. } if value == name => None,
        Element::Text { span, .. } | Element::Dynamic { span, .. } => {
            let own = QuoteStyle::of(slice(bytes, span)).unwrap_or(style);
            Some(TextEdit { span: span.clone(), replacement: own.quote(name) })
        }
    }
}

/// The style of the first literal in a value, be it bare or in a sequence.
fn first_style(text: &str) -> Option<QuoteStyle<'_>> {
    QuoteStyle::of(text.trim_start_matches(['(', '[', '{', ' ', '\t', '\r', '\n']))
}

fn docstring_edit(bytes: &[u8], line: &DocstringLine, names: &[&str]) -> Option<TextEdit> {
    if line.ids() == names {
        return None;
    }
    let (open, close) = match line.value.as_bytes().first() {
        Some(b'(') => ("(", ")"),
        Some(b'[') => ("[", "]"),
        _ => ("", ""),
    };
    let inner = line.value.trim_start_matches(['(', '[']);
    let quote = inner.get(..1).filter(|mark| matches!(*mark, "'" | "\"")).unwrap_or("");
    let list =
        names.iter().map(|name| format!("{quote}{name}{quote}")).collect::<Vec<_>>().join(", ");
    // `('a',)` is how Python writes a tuple of one.
    let comma = if open == "(" && names.len() == 1 { "," } else { "" };
    let mut replacement = if names.is_empty() {
        (if line.value == "None" { "None" } else { "" }).to_owned()
    } else {
        format!("{open}{list}{comma}{close}")
    };
    if line.span.is_empty() && bytes.get(line.span.start.wrapping_sub(1)) == Some(&b':') {
        replacement.insert(0, ' ');
    }
    Some(TextEdit { span: line.span.clone(), replacement })
}

/// The text of a span as far as it is ASCII: quotes and brackets are, in every
/// encoding that a file can be in.
fn slice<'a>(bytes: &'a [u8], span: &Span) -> &'a str {
    let bytes = bytes.get(span.clone()).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_script;

    #[track_caller]
    fn check(source: &str, new: &[&str], expected: &str) {
        let parsed = parse_script(source.as_bytes()).expect("readable");
        let ids: Vec<RevisionId> =
            new.iter().map(|id| RevisionId::new(*id).expect("legal id")).collect();
        let edits = set_down_revisions(source.as_bytes(), &parsed.header, &ids).expect("editable");
        let edited = apply_edits(source.as_bytes(), edits);
        assert_eq!(String::from_utf8(edited).expect("utf-8"), expected);
    }

    #[track_caller]
    fn refused(source: &str, expected: &EditError) {
        let parsed = parse_script(source.as_bytes()).expect("readable");
        let new = [RevisionId::new("x").expect("legal id")];
        let error =
            set_down_revisions(source.as_bytes(), &parsed.header, &new).expect_err("refused");
        assert_eq!(&error, expected);
    }

    #[test]
    fn only_the_value_changes() {
        check(
            "revision = 'r'\r\ndown_revision: str | None  =  \"a\"  # Part of: 24.09\r\n",
            &["x"],
            "revision = 'r'\r\ndown_revision: str | None  =  \"x\"  # Part of: 24.09\r\n",
        );
    }

    #[test]
    fn a_base_gets_a_literal_in_the_files_own_quotes() {
        check(
            "revision = \"r\"\ndown_revision = None\n",
            &["x"],
            "revision = \"r\"\ndown_revision = \"x\"\n",
        );
    }

    #[test]
    fn prefixes_concatenations_and_parentheses_survive() {
        check("down_revision = u'a'\n", &["x"], "down_revision = u'x'\n");
        check("down_revision = (\n    'a'\n)\n", &["x"], "down_revision = (\n    'x'\n)\n");
        check("down_revision = 'a' 'b'\n", &["x"], "down_revision = 'x'\n");
    }

    #[test]
    fn elements_of_a_tuple_are_replaced_one_by_one() {
        check(
            "down_revision = (\n    'a',  # mine\n    \"b\",\n)\n",
            &["a", "x"],
            "down_revision = (\n    'a',  # mine\n    \"x\",\n)\n",
        );
        check("down_revision = ('a',)\n", &["x"], "down_revision = ('x',)\n");
    }

    #[test]
    fn a_merge_becomes_a_link_and_a_link_a_merge() {
        check("down_revision = (\"a\", \"b\")\n", &["x"], "down_revision = \"x\"\n");
        check("down_revision = \"a\"\n", &["x", "y"], "down_revision = (\"x\", \"y\")\n");
        check("down_revision = 'a'\n", &[], "down_revision = None\n");
    }

    #[test]
    fn a_name_bound_to_a_literal_is_replaced_where_it_is_used() {
        check(
            "PREVIOUS = 'a'\ndown_revision = PREVIOUS\n",
            &["x"],
            "PREVIOUS = 'a'\ndown_revision = 'x'\n",
        );
    }

    #[test]
    fn unpacked_values_are_edited_in_place() {
        check(
            "revision, down_revision = \"0029\", \"0028\"\n",
            &["0030"],
            "revision, down_revision = \"0029\", \"0030\"\n",
        );
    }

    #[test]
    fn the_docstring_follows_in_its_own_form() {
        let source = |line: &str, down: &str| {
            format!(
                "\"\"\"add x\n\nRevision ID: r\nRevises:{line}\n\"\"\"\ndown_revision = {down}\n"
            )
        };
        check(&source(" a", "'a'"), &["x"], &source(" x", "'x'"));
        check(&source(" stale", "'a'"), &["x"], &source(" x", "'x'"));
        check(&source(" a, b", "('a', 'b')"), &["x"], &source(" x", "'x'"));
        check(&source(" ('a', 'b')", "('a', 'b')"), &["x"], &source(" ('x',)", "'x'"));
        check(&source(" 'a'", "'a'"), &["x"], &source(" 'x'", "'x'"));
        check(&source(" ", "None"), &["x"], &source(" x", "'x'"));
        check(&source("", "None"), &["x"], &source(" x", "'x'"));
    }

    #[test]
    fn a_byte_order_mark_stays() {
        check("\u{feff}down_revision = 'a'\n", &["x"], "\u{feff}down_revision = 'x'\n");
    }

    #[test]
    fn an_edit_is_written_in_the_files_encoding() {
        let source = b"# coding: latin-1\n\"\"\"g\xf6\n\nRevises: gr\xf6\xdfe\n\"\"\"\ndown_revision = \"gr\xf6\xdfe\" # \xe9\n";
        let parsed = parse_script(source).expect("readable");
        let edits = |id| {
            let new = [RevisionId::new(id).expect("legal id")];
            set_down_revisions(source, &parsed.header, &new)
        };
        let edited = apply_edits(source, edits("süß").expect("editable"));
        let expected = b"# coding: latin-1\n\"\"\"g\xf6\n\nRevises: s\xfc\xdf\n\"\"\"\ndown_revision = \"s\xfc\xdf\" # \xe9\n";
        assert_eq!(edited.escape_ascii().to_string(), expected.escape_ascii().to_string());
        let error = edits("表").expect_err("no such character");
        insta::assert_snapshot!(error, @"`\"表\"` cannot be written in latin-1, which the file declares");
    }

    #[test]
    fn what_only_python_knows_is_not_edited() {
        refused(
            "down_revision = f()\n",
            &EditError::Dynamic { field: "down_revision", source_text: "f()".to_owned() },
        );
        refused("revision = down_revision = 'a'\n", &EditError::Shared { field: "down_revision" });
        refused("x = 1\n", &EditError::Absent { field: "down_revision" });
    }

    #[test]
    fn a_computed_dependency_stays_when_its_neighbour_is_renamed() {
        let renamed = |source: &str| {
            let parsed = parse_script(source.as_bytes()).expect("readable");
            let new = |old: &str| (old == "0043").then_some("0044");
            let edits = rename_dependencies(source.as_bytes(), &parsed.header, new);
            String::from_utf8(apply_edits(source.as_bytes(), edits.expect("editable")))
                .expect("utf-8")
        };
        assert_eq!(
            renamed("depends_on = (\"0043\", other.revision, 'x')\n"),
            "depends_on = (\"0044\", other.revision, 'x')\n"
        );
        assert_eq!(renamed("depends_on = '0043'\n"), "depends_on = '0044'\n");
        assert_eq!(renamed("depends_on = f()\n"), "depends_on = f()\n");
    }

    #[test]
    fn a_sequence_bound_to_a_name_is_replaced_where_it_is_used() {
        check(
            "PAIR = ('a', 'b')\ndown_revision = PAIR\ndepends_on = PAIR\n",
            &["x", "y"],
            "PAIR = ('a', 'b')\ndown_revision = ('x', 'y')\ndepends_on = PAIR\n",
        );
    }
}
