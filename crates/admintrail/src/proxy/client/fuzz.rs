//! The strict reader of framing, fed with damaged examples.

use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::testing::{Effort, fuzz};

use super::framing::Framing;

/// As much as `cargo xtask fuzz` asks for.
fn effort() -> Effort {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Effort::new(
        std::env::var("ADMINTRAIL_FUZZ_SECONDS").ok().as_deref(),
        clock,
    )
}

#[test]
fn framing_is_judged_alike_however_it_arrives() {
    let examples: [&[u8]; 3] = [
        b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nhost: a\r\nContent-Length: 4\r\n\r\nbody",
        b"PUT /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=\"a b\"\r\nabc\r\n0\r\nX: 1\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    ];
    let words: [&[u8]; 10] = [
        b"\r\n",
        b"\n",
        b" ",
        b":",
        b"\0",
        b"Content-Length: 1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HTTP/1.0",
        b"0\r\n\r\n",
        b"ffffffffffffffff",
    ];
    fuzz(&effort(), &examples, &words, |bytes| {
        let whole = Framing::default().read(bytes);
        if let Err((good, _)) = whole {
            // What comes before the line that is refused is fine by itself.
            assert!(Framing::default().read(&bytes[..good]).is_ok());
        }
        let mut framing = Framing::default();
        let apart = bytes.chunks(1).try_for_each(|byte| framing.read(byte));
        assert_eq!(whole.is_ok(), apart.is_ok());
    });
}
