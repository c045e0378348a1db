//! Bytes of a script → header, with what is wrong with the syntax beside it.

use std::sync::Arc;

use ruff_python_ast::ModModule;

use super::header::{Header, is_header_name, read_header};
use super::nesting::{Nesting, too_deep};
use super::plain::{plain_functions, start_of_functions};
use super::{DecodeError, SourceText, Span, line_of};
use crate::tree::MAX_FILE_BYTES;

/// The first syntax error of a file, in the parser's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxProblem {
    pub message: String,
    pub span: Span,
    /// 1-based.
    pub line: u32,
}

/// A file that could be read as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Shared: the same content is read from several states of the files.
    pub header: Arc<Header>,
    /// Python would refuse the file; the header is what could be saved.
    pub syntax: Option<SyntaxProblem>,
}

/// A file of which nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("{nesting}")]
    TooDeep { nesting: Nesting, span: Option<Span> },
    #[error("larger than {limit} bytes")]
    TooLarge { limit: usize },
}

/// Parses the file with Ruff's parser, which recovers from errors: the whole of it, or
/// up to functions that are plain enough to be told valid without.
pub fn parse_script(bytes: &[u8]) -> Result<Parsed, ParseFailure> {
    let source = decode(bytes)?;
    Ok(parse_before_plain_functions(&source, bytes).unwrap_or_else(|| parse_whole(&source, bytes)))
}

/// `None` where that may not be what the whole file gives.
fn parse_before_plain_functions(source: &SourceText<'_>, bytes: &[u8]) -> Option<Parsed> {
    let text = source.text.as_ref();
    let start = start_of_functions(text)?;
    let functions = plain_functions(&text[start..])?;
    if functions.iter().any(|function| is_header_name(function.name)) {
        return None;
    }
    let parsed = parse_text(&text[..start]);
    // A statement that goes on beyond `start` is not complete here.
    parsed.errors().is_empty().then(|| {
        let header = read_header(parsed.suite(), &functions, source, bytes);
        Parsed { header: Arc::new(header), syntax: None }
    })
}

fn parse_whole(source: &SourceText<'_>, bytes: &[u8]) -> Parsed {
    let parsed = parse_text(&source.text);
    let syntax = parsed.errors().first().map(|error| {
        conflict_marker(bytes).unwrap_or_else(|| {
            let span = source.in_file(error.location.to_std_range());
            let line = line_of(bytes, span.start);
            SyntaxProblem { message: error.error.to_string(), line, span }
        })
    });
    Parsed { header: Arc::new(read_header(parsed.suite(), &[], source, bytes)), syntax }
}

/// The text of a file and its syntax tree, which is shallow enough to be walked
/// and dropped.
pub(super) fn parse_module(
    bytes: &[u8],
) -> Result<(SourceText<'_>, ruff_python_parser::Parsed<ModModule>), ParseFailure> {
    let source = decode(bytes)?;
    let parsed = parse_text(&source.text);
    Ok((source, parsed))
}

/// The text of a file that is neither too large nor too deep to be parsed.
fn decode(bytes: &[u8]) -> Result<SourceText<'_>, ParseFailure> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ParseFailure::TooLarge { limit: MAX_FILE_BYTES });
    }
    let source = SourceText::decode(bytes)?;
    match too_deep(&source.text) {
        None => Ok(source),
        Some((nesting, span)) => {
            let span = span.map(|span| source.in_file(span));
            Err(ParseFailure::TooDeep { nesting, span })
        }
    }
}

fn parse_text(text: &str) -> ruff_python_parser::Parsed<ModModule> {
    ruff_python_parser::parse_unchecked_source(text, ruff_python_ast::PySourceType::Python)
}

