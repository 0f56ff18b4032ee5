//! The real binary as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A call of the binary that ends by itself.
pub(crate) struct Command(std::process::Command);

/// What it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Its output, if it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }
}

/// The binary, with nothing of this machine's environment.
pub(crate) fn admintrail(args: &[&str]) -> Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_admintrail"));
    command
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("NO_COLOR", "1")
        .env("TZ", "UTC");
    Command(command)
}

impl Command {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.0.current_dir(dir);
        self
    }

    pub(crate) fn data(mut self, dir: &Path) -> Self {
        self.0.arg("--data").arg(dir);
        self
    }

    pub(crate) fn run(self) -> Said {
        self.run_with("")
    }

    pub(crate) fn run_with(mut self, input: &str) -> Said {
        self.0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let done = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Said {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    pub(crate) fn spawn(mut self) -> Child {
        self.0
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.0.spawn().unwrap()
    }
}

/// How to start a server.
#[derive(Default, Clone)]
pub(crate) struct Options {
    /// `--panel` each, without `listen`, which is any free port.
    pub(crate) panels: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// A shell line before the server: limits.
    pub(crate) limits: Option<String>,
    /// What a configuration file says; its panels listen on port 0.
    pub(crate) config: String,
}

impl Options {
    /// One panel named `panel`.
    pub(crate) fn panel(upstream: SocketAddr) -> Self {
        Self::with(upstream, "")
    }

    /// One panel named `panel`, with more keys.
    pub(crate) fn with(upstream: SocketAddr, keys: &str) -> Self {
        let comma = if keys.is_empty() { "" } else { "," };
        Self {
            panels: vec![format!(
                "name=panel,upstream=http://{upstream}{comma}{keys}"
            )],
            ..Self::default()
        }
    }
}

/// A running `admintrail serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    dir: PathBuf,
    _own: Option<tempfile::TempDir>,
    log: Arc<Mutex<String>>,
    /// Its pages.
    pub(crate) pages: SocketAddr,
    panels: Vec<(String, SocketAddr)>,
    /// From the start of the process until it answered.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts one on a folder of its own.
    pub(crate) fn start(options: &Options) -> Self {
        let own = tempfile::tempdir().unwrap();
        let dir = own.path().join("data");
        let mut server = Self::on(&dir, options);
        server._own = Some(own);
        server
    }

    /// Starts one on a folder.
    pub(crate) fn on(dir: &Path, options: &Options) -> Self {
        let began = Instant::now();
        let mut args = vec![
            "serve".to_owned(),
            "--data".to_owned(),
            dir.display().to_string(),
        ];
        if !options.args.iter().any(|arg| arg == "--listen") {
            args.extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
        }
        for panel in &options.panels {
            args.push("--panel".to_owned());
            let listen = if panel.contains("listen=") {
                ""
            } else {
                ",listen=127.0.0.1:0"
            };
            args.push(format!("{panel}{listen}"));
        }
        args.extend(options.args.iter().cloned());
        if !options.config.is_empty() {
            let file = dir.with_extension("toml");
            std::fs::write(&file, &options.config).unwrap();
            args.extend(["--config".to_owned(), file.display().to_string()]);
        }
        let binary = env!("CARGO_BIN_EXE_admintrail");
        let mut command = match &options.limits {
            None => std::process::Command::new(binary),
            Some(limits) => {
                let mut shell = std::process::Command::new("sh");
                shell
                    .arg("-c")
                    .arg(format!("{limits}; exec \"$0\" \"$@\""))
                    .arg(binary);
                shell
            }
        };
        command
            .args(&args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC");
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        gather(child.stdout.take().unwrap(), &log);
        gather(child.stderr.take().unwrap(), &log);

        let mut server = Self {
            child,
            dir: dir.to_owned(),
            _own: None,
            log,
            pages: SocketAddr::from(([0, 0, 0, 0], 0)),
            panels: Vec::new(),
            ready_after: Duration::ZERO,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(pages) = server.asks_status() {
                server.pages = pages;
                break;
            }
            if let Some(status) = server.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(50));
                panic!("the server ended with {status}:\n{}", server.log());
            }
            assert!(
                Instant::now() < deadline,
                "the server did not come up:\n{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        server.ready_after = began.elapsed();
        let panels = options.panels.len() + options.config.matches("[[panel]]").count();
        while server.panels.len() < panels {
            server.panels = server.listening();
            assert!(
                Instant::now() < deadline,
                "not every panel is listening:\n{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn asks_status(&self) -> Option<SocketAddr> {
        let mut stream = UnixStream::connect(self.dir.join("control.sock")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        stream.write_all(b"{\"ask\":\"status\"}\n").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        let answer: Value = serde_json::from_str(&line).ok()?;
        answer["done"]["listen"].as_str()?.parse().ok()
    }

    /// `recording panel="billing" listen=127.0.0.1:18080 upstream=…`
    fn listening(&self) -> Vec<(String, SocketAddr)> {
        self.log()
            .lines()
            .filter(|line| line.contains(" recording panel="))
            .filter_map(|line| {
                let word = |key: &str| {
                    line.split_once(key)?
                        .1
                        .split(' ')
                        .next()
                        .map(|word| word.trim_matches('"').to_owned())
                };
                Some((word("panel=")?, word("listen=")?.parse().ok()?))
            })
            .collect()
    }

    /// Where the panel `panel` is reached through the proxy.
    pub(crate) fn panel(&self) -> SocketAddr {
        self.panel_named("panel")
    }

    pub(crate) fn panel_named(&self, name: &str) -> SocketAddr {
        self.panels.iter().find(|(one, _)| one == name).unwrap().1
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// A command on its folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        admintrail(args).data(&self.dir)
    }

    /// A new token.
    pub(crate) fn token(&self, name: &str, scope: &str) -> String {
        let said = self
            .command(&["token", "create", "--name", name, "--scope", scope])
            .run();
        said.ok().trim().to_owned()
    }

    /// The events that match, newest first, without those of the server itself.
    pub(crate) fn events(&self, filter: &str) -> Vec<Value> {
        let filter = format!("panel:panel {filter}");
        let said = self
            .command(&["query", &filter, "--limit", "100000", "--json"])
            .run();
        said.ok()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until so many events match.
    pub(crate) async fn events_when(&self, filter: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let events = self.events(filter);
            if events.len() >= count {
                return events;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} events match {filter:?}: {:#}\n{}",
                events.len(),
                json!(self.events("")),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The one event that matches.
    pub(crate) async fn event(&self, filter: &str) -> Value {
        let mut events = self.events_when(filter, 1).await;
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits. Its exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server said:\n{}", self.log());
        }
    }
}

fn gather(mut from: impl Read + Send + 'static, into: &Arc<Mutex<String>>) {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    });
}
