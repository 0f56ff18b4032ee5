//! The view in a URL: the same parameters on the page, its fragments, the API, the stream and the export.
//!
//! `q`, `from` and `to` stay as they were typed, so that a page can show a mistake beside the box
//! it was made in; [`ViewQuery::view`] reads them. Relative times slide: they are resolved against
//! the clock at every request.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use admintrail_event::filter::quote;
use admintrail_event::{EventId, Filter, Micros};
use admintrail_store::{Cursor, Identity, Order, PageRequest, View};
use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::tz::TimeZone;

use crate::auth::{Viewer, cookie};
use crate::{App, WebError};

/// Most identities that are left out, by a link and by Hide me together: what is shown can be shared.
const MAX_WITHOUT: usize = 256;
/// Bytes of filter words that leave room for more of them.
const ROOMY: usize = 2_048;

/// Which defaults hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// Pages and fragments: the last 24 hours, folded, Hide me and page size as the person set them.
    Page,
    /// API, stream, export: everything, nothing folded, nothing hidden, 50 rows.
    Api,
}

/// The parameters, as sent. Change a field of a clone and [`ViewQuery::to_query`] it to make a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ViewQuery {
    /// Filter words.
    pub q: String,
    /// First moment included: RFC 3339, `2026-11-22T14:31` or `2026-11-22` in the zone shown, or
    /// relative (`-15m`, `-24h`, `-7d`, `today`, `yesterday`, `now`). Empty: no bound
    /// (`from=` says so where the surface has a default).
    pub from: Option<String>,
    /// First moment excluded.
    pub to: Option<String>,
    /// Rows a page.
    pub limit: Option<String>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// The last page instead of the first.
    pub last: bool,
    /// `asc` or `desc`.
    pub order: Option<String>,
    /// Leave out the viewer's own events; `None`: the surface's default.
    pub hide_me: Option<bool>,
    /// Leave out these identities, each `panel:id` (`:id` on every panel): what Hide me of a shared
    /// link was, exactly. A filter's `-admin:` also leaves out names and parts before the @.
    pub without: Vec<String>,
    /// Leave out background refreshes and assets that succeeded; `None`: the surface's default.
    pub fold: Option<bool>,
    /// The event whose drawer is open.
    pub event: Option<String>,
    /// IANA name of the zone that is shown and that words such as `today` mean.
    pub tz: Option<String>,
    /// The page repeated the request by itself (`refresh=auto`).
    pub auto: bool,
    /// All other parameters, in order.
    pub extra: Vec<(String, String)>,
}

/// Most rows a page.
pub const MAX_LIMIT: usize = 1_000;

/// Cookie in which our script leaves the browser's time zone.
pub const ZONE_COOKIE: &str = "admintrail_tz";