fn conflict_marker(bytes: &[u8]) -> Option<SyntaxProblem> {
    let mut offset = 0;
    for line in bytes.split_inclusive(|&b| matches!(b, b'\n' | b'\r')) {
        let content = line.trim_ascii_end();
        if line.starts_with(b"<<<<<<< ") || content == b"<<<<<<<" {
            return Some(SyntaxProblem {
                message: "conflict markers: the file was left in the middle of a merge".to_owned(),
                span: offset..offset + content.len(),
                line: line_of(bytes, offset),
            });
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = r#""""add a table

Revision ID: b2
Revises: a1
"""
from alembic import op

revision: str = 'b2'
down_revision = "a1"
branch_labels = depends_on = None

"#;

    /// What plain functions hold.
    const PLAIN: [&str; 3] = [
        r#"
def upgrade() -> None:
    """What it does: 'this' and "that", ü."""
    op.create_table(
        "t",
        sa.Column("id", sa.Integer(), primary_key=True, nullable=False),  # a comment
        sa.Column('name', sa.String(length=64), server_default=sa.text('\'ü\'')),

        sa.PrimaryKeyConstraint("id", name=op.f("pk_t")), schema=None
    )
    # between two
    with op.batch_alter_table("t", schema=None) as batch_op:
        batch_op.add_column(sa.Column("x", sa.Numeric(10, 2), default=-1.5))
        batch_op.create_index(batch_op.f("ix"), ["x", 'y'], unique=False,)


def downgrade() -> None:
    op.drop_table("t")
"#,
        r#"
def upgrade():
    conn = op.get_bind()
    for row in conn.execute(sa.text(r"select \d" "from t")).fetchall():
        if row[0] is not None and not row.x == "a" or row.y in (1, 2):
            conn.execute(t.update().where(t.c.id == row.id).values({"x": row.x + 1, "y": {}}))
        elif row.z not in [] or {1, ...}:
            pass
        else:
            raise ValueError("no " * 2 % row)
    op.execute("""
insert into t
values ('x\
')
""")
    return

def other(conn: sa.Connection, names: dict[str, int] = {}, last=None,) -> "None":
    x.y[1:, ::2] = {name: x for name, x in names.items() if x if not y for y in x}
    while f"{{{name.x}}} {y}" 'z':
        for (a, b) in zip(*names, [a for a, b in c], **more, key=1):
            break
    any(x if y else z for x in a[:-1])
    return -(1 - 2) ** 3 // 4 << 5 >= x[0] != 0.5
"#,
        "
def downgrade():
    pass  # nothing
def upgrade():
    '''Nothing'''
    ...
    return
",
    ];

    /// Words that make something else of what they come into.
    const WORDS: &str = "( ) [ ] { } , : = == := . ... * ** -> \" \"\"\" ' ''' \\ # ; 0 1. 1_0 0x1 e \
        j r b f u rb f'{x}' \\N \\x1 @ ! ~ - not in is and or if else elif for with as async await \
        lambda yield return raise pass def class from None True print match case type revision \
        upgrade x ü x= x=1 *x **x a,b a=1,a=2";

    fn whole_and_short(text: &str) -> (Parsed, Option<Parsed>) {
        let source = SourceText::decode(text.as_bytes()).expect("UTF-8");
        let short = parse_before_plain_functions(&source, text.as_bytes());
        (parse_whole(&source, text.as_bytes()), short)
    }

    #[track_caller]
    fn check(text: &str, is_plain: bool) {
        let (whole, short) = whole_and_short(text);
        assert_eq!(short, is_plain.then_some(whole), "{text}");
    }

    #[test]
    fn plain_functions_need_no_syntax_tree() {
        for functions in PLAIN {
            check(&format!("{HEADER}{functions}"), true);
            check(&format!("{HEADER}{functions}").replace('\n', "\r\n"), true);
        }
        check("def upgrade():\n    pass", true);
    }

    #[test]
    fn the_parser_decides_about_whatever_is_not_plain() {
        for body in [
            "x = [lambda: y]",
            "import sys",
            "try:\n        pass\n    finally:\n        pass",
            "op.f(a=1, a=2)",
            "op.f(a=1, 2)",
            "op.f(1=2)",
            "op.f(*a, b=1, *c)",
            "op.f(a for a in b, c)",
            "x = [y for y in z if a if b else c]",
            "x() = 1",
            "-x.y = 1",
            "x[] = 1",
            "f'{x!r}'",
            "f'}'",
            "f'}x}'",
            "op.f(",
            "'\\N{none}'",
            "pass\n  pass",
            "pass\n\tpass",
            "if x: pass",
            "('in brackets')",
        ] {
            check(&format!("{HEADER}def upgrade():\n    {body}\n"), false);
        }
        let more = ["revision = 'c3'", "def revision():\n    pass", "@x", "<<<<<<< ours", "  x"];
        for more in more {
            check(&format!("{HEADER}{}{more}\n", PLAIN[0]), false);
        }
        let many: Vec<String> = (0..1000).map(|n| format!("x{n}=1")).collect();
        check(&format!("{HEADER}def upgrade():\n    f({})\n", many.join(", ")), false);
        check(&format!("{HEADER}def upgrade({}):\n    pass\n", many.join(", ")), false);
        let open = ["@x\n", "x = (\n", "x = '''\n", "if x:\n", "x = 1 \\\n", "try:\n    pass\n"];
        for open in open {
            check(&format!("{open}def upgrade():\n    pass\n"), false);
        }
    }

    fn edited(mut text: String, edits: &[(prop::sample::Index, usize, &str)]) -> String {
        for (at, cut, word) in edits {
            let at = text.floor_char_boundary(at.index(text.len().max(1)));
            let end = text.ceil_char_boundary((at + cut).min(text.len()));
            text.replace_range(at..end, word);
        }
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16_384))]

        #[test]
        fn what_is_called_plain_is_what_the_parser_makes_of_it(
            functions in prop::sample::select(&PLAIN),
            edits in prop::collection::vec(
                (
                    any::<prop::sample::Index>(),
                    prop_oneof![Just(0usize), 1..9usize],
                    prop_oneof![
                        3 => prop::sample::select(WORDS.split(' ').collect::<Vec<_>>()),
                        1 => prop::sample::select(vec!["", " ", "\n", "\n    ", "\t", "\r", ", "]),
                    ],
                ),
                1..4,
            ),
        ) {
            let text = edited(format!("{HEADER}{functions}"), &edits);
            let (whole, short) = whole_and_short(&text);
            prop_assert!(short.is_none_or(|short| short == whole), "{text}");
        }
    }
}
