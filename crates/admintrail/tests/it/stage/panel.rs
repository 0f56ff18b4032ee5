//! A panel to put behind the proxy: strict about framing, and it remembers every byte.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the panel received it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Request line and header lines, as they came.
    pub(crate) head: Vec<u8>,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
    /// Trailer lines.
    pub(crate) trailers: Vec<String>,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    pub(crate) fn line(&self) -> String {
        self.text().lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn target(&self) -> Vec<u8> {
        self.head
            .split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default()
            .to_vec()
    }

    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        self.text()
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }
}

type Answer = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A panel on a port of its own.
#[derive(Clone)]
pub(crate) struct Panel {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// What did not parse strictly; a correct proxy never sends such a thing.
    pub(crate) faults: Arc<Mutex<Vec<String>>>,
}

impl Panel {
    /// Answers each request with these bytes.
    pub(crate) async fn says(reply: &'static [u8]) -> Self {
        Self::answers(move |_, stream| {
            Box::pin(async move { stream.lock().await.write_all(reply).await.is_ok() })
        })
        .await
    }

    /// Answers 200 `ok`.
    pub(crate) async fn fine() -> Self {
        Self::says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok")
            .await
    }

    /// Answers with what came: the body, after the target in a header.
    pub(crate) async fn echo() -> Self {
        Self::answers(|seen, stream| {
            Box::pin(async move {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    seen.body.len()
                );
                let mut stream = stream.lock().await;
                stream.write_all(head.as_bytes()).await.is_ok()
                    && stream.write_all(&seen.body).await.is_ok()
            })
        })
        .await
    }

    /// Answers as told. `false` closes the connection.
    pub(crate) async fn answers(
        answer: impl Fn(Seen, Arc<tokio::sync::Mutex<TcpStream>>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let panel = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            faults: Arc::default(),
        };
        let answer = Arc::new(answer);
        let me = panel.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let _ = stream.set_nodelay(true);
                let (me, answer) = (me.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    let stream = Arc::new(tokio::sync::Mutex::new(stream));
                    let mut buffer = Vec::new();
                    loop {
                        let read = read_request(&mut *stream.lock().await, &mut buffer).await;
                        match read {
                            Ok(Some(mut seen)) => {
                                seen.connection = connection;
                                me.seen.lock().unwrap().push(seen.clone());
                                if !answer(seen, Arc::clone(&stream)).await {
                                    return;
                                }
                            }
                            Ok(None) => return,
                            Err(fault) => {
                                me.faults.lock().unwrap().push(fault);
                                return;
                            }
                        }
                    }
                });
            }
        });
        panel
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request so far.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen[0].clone()
    }
}

/// Reads one request, strictly. `None` at the end of the connection.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> Result<Option<Seen>, String> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if !more(stream, buffer).await {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(format!("ended in a head: {}", buffer.escape_ascii()))
            };
        }
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let mut seen = Seen {
        head,
        ..Seen::default()
    };
    check_head(&seen.head)?;
    let (lengths, codings) = (
        seen.header("content-length"),
        seen.header("transfer-encoding"),
    );
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => {}
        ([length], []) => {
            let length: usize = length.parse().map_err(|_| format!("length {length:?}"))?;
            while buffer.len() < length {
                if !more(stream, buffer).await {
                    seen.body = std::mem::take(buffer);
                    return Err(format!("ended in a body after {} bytes", seen.body.len()));
                }
            }
            seen.body = buffer.drain(..length).collect();
        }
        ([], [coding]) if coding == "chunked" => read_chunked(stream, buffer, &mut seen).await?,
        _ => return Err(format!("two framings: {}", seen.head.escape_ascii())),
    }
    Ok(Some(seen))
}

fn check_head(head: &[u8]) -> Result<(), String> {
    let fault = |why: &str| Err(format!("{why}: {}", head.escape_ascii()));
    let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
    for line in &lines[..lines.len() - 1] {
        if line.last() != Some(&b'\r') || line[..line.len() - 1].contains(&b'\r') {
            return fault("bare CR or LF");
        }
    }
    for line in &lines[1..lines.len() - 2] {
        if line
            .first()
            .is_some_and(|byte| *byte == b' ' || *byte == b'\t')
        {
            return fault("folded line");
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return fault("no colon");
        };
        if colon == 0 || line[colon - 1] == b' ' || line[colon - 1] == b'\t' {
            return fault("space before the colon");
        }
    }
    Ok(())
}

async fn read_chunked(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    seen: &mut Seen,
) -> Result<(), String> {
    loop {
        let line = take_line(stream, buffer).await?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| format!("chunk size {line:?}"))?;
        if size == 0 {
            loop {
                let line = take_line(stream, buffer).await?;
                if line.is_empty() {
                    return Ok(());
                }
                seen.trailers.push(line);
            }
        }
        while buffer.len() < size + 2 {
            if !more(stream, buffer).await {
                return Err("ended in a chunk".to_owned());
            }
        }
        seen.body.extend(buffer.drain(..size));
        if buffer.drain(..2).collect::<Vec<_>>() != b"\r\n" {
            return Err("a chunk does not end where it says".to_owned());
        }
    }
}

async fn take_line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<String, String> {
    loop {
        if let Some(at) = buffer.windows(2).position(|two| two == b"\r\n") {
            let line: Vec<u8> = buffer.drain(..at + 2).collect();
            return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
        }
        if !more(stream, buffer).await {
            return Err("ended in a line".to_owned());
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    let mut piece = [0; 16 * 1024];
    match stream.read(&mut piece).await {
        Ok(read @ 1..) => {
            buffer.extend_from_slice(&piece[..read]);
            true
        }
        _ => false,
    }
}
