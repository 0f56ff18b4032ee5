//! One framing or none: a strict reading of HTTP/1.1 message framing.
//!
//! The HTTP parser behind this is lenient where old clients needed it (a bare LF ends a line,
//! `Content-Length` gives way to `Transfer-Encoding`). What two parsers may read in two ways is
//! how requests are smuggled, so it is refused here, before the parser sees it. Only framing is
//! judged; everything else is the parser's.

use std::ops::ControlFlow;

/// Longest line of a chunk's size with its extensions. Heads are bounded by the parser.
const MAX_CHUNK_LINE: usize = 4 * 1024;

/// Most empty lines before a request line (RFC 9112 section 2.2 asks for at least one).
const MAX_EMPTY_LINES: u8 = 4;

/// Where a stream of requests stands.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    at: At,
    /// A line that began in an earlier read.
    line: Vec<u8>,
}

#[derive(Debug, Default)]
enum At {
    /// Between two requests.
    #[default]
    Start,
    Empty(u8),
    Head(Head),
    /// Bytes of a body of known length to come.
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    /// No HTTP any more: the connection may become a tunnel and ends with this request otherwise.
    Free,
    Refused,
}

#[derive(Debug, Default, Clone, Copy)]
struct Head {
    length: Option<u64>,
    chunked: bool,
    hosts: u8,
    old: bool,
    free: bool,
}

/// The message cannot be framed in one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl Framing {
    /// Whether a head has begun and not ended.
    pub(crate) fn in_head(&self) -> bool {
        matches!(self.at, At::Head(_))
            || (matches!(self.at, At::Start | At::Empty(_)) && !self.line.is_empty())
    }

    /// Whether a body is being received.
    pub(crate) fn in_body(&self) -> bool {
        matches!(
            self.at,
            At::Body(_) | At::ChunkSize | At::ChunkData(_) | At::ChunkEnd | At::Trailers
        )
    }

    /// Reads on. On a refusal, the number of bytes before the line that holds it.
    pub(crate) fn read(&mut self, data: &[u8]) -> Result<(), (usize, Refused)> {
        let mut rest = data;
        while !rest.is_empty() {
            let consumed = data.len() - rest.len();
            match &mut self.at {
                At::Free => return Ok(()),
                At::Refused => return Err((consumed, Refused)),
                At::Body(left) | At::ChunkData(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= here as u64;
                    if *left == 0 {
                        self.at = if matches!(self.at, At::Body(_)) {
                            At::Start
                        } else {
                            At::ChunkEnd
                        };
                    }
                    rest = rest.get(here..).unwrap_or_default();
                }
                _ => match self.read_line(rest) {
                    ControlFlow::Continue(used) => rest = rest.get(used..).unwrap_or_default(),
                    ControlFlow::Break(Some(Refused)) => {
                        self.at = At::Refused;
                        return Err((consumed, Refused));
                    }
                    ControlFlow::Break(None) => return Ok(()),
                },
            }
        }
        Ok(())
    }

    /// Takes one line, or keeps the piece of one. Continues with the bytes used.
    fn read_line(&mut self, data: &[u8]) -> ControlFlow<Option<Refused>, usize> {
        let Some(end) = memchr::memchr(b'\n', data) else {
            let is_chunk = matches!(self.at, At::ChunkSize | At::ChunkEnd);
            if is_chunk && self.line.len() + data.len() > MAX_CHUNK_LINE {
                return ControlFlow::Break(Some(Refused));
            }
            self.line.extend_from_slice(data);
            return ControlFlow::Break(None);
        };
        let used = end + 1;
        let piece = data.get(..used).unwrap_or_default();
        let next = if self.line.is_empty() {
            self.next(piece)
        } else {
            let mut whole = std::mem::take(&mut self.line);
            whole.extend_from_slice(piece);
            let next = self.next(&whole);
            whole.clear();
            self.line = whole;
            next
        };
        match next {
            Ok(at) => {
                self.at = at;
                ControlFlow::Continue(used)
            }
            Err(refused) => ControlFlow::Break(Some(refused)),
        }
    }

    /// What follows a whole line.
    fn next(&self, line: &[u8]) -> Result<At, Refused> {
        let line = line.strip_suffix(b"\r\n").ok_or(Refused)?;
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(Refused);
        }
        match &self.at {
            At::Start if line.is_empty() => Ok(At::Empty(1)),
            At::Empty(n) if line.is_empty() && *n < MAX_EMPTY_LINES => Ok(At::Empty(n + 1)),
            At::Start | At::Empty(_) => request_line(line).map(At::Head),
            At::Head(head) if line.is_empty() => head.end(),
            At::Head(head) => head.with_line(line).map(At::Head),
            At::ChunkSize => chunk_size(line),
            At::ChunkEnd => {
                if line.is_empty() {
                    Ok(At::ChunkSize)
                } else {
                    Err(Refused)
                }
            }
            At::Trailers if line.is_empty() => Ok(At::Start),
            At::Trailers => {
                let (name, _) = field(line)?;
                let framing: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"host"];
                if framing.iter().any(|one| name.eq_ignore_ascii_case(one)) {
                    Err(Refused)
                } else {
                    Ok(At::Trailers)
                }
            }
            At::Body(_) | At::ChunkData(_) | At::Free | At::Refused => Err(Refused),
        }
    }
}

