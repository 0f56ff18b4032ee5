//! Questions and answers.

use std::sync::Arc;

use admintrail_event::{Event, Filter, Ip, LogId, Micros, PanelName, Seq, SessionHash};

/// Which events a viewer looks at.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// What must match.
    pub filter: Filter,
    /// The panels that the viewer may see; empty: every one.
    pub panels: Vec<PanelName>,
    /// First moment included (by `time`).
    pub from: Option<Micros>,
    /// First moment excluded.
    pub to: Option<Micros>,
    /// The viewer's own identities: events whose `admin` is one of them (compared folded, per
    /// panel where one is given) are hidden. Events without an admin never are.
    pub hide: Vec<Identity>,
    /// Leave out background refreshes and assets that succeeded. The filter's own `is:polling` / `is:asset`
    /// terms win: a positive one shows them.
    pub fold: bool,
}

impl View {
    /// Whether the view shows this event, without asking the trail.
    #[must_use]
    pub fn admits(&self, event: &Event) -> bool {
        crate::answer::admits(self, event)
    }

    /// Whether a stretch of time, both ends included, is in the view's.
    pub(crate) fn spans(&self, (first, last): (Micros, Micros)) -> bool {
        self.from.is_none_or(|from| from <= first) && self.to.is_none_or(|to| last < to)
    }
}

/// An identity on a panel (`None`: on every panel).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The panel.
    pub panel: Option<PanelName>,
    /// The admin's id.
    pub admin: String,
}

/// Which end comes first. Both orders are total: `(time, log, seq)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// A place in the total order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Time of the event.
    pub time: Micros,
    /// Its log.
    pub log: LogId,
    /// Its seq.
    pub seq: Seq,
}

/// Which side of a position a page lies on, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Events older than the position.
    Before(Position),
    /// Events newer than the position.
    After(Position),
}

/// An opaque, versioned text for a page's place: survives seals, nodes and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Since);

/// Which page.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// Which end comes first.
    pub order: Order,
    /// Rows at most, 1 to 1,000.
    pub limit: usize,
    /// `None`: the first page of the order.
    pub cursor: Option<Cursor>,
    /// The last page instead of the first (only without a cursor).
    pub last: bool,
}

/// How sure a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Exactly.
    Equal,
    /// At least; counting stopped.
    AtLeast,
}

/// A count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number.
    pub value: u64,
    /// How sure.
    pub relation: Relation,
}

/// How far a search has come whose time was over before its end. Asked again, it comes further: what
/// was looked at is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// Events that were looked at, or need not be.
    pub events: u64,
    /// Events of the view's time.
    pub of: u64,
    /// Everything after this was looked at.
    pub back_to: Micros,
}

/// Rows, and how to go on from them.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the order asked for.
    pub events: Vec<Event>,
    /// Where newer rows are, if there are any.
    pub newer: Option<Cursor>,
    /// Where older rows are, if there are any.
    pub older: Option<Cursor>,
    /// All rows of the view, not of the page.
    pub total: Total,
    /// How many rows of the view lie before the page in the order asked for (0 on the first page);
    /// `None`: not counted.
    pub before: Option<u64>,
    /// How many more there would be without Hide me.
    pub hidden: u64,
    /// How many more there would be without folding.
    pub folded: Folded,
    /// If the time was over before everything was looked at: how far it came. Then there may be rows
    /// that are not on the page yet, and the counts are of what was looked at.
    pub searched: Option<Searched>,
}

/// How many events folding leaves out. Nothing that was refused or went wrong is among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Background refreshes.
    pub refreshes: u64,
    /// Styles, scripts, images and fonts.
    pub assets: u64,
}

impl Folded {
    /// All of them.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.refreshes + self.assets
    }

    pub(crate) const fn add(&mut self, more: Self) {
        self.refreshes += more.refreshes;
        self.assets += more.assets;
    }
}

/// Counts over time.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Start of the first bucket (rounded down to the width).
    pub from: Micros,
    /// End of the last bucket.
    pub to: Micros,
    /// Width of a bucket in µs: a whole number of seconds, minutes, hours or days.
    pub width: i64,
    /// One a bucket, oldest first.
    pub buckets: Vec<Bucket>,
    /// If not everything was looked at: how far it came.
    pub searched: Option<Searched>,
}

/// Counts of one bucket; the three do not overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Success or unknown with GET, HEAD, OPTIONS, TRACE.
    pub read: u64,
    /// Success or unknown with any other method.
    pub changed: u64,
    /// Denied, failed or error.
    pub denied: u64,
}

/// What values can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub enum FacetField {
    Admin,
    Ip,
    Type,
    Method,
    Status,
    Outcome,
    Action,
    Route,
    Panel,
    Agent,
    Object,
    Attempted,
    KnownBy,
}

/// One value and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// As a filter word would have it; `None`: no value.
    pub value: Option<String>,
    /// Events.
    pub count: u64,
}

/// The most frequent values of a field.
#[derive(Debug, Clone)]
pub struct Facet {
    /// Most frequent first, ties by value.
    pub values: Vec<FacetValue>,
    /// Events of all values that are not listed.
    pub other: u64,
    /// If not everything was looked at: how far it came.
    pub searched: Option<Searched>,
}

