//! How values are written for people: moments, numbers, browsers, addresses of other views, and
//! the colour that a value always has.

pub(crate) mod agent;
pub(crate) mod first;
pub(crate) mod hue;
pub(crate) mod link;
pub(crate) mod moment;
pub(crate) mod number;
pub(crate) mod object;
