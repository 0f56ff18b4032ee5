//! The canonical bytes of events: frozen, the same as the JSON says, and never equal by accident.

use admintrail_event::testing::{accepted, event, workload};
use admintrail_event::{
    CanonicalFields, Ending, Event, EventJson, FirstSet, Kind, KnownBy, LogId, Micros, Outcome,
    RequestType, Seq, canonical,
};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An event in which nothing is null.
fn full() -> CanonicalFields<'static> {
    CanonicalFields {
        id: "01987b5c-2d7e-7cc3-98c4-dc0c0c07398f".parse().unwrap(),
        log: "00112233445566778899aabbccddeeff".parse().unwrap(),
        seq: Seq(4711),
        kind: Kind::Request,
        count: Some(0),
        time: Micros::parse_rfc3339("2026-11-22T14:31:58.117Z").unwrap(),
        received: Micros::parse_rfc3339("2026-11-22T14:31:58.14025Z").unwrap(),
        panel: "billing",
        recorder: "proxy-1",
        recorder_epoch: 1_795_000_000_000_000,
        recorder_seq: 42,
        admin: Some("olena@example.org"),
        admin_name: Some("Olena Kovalenko"),
        known_by: KnownBy::Session,
        attempted: Some("root"),
        acting_as: Some("client@example.org"),
        ip: Some("198.51.100.7".parse().unwrap()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
        session: Some("77f0a1b2c3d4e5f60718293a4b5c6d7e".parse().unwrap()),
        request_type: RequestType::Api,
        method: "PUT",
        scheme: Some("https"),
        host: Some("billing.example.org:8443"),
        path: "/admin/api/settings/mail",
        query: Some("tab=smtp&token=%2A%2A%2A"),
        route: Some("/admin/api/settings/{group}"),
        action: "Changed settings",
        object: Some("settings/mail"),
        status: Some(204),
        outcome: Outcome::Success,
        ending: Ending::Complete,
        duration_us: Some(21_750),
        request_bytes: Some(512),
        response_bytes: Some(u64::MAX),
        asset: true,
        polling: true,
        first: FirstSet::EVERYTHING,
        path_bytes: Some(8_193),
        query_bytes: Some(10_000),
        agent_bytes: Some(u32::MAX),
    }
}

/// An event in which all is null or empty that may be.
fn bare() -> CanonicalFields<'static> {
    CanonicalFields {
        id: "00000000-0000-7000-8000-000000000000".parse().unwrap(),
        log: "00000000000000000000000000000000".parse().unwrap(),
        seq: Seq(1),
        kind: Kind::Request,
        count: None,
        time: Micros(0),
        received: Micros(0),
        panel: "a",
        recorder: "",
        recorder_epoch: 0,
        recorder_seq: 0,
        admin: None,
        admin_name: None,
        known_by: KnownBy::None,
        attempted: None,
        acting_as: None,
        ip: None,
        user_agent: None,
        session: None,
        request_type: RequestType::Web,
        method: "",
        scheme: None,
        host: None,
        path: "",
        query: None,
        route: None,
        action: "",
        object: None,
        status: None,
        outcome: Outcome::Unknown,
        ending: Ending::Complete,
        duration_us: None,
        request_bytes: None,
        response_bytes: None,
        asset: false,
        polling: false,
        first: FirstSet::default(),
        path_bytes: None,
        query_bytes: None,
        agent_bytes: None,
    }
}

/// Edges of every kind.
fn odd() -> CanonicalFields<'static> {
    CanonicalFields {
        id: "ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap(),
        log: "ffffffffffffffffffffffffffffffff".parse().unwrap(),
        seq: Seq(u64::MAX),
        kind: Kind::Gap,
        count: Some(12),
        time: Micros(-1),
        received: Micros(i64::MIN),
        panel: "shop.2",
        recorder: "вузол",
        recorder_epoch: u64::MAX,
        recorder_seq: 10_000,
        admin: Some("ОЛЕНА"),
        admin_name: Some(""),
        known_by: KnownBy::Attempt,
        ip: Some("2001:db8:0:1::7".parse().unwrap()),
        path: "/клієнт/%0D%0A\"x\"",
        query: Some(""),
        action: "Denied: viewed client 4711",
        status: Some(u16::MAX),
        outcome: Outcome::Denied,
        ending: Ending::Dropped,
        duration_us: Some(0),
        first: FirstSet::AGENT.with(FirstSet::HOUR),
        ..bare()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Holds the bytes against a vector: lines of a field's name, the length and the bytes in hex,
/// `#` before remarks, and the SHA-256 of all bytes at the end.
fn holds(fields: &CanonicalFields<'_>, vector: &str) {
    let bytes = fields.to_bytes();
    let mut rest = hex(&bytes);
    for line in vector.lines().filter(|line| !line.starts_with('#')) {
        let (name, digits) = line.split_once(' ').unwrap();
        let digits = digits.replace(' ', "");
        if name == "sha256" {
            assert_eq!(rest, "", "more than the vector has");
            assert_eq!(hex(&Sha256::digest(&bytes)), digits);
            return;
        }
        rest = match rest.strip_prefix(&digits) {
            Some(rest) => rest.to_owned(),
            None => panic!("{name} should be {digits}, but {rest} follows"),
        };
    }
    panic!("the vector has no end");
}

#[test]
fn the_golden_vectors_hold() {
    holds(&full(), include_str!("../canonical/full.txt"));
    holds(&bare(), include_str!("../canonical/bare.txt"));
    holds(&odd(), include_str!("../canonical/odd.txt"));
}

#[test]
fn what_was_in_the_buffer_stays() {
    let mut out = b"before".to_vec();
    full().write(&mut out);
    assert_eq!(out, [b"before".as_slice(), &full().to_bytes()].concat());
}

/// The fields again, read back from the bytes by the form's description alone.
fn fields_of(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut rest = match bytes.split_first() {
        Some((&canonical::VERSION, rest)) => rest,
        other => panic!("another version: {other:?}"),
    };
    let mut fields = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        rest = after;
        fields.push((*length != [0xff; 4]).then(|| {
            let (field, after) = rest.split_at(u32::from_be_bytes(*length) as usize);
            rest = after;
            field.to_vec()
        }));
    }
    assert!(rest.is_empty());
    fields
}

