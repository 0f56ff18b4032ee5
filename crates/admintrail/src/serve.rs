//! The server: opens every room and joins them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use admintrail_capture::{
    PanelRules, RecordBody, RecordLayer, Recorder, RecorderState, Recorders, RecordersOptions,
    TokenRules,
};
use admintrail_event::{AttemptedNames, PanelName, Preset};
use admintrail_store::{Control, Trail, TrailOptions};
use admintrail_web::{AnchorPlaces, App, AppOptions, DirectAccesses, Health, PanelInfo};
use anyhow::{Context, Result, anyhow};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tower_layer::Layer;

use crate::clock::{self, Clock};
use crate::config::{Config, Panel, ProxyOptions, Timeouts};
use crate::control_socket::{self, Configured, Desk};
use crate::erasing::Eraser;
use crate::proxy::{self, Forward, ForwardOptions, ListenerOptions, Tunnels, Workers};
use crate::recording::{ControlBindings, ControlIdentities, TrailSink};
use crate::stop::{Stop, Stopper};
use crate::{alerts, anchors, data_folder, erasing, key_sets, learned, own_pages, probe};

/// Everything has ended after this time.
const GRACE: Duration = Duration::from_secs(10);

/// Requests to panels that are under way at the end get this long.
const PANEL_GRACE: Duration = Duration::from_secs(9);

/// Those to our own pages less: whoever watches live would hold the end up for as long as we let
/// them, and reads on by themselves after the restart.
const OWN_GRACE: Duration = Duration::from_secs(2);

/// The event of a sign-in waits so long for the next request: a browser that is redirected goes on
/// at once.
const CONFIRMATION: Duration = Duration::from_secs(1);

/// Connections of our own pages at once.
const OWN_CONNECTIONS: usize = 4_096;

/// A server that is ready to run.
pub(crate) struct Server {
    trail: Trail,
    control: Control,
    recorders: Recorders,
    clock: Clock,
    /// Our own pages, bound.
    own: TcpListener,
    config: Config,
    app: Arc<App>,
    direct: Arc<DirectAccesses>,
    recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
    proxies: Vec<BoundProxy>,
    own_recorder: Recorder,
    desk: Arc<Desk>,
    stop: Stopper,
    tunnels: Tunnels,
}

struct BoundProxy {
    listener: TcpListener,
    options: ProxyOptions,
    recorder: Recorder,
    rules: PanelRules,
}

