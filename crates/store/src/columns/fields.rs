//! One event, borrowed from wherever it is kept: a row of the database, of a chunk, or an [`Event`].

use admintrail_event::{
    CanonicalFields, Draft, Ending, Event, EventId, FirstSet, Ip, Kind, KnownBy, LogId, Micros,
    Outcome, RequestType, Seq, SessionHash,
};

/// Every field of an event but its log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) id: [u8; 16],
    pub(crate) seq: u64,
    pub(crate) time: i64,
    pub(crate) received: i64,
    pub(crate) first: u8,
    pub(crate) polling: bool,
    pub(crate) asset: bool,
    pub(crate) kind: u8,
    pub(crate) known_by: u8,
    pub(crate) request_type: u8,
    pub(crate) outcome: u8,
    pub(crate) ending: u8,
    pub(crate) recorder_epoch: u64,
    pub(crate) recorder_seq: u64,
    pub(crate) count: Option<u64>,
    pub(crate) status: Option<u16>,
    pub(crate) duration_us: Option<u64>,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: Option<u64>,
    pub(crate) path_bytes: Option<u32>,
    pub(crate) query_bytes: Option<u32>,
    pub(crate) agent_bytes: Option<u32>,
    pub(crate) ip: Option<[u8; 16]>,
    pub(crate) session: Option<[u8; 16]>,
    pub(crate) panel: &'a str,
    pub(crate) recorder: &'a str,
    pub(crate) admin: Option<&'a str>,
    pub(crate) admin_name: Option<&'a str>,
    pub(crate) attempted: Option<&'a str>,
    pub(crate) acting_as: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) scheme: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) route: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) object: Option<&'a str>,
}

impl<'a> From<&'a Event> for Fields<'a> {
    fn from(event: &'a Event) -> Self {
        let draft = &event.draft;
        Self {
            id: *draft.id.as_bytes(),
            seq: event.seq.0,
            time: draft.time.0,
            received: event.received.0,
            first: event.first.0,
            polling: draft.polling,
            asset: draft.asset,
            kind: draft.kind.code(),
            known_by: draft.known_by.code(),
            request_type: draft.request_type.code(),
            outcome: draft.outcome.code(),
            ending: draft.ending.code(),
            recorder_epoch: draft.recorder_epoch,
            recorder_seq: draft.recorder_seq,
            count: draft.count,
            status: draft.status,
            duration_us: draft.duration_us,
            request_bytes: draft.request_bytes,
            response_bytes: draft.response_bytes,
            path_bytes: draft.path_bytes,
            query_bytes: draft.query_bytes,
            agent_bytes: draft.agent_bytes,
            ip: draft.ip.map(|ip| ip.0),
            session: draft.session.map(|session| session.0),
            panel: draft.panel.as_str(),
            recorder: &draft.recorder,
            admin: draft.admin.as_deref(),
            admin_name: draft.admin_name.as_deref(),
            attempted: draft.attempted.as_deref(),
            acting_as: draft.acting_as.as_deref(),
            user_agent: draft.user_agent.as_deref(),
            method: &draft.method,
            scheme: draft.scheme.as_deref(),
            host: draft.host.as_deref(),
            path: &draft.path,
            query: draft.query.as_deref(),
            route: draft.route.as_deref(),
            action: &draft.action,
            object: draft.object.as_deref(),
        }
    }
}

impl Fields<'_> {
    /// Whether every code and name is one that an event may have.
    pub(crate) fn are_sound(&self) -> bool {
        Kind::from_code(self.kind).is_some()
            && KnownBy::from_code(self.known_by).is_some()
            && RequestType::from_code(self.request_type).is_some()
            && Outcome::from_code(self.outcome).is_some()
            && Ending::from_code(self.ending).is_some()
            && EventId::from_bytes(self.id).is_ok()
    }

    /// What is hashed of it; `None` if a code or name is not one that an event may have.
    pub(crate) fn canonical(&self, log: LogId) -> Option<CanonicalFields<'_>> {
        Some(CanonicalFields {
            id: EventId::from_bytes(self.id).ok()?,
            log,
            seq: Seq(self.seq),
            kind: Kind::from_code(self.kind)?,
            count: self.count,
            time: Micros(self.time),
            received: Micros(self.received),
            panel: self.panel,
            recorder: self.recorder,
            recorder_epoch: self.recorder_epoch,
            recorder_seq: self.recorder_seq,
            admin: self.admin,
            admin_name: self.admin_name,
            known_by: KnownBy::from_code(self.known_by)?,
            attempted: self.attempted,
            acting_as: self.acting_as,
            ip: self.ip.map(Ip),
            user_agent: self.user_agent,
            session: self.session.map(SessionHash),
            request_type: RequestType::from_code(self.request_type)?,
            method: self.method,
            scheme: self.scheme,
            host: self.host,
            path: self.path,
            query: self.query,
            route: self.route,
            action: self.action,
            object: self.object,
            status: self.status,
            outcome: Outcome::from_code(self.outcome)?,
            ending: Ending::from_code(self.ending)?,
            duration_us: self.duration_us,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            asset: self.asset,
            polling: self.polling,
            first: FirstSet(self.first),
            path_bytes: self.path_bytes,
            query_bytes: self.query_bytes,
            agent_bytes: self.agent_bytes,
        })
    }

    /// The event itself; `None` if a code or name is not one that an event may have.
    pub(crate) fn to_event(self, log: LogId) -> Option<Event> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Event {
            log,
            seq: Seq(self.seq),
            received: Micros(self.received),
            first: FirstSet(self.first),
            draft: Draft {
                id: EventId::from_bytes(self.id).ok()?,
                kind: Kind::from_code(self.kind)?,
                count: self.count,
                time: Micros(self.time),
                panel: self.panel.parse().ok()?,
                recorder: self.recorder.to_owned(),
                recorder_epoch: self.recorder_epoch,
                recorder_seq: self.recorder_seq,
                admin: owned(self.admin),
                admin_name: owned(self.admin_name),
                known_by: KnownBy::from_code(self.known_by)?,
                attempted: owned(self.attempted),
                acting_as: owned(self.acting_as),
                ip: self.ip.map(Ip),
                user_agent: owned(self.user_agent),
                session: self.session.map(SessionHash),
                request_type: RequestType::from_code(self.request_type)?,
                method: self.method.to_owned(),
                scheme: owned(self.scheme),
                host: owned(self.host),
                path: self.path.to_owned(),
                query: owned(self.query),
                route: owned(self.route),
                action: self.action.to_owned(),
                object: owned(self.object),
                status: self.status,
                outcome: Outcome::from_code(self.outcome)?,
                ending: Ending::from_code(self.ending)?,
                duration_us: self.duration_us,
                request_bytes: self.request_bytes,
                response_bytes: self.response_bytes,
                asset: self.asset,
                polling: self.polling,
                path_bytes: self.path_bytes,
                query_bytes: self.query_bytes,
                agent_bytes: self.agent_bytes,
            },
        })
    }
}