/// What one value of a field did in a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As a filter word would have it; `None`: no value.
    pub value: Option<String>,
    /// Events.
    pub requests: u64,
    /// Successful ones with an unsafe method.
    pub changes: u64,
    /// Denied ones.
    pub denied: u64,
    /// Those of the denied that were somebody's nobody knows: failed sign-ins and the like.
    pub attempts: u64,
    /// Time of the first.
    pub first: Micros,
    /// Time of the last.
    pub last: Micros,
    /// The most frequent values of the other field that was asked for, if one was.
    pub others: Vec<String>,
    /// How many values of the other field there are.
    pub others_total: u64,
    /// Events in each part of the time that was asked for, oldest first; empty if none was.
    pub over_time: Vec<u64>,
}

/// The values of a field with the most events.
#[derive(Debug, Clone)]
pub struct Groups {
    /// Most events first, ties by value.
    pub rows: Vec<Group>,
    /// Events of all values that are not listed.
    pub other: u64,
    /// The time that was counted in parts, if it was.
    pub over: Option<(Micros, Micros)>,
    /// If not everything was looked at: how far it came.
    pub searched: Option<Searched>,
}

/// What [`crate::Trail::groups_over_time`] tells of each group besides its counts.
#[derive(Debug, Clone, Copy)]
pub struct GroupDetail {
    /// Whose most frequent values are named.
    pub other: FacetField,
    /// How many of them.
    pub named: usize,
    /// In how many equal parts the view's time is counted.
    pub parts: usize,
}

/// By what attempts to get in are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptsBy {
    /// By the address they came from.
    Ip,
    /// By the name that was tried.
    Name,
}

/// The attempts from one address or under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptGroup {
    /// The address, or the name as it is kept.
    pub value: String,
    /// Refused requests of somebody nobody knows.
    pub attempts: u64,
    /// Those of them that tried to sign in or to pass with a token.
    pub sign_ins: u64,
    /// Time of the first.
    pub first: Micros,
    /// Time of the last.
    pub last: Micros,
    /// The names tried from the address, the addresses of the name; most frequent first.
    pub others: Vec<String>,
    /// How many of those there are.
    pub others_total: u64,
    /// Whether somebody ever got in from there, or under the name, where it was tried.
    pub succeeded: Option<Succeeded>,
}

/// A success beside attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succeeded {
    /// When.
    pub at: Micros,
    /// Who it was then.
    pub admin: String,
    /// Attempts of the view since the success before it. Of all successes it is the one with the
    /// most, the latest of equals.
    pub after: u64,
}

/// Attempts to get in.
#[derive(Debug, Clone)]
pub struct Attempts {
    /// Most attempts first, ties by value.
    pub rows: Vec<AttemptGroup>,
    /// How many addresses or names there are.
    pub values: u64,
    /// Attempts of all that are not listed.
    pub other: u64,
    /// If not everything was looked at: how far it came.
    pub searched: Option<Searched>,
}

/// One session: the events that share a sign-in or token.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Its hash.
    pub session: SessionHash,
    /// Where.
    pub panel: PanelName,
    /// Who, as last known.
    pub admin: Option<String>,
    /// The name to show.
    pub admin_name: Option<String>,
    /// First event.
    pub start: Micros,
    /// Last event.
    pub last: Micros,
    /// Events that are not counted in `folded`.
    pub requests: u64,
    /// Background refreshes and assets that succeeded.
    pub folded: u64,
    /// Successful unsafe methods.
    pub changes: u64,
    /// Denied ones.
    pub denied: u64,
    /// Addresses, newest first, at most 16.
    pub ips: Vec<Ip>,
    /// The user agent last seen.
    pub user_agent: Option<Arc<str>>,
    /// Last event that is neither polling nor an asset.
    pub acted: Option<Micros>,
    /// The last of those with an admin.
    pub named: Option<Micros>,
    /// Last time its admin signed out.
    pub signed_out: Option<Micros>,
}

impl SessionRow {
    /// Whether its admin signed out and has done nothing in it since. What comes without an admin
    /// afterwards (the sign-in form, with a cookie that means nothing any more) does not revive it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.signed_out.is_some_and(|out| Some(out) >= self.named)
    }

    /// Whether somebody did something in it since then and has not signed out.
    #[must_use]
    pub fn is_active(&self, since: Micros) -> bool {
        !self.is_over() && self.acted.is_some_and(|at| at >= since)
    }
}

/// Sessions, latest first (by `last`).
#[derive(Debug, Clone)]
pub struct SessionsPage {
    /// The rows.
    pub sessions: Vec<SessionRow>,
    /// How many the view has in all.
    pub total: u64,
    /// If not everything was looked at: how far it came.
    pub searched: Option<Searched>,
}

/// An admin who did something in the last minutes and has not signed out since.
#[derive(Debug, Clone)]
pub struct ActiveAdmin {
    /// Id.
    pub admin: String,
    /// Name.
    pub admin_name: Option<String>,
    /// Last event.
    pub last: Micros,
    /// Panel of that event.
    pub panel: PanelName,
}
