//! The language people ask with: GitHub-style words (`admin:olena -method:HEAD status:4xx`).
//!
//! Words are separated by blanks and joined by *and*. A word is a key, a colon and values, or a
//! bare text; a comma between values means *or*, a leading `-` means *not*. `*` stands for any
//! text; where a text is searched for rather than compared, one at either end says nothing more. Values with blanks or commas stand in double quotes, where `\"`, `\\` and `\*` mean the
//! character itself; a quote that does not begin a value is just a quote. [`KEYS`] lists the keys.
//!
//! Text is compared folded ([`crate::fold`]). A filter keeps what was typed, so that box, chips
//! and link say the same: parsing what [`Filter`] displays gives the same filter.

mod ast;
mod error;
mod key;
mod matches;
mod parse;
mod pattern;
mod values;
mod write;

pub use ast::{Fact, Filter, Range, Term, Test, TextField, WholeField};
pub use error::FilterError;
pub use key::{KEYS, Key, KeyHelp, nearest_of};
pub use pattern::{SessionPrefix, TextPattern};
pub use write::{TermLabel, quote};
