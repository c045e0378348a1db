//! A function's reader: names and their values, what was found so far, and
//! limits, since a file may be made to take forever.

use std::collections::HashMap;

use ruff_python_ast::{Stmt, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};

use super::super::header::is_no_operation;
use super::super::parse::parse_module;
use super::super::{SchemaObject, SourceText, Span, line_of};
use super::operation::{FunctionOperations, Operations};
use super::recorder::Recorder;
use super::sql::words;
use super::touches::{Changes, compared, key};
use super::value::{Value, builtin};
use super::{Destructive, Footprint, Touches};

/// Levels of statements, expressions and calls: far more than anybody writes,
/// and few enough for the stack of any thread.
const MAX_DEPTH: usize = 100;

/// Steps in one file.
const MAX_STEPS: usize = 400_000;

/// Bytes of a quoted operation.
const MAX_QUOTED: usize = 80;

/// Reads what a script's functions touch; `None` if Python could not parse it.
pub fn read_footprint(bytes: &[u8]) -> Option<Footprint> {
    let (source, parsed) = parse_module(bytes).ok()?;
    if !parsed.errors().is_empty() {
        return None;
    }
    let mut reader = Reader::new(&source, bytes, None);
    reader.run_body(parsed.suite());
    let upgrade = reader.function("upgrade");
    let downgrade = reader.function("downgrade");
    Some(Footprint { upgrade, downgrade })
}

/// Reads the operations of a script's functions; `None` if Python could not
/// parse it.
pub fn read_operations(bytes: &[u8]) -> Option<Operations> {
    let (source, parsed) = parse_module(bytes).ok()?;
    if !parsed.errors().is_empty() {
        return None;
    }
    let mut reader = Reader::new(&source, bytes, Some(Recorder::new(bytes, parsed.suite())));
    reader.run_body(parsed.suite());
    let upgrade = reader.operations("upgrade");
    let downgrade = reader.operations("downgrade");
    let imports = reader.recorder.map(|recorder| recorder.imports).unwrap_or_default();
    Some(Operations { upgrade, downgrade, imports })
}

/// How far the effects of something opaque reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach<'t> {
    /// No table, column or index: rows, constraints.
    NoObject,
    /// What this text names.
    Text(&'t str),
    /// What the file names.
    File,
    Anything,
}

/// A function that is being followed.
pub(super) struct Frame<'a> {
    id: usize,
    function: &'a StmtFunctionDef,
    /// The frame that the function was defined in.
    outer: usize,
    names: HashMap<&'a str, Value<'a>>,
    pub returned: Option<Value<'a>>,
}

/// The frame of the module itself.
pub(super) const MODULE: usize = 0;

pub(super) struct Reader<'a, 's> {
    source: &'s SourceText<'s>,
    bytes: &'s [u8],
    module: HashMap<&'a str, Value<'a>>,
    pub frames: Vec<Frame<'a>>,
    frames_so_far: usize,
    pub touches: Touches,
    /// Where somebody wants to know the operations one by one.
    pub recorder: Option<Recorder>,
    mentions_file: bool,
    /// Whether the current statement is executed whenever the function is.
    pub is_certain: bool,
    /// Whether the current expression is but a part of an operation.
    pub is_part: bool,
    depth: usize,
    steps: usize,
}

impl<'a, 's> Reader<'a, 's> {
    fn new(source: &'s SourceText<'s>, bytes: &'s [u8], recorder: Option<Recorder>) -> Self {
        Self {
            recorder,
            source,
            bytes,
            module: HashMap::new(),
            frames: Vec::new(),
            frames_so_far: MODULE,
            touches: Touches::default(),
            mentions_file: false,
            is_certain: true,
            is_part: false,
            depth: 0,
            steps: 0,
        }
    }

    /// What the module's function `name` touches.
    fn function(&mut self, name: &str) -> Touches {
        self.touches = Touches::default();
        self.mentions_file = false;
        self.is_certain = true;
        match self.module.get(name).cloned() {
            None => self.touches.is_empty = true,
            Some(Value::Function(function, outer)) => {
                self.touches.is_empty =
                    function.decorator_list.is_empty() && function.body.iter().all(is_no_operation);
                self.follow(function, outer, &mut HashMap::new());
            }
            Some(_) => self.opaque(Reach::File),
        }
        let mut touches = std::mem::take(&mut self.touches);
        if self.mentions_file {
            touches.words.append(&mut words(&self.source.text));
        }
        touches.settle();
        touches
    }

    /// What the module's function `name` does, one by one.
    fn operations(&mut self, name: &str) -> FunctionOperations {
        if let Some(recorder) = &mut self.recorder {
            recorder.take();
        }
        let touches = self.function(name);
        let function = match self.module.get(name) {
            Some(Value::Function(function, _)) => Some(*function),
            _ => None,
        };
        let span = function.map(|function| self.in_file(function.name.range()));
        let raises = function.is_some_and(|function| function.body.iter().any(Stmt::is_raise_stmt));
        let recorder = self.recorder.as_mut();
        let place = span.zip(recorder.as_ref()).map(|(span, r)| (r.line(span.start), span));
        FunctionOperations {
            place,
            operations: recorder.map(Recorder::take).unwrap_or_default(),
            is_empty: touches.is_empty,
            raises,
            is_opaque: touches.is_opaque,
        }
    }

