//! HTTP by hand: exact bytes out, exact bytes in.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A response, read by its own framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The body ended as its framing says (or by the end of the connection, if that is its framing).
    pub(crate) whole: bool,
}

impl Reply {
    /// The values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}

/// Sends bytes on a new connection and reads everything until the other side closes (or nothing
/// comes for a while).
pub(crate) async fn exchange(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    exchange_pieces(to, &[bytes]).await
}

/// As [`exchange`], in pieces that arrive one by one.
pub(crate) async fn exchange_pieces(to: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut all = Vec::new();
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break;
        }
        if pieces.len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let mut piece = [0; 16 * 1024];
    loop {
        match tokio::time::timeout(Duration::from_secs(5), stream.read(&mut piece)).await {
            Ok(Ok(read @ 1..)) => all.extend_from_slice(&piece[..read]),
            _ => return all,
        }
    }
}

/// Reads one response. `head_only`: it answers a HEAD.
pub(crate) async fn read_reply(
    stream: &mut (impl AsyncRead + Unpin),
    head_only: bool,
) -> Option<Reply> {
    let mut all = Vec::new();
    let end = loop {
        if let Some(at) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let byte = stream.read_u8().await.ok()?;
        all.push(byte);
    };
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply {
        status,
        head,
        body: Vec::new(),
        whole: true,
    };
    if head_only || status == 204 || status == 304 || status < 200 {
        return Some(reply);
    }
    if reply.header("transfer-encoding") == ["chunked"] {
        reply.whole = read_chunks(stream, &mut reply.body).await.is_some();
    } else if let Some(length) = reply
        .header("content-length")
        .first()
        .map(|text| text.parse::<u64>().unwrap())
    {
        (&mut *stream)
            .take(length)
            .read_to_end(&mut reply.body)
            .await
            .ok();
        reply.whole = reply.body.len() as u64 == length;
    } else {
        reply.whole = stream.read_to_end(&mut reply.body).await.is_ok();
    }
    Some(reply)
}

async fn read_chunks(stream: &mut (impl AsyncRead + Unpin), body: &mut Vec<u8>) -> Option<()> {
    loop {
        let line = read_line(stream).await?;
        let size = u64::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            while !read_line(stream).await?.is_empty() {}
            return Some(());
        }
        let before = body.len() as u64;
        (&mut *stream).take(size).read_to_end(body).await.ok()?;
        if body.len() as u64 - before != size || !read_line(stream).await?.is_empty() {
            return None;
        }
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await.ok()? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Some(
        String::from_utf8_lossy(&line)
            .trim_end_matches('\r')
            .to_owned(),
    )
}
