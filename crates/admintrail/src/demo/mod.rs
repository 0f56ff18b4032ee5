//! `admintrail demo`: the server before a sample panel, with people at work.

mod dice;
mod history;
mod people;
mod sample_panel;
mod visitors;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::{OnFailure, PanelRules, TokenRules};
use admintrail_event::{AttemptedNames, PanelName, Preset};
use admintrail_store::control::{LinkPurpose, Role};
use anyhow::{Context, Result};
use futures_util::stream;
use http::uri::Authority;
use ipnet::IpNet;
use tokio::sync::mpsc;

use crate::config::{Config, DirectCheck, Origin, Panel, ProxyOptions, Timeouts, Upstream};
use crate::control_socket::{BLOCK_LINES, Block, Desk, Import, add_account, link};
use crate::serve::{Server, base_url};
use crate::stop::Stopper;
use crate::{clock, data_folder};

/// The sample panel's name.
const PANEL: &str = "northwind";

/// Whose page it is.
const VIEWER: &str = "you@northwind.example";

/// Hours that have passed already when the demo begins.
const HOURS: i64 = 24;

/// A demo that is ready to run.
pub(crate) struct Demo {
    server: Server,
    stopper: Stopper,
    /// The page, signed in.
    pub(crate) link: String,
    /// The sample panel, through the proxy.
    pub(crate) panel: String,
}

impl Demo {
    /// Sets everything up.
    pub(crate) async fn open(mut config: Config) -> Result<Self> {
        let stopper = Stopper::new();
        let upstream = sample_panel::start(stopper.listener())
            .await
            .context("the sample panel found no port")?;
        config.listen = free_or_any(config.listen).await;
        config.panels = vec![panel(
            upstream,
            free_or_any(SocketAddr::from(([127, 0, 0, 1], 8080))).await,
        )?];
        let server = Server::open(config.clone()).await?;
        config.listen = server.listen();
        let proxy = server
            .panel_address(PANEL)
            .context("the demo's proxy has no address")?;

        let desk = Arc::clone(server.desk());
        let url = base_url(&config);
        if desk.trail.state().events < 500 {
            take_over_past(Arc::clone(&desk), config.data.clone()).await?;
        }
        let link = tokio::task::spawn_blocking(move || -> Result<String> {
            let account = match desk.control.account_of_email(VIEWER) {
                Some(account) => account,
                None => add_account(
                    &desk.control,
                    VIEWER,
                    "You",
                    Role::Owner,
                    None,
                    clock::now(),
                )?,
            };
            Ok(link(
                &desk.control,
                LinkPurpose::SignInAtOnce,
                Some(account.id),
                clock::now(),
                &url,
            )?)
        })
        .await??;
        visitors::start(proxy, &stopper.listener());
        Ok(Self {
            server,
            stopper,
            link,
            panel: format!("http://{proxy}"),
        })
    }

    /// Runs until `end` completes.
    pub(crate) async fn run(self, end: impl Future<Output = ()>) -> Result<()> {
        let stopper = self.stopper;
        let end = async {
            end.await;
            stopper.stop();
        };
        self.server.run(end).await
    }
}

/// Records what happened before the demo began; not that it did so.
async fn take_over_past(desk: Arc<Desk>, data: PathBuf) -> Result<()> {
    let past = tokio::task::spawn_blocking(move || -> Result<_> {
        let key = data_folder::key(&data)?;
        Ok(history::lines(clock::now(), HOURS, PANEL, &key))
    });
    let past = past.await??;
    let blocks = past
        .chunks(BLOCK_LINES)
        .zip(0..)
        .map(|(lines, number)| Block {
            first: number * BLOCK_LINES as u64 + 1,
            bytes: lines.join("\n").into(),
        });
    let import = Import {
        desk,
        panel: None,
        user: None,
    };
    let (tell, mut told) = mpsc::channel(1);
    let hear = async {
        while let Some(one) = told.recv().await {
            one?;
        }
        Ok(())
    };
    let ((), heard) = tokio::join!(import.take_over(stream::iter(blocks), tell), hear);
    heard
}

/// The sample panel as configuration has it. The demo's people come from this machine and say
/// where they pretend to be, so this machine is a trusted proxy.
fn panel(upstream: SocketAddr, listen: SocketAddr) -> Result<Panel> {
    let loopback: Vec<IpNet> = vec!["127.0.0.0/8".parse()?, "::1/128".parse()?];
    let authority: Authority = upstream.to_string().parse()?;
    let seconds = Duration::from_secs;
    Ok(Panel {
        rules: PanelRules {
            panel: PANEL.parse::<PanelName>()?,
            preset: Arc::new(Preset::parse(include_str!("panel.toml"))?),
            trusted_proxies: loopback,
            identity_header: None,
            tokens: TokenRules::default(),
            jwt: None,
            on_failure: OnFailure::Degrade,
            attempted_names: AttemptedNames::Known,
        },
        proxy: Some(ProxyOptions {
            listen,
            listen_origin: Origin::Default,
            upstream: Upstream {
                authority,
                tls: None,
            },
            tls: None,
            timeouts: Timeouts {
                connect: seconds(5),
                response: seconds(60),
                header: seconds(10),
                idle: seconds(75),
            },
            max_connections: 1_024,
            // The sample panel has a port of its own that changes, on loopback.
            direct: DirectCheck::default(),
        }),
        key_set: None,
        retention_days: None,
    })
}

/// The address if nobody has it, else the same with a port that the system chooses.
async fn free_or_any(address: SocketAddr) -> SocketAddr {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

/// A data folder that goes when the demo does.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes one.
    pub(crate) fn new() -> Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("admintrail-demo-{name}"));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        Ok(Self(path))
    }

    /// Removes the same folder when dropped, for an end that drops nothing else.
    pub(crate) fn twin(&self) -> Self {
        Self(self.0.clone())
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Who still writes there may add a file while the others go.
        for _ in 0..100 {
            match std::fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
                _ => return,
            }
        }
    }
}
