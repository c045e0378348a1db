//! Findings as a compiler shows them: the sentence, the source line with what
//! is meant underlined, related places, and the help.

use std::sync::Arc;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet,
};

use super::escape::{escaped, is_unsafe};
use crate::check::{Finding, Level, Location, SuppressedFinding};
use crate::tree::RepoPath;

/// The bytes of a file as it was judged; `None` if it is not to be had.
/// Bytes and not text, since the spans of findings count bytes.
pub type Sources<'a> = &'a dyn Fn(&RepoPath) -> Option<Arc<Vec<u8>>>;

/// How findings are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingsStyle {
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// All findings, one block each, and a summary line; empty without findings.
pub fn render_findings(findings: &[Finding], sources: Sources<'_>, style: FindingsStyle) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width.max(40));
    let mut text = String::new();
    for finding in findings {
        text += &renderer.render(&[group(finding, sources)]);
        text += "\n\n";
    }
    if !findings.is_empty() {
        text += &render_summary(findings);
        text.push('\n');
    }
    text
}

/// What is not told, a line each: `ignored: DBM010 in versions/a.py (a typo)`.
pub fn render_suppressed(suppressed: &[SuppressedFinding]) -> String {
    let line = |suppressed: &SuppressedFinding| {
        let SuppressedFinding { finding, reason } = suppressed;
        let place = finding.location.as_ref();
        let place = place.map_or(String::new(), |l| format!(" in {}:{}", l.path, l.line));
        let reason = reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
        escaped(&format!("ignored: {}{place}{reason}", finding.code)).into_owned() + "\n"
    };
    suppressed.iter().map(line).collect()
}

/// `2 errors, 1 warning (1 of them in upstream already)`; `no findings`.
pub fn render_summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|f| f.level == level).count();
    let counts: Vec<String> =
        [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "note")]
            .into_iter()
            .map(|(level, word)| (count(level), word))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
            .collect();
    let known = findings.iter().filter(|f| !f.is_new).count();
    match (counts.as_slice(), known) {
        ([], _) => "no findings".to_owned(),
        (_, 0) => counts.join(", "),
        (_, all) if all == findings.len() => {
            format!("{} (in upstream already)", counts.join(", "))
        }
        _ => format!("{} ({known} of them in upstream already)", counts.join(", ")),
    }
}

fn group<'a>(finding: &Finding, sources: Sources<'_>) -> Group<'a> {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Note => Title::NOTE,
    };
    let mut group = level
        .primary_title(escaped(&finding.message).into_owned())
        .id(finding.code.to_string())
        .elements(Vec::<Snippet<'_, Annotation<'_>>>::new());
    if let Some(location) = &finding.location {
        let label = finding.label.as_deref();
        group = add_place(group, location, AnnotationKind::Primary, label, sources);
    }
    for (location, words) in &finding.related {
        group = add_place(group, location, AnnotationKind::Context, Some(words), sources);
    }
    if !finding.is_new {
        group = group.element(Title::NOTE.message("upstream has this already"));
    }
    match &finding.help {
        Some(help) => group.element(Title::HELP.message(escaped(help).into_owned())),
        None => group,
    }
}

fn add_place<'a>(
    group: Group<'a>,
    location: &Location,
    kind: AnnotationKind,
    label: Option<&str>,
    sources: Sources<'_>,
) -> Group<'a> {
    let path = escaped(location.path.as_str()).into_owned();
    let excerpt = sources(&location.path).and_then(|bytes| Excerpt::of(&bytes, location));
    let Some(excerpt) = excerpt else {
        let is_whole_file = location.line == 1 && location.span.is_none();
        let origin = Origin::path(path);
        let group = group.element(match is_whole_file {
            true => origin,
            false => origin.line(location.line as usize),
        });
        return match label {
            Some(words) => group.element(Title::NOTE.message(escaped(words).into_owned())),
            None => group,
        };
    };
    let annotation = kind.span(excerpt.marked.clone());
    let annotation = match label {
        Some(words) => annotation.label(escaped(words).into_owned()),
        None => annotation,
    };
    let snippet = Snippet::source(excerpt.text)
        .line_start(location.line as usize)
        .path(path)
        .annotation(annotation);
    group.element(snippet)
}

/// The lines that hold a location, cut to what a terminal can show.
#[derive(Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// What to underline, in bytes of `text`.
    marked: std::ops::Range<usize>,
}

/// A line longer than this is cut around what is marked: generated and
/// minified files have lines of megabytes.
const LONGEST_LINE: usize = 300;
/// What is kept of a longer one on either side.
const MARGIN: usize = 60;
/// A marked value of more lines is marked in its first line only.
const MOST_LINES: usize = 8;

