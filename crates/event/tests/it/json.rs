//! Events as JSON, out and in again.

use admintrail_event::testing::{accepted, draft, event, workload};
use admintrail_event::{
    AttemptedNames, Draft, Event, EventId, EventJson, FirstSet, Kind, KnownBy, LogId, Micros,
    Outcome, Preset, RequestType, SubmitError, SubmittedEvent, attempted_name, submission_digest,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fallback() -> EventId {
    EventId::new(Micros(1_795_000_000_000_000), [1; 10])
}

fn generic() -> std::sync::Arc<Preset> {
    Preset::built_in("generic").unwrap()
}

fn minimal() -> Value {
    json!({"panel": "billing", "time": "2026-11-22T14:31:58.117Z", "method": "GET", "path": "/client/4711"})
}

fn with(changes: Value) -> Value {
    let mut event = minimal();
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn submit(event: &Value) -> Result<Draft, SubmitError> {
    let event = SubmittedEvent::parse(event.to_string().as_bytes())?;
    Ok(event.into_draft(fallback(), &generic()))
}

fn taken(changes: Value) -> Draft {
    submit(&with(changes)).unwrap()
}

fn refused(changes: Value) -> String {
    submit(&with(changes)).unwrap_err().to_string()
}

#[test]
fn an_event_has_every_field_by_the_names_of_the_design() {
    let mut draft = workload(5, 1).next().unwrap();
    draft.query = Some("page=2".into());
    let mut event = accepted(draft, LogId([0xab; 16]), 42);
    event.first = FirstSet::IP.with(FirstSet::HOUR);
    insta::assert_snapshot!(serde_json::to_string_pretty(&EventJson(&event)).unwrap());
}

#[test]
fn four_fields_are_enough_and_the_preset_fills_the_rest() {
    let draft = submit(&minimal()).unwrap();
    assert_eq!(draft.id, fallback());
    assert_eq!(draft.time.to_string(), "2026-11-22T14:31:58.117000Z");
    assert_eq!(draft.request_type, RequestType::Web);
    assert_eq!(draft.route.as_deref(), Some("/client/{id}"));
    assert_eq!(draft.action, "Viewed client 4711");
    assert_eq!(draft.object.as_deref(), Some("client/4711"));
    assert_eq!(
        (draft.outcome, draft.known_by),
        (Outcome::Unknown, KnownBy::None)
    );
    assert_eq!(draft.status, None);
}

#[test]
fn what_was_sent_is_kept_and_the_rest_follows_from_it() {
    let draft = taken(json!({"admin": "olena", "status": 403, "method": "DELETE"}));
    assert_eq!(draft.known_by, KnownBy::Declared);
    assert_eq!(draft.outcome, Outcome::Denied);
    assert_eq!(draft.action, "Denied: delete client 4711");
    let draft =
        taken(json!({"action": "Looked", "object": null, "outcome": "error", "known_by": "jwt"}));
    assert_eq!((draft.action.as_str(), draft.object), ("Looked", None));
    assert_eq!(
        (draft.outcome, draft.known_by),
        (Outcome::Error, KnownBy::Jwt)
    );
    let draft =
        taken(json!({"attempted": "root", "path": "/login", "method": "POST", "status": 401}));
    assert_eq!((draft.known_by, draft.admin), (KnownBy::Attempt, None));
    assert_eq!(draft.action, "Failed sign-in as root");
    let draft = taken(json!({"kind": "gap", "count": 12, "path": "", "method": ""}));
    assert_eq!(
        (draft.kind, draft.count, draft.route),
        (Kind::Gap, Some(12), None)
    );
}

#[test]
fn a_senders_word_is_no_proof_of_who_it_was() {
    for known_by in ["session", "header", "basic", "jwt", "token", "declared"] {
        let mut event = minimal();
        event["admin"] = json!("olena");
        event["known_by"] = json!(known_by);
        let mut draft = taken(event);
        draft.trust_less();
        assert_eq!(draft.known_by, KnownBy::Declared, "{known_by}");
    }
    for (fields, known_by) in [
        (json!({"known_by": "session"}), KnownBy::None),
        (json!({"known_by": "attempt"}), KnownBy::Attempt),
        (json!({"attempted": "root"}), KnownBy::Attempt),
    ] {
        let mut event = minimal();
        let more = fields.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(more);
        let mut draft = taken(event);
        draft.trust_less();
        assert_eq!(draft.known_by, known_by, "{fields}");
    }
}

#[test]
fn what_a_sender_forgot_to_clean_is_cleaned() {
    let draft = taken(json!({
        "path": "/reset/MQ/c5l8x7-3a2b9c0d1e2f3a4b/\r\n",
        "query": "next=/&Token=CANARY\u{202e}",
        "user_agent": format!("a\u{0}b{}", "x".repeat(2_000)),
        "admin": "ol\u{1b}[31mena",
    }));
    assert_eq!(draft.path, "/reset/MQ/[redacted]/%0D%0A");
    assert_eq!(draft.query.as_deref(), Some("next=/&Token=[redacted]"));
    assert_eq!(draft.admin.as_deref(), Some("ol%1B[31mena"));
    let agent = draft.user_agent.unwrap();
    assert!(agent.starts_with("a%00bxx") && agent.len() == 1024);
    assert_eq!(draft.agent_bytes, Some(2_005));
    let long = taken(json!({"path": format!("/{}", "y".repeat(20_000))}));
    assert_eq!((long.path.len(), long.path_bytes), (8_192, Some(20_001)));
}

#[test]
fn a_path_with_a_query_is_taken_apart() {
    let draft = taken(json!({"path": "/client/4711?tab=1&api_key=CANARY"}));
    assert_eq!(draft.path, "/client/4711");
    assert_eq!(draft.query.as_deref(), Some("tab=1&api_key=[redacted]"));
    let both = taken(json!({"path": "/x?password=CANARY", "query": "a=1"}));
    assert_eq!(both.path, "/x?password=[redacted]");
}

#[test]
fn mistakes_name_the_field_and_what_to_send() {
    let all: Vec<String> = [
        json!({"pth": "/x"}),
        json!({"nonsense": 1}),
        json!({"panel": "Billing"}),
        json!({"panel": null}),
        json!({"time": "yesterday"}),
        json!({"time": 1_795_000_000}),
        json!({"time": "1969-12-31T23:59:59Z"}),
        json!({"path": null}),
        json!({"path": ""}),
        json!({"path": "?client=4711"}),
        json!({"method": 7}),
        json!({"method": "GE T"}),
        json!({"method": "GET\r\n"}),
        json!({"path": "client/4711"}),
        json!({"path": "http://a/client"}),
        json!({"path": "*"}),
        json!({"id": "3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11"}),
        json!({"ip": "office"}),
        json!({"session": "abc"}),
        json!({"status": 42}),
        json!({"status": "200"}),
        json!({"outcome": "ok"}),
        json!({"type": "REST"}),
        json!({"known_by": "guess"}),
        json!({"duration_us": -1}),
        json!({"duration_us": 1.5}),
        json!({"asset": "yes"}),
        json!({"path_bytes": 5_000_000_000_u64}),
        json!({"known_by": "attempt", "admin": "olena"}),
        json!({"known_by": "none", "admin": "olena"}),
    ]
    .into_iter()
    .map(refused)
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_is_no_event_is_refused() {
    let parse = |text: &str| {
        SubmittedEvent::parse(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    for text in [
        "",
        "[]",
        "7",
        "null",
        "{",
        "{\"panel\":\"a\"} x",
        "{\"path\":\"\\ud800\"}",
    ] {
        assert!(
            parse(text).starts_with("event: is no JSON object"),
            "{text}"
        );
    }
    assert!(parse("{}").starts_with("time: is needed"));
    assert!(parse(r#"{"path":"/a","path":"/b"}"#).contains("path: is given twice"));
    let huge = format!("{{\"path\":\"{}\"}}", "x".repeat(SubmittedEvent::MAX_BYTES));
    assert!(parse(&huge).contains("are allowed"));
    let many = format!(
        "{{{}}}",
        (0..5_000)
            .map(|n| format!("\"f{n}\":1"))
            .collect::<Vec<_>>()
            .join(",")
    );
    assert!(parse(&many).contains("time: is needed"));
}

#[test]
fn a_panel_is_lent_to_events_that_name_none() {
    let panel = |event: &Value, lent: Option<&str>| {
        let lent = lent.map(|name| name.parse().unwrap());
        SubmittedEvent::parse_of(event.to_string().as_bytes(), lent.as_ref())
            .map(|event| event.panel().to_string())
    };
    let mut nameless = minimal();
    nameless.as_object_mut().unwrap().remove("panel");
    let null = with(json!({"panel": null}));
    for event in [&nameless, &null] {
        assert_eq!(panel(event, Some("shop")).unwrap(), "shop");
        assert!(panel(event, None).unwrap_err().names_no_panel());
    }
    assert_eq!(panel(&minimal(), Some("shop")).unwrap(), "billing");
    let wrong = panel(&with(json!({"panel": "Billing"})), Some("shop")).unwrap_err();
    assert!(wrong.field == "panel" && !wrong.names_no_panel(), "{wrong}");
}

#[test]
fn what_was_sent_whole_is_kept_whole_and_what_is_missing_is_filled() {
    let whole = json!({
        "type": "API", "route": "/r", "action": "Did", "object": null, "asset": true, "polling": true,
        "path": "/x", "status": 404,
    });
    let kept = taken(whole.clone());
    assert_eq!(
        (kept.route.as_deref(), kept.action.as_str(), kept.object),
        (Some("/r"), "Did", None)
    );
    assert!(kept.asset && kept.polling && kept.request_type == RequestType::Api);
    let paths = ["/static/a.css", "/client/4711"];
    for (path, missing) in paths.into_iter().flat_map(|path| {
        ["type", "route", "action", "object", "asset", "polling"].map(|missing| (path, missing))
    }) {
        let filled = taken(json!({"path": path, "status": 404}));
        let mut event = with(whole.clone());
        event["path"] = json!(path);
        event.as_object_mut().unwrap().remove(missing);
        let draft = submit(&event).unwrap();
        let (one, other): (Value, Value) = match missing {
            "type" => (
                json!(draft.request_type.as_str()),
                json!(filled.request_type.as_str()),
            ),
            "route" => (json!(draft.route), json!(filled.route)),
            "action" => (json!(draft.action), json!(filled.action)),
            "object" => (json!(draft.object), json!(filled.object)),
            "asset" => (json!(draft.asset), json!(filled.asset)),
            _ => (json!(draft.polling), json!(filled.polling)),
        };
        assert_eq!(one, other, "{path} {missing}");
    }
}

#[test]
fn what_any_recorder_writes_is_taken() {
    for changes in [
        json!({"method": "OPTIONS", "path": "*"}),
        json!({"method": "CONNECT", "path": "/"}),
        json!({"method": "CLI", "path": "/cli/query"}),
        json!({"method": "M-SEARCH!", "path": "//x"}),
        json!({"method": "", "path": "", "kind": "gap", "count": 3}),
        json!({"method": "", "path": "", "kind": "start"}),
        json!({"method": "", "path": "", "kind": "stop"}),
    ] {
        let draft = taken(changes.clone());
        assert_eq!(draft.path, changes["path"].as_str().unwrap());
    }
}

#[test]
fn a_tried_name_that_is_masked_is_masked_in_the_sentence_too() {
    let sent = |typed: &str, action: &str| {
        let event = with(json!({
            "attempted": typed, "action": action, "method": "POST", "path": "/login", "status": 401,
        }));
        let mut event = SubmittedEvent::parse(event.to_string().as_bytes()).unwrap();
        let shown = attempted_name(typed, false, AttemptedNames::Known, &[7; 32]);
        event.set_attempted(shown.clone());
        let draft = event.into_draft(fallback(), &generic());
        assert_eq!(draft.attempted.as_ref(), Some(&shown));
        draft.action.replace(&shown, "MASKED")
    };
    for (typed, action, kept) in [
        (
            "MyTypedPassword1!",
            "Failed sign-in as MyTypedPassword1!",
            "Failed sign-in as MASKED",
        ),
        (
            "Pass1",
            "Pass1 tried (\"Pass1\")",
            "MASKED tried (\"MASKED\")",
        ),
        ("a", "Failed sign-in as a", "Failed sign-in as MASKED"),
        (
            "pä\u{202e}ss",
            "Failed sign-in as pä\u{202e}ss",
            "Failed sign-in as MASKED",
        ),
        // Written in another way: the sentence is made anew.
        (
            "MyTypedPassword1!",
            "refused mytypedPASSWORD1!",
            "Failed sign-in as MASKED",
        ),
        ("root", "Failed sign-in as root", "Failed sign-in as MASKED"),
    ] {
        assert_eq!(sent(typed, action), kept, "{typed}");
    }
}

#[test]
fn serde_callers_get_the_same_messages() {
    let error = serde_json::from_value::<SubmittedEvent>(with(json!({"status": 42}))).unwrap_err();
    assert!(
        error.to_string().starts_with("status: 42 is not a status"),
        "{error}"
    );
    let both: Vec<SubmittedEvent> = serde_json::from_value(json!([minimal(), minimal()])).unwrap();
    assert_eq!(both.len(), 2);
}

fn there_and_back(event: &Event) -> Draft {
    let json = serde_json::to_vec(&EventJson(event)).unwrap();
    SubmittedEvent::parse(&json)
        .unwrap()
        .into_draft(fallback(), &generic())
}

#[test]
fn an_export_comes_back_as_it_was() {
    for (at, draft) in workload(11, 3_000).enumerate() {
        let mut event = accepted(draft, LogId([3; 16]), at as u64 + 1);
        assert_eq!(there_and_back(&event), event.draft);
        // The trail found out that it is a background refresh: still the same submission.
        let before = submission_digest(&event.draft);
        event.draft.polling = !event.draft.polling;
        assert_eq!(submission_digest(&there_and_back(&event)), before);
    }
}

/// What people and programs put where another thing belongs, and what belongs there.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..1_000).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "2026-11-22T14:31:58.117Z",
            "01987b5c-2d7e-7cc3-98c4-dc0c0c07398f",
            "/client/4711?token=x",
            "\u{202e}\u{0}\u{1f600}\"\\",
            "10.0.0.1",
            "API",
            "denied",
            "session",
            "",
        ])
        .prop_map(Value::from),
        Just(json!([1, {"a": null}])),
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, Value)>> {
    let name = prop::sample::select(vec![
        "id",
        "kind",
        "count",
        "time",
        "panel",
        "admin",
        "known_by",
        "ip",
        "session",
        "type",
        "query",
        "route",
        "action",
        "object",
        "status",
        "outcome",
        "asset",
        "path_bytes",
        "seq",
        "first",
        "pth",
    ]);
    prop::collection::btree_map(name.prop_map(str::to_owned), value(), 0..4)
        .prop_map(|changed| with(json!(changed)))
        .prop_map(|event| event.as_object().unwrap().clone().into_iter().collect())
}

/// Each character as an escape: nothing of it can be borrowed.
fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

proptest! {
    /// However the same event is written, the same is taken or refused, in the same words.
    #[test]
    fn the_way_it_is_written_changes_nothing(fields in fields()) {
        let written = |field: &(String, Value)| match field {
            (name, Value::String(text)) => format!("{} : {}", escaped(name), escaped(text)),
            (name, other) => format!("{}\t:\r\n {other:#}", escaped(name)),
        };
        let otherwise: Vec<String> = fields.iter().rev().map(written).collect();
        let otherwise = format!(" {{ {} }} ", otherwise.join(" , "));
        let event: Value = fields.into_iter().collect();
        let plain = submit(&event).map_err(|error| error.to_string());
        let read = |event: SubmittedEvent| event.into_draft(fallback(), &generic());
        let escaped = SubmittedEvent::parse(otherwise.as_bytes());
        prop_assert_eq!(&escaped.map(read).map_err(|error| error.to_string()), &plain);
        let value = serde_json::from_value::<SubmittedEvent>(event);
        prop_assert_eq!(&value.map(read).map_err(|error| error.to_string()), &plain);
    }

    #[test]
    fn any_event_comes_back_as_it_was(event in event()) {
        let mut event = event;
        // A request has a method and a path, and an action says something.
        for text in [&mut event.draft.method, &mut event.draft.path, &mut event.draft.action] {
            if text.is_empty() {
                text.push('-');
            }
        }
        if event.draft.kind == Kind::Request && !event.draft.path.starts_with('/') {
            event.draft.path.insert(0, '/');
        }
        let preset = generic();
        event.draft.path = preset.redact_path(&event.draft.path);
        event.draft.query = event.draft.query.map(|query| preset.redact_query(&query));
        prop_assert_eq!(there_and_back(&event), event.draft);
    }

    #[test]
    fn two_different_drafts_never_share_a_digest(one in draft(), other in draft()) {
        let comparable = |draft: &Draft| {
            let mut draft = Draft { polling: false, ..draft.clone() };
            draft.trust_less();
            draft
        };
        prop_assert_eq!(
            submission_digest(&one) == submission_digest(&other),
            comparable(&one) == comparable(&other)
        );
    }

    /// What is stored of a sender's event is less than what he sent: still the same submission.
    #[test]
    fn whose_word_it_is_changes_no_digest(draft in draft()) {
        let mut trusted_less = draft.clone();
        trusted_less.trust_less();
        prop_assert_eq!(submission_digest(&trusted_less), submission_digest(&draft));
    }

    /// Text that moves from one field to its neighbour is another submission.
    #[test]
    fn the_border_between_fields_counts(draft in draft(), text in "[a-z]{1,6}", cut in 0_usize..6) {
        let cut = cut.min(text.len());
        let split = |at: usize| Draft {
            admin: Some(text[..at].to_owned()),
            admin_name: Some(text[at..].to_owned()),
            ..draft.clone()
        };
        prop_assert_eq!(submission_digest(&split(cut)) == submission_digest(&split(0)), cut == 0);
        let missing = Draft { admin: None, ..draft.clone() };
        let empty = Draft { admin: Some(String::new()), ..draft.clone() };
        prop_assert_ne!(submission_digest(&missing), submission_digest(&empty));
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>, text in "\\PC{0,60}") {
        let _ = SubmittedEvent::parse(&bytes);
        let _ = SubmittedEvent::parse(text.as_bytes());
        let draft = taken(json!({"path": format!("/{text}"), "query": text, "user_agent": text}));
        prop_assert!(draft.path.starts_with('/'));
    }
}
