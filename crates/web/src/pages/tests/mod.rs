//! The pages as a browser gets them: the whole router over a real trail.

mod alerts;
mod direct;
mod hints;
mod hostile;
mod integrity;
mod list;
mod overviews;
mod retention;
mod routes;
mod search;
mod stack;
mod states;
mod templates;
mod timeline;
