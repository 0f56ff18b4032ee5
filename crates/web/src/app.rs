//! The one state every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use admintrail_capture::RecorderState;
use admintrail_event::{Micros, PanelName, Preset};
use admintrail_store::{Control, StoreError, Trail};
use ipnet::IpNet;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use crate::WebError;
use crate::anchors::{AnchorPlaces, Anchors};
use crate::api::ingest::gaps::{self, Gaps};
use crate::auth::{Desk, Flash, Flashes, Throttle, Viewer};
use crate::counters::Counters;
use crate::direct::DirectAccesses;
use crate::erasing::Erasing;
use crate::health::Health;
use crate::hints;
use crate::integrity::Integrity;
use crate::limits::{BodyMemory, Limits, Queries, Quotas, Slots, Turns};

/// The preset of a panel, if it has one of its own.
pub type PresetOf = Arc<dyn Fn(&PanelName) -> Option<Arc<Preset>> + Send + Sync>;

/// A monitored panel, as the pages name it.
#[derive(Debug, Clone)]
pub struct PanelInfo {
    /// Its name.
    pub name: PanelName,
    /// Where requests are forwarded to, for people; `None` if the panel only sends events.
    pub upstream: Option<String>,
    /// Where the recording proxy listens, for people (":8080"); `None` without a proxy.
    pub listen: Option<String>,
    /// Whether it believes what some reverse proxy before it says of the client's address.
    pub trusts_a_proxy: bool,
}

/// What the binary hands over to [`App::new`].
pub struct AppOptions {
    /// The open trail.
    pub trail: Trail,
    /// The open control database.
    pub control: Control,
    /// The monitored panels, without Admintrail's own.
    pub panels: Vec<PanelInfo>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// The preset of a panel, for ingested events; `None`: the generic one is used.
    pub presets: PresetOf,
    /// What the recorders of this process say of themselves.
    pub recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
    /// Whether panels answer around Admintrail.
    pub direct: Arc<DirectAccesses>,
    /// Which conditions hold.
    pub health: Arc<Health>,
    /// Where checkpoints of the ledger are kept outside of this machine.
    pub anchors: Arc<RwLock<Anchors>>,
    /// Which of those places people add and take away.
    pub anchor_places: Arc<AnchorPlaces>,
    /// Whether anybody may read the published ledger, signed in or not.
    pub ledger_public: bool,
    /// The key of the data folder.
    pub key: [u8; 32],
    /// The version to show.
    pub version: &'static str,
    /// Where this server listens.
    pub listen: SocketAddr,
    /// Reverse proxies before our own pages whose `X-Forwarded-For` and `X-Forwarded-Proto` are
    /// believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
}

/// The state every handler shares; made once, used as `Arc<App>`.
#[non_exhaustive]
pub struct App {
    /// The events.
    pub trail: Trail,
    /// Accounts, tokens, sessions, settings.
    pub control: Control,
    /// The monitored panels.
    pub panels: Vec<PanelInfo>,
    /// When this process began.
    pub started: Micros,
    /// The version to show.
    pub version: &'static str,
    /// Where this server listens.
    pub listen: SocketAddr,
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(crate) presets: PresetOf,
    pub(crate) recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
    pub(crate) direct: Arc<DirectAccesses>,
    /// Which conditions hold.
    pub health: Arc<Health>,
    /// Where checkpoints of the ledger are kept outside of this machine.
    pub anchors: Arc<RwLock<Anchors>>,
    /// Which of those places people add and take away.
    pub anchor_places: Arc<AnchorPlaces>,
    /// What verifications found.
    pub integrity: Integrity,
    /// How erasures fare.
    pub erasing: Arc<Erasing>,
    pub(crate) ledger_public: bool,
    pub(crate) key: [u8; 32],
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) limits: Limits,
    pub(crate) desk: Desk,
    pub(crate) throttle: Throttle,
    pub(crate) flashes: Flashes,
    pub(crate) queries: Queries,
    pub(crate) parsing: Queries,
    pub(crate) parsing_turns: Turns,
    /// One stream at a time goes through what it missed; the others wait as long as it takes.
    pub(crate) catching_up: Arc<Semaphore>,
    pub(crate) streams: Arc<Slots>,
    pub(crate) exports: Arc<Slots>,
    pub(crate) ingests: Arc<Slots>,
    pub(crate) body_memory: BodyMemory,
    pub(crate) quotas: Quotas,
    pub(crate) gaps: Gaps,
    pub(crate) hints: hints::Known,
    pub(crate) counters: Counters,
}

impl App {
    /// Takes what the binary opened. Does no I/O.
    #[must_use]
    pub fn new(options: AppOptions) -> Arc<Self> {
        Self::with_limits(options, Limits::default())
    }

    /// [`Self::new`] with other limits than the usual ones.
    #[must_use]
    pub fn with_limits(options: AppOptions, limits: Limits) -> Arc<Self> {
        let started = (options.clock)();
        Arc::new(Self {
            trail: options.trail,
            panels: options.panels,
            started,
            version: options.version,
            listen: options.listen,
            clock: options.clock,
            presets: options.presets,
            recorder_state: options.recorder_state,
            direct: options.direct,
            health: options.health,
            anchors: options.anchors,
            anchor_places: options.anchor_places,
            integrity: Integrity::restored(&options.control),
            erasing: Arc::default(),
            ledger_public: options.ledger_public,
            key: options.key,
            trusted_proxies: options.trusted_proxies,
            desk: Desk::default(),
            throttle: Throttle::default(),
            flashes: Flashes::default(),
            queries: Queries::new(limits.queries, limits.query_budget),
            // Of its own, so that whoever sends much does not hold up who reads.
            parsing: Queries::new(1, limits.query_budget),
            parsing_turns: Turns::default(),
            catching_up: Arc::new(Semaphore::new(1)),
            streams: Slots::new(limits.streams, limits.streams_each),
            exports: Slots::new(limits.exports, limits.exports_each),
            ingests: Slots::new(usize::MAX, limits.ingests_each),
            body_memory: BodyMemory::new(&limits),
            quotas: Quotas::default(),
            gaps: Gaps::default(),
            hints: hints::Known::default(),
            counters: Counters::default(),
            limits,
            control: options.control,
        })
    }

    /// Asks the trail something: off the async threads, a few questions at a time, within the
    /// time budget. A question that takes longer goes on holding its place until it is done.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Trail) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, WebError> {
        let trail = self.trail.clone();
        self.queries
            .run(move || question(&trail))
            .await?
            .map_err(WebError::from)
    }

    /// Forgets a person in what is kept in memory of the pages.
    pub fn forget(&self, admin: &str, pseudonym: &str) {
        self.integrity.rename(admin, pseudonym);
        self.look_again_at_places();
    }

    /// Puts on record what still has to be, before the trail is closed: refused events that were
    /// counted and not recorded yet.
    ///
    /// # Errors
    /// When they could not be recorded.
    pub async fn finish(&self) -> Result<(), WebError> {
        gaps::record(self).await
    }

    /// What the last form of this person has to say, once.
    #[must_use]
    pub fn take_flash(&self, viewer: &Viewer) -> Option<Flash> {
        match viewer {
            Viewer::Account { session, .. } => self.flashes.take(session, self.now()),
            Viewer::Token(_) => None,
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Micros {
        (self.clock)()
    }

    /// What the recorders of this process say of themselves.
    #[must_use]
    pub fn recorder_state(&self) -> RecorderState {
        (self.recorder_state)()
    }
}