/// What the JSON of an event says, in the order in which it says it, as canonical bytes have it.
fn fields_of_json(event: &Event) -> Vec<(String, Option<Vec<u8>>)> {
    let text = serde_json::to_string(&EventJson(event)).unwrap();
    let Value::Object(object) = serde_json::from_str(&text).unwrap() else {
        panic!("no object: {text}");
    };
    let mut fields: Vec<(String, Value)> = object.into_iter().collect();
    fields.sort_by_key(|(name, _)| text.find(&format!("\"{name}\":")));
    let plain = |name: &str, value: Value| match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(flag).to_string()),
        Value::String(text) if name == "time" || name == "received" => {
            Some(Micros::parse_rfc3339(&text).unwrap().0.to_string())
        }
        Value::String(text) => Some(text),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            Some(words.join(","))
        }
        other => Some(other.to_string()),
    };
    fields
        .into_iter()
        .map(|(name, value)| {
            let text = plain(&name, value);
            (name, text.map(String::into_bytes))
        })
        .collect()
}

/// For each field by its name: `one`, but with that field of `other`.
fn exchanged<'a>(
    one: CanonicalFields<'a>,
    other: CanonicalFields<'a>,
) -> Vec<(&'static str, CanonicalFields<'a>)> {
    macro_rules! each {
        ($($field:ident),+ $(,)?) => {
            vec![$((stringify!($field), CanonicalFields { $field: other.$field, ..one })),+]
        };
    }
    each![
        id,
        log,
        seq,
        kind,
        count,
        time,
        received,
        panel,
        recorder,
        recorder_epoch,
        recorder_seq,
        admin,
        admin_name,
        known_by,
        attempted,
        acting_as,
        ip,
        user_agent,
        session,
        request_type,
        method,
        scheme,
        host,
        path,
        query,
        route,
        action,
        object,
        status,
        outcome,
        ending,
        duration_us,
        request_bytes,
        response_bytes,
        asset,
        polling,
        first,
        path_bytes,
        query_bytes,
        agent_bytes,
    ]
}

#[test]
fn every_field_of_the_json_is_hashed() {
    let names = include_str!("../canonical/full.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name)
        .filter(|name| !["#", "version", "sha256"].contains(name));
    let event = accepted(workload(1, 1).next().unwrap(), LogId([1; 16]), 1);
    let json = fields_of_json(&event);
    assert!(names.eq(json.iter().map(|(name, _)| name.as_str())));
    assert_eq!(exchanged(full(), bare()).len(), json.len());
}

#[test]
fn a_set_with_a_bit_that_has_no_word_reads_like_no_other() {
    let mut seen = std::collections::BTreeSet::new();
    for bits in 0..=u8::MAX {
        let first = FirstSet(bits);
        assert!(seen.insert(CanonicalFields { first, ..bare() }.to_bytes()));
    }
}

proptest! {
    #[test]
    fn the_bytes_say_what_the_json_says(event in event()) {
        let read = fields_of(&CanonicalFields::from(&event).to_bytes());
        let said: Vec<_> = fields_of_json(&event).into_iter().map(|(_, value)| value).collect();
        prop_assert_eq!(read, said);
    }

    #[test]
    fn two_events_have_the_same_bytes_only_if_they_are_the_same(one in event(), other in event()) {
        let [a, b] = [&one, &other].map(|event| CanonicalFields::from(event).to_bytes());
        prop_assert_eq!(a == b, one == other);
        prop_assert_eq!(CanonicalFields::from(&one.clone()).to_bytes(), a);
    }

    #[test]
    fn a_change_of_one_field_changes_its_bytes_and_no_others(one in event(), other in event()) {
        let (one, other) = (CanonicalFields::from(&one), CanonicalFields::from(&other));
        let before = fields_of(&one.to_bytes());
        for (at, (name, changed)) in exchanged(one, other).into_iter().enumerate() {
            let after = fields_of(&changed.to_bytes());
            prop_assert_eq!(after == before, changed == one, "{}", name);
            let elsewhere = |fields: &[Option<Vec<u8>>]| {
                let mut fields = fields.to_vec();
                fields[at] = None;
                fields
            };
            prop_assert_eq!(elsewhere(&after), elsewhere(&before), "{}", name);
        }
    }

    #[test]
    fn a_byte_that_moves_to_the_next_field_is_seen(text in "\\PC{1,12}", cut in 0..12_usize) {
        let cut = text.floor_char_boundary(cut);
        let (path, query) = text.split_at(cut);
        let whole = CanonicalFields { path: &text, query: Some(""), ..bare() };
        let split = CanonicalFields { path, query: Some(query), ..bare() };
        prop_assert_eq!(whole.to_bytes() == split.to_bytes(), cut == text.len());
    }
}
