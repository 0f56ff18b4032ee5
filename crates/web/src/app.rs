//! The one state every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use admintrail_capture::RecorderState;
use admintrail_event::{Micros, PanelName, Preset};
use admintrail_store::{Control, Trail};
use ipnet::IpNet;

/// A monitored panel, as the pages name it.
#[derive(Debug, Clone)]
pub struct PanelInfo {
    /// Its name.
    pub name: PanelName,
    /// Where requests are forwarded to, for people; `None` if the panel only sends events.
    pub upstream: Option<String>,
    /// Where the recording proxy listens, for people (":8080"); `None` without a proxy.
    pub listen: Option<String>,
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
    pub presets: Arc<dyn Fn(&PanelName) -> Option<Arc<Preset>> + Send + Sync>,
    /// What the recorders of this process say of themselves.
    pub recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
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
    pub(crate) presets: Arc<dyn Fn(&PanelName) -> Option<Arc<Preset>> + Send + Sync>,
    pub(crate) recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
    pub(crate) key: [u8; 32],
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl App {
    /// Takes what the binary opened. Does no I/O.
    #[must_use]
    pub fn new(options: AppOptions) -> Arc<Self> {
        let started = (options.clock)();
        Arc::new(Self {
            trail: options.trail,
            control: options.control,
            panels: options.panels,
            started,
            version: options.version,
            listen: options.listen,
            clock: options.clock,
            presets: options.presets,
            recorder_state: options.recorder_state,
            key: options.key,
            trusted_proxies: options.trusted_proxies,
        })
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