impl Head {
    fn with_line(mut self, line: &[u8]) -> Result<Self, Refused> {
        let (name, value) = field(line)?;
        // Most names are told apart by their length alone.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                if self.hosts > 1 {
                    return Err(Refused);
                }
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.free |= ends_http(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refused);
                }
                self.length = Some(decimal(value)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refused);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(self)
    }

    fn end(&self) -> Result<At, Refused> {
        let conflicting = self.chunked && (self.length.is_some() || self.old);
        let nameless = self.hosts == 0 && !self.old;
        if conflicting || nameless {
            return Err(Refused);
        }
        Ok(match (self.free, self.chunked, self.length) {
            (true, ..) => At::Free,
            (_, true, _) => At::ChunkSize,
            (_, _, Some(length)) if length > 0 => At::Body(length),
            _ => At::Start,
        })
    }
}

/// Whether an `Upgrade` header may turn the connection into something else than HTTP. Towards
/// such a request the server promises to close the connection unless it did (`101`).
pub(crate) fn ends_http(upgrade: &[u8]) -> bool {
    upgrade
        .split(|byte| *byte == b',')
        .any(|one| !one.trim_ascii().eq_ignore_ascii_case(b"h2c"))
}

fn request_line(line: &[u8]) -> Result<Head, Refused> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refused);
    };
    // A fragment never reaches a server; what follows a `#` would be dropped on the way.
    if method.is_empty() || target.is_empty() || target.contains(&b'#') {
        return Err(Refused);
    }
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(Refused),
    };
    Ok(Head {
        old,
        free: method == b"CONNECT",
        ..Head::default()
    })
}

/// A field line: no folding (a line that begins with white space), no space before the colon.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refused> {
    let colon = memchr::memchr(b':', line).ok_or(Refused)?;
    let (name, value) = line.split_at(colon);
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(token) {
        return Err(Refused);
    }
    Ok((name, value.get(1..).unwrap_or_default().trim_ascii()))
}

fn decimal(text: &[u8]) -> Result<u64, Refused> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return Err(Refused);
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Refused)
}

fn chunk_size(line: &[u8]) -> Result<At, Refused> {
    if line.len() > MAX_CHUNK_LINE {
        return Err(Refused);
    }
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (size, rest) = line.split_at(digits);
    // An extension (RFC 9112 section 7.1.1) is read over; it goes no further.
    let extended = rest.is_empty() || rest.trim_ascii_start().starts_with(b";");
    if size.is_empty() || size.len() > 15 || !extended {
        return Err(Refused);
    }
    let size = std::str::from_utf8(size)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(Refused)?;
    Ok(if size == 0 {
        At::Trailers
    } else {
        At::ChunkData(size)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(bytes: &[u8]) -> Result<Framing, usize> {
        let mut framing = Framing::default();
        framing.read(bytes).map(|()| framing).map_err(|(at, _)| at)
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let corpus: [&[u8]; 26] = [
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
            b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
        ];
        for bytes in corpus {
            assert!(judge(bytes).is_err(), "{}", bytes.escape_ascii());
        }
        for size in ["5 x", "0x5", "-5", "", "5\n", "1000000000000000", "5;a\nb"] {
            let text = format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n"
            );
            assert!(judge(text.as_bytes()).is_err(), "{size:?}");
        }
    }

    const GOOD: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n\
        \r\nPOST /x HTTP/1.1\r\nhost: a\r\nContent-Length: 4\r\n\r\n\n\n\r\n\
        PUT /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;ext=\"a b\"\r\n\n\r\n\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n\
        GET /old HTTP/1.0\r\n\r\n";

    #[test]
    fn good_requests_follow_one_another() {
        let framing = judge(GOOD).unwrap();
        assert!(matches!(framing.at, At::Start) && framing.line.is_empty());
    }

    #[test]
    fn a_refusal_points_at_the_request_that_earned_it() {
        let mut bytes = GOOD.to_vec();
        bytes.extend_from_slice(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n");
        assert_eq!(
            judge(&bytes).err(),
            Some(GOOD.len() + b"GET / HTTP/1.1\r\n".len())
        );
    }

    #[test]
    fn after_an_upgrade_nothing_is_judged() {
        let framing =
            judge(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\x81\x00\n\n")
                .unwrap();
        assert!(matches!(framing.at, At::Free));
        assert!(judge(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n\n").is_err());
    }

    proptest! {
        #[test]
        fn where_reads_are_cut_makes_no_difference(cuts in proptest::collection::vec(1usize..20, 1..40), bad in any::<bool>()) {
            let mut bytes = GOOD.to_vec();
            if bad { bytes.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n"); }
            let mut framing = Framing::default();
            let mut rest = bytes.as_slice();
            let mut refused = false;
            let mut sizes = cuts.iter().cycle();
            while !rest.is_empty() && !refused {
                let (piece, more) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                refused = framing.read(piece).is_err();
                rest = more;
            }
            prop_assert_eq!(refused, bad);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = judge(&bytes);
        }
    }
}
