//! A day at a company with forty admins, as often as one likes, the same for the same seed.

#![expect(
    clippy::indexing_slicing,
    reason = "indices into its own tables, for tests only"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::random::Random;
use crate::{
    Draft, Ending, Event, EventId, FirstSet, Ip, KnownBy, LogId, Micros, Outcome, PanelName,
    RequestType, Seq, SessionHash,
};

/// How many admins the workload has.
pub const ADMINS: usize = 40;

const NAMES: [&str; ADMINS] = [
    "Olena Kovalenko",
    "Jonas Weber",
    "Amélie Laurent",
    "Mateusz Nowak",
    "Sofia Rossi",
    "Liam O'Brien",
    "Noor Haddad",
    "Yuki Tanaka",
    "Björn Åkesson",
    "Carla Méndez",
    "Dmytro Shevchenko",
    "Eva Novotná",
    "Femi Adeyemi",
    "Greta Lindqvist",
    "Hassan Aydın",
    "Ines Ferreira",
    "Jakub Dvořák",
    "Katya Ivanova",
    "Lars Nielsen",
    "Mia Schmidt",
    "Nikos Papadopoulos",
    "Oscar Lopez",
    "Priya Sharma",
    "Quentin Dubois",
    "Rosa Bianchi",
    "Søren Møller",
    "Tamara Petrović",
    "Umut Kaya",
    "Vera Horváth",
    "Wojciech Zieliński",
    "Xenia Popova",
    "Yusuf Demir",
    "Zoe Martin",
    "Anders Holm",
    "Beatriz Silva",
    "Chidi Okafor",
    "Dana Cohen",
    "Elif Arslan",
    "Fredrik Berg",
    "Hana Kim",
];

const AGENTS: [&str; 8] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
];

/// One kind of request: how often, and how it reads. `#` stands for an id.
struct Kind {
    weight: u32,
    method: &'static str,
    path: &'static str,
    action: &'static str,
    object: &'static str,
    api: bool,
}

const fn kind(
    weight: u32,
    method: &'static str,
    path: &'static str,
    action: &'static str,
    object: &'static str,
) -> Kind {
    Kind {
        weight,
        method,
        path,
        action,
        object,
        api: false,
    }
}

const fn api(
    weight: u32,
    method: &'static str,
    path: &'static str,
    action: &'static str,
    object: &'static str,
) -> Kind {
    Kind {
        weight,
        method,
        path,
        action,
        object,
        api: true,
    }
}

