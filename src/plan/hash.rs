//! One way to hash several pieces of bytes.

use sha2::{Digest, Sha256};

/// SHA-256 over the pieces and their lengths, in hex.
pub fn hash_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update((piece.len() as u64).to_le_bytes());
        hasher.update(piece);
    }
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    hasher.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
