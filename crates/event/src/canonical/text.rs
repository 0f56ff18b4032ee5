//! Numbers, identifiers and addresses as the ASCII texts that canonical bytes are made of.
//!
//! Written out here instead of through `fmt`: these texts are hashed for ever and must not follow a
//! library's taste, and a verification writes some forty of them for each event.

use crate::{EventId, FirstSet, Ip};

/// The words of a set of firsts, by their bits. The upper four have no meaning yet; they are named
/// so that two sets that differ never read the same.
pub(super) const FIRST_WORDS: [(u8, &str); 8] = [
    (FirstSet::IP.0, "ip"),
    (FirstSet::AGENT.0, "agent"),
    (FirstSet::ROUTE.0, "route"),
    (FirstSet::HOUR.0, "hour"),
    (16, "bit4"),
    (32, "bit5"),
    (64, "bit6"),
    (128, "bit7"),
];

/// Room for the digits of any 64-bit number and a sign, in eights.
const WIDTH: usize = 24;

/// A number in decimal digits, aligned to the end of its buffer.
pub(super) struct Decimal {
    buffer: [u8; WIDTH],
    length: usize,
}

impl Decimal {
    #[inline]
    pub(super) fn of(number: u64) -> Self {
        const EIGHT: u64 = 100_000_000;
        let mut buffer = [b'0'; WIDTH];
        let (mut length, mut rest) = (0, number);
        for (place, digits) in buffer.as_chunks_mut::<8>().0.iter_mut().rev().enumerate() {
            let (bytes, zeros) = eight_digits(rest % EIGHT);
            *digits = bytes;
            rest /= EIGHT;
            if rest == 0 {
                // Zero itself has a digit.
                length = place * 8 + 8 - zeros.min(7);
                break;
            }
        }
        Self { buffer, length }
    }

    #[inline]
    pub(super) fn signed(number: i64) -> Self {
        let mut decimal = Self::of(number.unsigned_abs());
        if number < 0 {
            decimal.length += 1;
            if let Some(sign) = decimal.buffer.get_mut(WIDTH - decimal.length) {
                *sign = b'-';
            }
        }
        decimal
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.buffer.get(WIDTH - self.length..).unwrap_or_default()
    }
}

/// The eight digits of a number below 10⁸, and how many of them are leading zeros.
///
/// All digits at once: the number is halved into two of four digits, those into two of two, those
/// into single ones, each in a lane of its own of one word, the first in the lowest. Dividing by 100
/// and 10 is multiplying by 10486 / 2²⁰ and 103 / 2¹⁰, which is exact for as many digits.
#[inline]
const fn eight_digits(number: u64) -> ([u8; 8], usize) {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens | ((twos - tens * 10) << 8);
    let ascii = ones | 0x3030_3030_3030_3030;
    (ascii.to_le_bytes(), (ones.trailing_zeros() / 8) as usize)
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + (nibble - 10)
    }
}

/// 32 lower-case hexadecimal digits.
pub(super) fn hex(bytes: [u8; 16]) -> [u8; 32] {
    let mut out = [0; 32];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [hex_digit(byte >> 4), hex_digit(byte & 0xf)];
    }
    out
}

/// The hyphenated form of a UUID, lower case.
pub(super) fn uuid(id: EventId) -> [u8; 36] {
    let digits = hex(*id.as_bytes());
    let mut out = [b'-'; 36];
    let places = (0..36).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
    for (at, digit) in places.zip(digits) {
        if let Some(to) = out.get_mut(at) {
            *to = digit;
        }
    }
    out
}

/// RFC 5952, where section 5's dotted quad stands alone for an address that is an IPv4 one.
pub(super) fn push_ip(out: &mut Vec<u8>, ip: Ip) {
    if let [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, quad @ ..] = ip.0 {
        let mut dot = false;
        for octet in quad {
            if dot {
                out.push(b'.');
            }
            dot = true;
            out.extend_from_slice(Decimal::of(u64::from(octet)).as_bytes());
        }
        return;
    }
    let mut groups = [0_u16; 8];
    for (group, pair) in groups.iter_mut().zip(ip.0.as_chunks::<2>().0) {
        *group = u16::from_be_bytes(*pair);
    }
    push_groups(out, groups);
}

