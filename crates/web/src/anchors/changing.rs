//! Adding a place and taking one away, while the server runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admintrail_store::Control;

use super::{
    ADDED, AddedPlace, AnchorPlace, AnchorRules, AnchorWay, KeptCheckpoints, Target, check,
};
use crate::auth::naming::{email_of, is_plain};
use crate::auth::secret::{self, Secret};
use crate::{App, WebError};

/// Places that pages may add. More would be a mistake, or a program that runs wild.
const MOST: usize = 16;
/// Bytes of one that is typed.
const LONGEST: usize = 2_000;
/// A disk gets so long to say what stands there; one that is away (NFS) may take forever.
const PATIENCE: Duration = Duration::from_secs(5);
/// What lets a receiver be in one's own network.
const ALLOWED_BY: &str = "anchor_webhook_network = \"any\" under [ledger] in the configuration";

/// A place that was added, with the secret it is signed with, to be shown once.
pub(crate) struct Added {
    pub(crate) place: AnchorPlace,
    pub(crate) secret: Option<Secret>,
}

impl App {
    /// What somebody typed as a place, if it can be one. Nothing is changed.
    pub(crate) async fn place_of(&self, text: &str) -> Result<Target, WebError> {
        let (text, rules) = (text.to_owned(), self.anchor_places.rules.clone());
        let looking = tokio::task::spawn_blocking(move || target(&text, &rules));
        let target = match tokio::time::timeout(PATIENCE, looking).await {
            Ok(looked) => looked.map_err(WebError::internal)?,
            Err(_) => Err(format!(
                "The disk did not say within {} s what stands there. Is it mounted?",
                PATIENCE.as_secs()
            )),
        };
        let mut target = target.map_err(wrong)?;
        if let Target::Webhook { secret, .. } = &mut target {
            Secret::generate_signing()?.expose().clone_into(secret);
        }
        self.is_free(&target)?;
        Ok(target)
    }

    /// Adds a place; whoever sends hears of it at once.
    pub(crate) async fn add_place(self: &Arc<Self>, target: Target) -> Result<Added, WebError> {
        let app = Arc::clone(self);
        whole(async move { app.add_now(target).await }).await
    }

    async fn add_now(&self, target: Target) -> Result<Added, WebError> {
        let _turn = self.anchor_places.turn.lock().await;
        let mut all = self.is_free(&target)?;
        let added = AddedPlace {
            id: id()?,
            target,
            added: self.now(),
        };
        let place = added.place(self.anchor_places.rules.every);
        let secret = match &added.target {
            Target::Webhook { secret, .. } => Some(Secret::of(secret)),
            _ => None,
        };
        all.push(added);
        keep(&self.control, &all).await?;
        self.anchors.write().add(place.clone());
        self.anchor_places.changed.send_replace(());
        Ok(Added { place, secret })
    }

    /// Takes away a place that was added on a page: nothing more is sent there.
    pub(crate) async fn remove_place(
        self: &Arc<Self>,
        id: String,
    ) -> Result<AnchorPlace, WebError> {
        let app = Arc::clone(self);
        whole(async move { app.remove_now(&id).await }).await
    }

    async fn remove_now(&self, id: &str) -> Result<AnchorPlace, WebError> {
        let _turn = self.anchor_places.turn.lock().await;
        let mut all = AddedPlace::all(&self.control);
        let at = all.iter().position(|place| place.id == id);
        let gone = all.remove(at.ok_or(WebError::NoSuch("place"))?);
        keep(&self.control, &all).await?;
        let known = self.anchors.write().remove(id);
        self.anchor_places.changed.send_replace(());
        Ok(known.unwrap_or_else(|| gone.place(self.anchor_places.rules.every)))
    }

    /// What files elsewhere have of this ledger: whoever rewrote it here has not rewritten them.
    pub(crate) fn kept_checkpoints(&self) -> KeptCheckpoints {
        let anchors = self.anchors.read();
        let files = anchors.places().iter();
        let files: Vec<PathBuf> = files
            .filter(|place| place.way == AnchorWay::File)
            .map(|place| PathBuf::from(&place.place))
            .collect();
        drop(anchors);
        let kept_at = self.anchor_places.rules.kept_at;
        files.iter().flat_map(|file| kept_at(file)).collect()
    }

    /// Forgets places that are kept no more, other than by [`Self::remove_place`].
    pub(crate) fn look_again_at_places(&self) {
        let kept = AddedPlace::all(&self.control);
        let is_kept = |id: &String| kept.iter().any(|place| place.id == *id);
        let mut anchors = self.anchors.write();
        let added = anchors.places().iter().filter_map(|it| it.added.clone());
        let gone: Vec<String> = added.filter(|id| !is_kept(id)).collect();
        for id in &gone {
            anchors.remove(id);
        }
        drop(anchors);
        if !gone.is_empty() {
            self.anchor_places.changed.send_replace(());
        }
    }

    /// The places there are, if this is not one of them.
    fn is_free(&self, target: &Target) -> Result<Vec<AddedPlace>, WebError> {
        let all = AddedPlace::all(&self.control);
        let shown = target.place();
        // Those of the configuration are known by what is shown of them; of a file that is all.
        let file = target.way() == AnchorWay::File;
        let is_shown = |place: &AnchorPlace| place.way == target.way() && place.place == shown;
        let taken = all.iter().any(|one| one.target.is_same(target))
            || (file && self.anchors.read().places().iter().any(is_shown));
        if taken {
            return Err(wrong("This is a place already.".to_owned()));
        }
        if all.len() >= MOST {
            return Err(wrong(format!(
                "There are {MOST} places already. Remove one first."
            )));
        }
        Ok(all)
    }
}

