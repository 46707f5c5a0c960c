//! Until when a certificate is good, read from its DER (RFC 5280, section 4.1). Pure.
//!
//! Only the way to that date is read: a sequence with the certificate's content, in it version,
//! serial number, algorithm and issuer, and then the two dates. What does not go that way has no
//! end that is known; whether a certificate is a good one its authority decides.

use crate::moment::Moment;

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// One element: what it is, and what it holds.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

/// When a certificate ends; `None` where that cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<Moment> {
    let mut outer = certificate;
    let mut whole = sequence(&mut outer)?;
    let mut content = sequence(&mut whole)?;

    // The version stands there only where it is not the first one.
    if content.first() == Some(&VERSION) {
        element(&mut content)?;
    }
    for _ in ["serial number", "algorithm", "issuer"] {
        element(&mut content)?;
    }

    let mut validity = sequence(&mut content)?;
    element(&mut validity)?;
    let end = element(&mut validity)?;
    let digits = std::str::from_utf8(end.content).ok()?;
    match end.tag {
        UTC_TIME => {
            // Two digits of a year mean 1950 to 2049.
            let century = if digits.get(..2)? < "50" { "20" } else { "19" };
            time(&format!("{century}{digits}"))
        }
        GENERALIZED_TIME => time(digits),
        _ => None,
    }
}

/// The content of the sequence that comes next.
fn sequence<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let next = element(rest)?;
    (next.tag == SEQUENCE).then_some(next.content)
}

/// The element that comes next; `rest` is what stands behind it.
fn element<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let (&tag, behind) = rest.split_first()?;
    let (&first, mut behind) = behind.split_first()?;

    // Below 128 it is the length, else how many bytes the length has.
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let digits = usize::from(first & 0x7f);
        if !(1..=4).contains(&digits) {
            return None;
        }
        let (bytes, after) = behind.split_at_checked(digits)?;
        length = 0;
        for byte in bytes {
            length = length << 8 | usize::from(*byte);
        }
        behind = after;
    }

    let (content, after) = behind.split_at_checked(length)?;
    *rest = after;
    Some(Element { tag, content })
}

/// A time of the form `YYYYMMDDHHMMSSZ`, the only one that RFC 5280 allows.
fn time(digits: &str) -> Option<Moment> {
    let date = digits.strip_suffix('Z')?;
    if date.len() != 14 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        &date[4..6],
        &date[6..8],
        &date[8..10],
        &date[10..12],
        &date[12..],
    );
    Moment::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A certificate that ends in this year.
    fn certificate(year: i32) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["kado".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 3, 14);
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_time() {
        for (year, end) in [
            (2027, "2027-03-14T00:00:00.000Z"),
            (2049, "2049-03-14T00:00:00.000Z"),
            (2050, "2050-03-14T00:00:00.000Z"),
            (2150, "2150-03-14T00:00:00.000Z"),
        ] {
            let read = not_after(&certificate(year));

            assert_eq!(read.map(|end| end.to_string()).as_deref(), Some(end));
        }
    }

    #[test]
    fn a_certificate_that_was_cut_has_no_end() {
        let whole = certificate(2027);

        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_stands_there_breaks_it(
            at in 0usize..400, byte: u8, bytes in proptest::collection::vec(any::<u8>(), 0..100)
        ) {
            not_after(&bytes);
            let mut broken = certificate(2027);
            if let Some(place) = broken.get_mut(at) {
                *place = byte;
            }
            not_after(&broken);
        }
    }
}
