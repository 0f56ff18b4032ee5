//! Admintrail: records every request that administrators make to any admin panel.
//!
//! This room is the binary. It reads the command line and the configuration, opens the rooms it
//! uses, and joins them: the proxy before each panel, our own pages, the control socket. It may
//! use every other room; no other room uses it.

mod alerts;
mod anchors;
mod cli;
mod clock;
mod config;
mod control_socket;
mod data_folder;
mod demo;
mod erasing;
mod key_sets;
mod learned;
mod logging;
mod own_pages;
mod probe;
mod proxy;
mod recording;
mod serve;
mod shell_user;
mod stop;

use std::process::ExitCode;

/// Events are made on one thread and dropped on another, where the system's allocator is slowest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
