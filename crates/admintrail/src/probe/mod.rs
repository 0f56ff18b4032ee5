//! Whether a panel answers around Admintrail: only what passes through is on record, so a way around
//! has to be known.
//!
//! Two ways are tried. Where the panel is on this machine, the machine's own addresses are: if the
//! panel answers there as it does on loopback, others may reach it there. And the panel's public
//! address, if the configuration names one: it must lead through the recorder. What leads there is
//! told by a random word in a header ([`Beacon`]), so it counts as closed only if the very request
//! of this check came by. In doubt nothing is said but "unchecked".
//!
//! A firewall between the world and this machine cannot be seen from the machine itself; whoever
//! relies on one says `direct_check = "public"`.

mod ask;
mod beacon;
mod own;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admintrail_event::PanelName;
use admintrail_web::{DirectAccess, DirectAccesses, Reach};
use http::{StatusCode, Uri};

use crate::config::{DirectCheck, Upstream};
use crate::proxy::tls;
use crate::stop::Stop;

use ask::{Answer, Question, ask, connects};
pub(crate) use beacon::Beacon;

/// Between checks while all is well.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// Between checks otherwise, so that what was mended soon reads so.
const SOON: Duration = Duration::from_secs(60);

/// A panel to be checked.
pub(crate) struct Target {
    pub(crate) panel: PanelName,
    pub(crate) upstream: Upstream,
    pub(crate) check: DirectCheck,
    pub(crate) beacon: Beacon,
}

/// Checks a panel now and then, until told to stop.
pub(crate) async fn watch(target: Target, found: Arc<DirectAccesses>, mut stop: Stop) {
    if !target.check.own && !target.check.public {
        let why = "direct_check is off in the configuration.".to_owned();
        found.set(&target.panel, unchecked(why));
        return;
    }
    let mut before = None;
    loop {
        let own = tokio::task::spawn_blocking(own::addresses);
        let looked = async { target.look(&own.await.unwrap_or_default()).await };
        let access = tokio::select! {
            access = looked => access,
            () = stop.told() => return,
        };
        if before != Some(access.reach) {
            say(&target.panel, &access);
        }
        before = Some(access.reach);
        let wait = if access.reach == Reach::Closed {
            EVERY
        } else {
            SOON
        };
        found.set(&target.panel, access);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.told() => return,
        }
    }
}

fn say(panel: &PanelName, access: &DirectAccess) {
    let (reach, why) = (access.reach.shown(), &access.why);
    if access.reach == Reach::Open {
        tracing::warn!(%panel, why, "direct access: {reach}; not everything is recorded");
    } else {
        tracing::info!(%panel, why, "direct access: {reach}");
    }
}

fn closed(why: String) -> DirectAccess {
    let reach = Reach::Closed;
    DirectAccess { reach, why }
}

fn open(why: String) -> DirectAccess {
    let reach = Reach::Open;
    DirectAccess { reach, why }
}

fn unchecked(why: String) -> DirectAccess {
    let reach = Reach::Unchecked;
    DirectAccess { reach, why }
}

impl Target {
    /// One check. `own`: this machine's addresses from which others reach it.
    async fn look(&self, own: &[SocketAddr]) -> DirectAccess {
        let by_own = if self.check.own {
            Some(self.look_at_own(own).await)
        } else {
            None
        };
        let by_public = match &self.check.public_url {
            Some(public) if self.check.public => Some(self.look_at_public(public).await),
            None if !self.check.own => Some(unchecked(
                "direct_check = \"public\" needs a public_url to ask.".to_owned(),
            )),
            _ => None,
        };
        let all: Vec<DirectAccess> = [by_own, by_public].into_iter().flatten().collect();
        let worst = |reach| all.iter().any(|it| it.reach == reach);
        let reach = Reach::ALL.into_iter().find(|reach| worst(*reach));
        let reach = reach.unwrap_or_default();
        let mut why: Vec<&str> = Vec::new();
        for access in all.iter().filter(|it| it.reach == reach) {
            why.push(&access.why);
        }
        let why = why.join(" ");
        DirectAccess { reach, why }
    }

    fn server(&self) -> &str {
        self.upstream.authority.host().trim_matches(['[', ']'])
    }

    /// The panel's own addresses, from this machine.
    async fn upstream(&self) -> Vec<SocketAddr> {
        let found = tokio::net::lookup_host((self.server(), self.upstream.port())).await;
        found.map(Iterator::collect).unwrap_or_default()
    }

