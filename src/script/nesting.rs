//! How deeply a file nests, found without recursion and before it is parsed:
//! the parser grows its stack as needed, but who walks or drops a tree of a
//! million levels would overflow his.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

use super::Span;

/// CPython's own limit (`MAXLEVEL` in `Parser/tokenizer.h`).
const MAX_BRACKETS: usize = 200;

/// CPython's own limit (`MAXINDENT` there).
const MAX_INDENTS: usize = 100;

/// Operators in a row, and all that encloses them. CPython's compiler gives up
/// after 3,000 (up to 3.11) or some thousands more. A tree of so many levels is
/// dropped in half a megabyte of stack, which is what any thread has.
const MAX_LINKS: usize = 8_000;

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nesting {
    #[error("more than {MAX_BRACKETS} nested brackets, which Python refuses too")]
    Brackets,
    #[error("more than {MAX_INDENTS} levels of indentation, which Python refuses too")]
    Indents,
    #[error("an expression of more than {MAX_LINKS} operators")]
    Links,
}

/// What is too deep in `text`, if anything is, and the line that makes it so
/// where that can be told.
pub(super) fn too_deep(text: &str) -> Option<(Nesting, Option<Span>)> {
    let nesting = nesting_of(text)?;
    // The lexer does not tell where it is, so the place is searched for.
    let place = (text.len() <= MAX_SEARCHED).then(|| {
        let mut end = 0;
        let lines = text.split_inclusive(['\n', '\r']).map(|line| {
            end += line.len();
            end - line.len()..end
        });
        let lines: Vec<Span> = lines.collect();
        let at = lines.partition_point(|line| nesting_of(&text[..line.end]).is_none());
        let line = lines.get(at).cloned().unwrap_or(0..text.len());
        line.start..line.start + text[line].trim_end().len()
    });
    Some((nesting, place))
}

/// A larger file takes too long to be lexed over and over.
const MAX_SEARCHED: usize = 1 << 20;

fn nesting_of(text: &str) -> Option<Nesting> {
    if is_surely_shallow(text.as_bytes()) {
        return None;
    }
    let mut lexer = lex(text, Mode::Module);
    let mut levels = Levels::default();
    loop {
        let token = lexer.next_token();
        if let Some(nesting) = levels.enter(token) {
            return Some(nesting);
        }
        if token == TokenKind::EndOfFile {
            break;
        }
    }
    // In an unclosed bracket the lexer sees no indentation. The parser does, once
    // it has given the bracket up.
    (levels.has_unclosed && has_deep_indentation(text)).then_some(Nesting::Indents)
}

/// What any other file of ordinary size is told by in one pass over its bytes.
fn is_surely_shallow(bytes: &[u8]) -> bool {
    // A hundred indents take 1 + 2 + … + 100 bytes of white space, and an
    // operator takes one of its own: most files have no room for either.
    const SMALL: usize = MAX_INDENTS * (MAX_INDENTS + 1) / 2;
    if bytes.len() < SMALL {
        // Sums of one byte each: those are added up many at once.
        let opened = bytes.chunks(usize::from(u8::MAX)).map(|chunk| {
            let is_bracket = |byte: &u8| u8::from(matches!(byte, b'(' | b'[' | b'{'));
            usize::from(chunk.iter().map(is_bracket).sum::<u8>())
        });
        if opened.sum::<usize>() <= MAX_BRACKETS {
            return true;
        }
    }
    let (mut brackets, mut links, mut indent) = (0usize, 0usize, Some(0usize));
    let mut after_word = false;
    for &byte in bytes {
        let is_word = byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii();
        let is_space = matches!(byte, b' ' | b'\t' | b'\x0c');
        match byte {
            b'(' | b'[' | b'{' => brackets += 1,
            b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        indent = match byte {
            b'\n' | b'\r' => Some(0),
            _ if is_space => indent.map(|width| width + 1),
            _ => None,
        };
        // One for each operator, and one for each word, which may be one.
        links += usize::from((!is_word && !is_space) || (is_word && !after_word));
        after_word = is_word;
        let is_deep = brackets > MAX_BRACKETS || indent.is_some_and(|width| width >= MAX_INDENTS);
        if is_deep || links > MAX_LINKS {
            return false;
        }
    }
    true
}

/// One thing that encloses others, by the token that ends it: a bracket, an
/// f-string, a block.
struct Level {
    end: TokenKind,
    /// Operators since the last comma or statement.
    links: usize,
    /// `lambda`s whose `:` is still to come; commas there separate parameters.
    lambdas: usize,
    /// After `yield`, commas belong to its operand.
    yields: bool,
}

impl Level {
    fn new(end: TokenKind) -> Self {
        Self { end, links: 0, lambdas: 0, yields: false }
    }
}

/// All that encloses the current token.
struct Levels {
    open: Vec<Level>,
    brackets: usize,
    indents: usize,
    /// Of all open levels.
    links: usize,
    /// Whether a line, or the file, ended within a bracket.
    has_unclosed: bool,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            open: vec![Level::new(TokenKind::Dedent)],
            brackets: 0,
            indents: 0,
            links: 0,
            has_unclosed: false,
        }
    }
}

