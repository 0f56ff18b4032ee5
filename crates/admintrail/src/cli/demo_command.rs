//! `admintrail demo`

use std::io::Write;

use clap::Args;

use super::{Failure, Global, Outcome, environment, host_name, output, serve_command};
use crate::config::{Config, Flags};
use crate::demo::{Demo, TemporaryFolder};
use crate::logging;
use crate::serve::told_to_stop;

#[derive(Args)]
pub(super) struct DemoArgs {
    /// Where the pages listen [default: 127.0.0.1:7070, or any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(global: &Global, args: DemoArgs) -> Outcome {
    if global.config.is_some() {
        return Err(Failure::Usage(
            "--config: the demo has a panel of its own and reads no configuration; \
             `admintrail serve --config FILE` does"
                .to_owned(),
        ));
    }
    // Without a folder of one's own, what the demo records goes when the demo does.
    let (folder, data) = match &global.data {
        Some(data) => (None, data.clone()),
        None => {
            let folder = TemporaryFolder::new()?;
            let path = folder.path().to_owned();
            (Some(folder), path)
        }
    };
    let flags = Flags {
        data: Some(data),
        listen: args.listen,
        ..Flags::default()
    };
    let nothing = |name: &str| environment(name).filter(|_| name == "ADMINTRAIL_LOG_FORMAT");
    let config = Config::load(&flags, &nothing, &host_name())?;
    logging::start(config.log_format);
    let runtime = serve_command::runtime()?;
    runtime.block_on(async {
        let demo = Demo::open(config).await?;
        let leftover = folder.as_ref().map(TemporaryFolder::twin);
        let end = told_to_stop(|| drop(leftover))?;
        let mut out = output::stdout();
        writeln!(
            out,
            "The page, signed in (the link works for 24 hours):\n  {}",
            demo.link
        )?;
        writeln!(
            out,
            "The sample panel, to click around in:\n  {}",
            demo.panel
        )?;
        writeln!(out, "Stop with Ctrl-C.")?;
        out.flush()?;
        drop(out);
        demo.run(end).await?;
        Ok::<(), Failure>(())
    })?;
    drop(folder);
    Ok(())
}