impl Server {
    /// Opens everything; the first that fails is told with its remedy.
    pub(crate) async fn open(mut config: Config) -> Result<Self> {
        raise_open_files();
        // Whatever is written into the data folder is its owner's alone.
        rustix::process::umask(rustix::fs::Mode::from_bits_retain(0o077));
        let clock = clock::system();
        let dir = config.data.clone();
        let options = TrailOptions::new(dir.clone(), Arc::clone(&clock));
        let (trail, control, key) = tokio::task::spawn_blocking(move || -> Result<_> {
            // A command that looks into the folder holds it for a moment; so this waits.
            let (trail, control) =
                data_folder::when_free(|| data_folder::open(&options), data_folder::is_locked)?;
            Ok((trail, control, data_folder::key(&dir)?))
        })
        .await??;
        trail.set_retention(config.retention.clone());

        // Every address is taken before anything is recorded, so that a port in use is told at once.
        let own = bind(
            config.listen,
            &config.listen_origin.to_string(),
            "Admintrail's own pages",
        )
        .await?;
        config.listen = own.local_addr().context("cannot tell our own address")?;
        let mut bound = Vec::new();
        for panel in &config.panels {
            if let Some(options) = &panel.proxy {
                let listener = bind(
                    options.listen,
                    &options.listen_origin.to_string(),
                    &format!("the panel {}", panel.rules.panel),
                )
                .await?;
                bound.push((listener, options.clone(), panel.rules.clone()));
            }
        }

        let recorders = Recorders::start(RecordersOptions {
            journal: config.data.join("journal"),
            name: config.recorder.clone(),
            key,
            sink: Arc::new(TrailSink(trail.clone())),
            bindings: Arc::new(ControlBindings {
                control: control.clone(),
                clock: Arc::clone(&clock),
            }),
            identities: Arc::new(ControlIdentities(control.clone())),
            clock: Arc::clone(&clock),
            confirmation: CONFIRMATION,
        })
        .await
        .with_context(|| format!("cannot use {}", config.data.join("journal").display()))?;
        let own_recorder = recorders.recorder(own_rules(&config)?);
        let proxies = bound
            .into_iter()
            .map(|(listener, options, rules)| BoundProxy {
                listener,
                options,
                recorder: recorders.recorder(rules.clone()),
                rules,
            })
            .collect::<Vec<_>>();
        for bound in &proxies {
            learned::remember(&bound.recorder, &control);
        }

        let presets = presets(&config.panels);
        let state = recorders.clone();
        let recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync> =
            Arc::new(move || state.state());
        let direct = Arc::new(DirectAccesses::default());
        let health = Arc::new(Health::default());
        alerts::restore(&health, &control, alerts::tick());
        let anchors = anchors::begin(&config.anchoring, &trail, &control);
        let anchor_places = Arc::new(AnchorPlaces::new(anchors::rules(&config)));
        let app = App::new(AppOptions {
            trail: trail.clone(),
            control: control.clone(),
            panels: panel_infos(&config.panels, &proxies),
            clock: Arc::clone(&clock),
            presets: Arc::clone(&presets),
            recorder_state: Arc::clone(&recorder_state),
            direct: Arc::clone(&direct),
            health: Arc::clone(&health),
            anchors,
            anchor_places,
            ledger_public: config.anchoring.public,
            key,
            version: env!("CARGO_PKG_VERSION"),
            listen: config.listen,
            trusted_proxies: config.trusted_proxies.clone(),
        });
        let stop = Stopper::new();
        let desk = Arc::new(Desk {
            trail: trail.clone(),
            control: control.clone(),
            presets,
            configured: configured(&config.panels),
            key,
            clock: Arc::clone(&clock),
            base_url: base_url(&config),
            listen: config.listen,
            recorder: config.recorder.clone(),
            erasing: Arc::clone(&app.erasing),
            recorder_state: Arc::clone(&recorder_state),
        });
        let tunnels = Tunnels::new(stop.listener());
        Ok(Self {
            trail,
            control,
            recorders,
            clock,
            own,
            config,
            app,
            direct,
            recorder_state,
            proxies,
            own_recorder,
            desk,
            stop,
            tunnels,
        })
    }

