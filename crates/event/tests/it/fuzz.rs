//! Readers of foreign bytes, fed with damaged examples.

use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::testing::{Effort, accepted, fuzz};
use admintrail_event::{
    EventId, EventJson, Filter, LogId, Micros, Preset, RequestHead, SubmittedEvent,
};

/// As much as `cargo xtask fuzz` asks for.
fn effort() -> Effort {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Effort::new(
        std::env::var("ADMINTRAIL_FUZZ_SECONDS").ok().as_deref(),
        clock,
    )
}

fn text(bytes: &[u8], read: impl Fn(&str)) {
    read(&String::from_utf8_lossy(bytes));
}

#[test]
fn a_filter_is_refused_or_means_what_it_is_written_back_as() {
    let examples: [&[u8]; 6] = [
        b"admin:olena,boris -status:2xx path:/client/* is:change",
        b"ip:10.0.0.0/8 -ip:::1 method:POST,PUT duration:>250ms",
        b"\"signed in\" action:\"Changed settings\" type:API",
        b"time:2026-11-22T14:31:58Z.. session:00112233445566778899aabbccddeeff",
        b"-admin:*@x.example known_by:attempt outcome:denied",
        "object:client/4711 \u{202e}\u{0}\u{1f600}".as_bytes(),
    ];
    let words: [&[u8]; 12] = [
        b":", b"-", b",", b"\"", b"\\", b"*", b"..", b">", b"<=", b"admin:", b"status:", b" ",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        text(bytes, |words| {
            if let Ok(filter) = Filter::parse(words) {
                let written = filter.to_string();
                let again = Filter::parse(&written).unwrap();
                assert_eq!(again.to_string(), written);
            }
        });
    });
}

#[test]
fn a_submitted_event_is_refused_or_comes_back_as_it_was_kept() {
    let examples: [&[u8]; 5] = [
        br#"{"log":"x","seq":7,"kind":"request","count":null,"time":"2026-11-22T14:31:58Z","panel":"a","recorder_epoch":1795000000000000,"method":"GET","path":"/","asset":false,"polling":true,"first":["ip","hour"],"path_bytes":null}"#,
        br#"{"panel":"billing","time":"2026-11-22T14:31:58.117Z","method":"GET","path":"/client/4711"}"#,
        br#"{"panel":"a","time":1795000000000000,"method":"POST","path":"/reset/MQ/c5l8x7-3a2b9c0d1e2f3a4b/?token=x","query":null,"admin":"olena","known_by":"session","status":403,"ip":"::ffff:10.0.0.1"}"#,
        br#"{"kind":"gap","panel":"a","time":"2026-11-22T14:31:58Z","count":12,"path":"","method":""}"#,
        br#"{"panel":"a","time":"2026-11-22T14:31:58Z","method":"GET","path":"/","id":"01987b5c-2d7e-7cc3-98c4-dc0c0c07398f","session":"00112233445566778899aabbccddeeff","attempted":"root","user_agent":"\u202e\u0000\ud83d\ude00","seq":4,"log":"x","first":true}"#,
    ];
    let words: [&[u8]; 12] = [
        b"null",
        b"\"",
        b"{",
        b"}",
        b"-1",
        b"1e400",
        b"\\u0000",
        b"\\ud800",
        b",",
        b":",
        b"[[[[",
        b"\"admin\":",
    ];
    let preset = Preset::built_in("generic").unwrap();
    let id = EventId::new(Micros(1_795_000_000_000_000), [1; 10]);
    fuzz(&effort(), &examples, &words, |bytes| {
        let read = |event: SubmittedEvent| event.into_draft(id, &preset);
        let parsed = SubmittedEvent::parse(bytes).map(read).ok();
        // The quick way takes nothing that serde would not, and nothing for something else.
        let general = serde_json::from_slice::<SubmittedEvent>(bytes).map(read);
        assert_eq!(parsed, general.ok(), "{}", bytes.escape_ascii());
        let Some(kept) = parsed else {
            return;
        };
        let shown = accepted(kept.clone(), LogId([0xab; 16]), 42);
        let json = serde_json::to_string(&EventJson(&shown)).unwrap();
        let again = SubmittedEvent::parse(json.as_bytes()).unwrap();
        assert_eq!(again.into_draft(id, &preset), kept);
    });
}

#[test]
fn a_preset_is_refused_or_reads_any_path() {
    let examples: [&[u8]; 3] = [
        include_bytes!("../../../../presets/admintrail.toml"),
        br#"
extends = "generic"
[sign_in]
routes = ["POST /account [do=login]", "POST **/token [password]"]
user_fields = ["username"]
[session]
cookies = ["*_session"]
[secrets]
segments = ["/reset/*/{token:token}"]
[[route]]
match = "PUT,POST **/{+app:word}/{id:id}/change"
action = "Changed {app|plural} {id}"
object = "{app}/{id}"
"#,
        br#"about = "x"
[api]
prefixes = ["/api"]
segments = ["api"]
bearer = true
[polling]
routes = ["GET /status?live=1"]
"#,
    ];
    let words: [&[u8]; 14] = [
        b"**",
        b"*",
        b"{",
        b"}",
        b"{id:num}",
        b"[x=y]",
        b"?a=b",
        b"/",
        b"%2f",
        b"\"",
        b"[[route]]",
        b"|plural",
        b"..",
        b"\n",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        text(bytes, |toml| {
            let Ok(preset) = Preset::parse(toml) else {
                return;
            };
            for (method, path) in [
                ("GET", "/"),
                ("POST", "/account"),
                ("PUT", "/a/%2e%2e/clients/4711/change;x=y"),
                ("DELETE", "//reset/MQ/c5l8x7-3a2b9c0d1e2f3a4b/%00%ff"),
                ("", ""),
            ] {
                let head = RequestHead {
                    method,
                    path,
                    query: Some("live=1&token=x"),
                    accept: Some("text/html"),
                    requested_with: None,
                    bearer: false,
                    fetch_dest: None,
                };
                let reading = preset.read(&head);
                assert!(!reading.route.is_empty(), "{path}");
                let _ = preset.redact_path(path);
                let _ = preset.sign_in_target_from(path, "../login?next=//x");
            }
        });
    });
}
