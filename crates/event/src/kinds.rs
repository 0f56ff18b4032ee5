//! The closed sets of values an event carries, each with the one spelling used everywhere.

use std::fmt;
use std::str::FromStr;

/// A closed set: its values, the code that is stored, and the word that is shown and searched.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)+ }

        impl $name {
            /// Every value, in the order of the stored codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it in JSON, filters and pages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The byte that is stored; never reused for another meaning.
            #[must_use]
            pub const fn code(self) -> u8 { self as u8 }

            /// The value of a stored byte.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }

        /// Reads the word in any case.
        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(text)).ok_or(())
            }
        }
    };
}

words! {
    /// What an event tells of.
    Kind {
        /// One request.
        Request = 0 => "request",
        /// Requests that were let through or refused without a record of their own, counted.
        Gap = 1 => "gap",
        /// A recorder began.
        Start = 2 => "start",
        /// A recorder ended in order.
        Stop = 3 => "stop",
    }
}

words! {
    /// How the admin of an event is known.
    KnownBy {
        /// Nothing names anyone.
        None = 0 => "none",
        /// A session bound at sign-in.
        Session = 1 => "session",
        /// An identity header from a trusted peer.
        Header = 2 => "header",
        /// HTTP basic authentication.
        Basic = 3 => "basic",
        /// A verified JWT claim.
        Jwt = 4 => "jwt",
        /// An API token with a known fingerprint.
        Token = 5 => "token",
        /// Whoever sent the event said so.
        Declared = 6 => "declared",
        /// A sign-in attempt: a tried name, no identity.
        Attempt = 7 => "attempt",
    }
}

words! {
    /// Whether a request was an API call or a page.
    RequestType {
        /// A page, form or file for a person.
        Web = 0 => "WEB",
        /// A programming interface.
        Api = 1 => "API",
    }
}

words! {
    /// What came of the request.
    Outcome {
        /// Opened, never completed.
        Unknown = 0 => "unknown",
        /// 2xx and 3xx.
        Success = 1 => "success",
        /// 401, 403, a failed sign-in, or sent to sign-in without identity.
        Denied = 2 => "denied",
        /// Any other 4xx.
        Failed = 3 => "failed",
        /// 5xx.
        Error = 4 => "error",
    }
}

words! {
    /// How the response ended.
    Ending {
        /// The whole body was delivered.
        Complete = 0 => "complete",
        /// The upstream broke off, or never answered.
        Failed = 1 => "failed",
        /// The client went away first, or the recorder died.
        Dropped = 2 => "dropped",
    }
}

impl Outcome {
    /// The outcome that a status alone tells; sign-in attempts know better.
    #[must_use]
    pub const fn of_status(status: Option<u16>) -> Self {
        match status {
            None => Self::Unknown,
            Some(401 | 403) => Self::Denied,
            Some(400..=499) => Self::Failed,
            Some(500..) => Self::Error,
            Some(_) => Self::Success,
        }
    }
}

/// Whether a method only reads (RFC 9110 section 9.2.1): GET, HEAD, OPTIONS, TRACE, in just this
/// spelling. An empty one, of a gap, start or stop, changes nothing either.
#[must_use]
pub fn is_safe_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "")
}

/// What happened for the first time for this admin in this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FirstSet(pub u8);

impl FirstSet {
    /// A new address.
    pub const IP: Self = Self(1);
    /// A new user agent.
    pub const AGENT: Self = Self(2);
    /// A new route.
    pub const ROUTE: Self = Self(4);
    /// A new hour of the day (UTC).
    pub const HOUR: Self = Self(8);

    /// All four.
    pub const EVERYTHING: Self = Self(15);

    const NAMES: [(Self, &'static str); 4] = [
        (Self::IP, "ip"),
        (Self::AGENT, "agent"),
        (Self::ROUTE, "route"),
        (Self::HOUR, "hour"),
    ];

    /// Whether nothing is new.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The words, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(bit, _)| self.contains(*bit))
            .map(|(_, name)| name)
    }

    /// The set of one word.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(_, word)| *word == name)
            .map(|(bit, _)| bit)
    }
}