    /// The desk that commands come to.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Accounts and tokens.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Where our own pages listen, also where the configuration left the port to the system.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.config.listen
    }

    /// Where a panel's proxy listens.
    pub(crate) fn panel_address(&self, name: &str) -> Option<SocketAddr> {
        let found = self
            .proxies
            .iter()
            .find(|proxy| proxy.rules.panel.as_str() == name)?;
        found.listener.local_addr().ok()
    }

    /// Serves until `end` completes, then lets what is under way finish.
    pub(crate) async fn run(self, end: impl Future<Output = ()>) -> Result<()> {
        let mut tasks = tokio::task::JoinSet::new();
        let workers = Workers::start().context("cannot start the threads that proxy")?;
        let socket = control_socket::Listener::bind(&self.config.data).with_context(|| {
            format!(
                "cannot open the control socket in {}",
                self.config.data.display()
            )
        })?;
        tasks.spawn(socket.serve(Arc::clone(&self.desk), self.stop.listener()));
        let recorders: Vec<Recorder> = self
            .proxies
            .iter()
            .map(|bound| bound.recorder.clone())
            .collect();
        tasks.spawn(learned::watch(
            recorders.clone(),
            self.control.clone(),
            self.stop.listener(),
        ));
        tasks.spawn(erasing::watch(
            Eraser {
                trail: self.trail.clone(),
                control: self.control.clone(),
                app: Arc::clone(&self.app),
                recorders: self.recorders.clone(),
                each: recorders.clone(),
                clock: Arc::clone(&self.clock),
                stopping: AtomicBool::new(false),
            },
            self.stop.listener(),
        ));
        tasks.spawn(prune(
            self.control.clone(),
            Arc::clone(&self.clock),
            self.stop.listener(),
        ));

        tasks.spawn(alerts::watch(
            alerts::Gather {
                trail: self.trail.clone(),
                recorder_state: Arc::clone(&self.recorder_state),
                clock: Arc::clone(&self.clock),
                app: Arc::clone(&self.app),
                data: self.config.data.clone(),
                name: self.config.recorder.clone(),
                anchors: Arc::clone(&self.app.anchors),
                last: None,
                knows_leap: false,
            },
            Arc::clone(&self.app.health),
            self.control.clone(),
            self.config.alerts.clone(),
            self.stop.listener(),
        ));
        tasks.spawn(anchors::watch(
            anchors::Anchorer {
                trail: self.trail.clone(),
                control: self.control.clone(),
                clock: Arc::clone(&self.clock),
                data: self.config.data.clone(),
                recorder: self.config.recorder.clone(),
                anchors: Arc::clone(&self.app.anchors),
                places: Arc::clone(&self.app.anchor_places),
                pace: anchors::Pace::default(),
            },
            self.config.anchoring.clone(),
            self.stop.listener(),
        ));

        tasks.spawn(verify_daily(Arc::clone(&self.app), self.stop.listener()));

        let service = RecordLayer::new(self.own_recorder.clone())
            .layer(own_pages::Service::new(Arc::clone(&self.app)));
        let options = self.listener_options(
            self.own_recorder.clone(),
            self.config.tls.clone(),
            own_timeouts(),
            OWN_CONNECTIONS,
        );
        tasks.spawn(proxy::serve(
            self.own,
            vec![service],
            options,
            // A page takes longer than a request takes through the proxy; neither is to wait
            // for the other.
            proxy::Team::here(),
            self.stop.listener(),
        ));

        for panel in &self.config.panels {
            if let Some(address) = panel.key_set.clone() {
                let name = panel.rules.panel.to_string();
                tasks.spawn(key_sets::keep_fresh(name, address, self.stop.listener()));
            }
        }
        for bound in self.proxies {
            let name = bound.rules.panel.to_string();
            let beacon = probe::Beacon::default();
            // Each worker has connections of its own to the panel.
            let forwards: Vec<Forward<RecordBody<Incoming>>> = (0..workers.team().len())
                .map(|_| {
                    Forward::new(ForwardOptions {
                        panel: name.clone(),
                        upstream: bound.options.upstream.clone(),
                        trusted: bound.rules.trusted_proxies.clone(),
                        timeouts: bound.options.timeouts,
                        tunnels: self.tunnels.clone(),
                        beacon: beacon.clone(),
                    })
                })
                .collect();
            let layer = RecordLayer::new(bound.recorder.clone());
            let services = forwards
                .iter()
                .map(|one| layer.layer(one.clone()))
                .collect();
            let refused = refused_hook(&self.recorders, bound.recorder);
            let options = ListenerOptions {
                tls: bound.options.tls.clone(),
                header_timeout: bound.options.timeouts.header,
                idle_timeout: bound.options.timeouts.idle,
                max_connections: bound.options.max_connections,
                grace: PANEL_GRACE,
                tunnels: self.tunnels.clone(),
                refused,
            };
            tracing::info!(panel = name, listen = %bound.listener.local_addr()?, upstream = %bound.options.upstream, "recording");
            tasks.spawn(proxy::serve(
                bound.listener,
                services,
                options,
                workers.team(),
                self.stop.listener(),
            ));
            let target = probe::Target {
                panel: bound.rules.panel.clone(),
                upstream: bound.options.upstream.clone(),
                check: bound.options.direct.clone(),
                beacon,
            };
            tasks.spawn(probe::watch(
                target,
                Arc::clone(&self.direct),
                self.stop.listener(),
            ));
            tasks.spawn(watch_upstream(
                name,
                bound.options.upstream.to_string(),
                forwards,
                self.stop.listener(),
            ));
        }

        end.await;
        tracing::info!("stopping; requests under way may finish");
        self.stop.stop();
        let ended = tokio::time::timeout(GRACE, async {
            while tasks.join_next().await.is_some() {}
            self.tunnels.ended().await;
        })
        .await;
        if ended.is_err() {
            tracing::warn!(
                after_s = GRACE.as_secs(),
                "some requests did not finish in time; they are recorded as dropped"
            );
            tasks.shutdown().await;
        }
        workers.end().await;
        self.recorders.stop(GRACE).await;
        if let Err(error) = self.app.finish().await {
            tracing::error!(%error, "refused events could not be counted");
        }
        for recorder in &recorders {
            learned::keep(recorder, &self.control).await;
        }
        drop(recorders);
        let (trail, control) = (self.trail, self.control);
        tokio::task::spawn_blocking(move || {
            trail.close();
            control.close();
        })
        .await?;
        tracing::info!("stopped");
        Ok(())
    }

    fn listener_options(
        &self,
        recorder: Recorder,
        tls: Option<Arc<rustls::ServerConfig>>,
        timeouts: Timeouts,
        max_connections: usize,
    ) -> ListenerOptions {
        ListenerOptions {
            tls,
            header_timeout: timeouts.header,
            idle_timeout: timeouts.idle,
            max_connections,
            grace: OWN_GRACE,
            tunnels: self.tunnels.clone(),
            refused: refused_hook(&self.recorders, recorder),
        }
    }
}

