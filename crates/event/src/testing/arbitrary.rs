//! Strategies that draw from the same small pools, so that filters hit events.

use std::net::IpAddr;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::filter::{
    Fact, Filter, KEYS, Key, Term, Test, TextField, TextPattern, WholeField, quote,
};
use crate::{
    Draft, Ending, Event, EventId, FirstSet, Ip, Kind, KnownBy, LogId, Micros, Outcome,
    RequestType, Seq, SessionHash, encode_text,
};

const ADMINS: &[&str] = &[
    "olena@example.org",
    "Olena",
    "jonas@example.org",
    "STRASSE",
    "straße@x",
    "a*b",
    "ОЛЕНА",
    "root",
];
const NAMES: &[&str] = &["Olena Kovalenko", "Jonas Weber", "Ґанна", "İpek", "olena"];
const TEXTS: &[&str] = &[
    "/admin/clients",
    "/admin/Client/4711",
    "/Settings/mail",
    "/",
    "",
    "client/4711",
    "settings/mail",
    "Changed settings",
    "Denied: viewed client 4711",
    "Mozilla/5.0 Firefox/145.0",
    "ÄÖÜß",
    "a,b \"c\" \\d*",
    "-x",
    "page=2&sort=-name",
    "%0D%0A",
    "198.51.100.7",
    "\u{212a}elvin ſ",
];
const IPS: &[&str] = &[
    "198.51.100.7",
    "198.51.100.200",
    "203.0.113.9",
    "2001:db8::7",
    "::1",
    "::ffff:10.0.0.1",
];
const NETS: &[&str] = &[
    "198.51.100.0/24",
    "198.51.100.7",
    "2001:db8::/32",
    "0.0.0.0/0",
    "::/0",
    "::1",
    "10.0.0.1",
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "PROPFIND", ""];
const PANELS: &[&str] = &["billing", "shop", "admintrail"];
const STATUSES: &[&str] = &[
    "200", "404", "4xx", "2xx", "400-404", ">=500", "<400", ">499", "<=999", "302-499", "999",
    "9xx",
];
const DURATIONS: &[&str] = &[
    ">500ms", "<2s", "100ms-2s", ">=1us", "<=1m", "12ms", "1.5s", "0.25s", "0s", "1m", ">1.5m",
    "1us-3us", "90s-90s",
];
const SESSIONS: &[&str] = &[
    "77f0",
    "77f0a1b2",
    "77F0A",
    "0000",
    "77f0a1b2c3d4e5f60718293a4b5c6d7e",
];

fn text(pool: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(pool).prop_map(str::to_owned),
        2 => select(TEXTS).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
    .prop_map(|text| encode_text(&text).into_owned())
}

fn session() -> impl Strategy<Value = SessionHash> {
    let known = || {
        "77f0a1b2c3d4e5f60718293a4b5c6d7e"
            .parse()
            .unwrap_or(SessionHash([0; 16]))
    };
    prop_oneof![
        Just(()).prop_map(move |()| known()),
        Just(()).prop_map(move |()| SessionHash(
            (u128::from_be_bytes(known().0) ^ 1 << 105).to_be_bytes()
        )),
        Just(SessionHash([0; 16])),
        any::<[u8; 16]>().prop_map(SessionHash),
    ]
}

fn ip() -> impl Strategy<Value = Ip> {
    let known = select(IPS).prop_map(|text| text.parse().unwrap_or(Ip([0; 16])));
    prop_oneof![4 => known, 1 => any::<IpAddr>().prop_map(Ip::from)]
}

