//! Configuration: default < file < environment < flag, read in one place.
//!
//! Every mistake is found in one run and says where it stands and how to mend it.

mod alerts;
mod given;
mod identities;
mod jwt;
mod ledger;
mod origin;
mod panel;
mod retention;
mod section;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use admintrail_store::Retention;
use ipnet::IpNet;

pub(crate) use alerts::{Alerts, Email, Security, Smtp, Webhook, WebhookAddress};
pub(crate) use jwt::KeySetAddress;
pub(crate) use ledger::{Anchoring, NETWORK};
pub(crate) use origin::{Mistakes, Origin};
pub(crate) use panel::{DirectCheck, Panel, ProxyOptions, Timeouts, Upstream};
pub(crate) use section::Shown;

use given::{Given, Raw};
use section::{Findings, Section};

/// The version of the file's format.
const VERSION: u64 = 1;

/// Where our own pages listen unless told otherwise.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7070);

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything the server is told.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Where our own pages listen.
    pub(crate) listen: SocketAddr,
    /// Who said so, for messages.
    pub(crate) listen_origin: Origin,
    /// Reverse proxies before our own pages that are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Certificate of our own pages, if they speak TLS.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// Name of this recorder in events.
    pub(crate) recorder: String,
    /// How log lines look.
    pub(crate) log_format: LogFormat,
    /// Who is told when something is wrong.
    pub(crate) alerts: Alerts,
    /// Who keeps checkpoints of the ledger.
    pub(crate) anchoring: Anchoring,
    /// How long events are kept.
    pub(crate) retention: Retention,
    /// The monitored panels.
    pub(crate) panels: Vec<Panel>,
    /// Each value with where it came from.
    pub(crate) shown: Vec<Shown>,
}

/// What flags say. Unset ones leave the word to the environment, the file and the default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) panels: Vec<String>,
    pub(crate) log_format: Option<String>,
}

/// Looks up an environment variable.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Keys of the file's top level that environment variables set too.
const VARIABLES: &[(&str, &str)] = &[
    ("data", DATA_VARIABLE),
    ("listen", "ADMINTRAIL_LISTEN"),
    ("recorder", "ADMINTRAIL_RECORDER"),
    ("log_format", "ADMINTRAIL_LOG_FORMAT"),
    ("trusted_proxies", "ADMINTRAIL_TRUSTED_PROXIES"),
    ("tls_cert", "ADMINTRAIL_TLS_CERT"),
    ("tls_key", "ADMINTRAIL_TLS_KEY"),
];

/// The data folder, as a variable.
const DATA_VARIABLE: &str = "ADMINTRAIL_DATA";

/// Days of `[retention]`, as a variable.
const RETENTION_VARIABLE: &str = "ADMINTRAIL_RETENTION_DAYS";

/// Panels in the environment, separated by `;`.
const PANEL_VARIABLE: &str = "ADMINTRAIL_PANEL";

/// The file, as a variable.
pub(crate) const FILE_VARIABLE: &str = "ADMINTRAIL_CONFIG";

impl Config {
    /// Reads file, environment and flags.
    pub(crate) fn load(
        flags: &Flags,
        environment: Environment<'_>,
        host: &str,
    ) -> Result<Self, Mistakes> {
        let (config, mistakes) = Self::read(flags, environment, host);
        if mistakes.0.is_empty() {
            Ok(config)
        } else {
            Err(mistakes)
        }
    }

    /// As [`Self::load`], for whoever can do with what is right: what is wrong counts as left out.
    pub(crate) fn read(
        flags: &Flags,
        environment: Environment<'_>,
        host: &str,
    ) -> (Self, Mistakes) {
        let mut findings = Findings::default();
        let entries = gather(flags, environment, &mut findings.mistakes);
        let mut top = Section::new("", entries, Origin::Default, &mut findings);

        check_version(&mut top);
        let data = match top.file("data") {
            Some((path, _)) => path,
            None => {
                top.show("data", "./admintrail-data", Origin::Default);
                PathBuf::from("./admintrail-data")
            }
        };
        let (listen, listen_origin) = top.address("listen").unwrap_or_else(|| {
            top.show("listen", LISTEN, Origin::Default);
            (LISTEN, Origin::Default)
        });
        let trusted_proxies = top.networks("trusted_proxies");
        let tls = panel::certificate(&mut top);
        let recorder = top.text("recorder").map_or_else(
            || {
                top.show("recorder", host, Origin::Default);
                host.to_owned()
            },
            |(name, _)| name,
        );
        let log_format = top.word(
            "log_format",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            LogFormat::Text,
        );
        let (mut mail_given, mut alerts) = (false, Alerts::default());
        if let Some(section) = top.table("alerts") {
            mail_given = section.has("email");
            alerts = alerts::read(section);
        }
        let mail = ledger::Mail {
            given: mail_given,
            email: alerts.email.as_ref(),
        };
        let anchoring = match top.table("ledger") {
            Some(section) => ledger::read(section, &data, &mail),
            None => {
                top.show("ledger.public", false, Origin::Default);
                Anchoring {
                    mail: alerts.email.clone(),
                    ..Anchoring::default()
                }
            }
        };
        let days = retention::read(&mut top);
        let given = top.take_all("panel");
        top.finish();
        let (panels, claims) = panel::read_all(given, days, &mut findings);
        panel::check_together(&claims, listen, &listen_origin, &mut findings.mistakes);

        let Findings {
            mut mistakes,
            shown,
        } = findings;
        // In the order in which an editor walks through the file.
        mistakes.0.sort_by_key(|mistake| match mistake.origin {
            Origin::File { line, .. } => line,
            _ => 0,
        });
        let config = Self {
            data,
            listen,
            listen_origin,
            trusted_proxies,
            tls,
            recorder,
            log_format,
            alerts,
            anchoring,
            retention: retention::together(days, &panels),
            panels,
            shown,
        };
        (config, mistakes)
    }

