//! Texts of revision files.

use dbm_git::revision::{BranchLabel, Revision, RevisionId, RevisionRef};

use super::RawHeader;

/// The file name that alembic gives `revision` by default.
pub fn file_name(revision: &Revision) -> String {
    let words: Vec<String> = revision
        .message
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!("{}_{}.py", revision.id, words.join("_"))
}

/// A revision file as alembic's generic template writes it; `upgrade` creates
/// the table `t_<id>` and `downgrade` drops it.
pub fn script(revision: &Revision) -> String {
    let downs: Vec<&str> = revision.down_revisions.iter().map(RevisionId::as_str).collect();
    let labels: Vec<&str> = revision.branch_labels.iter().map(BranchLabel::as_str).collect();
    let dependencies: Vec<&str> = revision.depends_on.iter().map(RevisionRef::as_str).collect();
    let id = revision.id.as_str();
    let message = if revision.message.is_empty() { "empty message" } else { &revision.message };
    format!(
        "{docstring}from typing import Sequence, Union\n\n{IMPORTS}\n\n\
         # revision identifiers, used by Alembic.\n\
         revision: str = {revision}\n\
         down_revision: Union[str, Sequence[str], None] = {down_revision}\n\
         branch_labels: Union[str, Sequence[str], None] = {branch_labels}\n\
         depends_on: Union[str, Sequence[str], None] = {depends_on}\n{functions}",
        docstring = docstring(message, id, &downs.join(", ")),
        revision = literal(id),
        down_revision = python_value(&downs),
        branch_labels = python_value(&labels),
        depends_on = python_value(&dependencies),
        functions = functions(id),
    )
}

/// A revision file with the header's values in the given source text;
/// without a message it has no docstring.
pub fn raw_script(message: &str, id: &str, downs: &[String], header: &RawHeader) -> String {
    let mut text = match message {
        "" => String::new(),
        message => docstring(message, id, &downs.join(", ")),
    };
    text += IMPORTS;
    text += "\n\n";
    let fields = [
        ("revision", &header.revision),
        ("down_revision", &header.down_revision),
        ("branch_labels", &header.branch_labels),
        ("depends_on", &header.depends_on),
    ];
    for (name, source) in fields.into_iter().filter(|(_, source)| *source != "<absent>") {
        text += &format!("{name} = {source}\n");
    }
    text + &functions(id)
}

const IMPORTS: &str = "from alembic import op\nimport sqlalchemy as sa\n";

fn docstring(message: &str, id: &str, revises: &str) -> String {
    let message = message.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "\"\"\"{message}\n\nRevision ID: {id}\nRevises: {revises}\n\
         Create Date: 2026-01-01 00:00:00.000000\n\n\"\"\"\n"
    )
}

fn functions(id: &str) -> String {
    let table = literal(&format!("t_{id}"));
    format!(
        "\n\ndef upgrade() -> None:\n    \
         op.create_table({table}, sa.Column(\"id\", sa.Integer(), primary_key=True))\n\n\n\
         def downgrade() -> None:\n    op.drop_table({table})\n"
    )
}

/// `None`, `'a'` or `('a', 'b')`, as alembic's template writes them.
fn python_value(values: &[&str]) -> String {
    match values {
        [] => "None".to_owned(),
        [one] => literal(one),
        many => {
            let list: Vec<String> = many.iter().map(|value| literal(value)).collect();
            format!("({})", list.join(", "))
        }
    }
}

/// Python's `repr` of a plain string.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
