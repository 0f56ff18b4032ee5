//! Who is to be erased, and what that makes of an event.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use admintrail_event::{PanelName, fold, folded, is_common_name};
use serde::{Deserialize, Serialize};

use super::mentions::{Mentions, Reading};
use crate::columns::Fields;

/// Whoever has fewer letters before the @ is not looked for by them.
const SHORTEST_NAME: usize = 3;

/// Our own pages where people are erased.
const ERASURES: &str = "/settings/erasure";

/// What stands before a search in the object of our own event of it.
const SEARCHED: &str = "filter/";

/// What stands before a name in sentences of ours.
const SAID_OF: &[&str] = &[" as ", "(was ", " user "];

/// Everything by which the trail knows a person. It is collected before the first event is rewritten,
/// and kept until the last one is: afterwards nothing of it could be found any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Folded.
    id: String,
    pub(crate) pseudonym: String,
    /// Names that were shown for the id, folded.
    names: BTreeSet<String>,
    sessions: BTreeSet<[u8; 16]>,
    /// Addresses with the agents that came from there.
    clients: BTreeMap<[u8; 16], BTreeSet<Option<String>>>,
    #[serde(skip)]
    mentions: Option<ByWhom>,
}

/// What to look for in the texts of an event, by whom it is.
#[derive(Debug, Clone)]
struct ByWhom {
    /// On any panel, whoever made it: what is nobody else's.
    anyone: Mentions,
    /// The person itself: names that are no words of every panel, too.
    person: Mentions,
    /// What was asked of our own pages, where names are what people look for.
    on_own_pages: Mentions,
}

/// What becomes of the fields of one event; what is not said stays.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    admin: bool,
    attempted: bool,
    acting_as: bool,
    client: bool,
    sizes: bool,
    path: Option<String>,
    query: Option<String>,
    route: Option<String>,
    action: Option<String>,
    object: Option<String>,
}

impl Changes {
    const fn are_none(&self) -> bool {
        !(self.admin || self.attempted || self.acting_as || self.client || self.sizes)
            && self.path.is_none()
            && self.query.is_none()
            && self.route.is_none()
            && self.action.is_none()
            && self.object.is_none()
    }
}

impl Person {
    pub(crate) fn new(id: &str, pseudonym: &str) -> Self {
        Self {
            id: fold(id),
            pseudonym: pseudonym.to_owned(),
            names: BTreeSet::new(),
            sessions: BTreeSet::new(),
            clients: BTreeMap::new(),
            mentions: None,
        }
    }

    /// Whether this is the person's id.
    pub(crate) fn is(&self, id: &str) -> bool {
        folded(id) == self.id
    }

    /// Takes in by what else an event of the person would be known.
    pub(crate) fn learn(&mut self, fields: &Fields<'_>) {
        if !fields.admin.is_some_and(|admin| self.is(admin)) {
            return;
        }
        if let Some(name) = fields.admin_name {
            let name = folded(name);
            if !self.names.contains(&*name) {
                self.names.insert(name.into_owned());
            }
        }
        self.sessions.extend(fields.session);
        if let Some(ip) = fields.ip {
            let agents = self.clients.entry(ip).or_default();
            if !agents
                .iter()
                .any(|known| known.as_deref() == fields.user_agent)
            {
                agents.insert(fields.user_agent.map(str::to_owned));
            }
        }
    }

    /// Says that everything is known; from then on events can be looked at.
    pub(crate) fn is_complete(&mut self) {
        let local = self.id.split('@').next();
        let local = local.filter(|local| local.chars().count() >= SHORTEST_NAME);
        let names = self.names.iter().map(String::as_str);
        // A name in the pseudonym itself would be replaced again and again.
        let in_pseudonym = |name: &&str| self.pseudonym.contains(*name);
        let all: Vec<&str> = [&*self.id]
            .into_iter()
            .chain(names)
            .chain(local)
            .filter(|name| !in_pseudonym(name))
            .collect();
        let telling = all.iter().copied().filter(|name| !is_common_name(name));
        self.mentions = Some(ByWhom {
            anyone: Mentions::of(self.id.contains('@').then_some(&*self.id)),
            person: Mentions::of(telling),
            on_own_pages: Mentions::of(all),
        });
    }

    /// What an erasure makes of an event; `None` if nothing of the person is in it.
    pub(crate) fn changes(&self, fields: &Fields<'_>) -> Option<Changes> {
        let mut changes = Changes::default();
        let is = |id: Option<&str>| id.is_some_and(|id| self.is(id));
        changes.admin = is(fields.admin);
        changes.attempted = is(fields.attempted);
        changes.acting_as = is(fields.acting_as);
        changes.client = self.is_client(fields, &changes);
        changes.sizes = tells_by_size(fields, &changes);
        self.find_mentions(fields, &mut changes);
        (!changes.are_none()).then_some(changes)
    }

    /// Whether address and agent are the person's: of its own events, and of those that nobody's name
    /// is on, but the person's session or browser is. Of a try under the person's name one of the two
    /// is enough.
    fn is_client(&self, fields: &Fields<'_>, changes: &Changes) -> bool {
        let shows = fields.ip.is_some()
            || fields
                .user_agent
                .is_some_and(|agent| agent != self.pseudonym);
        if !shows || changes.admin {
            return shows && changes.admin;
        }
        if fields.admin.is_some() {
            return false;
        }
        let uses = |agents: &BTreeSet<Option<String>>| {
            let mut agents = agents.iter();
            agents.any(|known| known.as_deref() == fields.user_agent)
        };
        let from = fields.ip.and_then(|ip| self.clients.get(&ip));
        let in_session = fields.session.is_some_and(|of| self.sessions.contains(&of));
        let by_either = || {
            let agent = fields.user_agent.is_some();
            from.is_some() || (agent && self.clients.values().any(uses))
        };
        in_session || from.is_some_and(uses) || (changes.attempted && by_either())
    }

