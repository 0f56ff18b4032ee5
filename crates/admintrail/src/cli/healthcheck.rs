//! `admintrail healthcheck`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Global, Outcome, output};
use crate::control_socket::{Ask, Client, Status};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(global: &Global) -> Outcome {
    let dir = global.data_folder()?;
    let Some(mut client) = Client::connect(&dir)? else {
        return Err(anyhow::anyhow!("no server runs on {}", dir.display()).into());
    };
    let status: Status = client.ask(&Ask::Status)??;
    if let Some(cause) = status.failing {
        return Err(anyhow::anyhow!("nothing can be recorded: {cause}").into());
    }
    ready(&status)?;
    output::say(&format!(
        "Ready: version {}, process {}, {} events",
        status.version, status.pid, status.events
    ));
    Ok(())
}

/// Asks `/readyz` of the pages. A server that speaks TLS answers the socket alone, and that it
/// takes the connection is what can be told from here.
fn ready(status: &Status) -> Result<()> {
    let mut address = status.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("{address} does not answer"))?;
    if status.tls {
        return Ok(());
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream
        .take(64 * 1024)
        .read_to_end(&mut answer)
        .with_context(|| format!("{address} does not answer"))?;
    let text = String::from_utf8_lossy(&answer);
    if text.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let body = text
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body)
        .trim();
    bail!(
        "not ready: {}",
        if body.is_empty() {
            text.lines().next().unwrap_or_default()
        } else {
            body
        }
    )
}