fn refused_hook(
    recorders: &Recorders,
    recorder: Recorder,
) -> Arc<dyn Fn(SocketAddr, u64) + Send + Sync> {
    let recorders = recorders.clone();
    Arc::new(move |peer, requests| recorders.count_refused(&recorder, peer, requests))
}

fn own_timeouts() -> Timeouts {
    let seconds = Duration::from_secs;
    Timeouts {
        connect: seconds(5),
        response: seconds(60),
        header: seconds(10),
        idle: seconds(75),
    }
}

/// How the use of our own pages is recorded.
fn own_rules(config: &Config) -> Result<PanelRules> {
    let preset = Preset::built_in("admintrail")
        .ok_or_else(|| anyhow!("the preset of our own pages is missing from this build"))?;
    Ok(PanelRules {
        panel: PanelName::own(),
        preset,
        trusted_proxies: config.trusted_proxies.clone(),
        identity_header: None,
        tokens: TokenRules::default(),
        jwt: None,
        // A page that shows why nothing can be recorded must stay readable.
        on_failure: admintrail_capture::OnFailure::Degrade,
        attempted_names: AttemptedNames::Known,
    })
}

/// What configuration says of the tokens of each panel.
pub(crate) fn configured(panels: &[Panel]) -> Configured {
    panels
        .iter()
        .map(|panel| (panel.rules.panel.clone(), panel.rules.tokens.clone()))
        .collect()
}

/// The preset of a panel.
pub(crate) type Presets = Arc<dyn Fn(&PanelName) -> Option<Arc<Preset>> + Send + Sync>;

/// The preset of each panel.
pub(crate) fn presets(panels: &[Panel]) -> Presets {
    let known: Vec<(PanelName, Arc<Preset>)> = panels
        .iter()
        .map(|panel| (panel.rules.panel.clone(), Arc::clone(&panel.rules.preset)))
        .collect();
    Arc::new(move |name| {
        known
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, preset)| Arc::clone(preset))
    })
}

