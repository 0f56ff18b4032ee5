//! Changes of bindings: visible at once, durable in order, one batch after the other.
//!
//! A look-up that comes between a change and its durability is answered from here. Two changes of
//! one credential are never under way together, so an old `end` cannot undo a newer `bind`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use admintrail_event::{Micros, PanelName, SessionHash};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, oneshot, watch};

use crate::{Binding, Bindings, Identities, Named};

/// Changes that wait for a store that refuses them, at most; beyond that bindings are given up,
/// which makes somebody unknown. An end never is: it would name somebody again.
const MAX_WAITING: usize = 10_000;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a response waits for its binding. The sign-in has happened; a store that hangs must
/// not turn it into a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a credential.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Bind(Binding),
    End,
}

/// Completes when a change is durable.
pub(crate) struct Saved(oneshot::Receiver<()>);

impl Saved {
    /// Waits until it is durable, within reason.
    pub(crate) async fn wait(self) {
        if !matches!(tokio::time::timeout(PATIENCE, self.0).await, Ok(Ok(()))) {
            tracing::warn!("a session's binding is not durable yet; it counts from memory");
        }
    }
}

struct Pending {
    panel: PanelName,
    change: Change,
    version: u64,
    waiters: Vec<oneshot::Sender<()>>,
}

pub(crate) struct Keeper {
    bindings: Arc<dyn Bindings>,
    identities: Arc<dyn Identities>,
    /// Changes not yet durable.
    overlay: RwLock<HashMap<SessionHash, (u64, Change)>>,
    overlaid: AtomicUsize,
    queue: Mutex<Queue>,
    wake: Notify,
    ended: AtomicBool,
    finished: Notify,
}

#[derive(Default)]
struct Queue {
    changes: HashMap<SessionHash, Pending>,
    version: u64,
}

impl Keeper {
    pub(crate) fn new(bindings: Arc<dyn Bindings>, identities: Arc<dyn Identities>) -> Self {
        Self {
            bindings,
            identities,
            overlay: RwLock::default(),
            overlaid: AtomicUsize::new(0),
            queue: Mutex::default(),
            wake: Notify::new(),
            ended: AtomicBool::new(false),
            finished: Notify::new(),
        }
    }

    /// Whose somebody said this token or basic user is.
    pub(crate) fn named(&self, panel: &PanelName, fingerprint: &SessionHash) -> Option<Named> {
        self.identities.named(panel, fingerprint)
    }

    /// Who this credential belongs to now.
    pub(crate) fn lookup(
        &self,
        panel: &PanelName,
        credential: &SessionHash,
        now: Micros,
    ) -> Option<Binding> {
        let overlaid = if self.overlaid.load(Ordering::Acquire) == 0 {
            None
        } else {
            self.overlay
                .read()
                .get(credential)
                .map(|(_, change)| change.clone())
        };
        let binding = match overlaid {
            Some(Change::Bind(binding)) => Some(binding),
            Some(Change::End) => None,
            None => self.bindings.lookup(panel, credential),
        };
        binding.filter(|binding| binding.until.is_none_or(|until| now < until))
    }

    /// Whether somebody has signed in under this name before.
    pub(crate) fn knows(&self, panel: &PanelName, admin: &str) -> bool {
        self.bindings.knows(panel, &admintrail_event::fold(admin))
    }

    /// Whether somebody ended this session, or that of this credential.
    pub(crate) fn is_ended(&self, panel: &PanelName, session: &SessionHash) -> bool {
        self.bindings.is_ended(panel, session)
    }

    /// Changes whenever a session was ended.
    pub(crate) fn endings(&self) -> watch::Receiver<u64> {
        self.bindings.endings()
    }