/// To its end, also when whoever asked is gone: what is durable and what is known stay the same.
async fn whole<T: Send + 'static>(
    change: impl Future<Output = Result<T, WebError>> + Send + 'static,
) -> Result<T, WebError> {
    tokio::spawn(change).await.map_err(WebError::internal)?
}

fn wrong(message: String) -> WebError {
    WebError::BadField {
        field: "place",
        message,
    }
}

async fn keep(control: &Control, all: &[AddedPlace]) -> Result<(), WebError> {
    let json = serde_json::to_string(all).map_err(WebError::internal)?;
    let json = (!all.is_empty()).then_some(json);
    control.set_setting(ADDED, json.as_deref()).await?;
    Ok(())
}

fn id() -> Result<String, WebError> {
    let random = secret::random::<8>()?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Without the secret of a receiver. Looks at the disk.
fn target(text: &str, rules: &AnchorRules) -> Result<Target, String> {
    let about = |wrong: &str| format!("{text:?} {wrong}.");
    if text.is_empty() {
        return Err("Enter a place.".to_owned());
    }
    if text.len() > LONGEST || !text.chars().all(is_plain) {
        return Err(format!(
            "Use at most {LONGEST} bytes, without characters that nobody sees."
        ));
    }
    if text.contains("://") {
        return receiver(text, rules).map_err(|wrong| format!("This {wrong}."));
    }
    if text.contains('@') && !text.starts_with('/') {
        let can_send = rules.mail.ok_or_else(|| about(check::NO_MAIL_SERVER))?;
        return match email_of(text) {
            Ok(to) if can_send(&to) => Ok(Target::Email { to }),
            _ => Err(about("is not an e-mail address")),
        };
    }
    let path = check::file(text, &rules.data).map_err(about)?;
    Ok(Target::File { path })
}

fn receiver(text: &str, rules: &AnchorRules) -> Result<Target, String> {
    let address = check::address(text, "the secret that is made for it")?;
    check::encrypted(&address, rules.private, ALLOWED_BY)?;
    if check::is_private(&address) && !rules.private {
        return Err(format!(
            "is in this machine's own network; {ALLOWED_BY} allows that"
        ));
    }
    Ok(Target::Webhook {
        address: text.to_owned(),
        secret: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(private: bool, mail: bool) -> AnchorRules {
        let can_send: fn(&str) -> bool = |to| !to.ends_with("@");
        AnchorRules {
            data: "/var/lib/trail".into(),
            private,
            mail: mail.then_some(can_send),
            ..AnchorRules::default()
        }
    }

    #[test]
    fn what_is_typed_is_a_file_a_receiver_or_a_mailbox() {
        let read = |text: &str| target(text, &rules(false, true)).unwrap();
        let path = "/mnt/b/a@b.checkpoint".into();
        assert_eq!(read("/mnt/b/a@b.checkpoint"), Target::File { path });
        let to = "law@example.org".to_owned();
        assert_eq!(read("law@example.org"), Target::Email { to });
        let address = "https://hooks.example.org/a@b".to_owned();
        let secret = String::new();
        assert_eq!(read(&address.clone()), Target::Webhook { address, secret });
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_configuration() {
        let said = |text: &str| target(text, &rules(false, false)).unwrap_err();
        for (text, sentence) in [
            ("", "Enter a place."),
            (
                "backup",
                "\"backup\" is not an absolute path such as /mnt/backup/admintrail.checkpoint.",
            ),
            (
                "/tmp",
                "\"/tmp\" is a folder; name the file in it, such as /mnt/backup/admintrail.checkpoint.",
            ),
            (
                "/var/lib/trail/a",
                "\"/var/lib/trail/a\" is in the data folder; whoever changes the one changes the \
                 other, so name a file on another disk.",
            ),
            (
                "law@example.org",
                "\"law@example.org\" needs a mail server; write one, and the sender, as email under \
                 [alerts].",
            ),
            (
                "ftp://hooks.example.org/canary",
                "This is not an address such as https://hooks.example.org/admintrail.",
            ),
            (
                "https://u:canary@hooks.example.org/",
                "This names a user; sign with the secret that is made for it instead.",
            ),
            (
                "http://hooks.example.org/canary",
                "This is not encrypted; write https, or anchor_webhook_network = \"any\" \
                 under [ledger] in the configuration for a receiver in your own network.",
            ),
            (
                "https://10.0.0.7/canary",
                "This is in this machine's own network; anchor_webhook_network = \"any\" \
                 under [ledger] in the configuration allows that.",
            ),
        ] {
            assert_eq!(said(text), sentence);
        }
        for text in ["/mnt/a\nb", "/mnt/\u{202e}a", &"/a".repeat(1_001)] {
            assert!(said(text).starts_with("Use at most"), "{text:?}");
        }
        let mail = target("law@", &rules(false, true)).unwrap_err();
        assert_eq!(mail, "\"law@\" is not an e-mail address.");
        assert!(target("http://10.0.0.7/a", &rules(true, false)).is_ok());
    }
}
