//! What several pages are put together from. Each is drawn by a template in `templates/parts/`.

pub(crate) mod anchors;
pub(crate) mod attempts;
pub(crate) mod chart;
pub(crate) mod chip;
pub(crate) mod drawer;
pub(crate) mod ending;
pub(crate) mod filters;
pub(crate) mod frame;
pub(crate) mod notice;
pub(crate) mod pager;
pub(crate) mod range;
pub(crate) mod refresh;
pub(crate) mod row;
pub(crate) mod search;
pub(crate) mod shell;
pub(crate) mod spark;
pub(crate) mod top;
pub(crate) mod usual;
