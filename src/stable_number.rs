//! A number for bytes that differs whenever they do, as good as always. It is stored, so it is the
//! same in every version of kado; the hasher of the standard library may change with a release of
//! Rust.

use blake3::Hasher;

/// The number of what a hasher was given: the first 64 bits of the digest.
pub(crate) fn stable_number(hasher: &Hasher) -> u64 {
    let mut first = [0; size_of::<u64>()];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_same_bytes_stays_what_is_stored() {
        let mut hasher = Hasher::new();
        hasher.update(b"abc");

        let number = stable_number(&hasher);

        // The published digest begins with 64 37 b3 ac 38 46 51 33.
        assert_eq!(number, 0x3351_4638_acb3_3764);
    }
}
