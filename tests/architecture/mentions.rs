//! Which modules of the crate, external crates and parts of `std` a file names.
//! It knows just enough of Rust for that: comments, literals, `use` trees,
//! paths, inline modules and `#[cfg(test)]`. It does not know macros' output.

use std::iter::Peekable;
use std::str::Chars;

/// Something outside of its own module that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A top-level module of the crate; `*` for all of them.
    Module(String),
    /// Another crate.
    External(String),
    /// A path below `std`, as far as it was written.
    Std(String),
}

/// A [`Target`] and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub target: Target,
    pub line: usize,
    /// Inside of a module that is compiled for tests only.
    pub is_test: bool,
}

/// The mentions in `source`, which is the module `module` (none for `lib.rs`),
/// where `externals` are the names of the crates that could be meant.
pub fn mentions(source: &str, module: &[String], externals: &[String]) -> Vec<Mention> {
    let tokens = tokens(source);
    let mut reader = Reader { tokens: &tokens, module, externals, inline: Vec::new(), depth: 0 };
    reader.read()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
    /// A string, character, number or lifetime.
    Literal,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    line: usize,
}

fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().peekable(), line: 1, tokens: Vec::new() };
    while lexer.token() {}
    lexer.tokens
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn skip_if(&mut self, wanted: char) -> bool {
        let found = self.chars.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    /// Reads one token; false at the end.
    fn token(&mut self) -> bool {
        let line = self.line;
        let Some(first) = self.next() else { return false };
        let kind = match first {
            c if c.is_whitespace() => return true,
            '/' if self.skip_if('/') => {
                while self.chars.peek().is_some_and(|&c| c != '\n') {
                    self.next();
                }
                return true;
            }
            '/' if self.skip_if('*') => {
                self.block_comment();
                return true;
            }
            '"' => self.string(),
            '\'' => self.character_or_lifetime(),
            ':' if self.skip_if(':') => Kind::Separator,
            c if c.is_alphanumeric() || c == '_' => self.word(c),
            c => Kind::Mark(c),
        };
        self.tokens.push(Token { kind, line });
        true
    }

    fn block_comment(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some('*') if self.skip_if('/') => depth -= 1,
                Some('/') if self.skip_if('*') => depth += 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn string(&mut self) -> Kind {
        loop {
            match self.next() {
                Some('\\') => drop(self.next()),
                Some('"') | None => return Kind::Literal,
                Some(_) => {}
            }
        }
    }

    /// After the `r` of a raw string, at its `#`s or quote.
    fn raw_string(&mut self) -> Kind {
        let mut hashes = 0;
        while self.skip_if('#') {
            hashes += 1;
        }
        self.next();
        loop {
            match self.next() {
                Some('"') if (0..hashes).all(|_| self.skip_if('#')) => return Kind::Literal,
                Some(_) => {}
                None => return Kind::Literal,
            }
        }
    }

    fn character_or_lifetime(&mut self) -> Kind {
        match self.next() {
            Some('\\') => {
                self.next();
                while self.next().is_some_and(|c| c != '\'') {}
            }
            // `'a'` is a character, `'a` a lifetime.
            Some(c) if c.is_alphanumeric() || c == '_' => {
                while self.chars.peek().is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    self.next();
                }
                self.skip_if('\'');
            }
            _ => drop(self.skip_if('\'')),
        }
        Kind::Literal
    }

    fn word(&mut self, first: char) -> Kind {
        let mut text = String::from(first);
        while let Some(&c) = self.chars.peek() {
            if !c.is_alphanumeric() && c != '_' {
                break;
            }
            text.push(c);
            self.next();
        }
        match (text.as_str(), self.chars.peek()) {
            ("r" | "br" | "cr", Some('"')) => self.raw_string(),
            ("r" | "br" | "cr", Some('#')) => {
                let after: String = self.chars.clone().skip_while(|&c| c == '#').take(1).collect();
                if after == "\"" {
                    return self.raw_string();
                }
                // A raw identifier: the next token is its name.
                self.next();
                let first = self.next().unwrap_or('_');
                self.word(first)
            }
            ("b" | "c", Some('"')) => {
                self.next();
                self.string()
            }
            ("b", Some('\'')) => {
                self.next();
                self.character_or_lifetime()
            }
            _ if first.is_numeric() => Kind::Literal,
            _ => Kind::Word(text),
        }
    }
}

struct InlineModule {
    name: String,
    /// The brace depth inside of it.
    depth: usize,
    is_test: bool,
}

struct Reader<'a> {
    tokens: &'a [Token],
    module: &'a [String],
    externals: &'a [String],
    inline: Vec<InlineModule>,
    depth: usize,
}