const KINDS: &[Kind] = &[
    kind(90, "GET", "/admin/", "Viewed admin index", ""),
    kind(80, "GET", "/admin/clients", "Listed clients", ""),
    kind(140, "GET", "/admin/client/#", "Viewed client #", "client/#"),
    kind(
        60,
        "GET",
        "/admin/client/#/services",
        "Listed services of client #",
        "client/#",
    ),
    kind(
        50,
        "GET",
        "/admin/client/#/notes",
        "Listed notes of client #",
        "client/#",
    ),
    kind(
        45,
        "POST",
        "/admin/client/#/edit",
        "Changed client #",
        "client/#",
    ),
    kind(20, "POST", "/admin/clients/add", "Created client", ""),
    kind(
        6,
        "POST",
        "/admin/client/#/delete",
        "Deleted client #",
        "client/#",
    ),
    kind(70, "GET", "/admin/invoices", "Listed invoices", ""),
    kind(
        80,
        "GET",
        "/admin/invoice/#",
        "Viewed invoice #",
        "invoice/#",
    ),
    kind(
        18,
        "POST",
        "/admin/invoice/#/refund",
        "Ran refund on invoice #",
        "invoice/#",
    ),
    kind(40, "GET", "/admin/tickets", "Listed tickets", ""),
    kind(60, "GET", "/admin/ticket/#", "Viewed ticket #", "ticket/#"),
    kind(
        30,
        "POST",
        "/admin/ticket/#/reply",
        "Created reply of ticket #",
        "ticket/#",
    ),
    kind(
        25,
        "GET",
        "/admin/settings/mail",
        "Viewed settings/mail",
        "settings/mail",
    ),
    kind(
        8,
        "POST",
        "/admin/settings/mail",
        "Changed settings",
        "settings/mail",
    ),
    kind(
        10,
        "GET",
        "/admin/settings/roles",
        "Viewed settings/roles",
        "settings/roles",
    ),
    kind(
        3,
        "POST",
        "/admin/settings/roles",
        "Changed settings",
        "settings/roles",
    ),
    kind(15, "GET", "/admin/logs/audit", "Viewed logs/audit", ""),
    kind(
        12,
        "GET",
        "/admin/reports/revenue",
        "Viewed reports/revenue",
        "",
    ),
    kind(
        4,
        "GET",
        "/admin/reports/clients/export",
        "Viewed reports/clients/export",
        "",
    ),
    kind(9, "GET", "/admin/servers", "Listed servers", ""),
    kind(
        7,
        "POST",
        "/admin/server/#/restart",
        "Ran restart on server #",
        "server/#",
    ),
    api(110, "GET", "/admin/api/clients", "Listed clients", ""),
    api(
        90,
        "GET",
        "/admin/api/client/#",
        "Viewed client #",
        "client/#",
    ),
    api(
        30,
        "PUT",
        "/admin/api/client/#",
        "Changed client #",
        "client/#",
    ),
    api(
        12,
        "PATCH",
        "/admin/api/invoice/#",
        "Changed invoice #",
        "invoice/#",
    ),
    api(
        6,
        "DELETE",
        "/admin/api/service/#",
        "Deleted service #",
        "service/#",
    ),
    api(
        10,
        "PUT",
        "/admin/api/settings/mail",
        "Changed settings",
        "settings/mail",
    ),
    api(8, "POST", "/admin/api/clients", "Created client", ""),
    api(5, "HEAD", "/admin/api/health", "Viewed health", ""),
    api(
        3,
        "OPTIONS",
        "/admin/api/clients",
        "Asked what clients allows",
        "",
    ),
];

const ASSETS: [&str; 4] = [
    "/static/admin/css/base.css",
    "/static/admin/js/core.js",
    "/static/img/logo.svg",
    "/static/fonts/inter.woff2",
];
const PANELS: [&str; 3] = ["billing", "billing", "shop"];
const TRIED: [&str; 5] = [
    "root",
    "admin",
    "test",
    "unknown name (11 characters) #3fa2",
    "unknown name (8 characters) #c01d",
];

/// Drafts in the order of their time, give or take what concurrency does.
#[derive(Debug, Clone)]
pub struct Workload {
    random: Random,
    left: usize,
    at: i64,
    spacing: i64,
    seq: u64,
}

/// `n` events of about two a minute and admin, the last shortly before 2026-11-22T14:31:58Z.
#[must_use]
pub fn workload(seed: u64, n: usize) -> Workload {
    let spacing = 2 * Micros::SECOND;
    Workload {
        random: Random(seed),
        left: n,
        at: 0,
        spacing,
        seq: 0,
    }
    .ending(Micros(1_795_357_918_000_000))
}

impl Workload {
    /// The same with another mean time between events, in µs. Call before [`Self::ending`].
    #[must_use]
    pub const fn every(mut self, spacing: i64) -> Self {
        let end = self.at + self.span();
        self.spacing = spacing;
        self.ending(Micros(end))
    }

    /// The same, the last event shortly before this moment.
    #[must_use]
    pub const fn ending(mut self, end: Micros) -> Self {
        self.at = end.0 - self.span();
        self
    }

    #[expect(clippy::cast_possible_wrap, reason = "nobody waits for 2^63 events")]
    const fn span(&self) -> i64 {
        self.spacing.saturating_mul(self.left as i64 + 1)
    }
}