impl Excerpt {
    /// `None` for a location that is a whole file, or not in `bytes` at all.
    fn of(bytes: &[u8], location: &Location) -> Option<Self> {
        let (start, end) = match location.span {
            Some(span) => span,
            None if location.line > 1 => line_span(bytes, location.line)?,
            None => return None,
        };
        if start > end || end > bytes.len() {
            return None;
        }
        let end =
            if lines_in(&bytes[start..end]) > MOST_LINES { end_of_line(bytes, start) } else { end };
        let first = bytes[..start].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let last = end_of_line(bytes, end);
        let mut text = before(&bytes[first..start], last - first);
        let marked_from = text.len();
        text += &cut(&bytes[start..end], LONGEST_LINE);
        let marked_to = text.len();
        text += &cut(
            &bytes[end..last],
            if last - first > LONGEST_LINE { MARGIN } else { LONGEST_LINE },
        );
        Some(Self { text, marked: marked_from..marked_to })
    }
}

fn before(bytes: &[u8], line_length: usize) -> String {
    if line_length <= LONGEST_LINE || bytes.len() <= MARGIN {
        return visible(bytes);
    }
    let from = (bytes.len() - MARGIN..bytes.len())
        .find(|&at| bytes[at] & 0xc0 != 0x80)
        .unwrap_or(bytes.len() - MARGIN);
    format!("…{}", visible(&bytes[from..]))
}

fn cut(bytes: &[u8], longest: usize) -> String {
    if bytes.len() <= longest {
        return visible(bytes);
    }
    let to = (0..=longest).rev().find(|&at| bytes[at] & 0xc0 != 0x80).unwrap_or(longest);
    format!("{}…", visible(&bytes[..to]))
}

/// Bytes as text of the same look: what is not UTF-8, or would be obeyed by a
/// terminal, is a replacement character.
fn visible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|&c| c != '\r')
        .map(|c| if is_unsafe(c) && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c })
        .collect()
}

/// The line numbered `line` without the white space around it.
fn line_span(bytes: &[u8], line: u32) -> Option<(usize, usize)> {
    let mut start = 0;
    for _ in 1..line {
        start += bytes.get(start..)?.iter().position(|&b| b == b'\n')? + 1;
    }
    let text = &bytes[start..end_of_line(bytes, start)];
    let indent = text.len() - text.trim_ascii_start().len();
    Some((start + indent, start + indent + text.trim_ascii().len()))
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| from + at)
}