/// A draft with any field missing or odd; its texts are as [`Draft`] promises.
pub fn draft() -> impl Strategy<Value = Draft> {
    let who = (
        option::of(text(ADMINS)),
        option::of(text(NAMES)),
        select(KnownBy::ALL),
        option::of(text(ADMINS)),
        option::weighted(0.2, text(ADMINS)),
        option::of(ip()),
        option::of(text(TEXTS)),
        option::of(session()),
    );
    let what = (
        select(RequestType::ALL),
        select(METHODS),
        option::of(text(TEXTS)),
        text(TEXTS),
        option::of(text(TEXTS)),
        option::of(text(TEXTS)),
        text(TEXTS),
        option::of(text(TEXTS)),
    );
    let result = (
        option::weighted(
            0.9,
            prop_oneof![
                select(&[200_u16, 302, 403, 404, 500, 502][..]),
                100..=999_u16
            ],
        ),
        select(Outcome::ALL),
        select(Ending::ALL),
        option::weighted(
            0.9,
            prop_oneof![
                0..3_000_000_u64,
                select(&[0_u64, 1, 12_500, 500_000, 500_001, 2_000_000, 90_000_000][..])
            ],
        ),
        option::of(0..1_u64 << 40),
        option::of(0..1_u64 << 40),
        any::<[bool; 2]>(),
        option::of(8_193..100_000_u32),
    );
    let place = (
        prop_oneof![9 => Just(Kind::Request), 1 => select(Kind::ALL)],
        0..1_u64 << 30,
        select(PANELS),
        1_700_000_000_000_000..1_700_000_100_000_000_i64,
        any::<[u8; 10]>(),
        any::<u32>(),
    );
    (who, what, result, place).prop_map(|(who, what, result, place)| {
        let (kind, recorder_seq, panel, time, random, epoch) = place;
        let panel = panel.parse().unwrap_or_else(|_| crate::PanelName::own());
        let (request_type, method, host, path, query, route, action, object) = what;
        let (
            status,
            outcome,
            ending,
            duration_us,
            request_bytes,
            response_bytes,
            [asset, polling],
            cut,
        ) = result;
        let (admin, admin_name, known_by, attempted, acting_as, ip, user_agent, session) = who;
        let time = Micros(time);
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Draft {
            kind,
            count: (kind == Kind::Gap).then_some(recorder_seq),
            recorder: "proxy-1".to_owned(),
            recorder_epoch: u64::from(epoch),
            recorder_seq,
            admin: some(admin).filter(|_| !matches!(known_by, KnownBy::Attempt | KnownBy::None)),
            admin_name: some(admin_name),
            known_by,
            attempted: some(attempted),
            acting_as: some(acting_as),
            ip,
            user_agent,
            session,
            request_type,
            scheme: host.is_some().then(|| "https".to_owned()),
            host,
            query,
            route: some(route),
            action,
            object: some(object),
            status,
            outcome,
            ending,
            duration_us,
            request_bytes,
            response_bytes,
            asset,
            polling,
            path_bytes: cut,
            query_bytes: None,
            agent_bytes: cut,
            ..Draft::request(EventId::new(time, random), time, panel, method, &path)
        }
    })
}

/// An accepted event.
pub fn event() -> impl Strategy<Value = Event> {
    (draft(), 0..16_u8, 1..1_000_u64, 0..10_000_000_i64).prop_map(|(draft, first, seq, later)| {
        Event {
            log: LogId([7; 16]),
            seq: Seq(seq),
            received: Micros(draft.time.0 + later),
            first: FirstSet(first),
            draft,
        }
    })
}

fn pattern(pool: &'static [&'static str]) -> impl Strategy<Value = TextPattern> {
    // Pieces of what events hold, in any case, with and without stars.
    let part = move || {
        (text(pool), 0..20_usize, 0..20_usize).prop_map(|(text, from, length)| {
            let part: String = text
                .chars()
                .skip(from % text.chars().count().max(1))
                .take(length + 1)
                .collect();
            if from % 3 == 0 {
                part.to_uppercase()
            } else {
                part
            }
        })
    };
    prop_oneof![
        3 => text(pool).prop_map(|text| vec![text]),
        3 => part().prop_map(|part| vec![part]),
        1 => part().prop_map(|part| vec![part, String::new()]),
        1 => (part(), part()).prop_map(|(a, b)| vec![a, b]),
    ]
    .prop_filter("an empty pattern cannot be written", |pieces| {
        pieces.len() > 1 || !pieces.iter().all(String::is_empty)
    })
    .prop_map(TextPattern::from_pieces)
}

