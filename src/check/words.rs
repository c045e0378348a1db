//! Small pieces of English that several rules need.

/// Longer lists are cut: a sentence with fifty ids says nothing.
const MOST_NAMED: usize = 6;

/// `` `a`, `b` and `c` ``; long lists end in `and 7 more`.
pub fn named<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let mut quoted: Vec<String> =
        items.into_iter().map(|item| format!("`{}`", item.to_string())).collect();
    if quoted.len() > MOST_NAMED {
        let more = quoted.len() - (MOST_NAMED - 1);
        quoted.truncate(MOST_NAMED - 1);
        quoted.push(format!("{more} more"));
    }
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_english_and_end_somewhere() {
        assert_eq!(named(["a"]), "`a`");
        assert_eq!(named(["a", "b"]), "`a` and `b`");
        assert_eq!(named(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(named(1..=9), "`1`, `2`, `3`, `4`, `5` and 4 more");
    }
}
