//! What everybody is asked, each in its own language.

use super::peers::Kind;

/// µs between two events.
pub(super) const SPACING: i64 = 86_400_000_000 / 1_000_000;

/// Where the events lie that are asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) events: u64,
    /// When the last of them ended, in µs.
    pub(super) ending: i64,
}

impl Scale {
    /// The moment at this depth, in a hundred of all events from the newest on.
    pub(super) fn moment(self, percent: i64) -> i64 {
        let events = i64::try_from(self.events).unwrap_or(i64::MAX);
        self.ending - events / 100 * percent * SPACING
    }
}

/// A question that peers are asked too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common {
    FirstPage,
    /// The page at 80 % of all events.
    DeepPage,
    RareAdmin,
    ByStatus,
    /// The first rows whose path holds this.
    Substring(&'static str),
    ByDay,
    TopAddresses,
}

pub(super) const RARE_ADMIN: &str = "rare@example.org";

/// What no path holds: unlike any, and like a UUID.
const NOTHING: &str = "zzqqzzqq";
const NO_UUID: &str = "0123456789abcdef";

impl Common {
    /// Whether anything answers it.
    pub(super) fn finds(self) -> bool {
        !matches!(self, Self::Substring(NOTHING | NO_UUID))
    }

    /// The statements for one answer.
    pub(super) fn sql(self, kind: Kind, scale: Scale) -> Vec<String> {
        match kind {
            Kind::PostgreSql => vec![self.postgresql(scale)],
            Kind::ClickHouse => vec![self.clickhouse(scale)],
            Kind::MariaDb => self.mariadb(scale),
        }
    }

    fn postgresql(self, scale: Scale) -> String {
        let page = |condition: &str| {
            format!("SELECT * FROM events {condition} ORDER BY time DESC LIMIT 50")
        };
        match self {
            Self::FirstPage => page(""),
            Self::DeepPage => {
                let moment = scale.moment(80);
                page(&format!("WHERE time <= to_timestamp({moment} / 1e6)"))
            }
            Self::RareAdmin => page(&format!("WHERE admin = '{RARE_ADMIN}'")),
            Self::ByStatus => "SELECT status, count(*) FROM events GROUP BY status".to_owned(),
            Self::Substring(text) => page(&format!("WHERE path LIKE '%{text}%'")),
            Self::ByDay => {
                "SELECT date_trunc('day', time), count(*) FROM events GROUP BY 1".to_owned()
            }
            Self::TopAddresses => {
                "SELECT ip, count(*) FROM events GROUP BY ip ORDER BY 2 DESC LIMIT 10".to_owned()
            }
        }
    }

    fn clickhouse(self, scale: Scale) -> String {
        let page = |condition: &str| {
            format!("SELECT * FROM bench.events {condition} ORDER BY time DESC LIMIT 50")
        };
        match self {
            Self::FirstPage => page(""),
            Self::DeepPage => page(&format!(
                "WHERE time <= fromUnixTimestamp64Micro({})",
                scale.moment(80)
            )),
            Self::RareAdmin => page(&format!("WHERE admin = '{RARE_ADMIN}'")),
            Self::ByStatus => "SELECT status, count() FROM bench.events GROUP BY status".to_owned(),
            Self::Substring(text) => page(&format!("WHERE path LIKE '%{text}%'")),
            Self::ByDay => {
                "SELECT toStartOfDay(time), count() FROM bench.events GROUP BY 1".to_owned()
            }
            Self::TopAddresses => {
                "SELECT ip, count() FROM bench.events GROUP BY ip ORDER BY 2 DESC LIMIT 10"
                    .to_owned()
            }
        }
    }

