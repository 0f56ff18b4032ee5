//! A parsed filter: terms joined by *and*, each a test that may be negated.
//!
//! Two-valued logic: a missing value passes no test, so it passes every negated one.

use ipnet::IpNet;

use crate::FirstSet;
use crate::filter::pattern::{SessionPrefix, TextPattern};

/// What a viewer asks for. Empty: everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// All must hold.
    pub terms: Vec<Term>,
}

/// One word of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Written with a leading `-`.
    pub negated: bool,
    /// What is tested.
    pub test: Test,
}

/// One test; alternatives (written with commas) are joined by *or*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A bare word: searched in path, action, object, admin (id and name) and the IP's text.
    Bare(Vec<TextPattern>),
    /// Folded substring of one text field.
    Text(TextField, Vec<TextPattern>),
    /// Folded whole value of one field with few values.
    Whole(WholeField, Vec<TextPattern>),
    /// The whole id, the whole name, or the part of the id before the `@`.
    Admin(Vec<TextPattern>),
    /// Address in one of these networks (a single address is a /32 or /128).
    Ip(Vec<IpNet>),
    /// First hexadecimal digits of the session.
    Session(Vec<SessionPrefix>),
    /// Status in one of these inclusive ranges (`404`, `4xx`, `400-404`, `>=500`).
    Status(Vec<Range>),
    /// Duration in one of these inclusive ranges, in µs.
    Duration(Vec<Range>),
    /// One of these facts.
    Is(Vec<Fact>),
    /// The first one of this admin with its address, agent, route or hour (`first:ip,agent`).
    First(Vec<FirstSet>),
}

/// Fields searched by folded substring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// `path:`
    Path,
    /// `query:`
    Query,
    /// `action:`
    Action,
    /// `object:`
    Object,
    /// `route:`
    Route,
    /// `agent:`
    Agent,
    /// `attempted:`
    Attempted,
    /// `acting_as:`
    ActingAs,
    /// `host:`
    Host,
    /// `recorder:`
    Recorder,
}

/// Fields compared as whole values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WholeField {
    /// `method:`
    Method,
    /// `type:`
    Type,
    /// `panel:`
    Panel,
    /// `outcome:`
    Outcome,
    /// `known_by:`
    KnownBy,
    /// `kind:`
    Kind,
    /// `ending:`
    Ending,
}

/// Inclusive range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Smallest that passes.
    pub min: u64,
    /// Largest that passes.
    pub max: u64,
}

/// Yes-or-no facts behind `is:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// `first` is not empty.
    First,
    /// A background refresh.
    Polling,
    /// A style, script, image or font.
    Asset,
    /// No admin is known. (The outcome `unknown` is `outcome:unknown`.)
    Unknown,
    /// The admin acts as somebody else.
    ActingAs,
    /// The method is not safe ([`crate::is_safe_method`]) and the outcome is success.
    Change,
}