fn lines_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, judge, with_upstream};
    use crate::check::{Code, Judged, run_rules};

    const PLAIN: FindingsStyle = FindingsStyle { color: false, width: 100 };

    #[track_caller]
    fn check(judged: &Judged<'_>) -> String {
        let scripts = &judged.history.scripts;
        let sources = |path: &RepoPath| {
            scripts.iter().find(|s| s.file.path == *path).map(|s| Arc::clone(&s.file.bytes))
        };
        render_findings(&run_rules(judged), &sources, PLAIN)
    }

    /// One finding in one file.
    fn one(bytes: &[u8], line: u32, span: Option<(usize, usize)>, style: FindingsStyle) -> String {
        let path = RepoPath::new("v/b.py").expect("inside");
        let finding = Finding::new(Code(6), Level::Error, "it is wrong")
            .at(Location { path, line, span })
            .help("mend it");
        let bytes = Arc::new(bytes.to_vec());
        render_findings(&[finding], &|_| Some(Arc::clone(&bytes)), style)
    }

    #[test]
    fn diverged_heads_show_both_values_and_the_way_out() {
        let landed = history("<base> -> a\na -> m");
        let ours = history("<base> -> a\na -> m\na -> z");
        insta::assert_snapshot!(check(&with_upstream(&ours, &landed, &ours)), @"
        error[DBM001]: heads `z` and `m` have diverged since `a`
         --> versions/z.py:7:17
          |
        7 | down_revision = 'a'
          |                 ^^^ head `z`, own
          |
         ::: versions/m.py:7:17
          |
        7 | down_revision = 'a'
          |                 --- head `m`, landed on origin/main
          |
          = help: run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision

        1 error
        ");
    }

    #[test]
    fn a_deleted_file_has_a_path_but_no_line_to_show() {
        let (landed, ours) = (history("<base> -> a\na -> b"), history("<base> -> a"));
        insta::assert_snapshot!(check(&with_upstream(&ours, &landed, &ours)), @"
        error[DBM009]: landed revision `b` was deleted: `versions/b.py` is gone
        --> versions/b.py
         = help: run `git checkout origin/main -- versions/b.py`

        1 error
        ");
    }

    #[test]
    fn warnings_and_notes_are_called_so_and_counted() {
        let source = "\"\"\"b\n\nRevises: x\n\"\"\"\nrevision = 'b'\ndown_revision = 'a'\n\
                      depends_on = f()\n";
        let ours = history_and("<base> -> a", &[("versions/b.py", source)]);
        insta::assert_snapshot!(check(&judge(&ours)), @"
        warning[DBM013]: the docstring says `Revises: x`, the code `a`
         --> versions/b.py:3:10
          |
        3 | Revises: x
          |          ^
          |
         ::: versions/b.py:6:17
          |
        6 | down_revision = 'a'
          |                 --- what alembic reads
          |
          = help: write `a` there

        note[DBM006]: `depends_on` is computed: `f()`
         --> versions/b.py:7:14
          |
        7 | depends_on = f()
          |              ^^^
          |
          = help: the dependency is unknown here; a literal would make it known

        1 warning, 1 note
        ");
    }

    #[test]
    fn what_upstream_has_already_is_said_to_be_so() {
        let ours = history("<base> -> a\nx -> b");
        let text = check(&with_upstream(&ours, &ours, &ours));
        assert!(text.contains("= note: upstream has this already\n"), "{text}");
        assert!(text.ends_with("\n\n1 error (in upstream already)\n"), "{text}");
    }

    #[test]
    fn without_findings_nothing_is_shown() {
        assert_eq!(check(&judge(&history("<base> -> a"))), "");
        assert_eq!(render_summary(&[]), "no findings");
    }

    #[test]
    fn control_characters_of_the_repository_do_not_reach_the_terminal() {
        let text = one(b"x = '\x1b[2J\xc2\x9b2J'\r\n", 1, Some((4, 14)), PLAIN);
        assert!(text.chars().all(|c| c == '\n' || !is_unsafe(c)), "{text:?}");
        let path = RepoPath::new("v/\x1b[2J.py").expect("inside");
        let finding = Finding::new(Code(1), Level::Error, "a\x1bb")
            .at(Location::file(path))
            .help("run `git add \x07`");
        let text = render_findings(&[finding], &|_| None, PLAIN);
        assert!(text.chars().all(|c| c == '\n' || !is_unsafe(c)), "{text:?}");
    }

    #[test]
    fn spans_of_a_file_that_is_not_utf_8_point_at_the_right_place() {
        let text = one(b"# \xe9\xe9\xe9\nx = '\xe9'; y = 'here'\n", 2, Some((19, 25)), PLAIN);
        insta::assert_snapshot!(text, @"
        error[DBM006]: it is wrong
         --> v/b.py:2:14
          |
        2 | x = '�'; y = 'here'
          |              ^^^^^^
          |
          = help: mend it

        1 error
        ");
    }

    #[test]
    fn a_minified_line_is_cut_around_what_is_marked() {
        let long = "é".repeat(1 << 20);
        let line = format!("x = '{long}'; y = 'here'; z = '{long}'\n");
        let at = line.find("'here'").expect("in it");
        let text = one(line.as_bytes(), 1, Some((at, at + 6)), PLAIN);
        assert!(text.len() < 2_000 && text.contains("y = 'here'"), "{text}");
        let whole = one(line.as_bytes(), 1, Some((0, line.len() - 1)), PLAIN);
        assert!(whole.len() < 4_000, "{whole}");
    }

    #[test]
    fn a_value_over_many_lines_is_marked_in_the_first() {
        let source = format!("x = (\n{})\n", "    'a',\n".repeat(50));
        let text = one(source.as_bytes(), 1, Some((4, source.len() - 1)), PLAIN);
        insta::assert_snapshot!(text, @"
        error[DBM006]: it is wrong
         --> v/b.py:1:5
          |
        1 | x = (
          |     ^
          |
          = help: mend it

        1 error
        ");
    }

    #[test]
    fn a_span_beyond_the_file_shows_the_place_alone() {
        let text = one(b"x", 7, Some((40, 44)), PLAIN);
        assert!(text.contains("--> v/b.py:7"), "{text}");
        let empty = one(b"x = \n", 1, Some((4, 4)), PLAIN);
        assert!(empty.contains("--> v/b.py:1:5"), "{empty}");
    }

    #[test]
    fn colour_is_used_only_where_it_is_wanted() {
        let style = FindingsStyle { color: true, ..PLAIN };
        assert!(one(b"x = 1\n", 1, Some((4, 5)), style).contains("\x1b[1m\x1b[91merror"));
        assert!(!one(b"x = 1\n", 1, Some((4, 5)), PLAIN).contains('\x1b'));
    }
}