    /// As the described panel asks: how many there are, how many match, then a page by offset.
    fn mariadb(self, scale: Scale) -> Vec<String> {
        let page = |condition: &str, offset: u64| {
            let all = "SELECT COUNT(*) FROM admin_session_logs";
            vec![
                all.to_owned(),
                format!("{all} {condition}"),
                format!(
                    "SELECT * FROM admin_session_logs {condition} ORDER BY created_at DESC \
                     LIMIT 50 OFFSET {offset}"
                ),
            ]
        };
        match self {
            Self::FirstPage => page("", 0),
            Self::DeepPage => page("", scale.events / 5 * 4),
            Self::RareAdmin => page(
                &format!(
                    "WHERE admin_uuid = (SELECT uuid FROM admins WHERE email = '{RARE_ADMIN}')"
                ),
                0,
            ),
            // Its table knows no status.
            Self::ByStatus => {
                vec!["SELECT method, COUNT(*) FROM admin_session_logs GROUP BY method".to_owned()]
            }
            Self::Substring(text) => page(&format!("WHERE url LIKE '%{text}%'"), 0),
            Self::ByDay => vec![
                "SELECT DATE(created_at), COUNT(*) FROM admin_session_logs GROUP BY 1".to_owned(),
            ],
            Self::TopAddresses => vec![
                "SELECT ip_address, COUNT(*) FROM admin_session_logs GROUP BY ip_address \
                 ORDER BY 2 DESC LIMIT 10"
                    .to_owned(),
            ],
        }
    }
}

/// What we are asked over HTTP.
pub(super) struct Question {
    pub(super) what: &'static str,
    pub(super) path: String,
    /// The most that the median may be, in ms.
    pub(super) limit: f64,
    pub(super) common: Option<Common>,
}

/// Cursors of pages at a depth, in a hundred of all events; and a path that exists.
pub(super) struct Places {
    pub(super) cursors: [(u8, String); 3],
    /// The beginning of a UUID that some path in the middle holds.
    pub(super) thing: String,
}

/// All of them. From 20 M events on the bars are those of 100 M.
pub(super) fn all(events: u64, places: &Places) -> Vec<Question> {
    let large = events > 20_000_000;
    let bar = |usual: f64, at_large: f64| if large { at_large } else { usual };
    let question = |what, path: &str, limit, common| Question {
        what,
        path: format!("/api/v1/{path}"),
        limit,
        common,
    };
    let page = |what, query: &str, limit, common| {
        question(what, &format!("events?limit=50{query}"), limit, common)
    };
    let total =
        |what, filter: &str| question(what, &format!("events?limit=1&q={filter}"), 3.0, None);
    let facet =
        |what, field: &str, common| question(what, &format!("facets?field={field}"), 5.0, common);
    let mut all = vec![page(
        "first page",
        "",
        bar(3.0, 5.0),
        Some(Common::FirstPage),
    )];
    for (percent, cursor) in &places.cursors {
        let (what, common) = match percent {
            20 => ("page at 20 % depth", None),
            50 => ("page at 50 % depth", None),
            _ => ("page at 80 % depth", Some(Common::DeepPage)),
        };
        all.push(page(what, &format!("&cursor={cursor}"), 20.0, common));
    }
    all.extend([
        page("oldest page", "&order=asc", 20.0, None),
        page(
            "rare admin (0.01 %), first page",
            &format!("&q=admin:{RARE_ADMIN}"),
            bar(25.0, 60.0),
            Some(Common::RareAdmin),
        ),
        total("total of a panel", "panel:billing"),
        total("total of an admin", "admin:olena.kovalenko@example.org"),
        total("total of a type", "type:api"),
        total("total of a method", "method:PUT"),
        total("total of a status", "status:404"),
        total("total of background refreshes", "is:polling"),
        page(
            "substring of paths that none holds, unlike any",
            &format!("&q=path:{NOTHING}"),
            300.0,
            Some(Common::Substring(NOTHING)),
        ),
        page(
            "substring of paths that none holds, like a UUID",
            &format!("&q=path:{NO_UUID}"),
            300.0,
            Some(Common::Substring(NO_UUID)),
        ),
        page(
            "substring that many paths hold, first rows",
            "&q=path:/invoice/",
            300.0,
            Some(Common::Substring("/invoice/")),
        ),
        page(
            "substring that few paths hold, first rows",
            &format!("&q=path:{}", places.thing),
            300.0,
            None,
        ),
        question(
            "histogram (peers: by day)",
            "histogram",
            5.0,
            Some(Common::ByDay),
        ),
        facet("count by status", "status", Some(Common::ByStatus)),
        facet("count by admin", "admin", None),
        facet("count by action", "action", None),
        facet("count by route", "route", None),
        question(
            "top 10 IPs",
            "facets?field=ip&limit=10",
            40.0,
            Some(Common::TopAddresses),
        ),
    ]);
    all
}
