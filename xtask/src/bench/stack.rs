//! What the benchmarks run against: the release binary, nginx as upstream and as peer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::http::{free_port, wait_ready};
use crate::shell::{Server, apt_install, cargo, find, has, output, run, target_dir};

/// Builds the release binary.
pub fn build() -> Result<()> {
    run(cargo().args(["build", "--release", "--package", "admintrail"]))
}

/// Installs what loads and what is proxied.
pub fn install() -> Result<()> {
    let missing: Vec<&str> = [("nginx", "nginx-light"), ("wrk", "wrk")]
        .into_iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt_install(&missing)
}

/// The release binary.
pub fn binary() -> PathBuf {
    target_dir().join("release/admintrail")
}

/// An nginx of our own: an upstream that answers at once, or a reverse proxy with its log on.
pub struct Nginx {
    pub port: u16,
    _server: Server,
}

impl Nginx {
    /// Answers 200 with a kilobyte to any request.
    pub fn upstream(dir: &Path) -> Result<Self> {
        let body = "x".repeat(1024);
        Self::start(dir, "upstream", |port| {
            format!(
                "access_log off;\n server {{ listen 127.0.0.1:{port} backlog=4096 reuseport; \
                 keepalive_requests 1000000000; default_type text/html; return 200 \"{body}\"; }}"
            )
        })
    }

    /// A reverse proxy as one would deploy it: keep-alive to the upstream, access log on.
    pub fn reverse_proxy(dir: &Path, upstream: u16) -> Result<Self> {
        let log = dir.join("access.log");
        Self::start(dir, "proxy", |port| {
            format!(
                "access_log {log} combined;\n \
                 upstream panel {{ server 127.0.0.1:{upstream}; keepalive 256; \
                 keepalive_requests 1000000000; }}\n \
                 server {{ listen 127.0.0.1:{port} backlog=4096 reuseport; \
                 keepalive_requests 1000000000; location / {{ \
                 proxy_pass http://panel; proxy_http_version 1.1; \
                 proxy_set_header Connection \"\"; proxy_set_header Host $http_host; \
                 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; \
                 proxy_set_header X-Forwarded-Proto $scheme; }} }}",
                log = log.display()
            )
        })
    }

    fn start(dir: &Path, name: &str, http: impl Fn(u16) -> String) -> Result<Self> {
        let port = free_port()?;
        let folder = dir.join(name);
        fs::create_dir_all(&folder)?;
        let config = folder.join("nginx.conf");
        let at = folder.display();
        fs::write(
            &config,
            format!(
                "worker_processes auto;\ndaemon off;\npid {at}/pid;\nerror_log {at}/error.log;\n\
                 events {{ worker_connections 16384; }}\n\
                 http {{ client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; \
                 fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; \
                 scgi_temp_path {at}/scgi;\n {} }}\n",
                http(port)
            ),
        )?;
        let nginx = find("nginx").context("nginx is not installed")?;
        let server = Server::start(
            Command::new(nginx)
                .arg("-p")
                .arg(&folder)
                .arg("-c")
                .arg(&config)
                .stderr(Stdio::null()),
        )?;
        wait_ready(port, "/", Duration::from_secs(10))?;
        Ok(Self {
            port,
            _server: server,
        })
    }
}

/// A running `admintrail serve`.
pub struct Admintrail {
    pub page: u16,
    pub panel: u16,
    pub server: Server,
    /// From the start of the process to the first 200 of `/readyz`.
    pub ready: Duration,
}

impl Admintrail {
    /// Starts it before an upstream.
    pub fn serve(data: &Path, upstream: u16) -> Result<Self> {
        let (page, panel) = (free_port()?, free_port()?);
        let log = fs::File::create(data.with_extension("log"))?;
        let server = Server::start(
            Command::new(binary())
                .args(["serve", "--data"])
                .arg(data)
                .args(["--listen", &format!("127.0.0.1:{page}"), "--panel"])
                .arg(format!(
                    "name=bench,upstream=http://127.0.0.1:{upstream},listen=127.0.0.1:{panel},\
                     preset=generic"
                ))
                .stdout(log.try_clone()?)
                .stderr(log),
        )?;
        let ready = wait_ready(page, "/readyz", Duration::from_secs(60))?;
        Ok(Self {
            page,
            panel,
            server,
            ready,
        })
    }

    /// Resident memory in MiB: now, and the most it ever was.
    pub fn memory_mib(&self) -> Result<(f64, f64)> {
        memory_mib(self.server.pid())
    }
}

/// Resident memory of a process in MiB: now, and the most it ever was.
pub fn memory_mib(pid: u32) -> Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| {
                rest.trim_matches([':', ' ', '\t', 'k', 'B'])
                    .parse::<f64>()
                    .ok()
            })
            .map_or(f64::NAN, |kib| kib / 1024.0)
    };
    Ok((field("VmRSS"), field("VmHWM")))
}

/// A token that may read everything, made while the server runs.
pub fn read_token(data: &Path) -> Result<String> {
    // A folder that is asked again has the token of the last time still.
    let name = format!("bench-{}", std::process::id());
    let text = output(
        Command::new(binary())
            .args(["token", "create", "--name", &name])
            .args(["--scope", "read", "--data"])
            .arg(data),
    )?;
    text.split_whitespace()
        .find(|word| word.len() >= 24)
        .map(str::to_owned)
        .with_context(|| format!("no token in {text:?}"))
}

/// Median of 200 small synchronous writes on the disk of `dir`, in µs: what one fsync costs here.
pub fn fsync_us(dir: &Path) -> Result<f64> {
    use std::io::Write;
    let mut file = fs::File::create(dir.join("fsync.probe"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0; 512])?;
        let started = std::time::Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(super::median(times))
}
