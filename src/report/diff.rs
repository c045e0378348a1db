//! A change of a file as git would show it.

use similar::TextDiff;

use crate::tree::RepoPath;

/// A unified diff with three lines of context and `a/`, `b/` headers; bytes
/// that are not UTF-8 are shown as replacement characters.
pub fn unified_diff(path: &RepoPath, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let (old, new) = (text(before), text(after));
    let name = |side: &str, there: bool| {
        if there { format!("{side}/{path}") } else { "/dev/null".to_owned() }
    };
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff()
        .context_radius(3)
        .header(&name("a", before.is_some()), &name("b", after.is_some()))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_as_git_shows_it() {
        let path = RepoPath::new("v/f.py").expect("inside");
        insta::assert_snapshot!(unified_diff(&path, Some(b"a\nb\nc\n"), Some(b"a\nx\nc\n")), @r"
        --- a/v/f.py
        +++ b/v/f.py
        @@ -1,3 +1,3 @@
         a
        -b
        +x
         c
        ");
        assert!(
            unified_diff(&path, None, Some(b"a\n")).starts_with("--- /dev/null\n+++ b/v/f.py\n")
        );
    }
}