impl ViewQuery {
    /// Reads a query string. Nothing can be wrong yet but the spelling of switches, which count
    /// as set unless they are `0`, `false`, `off` or empty.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let mut found = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let on = !matches!(value.as_str(), "0" | "false" | "off" | "");
            match name.as_ref() {
                "q" => found.q = value,
                "from" => found.from = Some(value),
                "to" => found.to = Some(value),
                "limit" => found.limit = Some(value),
                "cursor" => found.cursor = Some(value).filter(|text| !text.is_empty()),
                "last" => found.last = on,
                "order" => found.order = Some(value),
                "hide_me" => found.hide_me = Some(on),
                "without" => found.without.push(value),
                "fold" => found.fold = Some(on),
                "event" => found.event = Some(value).filter(|text| !text.is_empty()),
                "tz" => found.tz = Some(value).filter(|text| !text.is_empty()),
                "refresh" => found.auto = value == "auto",
                _ => found.extra.push((name.into_owned(), value)),
            }
        }
        found
    }

    /// One of the other parameters.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.extra
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that are neither ours nor listed, so that a misspelt one is noticed.
    pub fn only(&self, others: &[&str]) -> Result<(), WebError> {
        match self
            .extra
            .iter()
            .find(|(name, _)| !others.contains(&name.as_str()))
        {
            None => Ok(()),
            Some((name, _)) => {
                let ours = [
                    "q", "from", "to", "limit", "cursor", "last", "order", "hide_me", "without",
                    "fold", "tz",
                ];
                let known: Vec<&str> = ours.iter().chain(others).copied().collect();
                let shown: String = name.chars().take(64).collect();
                Err(WebError::parameter(
                    &shown,
                    format!(
                        "there is no such parameter here; there are {}.",
                        known.join(", ")
                    ),
                ))
            }
        }
    }

    /// What to look at. Errors point at the parameter or the filter word.
    ///
    /// A token that is bound to panels sees those alone, whatever it asks for.
    pub fn view(&self, viewer: &Viewer, surface: Surface, now: Micros) -> Result<View, WebError> {
        let filter = Filter::parse(&self.q)?;
        let panels = match viewer {
            Viewer::Account { .. } => Vec::new(),
            Viewer::Token(token) => token.panels.clone(),
        };
        let zone = self.zone(viewer)?;
        let default_from = match surface {
            Surface::Page => Some("-24h"),
            Surface::Api => None,
        };
        let from = moment("from", self.from.as_deref().or(default_from), &zone, now)?;
        let to = moment("to", self.to.as_deref(), &zone, now)?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(WebError::parameter(
                "from",
                format!("{from} is not before the end of the range, {to}."),
            ));
        }
        let mut hide = self.left_out()?;
        if self.hides_me(viewer, surface) {
            hide.extend(viewer.identities());
        }
        let mut seen = HashSet::new();
        hide.retain(|identity| seen.insert(identity.clone()));
        if hide.len() > MAX_WITHOUT {
            let message = format!("send at most {MAX_WITHOUT} of them, those of Hide me included.");
            return Err(WebError::parameter("without", message));
        }
        Ok(View {
            filter,
            panels,
            from,
            to,
            hide,
            fold: self.fold.unwrap_or(surface == Surface::Page),
        })
    }

    /// The identities of `without`.
    fn left_out(&self) -> Result<Vec<Identity>, WebError> {
        self.without
            .iter()
            .map(|text| {
                let wrong = || {
                    let message = "send `panel:id`, or `:id` for every panel.";
                    WebError::parameter("without", message)
                };
                let (panel, admin) = text.split_once(':').ok_or_else(wrong)?;
                let panel = match panel {
                    "" => None,
                    panel => Some(panel.parse().map_err(|_| wrong())?),
                };
                let admin = admin.to_owned();
                Ok(Identity { panel, admin })
            })
            .collect()
    }

    /// Whether Hide me is on.
    #[must_use]
    pub fn hides_me(&self, viewer: &Viewer, surface: Surface) -> bool {
        self.hide_me.unwrap_or_else(|| {
            surface == Surface::Page && viewer.account().is_some_and(|a| a.preferences.hide_me)
        })
    }

    /// Which page of it.
    pub fn page_request(&self, viewer: &Viewer, surface: Surface) -> Result<PageRequest, WebError> {
        let default = match (surface, viewer.account()) {
            (Surface::Page, Some(account)) => account.preferences.page_size as usize,
            _ => 50,
        };
        let limit = match self.limit.as_deref() {
            None | Some("") => default,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=MAX_LIMIT).contains(n))
                .ok_or_else(|| {
                    WebError::parameter(
                        "limit",
                        format!("send a whole number from 1 to {MAX_LIMIT}."),
                    )
                })?,
        };
        let cursor = self.cursor.as_deref().map(Cursor::parse).transpose()?;
        Ok(PageRequest {
            order: self.order()?,
            limit,
            cursor,
            last: self.last && cursor.is_none(),
        })
    }

    /// Which end comes first.
    pub fn order(&self) -> Result<Order, WebError> {
        match self.order.as_deref() {
            None | Some("" | "desc") => Ok(Order::Descending),
            Some("asc") => Ok(Order::Ascending),
            Some(_) => Err(WebError::parameter("order", "send `asc` or `desc`.")),
        }
    }

    /// The event whose drawer is open.
    pub fn event_id(&self) -> Result<Option<EventId>, WebError> {
        let id = self.event.as_deref().map(str::parse::<EventId>).transpose();
        id.map_err(|error| WebError::parameter("event", format!("{error}.")))
    }

    /// The zone that times are shown in: the URL's, the account's, the browser's, else UTC.
    pub fn zone(&self, viewer: &Viewer) -> Result<TimeZone, WebError> {
        let set = viewer
            .account()
            .and_then(|account| account.preferences.time_zone.as_deref());
        let Some(name) = self.tz.as_deref().or(set) else {
            return Ok(TimeZone::UTC);
        };
        if name.len() > 64 {
            return Err(WebError::parameter(
                "tz",
                "send an IANA name such as Europe/Kyiv.",
            ));
        }
        TimeZone::get(name).map_err(|_| {
            WebError::parameter(
                "tz",
                format!("{name:?} is not an IANA zone such as Europe/Kyiv."),
            )
        })
    }

    /// The parameters as a query string without `?`, in one fixed order, without `extra`,
    /// `refresh` and whatever is unset.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        if !self.q.is_empty() {
            out.append_pair("q", &self.q);
        }
        let texts = [
            ("from", &self.from),
            ("to", &self.to),
            ("limit", &self.limit),
            ("order", &self.order),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                out.append_pair(name, value);
            }
        }
        for (name, value) in [("hide_me", self.hide_me), ("fold", self.fold)] {
            if let Some(on) = value {
                out.append_pair(name, if on { "1" } else { "0" });
            }
        }
        for identity in &self.without {
            out.append_pair("without", identity);
        }
        if self.last {
            out.append_pair("last", "1");
        }
        for (name, value) in [
            ("cursor", &self.cursor),
            ("event", &self.event),
            ("tz", &self.tz),
        ] {
            if let Some(value) = value {
                out.append_pair(name, value);
            }
        }
        out.finish()
    }

    /// The same view for somebody else, later: absolute times, and Hide me written out (it means
    /// another person's "me" elsewhere) as `-admin:…` where that says it exactly, else as `without`.
    pub fn frozen(&self, viewer: &Viewer, surface: Surface, now: Micros) -> Result<Self, WebError> {
        let view = self.view(viewer, surface, now)?;
        let mut frozen = self.clone();
        frozen.from = Some(view.from.map(|at| at.to_string()).unwrap_or_default());
        frozen.to = Some(view.to.unwrap_or(now).to_string());
        frozen.fold = Some(view.fold);
        frozen.hide_me = Some(false);
        frozen.without.clear();
        for Identity { panel, admin } in &view.hide {
            // A whole e-mail address means itself alone as a filter word too, where everybody can
            // read and change it.
            let is_word = panel.is_none() && admin.contains('@') && !admin.contains('*');
            let word = format!("-admin:{}", quote(admin));
            if is_word && frozen.q.split(' ').any(|there| there == word) {
                // A link that is shared again says it already.
            } else if is_word && frozen.q.len() + word.len() < ROOMY {
                if !frozen.q.is_empty() {
                    frozen.q.push(' ');
                }
                frozen.q.push_str(&word);
            } else {
                let panel = panel.as_ref().map_or("", |panel| panel.as_str());
                frozen.without.push(format!("{panel}:{admin}"));
            }
        }
        frozen.cursor = None;
        frozen.last = false;
        Ok(frozen)
    }
}