    /// Changes a credential; look-ups see it from now on.
    pub(crate) fn change(
        &self,
        panel: &PanelName,
        credential: SessionHash,
        change: Change,
    ) -> Saved {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.queue.lock();
        queue.version += 1;
        let version = queue.version;
        {
            let mut overlay = self.overlay.write();
            overlay.insert(credential, (version, change.clone()));
            self.overlaid.store(overlay.len(), Ordering::Release);
        }
        let mut waiters = queue
            .changes
            .remove(&credential)
            .map(|earlier| earlier.waiters)
            .unwrap_or_default();
        waiters.push(sender);
        let panel = panel.clone();
        queue.changes.insert(
            credential,
            Pending {
                panel,
                change,
                version,
                waiters,
            },
        );
        drop(queue);
        self.wake.notify_one();
        Saved(receiver)
    }

    /// Ends what is about to be bound to a person; what is bound already is the store's to forget.
    pub(crate) fn forget_person(&self, folded: &str) {
        let overlay = self.overlay.read();
        let of_person = |(_, change): &(u64, Change)| match change {
            Change::Bind(binding) if admintrail_event::fold(&binding.admin) == folded => {
                Some(binding.panel.clone())
            }
            _ => None,
        };
        let bound: Vec<_> = overlay
            .iter()
            .filter_map(|(credential, one)| Some((*credential, of_person(one)?)))
            .collect();
        drop(overlay);
        for (credential, panel) in bound {
            drop(self.change(&panel, credential, Change::End));
        }
    }

    /// Ends [`Keeper::run`].
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Completes when what was changed before [`Keeper::end`] is durable, or cannot become it.
    pub(crate) async fn finished(&self) {
        self.finished.notified().await;
    }

    /// Makes changes durable, until [`Keeper::end`].
    pub(crate) async fn run(&self) {
        self.save_until_ended().await;
        self.finished.notify_one();
    }

    async fn save_until_ended(&self) {
        loop {
            let changes = std::mem::take(&mut self.queue.lock().changes);
            if changes.is_empty() {
                if self.ended.load(Ordering::Acquire) {
                    return;
                }
                self.wake.notified().await;
                continue;
            }
            let all_saved = self.save(changes).await;
            if !all_saved {
                if self.ended.load(Ordering::Acquire) {
                    return;
                }
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }

    /// Saves a batch at once, so that the store can share one commit.
    async fn save(&self, changes: HashMap<SessionHash, Pending>) -> bool {
        let saving = changes.into_iter().map(|(credential, pending)| {
            let saved = match &pending.change {
                Change::Bind(binding) => self.bindings.bind(credential, binding.clone()),
                Change::End => self.bindings.end(&pending.panel, credential),
            };
            async move { (credential, pending, saved.await) }
        });
        let mut all_saved = true;
        for (credential, mut pending, result) in futures_util::future::join_all(saving).await {
            match result {
                Ok(()) => {
                    self.uncover(credential, pending.version);
                    for waiter in pending.waiters {
                        let _ = waiter.send(());
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a session's binding could not be kept; trying again");
                    all_saved = false;
                    // Whoever waits goes on: the sign-in has happened, and it counts from memory.
                    pending.waiters.clear();
                    self.again(credential, pending);
                }
            }
        }
        all_saved
    }

    /// The store answers for this credential again, unless it has changed meanwhile.
    fn uncover(&self, credential: SessionHash, version: u64) {
        let mut overlay = self.overlay.write();
        if overlay
            .get(&credential)
            .is_some_and(|(current, _)| *current == version)
        {
            overlay.remove(&credential);
        }
        self.overlaid.store(overlay.len(), Ordering::Release);
    }

    fn again(&self, credential: SessionHash, mut pending: Pending) {
        let mut queue = self.queue.lock();
        if let Some(newer) = queue.changes.get_mut(&credential) {
            newer.waiters.append(&mut pending.waiters);
        } else if queue.changes.len() < MAX_WAITING || matches!(pending.change, Change::End) {
            queue.changes.insert(credential, pending);
        } else {
            drop(queue);
            tracing::error!("a session's binding is given up: too many wait to be kept");
            self.uncover(credential, pending.version);
        }
    }
}
