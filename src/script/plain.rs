//! Functions that are plain enough to be told valid Python without a syntax tree of
//! them: calls and literals, assignments, conditions and loops.
//!
//! Most of a script is that, and a tree takes ten times as long as seeing that nothing
//! is wrong. What is accepted here the parser accepts as well; of anything else nothing is
//! said, and the parser decides.

/// Deeper code is the parser's.
const MAX_DEPTH: u8 = 32;

/// More names of arguments are the parser's: each is looked for among the others.
const MAX_NAMES: usize = 128;

/// A function at module level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainFunction<'a> {
    pub name: &'a str,
    /// Whether its body is nothing but docstrings, `pass`, `...` and bare `return`s.
    pub does_nothing: bool,
}

/// Where the functions of a script begin, as far as that can be told at a glance: at
/// the first line that begins with `def`. It may lie in a string.
pub(super) fn start_of_functions(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.starts_with(DEF) {
        return Some(0);
    }
    let lines = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
    let start = lines.into_iter().find(|&start| bytes[start..].starts_with(DEF))?;
    // A line that goes on makes another statement of it.
    let before = text[..start].trim_end_matches(['\n', '\r']);
    (!before.ends_with('\\')).then_some(start)
}

const DEF: &[u8] = b"def ";

/// The functions that `code` consists of, if it is nothing else and all of them are plain.
/// `code` has no NUL.
pub(super) fn plain_functions(code: &str) -> Option<Vec<PlainFunction<'_>>> {
    let mut reader = Reader { code, at: 0, brackets: 0, indent: None, keywords: Vec::new() };
    reader.begin_line()?;
    let mut functions = Vec::new();
    while reader.indent.is_some() {
        functions.push(reader.function()?);
    }
    Some(functions)
}

/// What an expression is, as far as its statement depends on that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What may be assigned to.
    Place,
    /// What does nothing where it stands: strings, `...`.
    Inert,
    Other,
}

/// What a string begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    None,
    Raw,
    Format,
}

