//! Scripts for a graph of their own: the body of one, under another header.

use crate::revision::RevisionId;

/// The script as revision `id` on top of `down_revisions`, without labels and
/// dependencies. The header is overwritten by assignments behind everything
/// else: at module level the last one wins, whatever the script does before.
pub fn standalone(bytes: &[u8], id: &RevisionId, down_revisions: &[String]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    text.extend_from_slice(header(id.as_str(), down_revisions).as_bytes());
    text
}

/// A script that only stands for a version row, and fails if it is ever run.
pub fn stub(id: &str) -> Vec<u8> {
    let functions = "\
def upgrade():
    raise RuntimeError('a stub of dbm-git was run')


def downgrade():
    raise RuntimeError('a stub of dbm-git was run')
";
    format!("{functions}{}", header(id, &[])).into_bytes()
}

fn header(id: &str, down_revisions: &[String]) -> String {
    let down = match down_revisions {
        [] => "None".to_owned(),
        many => format!("({},)", many.iter().map(|d| quoted(d)).collect::<Vec<_>>().join(", ")),
    };
    let id = quoted(id);
    format!(
        "\n\nrevision = {id}\ndown_revision = {down}\nbranch_labels = None\ndepends_on = None\n"
    )
}

/// ASCII only: the script may be in any encoding.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '\'' | '\\' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            c => format!("\\U{:08x}", u32::from(c)),
        })
        .collect();
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{FieldValue, parse_script};

    #[test]
    fn the_last_assignments_are_ours() {
        let script = "revision: str = 'f'\ndown_revision = 'a'\ndepends_on = 'x'\n\ndef upgrade():\n    pass";
        let id = RevisionId::new("ü'\\").expect("an id");
        let text = standalone(script.as_bytes(), &id, &["m".to_owned(), "n".to_owned()]);
        let header = parse_script(&text).expect("Python").header;
        let value = header.revision.as_ref().map(|field| &field.value);
        assert!(matches!(value, Some(FieldValue::Text(text)) if text == "ü'\\"));
        assert!(String::from_utf8_lossy(&text).contains("down_revision = ('m', 'n',)\n"));
        assert!(parse_script(&stub("r")).expect("Python").syntax.is_none());
    }
}
