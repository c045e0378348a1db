//! Texts with places to be filled: `'%s' % name` and `'{}'.format(name)`.

use super::value::{Holes, Value};

/// What stands where a text has a value that is not known: no part of a name.
pub(super) const HOLE: &str = " ? ";

/// `text % values`
pub(super) fn percent(text: &str, values: &Value<'_>) -> (String, Holes) {
    let given = match values {
        Value::List(values) => values.as_ref().clone(),
        one => vec![one.clone()],
    };
    let mut filled = Filled::default();
    let mut next = 0;
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        filled.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            filled.text.push('%');
            rest = after;
            continue;
        }
        let is_named = rest.starts_with('(');
        let name_end = if is_named { rest.find(')').map_or(rest.len(), |end| end + 1) } else { 0 };
        let is_flag = |c: char| !c.is_ascii_alphabetic();
        let end = rest[name_end..].find(|c| !is_flag(c)).map_or(rest.len(), |at| name_end + at + 1);
        let is_plain = &rest[..end] == "s";
        // All that is known of what a name stands for is what the whole is.
        filled.put(if is_named { Some(values) } else { given.get(next) }, is_plain);
        next += usize::from(!is_named);
        rest = &rest[end..];
    }
    filled.text.push_str(rest);
    (filled.text, filled.holes)
}

/// `text.format(..)`
pub(super) fn format(
    text: &str,
    positional: &[Value<'_>],
    keywords: &[(&str, Value<'_>)],
) -> (String, Holes) {
    let mut filled = Filled::default();
    let mut next = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled.text.push_str(&rest[..at]);
        let doubled = if rest[at..].starts_with('{') { "{{" } else { "}}" };
        if rest[at..].starts_with(doubled) || rest[at..].starts_with('}') {
            filled.text.push_str(&doubled[..1]);
            rest = rest[at..].strip_prefix(doubled).unwrap_or(&rest[at + 1..]);
            continue;
        }
        let end = rest[at..].find('}').map_or(rest.len(), |length| at + length);
        let field = &rest[at + 1..end];
        let value = match field.parse::<usize>() {
            Ok(index) => positional.get(index),
            Err(_) if field.is_empty() => {
                next += 1;
                positional.get(next - 1)
            }
            Err(_) => keywords.iter().find(|(name, _)| *name == field).map(|(_, value)| value),
        };
        filled.put(value, true);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    filled.text.push_str(rest);
    (filled.text, filled.holes)
}

struct Filled {
    text: String,
    holes: Holes,
}

impl Default for Filled {
    fn default() -> Self {
        Self { text: String::new(), holes: Holes::None }
    }
}

impl Filled {
    fn put(&mut self, value: Option<&Value<'_>>, is_plain: bool) {
        match value.map(|value| (value, value.known())) {
            Some((_, Some(text))) if is_plain => self.text.push_str(text),
            Some((value, _)) => {
                self.text.push_str(HOLE);
                self.holes = self.holes.max(value.holes()).max(Holes::FromFile);
            }
            None => {
                self.text.push_str(HOLE);
                self.holes = Holes::FromElsewhere;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((found, holes): (String, Holes), expected: &str) {
        let is_known = if holes == Holes::None { "" } else { "…" };
        assert_eq!(format!("{found}{is_known}"), expected);
    }

    #[test]
    fn known_values_fill_their_places() {
        check(percent("a %s b", &Value::text("x")), "a x b");
        check(percent("100%%", &Value::None), "100%");
        check(percent("%(n)s", &Value::Data), " ? …");
        check(percent("%5d", &Value::text("x")), " ? …");
        check(percent("%", &Value::text("x")), " ? …");
        check(super::format("a {} {1}", &[Value::text("x"), Value::text("y")], &[]), "a x y");
        check(super::format("{n} {{}} }", &[], &[("n", Value::text("x"))]), "x {} }");
        check(super::format("{} {m.x", &[Value::Data], &[]), " ?   ? …");
    }
}
