//! Names that look random and are not: GUIDs and session ids made from a text.

/// A GUID in the shape of a random one, always the same for the same text.
pub(crate) fn guid(seed: &str) -> String {
    let value = mix(seed);
    let hex = format!("{value:032x}");
    let variant = ["8", "9", "a", "b"][(value >> 4) as usize & 3];

    format!(
        "{}-{}-4{}-{variant}{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

/// 32 hexadecimal digits, as a browser session has.
pub(crate) fn session(seed: &str) -> String {
    format!("{:032x}", mix(seed))
}

/// FNV-1a over 128 bits, stirred so that short texts differ everywhere.
fn mix(seed: &str) -> u128 {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in seed.bytes().chain([0xff, 0x2f, 0xa1]) {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        hash ^= hash >> 59;
    }

    u128::from(stir((hash >> 64) as u64)) << 64 | u128::from(stir(hash as u64))
}

/// The end of SplitMix64: every bit of the input moves every bit of the output.
fn stir(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_has_the_shape_of_a_random_one_and_never_changes() {
        let one = guid("a");

        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert_eq!(one, guid("a"));
        assert_ne!(one, guid("b"));
    }
}