impl Iterator for Workload {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        self.left = self.left.checked_sub(1)?;
        self.seq += 1;
        let random = &mut self.random;
        // Requests are recorded when they end, so their starts are out of order by some of them.
        let start = self.at + random.below(self.spacing.unsigned_abs() * 2).cast_signed();
        self.at += self.spacing;
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&random.next().to_le_bytes());
        bytes[8..].copy_from_slice(&random.next().to_le_bytes()[..2]);
        let id = EventId::new(Micros(start), bytes);
        let panel: PanelName = PANELS[random.index(PANELS.len())].parse().ok()?;
        let mut draft = Draft::request(id, Micros(start), panel, "GET", "/");
        draft.recorder = "proxy-1".to_owned();
        draft.recorder_epoch = 1_795_000_000_000_000;
        draft.recorder_seq = self.seq;
        draft.scheme = Some("https".to_owned());
        draft.host = Some(format!("{}.example.org", draft.panel));
        draft.ending = Ending::Complete;
        match random.below(1000) {
            0..12 => attempt(&mut draft, random),
            12..22 => anonymous(&mut draft, random),
            _ => {
                let admin = signed_in(&mut draft, random);
                match random.below(100) {
                    0..9 => poll(&mut draft),
                    9..17 => asset(&mut draft, random),
                    _ => ordinary(&mut draft, random, admin),
                }
            }
        }
        Some(draft)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Workload {}

/// A draft as a log would accept it: 1.5 ms after its end, nothing the first of anything.
#[must_use]
pub fn accepted(draft: Draft, log: LogId, seq: u64) -> Event {
    let took = draft
        .duration_us
        .map_or(0, |took| i64::try_from(took).unwrap_or(0));
    let received = Micros(draft.time.0 + took + 1_500);
    Event {
        log,
        seq: Seq(seq),
        received,
        first: FirstSet::default(),
        draft,
    }
}

fn signed_in(draft: &mut Draft, random: &mut Random) -> usize {
    // A few do most of the work.
    let admin = random.index(ADMINS).min(random.index(ADMINS));
    let name = NAMES[admin];
    let first = name.split(' ').next().unwrap_or(name).to_lowercase();
    draft.admin = Some(format!("{first}@example.org"));
    draft.admin_name = Some(name.to_owned());
    draft.known_by = KnownBy::Session;
    let place = usize::from(random.below(10) == 0);
    draft.ip = Some(address(admin, place));
    draft.user_agent = Some(AGENTS[(admin * 3 + place) % AGENTS.len()].to_owned());
    let day = draft
        .time
        .0
        .div_euclid(86_400 * Micros::SECOND)
        .unsigned_abs();
    let mut session = Random(day << 16 | (admin as u64) << 1 | place as u64);
    draft.session = Some(SessionHash(session.bytes()));
    admin
}

fn address(admin: usize, place: usize) -> Ip {
    let admin = u8::try_from(admin).unwrap_or(0);
    let addr = match (place, admin % 4) {
        (0, 3) => IpAddr::V6(Ipv6Addr::new(
            0x2001,
            0xdb8,
            0,
            7,
            0,
            0,
            0,
            u16::from(admin),
        )),
        (0, _) => IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10 + admin)),
        _ => IpAddr::V4(Ipv4Addr::new(203, 0, 113, 100 + admin)),
    };
    Ip::from(addr)
}

fn stranger(random: &mut Random) -> Ip {
    Ip::from(IpAddr::V4(Ipv4Addr::new(
        192,
        0,
        2,
        u8::try_from(random.below(250)).unwrap_or(0),
    )))
}

fn attempt(draft: &mut Draft, random: &mut Random) {
    let tried = TRIED[random.index(TRIED.len())];
    draft.method = "POST".to_owned();
    draft.path = "/admin/login".to_owned();
    draft.route = Some(draft.path.clone());
    draft.attempted = Some(tried.to_owned());
    draft.known_by = KnownBy::Attempt;
    draft.action = format!("Failed sign-in as {tried}");
    draft.ip = Some(stranger(random));
    draft.user_agent = Some(AGENTS[7].to_owned());
    draft.outcome = Outcome::Denied;
    answered(draft, random, 403);
    draft.outcome = Outcome::Denied;
}

