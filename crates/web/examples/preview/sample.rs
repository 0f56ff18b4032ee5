//! Made-up requests: the same ones for the same moment.

use admintrail_event::{
    Draft, Ending, EventId, KnownBy, Micros, Outcome, PanelName, RequestType, SessionHash,
};

struct Admin {
    id: &'static str,
    name: &'static str,
    ips: [&'static str; 2],
    agent: &'static str,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";

const ADMINS: [Admin; 5] = [
    Admin {
        id: "olena@hosting.example",
        name: "Olena Kravets",
        ips: ["198.51.100.7", "198.51.100.23"],
        agent: FIREFOX,
    },
    Admin {
        id: "ines@hosting.example",
        name: "Ines Duarte",
        ips: ["2001:db8:4::91", "2001:db8:4::92"],
        agent: SAFARI,
    },
    Admin {
        id: "tom@hosting.example",
        name: "Tom Berg",
        ips: ["203.0.113.90", "203.0.113.90"],
        agent: FIREFOX,
    },
    Admin {
        id: "deploy-bot",
        name: "",
        ips: ["192.0.2.80", "192.0.2.80"],
        agent: "deploy/2.3 (+ci)",
    },
    Admin {
        id: "aleksandra.wisniewska-kowalczyk@subsidiary.hosting.example",
        name: "Aleksandra Wiśniewska-Kowalczyk",
        ips: ["198.51.100.114", "198.51.100.115"],
        agent: SAFARI,
    },
];

/// method, path, query, action, object, API, status
type Route = (
    &'static str,
    &'static str,
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
    bool,
    u16,
);

const ROUTES: [Route; 16] = [
    (
        "GET",
        "/admin/dashboard",
        None,
        "Viewed dashboard",
        None,
        false,
        200,
    ),
    (
        "GET",
        "/admin/client/4711",
        None,
        "Viewed client 4711",
        Some("client/4711"),
        false,
        200,
    ),
    (
        "GET",
        "/admin/api/clients",
        Some("search=north&page=2"),
        "Listed clients",
        None,
        true,
        200,
    ),
    (
        "GET",
        "/admin/api/invoices",
        Some(
            "draw=3&start=0&length=50&order[0][column]=4&order[0][dir]=desc&search[value]=&token=[redacted]",
        ),
        "Listed invoices",
        None,
        true,
        200,
    ),
    (
        "GET",
        "/admin/activity_logs",
        Some("page=2"),
        "Viewed activity log",
        Some("activity_logs"),
        false,
        200,
    ),
    (
        "POST",
        "/admin/api/dns_record",
        None,
        "Created DNS record",
        Some("dns_record"),
        true,
        201,
    ),
    (
        "PUT",
        "/admin/api/settings/mail",
        None,
        "Changed settings",
        Some("settings/mail"),
        true,
        200,
    ),
    (
        "POST",
        "/admin/api/module/proxmox/restart",
        None,
        "Restarted module proxmox",
        Some("module/proxmox"),
        true,
        200,
    ),
    (
        "GET",
        "/admin/invoice/9921",
        None,
        "Viewed invoice 9921",
        Some("invoice/9921"),
        false,
        200,
    ),
    (
        "GET",
        "/admin/invoice/9921",
        None,
        "Error: viewed invoice 9921",
        Some("invoice/9921"),
        false,
        500,
    ),
    (
        "DELETE",
        "/admin/api/client/4711",
        Some("confirm=1&token=[redacted]"),
        "Denied: delete client 4711",
        Some("client/4711"),
        true,
        403,
    ),
    (
        "DELETE",
        "/admin/api/dns_record/88",
        None,
        "Deleted DNS record 88",
        Some("dns_record/88"),
        true,
        204,
    ),
    (
        "GET",
        "/admin/nothing/here",
        None,
        "Failed: viewed nothing",
        None,
        false,
        404,
    ),
    (
        "GET",
        "/admin/search",
        Some("q=%3Cscript%3Ealert(1)%3C/script%3E&x=\"><img src=x onerror=alert(2)>"),
        "Searched",
        None,
        false,
        200,
    ),
    (
        "PATCH",
        "/admin/api/service/773/configuration/network-interfaces/eth0/firewall-rules/inbound/42",
        None,
        "Changed firewall rule 42",
        Some("firewall_rule/42"),
        true,
        200,
    ),
    (
        "GET",
        "/admin/modules",
        None,
        "Listed modules",
        None,
        false,
        200,
    ),
];

/// name, upstream, listens
pub(crate) fn panels() -> Vec<(PanelName, String, String)> {
    let panel = |name: &str, upstream: &str, listen: &str| {
        Some((name.parse().ok()?, upstream.to_owned(), listen.to_owned()))
    };
    [
        panel("billing", "http://127.0.0.1:8000", ":8080"),
        panel("shop", "http://10.0.4.12:3000", ":8081"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// This many requests of the last eight days, more by day than at night.
pub(crate) fn days(now: Micros, count: usize) -> Vec<Draft> {
    let week = 8 * 86_400_000_000_i64;
    let mut moments: Vec<i64> = (0..count * 3)
        .filter_map(|n| {
            let draw = mix(n as u64);
            let at = now.0 - i64::try_from(draw % 691_200_000_000).unwrap_or(0);
            let hour = at / 3_600_000_000 % 24;
            let busy = if (7..18).contains(&hour) { 10 } else { 2 };
            (mix(draw) % 10 < busy && at > now.0 - week).then_some(at)
        })
        .take(count)
        .collect();
    moments.sort_unstable();
    moments
        .into_iter()
        .enumerate()
        .map(|(n, at)| at_moment(Micros(at), n as u64))
        .collect()
}

/// One request now.
pub(crate) fn at(now: Micros, seed: u64) -> Draft {
    at_moment(now, seed)
}

fn at_moment(time: Micros, seed: u64) -> Draft {
    let draw = mix(seed ^ 0x5bd1);
    let mut random = [0; 10];
    random.copy_from_slice(&[mix(draw).to_be_bytes(), mix(seed).to_be_bytes()].concat()[..10]);
    let id = EventId::new(time, random);
    let panel: PanelName = if draw % 7 == 0 { "shop" } else { "billing" }
        .parse()
        .unwrap_or_else(|_| PanelName::own());
    let mut draft = Draft::request(id, time, panel, "GET", "/");
    draft.recorder = "proxy-1".to_owned();
    draft.recorder_epoch = 3;
    draft.recorder_seq = seed;
    draft.scheme = Some("https".to_owned());
    draft.host = Some("panel.hosting.example".to_owned());
    if draw % 23 == 0 {
        attempt(&mut draft, draw)
    } else {
        signed_in(&mut draft, draw)
    }
    draft.response_bytes = Some(draw % 90_000);
    draft.request_bytes = Some(if draft.method == "GET" {
        0
    } else {
        draw % 4_000
    });
    draft
}

fn signed_in(draft: &mut Draft, draw: u64) {
    let (Some(admin), Some(route)) = (
        ADMINS.get((mix(draw ^ 1) % 12) as usize % ADMINS.len()),
        ROUTES.get((mix(draw ^ 2) % 16) as usize),
    ) else {
        return;
    };
    let day = (draft.time.0 / 28_800_000_000) as u64;
    if draw % 41 != 0 {
        draft.admin = Some(admin.id.to_owned());
        draft.admin_name = Some(admin.name.to_owned()).filter(|name| !name.is_empty());
        draft.known_by = KnownBy::Session;
    }
    let seed = mix(day ^ (admin.id.len() as u64) << 32);
    let mut session = [0; 16];
    session[..8].copy_from_slice(&mix(seed).to_be_bytes());
    session[8..].copy_from_slice(&mix(seed ^ 9).to_be_bytes());
    draft.session = Some(SessionHash(session));
    let ip = admin.ips[usize::from(draw % 19 == 0)];
    draft.ip = ip.parse().ok();
    draft.user_agent = Some(admin.agent.to_owned());
    let (method, path, query, action, object, api, status) = *route;
    draft.method = method.to_owned();
    draft.path = path.to_owned();
    draft.query = query.map(str::to_owned);
    draft.route = Some(path.to_owned());
    draft.action = action.to_owned();
    draft.object = object.map(str::to_owned);
    draft.request_type = if api {
        RequestType::Api
    } else {
        RequestType::Web
    };
    // Mistakes and refusals are rare.
    let rare = status >= 400 && draw % 5 != 0;
    draft.status = Some(if rare { 200 } else { status });
    if rare {
        draft.action = "Viewed settings".to_owned();
        draft.method = "GET".to_owned();
        draft.path = "/admin/settings".to_owned();
        draft.query = None;
    }
    draft.outcome = Outcome::of_status(draft.status);
    draft.duration_us = Some(4_000 + draw % 180_000 + if draw % 31 == 0 { 1_900_000 } else { 0 });
    if draw % 9 == 0 {
        draft.polling = true;
        draft.path = "/admin/api/notifications".to_owned();
        draft.action = "Viewed notifications".to_owned();
        draft.method = "GET".to_owned();
        draft.query = None;
        draft.status = Some(200);
        draft.outcome = Outcome::Success;
    }
    if draw % 211 == 0 {
        draft.status = None;
        draft.outcome = Outcome::Unknown;
        draft.ending = Ending::Dropped;
        draft.duration_us = None;
    }
}

fn attempt(draft: &mut Draft, draw: u64) {
    draft.ip = "45.83.64.11".parse().ok();
    draft.user_agent = Some("python-requests/2.32".to_owned());
    draft.duration_us = Some(240_000 + draw % 90_000);
    draft.outcome = Outcome::Denied;
    if draw % 3 == 0 {
        draft.path = "/admin/settings".to_owned();
        draft.action = "Sent to sign-in".to_owned();
        draft.status = Some(302);
        return;
    }
    let tried = [
        "root",
        "olena@hosting.example",
        "unknown name (9 characters) #3fa2",
    ][(draw % 5 % 3) as usize];
    draft.method = "POST".to_owned();
    draft.path = "/admin/login".to_owned();
    draft.action = format!("Failed sign-in as {tried}");
    draft.attempted = Some(tried.to_owned());
    draft.known_by = KnownBy::Attempt;
    draft.status = Some(401);
}