    /// The data folder alone: what most commands need. Mistakes elsewhere in the file do not
    /// keep anybody from reading the record, and where a flag or a variable names the folder, not
    /// even a file that cannot be read.
    pub(crate) fn data_folder(
        flags: &Flags,
        environment: Environment<'_>,
    ) -> Result<PathBuf, Mistakes> {
        let stronger = flags.data.is_some() || environment(DATA_VARIABLE).is_some();
        let mut findings = Findings::default();
        let entries = gather(flags, environment, &mut findings.mistakes);
        if stronger {
            findings.mistakes.0.clear();
        } else if !findings.mistakes.0.is_empty() {
            return Err(findings.mistakes);
        }
        let mut top = Section::new("", entries, Origin::Default, &mut findings);
        let found = top.file("data").map(|(path, _)| path);
        if findings.mistakes.0.is_empty() {
            Ok(found.unwrap_or_else(|| PathBuf::from("./admintrail-data")))
        } else {
            Err(findings.mistakes)
        }
    }
}

/// Everything given, the weaker first.
fn gather(
    flags: &Flags,
    environment: Environment<'_>,
    mistakes: &mut Mistakes,
) -> Vec<(String, Given)> {
    let mut entries = Vec::new();
    let file = match (&flags.config, environment(FILE_VARIABLE)) {
        (Some(path), _) => Some((path.clone(), Origin::Flag("--config"))),
        (None, Some(path)) => Some((PathBuf::from(path), Origin::Environment(FILE_VARIABLE))),
        (None, None) => None,
    };
    if let Some((path, origin)) = file {
        entries.extend(read_file(&path, &origin, mistakes));
    }
    let text = |text: String, origin: Origin| Given {
        raw: Raw::Text(text),
        origin,
    };
    for (key, name) in VARIABLES {
        if let Some(value) = environment(name) {
            entries.push(((*key).to_owned(), text(value, Origin::Environment(name))));
        }
    }
    if let Some(days) = environment(RETENTION_VARIABLE) {
        let origin = Origin::Environment(RETENTION_VARIABLE);
        let days = text(days, origin.clone());
        let days = ("days".to_owned(), days);
        let table = entries.iter_mut().find(|(key, _)| key == "retention");
        // What else the file's table says is looked at all the same.
        match table.map(|(_, given)| &mut given.raw) {
            Some(Raw::Table(table)) => table.push(days),
            _ => {
                let raw = Raw::Table(vec![days]);
                entries.push(("retention".to_owned(), Given { raw, origin }));
            }
        }
    }
    let mut panels = Vec::new();
    for one in environment(PANEL_VARIABLE)
        .iter()
        .flat_map(|all| all.split(';'))
        .filter(|one| !one.trim().is_empty())
    {
        panels.push((one.to_owned(), Origin::Environment(PANEL_VARIABLE)));
    }
    panels.extend(
        flags
            .panels
            .iter()
            .map(|one| (one.clone(), Origin::Flag("--panel"))),
    );
    for (one, origin) in panels {
        let table = given::from_pairs(&one, &origin, mistakes);
        entries.push((
            "panel".to_owned(),
            Given {
                raw: Raw::List(vec![Given {
                    raw: Raw::Table(table),
                    origin: origin.clone(),
                }]),
                origin,
            },
        ));
    }
    let flag = |entries: &mut Vec<(String, Given)>,
                key: &str,
                value: Option<String>,
                name: &'static str| {
        if let Some(value) = value {
            entries.push((key.to_owned(), text(value, Origin::Flag(name))));
        }
    };
    flag(
        &mut entries,
        "data",
        flags
            .data
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        "--data",
    );
    flag(&mut entries, "listen", flags.listen.clone(), "--listen");
    flag(
        &mut entries,
        "log_format",
        flags.log_format.clone(),
        "--log-format",
    );
    entries
}

fn read_file(path: &Path, origin: &Origin, mistakes: &mut Mistakes) -> Vec<(String, Given)> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let entries = given::from_toml(&text, path, mistakes);
            if mistakes.0.is_empty() && !entries.iter().any(|(key, _)| key == "version") {
                let start = Origin::File {
                    path: path.to_owned(),
                    line: 1,
                };
                mistakes.add(
                    &start,
                    "version",
                    format!("is missing; write version = {VERSION} as the first line"),
                );
            }
            entries
        }
        Err(cause) => {
            mistakes.add(
                origin,
                "",
                format!("{} cannot be read: {cause}", path.display()),
            );
            Vec::new()
        }
    }
}

fn check_version(top: &mut Section<'_>) {
    if let Some(given) = top.take("version")
        && !matches!(given.raw, Raw::Number(number) if u64::try_from(number) == Ok(VERSION))
    {
        let message = format!(
            "this release reads version = {VERSION} alone; see CHANGELOG.md for what changed"
        );
        top.wrong(&given.origin, "version", message);
    }
}
