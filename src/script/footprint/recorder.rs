//! Notes the operations one by one, where somebody asked for them. What a
//! footprint says does not depend on it.

use std::collections::HashSet;
use std::sync::Arc;

use ruff_python_ast::Stmt;
use ruff_text_size::TextRange;

use super::super::Span;
use super::arguments::{Arguments, Named};
use super::operation::{Act, Import, Operation};
use super::reader::Reader;
use super::touches::key;
use super::uses::used_beside_types;

/// More than anybody looks at.
const MAX_OPERATIONS: usize = 10_000;
const MAX_IMPORTS: usize = 1_000;

/// What was noted so far of one function.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub operations: Vec<Operation>,
    pub imports: Vec<Import>,
    created: HashSet<String>,
    pub autocommit_blocks: usize,
    has_committed: bool,
    pub spares_postgresql: bool,
    used_beside_types: Option<HashSet<String>>,
    /// Offsets at which lines begin.
    lines: Vec<usize>,
}

impl Recorder {
    pub fn new(bytes: &[u8], body: &[Stmt]) -> Self {
        let is_line_end = |&at: &usize| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n');
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes).filter(is_line_end);
        let lines = std::iter::once(0).chain(ends.map(|end| end + 1)).collect();
        Self { lines, used_beside_types: used_beside_types(body), ..Self::default() }
    }

    pub fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|&start| start <= offset)).unwrap_or(u32::MAX)
    }

    /// Forgets a function, and what it had done to the transaction.
    pub fn take(&mut self) -> Vec<Operation> {
        self.created.clear();
        self.has_committed = false;
        std::mem::take(&mut self.operations)
    }

    fn push(&mut self, operation: Operation) {
        // A loop comes by more than once.
        let is_known = |known: &Operation| known.span == operation.span && *known == operation;
        if self.operations.len() < MAX_OPERATIONS
            && !self.operations.iter().rev().take(64).any(is_known)
        {
            self.operations.push(operation);
        }
    }
}

impl<'a> Reader<'a, '_> {
    /// Notes an operation of which the whole is known.
    pub fn note(&mut self, range: TextRange, table: Option<String>, act: Act) {
        self.note_with(range, table, act, None);
    }

    pub fn note_with(
        &mut self,
        range: TextRange,
        table: Option<String>,
        act: Act,
        sql: Option<Arc<str>>,
    ) {
        let span = self.in_file(range);
        let is_certain = self.is_certain;
        let Some(recorder) = &mut self.recorder else { return };
        let is_in_transaction = recorder.autocommit_blocks == 0 && !recorder.has_committed;
        let compared = table.as_deref().map(key);
        let is_on_new_table = compared.as_ref().is_some_and(|t| recorder.created.contains(t));
        match (&act, compared) {
            (Act::CreateTable { .. }, Some(table)) => {
                recorder.created.insert(table);
            }
            (Act::RenameTable { to: Some(to) }, _) if is_on_new_table => {
                recorder.created.insert(key(to));
            }
            (Act::Commit, _) => recorder.has_committed = true,
            _ => {}
        }
        let line = recorder.line(span.start);
        recorder.push(Operation {
            act,
            table,
            line,
            span,
            is_certain,
            is_in_transaction,
            is_on_new_table,
            spares_postgresql: recorder.spares_postgresql,
            sql,
        });
    }

    /// Notes what is taken from elsewhere, and under which names.
    pub fn note_import(&mut self, module: &str, bound: &[&str], level: u32, range: TextRange) {
        let span: Span = self.in_file(range);
        let Some(recorder) = &mut self.recorder else { return };
        let line = recorder.line(span.start);
        let used = recorder.used_beside_types.as_ref();
        let is_used = |name: &&str| *name == "*" || used.is_none_or(|used| used.contains(*name));
        let is_of_types = !bound.iter().any(is_used);
        let import = Import { module: module.to_owned(), level, is_of_types, line, span };
        if recorder.imports.len() < MAX_IMPORTS && !recorder.imports.contains(&import) {
            recorder.imports.push(import);
        }
    }

    /// `execution_options(isolation_level="AUTOCOMMIT")`
    pub fn note_options(&mut self, arguments: &Arguments<'a>) {
        let level = arguments.name(None, &["isolation_level"]);
        if let (Named::Known(level), Some(recorder)) = (level, &mut self.recorder) {
            recorder.has_committed |= level.eq_ignore_ascii_case("autocommit");
        }
    }

    /// Runs `step` where only a database for which `is_postgresql` comes by;
    /// `None` where any does.
    pub fn guarded<T>(
        &mut self,
        is_postgresql: Option<bool>,
        step: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.recorder.as_ref().is_some_and(|recorder| recorder.spares_postgresql);
        let set = |reader: &mut Self, value: bool| {
            if let Some(recorder) = &mut reader.recorder {
                recorder.spares_postgresql = value;
            }
        };
        set(self, before || is_postgresql == Some(false));
        let result = step(self);
        set(self, before);
        result
    }
}
