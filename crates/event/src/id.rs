//! Newtypes for everything that identifies or orders events.

use std::fmt;
use std::str::FromStr;

use uuid::{Uuid, Variant};

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a UUID at all, or one of another version.
    #[error("{0:?} is not a UUIDv7")]
    NotUuidV7(String),
    /// Not hexadecimal digits of the right length.
    #[error("{text:?} is not {digits} hexadecimal digits")]
    NotHex {
        /// What was given.
        text: String,
        /// How many digits were expected.
        digits: usize,
    },
    /// Not a panel name.
    #[error(
        "{0:?} is not a panel name: 1 to 64 of a–z, 0–9, '-', '_' and '.', the first a letter or digit"
    )]
    NotPanelName(String),
}

/// The idempotency key of an event: a UUIDv7 (RFC 9562) made by the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// Makes an id from the request's start and 74 random bits (the rest of `random` is ignored).
    #[must_use]
    pub fn new(time: Micros, random: [u8; 10]) -> Self {
        let millis = u64::try_from(time.0 / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Takes the 16 bytes of a UUID; anything but version 7 is refused.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, IdError> {
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// Takes a UUID; anything but version 7 is refused.
    pub fn from_uuid(uuid: Uuid) -> Result<Self, IdError> {
        // The version means something in one variant only.
        if uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122 {
            Ok(Self(uuid))
        } else {
            Err(IdError::NotUuidV7(uuid.to_string()))
        }
    }

    /// The 16 bytes, big-endian, in the order of time.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let uuid = Uuid::try_parse(text).map_err(|_| IdError::NotUuidV7(text.to_owned()))?;
        Self::from_uuid(uuid)
    }
}

/// The trail of one node. Made once, when the data folder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for LogId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

/// Keyed hash of a session cookie or token, truncated to 128 bits. Never the cookie itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionHash(pub [u8; 16]);

impl fmt::Display for SessionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for SessionHash {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

/// Place of an event in the order in which one log accepted events, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i64);

impl Micros {
    /// One second.
    pub const SECOND: i64 = 1_000_000;

    /// Reads an RFC 3339 moment ("2026-11-22T14:31:58.117Z", any offset); digits past µs are cut.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.trim().parse().ok()?;
        Some(Self(stamp.as_microsecond()))
    }
}

/// RFC 3339 in UTC with six digits of a second.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Name of a monitored system, as the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PanelName(String);

impl PanelName {
    /// The panel under which Admintrail records the use of its own pages.
    pub const OWN: &'static str = "admintrail";

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The panel [`PanelName::OWN`].
    #[must_use]
    pub fn own() -> Self {
        Self(Self::OWN.to_owned())
    }
}

impl FromStr for PanelName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        let starts = bytes.first().is_some_and(u8::is_ascii_alphanumeric);
        let allowed = bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(b));
        if starts && allowed && bytes.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::NotPanelName(text.to_owned()))
        }
    }
}

impl fmt::Display for PanelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn parse_hex(text: &str) -> Result<[u8; 16], IdError> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let read = || {
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 16];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
        }
        Some(bytes)
    };
    let bytes = if text.len() == 32 { read() } else { None };
    bytes.ok_or_else(|| IdError::NotHex {
        text: text.to_owned(),
        digits: 32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_uuid_v7_only() {
        let id = EventId::new(Micros(1_795_000_000_000_000), [0xab; 10]);
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        for other in [
            "3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11",
            // A 7 in the place of the version, in variants that have none there.
            "01987b5c-2d7e-7cc3-08c4-dc0c0c07398f",
            "01987b5c-2d7e-7cc3-d8c4-dc0c0c07398f",
        ] {
            assert!(other.parse::<EventId>().is_err(), "{other}");
        }
    }

    #[test]
    fn moments_print_six_digits_and_read_any_offset() {
        let at = Micros::parse_rfc3339("2026-11-22T15:31:58.1+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-11-22T14:31:58.100000Z");
    }

    #[test]
    fn panel_names_are_short_and_plain() {
        for bad in ["", "Billing", "a b", "-x", "x\u{e9}"] {
            assert!(bad.parse::<PanelName>().is_err(), "{bad:?}");
        }
        assert_eq!(
            "billing-2".parse::<PanelName>().unwrap().as_str(),
            "billing-2"
        );
    }
}
