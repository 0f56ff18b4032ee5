//! Large bodies both ways, and the memory they take.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use anyhow::{Context, Result};

use super::http::local;
use super::report::{Bar, Report};
use super::stack::Admintrail;

const SIZE: u64 = 1 << 30;

pub fn measure() -> Result<Report> {
    let dir = tempfile::tempdir_in(crate::shell::target_dir())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let upstream = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    let admintrail = Admintrail::serve(&dir.path().join("data"), upstream)?;
    // One small request each way first, so that what is allocated once does not count.
    download(admintrail.panel, 1 << 20)?;
    upload(admintrail.panel, 1 << 20)?;

    let mut report = Report::new("Streaming", "cargo xtask bench stream");
    for (name, transfer) in [
        ("download", download as fn(u16, u64) -> Result<u64>),
        ("upload", upload),
    ] {
        let (before, _) = admintrail.memory_mib()?;
        let ours = rate(name, || transfer(admintrail.panel, SIZE))?;
        let (_, most) = admintrail.memory_mib()?;
        report.row(
            format!("1 GiB {name}: growth of resident memory"),
            "MiB",
            most - before,
            ("limit", 20.0),
            Bar::AtMost,
        );
        let direct = rate(name, || transfer(upstream, SIZE))?;
        report.row(
            format!("1 GiB {name}"),
            "MiB/s",
            ours,
            ("upstream alone", direct),
            Bar::None,
        );
    }
    Ok(report)
}

/// MiB a second.
fn rate(name: &str, transfer: impl FnOnce() -> Result<u64>) -> Result<f64> {
    let started = Instant::now();
    let moved = transfer()?;
    anyhow::ensure!(moved == SIZE, "{name}: {moved} of {SIZE} bytes arrived");
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let mib = (moved >> 20) as f64;
    Ok(mib / started.elapsed().as_secs_f64())
}

/// Serves `/down/N` (N zero bytes) and `/up` (says how many bytes came).
fn answer(stream: TcpStream) -> Result<()> {
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let (mut length, mut last) = (0, false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            last |= line.trim() == "connection: close";
        }
        let arrived = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let down: u64 = first
            .split(' ')
            .nth(1)
            .and_then(|path| path.strip_prefix("/down/"))
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        if down > 0 {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {down}\r\n\r\n")?;
            std::io::copy(&mut std::io::repeat(0).take(down), &mut stream)?;
        } else {
            let text = arrived.to_string();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            )?;
        }
        if last {
            return Ok(());
        }
    }
}

fn download(port: u16, size: u64) -> Result<u64> {
    let mut stream = TcpStream::connect(local(port))?;
    write!(
        stream,
        "GET /down/{size} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    )?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    loop {
        let mut line = String::new();
        anyhow::ensure!(
            reader.read_line(&mut line)? > 0,
            "the connection closed in the head"
        );
        if line.trim().is_empty() {
            break;
        }
    }
    Ok(std::io::copy(&mut reader, &mut std::io::sink())?)
}

fn upload(port: u16, size: u64) -> Result<u64> {
    let mut stream = TcpStream::connect(local(port))?;
    write!(
        stream,
        "POST /up HTTP/1.1\r\nHost: bench\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    )?;
    std::io::copy(&mut std::io::repeat(0).take(size), &mut stream)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.rsplit("\r\n").find(|part| !part.is_empty());
    body.and_then(|text| text.trim().parse().ok())
        .context("the upstream did not say how much came")
}