/// Every method is `None` where something is not plain.
struct Reader<'a> {
    code: &'a str,
    at: usize,
    /// How many are open: line ends mean nothing in there.
    brackets: u8,
    /// Of the line whose first word is next; `None` at the end.
    indent: Option<usize>,
    /// Names of the arguments of all calls that are open.
    keywords: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn function(&mut self) -> Option<PlainFunction<'a>> {
        if self.indent != Some(0) || !self.pass("def") {
            return None;
        }
        self.skip_blanks();
        let name = self.name()?;
        self.parameters()?;
        self.skip_blanks();
        if self.is_at("->") {
            self.at += 2;
            self.expression()?;
        }
        let does_nothing = self.block(0, 0)?;
        Some(PlainFunction { name, does_nothing })
    }

    /// Names with their types and defaults.
    fn parameters(&mut self) -> Option<()> {
        self.expect(b'(')?;
        self.brackets += 1;
        self.skip_blanks();
        let (mut names, mut has_default) = (Vec::new(), false);
        while self.byte() != b')' {
            let name = self.name()?;
            self.skip_blanks();
            if self.byte() == b':' {
                self.at += 1;
                self.expression()?;
            }
            let is_given = self.byte() == b'=';
            let is_refused = names.contains(&name) || (has_default && !is_given);
            if is_refused || names.len() >= MAX_NAMES {
                return None;
            }
            if is_given {
                self.at += 1;
                self.expression()?;
                has_default = true;
            }
            names.push(name);
            self.comma_before(b')')?;
        }
        self.close(b')')
    }

    /// A colon and lines that are indented by more than `outer`; whether they do nothing.
    fn block(&mut self, outer: usize, depth: u8) -> Option<bool> {
        self.expect(b':')?;
        self.end_line()?;
        let indent = self.indent.filter(|&indent| indent > outer && depth < MAX_DEPTH)?;
        let mut does_nothing = true;
        while self.indent == Some(indent) {
            does_nothing &= self.statement(indent, depth)?;
        }
        // One that is between the two belongs to no block.
        self.indent.is_none_or(|next| next <= outer).then_some(does_nothing)
    }

    /// Whether it does nothing.
    fn statement(&mut self, indent: usize, depth: u8) -> Option<bool> {
        let word = self.word();
        let after = self.at + word.len();
        match word {
            "pass" | "break" | "continue" => {
                self.at = after;
                self.end_line()?;
                return Some(word == "pass");
            }
            "return" | "raise" => {
                self.at = after;
                self.skip_blanks();
                let is_bare = matches!(self.byte(), b'\n' | b'\r' | b'#' | 0);
                if !is_bare {
                    self.expression()?;
                }
                self.end_line()?;
                return Some(is_bare && word == "return");
            }
            "with" => {
                self.at = after;
                self.skip_blanks();
                // Brackets may be those of the statement.
                if self.byte() == b'(' {
                    return None;
                }
                self.expression()?;
                if self.pass("as") {
                    self.skip_blanks();
                    self.name()?;
                }
                self.block(indent, depth + 1)?;
            }
            "for" => {
                self.at = after;
                self.targets()?;
                self.expression()?;
                self.block(indent, depth + 1)?;
            }
            "while" => {
                self.at = after;
                self.expression()?;
                self.block(indent, depth + 1)?;
            }
            "if" => {
                self.at = after;
                self.expression()?;
                self.block(indent, depth + 1)?;
                self.branches(indent, depth)?;
            }
            // These begin other statements where more follows.
            "match" | "case" | "type" => return None,
            // In the tree a string in brackets is a string.
            "" if self.byte() == b'(' => return None,
            _ => return self.simple_statement(),
        }
        Some(false)
    }

    fn branches(&mut self, indent: usize, depth: u8) -> Option<()> {
        while self.indent == Some(indent) {
            if self.pass("elif") {
                self.expression()?;
                self.block(indent, depth + 1)?;
            } else if self.pass("else") {
                self.block(indent, depth + 1)?;
                break;
            } else {
                break;
            }
        }
        Some(())
    }

    /// What a loop assigns to, and the `in` after it.
    fn targets(&mut self) -> Option<()> {
        self.skip_blanks();
        let is_bracketed = self.byte() == b'(';
        if is_bracketed {
            self.open()?;
            self.skip_blanks();
        }
        loop {
            self.name()?;
            self.skip_blanks();
            if self.byte() != b',' {
                break;
            }
            self.at += 1;
            self.skip_blanks();
        }
        if is_bracketed {
            self.close(b')')?;
            self.skip_blanks();
        }
        self.pass("in").then_some(())
    }

    /// An expression, or what is assigned to a place; whether it does nothing.
    fn simple_statement(&mut self) -> Option<bool> {
        let kind = self.expression()?;
        let is_assignment = self.byte() == b'=';
        if is_assignment {
            self.at += 1;
            self.expression()?;
        }
        self.end_line()?;
        (!is_assignment || kind == Kind::Place).then_some(kind == Kind::Inert)
    }

    /// An expression and the blanks after it.
    fn expression(&mut self) -> Option<Kind> {
        let kind = self.condition()?;
        if !self.pass("if") {
            return Some(kind);
        }
        self.condition()?;
        if !self.pass("else") {
            return None;
        }
        self.expression()?;
        Some(Kind::Other)
    }

    /// An expression without `if`.
    fn condition(&mut self) -> Option<Kind> {
        let kind = self.conjunct()?;
        let mut is_alone = true;
        while self.pass("and") || self.pass("or") {
            self.conjunct()?;
            is_alone = false;
        }
        Some(if is_alone { kind } else { Kind::Other })
    }

    fn conjunct(&mut self) -> Option<Kind> {
        self.skip_blanks();
        let mut is_alone = true;
        while self.pass("not") {
            self.skip_blanks();
            is_alone = false;
        }
        let kind = self.operand()?;
        self.skip_blanks();
        while self.operator()? {
            self.skip_blanks();
            self.operand()?;
            self.skip_blanks();
            is_alone = false;
        }
        Some(if is_alone { kind } else { Kind::Other })
    }

    /// Passes an operator between two operands; whether there is one.
    fn operator(&mut self) -> Option<bool> {
        let rest = &self.code.as_bytes()[self.at..];
        let next = rest.get(1).copied().unwrap_or(0);
        let length = match self.byte() {
            b'+' | b'-' | b'%' | b'@' | b'&' | b'|' | b'^' => 1,
            first @ (b'*' | b'/') => 1 + usize::from(next == first),
            first @ (b'<' | b'>') => 1 + usize::from(next == first || next == b'='),
            b'=' | b'!' if next == b'=' => 2,
            b'i' | b'n' => return self.worded_operator(),
            _ => 0,
        };
        self.at += length;
        Some(length > 0)
    }

    fn worded_operator(&mut self) -> Option<bool> {
        if self.pass("in") {
            return Some(true);
        }
        let is_negated = self.pass("not");
        if !is_negated && !self.pass("is") {
            return Some(false);
        }
        self.skip_blanks();
        let is_second_there = self.pass(if is_negated { "in" } else { "not" });
        (is_second_there || !is_negated).then_some(true)
    }

    /// An atom with what is called on it, looked up in it, or taken of it.
    fn operand(&mut self) -> Option<Kind> {
        let mut is_signed = false;
        while matches!(self.byte(), b'+' | b'-' | b'~') {
            self.at += 1;
            self.skip_blanks();
            is_signed = true;
        }
        let atom = self.atom()?;
        let mut kind = if is_signed { Kind::Other } else { atom };
        loop {
            self.skip_blanks();
            match self.byte() {
                b'.' => {
                    self.at += 1;
                    self.skip_blanks();
                    self.name()?;
                }
                b'(' => self.arguments()?,
                b'[' => self.subscript()?,
                _ => return Some(kind),
            }
            // What a sign or a call gives is no place, a part of it is one.
            kind = if is_signed || self.code.as_bytes()[self.at - 1] == b')' {
                Kind::Other
            } else {
                Kind::Place
            };
        }
    }

    /// An index, a slice or several of them in square brackets.
    fn subscript(&mut self) -> Option<()> {
        self.open()?;
        loop {
            self.skip_blanks();
            let mut colons = 0;
            if self.byte() != b':' {
                self.expression()?;
            }
            while self.byte() == b':' && colons < 2 {
                self.at += 1;
                colons += 1;
                self.skip_blanks();
                if !matches!(self.byte(), b':' | b',' | b']') {
                    self.expression()?;
                }
            }
            self.comma_before(b']')?;
            if self.byte() == b']' {
                return self.close(b']');
            }
        }
    }

    fn atom(&mut self) -> Option<Kind> {
        match self.byte() {
            b'0'..=b'9' => self.number(),
            b'(' => self.items(b')', false),
            b'[' => self.items(b']', false),
            b'{' => self.items(b'}', true),
            b'.' if self.code[self.at..].starts_with("...") => {
                self.at += 3;
                Some(Kind::Inert)
            }
            _ if self.is_string() => self.strings(),
            _ => {
                let word = self.word();
                if matches!(word, "None" | "True" | "False") {
                    self.at += word.len();
                    return Some(Kind::Other);
                }
                self.name().map(|_| Kind::Place)
            }
        }
    }

    /// Whatever is between these brackets, one after the other.
    fn items(&mut self, end: u8, may_be_pairs: bool) -> Option<Kind> {
        self.open()?;
        self.skip_blanks();
        let mut pairs = None;
        while self.byte() != end {
            self.expression()?;
            let is_pair = may_be_pairs && self.byte() == b':';
            let is_first = pairs.is_none();
            if *pairs.get_or_insert(is_pair) != is_pair {
                return None;
            }
            if is_pair {
                self.at += 1;
                self.expression()?;
            }
            if is_first && self.pass("for") {
                self.comprehension()?;
                break;
            }
            self.comma_before(end)?;
        }
        self.close(end)?;
        Some(Kind::Other)
    }

    /// Where the items of a list and its like come from, after the first `for`.
    fn comprehension(&mut self) -> Option<()> {
        loop {
            self.targets()?;
            self.condition()?;
            while self.pass("if") {
                self.condition()?;
            }
            if !self.pass("for") {
                return Some(());
            }
        }
    }

    fn arguments(&mut self) -> Option<()> {
        self.open()?;
        self.skip_blanks();
        let (others, mut is_first) = (self.keywords.len(), true);
        while self.byte() != b')' {
            if let Some(keyword) = self.keyword() {
                // The parser refuses a second one.
                let is_refused = is_reserved(keyword) || self.keywords[others..].contains(&keyword);
                if is_refused || self.keywords.len() >= MAX_NAMES {
                    return None;
                }
                self.keywords.push(keyword);
            } else if self.is_at("**") {
                self.at += 2;
                self.keywords.push("**");
            } else if self.keywords.len() > others {
                return None;
            } else if self.byte() == b'*' {
                self.at += 1;
            } else if is_first {
                self.expression()?;
                if self.pass("for") {
                    self.comprehension()?;
                    break;
                }
                is_first = false;
                self.comma_before(b')')?;
                continue;
            }
            is_first = false;
            self.expression()?;
            self.comma_before(b')')?;
        }
        self.keywords.truncate(others);
        self.close(b')')
    }

    /// Passes a name and the `=` after it, if that is what is next.
    fn keyword(&mut self) -> Option<&'a str> {
        let (start, word) = (self.at, self.word());
        if word.is_empty() || word.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        self.at += word.len();
        self.skip_blanks();
        if self.byte() == b'=' && self.code.as_bytes().get(self.at + 1) != Some(&b'=') {
            self.at += 1;
            return Some(word);
        }
        self.at = start;
        None
    }

    fn comma_before(&mut self, end: u8) -> Option<()> {
        if self.byte() == b',' {
            self.at += 1;
            self.skip_blanks();
            return Some(());
        }
        (self.byte() == end).then_some(())
    }

    /// One string or several beside each other.
    fn strings(&mut self) -> Option<Kind> {
        let mut kind = Kind::Inert;
        while self.is_string() {
            if self.string()? == Prefix::Format {
                kind = Kind::Other;
            }
            self.skip_blanks();
        }
        Some(kind)
    }

    /// Whether a string is next that may be plain.
    fn is_string(&self) -> bool {
        let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
        match &self.code.as_bytes()[self.at..] {
            [b'r' | b'R' | b'f' | b'F', quote, ..] => is_quote(quote),
            [quote, ..] => is_quote(quote),
            [] => false,
        }
    }

    fn string(&mut self) -> Option<Prefix> {
        let bytes = self.code.as_bytes();
        let prefix = match self.byte() {
            b'r' | b'R' => Prefix::Raw,
            b'f' | b'F' => Prefix::Format,
            _ => Prefix::None,
        };
        self.at += usize::from(prefix != Prefix::None);
        let quote = self.byte();
        let is_long = bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if is_long { 3 } else { 1 };
        loop {
            match self.byte() {
                0 => return None,
                b'\\' => self.escape(prefix)?,
                b'\n' | b'\r' if !is_long => return None,
                b'{' | b'}' if prefix == Prefix::Format => self.replacement()?,
                byte if byte != quote => {
                    self.at += 1;
                    while is_string_byte(self.byte()) {
                        self.at += 1;
                    }
                }
                _ if !is_long => break self.at += 1,
                _ if bytes[self.at..].starts_with(&[quote; 3]) => break self.at += 3,
                _ => self.at += 1,
            }
        }
        Some(prefix)
    }

    /// A doubled bracket, or a name and its attributes in brackets.
    fn replacement(&mut self) -> Option<()> {
        if self.is_at("{{") || self.is_at("}}") {
            self.at += 2;
            return Some(());
        }
        self.expect(b'{')?;
        self.name()?;
        while self.byte() == b'.' {
            self.at += 1;
            self.name()?;
        }
        (self.byte() == b'}').then(|| self.at += 1)
    }

    /// A backslash in a string and what follows it.
    fn escape(&mut self, prefix: Prefix) -> Option<()> {
        self.at += 1;
        match self.byte() {
            // These may be wrong by what follows.
            b'x' | b'u' | b'U' | b'N' if prefix != Prefix::Raw => return None,
            b'{' | b'}' => return None,
            b'\r' if self.is_at("\r\n") => self.at += 2,
            0 | b'\r' => return None,
            // Whatever follows the first byte of a longer character is no quote.
            _ => self.at += 1,
        }
        Some(())
    }

    /// Decimal digits, and a fraction.
    fn number(&mut self) -> Option<Kind> {
        let (first, start) = (self.byte(), self.at);
        self.skip_digits();
        if first == b'0' && self.at > start + 1 {
            return None;
        }
        if self.byte() == b'.' {
            self.at += 1;
            let fraction = self.at;
            self.skip_digits();
            if self.at == fraction {
                return None;
            }
        }
        let next = self.byte();
        (!is_word_byte(next) && next != b'.').then_some(Kind::Other)
    }

    fn skip_digits(&mut self) {
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    /// A name that is not reserved, and not the beginning of a string.
    fn name(&mut self) -> Option<&'a str> {
        let word = self.word();
        if word.is_empty() || word.as_bytes()[0].is_ascii_digit() || is_reserved(word) {
            return None;
        }
        self.at += word.len();
        (!matches!(self.byte(), b'"' | b'\'' | 0x80..)).then_some(word)
    }

    /// The word that is next; empty if there is none.
    fn word(&self) -> &'a str {
        let bytes = self.code.as_bytes();
        let mut end = self.at;
        while bytes.get(end).is_some_and(|&byte| is_word_byte(byte)) {
            end += 1;
        }
        &self.code[self.at..end]
    }

    /// Passes this word if it is next.
    fn pass(&mut self, word: &str) -> bool {
        // Nearly always the first byte tells.
        let is_next = self.byte() == word.as_bytes()[0]
            && self.is_at(word)
            && !self.code.as_bytes().get(self.at + word.len()).is_some_and(|&b| is_word_byte(b));
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn open(&mut self) -> Option<()> {
        self.brackets += 1;
        self.at += 1;
        (self.brackets < MAX_DEPTH).then_some(())
    }

    fn close(&mut self, end: u8) -> Option<()> {
        self.expect(end)?;
        self.brackets -= 1;
        Some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (self.byte() == byte).then(|| self.at += 1)
    }

    /// The byte that is next; NUL at the end.
    fn byte(&self) -> u8 {
        self.code.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Blanks; in brackets line ends and comments, too.
    fn skip_blanks(&mut self) {
        loop {
            match self.byte() {
                b' ' => self.at += 1,
                b'\n' | b'\t' if self.brackets > 0 => self.at += 1,
                b'\r' if self.brackets > 0 && self.is_at("\r\n") => self.at += 2,
                b'#' if self.brackets > 0 => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn is_at(&self, text: &str) -> bool {
        self.code.as_bytes()[self.at..].starts_with(text.as_bytes())
    }

    fn skip_comment(&mut self) {
        let rest = &self.code.as_bytes()[self.at..];
        self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    }

    /// The end of a statement, and all up to the next one.
    fn end_line(&mut self) -> Option<()> {
        self.skip_blanks();
        if !matches!(self.byte(), b'\n' | b'\r' | b'#' | 0) {
            return None;
        }
        self.begin_line()
    }

    /// Passes what is left of a line that has no more code, and all others like it.
    fn begin_line(&mut self) -> Option<()> {
        let mut start = self.at;
        loop {
            match self.byte() {
                b' ' => self.at += 1,
                b'#' => self.skip_comment(),
                b'\r' if !self.is_at("\r\n") => return None,
                b'\n' | b'\r' => {
                    self.at += if self.byte() == b'\n' { 1 } else { 2 };
                    start = self.at;
                }
                0 => {
                    self.indent = None;
                    return Some(());
                }
                _ => {
                    self.indent = Some(self.at - start);
                    return Some(());
                }
            }
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    const ARE_WORDS: [bool; 256] = {
        let mut are_words = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            are_words[byte] = byte as u8 == b'_' || (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        are_words
    };
    ARE_WORDS[usize::from(byte)]
}

/// Whether a byte is in every string nothing but itself.
fn is_string_byte(byte: u8) -> bool {
    !matches!(byte, 0 | b'\\' | b'\n' | b'\r' | b'{' | b'}' | b'"' | b'\'')
}

/// Python's keywords.
fn is_reserved(word: &str) -> bool {
    #[rustfmt::skip]
    let is_keyword = matches!(
        word,
        "False" | "None" | "True" | "and" | "as" | "assert" | "async" | "await" | "break" | "class"
            | "continue" | "def" | "del" | "elif" | "else" | "except" | "finally" | "for" | "from"
            | "global" | "if" | "import" | "in" | "is" | "lambda" | "nonlocal" | "not" | "or"
            | "pass" | "raise" | "return" | "try" | "while" | "with" | "yield"
    );
    is_keyword
}
