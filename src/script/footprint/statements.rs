//! Statements, in the order in which Python would run them.

use ruff_python_ast::{ExceptHandler, Expr, Operator, Stmt, StmtFor, StmtIf, StmtTry, StmtWith};

use super::conditions::{is_autocommit_block, lets_postgresql_pass};
use super::format::HOLE;
use super::reader::{Reach, Reader};
use super::value::{Holes, Value, imported, imported_module};

/// What follows a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Goes,
    MayReturn,
    Returns,
    Raises,
}

/// A literal list of so many elements is looped over one by one.
const MAX_UNROLLED: usize = 64;

impl<'a> Reader<'a, '_> {
    /// Runs statements one after the other. What comes after one that may have
    /// returned is no longer certain.
    pub fn run_all(&mut self, body: &'a [Stmt]) -> Flow {
        let mut flow = Flow::Goes;
        for statement in body {
            match self.deeper(|reader| reader.run(statement)) {
                Some(Flow::Goes) => {}
                Some(Flow::MayReturn) => {
                    self.is_certain = false;
                    flow = Flow::MayReturn;
                }
                Some(Flow::Returns) => return Flow::Returns,
                Some(Flow::Raises) if flow == Flow::Goes => return Flow::Raises,
                Some(Flow::Raises) => return Flow::Returns,
                None => return Flow::MayReturn,
            }
        }
        flow
    }

    fn run(&mut self, statement: &'a Stmt) -> Flow {
        match statement {
            Stmt::Expr(s) => {
                self.evaluate(&s.value);
            }
            Stmt::Assign(s) => {
                let value = self.evaluate(&s.value);
                for target in &s.targets {
                    self.assign(target, &value);
                }
            }
            Stmt::AnnAssign(s) => {
                if let Some(value) = &s.value {
                    let value = self.evaluate(value);
                    self.assign(&s.target, &value);
                }
            }
            Stmt::AugAssign(s) => {
                let value = self.evaluate(&s.value);
                if let Expr::Name(name) = s.target.as_ref() {
                    let before = self.lookup(name.id.as_str());
                    let value = if s.op == Operator::Add {
                        self.joined(before, value)
                    } else {
                        Value::mixed([&before, &value])
                    };
                    self.bind(name.id.as_str(), value);
                }
            }
            Stmt::Return(s) => {
                let value = s.value.as_ref().map_or(Value::None, |value| self.evaluate(value));
                if let Some(frame) = self.frames.last_mut() {
                    let before = frame.returned.take();
                    frame.returned = Some(match before {
                        Some(before) => before.either(value),
                        None => value,
                    });
                }
                return Flow::Returns;
            }
            Stmt::Raise(s) => {
                for part in [&s.exc, &s.cause].into_iter().flatten() {
                    self.as_part(part);
                }
                return Flow::Raises;
            }
            Stmt::If(s) => return self.run_if(s),
            Stmt::For(s) => return self.run_for(s),
            Stmt::While(s) => {
                self.as_part(&s.test);
                let flows = [self.perhaps(&s.body), self.perhaps(&s.orelse)];
                return branches(&flows, false);
            }
            Stmt::With(s) => return self.run_with(s),
            Stmt::Try(s) => return self.run_try(s),
            Stmt::Match(s) => {
                self.as_part(&s.subject);
                let flows: Vec<Flow> =
                    s.cases.iter().map(|case| self.perhaps(&case.body)).collect();
                return branches(&flows, false);
            }
            Stmt::FunctionDef(s) => {
                let function = Value::Function(s, self.current());
                self.bind(s.name.as_str(), function);
            }
            Stmt::ClassDef(s) => self.bind(s.name.as_str(), Value::Unknown),
            Stmt::Import(s) => {
                for alias in &s.names {
                    let module = alias.name.as_str();
                    let top = module.split('.').next().unwrap_or(module);
                    let bound = alias.asname.as_ref().map_or(top, |name| name.as_str());
                    self.note_import(module, &[bound], 0, s.range);
                    match &alias.asname {
                        Some(name) => self.bind(name.as_str(), imported_module(module)),
                        None => self.bind(top, imported_module(top)),
                    }
                }
            }
            Stmt::ImportFrom(s) => {
                let module = s.module.as_ref().map_or("", |module| module.as_str());
                let names = s.names.iter();
                let bound: Vec<&str> = names
                    .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str())
                    .collect();
                self.note_import(module, &bound, s.level, s.range);
                for alias in &s.names {
                    let name = alias.name.as_str();
                    let value = if s.level > 0 { Value::Unknown } else { imported(module, name) };
                    self.bind(alias.asname.as_ref().map_or(name, |name| name.as_str()), value);
                }
            }
            Stmt::Assert(s) => {
                self.as_part(&s.test);
            }
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
        Flow::Goes
    }

    /// Runs what may or may not be executed.
    fn perhaps(&mut self, body: &'a [Stmt]) -> Flow {
        let before = std::mem::replace(&mut self.is_certain, false);
        let flow = self.run_all(body);
        self.is_certain = before;
        flow
    }

    fn run_if(&mut self, statement: &'a StmtIf) -> Flow {
        self.as_part(&statement.test);
        let passes = lets_postgresql_pass(&statement.test);
        let mut tests = vec![passes];
        let mut flows = vec![self.guarded(passes, |reader| reader.perhaps(&statement.body))];
        let mut has_else = false;
        for clause in &statement.elif_else_clauses {
            let passes = match &clause.test {
                Some(test) => {
                    self.as_part(test);
                    lets_postgresql_pass(test)
                }
                None => {
                    has_else = true;
                    tests.contains(&Some(true)).then_some(false)
                }
            };
            tests.push(passes);
            flows.push(self.guarded(passes, |reader| reader.perhaps(&clause.body)));
        }
        branches(&flows, has_else)
    }

    fn run_for(&mut self, statement: &'a StmtFor) -> Flow {
        let values = self.evaluate(&statement.iter);
        let elements = match &values {
            Value::List(values) if values.len() <= MAX_UNROLLED => values.as_ref().clone(),
            values => vec![values.element()],
        };
        let mut flows = Vec::new();
        for element in elements {
            self.assign_anew(&statement.target, &element);
            flows.push(self.perhaps(&statement.body));
        }
        flows.push(self.perhaps(&statement.orelse));
        branches(&flows, false)
    }

    fn run_with(&mut self, statement: &'a StmtWith) -> Flow {
        let mut is_plain = true;
        let is_autocommit =
            statement.items.iter().any(|item| is_autocommit_block(&item.context_expr));
        if let Some(recorder) = self.recorder.as_mut().filter(|_| is_autocommit) {
            recorder.autocommit_blocks += 1;
            let flow = self.run_all(&statement.body);
            if let Some(recorder) = &mut self.recorder {
                recorder.autocommit_blocks -= 1;
            }
            return flow;
        }
        for item in &statement.items {
            let value = self.evaluate(&item.context_expr);
            // `suppress(..)`, and whatever other files do.
            is_plain &= !matches!(value, Value::Unknown | Value::Standard(_) | Value::Library(_));
            if let Some(target) = &item.optional_vars {
                self.assign(target, &value);
            }
        }
        if is_plain {
            return self.run_all(&statement.body);
        }
        let flow = self.perhaps(&statement.body);
        branches(&[flow], false)
    }

    fn run_try(&mut self, statement: &'a StmtTry) -> Flow {
        let mut flows = vec![self.perhaps(&statement.body)];
        for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            if let Some(name) = &handler.name {
                self.rebind(name.as_str(), Value::Data);
            }
            flows.push(self.perhaps(&handler.body));
        }
        flows.push(self.perhaps(&statement.orelse));
        flows.push(self.perhaps(&statement.finalbody));
        branches(&flows, false)
    }

    pub fn assign(&mut self, target: &'a Expr, value: &Value<'a>) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), value.clone()),
            Expr::Starred(starred) => self.assign(&starred.value, &Value::mixed([value])),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value),
            Expr::List(list) => self.unpack(&list.elts, value),
            // Something hangs on something else now, and may be found there.
            Expr::Attribute(_) | Expr::Subscript(_) if value.is_live() => {
                self.opaque(Reach::File);
            }
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value<'a>) {
        let _ = self.deeper(|reader| match value {
            Value::List(values)
                if values.len() == targets.len() && !targets.iter().any(Expr::is_starred_expr) =>
            {
                for (target, value) in targets.iter().zip(values.iter()) {
                    reader.assign(target, value);
                }
            }
            value => {
                let element = value.element();
                targets.iter().for_each(|target| reader.assign(target, &element));
            }
        });
    }

    /// As [`assign`](Self::assign), for a loop's next round.
    pub fn assign_anew(&mut self, target: &'a Expr, value: &Value<'a>) {
        let before = std::mem::replace(&mut self.is_certain, true);
        self.assign(target, value);
        self.is_certain = before;
    }

    /// Evaluates what is no operation by itself: a condition, an argument.
    pub fn as_part(&mut self, expr: &'a Expr) -> Value<'a> {
        let before = std::mem::replace(&mut self.is_part, true);
        let value = self.evaluate(expr);
        self.is_part = before;
        value
    }

    /// `left + right`
    pub fn joined(&mut self, left: Value<'a>, right: Value<'a>) -> Value<'a> {
        match (&left, &right) {
            (Value::Text { text, holes }, _) => {
                let (more, more_holes) = match &right {
                    Value::Text { text, holes } => (text.as_ref(), *holes),
                    other => (HOLE, other.holes()),
                };
                self.text_of(&[text, more], (*holes).max(more_holes))
            }
            (_, Value::Text { text, holes }) => {
                let holes = left.holes().max(*holes);
                self.text_of(&[HOLE, text], holes)
            }
            (Value::List(one), Value::List(other)) if one.len() + other.len() <= MAX_UNROLLED => {
                let both = one.iter().chain(other.iter()).cloned().collect();
                Value::List(std::rc::Rc::new(both))
            }
            _ => Value::mixed([&left, &right]),
        }
    }

    /// A text of several parts. One that is too long keeps its beginning, and is
    /// not taken for known.
    pub fn text_of(&mut self, parts: &[&str], holes: Holes) -> Value<'a> {
        const MAX_TEXT: usize = 1 << 16;
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        self.charge(length.min(MAX_TEXT) / 16);
        if length <= MAX_TEXT {
            return Value::Text { text: parts.concat().into(), holes };
        }
        let first = parts.first().copied().unwrap_or_default();
        let start = first[..first.floor_char_boundary(MAX_TEXT)].to_owned();
        Value::Text { text: start.into(), holes: holes.max(Holes::FromFile) }
    }
}

fn branches(flows: &[Flow], is_one_taken: bool) -> Flow {
    let returns = flows.iter().any(|flow| matches!(flow, Flow::Returns | Flow::MayReturn));
    let ends = |flow: &Flow| matches!(flow, Flow::Returns | Flow::Raises);
    match (is_one_taken && flows.iter().all(ends), returns) {
        (true, true) => Flow::Returns,
        (true, false) => Flow::Raises,
        (false, true) => Flow::MayReturn,
        (false, false) => Flow::Goes,
    }
}
