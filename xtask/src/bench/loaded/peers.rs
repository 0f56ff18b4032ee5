//! PostgreSQL, MariaDB and the ClickHouse engine, each with the same events in a folder of its own.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::client::{Client, Loaded};
use crate::shell::{Server, apt_install, find, run, target_dir};

/// The described panel's table is asked no more than this: one question takes it seconds then.
pub(super) const MOST_OF_MARIADB: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PostgreSql,
    MariaDb,
    ClickHouse,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PostgreSql => "PostgreSQL",
            Self::MariaDb => "MariaDB",
            Self::ClickHouse => "ClickHouse engine",
        }
    }
}

pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) loaded: Loaded,
    // Fields are dropped in this order: the connection before the server, that before its files.
    pub(super) client: Client,
    _server: Option<Server>,
    _folders: Vec<TempDir>,
}

/// Starts a peer and loads the first rows of the file.
pub(super) fn start(kind: Kind, python: &PathBuf, file: &Path, rows: u64) -> Result<Peer> {
    // What is named last is dropped first, should it come to nothing: the server before its files.
    let (folders, server, place) = match kind {
        Kind::PostgreSql => postgresql()?,
        Kind::MariaDb => mariadb()?,
        Kind::ClickHouse => {
            let folder = tempfile::tempdir_in(target_dir())?;
            let place = folder.path().display().to_string();
            (vec![folder], None, place)
        }
    };
    let word = match kind {
        Kind::PostgreSql => "postgresql",
        Kind::MariaDb => "mariadb",
        Kind::ClickHouse => "clickhouse",
    };
    let mut client = Client::start(python, word, &place)?;
    let rows = match kind {
        Kind::MariaDb => rows.min(MOST_OF_MARIADB),
        Kind::PostgreSql | Kind::ClickHouse => rows,
    };
    let loaded = client
        .load(file, rows)
        .with_context(|| format!("{} did not load the events", kind.name()))?;
    ensure!(
        loaded.rows == rows,
        "{} loaded {} of {rows} events",
        kind.name(),
        loaded.rows
    );
    Ok(Peer {
        kind,
        loaded,
        client,
        _server: server,
        _folders: folders,
    })
}

/// Files, what runs on them, and where to connect.
type Started = (Vec<TempDir>, Option<Server>, String);

fn postgresql() -> Result<Started> {
    let program = |name: &str| -> Option<PathBuf> {
        // Debian keeps every version apart; the newest counts.
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut found: Vec<PathBuf> = versions
            .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
            .filter(|file| file.is_file())
            .collect();
        found.sort();
        found.pop().or_else(|| find(name))
    };
    if program("postgres").is_none() {
        apt_install(&["postgresql"])?;
    }
    let owner = Owner::named("postgres");
    let [data, socket] = owner.folders()?;
    let at = data.path().join("data");
    run(owner
        .command(&program("initdb").context("no initdb")?)
        .arg("--pgdata")
        .arg(&at)
        .args(["--username=bench", "--auth=trust", "--encoding=UTF8"])
        .args(["--locale=C", "--no-instructions"])
        .stdout(Stdio::null()))?;
    let mut command = owner.command(&program("postgres").context("no postgres")?);
    command.arg("-D").arg(&at).arg("-k").arg(socket.path());
    for setting in [
        "listen_addresses=",
        "fsync=on",
        "synchronous_commit=on",
        "shared_buffers=1GB",
        "effective_cache_size=8GB",
        "work_mem=64MB",
        "maintenance_work_mem=512MB",
        "max_wal_size=4GB",
        "random_page_cost=1.1",
        "timezone=UTC",
        "log_min_messages=fatal",
    ] {
        command.args(["-c", setting]);
    }
    let server = Server::start(&mut command)?;
    let place = format!(
        "host={} user=bench dbname=postgres",
        socket.path().display()
    );
    Ok((vec![data, socket], Some(server), place))
}

fn mariadb() -> Result<Started> {
    // The package with the service would start one of its own.
    let needed = ["mariadbd", "mariadb-install-db", "my_print_defaults"];
    if needed.iter().any(|program| find(program).is_none()) {
        apt_install(&["mariadb-server-core", "mariadb-client-core"])?;
    }
    let owner = Owner::named("mysql");
    let [data, socket] = owner.folders()?;
    let at = format!("--datadir={}", data.path().join("data").display());
    run(owner
        .command(&find("mariadb-install-db").context("no mariadb-install-db")?)
        .args(["--no-defaults", "--skip-test-db", &at])
        .arg("--auth-root-authentication-method=normal")
        .stdout(Stdio::null()))?;
    let place = socket.path().join("mariadb.sock").display().to_string();
    let server = Server::start(
        owner
            .command(&find("mariadbd").context("no mariadbd")?)
            .args([
                "--no-defaults",
                "--skip-networking",
                "--local-infile=1",
                &at,
            ])
            .arg(format!("--socket={place}"))
            .arg(format!("--tmpdir={}", socket.path().display()))
            .args(["--innodb-flush-log-at-trx-commit=1"])
            .args(["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"])
            .stderr(Stdio::null()),
    )?;
    Ok((vec![data, socket], Some(server), place))
}

/// Who a server runs as: neither of them runs as root.
struct Owner {
    /// User and group, if it must be somebody else.
    other: Option<(u32, u32)>,
}

impl Owner {
    fn named(name: &str) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self { other: None };
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(name);
            let ids = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_it.then_some(ids)
        });
        Self {
            // Whoever owns nothing else.
            other: found.or(Some((65_534, 65_534))),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/");
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }

    /// One for the data, on the disk that is built on; one for the socket, whose name must be short.
    fn folders(&self) -> Result<[TempDir; 2]> {
        let folders = [tempfile::tempdir_in(target_dir())?, tempfile::tempdir()?];
        if let Some((user, group)) = self.other {
            for folder in &folders {
                chown(folder.path(), Some(user), Some(group))?;
                let reaches = self
                    .command(Path::new("test"))
                    .arg("-x")
                    .arg(folder.path())
                    .status()?;
                ensure!(
                    reaches.success(),
                    "{} is out of reach for user {user}; set CARGO_TARGET_DIR to a folder whose \
                     parents everybody may enter",
                    folder.path().display()
                );
            }
        }
        Ok(folders)
    }
}