impl FromRequestParts<Arc<App>> for ViewQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Infallible> {
        let mut query = Self::parse(parts.uri.query().unwrap_or_default());
        let set = parts
            .extensions
            .get::<Viewer>()
            .and_then(|viewer| viewer.account()?.preferences.time_zone.clone());
        if query.tz.is_none() && set.is_none() {
            // A browser's own word, not the user's: what is not a zone is as good as none.
            query.tz = cookie::value(&parts.headers, ZONE_COOKIE)
                .filter(|name| name.len() <= 64 && TimeZone::get(name).is_ok())
                .map(str::to_owned);
        }
        Ok(query)
    }
}

/// Reads one end of a time range: RFC 3339, a local date or time, or relative (`-24h`, `today`).
/// `name` is the parameter that an error names. `None`: no bound.
pub fn moment(
    name: &str,
    text: Option<&str>,
    zone: &TimeZone,
    now: Micros,
) -> Result<Option<Micros>, WebError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let wrong = || {
        WebError::parameter(
            name,
            format!(
                "{:?} is not a moment. Send RFC 3339 (2026-11-22T14:31:58Z), a date, or one of \
                 -15m, -1h, -24h, -7d, -30d, today, yesterday.",
                text.chars().take(64).collect::<String>()
            ),
        )
    };
    if let Some(ago) = text.strip_prefix('-') {
        return relative(ago, now).map(Some).ok_or_else(wrong);
    }
    let day = |offset: i64| -> Option<Micros> {
        let today = jiff::Timestamp::from_microsecond(now.0)
            .ok()?
            .to_zoned(zone.clone());
        let date = today
            .date()
            .checked_add(jiff::Span::new().days(offset))
            .ok()?;
        let start = date.to_zoned(zone.clone()).ok()?;
        Some(Micros(start.timestamp().as_microsecond()))
    };
    match text {
        "now" => return Ok(Some(now)),
        "today" => return day(0).map(Some).ok_or_else(wrong),
        "yesterday" => return day(-1).map(Some).ok_or_else(wrong),
        _ => {}
    }
    // A `+` of an offset that was not encoded arrives as a space.
    let absolute =
        Micros::parse_rfc3339(text).or_else(|| Micros::parse_rfc3339(&text.replace(' ', "+")));
    let local = || {
        let wall: jiff::civil::DateTime = text.parse().ok()?;
        Some(Micros(
            wall.to_zoned(zone.clone())
                .ok()?
                .timestamp()
                .as_microsecond(),
        ))
    };
    absolute.or_else(local).map(Some).ok_or_else(wrong)
}

