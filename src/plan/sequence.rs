//! Projects that number their revisions: `0042`, `0042_add_x`, or file names
//! that start with a number while the ids are random.

use crate::revision::RevisionId;

/// Digits in front of a name, and what follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<'a> {
    pub number: u64,
    width: usize,
    rest: &'a str,
}

/// Longer runs of digits are dates or random ids, not numbers in a sequence.
const MAX_DIGITS: usize = 6;

impl<'a> Numbered<'a> {
    /// Reads `0042`, `0042_add_x`, `42-add`; `None` for `1a2b3c` or a date.
    pub fn parse(text: &'a str) -> Option<Self> {
        let width = text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[width..];
        let separated = rest.is_empty() || rest.starts_with(['_', '-', '.', ' ']);
        if width == 0 || width > MAX_DIGITS || !separated {
            return None;
        }
        Some(Self { number: text[..width].parse().ok()?, width, rest })
    }

    /// The same name with another number, as wide as before.
    pub fn with_number(&self, number: u64) -> String {
        format!("{number:0width$}{}", self.rest, width = self.width)
    }
}

/// The number of an id in a sequential project.
pub fn number_of(id: &RevisionId) -> Option<u64> {
    Numbered::parse(id.as_str()).map(|n| n.number)
}

/// Whether ids along a line (newest first) are a sequence: every one is a
/// number, each greater than the one below it.
pub fn is_sequence(line: &[&RevisionId]) -> bool {
    let numbers: Option<Vec<u64>> = line.iter().map(|id| number_of(id)).collect();
    let Some(numbers) = numbers else { return false };
    let padded = line.iter().all(|id| id.as_str().starts_with('0'));
    // A lone `1` may be a person's whim; a lone `0001` is the start of a sequence.
    (numbers.len() > 1 || (numbers.len() == 1 && padded))
        && numbers.windows(2).all(|pair| pair[0] > pair[1])
}

/// The file name (without folder) for a script whose id or number changes;
/// `None` if the name does not carry it.
pub fn renamed_file(name: &str, old: &RevisionId, new: &RevisionId) -> Option<String> {
    if let Some(rest) = name.strip_prefix(old.as_str()) {
        return Some(format!("{new}{rest}"));
    }
    let (old, new) = (Numbered::parse(old.as_str())?, Numbered::parse(new.as_str())?);
    let file = Numbered::parse(name)?;
    (file.number == old.number).then(|| file.with_number(new.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RevisionId {
        RevisionId::new(text).expect("legal")
    }

    #[test]
    fn numbers_are_told_from_random_ids_and_dates() {
        let number = |text| Numbered::parse(text).map(|n| n.number);
        assert_eq!(number("0042"), Some(42));
        assert_eq!(number("0042_add_x"), Some(42));
        assert_eq!(number("1a2b3c"), None);
        assert_eq!(number("20240102"), None);
        assert_eq!(number("add_0042"), None);
    }

    #[test]
    fn a_new_number_keeps_width_and_name() {
        let renumber = |text, n| Numbered::parse(text).map(|x| x.with_number(n));
        assert_eq!(renumber("0042_add_x", 43), Some("0043_add_x".to_owned()));
        assert_eq!(renumber("9", 10), Some("10".to_owned()));
    }

    #[test]
    fn a_sequence_grows_along_the_line() {
        let sequence = |ids: &[&str]| {
            let ids: Vec<RevisionId> = ids.iter().map(|text| id(text)).collect();
            is_sequence(&ids.iter().collect::<Vec<_>>())
        };
        assert!(sequence(&["0003", "0002", "0001"]));
        assert!(sequence(&["0001"]));
        assert!(!sequence(&["1"]));
        assert!(!sequence(&["0002", "0003"]));
        assert!(!sequence(&["0003", "abcd"]));
    }

    #[test]
    fn file_names_follow_the_id_they_carry() {
        assert_eq!(
            renamed_file("0043_add.py", &id("0043"), &id("0044")),
            Some("0044_add.py".to_owned())
        );
        assert_eq!(
            renamed_file("0043_add.py", &id("0043_add"), &id("0044_add")),
            Some("0044_add.py".to_owned())
        );
        assert_eq!(
            renamed_file("043-add.py", &id("0043"), &id("0044")),
            Some("044-add.py".to_owned())
        );
        assert_eq!(renamed_file("add.py", &id("0043"), &id("0044")), None);
    }
}
