//! The pages as a browser gets them: the whole router over a real trail.

mod hints;
mod hostile;
mod list;
mod overviews;
mod stack;
mod states;
mod templates;
mod timeline;