impl Reader<'_> {
    fn read(&mut self) -> Vec<Mention> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.step(at, &mut found);
        }
        found
    }

    /// Reads what starts at `at` and returns where to go on.
    fn step(&mut self, at: usize, found: &mut Vec<Mention>) -> usize {
        match self.kind(at) {
            Some(Kind::Mark('{')) => self.depth += 1,
            Some(Kind::Mark('}')) => {
                self.depth = self.depth.saturating_sub(1);
                let depth = self.depth;
                self.inline.retain(|module| module.depth <= depth);
            }
            Some(Kind::Word(word)) if word == "mod" => self.enter_module(at),
            Some(Kind::Word(word)) if word == "use" && !self.follows_path(at) => {
                let mut paths = Vec::new();
                let end = self.use_tree(at + 1, &[], &mut paths);
                for path in paths {
                    self.mention(&path, at, found);
                }
                return end;
            }
            Some(Kind::Word(word)) if word == "extern" && self.is_word(at + 1, "crate") => {
                self.mention(&self.words(at + 2), at, found);
                return at + 3;
            }
            Some(Kind::Word(_)) if !self.follows_path(at) => {
                let path = self.words(at);
                if path.len() > 1 {
                    self.mention(&path, at, found);
                    return at + 2 * path.len() - 1;
                }
            }
            _ => {}
        }
        at + 1
    }

    fn kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    fn is_word(&self, at: usize, text: &str) -> bool {
        matches!(self.kind(at), Some(Kind::Word(word)) if word == text)
    }

    /// Whether the word at `at` goes on a path (`x::word`) or a value (`x.word`).
    fn follows_path(&self, at: usize) -> bool {
        let before = |back: usize| at.checked_sub(back).and_then(|at| self.kind(at));
        match before(1) {
            Some(Kind::Mark('.')) => true,
            // `::word` with nothing before it starts at the crates.
            Some(Kind::Separator) => {
                matches!(before(2), Some(Kind::Word(_) | Kind::Mark('>')))
            }
            _ => false,
        }
    }

    /// The words of the path that starts at `at`.
    fn words(&self, mut at: usize) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(Kind::Word(word)) = self.kind(at) {
            path.push(word.clone());
            if self.kind(at + 1) != Some(&Kind::Separator) {
                break;
            }
            at += 2;
        }
        path
    }

    fn enter_module(&mut self, at: usize) {
        let (Some(Kind::Word(name)), Some(Kind::Mark('{'))) =
            (self.kind(at + 1), self.kind(at + 2))
        else {
            return;
        };
        let module = InlineModule {
            name: name.clone(),
            depth: self.depth + 1,
            is_test: self.follows_cfg_test(at),
        };
        self.inline.push(module);
    }

    /// Whether `#[cfg(test)]` is among the attributes right before `mod`.
    fn follows_cfg_test(&self, at: usize) -> bool {
        let start = (0..at)
            .rev()
            .find(|&i| matches!(self.kind(i), Some(Kind::Mark(';' | '{' | '}'))))
            .map_or(0, |i| i + 1);
        (start..at).any(|i| {
            self.is_word(i, "cfg")
                && self.kind(i + 1) == Some(&Kind::Mark('('))
                && self.is_word(i + 2, "test")
                && self.kind(i + 3) == Some(&Kind::Mark(')'))
        })
    }

    /// Collects the paths of a `use` tree and returns where it ends.
    fn use_tree(&self, mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
        let mut path = prefix.to_vec();
        loop {
            match self.kind(at) {
                Some(Kind::Word(word)) if word == "as" => at += 1,
                Some(Kind::Word(word)) => path.push(word.clone()),
                Some(Kind::Mark('*')) => path.push("*".to_owned()),
                Some(Kind::Separator) => {}
                Some(Kind::Mark('{')) => {
                    at += 1;
                    while !matches!(self.kind(at), Some(Kind::Mark('}')) | None) {
                        at = self.use_tree(at, &path, paths);
                        // A comma, or something that no `use` can hold.
                        if self.kind(at) != Some(&Kind::Mark('}')) {
                            at += 1;
                        }
                    }
                    return at + 1;
                }
                _ => {
                    paths.push(path);
                    return at;
                }
            }
            at += 1;
        }
    }

    fn mention(&self, path: &[String], at: usize, found: &mut Vec<Mention>) {
        if let Some(target) = self.target(path) {
            let is_test = self.inline.iter().any(|module| module.is_test);
            found.push(Mention { target, line: self.tokens[at].line, is_test });
        }
    }

    fn target(&self, path: &[String]) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" | "dbm_git" => rest.first().cloned().map(Target::Module),
            "self" | "super" => self.relative(path).first().cloned().map(Target::Module),
            "std" | "core" | "alloc" => Some(Target::Std(rest.join("::"))),
            name => self
                .externals
                .iter()
                .any(|external| external == name)
                .then(|| Target::External(name.to_owned())),
        }
    }

    /// A path that starts with `self` or `super`, from the crate's root.
    fn relative(&self, path: &[String]) -> Vec<String> {
        let inline = self.inline.iter().map(|module| module.name.clone());
        let mut absolute: Vec<String> = self.module.iter().cloned().chain(inline).collect();
        for word in path {
            match word.as_str() {
                "self" => {}
                "super" => drop(absolute.pop()),
                name => absolute.push(name.to_owned()),
            }
        }
        absolute
    }
}
