//! `/settings/…`

pub(crate) mod account;
pub(crate) mod erasure;
pub(crate) mod panels;
pub(crate) mod retention;
mod routes;
pub(crate) mod tokens;

use std::sync::Arc;

use crate::WebError;
use crate::auth::Flash;

/// What the form that was sent last has to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) saved: Option<&'static str>,
    /// A refusal that names no field.
    pub(crate) refused: Option<String>,
    field: Option<(&'static str, String)>,
    typed: Vec<(String, String)>,
}

impl Told {
    pub(crate) fn new(flash: Option<Flash>) -> Self {
        let Some(flash) = flash else {
            return Self::default();
        };
        let field = match flash.error.as_deref() {
            Some(WebError::BadField { field, message }) => Some((*field, message.clone())),
            _ => None,
        };
        let refused = flash
            .error
            .as_ref()
            .filter(|_| field.is_none())
            .map(|error: &Arc<WebError>| error.to_string());
        Self {
            saved: flash.saved,
            refused,
            field,
            typed: flash.typed,
        }
    }

    /// Of a form that is shown again at once.
    pub(crate) fn wrong(field: &'static str, message: String) -> Self {
        Self {
            field: Some((field, message)),
            ..Self::default()
        }
    }

    /// Whether there is anything to be read.
    pub(crate) fn says_anything(&self) -> bool {
        self.saved.is_some() || self.refused.is_some() || self.field.is_some()
    }

    /// What is wrong with a field.
    pub(crate) fn error(&self, name: &str) -> Option<&str> {
        self.field
            .as_ref()
            .filter(|(field, _)| *field == name)
            .map(|(_, message)| message.as_str())
    }

    /// What was typed into a field of a refused form, else what is saved.
    pub(crate) fn or_typed(&self, name: &str, saved: String) -> String {
        self.typed
            .iter()
            .rev()
            .find(|(field, _)| field == name)
            .map_or(saved, |(_, value)| value.clone())
    }
}
