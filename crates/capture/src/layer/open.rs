//! A request under way: what becomes its event, whichever way it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use admintrail_event::{
    Draft, Ending, KnownBy, Limits, Outcome, PanelName, Reading, SessionHash, Step, broken_off,
    clip, encode_bytes, fold, refused_token,
};
use http::{HeaderValue, StatusCode};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::declared::Declared;
use super::head::{Sent, safe};
use super::watch::RequestWatch;
use crate::identity::{Change, Confirmation, Finding, Form, Identity, Naming, Saved, Source};
use crate::{Binding, Recorder};

/// The request came with credentials of a session that an owner ended.
pub(super) struct Ended {
    /// It goes no further. Otherwise somebody comes to sign in, and it goes on without them.
    pub(super) refused: bool,
    /// The client reads HTML.
    pub(super) page: bool,
    /// Names of the cookies that the browser is to forget.
    pub(super) clears: Vec<Box<[u8]>>,
    /// The connection is TLS.
    pub(super) secure: bool,
}

/// Dropping it finishes the event as dropped.
pub(super) struct Open {
    pub(super) recorder: Recorder,
    pub(super) draft: Draft,
    pub(super) reading: Arc<Reading>,
    pub(super) identity: Identity,
    pub(super) watch: Option<Arc<RequestWatch>>,
    pub(super) ended: Option<Ended>,
    /// Denied whatever the status says: a failed sign-in, or sent to sign-in.
    denied: bool,
    sent_to_sign_in: bool,
    /// A sign-in that the panel has neither accepted nor refused.
    undecided: bool,
    /// What the next request with the session tells of this sign-in.
    confirmation: Option<Confirmation>,
    action: Option<String>,
    /// What the application itself says of how it ended.
    outcome: Option<Outcome>,
    started: Instant,
    /// How long it took, once it is over.
    duration: Option<Duration>,
    finished: bool,
}

impl Open {
    pub(super) fn new(
        recorder: Recorder,
        draft: Draft,
        reading: Arc<Reading>,
        identity: Identity,
    ) -> Box<Self> {
        recorder.trunk().opened();
        Box::new(Self {
            recorder,
            draft,
            reading,
            identity,
            watch: None,
            ended: None,
            denied: false,
            sent_to_sign_in: false,
            undecided: false,
            confirmation: None,
            action: None,
            outcome: None,
            started: Instant::now(),
            duration: None,
            finished: false,
        })
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.draft.status = Some(status.as_u16());
    }

    /// The session was ended: the request goes no further, and names nobody, for the panel has not
    /// said who it is.
    pub(super) fn refused_as_ended(&mut self) {
        self.unname();
        self.denied = true;
        let preset = &self.recorder.rules().preset;
        let action = preset.sentence(&self.reading, Outcome::Denied, false, None);
        let action = match self.reading.step {
            Step::SignIn => "Denied: sign in".to_owned(),
            _ => action,
        };
        self.action = Some(safe(format!("{action} (session ended)"), Limits::TEXT).0);
    }

    /// What the form that passed tells: the step, where only a form can, and the typed name.
    /// Nothing else of it is kept; the copy is overwritten.
    pub(super) fn read_form(&mut self, sent: &Sent) -> Option<String> {
        let copy = std::mem::take(&mut *self.watch.as_ref()?.form.as_ref()?.lock());
        let content_type = sent.content_type.as_ref().map(HeaderValue::as_bytes);
        let form = Form::read(content_type, copy.bytes()?, copy.ended);
        let preset = &self.recorder.rules().preset;
        if sent.needs_form {
            let step = preset.step_of_form(&sent.head(), form.fields());
            if step != self.reading.step {
                let reading = Arc::make_mut(&mut self.reading);
                reading.step = step;
                match step {
                    Step::SignOut => Step::SIGNED_OUT.clone_into(&mut reading.action),
                    Step::SecondFactor => {
                        "Confirmed second factor".clone_into(&mut reading.action);
                    }
                    Step::SignIn | Step::SignInForm | Step::Ordinary => {}
                }
            } else if let Some(told) = preset.read_form(&sent.head(), form.fields()) {
                let reading = Arc::make_mut(&mut self.reading);
                self.draft.route = Some(told.route.clone());
                self.draft.object.clone_from(&told.object);
                self.draft.polling = told.polling;
                *reading = Reading {
                    request_type: reading.request_type,
                    ..told
                };
            }
        }
        let typed = preset.user_name_in(form.fields())?.trim();
        Some(clip(encode_bytes(typed.as_bytes()), Limits::TEXT).0)
    }

