//! The steps of what must survive a crash at any of them, told to whoever wants to be there: tests
//! look at the folder as a crash would leave it.

use std::fmt;
use std::sync::Arc;

/// Called at each step, with its name.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Steps {
    /// Tells them to this function.
    #[must_use]
    pub fn told_to(each: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(each)))
    }

    pub(crate) fn reached(&self, step: &'static str) {
        if let Some(each) = &self.0 {
            each(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Steps")
    }
}