fn push_groups(out: &mut Vec<u8>, groups: [u16; 8]) {
    let hidden = longest_zeros(groups);
    let mut colon = false;
    for (at, group) in groups.into_iter().enumerate() {
        if hidden.contains(&at) {
            if at == hidden.start {
                out.extend_from_slice(b"::");
                colon = false;
            }
            continue;
        }
        if colon {
            out.push(b':');
        }
        colon = true;
        // Leading zeros are left out (section 4.1).
        let digits = (u16::BITS - group.leading_zeros()).div_ceil(4).max(1);
        for place in (0..digits).rev() {
            out.push(hex_digit((group >> (4 * place)) as u8 & 0xf));
        }
    }
}

/// The run of groups that `::` stands for: the longest of at least two, the first of equals
/// (sections 4.2.2 and 4.2.3). Empty where there is none.
fn longest_zeros(groups: [u16; 8]) -> std::ops::Range<usize> {
    let (mut best, mut start) = (0..0, 0);
    for (at, group) in groups.into_iter().enumerate() {
        if group != 0 {
            start = at + 1;
        } else if at + 1 - start > best.len().max(1) {
            best = start..at + 1;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: impl AsRef<[u8]>) -> String {
        String::from_utf8(bytes.as_ref().to_vec()).unwrap()
    }

    fn shown(ip: Ip) -> String {
        let mut out = Vec::new();
        push_ip(&mut out, ip);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_edges_of_numbers_are_written_in_full() {
        for number in [0, 1, 9, 10, 9_999, 10_000, 100_000_000, u64::MAX] {
            assert_eq!(read(Decimal::of(number).as_bytes()), number.to_string());
        }
        for number in [0, -1, -10_000, i64::MIN, i64::MAX] {
            assert_eq!(read(Decimal::signed(number).as_bytes()), number.to_string());
        }
    }

    #[test]
    fn addresses_read_as_rfc_5952_recommends() {
        for text in [
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            // One zero group is no run; of two runs the longer, of equals the first.
            "2001:db8:0:1:1:1:1:1",
            "2001:0:0:1::1",
            "2001:db8::1:0:0:1",
            "198.51.100.7",
            "0.0.0.0",
            "::ffff:0:0:1",
            "::198.51.100.7",
            "fe80::ffff:c633:6407",
        ] {
            let ip: Ip = text.parse().unwrap();
            assert_eq!(shown(ip), ip.to_string());
        }
        assert_eq!(
            shown("::ffff:198.51.100.7".parse().unwrap()),
            "198.51.100.7"
        );
    }

    #[test]
    fn the_words_of_firsts_are_those_of_the_json() {
        for (bit, word) in FIRST_WORDS.into_iter().take(4) {
            assert_eq!(FirstSet::of_name(word), Some(FirstSet(bit)));
        }
        let all = FIRST_WORDS.iter().fold(0, |all, (bit, _)| all | bit);
        assert_eq!(all, u8::MAX);
    }

    proptest! {
        #[test]
        fn texts_are_those_of_the_standard_library(
            number: u64, signed: i64, bytes: [u8; 16], holes: u16, random: [u8; 10],
        ) {
            prop_assert_eq!(read(Decimal::of(number).as_bytes()), number.to_string());
            let short = number >> (signed & 63);
            prop_assert_eq!(read(Decimal::of(short).as_bytes()), short.to_string());
            prop_assert_eq!(read(Decimal::signed(signed).as_bytes()), signed.to_string());
            prop_assert_eq!(read(hex(bytes)), format!("{:032x}", u128::from_be_bytes(bytes)));
            let id = EventId::new(crate::Micros(signed >> 8), random);
            prop_assert_eq!(read(uuid(id)), id.to_string());
            // With runs of zeros, which random bytes hardly have.
            let mut holed = bytes;
            for (at, byte) in holed.iter_mut().enumerate() {
                if holes >> at & 1 == 1 {
                    *byte = 0;
                }
            }
            prop_assert_eq!(shown(Ip(bytes)), Ip(bytes).to_string());
            prop_assert_eq!(shown(Ip(holed)), Ip(holed).to_string());
        }
    }
}