    /// The span in the file of what the parser saw.
    pub fn in_file(&self, range: TextRange) -> Span {
        self.source.in_file(range.to_std_range())
    }

    /// Runs a function whose parameters have the given values.
    pub fn follow(
        &mut self,
        function: &'a StmtFunctionDef,
        outer: usize,
        parameters: &mut HashMap<&'a str, Value<'a>>,
    ) -> Value<'a> {
        let is_running = self.frames.iter().any(|f| std::ptr::eq(f.function, function));
        if is_running || !function.decorator_list.is_empty() {
            self.opaque(Reach::File);
        }
        if is_running {
            return Value::Data;
        }
        self.frames_so_far += 1;
        self.frames.push(Frame {
            id: self.frames_so_far,
            function,
            outer,
            names: std::mem::take(parameters),
            returned: None,
        });
        let before = (self.is_certain, self.is_part);
        self.is_part = false;
        self.run_body(&function.body);
        (self.is_certain, self.is_part) = before;
        self.frames.pop().and_then(|frame| frame.returned).unwrap_or(Value::None)
    }

    /// The frame in which names are bound now.
    pub fn current(&self) -> usize {
        self.frames.last().map_or(MODULE, |frame| frame.id)
    }

    pub fn lookup(&self, name: &'a str) -> Value<'a> {
        let mut frame = self.frames.last();
        while let Some(current) = frame {
            if let Some(value) = current.names.get(name) {
                return value.clone();
            }
            frame = self.frames.iter().find(|f| f.id == current.outer);
        }
        self.module.get(name).cloned().unwrap_or_else(|| builtin(name))
    }

    /// Gives a name a value, which may be one more beside those it has.
    pub fn bind(&mut self, name: &'a str, value: Value<'a>) {
        let is_certain = self.is_certain;
        let names = match self.frames.last_mut() {
            Some(frame) => &mut frame.names,
            None => &mut self.module,
        };
        let value = match names.remove(name) {
            Some(before) if !is_certain => before.either(value),
            _ => value,
        };
        names.insert(name, value);
    }

    /// Gives a name a value that replaces any other.
    pub fn rebind(&mut self, name: &'a str, value: Value<'a>) {
        let before = std::mem::replace(&mut self.is_certain, true);
        self.bind(name, value);
        self.is_certain = before;
    }

    /// One step further in; `None` if that is too far.
    pub fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.charge(1);
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            self.opaque(Reach::File);
            return None;
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        Some(result)
    }

    pub fn charge(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
    }

    pub fn opaque(&mut self, reach: Reach<'_>) {
        self.touches.is_opaque = true;
        match reach {
            Reach::NoObject => {}
            Reach::Text(text) => {
                self.charge(text.len() / 16);
                self.touches.words.append(&mut words(text));
            }
            Reach::File => self.mentions_file = true,
            Reach::Anything => {
                self.mentions_file = true;
                self.touches.changes.is_unbounded = true;
            }
        }
    }

    pub fn destructive(&mut self, range: TextRange) {
        let span = self.source.in_file(range.to_std_range());
        let line = line_of(self.bytes, span.start);
        let what = shortened(self.code(range));
        let found = Destructive { line, what };
        // A loop comes by more than once.
        if !self.touches.destructive.contains(&found) {
            self.touches.destructive.push(found);
        }
    }

    pub fn code(&self, range: TextRange) -> &'s str {
        self.source.text.get(range.to_std_range()).unwrap_or_default()
    }

    pub fn touch(&mut self, table: &str) {
        self.touches.tables.insert(table.to_owned());
    }

    /// An object is created; `is_sure` unless it may be there already.
    pub fn create(&mut self, object: SchemaObject, is_sure: bool) {
        self.changes().creates.insert(compared(&object));
        if is_sure && self.is_certain {
            self.touches.creates.push(object);
        }
    }

    /// An object is dropped; `is_sure` unless it may be gone already.
    pub fn drop(&mut self, object: SchemaObject, is_sure: bool) {
        self.changes().drops.insert(compared(&object));
        if is_sure && self.is_certain {
            self.touches.drops.push(object);
        }
    }

    pub fn index_on(&mut self, index: &str, table: &str) {
        let table = table.to_owned();
        self.changes().index_tables.insert(key(index), table);
    }

    pub fn changes(&mut self) -> &mut Changes {
        &mut self.touches.changes
    }

    /// Runs the statements of the module or of a function.
    pub fn run_body(&mut self, body: &'a [Stmt]) {
        self.run_all(body);
    }
}

/// One line of code, not longer than anybody reads.
pub(super) fn shortened(code: &str) -> String {
    // Only the beginning is needed, and there may be megabytes.
    let start = &code[..code.floor_char_boundary(8 * MAX_QUOTED)];
    let line = start.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= MAX_QUOTED && start.len() == code.len() {
        return line;
    }
    format!("{}…", &line[..line.floor_char_boundary(MAX_QUOTED)])
}
