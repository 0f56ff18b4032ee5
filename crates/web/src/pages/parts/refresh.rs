//! The refresh menu.

use crate::auth::Viewer;

/// One choice.
#[derive(Debug, Clone)]
pub(crate) struct RefreshChoice {
    /// As the preference is sent: `0`, `5`, …, `live`.
    pub(crate) value: &'static str,
    pub(crate) name: &'static str,
    pub(crate) current: bool,
}

/// The menu.
#[derive(Debug, Clone)]
pub(crate) struct RefreshMenu {
    pub(crate) choices: Vec<RefreshChoice>,
    /// What the button says.
    pub(crate) label: &'static str,
    /// The value that is set.
    pub(crate) value: &'static str,
}

const CHOICES: [(&str, &str); 6] = [
    ("0", "Off"),
    ("5", "5 s"),
    ("10", "10 s"),
    ("30", "30 s"),
    ("60", "60 s"),
    ("live", "Live"),
];

impl RefreshMenu {
    pub(crate) fn new(viewer: &Viewer) -> Self {
        let set = match viewer.account().map(|account| account.preferences.refresh) {
            Some(None) => "live".to_owned(),
            Some(Some(seconds)) => seconds.to_string(),
            None => "5".to_owned(),
        };
        let (value, label) = CHOICES
            .into_iter()
            .find(|(value, _)| *value == set)
            .unwrap_or(("5", "5 s"));
        let choices = CHOICES
            .map(|(v, name)| RefreshChoice {
                value: v,
                name,
                current: v == value,
            })
            .to_vec();
        Self {
            choices,
            label,
            value,
        }
    }

    /// Seconds after which a browser without scripts asks again.
    pub(crate) fn seconds(&self) -> Option<u32> {
        match self.value {
            "live" => Some(5),
            value => value.parse().ok().filter(|seconds| *seconds > 0),
        }
    }
}
