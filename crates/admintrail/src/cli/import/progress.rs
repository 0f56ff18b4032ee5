//! How far an import has come, for whoever watches it at a terminal.

use std::io::{self, IsTerminal};
use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// How long it takes is known once something was taken over.
const BEGINNING: &str = "{bar:32} {bytes}/{total_bytes}, {msg}";
const UNDER_WAY: &str = "{bar:32} {bytes}/{total_bytes}, {msg}, {eta} left";

/// A bar, or nothing where nobody watches.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// Of a file of this size, if it has one.
    pub(super) fn of(size: Option<u64>) -> Self {
        let bar = if !io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else if let Some(size) = size {
            ProgressBar::new(size).with_style(style(BEGINNING))
        } else {
            ProgressBar::new_spinner().with_style(style("{spinner} {bytes}, {msg}"))
        };
        bar.set_message("0 events/s");
        Self {
            bar,
            began: Instant::now(),
        }
    }

    /// So many bytes were taken over, and so many events in all.
    pub(super) fn took(&self, bytes: usize, events: u64) {
        let first = self.bar.position() == 0;
        self.bar.inc(bytes as u64);
        if self.bar.is_hidden() {
            return;
        }
        if first && self.bar.length().is_some() {
            self.bar.set_style(style(UNDER_WAY));
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "a figure for people"
        )]
        let rate = (events as f64 / self.began.elapsed().as_secs_f64()) as u64;
        self.bar
            .set_message(format!("{} events/s", HumanCount(rate)));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
