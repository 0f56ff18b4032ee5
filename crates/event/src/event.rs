//! One recorded request, and what a recorder knows of it before the trail accepts it.

use crate::{
    Ending, EventId, FirstSet, Ip, Kind, KnownBy, LogId, Micros, Outcome, PanelName, RequestType,
    Seq, SessionHash,
};

/// Longest values kept; what is longer is cut at a character and its length noted.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

impl Limits {
    /// Bytes of a path.
    pub const PATH: usize = 8 * 1024;
    /// Bytes of a query.
    pub const QUERY: usize = 8 * 1024;
    /// Bytes of a user agent.
    pub const AGENT: usize = 1024;
    /// Bytes of any other text (admin, names, host, action, object, route, recorder).
    pub const TEXT: usize = 1024;
    /// Bytes of a method token.
    pub const METHOD: usize = 64;
}

/// An event as its recorder submits it: everything but what the trail decides.
///
/// Texts are already safe to store: control bytes, NUL and invalid UTF-8 percent-encoded,
/// secrets redacted, lengths within [`Limits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Idempotency key.
    pub id: EventId,
    /// What it tells of.
    pub kind: Kind,
    /// How many requests a gap stands for.
    pub count: Option<u64>,
    /// Start of the request.
    pub time: Micros,
    /// The monitored system.
    pub panel: PanelName,
    /// Who recorded it.
    pub recorder: String,
    /// Which run of the recorder.
    pub recorder_epoch: u64,
    /// Number within the run, given at close.
    pub recorder_seq: u64,
    /// Who made the request: e-mail or user name.
    pub admin: Option<String>,
    /// The name to show for the admin.
    pub admin_name: Option<String>,
    /// How the admin is known.
    pub known_by: KnownBy,
    /// Tried name of a failed sign-in; no identity.
    pub attempted: Option<String>,
    /// Impersonated identity.
    pub acting_as: Option<String>,
    /// Client address.
    pub ip: Option<Ip>,
    /// `User-Agent` as sent.
    pub user_agent: Option<String>,
    /// Keyed hash of the session cookie or token.
    pub session: Option<SessionHash>,
    /// API or WEB.
    pub request_type: RequestType,
    /// Method token as sent.
    pub method: String,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Host with port as the client named it.
    pub host: Option<String>,
    /// Path as sent, without the query.
    pub path: String,
    /// Query without its `?`, redacted.
    pub query: Option<String>,
    /// Route template, `/client/{id}`.
    pub route: Option<String>,
    /// A readable sentence.
    pub action: String,
    /// What it touched, `client/4711`.
    pub object: Option<String>,
    /// Status of the response.
    pub status: Option<u16>,
    /// What came of it.
    pub outcome: Outcome,
    /// How the response ended.
    pub ending: Ending,
    /// From the request's first byte to the response's last.
    pub duration_us: Option<u64>,
    /// Body bytes received.
    pub request_bytes: Option<u64>,
    /// Body bytes sent.
    pub response_bytes: Option<u64>,
    /// A style, script, image or font.
    pub asset: bool,
    /// A background refresh. A recorder may say so by preset; the trail may find out.
    pub polling: bool,
    /// Length of the path before it was cut, if it was.
    pub path_bytes: Option<u32>,
    /// Length of the query before it was cut, if it was.
    pub query_bytes: Option<u32>,
    /// Length of the user agent before it was cut, if it was.
    pub agent_bytes: Option<u32>,
}

impl Draft {
    /// A request of which only what every request has is known; the rest is empty.
    #[must_use]
    pub fn request(id: EventId, time: Micros, panel: PanelName, method: &str, path: &str) -> Self {
        Self {
            id,
            kind: Kind::Request,
            count: None,
            time,
            panel,
            recorder: String::new(),
            recorder_epoch: 0,
            recorder_seq: 0,
            admin: None,
            admin_name: None,
            known_by: KnownBy::None,
            attempted: None,
            acting_as: None,
            ip: None,
            user_agent: None,
            session: None,
            request_type: RequestType::Web,
            method: method.to_owned(),
            scheme: None,
            host: None,
            path: path.to_owned(),
            query: None,
            route: None,
            action: String::new(),
            object: None,
            status: None,
            outcome: Outcome::Unknown,
            ending: Ending::Complete,
            duration_us: None,
            request_bytes: None,
            response_bytes: None,
            asset: false,
            polling: false,
            path_bytes: None,
            query_bytes: None,
            agent_bytes: None,
        }
    }

    /// Takes a sender's word for his word: whoever has only a token may say whom he saw, not that
    /// a panel or a trusted peer has proven it. An attempt stays one.
    pub fn trust_less(&mut self) {
        self.known_by = self.declared();
    }

    /// How the admin is known when the sender's word is all there is.
    pub(crate) fn declared(&self) -> KnownBy {
        match (&self.admin, self.known_by) {
            (Some(_), _) => KnownBy::Declared,
            (None, KnownBy::Attempt) => KnownBy::Attempt,
            (None, _) => KnownBy::None,
        }
    }
}

/// An accepted event: the draft and its place in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The log that accepted it.
    pub log: LogId,
    /// Its place in that log.
    pub seq: Seq,
    /// When it was accepted.
    pub received: Micros,
    /// What it is the first of for its admin.
    pub first: FirstSet,
    /// What the recorder said; `polling` as the trail found it.
    pub draft: Draft,
}

impl Event {
    /// The total order of events everywhere: time, then log, then seq.
    #[must_use]
    pub const fn order(&self) -> (Micros, LogId, Seq) {
        (self.draft.time, self.log, self.seq)
    }
}