fn patterns(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<TextPattern>> {
    proptest::collection::vec(pattern(pool), 1..4)
}

/// A word with values of its key, through the parser.
fn parsed(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = Test> {
    let values = proptest::collection::vec(select(values), 1..4);
    values.prop_filter_map("only what parses", move |values| {
        let filter = Filter::parse(&format!("{key}:{}", values.join(","))).ok()?;
        filter.terms.into_iter().next().map(|term| term.test)
    })
}

fn whole(field: WholeField) -> BoxedStrategy<Test> {
    match field {
        WholeField::Method => patterns(METHODS)
            .prop_map(move |p| Test::Whole(field, p))
            .boxed(),
        WholeField::Panel => patterns(PANELS)
            .prop_map(move |p| Test::Whole(field, p))
            .boxed(),
        WholeField::Type => parsed("type", &["api", "WEB", "*"]).boxed(),
        WholeField::Outcome => {
            parsed("outcome", &["success", "DENIED", "error", "f*", "unknown"]).boxed()
        }
        WholeField::KnownBy => parsed("known_by", &["session", "attempt", "none", "*t"]).boxed(),
        WholeField::Kind => parsed("kind", &["request", "gap", "st*"]).boxed(),
        WholeField::Ending => parsed("ending", &["complete", "dropped", "failed"]).boxed(),
    }
}

fn of_key(key: Key) -> BoxedStrategy<Test> {
    match key {
        Key::Text(field @ (TextField::Attempted | TextField::ActingAs)) => patterns(ADMINS)
            .prop_map(move |p| Test::Text(field, p))
            .boxed(),
        Key::Text(field) => patterns(TEXTS)
            .prop_map(move |p| Test::Text(field, p))
            .boxed(),
        Key::Whole(field) => whole(field),
        Key::Admin => prop_oneof![patterns(ADMINS), patterns(NAMES)]
            .prop_map(Test::Admin)
            .boxed(),
        Key::Ip => parsed("ip", NETS).boxed(),
        Key::Session => parsed("session", SESSIONS).boxed(),
        Key::Status => parsed("status", STATUSES).boxed(),
        Key::Duration => parsed("duration", DURATIONS).boxed(),
        Key::Is => proptest::collection::vec(select(Fact::ALL), 1..3)
            .prop_map(Test::Is)
            .boxed(),
        Key::First => parsed("first", &["ip", "agent", "route", "hour"]).boxed(),
    }
}

/// One word, of any key, positive or negated.
pub fn term() -> impl Strategy<Value = Term> {
    let keys: Vec<Key> = KEYS.iter().map(|help| help.key).collect();
    let keyed = select(keys).prop_flat_map(of_key);
    let bare = patterns(TEXTS).prop_map(Test::Bare);
    (
        prop_oneof![8 => keyed, 1 => bare],
        proptest::bool::weighted(0.3),
    )
        .prop_map(|(test, negated)| Term { negated, test })
}

/// A filter of up to four words; the empty one too.
pub fn filter() -> impl Strategy<Value = Filter> {
    proptest::collection::vec(term(), 0..5).prop_map(|terms| Filter { terms })
}

/// Text that looks like a filter, often with a mistake in it.
pub fn filter_text() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        select(KEYS.iter().map(|help| help.word).collect::<Vec<_>>()).prop_map(str::to_owned),
        "[a-zA-Z_-]{0,6}",
    ];
    let value = prop_oneof![
        text(TEXTS).prop_map(|text| quote(&text)),
        select([NETS, STATUSES, DURATIONS, SESSIONS].concat()).prop_map(str::to_owned),
        "[a-z0-9*\"\\\\,<>=:/.-]{0,8}",
        "\\PC{0,4}",
    ];
    let word = ("-{0,2}", proptest::option::of(key), value).prop_map(|(not, key, value)| {
        format!(
            "{not}{}{value}",
            key.map(|key| key + ":").unwrap_or_default()
        )
    });
    proptest::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}