    /// Names whom the resolvers found.
    fn name(&mut self) {
        if self.draft.admin.is_none() && self.identity.admin.is_some() {
            self.draft.admin.clone_from(&self.identity.admin);
            self.draft.admin_name.clone_from(&self.identity.admin_name);
            self.draft.acting_as.clone_from(&self.identity.acting_as);
            self.draft.known_by = self.identity.known_by();
        }
    }

    /// Nobody is named: the panel did not accept who it seemed to be.
    fn unname(&mut self) {
        self.draft.admin = None;
        self.draft.admin_name = None;
        self.draft.acting_as = None;
        self.draft.known_by = KnownBy::None;
    }

    /// A tried name, which is no identity.
    fn attempted(&mut self, typed: Option<&str>) {
        self.unname();
        self.draft.known_by = KnownBy::Attempt;
        // A living session stays as a trace of whose browser it was; any other is nobody's.
        if !self.identity.is_bound() {
            self.draft.session = None;
        }
        self.draft.attempted = typed.map(|typed| {
            let (trunk, rules) = (self.recorder.trunk(), self.recorder.rules());
            let known = trunk.keeper.knows(&rules.panel, typed)
                || self.recorder.memory().knows_basic(&fold(typed));
            let kept =
                admintrail_event::attempted_name(typed, known, rules.attempted_names, &trunk.key);
            clip(kept, Limits::TEXT).0
        });
    }

    /// A name that basic authentication let in is known from now on, after a restart too: a binding
    /// that is over at once, of a credential that nobody has.
    fn remember_basic(&self, user: &str) {
        let (trunk, recorder) = (self.recorder.trunk(), &self.recorder);
        if !recorder.memory().accepted_basic(&fold(user))
            || trunk.keeper.knows(recorder.panel(), user)
        {
            return;
        }
        let credential = recorder.hasher().basic_name(fold(user).as_bytes());
        let now = trunk.now();
        let over = Binding {
            panel: recorder.panel().clone(),
            admin: user.to_owned(),
            admin_name: None,
            session: credential,
            since: now,
            until: Some(now),
            acting_as: None,
        };
        // Nobody waits for it: until it is durable memory knows.
        trunk
            .keeper
            .change(recorder.panel(), credential, Change::Bind(over));
    }

    /// Names the user of a basic authentication, or whom somebody said that this is.
    fn let_in(&mut self, user: String) {
        self.remember_basic(&user);
        let named = self.identity.named.take();
        let named = named.map(|named| (named.admin, named.admin_name));
        let (admin, admin_name) = named.unwrap_or((user, None));
        self.draft.admin = Some(admin);
        self.draft.admin_name = admin_name;
        self.draft.acting_as = None;
        self.draft.known_by = KnownBy::Basic;
    }

    /// Nobody waited for an answer, as with a page that is left; a name and password that were let
    /// in a moment ago tell who it was all the same.
    fn unanswered(&mut self) {
        let (trunk, identity) = (self.recorder.trunk(), &self.identity);
        let memory = self.recorder.memory();
        if identity.source == Source::Basic
            && let Some(proof) = identity.claimed_by
            && memory.was_let_in(&proof, trunk.now())
            && let Some(user) = identity.claimed.clone()
        {
            self.let_in(user);
        }
    }

    /// Takes over what the response told; returns what must be durable before it goes on.
    pub(super) fn learned(&mut self, finding: Finding) -> Vec<Saved> {
        self.denied = finding.denied;
        self.confirmation = finding.confirmation;
        self.sent_to_sign_in = finding.sent_to_sign_in;
        if finding.not_the_step {
            let reading = Arc::make_mut(&mut self.reading);
            reading.step = Step::Ordinary;
            // Where the form made it the step, the head has said something else.
            if [Step::SIGNED_IN, Step::SIGNED_OUT].contains(&reading.action.as_str()) {
                reading.action = format!("Sent {} {}", self.draft.method, reading.route);
            }
        }
        if finding.basic_refused {
            Arc::make_mut(&mut self.reading).step = Step::SignIn;
        }
        self.undecided = !finding.denied && matches!(finding.naming, Naming::Attempt(_));
        match finding.naming {
            Naming::Keep => self.name(),
            Naming::Nobody => self.unname(),
            Naming::Basic(user) => self.let_in(user),
            Naming::Token => {
                if let Some(named) = self.identity.named.take() {
                    self.draft.admin = Some(named.admin);
                    self.draft.admin_name = named.admin_name;
                    self.draft.known_by = KnownBy::Token;
                    self.draft.acting_as = None;
                }
            }
            Naming::Admin {
                admin,
                known_by,
                session,
                acting_as,
            } => {
                self.draft.admin = Some(admin);
                self.draft.admin_name = None;
                self.draft.known_by = known_by;
                self.draft.acting_as = acting_as;
                self.draft.session = Some(session);
                self.draft.attempted = None;
            }
            Naming::Attempt(typed) => self.attempted(typed.as_deref()),
            Naming::RefusedToken(token) => {
                self.unname();
                self.draft.known_by = KnownBy::Attempt;
                // What it is known by, so that somebody can say whose it is.
                self.draft.session = Some(token);
                self.draft.attempted = Some(refused_token(token));
            }
        }
        if let Some(acting_as) = finding.acting_as
            && self.draft.admin.is_some()
        {
            self.draft.acting_as = acting_as;
        }
        finding.saved
    }