    async fn look_at_own(&self, own: &[SocketAddr]) -> DirectAccess {
        let upstream = self.upstream().await;
        let port = self.upstream.port();
        let own: Vec<SocketAddr> = own
            .iter()
            .map(|address| {
                let mut address = *address;
                address.set_port(port);
                address
            })
            .collect();
        let is_here = |it: &SocketAddr| it.ip().is_loopback() || own.contains(it);
        if upstream.is_empty() {
            return unchecked("The panel's address cannot be resolved.".to_owned());
        }
        if !upstream.iter().all(is_here) {
            let why = "The panel is on another machine, and whom that lets in cannot be seen from \
                       here; public_url in the configuration says where to ask.";
            return unchecked(why.to_owned());
        }
        if own.is_empty() {
            return unchecked("This machine's other addresses are not known.".to_owned());
        }
        if connects(&upstream).await.is_none() {
            return unchecked("The panel does not answer.".to_owned());
        }
        let mut odd = None;
        for address in &own {
            match self.look_at(&upstream, *address).await {
                Some(Ok(())) => {
                    return open(format!(
                        "The panel answers on {address} too, so whoever reaches that address gets \
                         past Admintrail, and nothing of it is recorded. Let the panel listen on \
                         127.0.0.1 alone; if a firewall closes port {port}, say direct_check = \
                         \"public\" in the configuration."
                    ));
                }
                Some(Err(cause)) => odd = Some((*address, cause)),
                None => {}
            }
        }
        match odd {
            Some((address, cause)) => unchecked(format!(
                "Something listens on {address}, and whether it is the panel is not clear: {cause}."
            )),
            None => closed(format!(
                "The panel answers on none of this machine's other addresses (port {port})."
            )),
        }
    }

    /// `None`: nobody gets to the panel there. `Ok`: somebody does. Otherwise it cannot be told.
    async fn look_at(
        &self,
        upstream: &[SocketAddr],
        address: SocketAddr,
    ) -> Option<Result<(), String>> {
        let stream = connects(&[address]).await?;
        let question = Question {
            host: self.upstream.authority.as_str(),
            path: "/",
            server: self.server(),
            tls: self.upstream.tls.as_ref(),
            claims_https: false,
        };
        let word = match self.beacon.light() {
            Ok(word) => word,
            Err(cause) => return Some(Err(cause)),
        };
        let answer = ask(stream, &question, Some(&word)).await;
        if self.beacon.put_out() {
            return None;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(cause) => return Some(Err(cause)),
        };
        let itself = match connects(upstream).await {
            Some(stream) => ask(stream, &question, None).await,
            None => Err("the panel does not answer".to_owned()),
        };
        match itself {
            Ok(itself) if itself == answer => Some(Ok(())),
            // The panel, or a web server before it, lets only this machine in.
            Ok(_) if answer.status == StatusCode::FORBIDDEN => None,
            Ok(itself) => Some(Err(differ(&answer, &itself))),
            Err(cause) => Some(Err(cause)),
        }
    }

    async fn look_at_public(&self, public: &Uri) -> DirectAccess {
        match self.ask_public(public).await {
            Ok(None) => closed(format!("{public} leads through Admintrail.")),
            Ok(Some(())) => open(format!(
                "{public} leads to the panel and not through Admintrail, so what comes there is \
                 not recorded. Let the web server before it forward to Admintrail."
            )),
            Err(cause) => unchecked(format!("{public} could not be checked: {cause}.")),
        }
    }

    /// `None`: it leads through the recorder.
    async fn ask_public(&self, public: &Uri) -> Result<Option<()>, String> {
        let authority = public.authority().ok_or("it names no host")?;
        let secure = public.scheme_str() == Some("https");
        let port = authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let tls = match secure {
            true => Some(tls::client(None)?),
            false => None,
        };
        let question = Question {
            host: authority.as_str(),
            server: authority.host().trim_matches(['[', ']']),
            path: public.path_and_query().map_or("/", |path| path.as_str()),
            tls: tls.as_ref(),
            claims_https: false,
        };
        let addresses = tokio::net::lookup_host((question.server, port)).await;
        let addresses: Vec<_> = addresses.map_err(|error| error.to_string())?.collect();
        let stream = connects(&addresses).await.ok_or("nobody answers there")?;
        let word = self.beacon.light()?;
        let answer = ask(stream, &question, Some(&word)).await;
        if self.beacon.put_out() {
            return Ok(None);
        }
        let answer = answer?;
        if answer.is_old {
            return Err("a cache answers there".to_owned());
        }
        let itself = Question {
            server: self.server(),
            tls: self.upstream.tls.as_ref(),
            claims_https: secure,
            ..question
        };
        let stream = connects(&self.upstream().await).await;
        let stream = stream.ok_or("the panel does not answer")?;
        let itself = ask(stream, &itself, None).await?;
        if itself == answer {
            Ok(Some(()))
        } else {
            Err(differ(&answer, &itself))
        }
    }
}

fn differ(answer: &Answer, itself: &Answer) -> String {
    let told = |answer: &Answer| match &answer.leads_to {
        Some(path) => format!("{} to {path}", answer.status.as_u16()),
        None => answer.status.as_u16().to_string(),
    };
    let (answer, itself) = (told(answer), told(itself));
    format!("it answers {answer}, and the panel itself {itself}")
}

#[cfg(test)]
mod tests;
