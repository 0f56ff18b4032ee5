//! Who works at the sample panel, and what they do there.

use super::dice::Dice;

/// An admin of the sample panel.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) login: &'static str,
    pub(super) password: &'static str,
    /// Addresses: the office, sometimes home.
    pub(super) addresses: [&'static str; 2],
    pub(super) agent: &'static str,
    /// May open `/admins`, change settings, delete.
    pub(super) owner: bool,
    /// First hour at work, and the last (UTC).
    pub(super) hours: (i64, i64),
    /// How busy, in requests an hour.
    pub(super) pace: u64,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";

/// Everybody.
pub(super) const PEOPLE: &[Person] = &[
    Person {
        login: "olena@northwind.example",
        password: "blue-lantern-42",
        addresses: ["198.51.100.7", "2001:db8:7::21"],
        agent: FIREFOX,
        owner: true,
        hours: (6, 17),
        pace: 46,
    },
    Person {
        login: "marco@northwind.example",
        password: "quiet-harbour-7",
        addresses: ["198.51.100.23", "203.0.113.88"],
        agent: CHROME,
        owner: true,
        hours: (8, 20),
        pace: 34,
    },
    Person {
        login: "aiko@northwind.example",
        password: "paper-crane-19",
        addresses: ["192.0.2.144", "192.0.2.201"],
        agent: SAFARI,
        owner: false,
        hours: (0, 9),
        pace: 52,
    },
    Person {
        login: "jonas@northwind.example",
        password: "first-week-here",
        addresses: ["198.51.100.42", "198.51.100.42"],
        agent: CHROME,
        owner: false,
        hours: (9, 15),
        pace: 18,
    },
];

/// Where strangers come from.
pub(super) const STRANGERS: &[&str] = &["203.0.113.9", "203.0.113.77", "2001:db8:bad::1"];

/// What strangers type as a user name.
pub(super) const GUESSES: &[&str] = &[
    "root",
    "admin",
    "administrator",
    "test",
    "olena@northwind.example",
    "Summer2026!",
];

/// The agent of a stranger.
pub(super) const SCANNER: &str = "python-requests/2.32.5";

/// One thing an admin does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: Option<&'static str>,
    /// A form, for those that change something.
    pub(super) body: &'static str,
    pub(super) api: bool,
}

impl Deed {
    fn page(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            query: None,
            body: "",
            api: false,
        }
    }

    fn form(path: impl Into<String>, body: &'static str) -> Self {
        Self {
            method: "POST",
            path: path.into(),
            query: None,
            body,
            api: false,
        }
    }

    fn call(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: None,
            body: "",
            api: true,
        }
    }

    /// The refresh that the overview makes by itself.
    pub(super) fn refresh() -> Self {
        Self::call("GET", "/api/v1/load")
    }

    /// Whether the panel lets owners alone do it.
    pub(super) fn needs_owner(&self) -> bool {
        self.path == "/admins"
            || self.path.starts_with("/settings/")
            || self.path.ends_with("/delete")
            || self.method == "DELETE"
    }
}

const GROUPS: &[&str] = &["mail", "backups", "security", "billing"];
const SERVERS: &[&str] = &["web-1", "web-2", "db-1", "mail-1", "cache-1"];

/// What somebody does next.
pub(super) fn next_deed(dice: &mut Dice) -> Deed {
    let customer = 4_700 + dice.below(60);
    let invoice = 90_000 + dice.below(400);
    let group = dice.one_of(GROUPS).copied().unwrap_or("mail");
    let server = dice.one_of(SERVERS).copied().unwrap_or("web-1");
    match dice.below(100) {
        0..12 => Deed::page("/"),
        12..24 => Deed::page("/customers"),
        24..27 => Deed {
            query: Some("q=kovalenko&page=2"),
            ..Deed::page("/customers")
        },
        27..45 => Deed::page(format!("/customers/{customer}")),
        45..53 => Deed::form(
            format!("/customers/{customer}"),
            "plan=business&note=called",
        ),
        53..54 => Deed::form(format!("/customers/{customer}/delete"), "sure=yes"),
        54..62 => Deed::page("/invoices"),
        62..65 => Deed::form(format!("/invoices/{invoice}/refund"), "amount=12.00"),
        65..70 => Deed::page("/settings"),
        70..74 => Deed::form(format!("/settings/{group}"), "enabled=1"),
        74..80 => Deed::page("/logs"),
        80..82 => Deed::page("/admins"),
        82..91 => Deed::call("GET", "/api/v1/servers"),
        91..95 => Deed::call("PUT", format!("/api/v1/servers/{server}")),
        95..96 => Deed::call("DELETE", format!("/api/v1/servers/{server}")),
        96..98 => Deed::page(format!("/customers/{}", 9_000 + customer)),
        _ => Deed::page("/logs"),
    }
}
