//! Admintrail: records every request that administrators make to any admin panel.
//!
//! This room is the binary. It reads the command line and the configuration, opens the rooms it
//! uses, and joins them: the proxy before each panel, our own pages, the control socket. It may
//! use every other room; no other room uses it.

mod config;
mod proxy;

fn main() {}