impl Levels {
    fn enter(&mut self, token: TokenKind) -> Option<Nesting> {
        use TokenKind as T;
        match token {
            T::Lpar => self.open_bracket(T::Rpar),
            T::Lsqb => self.open_bracket(T::Rsqb),
            T::Lbrace => self.open_bracket(T::Rbrace),
            T::FStringStart => self.push(T::FStringEnd),
            T::TStringStart => self.push(T::TStringEnd),
            T::Indent => {
                self.push(T::Dedent);
                self.indents += 1;
            }
            T::Rpar | T::Rsqb | T::Rbrace | T::FStringEnd | T::TStringEnd | T::Dedent => {
                self.pop(token);
            }
            T::Newline => {
                // The parser has given up whatever is still open in the line.
                while self.top().end != T::Dedent {
                    self.has_unclosed = true;
                    self.pop(self.open[self.open.len() - 1].end);
                }
                self.cut();
            }
            T::Semi => self.cut(),
            T::Comma if self.top().lambdas == 0 && !self.top().yields => self.cut(),
            T::Yield => {
                self.top().yields = true;
                self.link();
            }
            T::Lambda => {
                self.top().lambdas += 1;
                self.link();
            }
            T::Colon => {
                self.top().lambdas = self.top().lambdas.saturating_sub(1);
                self.link();
            }
            T::Name | T::Int | T::Float | T::Complex | T::String | T::Comment => {}
            T::FStringMiddle | T::TStringMiddle | T::NonLogicalNewline => {}
            T::EndOfFile => self.has_unclosed |= self.brackets > 0,
            _ => self.link(),
        }
        if self.brackets > MAX_BRACKETS {
            Some(Nesting::Brackets)
        } else if self.indents > MAX_INDENTS {
            Some(Nesting::Indents)
        } else if self.links > MAX_LINKS {
            Some(Nesting::Links)
        } else {
            None
        }
    }

    fn top(&mut self) -> &mut Level {
        self.open.last_mut().expect("the module itself is never left")
    }

    fn link(&mut self) {
        self.top().links += 1;
        self.links += 1;
    }

    /// What follows is beside what was before, not in it.
    fn cut(&mut self) {
        let end = self.top().end;
        let before = std::mem::replace(self.top(), Level::new(end));
        self.links -= before.links;
    }

    fn open_bracket(&mut self, end: TokenKind) {
        self.link();
        self.push(end);
        self.brackets += 1;
    }

    fn push(&mut self, end: TokenKind) {
        self.open.push(Level::new(end));
        self.link();
    }

    /// What `end` does not fit stays open: the parser skips such an `end`.
    fn pop(&mut self, end: TokenKind) {
        if self.open.len() == 1 || self.top().end != end {
            return;
        }
        self.cut();
        self.open.pop();
        match end {
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => self.brackets -= 1,
            TokenKind::Dedent => self.indents -= 1,
            _ => {}
        }
    }
}

