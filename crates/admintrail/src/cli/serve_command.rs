//! `admintrail serve`

use std::io::Write;

use admintrail_store::Control;
use admintrail_store::control::LinkPurpose;
use admintrail_web::anchors::AddedPlace;
use clap::Args;

use super::{Failure, Global, Outcome, environment, host_name, output};
use crate::config::{Config, Flags};
use crate::control_socket::link;
use crate::serve::{Server, base_url, told_to_stop};
use crate::{anchors, clock, data_folder, logging};

#[derive(Args)]
pub(super) struct ServeArgs {
    /// Where Admintrail's own pages listen [default: 127.0.0.1:7070; env: ADMINTRAIL_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A panel to record, e.g. name=billing,upstream=http://127.0.0.1:8000,listen=127.0.0.1:8080,
    /// preset=django-admin,trusted_proxies=10.0.0.0/8; may be repeated [env: ADMINTRAIL_PANEL]
    #[arg(long = "panel", value_name = "KEY=VALUE,…")]
    panels: Vec<String>,
    /// How log lines look: text or json [default: text; env: ADMINTRAIL_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

pub(super) fn run(global: &Global, args: ServeArgs) -> Outcome {
    let flags = Flags {
        listen: args.listen,
        panels: args.panels,
        log_format: args.log_format,
        ..global.flags()
    };
    let config = Config::load(&flags, &environment, &host_name())?;
    logging::start(config.log_format);
    let runtime = runtime()?;
    if let Ok(Some(open)) = data_folder::close_to_others(&config.data) {
        tracing::warn!("{open}");
    }
    runtime.block_on(async {
        let server = Server::open(config.clone()).await?;
        let config = Config {
            listen: server.listen(),
            ..config
        };
        // Whoever reads that it runs may stop it.
        let end = told_to_stop(|| ())?;
        welcome(&config, server.control()).await?;
        server.run(end).await?;
        Ok(())
    })
}

/// One thread a core: a request stays on its thread as long as there is work for all.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Says where the page is and, as long as nobody has an account, how to make one.
async fn welcome(config: &Config, control: &Control) -> Outcome {
    let url = base_url(config);
    if config.panels.is_empty() {
        tracing::warn!(
            "no panel is configured, so nothing passes through; add [[panel]] to the file or --panel"
        );
    }
    for sentence in anchors::advice(config, &AddedPlace::all(control)) {
        tracing::warn!("{sentence}");
    }
    if control.has_accounts() {
        output::say(&format!("Admintrail is at {url}"));
        return Ok(());
    }
    let owned = (control.clone(), url);
    let link = tokio::task::spawn_blocking(move || {
        let (control, url) = owned;
        // The link of an earlier start is of no use to anybody any more.
        control
            .end_links(LinkPurpose::Setup)
            .wait()
            .map_err(anyhow::Error::from)?;
        link(&control, LinkPurpose::Setup, None, clock::now(), &url).map_err(anyhow::Error::from)
    })
    .await??;
    // In one piece, so that no line of the log comes between.
    let mut out = output::stdout();
    writeln!(
        out,
        "Make your account with this link. It works once, for 30 minutes:\n{link}"
    )?;
    out.flush()?;
    if let Some(line) = way_from_elsewhere(config) {
        output::say("From your own machine, reach it with:");
        output::say(&line);
    }
    Ok(())
}

/// The `ssh -L` line, where the one who reads this sits at another machine.
fn way_from_elsewhere(config: &Config) -> Option<String> {
    let connection = environment("SSH_CONNECTION");
    let remote = connection.is_some() || !config.listen.ip().is_loopback();
    remote.then(|| {
        // "client port server port": the address that the one at the other end used.
        let host = connection
            .as_deref()
            .and_then(|text| text.split(' ').nth(2))
            .map_or_else(host_name, str::to_owned);
        let user = environment("USER").map_or_else(String::new, |user| format!("{user}@"));
        let port = config.listen.port();
        format!("  ssh -L {port}:127.0.0.1:{port} {user}{host}")
    })
}
