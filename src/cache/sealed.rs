//! Bytes with their length and their checksum, so that what was cut off, mixed
//! up or written by somebody else is not taken for ours.

const LENGTH: usize = 4;
const CHECKSUM: usize = 8;

/// `bytes` as they are written, after what tells the format and its version.
pub(super) fn seal(magic: &str, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let sum: [u8; CHECKSUM] = first_of(blake3::hash(bytes).as_bytes());
    [magic.as_bytes(), &length.to_le_bytes(), &sum, bytes].concat()
}

/// Where what was sealed at `start` lies, if it is there and whole.
pub(super) fn sealed_at(magic: &str, bytes: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
    let rest = bytes.get(start..)?.strip_prefix(magic.as_bytes())?;
    let length = length_at(rest, 0)?;
    let sum = rest.get(LENGTH..LENGTH + CHECKSUM)?;
    let sealed = rest.get(LENGTH + CHECKSUM..)?.get(..length)?;
    let is_whole = blake3::hash(sealed).as_bytes()[..CHECKSUM] == *sum;
    let start = start + magic.len() + LENGTH + CHECKSUM;
    is_whole.then_some(start..start + length)
}

/// Adds an entry to the bytes that will be sealed.
pub(super) fn push_entry(entries: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    entries.extend(key);
    entries.extend(length.to_le_bytes());
    entries.extend(value);
}

/// The key of the entry at `start`, and where its value lies.
pub(super) fn entry_at<const KEY: usize>(
    bytes: &[u8],
    start: usize,
) -> Option<([u8; KEY], std::ops::Range<usize>)> {
    let key = first_of(bytes.get(start..start + KEY)?);
    let length = length_at(bytes, start + KEY)?;
    let start = start + KEY + LENGTH;
    bytes.get(start..start + length)?;
    Some((key, start..start + length))
}

/// The first bytes, of which there have to be so many.
pub(super) fn first_of<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&bytes[..N]);
    first
}

fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + LENGTH)?;
    usize::try_from(u32::from_le_bytes(first_of(length))).ok()
}
