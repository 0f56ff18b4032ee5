//! What filters find.

use std::net::IpAddr;

use admintrail_event::filter::{Fact, Key, Test, TextField, WholeField, quote};
use admintrail_event::testing::{accepted, draft, event, filter, term, workload};
use admintrail_event::{
    Draft, Event, Filter, FirstSet, Ip, KnownBy, LogId, Micros, Outcome, RequestType, fold,
};
use proptest::prelude::*;

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn settings_change() -> Event {
    let panel = "billing".parse().unwrap();
    let mut draft = workload(1, 1).next().unwrap();
    draft = Draft {
        admin: Some("Olena@Example.org".into()),
        admin_name: Some("Olena Kovalenko".into()),
        known_by: KnownBy::Session,
        ip: Some("198.51.100.7".parse().unwrap()),
        user_agent: Some("Mozilla/5.0 Firefox/145.0".into()),
        session: Some("77f0a1b2c3d4e5f60718293a4b5c6d7e".parse().unwrap()),
        request_type: RequestType::Api,
        query: Some("tab=smtp".into()),
        route: Some("/admin/api/settings/{group}".into()),
        action: "Changed settings".into(),
        object: Some("settings/mail".into()),
        status: Some(204),
        outcome: Outcome::Success,
        duration_us: Some(512_300),
        ..Draft::request(
            draft.id,
            Micros(1),
            panel,
            "PUT",
            "/admin/api/Settings/mail",
        )
    };
    let mut event = accepted(draft, LogId::default(), 1);
    event.first = FirstSet::IP;
    event
}

#[test]
fn each_word_finds_what_it_says() {
    let event = settings_change();
    for text in [
        "",
        "settings",
        "KOVALENKO",
        "198.51.100",
        "mail,nothing",
        "nothing,mail",
        "admin:olena",
        "admin:olena@example.org",
        "admin:\"olena kovalenko\"",
        "admin:ol*",
        "admin:nobody,olena",
        "ip:198.51.100.7",
        "ip:198.51.100.0/24",
        "ip:198.51.100.99/24",
        "ip:::ffff:198.51.100.0/120",
        "ip:10.0.0.0/8,198.51.100.7",
        "type:api",
        "type:A*",
        "method:put,DELETE",
        "outcome:success",
        "panel:billing",
        "known-by:session",
        "kind:request",
        "ending:complete",
        "path:/settings",
        "path:admin*MAIL",
        "query:smtp",
        "action:\"changed settings\"",
        "object:settings/mail",
        "route:{group}",
        "agent:firefox",
        "session:77f0",
        "session:77F0A1B2C",
        "status:2xx",
        "status:204",
        "status:200-204",
        "status:>=204",
        "status:<205",
        "status:404,2XX",
        "duration:>500ms",
        "duration:512ms",
        "duration:0.5s",
        "duration:<1s",
        "duration:500ms-1s",
        "duration:512300us",
        "is:change",
        "is:first",
        "is:polling,change",
        "first:ip",
        "first:agent,ip",
        "-is:polling",
        "-attempted:root",
        "-acting_as:*",
        "-host:x",
        "admin:olena -method:HEAD status:2xx settings",
    ] {
        assert!(parse(text).matches(&event), "{text}");
    }
    for text in [
        "nothing",
        "billing",
        "admin:ole",
        "admin:example.org",
        "admin:kovalenko",
        "-admin:olena",
        "ip:198.51.101.0/24",
        "ip:::/0",
        "type:web",
        "method:PU",
        "panel:bill",
        "path:/settings/mail/",
        "session:77f1",
        "status:4xx",
        "status:>204",
        "status:<204",
        "duration:>512300us",
        "duration:512301us",
        "duration:513ms",
        "duration:<=512ms",
        "is:unknown",
        "is:acting_as",
        "first:agent,hour",
        "attempted:*",
        "acting_as:*",
        "admin:olena method:HEAD",
    ] {
        assert!(!parse(text).matches(&event), "{text}");
    }
}