fn panel_infos(panels: &[Panel], proxies: &[BoundProxy]) -> Vec<PanelInfo> {
    panels
        .iter()
        .map(|panel| {
            let bound = proxies
                .iter()
                .find(|bound| bound.rules.panel == panel.rules.panel);
            let listen = bound.and_then(|bound| bound.listener.local_addr().ok());
            PanelInfo {
                name: panel.rules.panel.clone(),
                upstream: panel.proxy.as_ref().map(|proxy| proxy.upstream.to_string()),
                listen: listen.map(|address| {
                    if address.ip().is_loopback() {
                        format!(":{}", address.port())
                    } else {
                        address.to_string()
                    }
                }),
                trusts_a_proxy: !panel.rules.trusted_proxies.is_empty(),
            }
        })
        .collect()
}

/// The address of our own pages, as somebody on this machine opens it.
pub(crate) fn base_url(config: &Config) -> String {
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("{scheme}://{address}")
}

/// Takes an address; says whose it was to be if somebody else has it.
async fn bind(address: SocketAddr, origin: &str, whose: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "{address} is in use by another program, so {whose} cannot listen there ({origin}); \
             stop that program (ss -ltnp 'sport = :{port}' names it) or choose another port",
            port = address.port()
        ),
        std::io::ErrorKind::PermissionDenied => anyhow!(
            "{address} needs more rights than this user has, so {whose} cannot listen there ({origin}); \
             choose a port above 1023, or give the program CAP_NET_BIND_SERVICE"
        ),
        std::io::ErrorKind::AddrNotAvailable => anyhow!(
            "{address} is no address of this machine, so {whose} cannot listen there ({origin}); \
             choose one that `ip address` lists"
        ),
        _ => anyhow!("{whose} cannot listen on {address} ({origin}): {error}"),
    })
}

/// Says at the start whether the panel answers, then keeps its idle connections young.
async fn watch_upstream(
    panel: String,
    upstream: String,
    forwards: Vec<Forward<RecordBody<Incoming>>>,
    mut stop: Stop,
) {
    if let Some(forward) = forwards.first()
        && let Err(cause) = forward.probe().await
    {
        tracing::warn!(panel, upstream, %cause, "the panel cannot be reached yet; its visitors read a page that says so");
    }
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            _ = tick.tick() => forwards.iter().for_each(Forward::forget_stale),
            () = stop.told() => return,
        }
    }
}

/// Forgets what has ended by itself in `control.db`: now and every hour.
async fn prune(control: Control, clock: Clock, mut stop: Stop) {
    let mut tick = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            _ = tick.tick() => {
                if let Err(error) = control.prune(clock()).await {
                    tracing::warn!(code = error.code(), %error, "ended sessions could not be forgotten");
                }
            }
            () = stop.told() => return,
        }
    }
}

/// Has the record verified when that is due: a while after the start, so that whoever waits for a
/// page then need not wait longer, and daily.
async fn verify_daily(app: Arc<App>, mut stop: Stop) {
    let every = Duration::from_secs(60);
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                if app.integrity.is_due(app.now()) {
                    app.verify(None);
                }
            }
            () = stop.told() => return,
        }
    }
}

/// Each proxied connection needs two files; the usual soft limit of 1,024 is for programs that
/// use `select`.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Hears SIGTERM and SIGINT from now on; completes at the first. A second one ends the process
/// at once, after `at_last`.
pub(crate) fn told_to_stop(
    at_last: impl FnOnce() + Send + 'static,
) -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).context("cannot hear SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("cannot hear SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tracing::warn!(
                "stopping at once; what is under way is recorded as unknown at the next start"
            );
            at_last();
            std::process::exit(1);
        });
    })
}

/// Kept so that the type of an own page's error reads as what it is: none.
pub(crate) type Never = Infallible;