    /// What the application says itself wins.
    pub(super) fn declared(&mut self, declared: Declared) {
        let text = |text: String| safe(text, Limits::TEXT).0;
        if let Some(tried) = declared.attempted {
            self.attempted(Some(&tried));
            self.denied = true;
        }
        if let Some(admin) = declared.admin {
            self.draft.admin = Some(text(admin));
            self.draft.admin_name = declared.admin_name.map(text);
            self.draft.known_by = KnownBy::Declared;
        }
        self.draft.session = declared.session.or(self.draft.session);
        self.draft.polling = declared.polling.unwrap_or(self.draft.polling);
        self.draft.object = declared
            .object
            .map(text)
            .or_else(|| self.draft.object.take());
        self.action = declared.action.map(text);
        self.outcome = declared.outcome;
    }

    /// Hands the event over.
    pub(super) fn finish(mut self: Box<Self>, ending: Ending, response_bytes: Option<u64>) {
        self.draft.response_bytes = response_bytes;
        self.duration = Some(self.started.elapsed());
        let waits = self.confirmation.take().zip(Handle::try_current().ok());
        let Some((confirmation, runtime)) = waits else {
            self.hand_over(ending);
            return;
        };
        // Whoever is sent somewhere after a form goes there at once.
        runtime.spawn(async move {
            let patience = self.recorder.trunk().confirmation;
            if let Ok(Ok(accepted)) = timeout(patience, confirmation.told).await {
                self.confirmed(accepted, confirmation.admin, confirmation.session);
            }
            self.hand_over(ending);
        });
    }

    /// The next request with the session told whether the password was right.
    fn confirmed(&mut self, accepted: bool, admin: String, session: SessionHash) {
        self.undecided = false;
        if accepted {
            self.draft.admin = Some(admin);
            self.draft.known_by = KnownBy::Session;
            self.draft.session = Some(session);
            self.draft.attempted = None;
        } else {
            self.denied = true;
            if self.draft.admin.is_some() {
                self.attempted(Some(&admin));
            }
        }
    }

    fn hand_over(&mut self, ending: Ending) {
        self.finished = true;
        if self.draft.status.is_none() {
            self.unanswered();
        }
        let draft = &mut self.draft;
        draft.ending = ending;
        let duration = self.duration.unwrap_or_else(|| self.started.elapsed());
        draft.duration_us = u64::try_from(duration.as_micros()).ok();
        draft.request_bytes = Some(self.watch.as_ref().map_or(0, |watch| watch.received()));
        draft.outcome = match (self.denied, Outcome::of_status(draft.status)) {
            (true, Outcome::Success | Outcome::Failed | Outcome::Denied) => Outcome::Denied,
            (_, by_status) => by_status,
        };
        draft.outcome = self.outcome.unwrap_or(draft.outcome);
        draft.action = match self.action.take() {
            Some(action) => action,
            None => {
                let undecided = self.undecided && draft.outcome == Outcome::Success;
                let sentence = self.recorder.rules().preset.sentence_of(
                    &self.reading,
                    if undecided {
                        Outcome::Unknown
                    } else {
                        draft.outcome
                    },
                    draft.status,
                    self.sent_to_sign_in,
                    draft.attempted.as_deref(),
                );
                clip(sentence, Limits::TEXT).0
            }
        };
        // Strangers, refusals and what is not there teach nothing.
        let answered = draft.outcome == Outcome::Success && draft.status.is_some();
        if answered
            && draft.admin.is_some()
            && !self.undecided
            && self.reading.step == Step::Ordinary
            && !self.reading.by_line
            && !self.reading.asset
        {
            self.recorder.memory().observe(&self.reading.route);
        }
        if ending == Ending::Failed && draft.status.is_some() {
            draft.action = clip(broken_off(&draft.action), Limits::TEXT).0;
        }
        let nothing = Draft::request(draft.id, draft.time, PanelName::own(), "", "");
        let event = std::mem::replace(draft, nothing);
        self.recorder.trunk().close(event);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.finished {
            self.hand_over(Ending::Dropped);
        }
    }
}