#[test]
fn a_missing_value_passes_no_test_and_every_negated_one() {
    let panel = "billing".parse().unwrap();
    let id = workload(1, 1).next().unwrap().id;
    let bare = accepted(
        Draft::request(id, Micros(1), panel, "GET", "/"),
        LogId::default(),
        1,
    );
    for word in [
        "admin:*",
        "ip:0.0.0.0/0",
        "ip:::/0",
        "session:0000",
        "status:<=999",
        "duration:>=0us",
        "query:*",
        "object:*",
        "route:*",
        "agent:*",
        "attempted:*",
        "acting_as:*",
        "host:*",
        "first:ip,agent,route,hour",
    ] {
        assert!(!parse(word).matches(&bare), "{word}");
        assert!(parse(&format!("-{word}")).matches(&bare), "-{word}");
    }
    assert!(parse("is:unknown outcome:unknown").matches(&bare));
}

#[test]
fn an_unknown_admin_and_an_unknown_outcome_are_different_things() {
    let mut event = settings_change();
    event.draft.outcome = Outcome::Unknown;
    assert!(parse("outcome:unknown").matches(&event) && !parse("is:unknown").matches(&event));
}

#[test]
fn quotes_keep_blanks_commas_stars_and_quotes() {
    let mut event = settings_change();
    event.draft.action = "Sent \"a, b\" * C:\\x".into();
    for text in [
        r#"action:"\"a, b\"""#,
        r#"action:"b\" \* c""#,
        r#"action:"*c:\\X""#,
        r#"action:"c:\x""#,
        r#"action:c:\x"#,
        r#"action:"a, b""#,
        r#"action:\x,nothing"#,
        r#"action:*"#,
        r#"action:"sent*x""#,
    ] {
        assert!(parse(text).matches(&event), "{text}");
    }
    assert!(!parse(r#"action:"sent\*x""#).matches(&event));
}

#[test]
fn words_that_only_look_like_keys_are_searched() {
    for text in [
        "2001:db8::7",
        "::1",
        "fe80::1",
        "abcd::1",
        "12:30",
        "/a:b",
        "\"admin:olena\"",
    ] {
        assert!(matches!(parse(text).terms[0].test, Test::Bare(_)), "{text}");
    }
}

#[test]
fn the_box_shows_what_was_typed_in_one_spelling() {
    for (typed, shown) in [
        ("  admin:Olena   -method:HEAD ", "admin:Olena -method:HEAD"),
        ("Known-By:attempt", "known_by:attempt"),
        (
            "ip:198.51.100.99/24,::FFFF:10.0.0.1",
            "ip:198.51.100.0/24,10.0.0.1",
        ),
        ("status:>399", "status:>=400"),
        ("status:400-499,<=399", "status:4xx,<400"),
        ("duration:>0.5s", "duration:>500ms"),
        ("duration:<2000ms", "duration:<2s"),
        ("duration:100ms-2s", "duration:100ms-2s"),
        ("duration:1.50s", "duration:1.50s"),
        ("session:77F0", "session:77f0"),
        ("action:\"settings\"", "action:settings"),
        ("\"a b\",c", "\"a b\",c"),
        ("a**b", "a*b"),
        ("is:Acting-As", "is:acting_as"),
        ("-\"-x\"", "-\"-x\""),
    ] {
        assert_eq!(parse(typed).to_string(), shown, "{typed}");
    }
}

#[test]
fn a_click_on_a_value_adds_the_word_that_finds_it() {
    for value in [
        "olena@example.org",
        "a b",
        "a,b",
        "\"q\"",
        "C:\\x",
        "100*",
        "-x",
        "Олена К.",
        "a\\*b",
    ] {
        let word = Filter::word_for(Key::Text(TextField::Action), value);
        let mut event = settings_change();
        event.draft.action = value.into();
        assert!(parse(&word).matches(&event), "{word}");
        event.draft.action = "something else".into();
        assert!(!parse(&word).matches(&event), "{word}");
        assert_eq!(parse(&quote(value)).terms.len(), 1, "{value}");
    }
    assert_eq!(
        Filter::word_for(Key::Whole(WholeField::Method), "PUT"),
        "method:PUT"
    );
    assert_eq!(Filter::word_for(Key::Ip, "198.51.100.7"), "ip:198.51.100.7");
}

#[test]
fn chips_can_be_added_turned_round_and_removed() {
    let filter = parse("admin:olena");
    let head = |text: &str| parse(text).terms.remove(0);
    let more = filter.with_term(head("-method:HEAD"));
    assert_eq!(more.to_string(), "admin:olena -method:HEAD");
    assert_eq!(more.with_term(head("-method:HEAD")), more);
    assert_eq!(
        more.with_term(head("method:HEAD")).to_string(),
        "admin:olena method:HEAD"
    );
    assert_eq!(more.without_term(0).to_string(), "-method:HEAD");
    assert_eq!(more.without_term(9), more);
    let label = more.terms[1].label();
    assert_eq!(
        (label.key, label.value.as_str(), label.negated),
        ("method", "HEAD", true)
    );
    let bare = parse("\"two words\"").terms[0].label();
    assert_eq!((bare.key, bare.value.as_str()), ("", "\"two words\""));
}

#[test]
fn asking_for_background_refreshes_is_seen() {
    assert!(parse("is:polling").asks_for(Fact::Polling));
    assert!(!parse("-is:polling").asks_for(Fact::Polling));
    assert!(!parse("is:asset").asks_for(Fact::Polling));
}

/// A search that backtracks would not come back from these.
#[test]
fn nasty_patterns_over_nasty_values_end() {
    let value = "a".repeat(8 * 1024);
    for pattern in [
        "*a".repeat(900) + "b",
        "a*".repeat(900) + "b",
        "a".repeat(2000) + "b",
    ] {
        let filter = parse(&format!("path:{pattern}"));
        let mut event = settings_change();
        event.draft.path.clone_from(&value);
        assert!(!filter.matches(&event));
        event.draft.path.push('b');
        assert!(filter.matches(&event));
    }
}

/// The plain definition of a text term: folded, stars tried at every place.
fn contains(value: &str, pieces: &[String]) -> bool {
    let value = fold(value);
    let mut rest = value.as_str();
    pieces.iter().all(|piece| {
        let piece = fold(piece);
        match rest.find(&piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        }
    })
}

/// The same for an object: a text with a slash and no star means whole segments.
fn touches(value: &str, pieces: &[String]) -> bool {
    match pieces {
        [only] if only.contains('/') && !only.ends_with('/') => {
            let (value, only) = (fold(value), fold(only));
            match only.starts_with('/') {
                true => format!("{value}/").contains(&format!("{only}/")),
                false => format!("/{value}/").contains(&format!("/{only}/")),
            }
        }
        pieces => contains(value, pieces),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_written_parses_to_the_same(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= Filter::MAX_BYTES);
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn text_terms_agree_with_the_plain_definition(term in term(), event in event()) {
        if let Test::Text(field, patterns) = &term.test {
            let naive = field.of(&event.draft).is_some_and(|value| {
                patterns.iter().any(|pattern| match field {
                    TextField::Object => touches(value, pattern.pieces()),
                    _ => contains(value, pattern.pieces()),
                })
            });
            prop_assert_eq!(term.matches(&event), naive != term.negated);
        }
    }

    #[test]
    fn a_term_and_its_contrary_share_the_events_between_them(term in term(), event in event()) {
        let contrary = admintrail_event::filter::Term { negated: !term.negated, ..term.clone() };
        prop_assert_ne!(term.matches(&event), contrary.matches(&event));
        let both = Filter { terms: vec![term, contrary] };
        prop_assert!(!both.matches(&event));
    }

    #[test]
    fn networks_hold_what_their_bits_say(addr: IpAddr, other: IpAddr, bits in 0_u8..=128) {
        let max = if other.is_ipv4() { 32 } else { 128 };
        let bits = bits % (max + 1);
        let mut draft = settings_change().draft;
        draft.ip = Some(Ip::from(addr));
        let event = accepted(draft, LogId::default(), 1);
        let same = |a: u128, b: u128, width: u8| {
            let ignored = u32::from(width - bits);
            (a ^ b).checked_shr(ignored).is_none_or(|rest| rest == 0)
        };
        let expected = match (Ip::from(addr).to_addr(), other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            (IpAddr::V4(a), IpAddr::V6(b)) => {
                bits >= 96 && same(a.to_ipv6_mapped().to_bits(), b.to_bits(), 128)
            }
            (IpAddr::V6(_), IpAddr::V4(_)) => false,
        };
        prop_assert_eq!(parse(&format!("ip:{other}/{bits}")).matches(&event), expected);
    }

    #[test]
    fn filters_of_the_pools_hit_and_miss(drafts in prop::collection::vec(draft(), 40..41), filter in filter()) {
        // Nothing to hold, only that it never panics, whatever meets whatever.
        for draft in drafts {
            let _ = filter.matches(&accepted(draft, LogId::default(), 1));
        }
    }
}