/// A midnight of the zone at its present distance from UTC, and always the same one, so that what is
/// counted from it stays where it is.
pub(crate) fn midnight(zone: &TimeZone, now: Micros) -> Micros {
    let now = jiff::Timestamp::from_microsecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let ahead = i64::from(zone.to_offset(now).seconds());
    Micros(-ahead * Micros::SECOND)
}

/// `15m` before now.
fn relative(ago: &str, now: Micros) -> Option<Micros> {
    let unit = ago.chars().next_back()?;
    let count: i64 = ago
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|n| (0..=1_000_000).contains(n))?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    Some(Micros(
        now.0.saturating_sub(count * seconds * Micros::SECOND),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T14:31:58Z";

    fn at(text: &str, zone: &str) -> Option<String> {
        let zone = TimeZone::get(zone).unwrap();
        let now = Micros::parse_rfc3339(NOW).unwrap();
        moment("from", Some(text), &zone, now)
            .ok()
            .flatten()
            .map(|at| at.to_string())
    }

    #[test]
    fn moments_are_absolute_local_or_relative() {
        let cases = [
            (
                "2026-11-22T14:31:58.1+01:00",
                "UTC",
                "2026-11-22T13:31:58.100000Z",
            ),
            (
                "2026-11-22T14:31:58 01:00",
                "UTC",
                "2026-11-22T13:31:58.000000Z",
            ),
            (
                "2026-11-22T14:31",
                "Europe/Kyiv",
                "2026-11-22T12:31:00.000000Z",
            ),
            ("2026-11-22", "Europe/Kyiv", "2026-11-21T22:00:00.000000Z"),
            ("-15m", "UTC", "2026-11-22T14:16:58.000000Z"),
            ("-7d", "UTC", "2026-11-15T14:31:58.000000Z"),
            ("today", "Europe/Kyiv", "2026-11-21T22:00:00.000000Z"),
            ("yesterday", "UTC", "2026-11-21T00:00:00.000000Z"),
            ("now", "UTC", "2026-11-22T14:31:58.000000Z"),
        ];
        for (text, zone, expected) in cases {
            assert_eq!(
                at(text, zone).as_deref(),
                Some(expected),
                "{text} in {zone}"
            );
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "-",
            "-15",
            "-15y",
            "--15m",
            "tomorrow",
            "22.11.2026",
            "-99999999d",
            "1e9",
            "-1.5h",
            "😀",
        ] {
            assert_eq!(at(text, "UTC"), None, "{text}");
        }
    }

    #[test]
    fn a_link_reads_back_as_it_was() {
        let text = "q=admin%3Aolena+%22x+y%22&from=-7d&to=now&limit=100&order=asc&hide_me=1&fold=0&cursor=abc&event=e&tz=Europe%2FKyiv";
        let query = ViewQuery::parse(text);
        assert_eq!(ViewQuery::parse(&query.to_query()), query);
        assert_eq!(query.q, "admin:olena \"x y\"");
        assert_eq!((query.hide_me, query.fold), (Some(true), Some(false)));
    }

    #[test]
    fn misspelt_parameters_are_named() {
        let error = ViewQuery::parse("q=a&limt=5")
            .only(&["format"])
            .unwrap_err();
        assert!(error.to_string().starts_with("limt: "), "{error}");
        ViewQuery::parse("format=csv&refresh=auto")
            .only(&["format"])
            .unwrap();
    }
}
