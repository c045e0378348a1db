//! Which file names Alembic takes for revision scripts.

/// Alembic's `_only_source_rev_file`: `(?!\.\#|__init__)(.*\.py)$`.
pub fn is_script_file_name(name: &str, sourceless: bool) -> bool {
    if name.starts_with(".#") || name.starts_with("__init__") || name.contains('\n') {
        return false;
    }
    name.ends_with(".py") || (sourceless && (name.ends_with(".pyc") || name.ends_with(".pyo")))
}

/// The id that a file without a `revision` stands for: the whole stem, if it
/// is hexadecimal (Alembic's `_legacy_rev`, from before 0.2).
pub fn legacy_revision_of(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".py")?;
    let hexadecimal =
        !stem.is_empty() && stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    hexadecimal.then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_alembic_reads_are_read_and_no_others() {
        for name in [".hidden.py", "with space.py", "ab12.py"] {
            assert!(is_script_file_name(name, false), "{name}");
        }
        for name in [".#lock.py", "__init__.py", "__init__x.py", "a.pyi", "a.py.orig", "a.pyc"] {
            assert!(!is_script_file_name(name, false), "{name}");
        }
        assert!(is_script_file_name("a.pyc", true));
    }

    #[test]
    fn only_a_hexadecimal_stem_is_a_legacy_id() {
        assert_eq!(legacy_revision_of("12ab.py"), Some("12ab"));
        assert_eq!(legacy_revision_of("helper.py"), None);
        assert_eq!(legacy_revision_of("0042_add.py"), None);
    }
}
