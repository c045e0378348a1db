//! A parsed script as it is written down: mirrors of the core's types, which
//! are not made to be stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::script::{
    Docstring, DocstringLine, Element, Field, FieldValue, Header, Parsed, Span, SyntaxProblem,
};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredParsed {
    revision: Option<StoredField>,
    down_revision: Option<StoredField>,
    branch_labels: Option<StoredField>,
    depends_on: Option<StoredField>,
    docstring: Option<StoredDocstring>,
    is_empty_revision: bool,
    syntax: Option<StoredSyntax>,
}

#[derive(Serialize, Deserialize)]
struct StoredField {
    value: StoredValue,
    span: Span,
    statement: Span,
    line: u32,
    shared: bool,
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    None,
    Text(String),
    Sequence(Vec<StoredElement>),
    Dynamic(String),
}

#[derive(Serialize, Deserialize)]
enum StoredElement {
    Text(String, Span),
    Dynamic(String, Span),
}

#[derive(Serialize, Deserialize)]
struct StoredDocstring {
    span: Span,
    message: String,
    revision_id: Option<StoredLine>,
    revises: Option<StoredLine>,
    create_date: Option<StoredLine>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    value: String,
    span: Span,
    line: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredSyntax {
    message: String,
    span: Span,
    line: u32,
}

impl From<&Parsed> for StoredParsed {
    fn from(parsed: &Parsed) -> Self {
        let Parsed { header, syntax } = parsed;
        let field = |field: &Option<Field>| field.as_ref().map(StoredField::from);
        Self {
            revision: field(&header.revision),
            down_revision: field(&header.down_revision),
            branch_labels: field(&header.branch_labels),
            depends_on: field(&header.depends_on),
            docstring: header.docstring.as_ref().map(StoredDocstring::from),
            is_empty_revision: header.is_empty_revision,
            syntax: syntax.as_ref().map(|problem| StoredSyntax {
                message: problem.message.clone(),
                span: problem.span.clone(),
                line: problem.line,
            }),
        }
    }
}

impl From<StoredParsed> for Parsed {
    fn from(stored: StoredParsed) -> Self {
        let field = |field: Option<StoredField>| field.map(Field::from);
        Self {
            header: Arc::new(Header {
                revision: field(stored.revision),
                down_revision: field(stored.down_revision),
                branch_labels: field(stored.branch_labels),
                depends_on: field(stored.depends_on),
                docstring: stored.docstring.map(Docstring::from),
                is_empty_revision: stored.is_empty_revision,
            }),
            syntax: stored.syntax.map(|StoredSyntax { message, span, line }| SyntaxProblem {
                message,
                span,
                line,
            }),
        }
    }
}

impl From<&Field> for StoredField {
    fn from(field: &Field) -> Self {
        Self {
            value: match &field.value {
                FieldValue::None => StoredValue::None,
                FieldValue::Text(text) => StoredValue::Text(text.clone()),
                FieldValue::Sequence(elements) => {
                    StoredValue::Sequence(elements.iter().map(StoredElement::from).collect())
                }
                FieldValue::Dynamic { source } => StoredValue::Dynamic(source.clone()),
            },
            span: field.span.clone(),
            statement: field.statement.clone(),
            line: field.line,
            shared: field.shared,
        }
    }
}

impl From<StoredField> for Field {
    fn from(stored: StoredField) -> Self {
        let StoredField { value, span, statement, line, shared } = stored;
        let value = match value {
            StoredValue::None => FieldValue::None,
            StoredValue::Text(text) => FieldValue::Text(text),
            StoredValue::Sequence(elements) => {
                FieldValue::Sequence(elements.into_iter().map(Element::from).collect())
            }
            StoredValue::Dynamic(source) => FieldValue::Dynamic { source },
        };
        Self { value, span, statement, line, shared }
    }
}

impl From<&Element> for StoredElement {
    fn from(element: &Element) -> Self {
        match element {
            Element::Text { value, span } => Self::Text(value.clone(), span.clone()),
            Element::Dynamic { source, span } => Self::Dynamic(source.clone(), span.clone()),
        }
    }
}

impl From<StoredElement> for Element {
    fn from(stored: StoredElement) -> Self {
        match stored {
            StoredElement::Text(value, span) => Self::Text { value, span },
            StoredElement::Dynamic(source, span) => Self::Dynamic { source, span },
        }
    }
}

impl From<&Docstring> for StoredDocstring {
    fn from(docstring: &Docstring) -> Self {
        let line = |line: &Option<DocstringLine>| {
            let DocstringLine { value, span, line } = line.clone()?;
            Some(StoredLine { value, span, line })
        };
        Self {
            span: docstring.span.clone(),
            message: docstring.message.clone(),
            revision_id: line(&docstring.revision_id),
            revises: line(&docstring.revises),
            create_date: line(&docstring.create_date),
        }
    }
}

impl From<StoredDocstring> for Docstring {
    fn from(stored: StoredDocstring) -> Self {
        let line = |line: Option<StoredLine>| {
            line.map(|StoredLine { value, span, line }| DocstringLine { value, span, line })
        };
        Self {
            span: stored.span,
            message: stored.message,
            revision_id: line(stored.revision_id),
            revises: line(stored.revises),
            create_date: line(stored.create_date),
        }
    }
}
