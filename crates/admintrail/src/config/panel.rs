//! A panel's section of the configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::{OnFailure, PanelRules, TrustedHeader};
use admintrail_event::{AttemptedNames, PanelName, Preset};
use http::HeaderName;
use http::uri::{Authority, Scheme, Uri};

use super::given::{Given, Raw};
use super::identities;
use super::jwt::{KeySetAddress, jwt};
use super::origin::{Mistakes, Origin};
use super::retention;
use super::section::{Findings, Section, Shows, beside};
use crate::proxy::tls;

/// A monitored panel.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    /// What its recorder is told.
    pub(crate) rules: PanelRules,
    /// The proxy before it; `None` for a panel that only sends events.
    pub(crate) proxy: Option<ProxyOptions>,
    /// Keys of its identity provider that have to be fetched.
    pub(crate) key_set: Option<KeySetAddress>,
    /// How long its events are kept, if not as long as all others.
    pub(crate) retention_days: Option<u32>,
}

/// The proxy before a panel.
#[derive(Debug, Clone)]
pub(crate) struct ProxyOptions {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Who said so.
    pub(crate) listen_origin: Origin,
    /// Where requests go.
    pub(crate) upstream: Upstream,
    /// Certificate, if it speaks TLS.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// How long things may take.
    pub(crate) timeouts: Timeouts,
    /// Connections at once.
    pub(crate) max_connections: usize,
    /// Whether the panel answers around it.
    pub(crate) direct: DirectCheck,
}

/// How to find out whether a panel answers around its proxy.
#[derive(Debug, Clone, Default)]
pub(crate) struct DirectCheck {
    /// At this machine's own addresses.
    pub(crate) own: bool,
    /// At its public address.
    pub(crate) public: bool,
    /// That one: a page that the panel answers, also to strangers.
    pub(crate) public_url: Option<Uri>,
}

/// The address of a panel.
#[derive(Clone)]
pub(crate) struct Upstream {
    /// Host and port.
    pub(crate) authority: Authority,
    /// How to speak TLS to it, if it does.
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
}