/// Whether there would be too many blocks were each deeper line one.
fn has_deep_indentation(text: &str) -> bool {
    let mut widths: Vec<usize> = Vec::new();
    for line in text.split(['\n', '\r']) {
        let content = line.trim_start_matches([' ', '\t', '\x0c']);
        if content.trim_end().is_empty() {
            continue;
        }
        let width = line.len() - content.len();
        while widths.last().is_some_and(|&last| last >= width) {
            widths.pop();
        }
        if width > 0 {
            widths.push(width);
        }
        if widths.len() > MAX_INDENTS {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Nesting>) {
        assert_eq!(too_deep(text).map(|(nesting, _)| nesting), expected);
    }

    fn nested(open: &str, close: &str, levels: usize) -> String {
        format!("x = {}1{}\n", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn what_cpython_accepts_is_accepted() {
        check(&nested("(", ")", MAX_BRACKETS), None);
        assert_eq!(
            too_deep(&nested("(", ")", MAX_BRACKETS + 1)),
            Some((Nesting::Brackets, Some(0..407)))
        );
        let blocks = |levels: usize| -> String {
            (0..levels).map(|n| format!("{}if a:\n", " ".repeat(n))).collect::<String>()
                + &" ".repeat(levels)
                + "pass\n"
        };
        check(&blocks(MAX_INDENTS), None);
        check(&blocks(MAX_INDENTS + 1), Some(Nesting::Indents));
        check(&format!("x = (\n{}", blocks(MAX_INDENTS + 1)), Some(Nesting::Indents));
    }

    #[test]
    fn chains_are_nesting_too() {
        for link in
            ["-", "not ", "lambda:", "lambda a, b: ", "1 if a else ", "a.", "1+", "a, *b ** "]
        {
            check(&nested(link, "", 2_000), None);
        }
        for link in ["-", "not ", "lambda:", "lambda a, b: ", "1 if a else ", "a.", "1+", "2**"] {
            check(&nested(link, "", MAX_LINKS + 1), Some(Nesting::Links));
        }
        check(&nested("", "()", MAX_LINKS + 1), Some(Nesting::Links));
        check(&nested("f'{", "}'", MAX_BRACKETS + 1), Some(Nesting::Brackets));
    }

    #[test]
    fn what_the_parser_takes_for_nesting_in_a_broken_file_is_nesting() {
        for link in ["yield a, ", "yield from ,", "* , yield from "] {
            check(&format!("x = {}\n", link.repeat(MAX_LINKS + 1)), Some(Nesting::Links));
        }
        check(&"{ : ] , ".repeat(MAX_LINKS), Some(Nesting::Brackets));
        check(&"x = ((([\n".repeat(MAX_LINKS), Some(Nesting::Brackets));
        check(&"x = (]\n".repeat(MAX_LINKS), None);
    }

    #[test]
    fn what_stands_side_by_side_is_no_nesting() {
        check(&format!("x = [{}]", "-a.b(c), ".repeat(MAX_LINKS)), None);
        check(&format!("x = {{{}}}", "'a': -1, ".repeat(MAX_LINKS)), None);
        check(&"x = -a.b(c)\n".repeat(MAX_LINKS), None);
        check(&"x = -1; ".repeat(MAX_LINKS), None);
        check(&format!("x = ({})", "'a'\n".repeat(MAX_LINKS)), None);
        check(&format!("if a:\n pass\n{}", "elif a:\n pass\n".repeat(MAX_LINKS)), None);
    }

    #[test]
    fn brackets_in_strings_and_comments_are_not_nesting() {
        let many = "(".repeat(500);
        check(&format!("x = '{many}'\n# {many}\ny = \"\"\"{many}\n'{many}\"\"\""), None);
        check(&format!("x = 'a\\'{many}'"), None);
    }
}