    fn find_mentions(&self, fields: &Fields<'_>, changes: &mut Changes) {
        let Some(look) = &self.mentions else {
            return;
        };
        let own = fields.panel == PanelName::OWN;
        // What our own pages are called is nobody's name.
        let paths = if changes.admin && !own {
            &look.person
        } else {
            &look.anyone
        };
        let (queries, reading) = match (own, changes.admin) {
            (true, _) => (&look.on_own_pages, Reading::Searches),
            (false, true) => (&look.person, Reading::Form),
            (false, false) => (&look.anyone, Reading::Form),
        };
        let in_path = |text: Option<&str>| paths.replaced(text?, &self.pseudonym, Reading::Path);
        changes.query = fields
            .query
            .and_then(|query| queries.replaced(query, &self.pseudonym, reading));
        changes.path = in_path(Some(fields.path));
        changes.route = in_path(fields.route);
        changes.object = in_path(fields.object).or_else(|| {
            // What was searched for at the shell stands there as it was typed.
            let searched = fields.object.filter(|_| own)?.strip_prefix(SEARCHED)?;
            let names = &look.on_own_pages;
            let replaced = names.replaced(searched, &self.pseudonym, Reading::Search)?;
            Some(format!("{SEARCHED}{replaced}"))
        });
        // It is made of the route where that has a name.
        let made_of_it = changes.admin || changes.path.is_some() || changes.object.is_some();
        let action = if made_of_it { paths } else { &look.anyone };
        changes.action = action
            .replaced(fields.action, &self.pseudonym, Reading::Plain)
            .or_else(|| (own || changes.attempted).then(|| self.renamed_in(fields.action))?);
    }

    /// A sentence of ours that ends with whom it is about (`Failed sign-in as root`), if that is the
    /// person. Anywhere else the id may be a word like any other.
    fn renamed_in(&self, action: &str) -> Option<String> {
        SAID_OF.iter().find_map(|before| {
            let (start, rest) = action.rsplit_once(before)?;
            let name = rest.get(..self.id.len()).filter(|name| self.is(name))?;
            let after = rest.get(name.len()..)?;
            let ends = after.is_empty() || after.starts_with([' ', ')']);
            ends.then(|| format!("{start}{before}{}{after}", self.pseudonym))
        })
    }

    /// The event with its changes.
    pub(crate) fn applied<'a>(&'a self, fields: &Fields<'a>, changes: &'a Changes) -> Fields<'a> {
        let mut fields = *fields;
        let pseudonym = Some(&*self.pseudonym);
        if changes.admin {
            fields.admin = pseudonym;
            fields.admin_name = fields.admin_name.and(pseudonym);
        }
        if changes.attempted {
            fields.attempted = pseudonym;
        }
        if changes.acting_as {
            fields.acting_as = pseudonym;
        }
        if changes.client {
            fields.ip = None;
            fields.user_agent = fields.user_agent.and(pseudonym);
            fields.agent_bytes = None;
        }
        if changes.sizes {
            (fields.request_bytes, fields.response_bytes) = (None, None);
        }
        if let Some(path) = &changes.path {
            fields.path = path;
            fields.path_bytes = None;
        }
        if let Some(query) = &changes.query {
            fields.query = Some(query);
            fields.query_bytes = None;
        }
        fields.route = changes.route.as_deref().or(fields.route);
        fields.action = changes.action.as_deref().unwrap_or(fields.action);
        fields.object = changes.object.as_deref().or(fields.object);
        fields
    }
}

/// Whether how much was sent and answered tells how long the name was: forms of a sign-in and of an
/// erasure have it, and so have pages that greet whoever signed in.
fn tells_by_size(fields: &Fields<'_>, changes: &Changes) -> bool {
    let about = changes.admin
        || changes.attempted
        || (fields.panel == PanelName::OWN && fields.path.starts_with(ERASURES));
    about && (fields.request_bytes.is_some() || fields.response_bytes.is_some())
}

/// A text without a person's id in it: the pseudonym stands wherever it did.
#[must_use]
pub fn without(text: &str, id: &str, pseudonym: &str) -> String {
    let mentions = Mentions::of([&*fold(id)]);
    let replaced = mentions.replaced(text, pseudonym, Reading::Plain);
    replaced
        .map_or(Cow::Borrowed(text), Cow::Owned)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::Person;

    #[test]
    fn a_sentence_that_says_whom_it_is_about_says_the_pseudonym() {
        let person = Person::new("jdoe", "erased-7f3a");
        for (action, expected) in [
            ("Failed sign-in as JDoe", "Failed sign-in as erased-7f3a"),
            (
                "Named user ci of billing as jdoe (was tom)",
                "Named user ci of billing as erased-7f3a (was tom)",
            ),
            (
                "Unnamed token 77f0a1b2 of billing (was jdoe)",
                "Unnamed token 77f0a1b2 of billing (was erased-7f3a)",
            ),
            (
                "Unnamed user jdoe of billing (was tom)",
                "Unnamed user erased-7f3a of billing (was tom)",
            ),
        ] {
            assert_eq!(person.renamed_in(action).as_deref(), Some(expected));
        }
        for action in [
            "Failed sign-in as jdoes",
            "Viewed jdoe",
            "Signed in",
            " as ",
        ] {
            assert_eq!(person.renamed_in(action), None, "{action}");
        }
    }
}