impl Upstream {
    /// The port, also where the address leaves it out.
    pub(crate) fn port(&self) -> u16 {
        self.authority
            .port_u16()
            .unwrap_or(if self.tls.is_some() { 443 } else { 80 })
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Connecting to the panel.
    pub(crate) connect: Duration,
    /// From the last byte of a request to the first of its response.
    pub(crate) response: Duration,
    /// A client's request head, from its first byte to its last.
    pub(crate) header: Duration,
    /// A client's connection without a request.
    pub(crate) idle: Duration,
}

/// What a section takes for itself, also one with mistakes in it: what two of them cannot both have
/// is told in the same run as the rest.
#[derive(Default)]
pub(crate) struct Claim {
    name: Option<(PanelName, Origin)>,
    listen: Option<(SocketAddr, Origin)>,
    upstream: Option<(Authority, u16)>,
}

/// Reads every `[[panel]]`, `ADMINTRAIL_PANEL` and `--panel`.
pub(crate) fn read_all(
    given: Vec<Given>,
    retention_days: u32,
    findings: &mut Findings,
) -> (Vec<Panel>, Vec<Claim>) {
    let (mut panels, mut claims) = (Vec::new(), Vec::new());
    for item in given {
        match item.raw {
            Raw::List(items) => {
                for one in items {
                    let mut claim = Claim::default();
                    panels.extend(read(one, retention_days, &mut claim, findings));
                    claims.push(claim);
                }
            }
            _ => findings.mistakes.add(
                &item.origin,
                "panel",
                "write [[panel]], with two brackets, above each panel",
            ),
        }
    }
    (panels, claims)
}

fn read(
    given: Given,
    retention_days: u32,
    claim: &mut Claim,
    findings: &mut Findings,
) -> Option<Panel> {
    let Raw::Table(entries) = given.raw else {
        findings.mistakes.add(
            &given.origin,
            "panel",
            format!("is {}; write a [[panel]] section", given.raw.kind()),
        );
        return None;
    };
    let before = findings.mistakes.0.len();
    let title = entries
        .iter()
        .find_map(|(key, value)| match &value.raw {
            Raw::Text(name) if key == "name" => Some(format!("panel.{name}")),
            _ => None,
        })
        .unwrap_or_else(|| "panel".to_owned());
    let mut section = Section::new(&title, entries, given.origin, findings);
    let name = name(&mut section).map(|(name, origin)| {
        claim.name = Some((name.clone(), origin));
        name
    });
    let mut preset = preset(&mut section);
    let trusted_proxies = section.networks("trusted_proxies");
    let identity_header = identity_header(&mut section);
    let tokens = identities::tokens(&mut section, preset.as_mut());
    let (jwt, key_set) = match jwt(&mut section) {
        Some((rule, key_set)) => (Some(rule), key_set),
        None => (None, None),
    };
    let on_failure = section.word(
        "on_failure",
        &[
            ("degrade", OnFailure::Degrade),
            ("closed", OnFailure::Closed),
            ("open", OnFailure::Open),
        ],
        OnFailure::Degrade,
    );
    let attempted_names = section.word(
        "attempted_names",
        &[
            ("known", AttemptedNames::Known),
            ("all", AttemptedNames::All),
        ],
        AttemptedNames::Known,
    );
    let retention_days = retention::of_panel(&mut section, retention_days);
    let proxy = proxy(&mut section, claim);
    section.finish();
    if findings.mistakes.0.len() > before {
        return None;
    }
    let rules = PanelRules {
        panel: name?,
        preset: preset?,
        trusted_proxies,
        identity_header,
        tokens,
        jwt,
        on_failure,
        attempted_names,
    };
    Some(Panel {
        rules,
        proxy,
        key_set,
        retention_days,
    })
}

fn name(section: &mut Section<'_>) -> Option<(PanelName, Origin)> {
    let given = section.has("name");
    let found = section.parsed("name", |text| {
        if text == PanelName::OWN {
            return Err(format!(
                "{text:?} is the name of Admintrail's own pages; choose another"
            ));
        }
        text.parse::<PanelName>().map_err(|error| error.to_string())
    });
    match found {
        Some(found) => Some(found),
        None if given => None,
        None => {
            let origin = section.origin();
            section.wrong(
                &origin,
                "name",
                "every panel needs a name; write name = \"billing\"",
            );
            None
        }
    }
}

/// A built-in preset by name, or a file.
fn preset(section: &mut Section<'_>) -> Option<Arc<Preset>> {
    let Some((word, origin)) = section.text("preset") else {
        section.show("preset", "generic", Origin::Default);
        return Preset::built_in("generic");
    };
    if let Some(preset) = Preset::built_in(&word) {
        return Some(preset);
    }
    if !word.contains('/') && !word.ends_with(".toml") {
        let names: Vec<&str> = Preset::BUILT_IN
            .iter()
            .copied()
            .filter(|name| *name != PanelName::OWN)
            .collect();
        let names = names.join(", ");
        let message = format!(
            "there is no preset {word:?}; there are {names}, or write the path of a .toml file"
        );
        section.wrong(&origin, "preset", message);
        return None;
    }
    let path = beside(&origin, Path::new(&word));
    let read = std::fs::read_to_string(&path)
        .map_err(|cause| format!("{} cannot be read: {cause}", path.display()))
        .and_then(|text| {
            Preset::parse(&text).map_err(|error| match error.line {
                Some(line) => format!("{}:{line}: {error}", path.display()),
                None => format!("{}: {error}", path.display()),
            })
        });
    match read {
        Ok(preset) => Some(Arc::new(preset)),
        Err(message) => {
            section.wrong(&origin, "preset", message);
            None
        }
    }
}

fn identity_header(section: &mut Section<'_>) -> Option<TrustedHeader> {
    let mut table = section.table("identity_header")?;
    let header = |text: &str| {
        text.parse::<HeaderName>()
            .map_err(|_| format!("{text:?} is not the name of a header such as x-remote-user"))
    };
    let (named, listed) = (table.has("name"), table.has("from"));
    let name = table.parsed("name", header).map(|(name, _)| name);
    let display_name = table.parsed("display_name", header).map(|(name, _)| name);
    let from = table.networks("from");
    let origin = table.origin();
    if !named {
        table.wrong(
            &origin,
            "name",
            "name the header that carries the admin, e.g. \"x-remote-user\"",
        );
    }
    if !listed {
        table.wrong(
            &origin,
            "from",
            "list who may set it, e.g. [\"127.0.0.1/32\"]; anybody else could pose as an admin",
        );
    }
    table.finish();
    Some(TrustedHeader {
        name: name?,
        display_name,
        from,
    })
}

fn proxy(section: &mut Section<'_>, claim: &mut Claim) -> Option<ProxyOptions> {
    let (has_upstream, has_listen) = (section.has("upstream"), section.has("listen"));
    let upstream_ca = section.file("upstream_ca");
    let upstream = section.parsed("upstream", |text| {
        read_upstream(text).map(|(scheme, authority)| format!("{scheme}://{authority}"))
    });
    let listen = section.address("listen");
    claim.listen.clone_from(&listen);
    claim.upstream = upstream.as_ref().and_then(|(text, _)| {
        let (scheme, authority) = read_upstream(text).ok()?;
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(usual);
        Some((authority, port))
    });
    let tls = certificate(section);
    let timeouts = timeouts(section);
    let max_connections = section.number("max_connections", 1..=1_000_000, 8_192);
    let direct = direct_check(section);
    let (listen, listen_origin) = match (&upstream, listen) {
        (Some(_), Some(listen)) => listen,
        (Some((_, origin)), None) if !has_listen => {
            let origin = origin.clone();
            section.wrong(
                &origin,
                "listen",
                "is missing; write where the proxy listens, e.g. listen = \"127.0.0.1:8080\"",
            );
            return None;
        }
        (None, Some((_, origin))) if !has_upstream => {
            section.wrong(&origin, "upstream", "is missing; write the panel's own address, e.g. upstream = \"http://127.0.0.1:8000\"");
            return None;
        }
        // Nothing to proxy, or a mistake that has been told.
        _ => return None,
    };
    let (text, origin) = upstream?;
    let (scheme, authority) = read_upstream(&text).ok()?;
    let client = if scheme == Scheme::HTTPS {
        match tls::client(upstream_ca.as_ref().map(|(path, _)| path.as_path())) {
            Ok(config) => Some(config),
            Err(message) => {
                let origin = upstream_ca.map_or(origin, |(_, origin)| origin);
                section.wrong(&origin, "upstream_ca", message);
                return None;
            }
        }
    } else {
        None
    };
    Some(ProxyOptions {
        listen,
        listen_origin,
        upstream: Upstream {
            authority,
            tls: client,
        },
        tls,
        timeouts,
        max_connections: usize::try_from(max_connections).unwrap_or(usize::MAX),
        direct,
    })
}

fn direct_check(section: &mut Section<'_>) -> DirectCheck {
    let words = [
        ("on", (true, true)),
        ("public", (false, true)),
        ("off", (false, false)),
    ];
    let (own, public) = section.word("direct_check", &words, (true, true));
    let url = section.parsed("public_url", read_public);
    DirectCheck {
        own,
        public,
        public_url: url.map(|(uri, _)| uri),
    }
}

fn read_public(text: &str) -> Result<Uri, String> {
    let uri: Option<Uri> = text.parse().ok();
    let fits = |uri: &Uri| {
        let web = [Some("http"), Some("https")].contains(&uri.scheme_str());
        let host = uri.authority();
        web && uri.query().is_none() && host.is_some_and(|host| !host.as_str().contains('@'))
    };
    uri.filter(fits).ok_or_else(|| {
        format!(
            "{text:?} is not the address of a page; write one that the panel answers, such as \
             https://panel.example.org/login"
        )
    })
}

fn read_upstream(text: &str) -> Result<(Scheme, Authority), String> {
    let wrong = || {
        format!(
            "{text:?} is not the address of a panel; write http://127.0.0.1:8000 or https://panel.internal"
        )
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let parts = uri.into_parts();
    let scheme = parts.scheme.ok_or_else(wrong)?;
    let authority = parts
        .authority
        .filter(|a| !a.host().is_empty())
        .ok_or_else(wrong)?;
    if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
        return Err(wrong());
    }
    if authority.as_str().contains('@') {
        return Err("an address with a user and password would send them with every request; leave them out".to_owned());
    }
    if parts
        .path_and_query
        .is_some_and(|path| path.as_str() != "/")
    {
        return Err(format!(
            "{text:?} has a path; paths pass unchanged, so write scheme, host and port alone"
        ));
    }
    Ok((scheme, authority))
}

fn timeouts(section: &mut Section<'_>) -> Timeouts {
    let seconds = Duration::from_secs;
    let defaults = Timeouts {
        connect: seconds(5),
        response: seconds(60),
        header: seconds(10),
        idle: seconds(75),
    };
    let Some(mut table) = section.table("timeouts") else {
        for (key, value) in [
            ("timeouts.connect", defaults.connect),
            ("timeouts.response", defaults.response),
            ("timeouts.header", defaults.header),
            ("timeouts.idle", defaults.idle),
        ] {
            section.show(key, Shows(value), Origin::Default);
        }
        return defaults;
    };
    let read = Timeouts {
        connect: table.duration("connect", defaults.connect),
        response: table.duration("response", defaults.response),
        header: table.duration("header", defaults.header),
        idle: table.duration("idle", defaults.idle),
    };
    table.finish();
    read
}

/// `tls_cert` and `tls_key`: both or neither.
pub(crate) fn certificate(section: &mut Section<'_>) -> Option<Arc<rustls::ServerConfig>> {
    let cert = section.file("tls_cert");
    let key = section.file("tls_key");
    match (cert, key) {
        (None, None) => None,
        (Some((cert, origin)), Some((key, _))) => match tls::server(&cert, &key) {
            Ok(config) => Some(config),
            Err(message) => {
                section.wrong(&origin, "tls_cert", message);
                None
            }
        },
        (Some((_, origin)), None) => {
            section.wrong(
                &origin,
                "tls_key",
                "is missing; a certificate needs its private key",
            );
            None
        }
        (None, Some((_, origin))) => {
            section.wrong(
                &origin,
                "tls_cert",
                "is missing; a private key needs its certificate",
            );
            None
        }
    }
}

/// What no panel can know alone.
pub(crate) fn check_together(
    claims: &[Claim],
    own: SocketAddr,
    own_origin: &Origin,
    mistakes: &mut Mistakes,
) {
    let mut names: Vec<&PanelName> = Vec::new();
    let mut listening: Vec<(SocketAddr, String)> =
        vec![(own, format!("Admintrail's own pages ({own_origin})"))];
    for claim in claims {
        let key = match &claim.name {
            Some((name, _)) => format!("panel.{name}"),
            None => "panel".to_owned(),
        };
        if let Some((name, origin)) = &claim.name {
            if names.contains(&name) {
                mistakes.add(
                    origin,
                    &key,
                    "there are two panels of this name; rename one",
                );
            }
            names.push(name);
        }
        let Some((listen, origin)) = &claim.listen else {
            continue;
        };
        if let Some((_, other)) = listening
            .iter()
            .find(|(address, _)| address.port() != 0 && overlap(*address, *listen))
        {
            let message = format!("{listen} is taken by {other}; choose another port");
            mistakes.add(origin, &format!("{key}.listen"), message);
        }
        let who = match &claim.name {
            Some((name, _)) => format!("the panel {name} ({origin})"),
            None => format!("another panel ({origin})"),
        };
        listening.push((*listen, who));
        let own_address =
            claim.upstream.as_ref().is_some_and(|(upstream, port)| {
                upstream.host().trim_matches(['[', ']']).parse().is_ok_and(
                    |host: std::net::IpAddr| {
                        listen.port() != 0 && overlap(*listen, SocketAddr::new(host, *port))
                    },
                )
            });
        if own_address {
            let message = "is the address the proxy itself listens on; write the panel's own";
            mistakes.add(origin, &format!("{key}.upstream"), message);
        }
    }
}

fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}