fn anonymous(draft: &mut Draft, random: &mut Random) {
    draft.path = "/admin/clients".to_owned();
    draft.route = Some(draft.path.clone());
    draft.action = "Sent to sign-in".to_owned();
    draft.ip = Some(stranger(random));
    draft.user_agent = Some(AGENTS[random.index(AGENTS.len())].to_owned());
    answered(draft, random, 302);
    draft.outcome = Outcome::Denied;
}

fn poll(draft: &mut Draft) {
    draft.path = "/admin/api/notifications".to_owned();
    draft.query = Some("since=0".to_owned());
    draft.route = Some(draft.path.clone());
    draft.action = "Listed notifications".to_owned();
    draft.request_type = RequestType::Api;
    draft.polling = true;
    draft.status = Some(200);
    draft.outcome = Outcome::Success;
    draft.duration_us = Some(3_000);
    draft.request_bytes = Some(0);
    draft.response_bytes = Some(31);
}

fn asset(draft: &mut Draft, random: &mut Random) {
    draft.path = ASSETS[random.index(ASSETS.len())].to_owned();
    draft.route = Some(draft.path.clone());
    draft.action = format!("Loaded {}", draft.path.rsplit('/').next().unwrap_or(""));
    draft.asset = true;
    let status = if random.below(3) == 0 { 304 } else { 200 };
    answered(draft, random, status);
}

fn ordinary(draft: &mut Draft, random: &mut Random, admin: usize) {
    let kind = pick(random);
    // Admins come back to the clients they work for.
    let id = (random.below(60) * random.below(60) + admin as u64 * 7 + 1).to_string();
    draft.method = kind.method.to_owned();
    draft.path = kind.path.replace('#', &id);
    draft.route = Some(kind.path.replace('#', "{id}"));
    draft.action = kind.action.replace('#', &id);
    draft.object = (!kind.object.is_empty()).then(|| kind.object.replace('#', &id));
    draft.request_type = if kind.api {
        RequestType::Api
    } else {
        RequestType::Web
    };
    if kind.method == "GET" && random.below(4) == 0 {
        draft.query = Some(format!("page={}&sort=-created", random.below(9) + 1));
    }
    let sends = !matches!(kind.method, "GET" | "HEAD" | "OPTIONS");
    let status = match random.below(1000) {
        0..20 => 403,
        20..38 => 404,
        38..44 => 500,
        44..46 => 502,
        46..52 if sends => 422,
        _ if sends && !kind.api => 302,
        _ => 200,
    };
    answered(draft, random, status);
    if matches!(
        draft.outcome,
        Outcome::Denied | Outcome::Failed | Outcome::Error
    ) {
        let word = draft.outcome.as_str();
        let (first, rest) = word.split_at(1);
        let (verb, others) = draft.action.split_at(1);
        draft.action = format!(
            "{}{rest}: {}{others}",
            first.to_uppercase(),
            verb.to_lowercase()
        );
    }
    if random.below(400) == 0 {
        draft.acting_as = Some(format!("client-{id}"));
    }
    if random.below(2_000) == 0 {
        draft.status = None;
        draft.outcome = Outcome::Unknown;
        draft.ending = Ending::Dropped;
        draft.duration_us = None;
    }
}

fn answered(draft: &mut Draft, random: &mut Random, status: u16) {
    draft.status = Some(status);
    draft.outcome = Outcome::of_status(draft.status);
    // Most are quick, some are slow.
    let slowness = random.below(1 << 10).max(1);
    draft.duration_us = Some(4_000 + random.below(40_000) + (2_000_000 / slowness));
    let sends = !crate::is_safe_method(&draft.method);
    draft.request_bytes = Some(if sends { 40 + random.below(900) } else { 0 });
    draft.response_bytes = Some(if status == 304 || status == 302 {
        0
    } else {
        300 + random.below(60_000)
    });
}

fn pick(random: &mut Random) -> &'static Kind {
    let total: u32 = KINDS.iter().map(|kind| kind.weight).sum();
    let mut at = random.below(u64::from(total));
    KINDS
        .iter()
        .find(|kind| match at.checked_sub(u64::from(kind.weight)) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        })
        .unwrap_or(&KINDS[0])
}
