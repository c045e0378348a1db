//! Percent escapes, as Python's `urllib.parse` reads and writes them.

/// `%41` becomes `A`; an escape that is none stays.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let hex = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// In a query a `+` is a space, elsewhere it is a plus.
pub(super) fn decoded_form(text: &str) -> String {
    decoded(&text.replace('+', " "))
}

/// Escapes all but letters, digits, `_.-~` and `safe`.
pub(super) fn encoded(text: &str, safe: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte);
        if is_plain || safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
