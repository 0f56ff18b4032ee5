//! Readers of foreign bytes, fed with damaged examples.

use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::testing::{Effort, fuzz};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::identity::reading;
use crate::journal::reading as journal;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ.d2hhdGV2ZXI5";

/// As much as `cargo xtask fuzz` asks for.
fn effort() -> Effort {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Effort::new(
        std::env::var("ADMINTRAIL_FUZZ_SECONDS").ok().as_deref(),
        clock,
    )
}

#[test]
fn a_damaged_segment_gives_back_genuine_openings_alone() {
    let (whole, genuine) = journal::segment(5);
    let words: [&[u8]; 6] = [
        b"ATJRNL01",
        b"ATJRNL02",
        &[0; 12],
        &[0xff; 4],
        b"O",
        &[16, 0, 0, 0],
    ];
    fuzz(&effort(), &[&whole, b"ATJRNL01", b""], &words, |bytes| {
        // A record put in twice is the same opening; what is damaged is none.
        for draft in journal::openings(bytes) {
            assert!(genuine.contains(&draft));
        }
    });
}

#[test]
fn any_record_is_refused_or_read() {
    let (_, genuine) = journal::segment(3);
    let payloads: Vec<Vec<u8>> = genuine.iter().map(journal::payload).collect();
    let mut examples: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    examples.push(b"R0123456789abcdef");
    let words: [&[u8]; 4] = [b"R", b"P", &[0xff; 8], &[0x80, 0x80, 0x01]];
    fuzz(&effort(), &examples, &words, |bytes| {
        // What is read can be written, and is the same then.
        if let Some(draft) = journal::record(bytes) {
            let again = journal::record(&journal::payload(&draft));
            assert_eq!(again, Some(draft));
        }
    });
}

#[test]
fn any_cookie_is_read_without_harm() {
    let examples: [&[u8]; 4] = [
        b"sessionid=s00018f14e45fceea167a5a36dedd4bea2543; lang=en",
        b"sid=\"x=y\"; Path=/; HttpOnly; Max-Age=3600; SameSite=Lax",
        b"sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0",
        b"a=; =b; ;;; c",
    ];
    let words: [&[u8]; 8] = [
        b";",
        b"=",
        b"\"",
        b"Max-Age=",
        b"expires=",
        b"-9223372036854775808",
        b"\xff",
        b" ",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(bytes) {
            headers.append(COOKIE, value.clone());
            headers.append(SET_COOKIE, value);
        }
        for (name, value) in reading::cookies(&headers) {
            assert!(!name.is_empty() && !value.is_empty());
        }
    });
}

#[test]
fn any_form_is_read_without_harm() {
    let multipart: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nolena\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nbytes\r\n--XX--\r\n";
    let examples: [&[u8]; 4] = [
        b"csrf=1&username=olena&password=x&user%5Bemail%5D=o%40x",
        multipart,
        br#"{"variables":{"input":{"username":"olena","n":1}},"a":[["b"]]}"#,
        b" {\"login\":\"\\ud800\"}",
    ];
    let words: [&[u8]; 9] = [
        b"&",
        b"=",
        b"%",
        b"--XX",
        b"\r\n\r\n",
        b"filename*=",
        b"[[[[[[[[[[",
        b"{\"a\":",
        b"\"",
    ];
    let kinds: [&[u8]; 5] = [
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=XX",
        b"application/json",
        b"text/plain",
        b"multipart/form-data; boundary=\"\"",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        for kind in kinds {
            for whole in [true, false] {
                let fields = reading::form(kind, bytes, whole);
                assert!(fields <= 256);
            }
        }
    });
}

#[test]
fn any_reply_is_read_without_harm() {
    let token = format!(r#"{{"success":true,"data":{{"access_token":"{TOKEN}"}}}}"#);
    let examples: [&[u8]; 4] = [
        token.as_bytes(),
        br#"{"errors":[{"message":"no"}],"mfa_required":1,"status":401}"#,
        b")]}'\n{\"ok\":false}",
        b"<form><INPUT Type='Password' name=p>",
    ];
    let words: [&[u8]; 7] = [
        b"{\"data\":",
        b"}",
        b"[",
        b"null",
        b"1e999",
        b"\"",
        b"type=password",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        for token in reading::reply(bytes) {
            assert!(token.len() >= 16, "{token}");
        }
    });
}
