//! Places that people name at setup and on the page Integrity, of a server that runs on.

use std::net::SocketAddr;

use super::*;

const PAGE: &str = "/monitoring/integrity";
const ADD: &str = "/monitoring/integrity/anchors";

/// What a browser does with our own pages.
struct Browser {
    pages: SocketAddr,
    cookie: String,
}

/// Head and body.
struct Answer(String, String);

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Self(head.to_owned(), body.to_owned())
    }

    #[track_caller]
    fn is(self, status: u16) -> Self {
        let line = self.0.lines().next().unwrap();
        assert!(
            line.contains(&format!(" {status} ")),
            "{}{}",
            self.0,
            self.1
        );
        self
    }

    fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines().filter_map(|line| line.split_once(": "));
        let found = lines.filter(move |(one, _)| one.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }
}

impl Browser {
    /// At the link that the server printed, with an account, and a place if it is not empty.
    async fn sets_up(server: &Server, place: &str) -> Self {
        let log = server.log();
        let token = log.split("/setup?token=").nth(1).unwrap();
        let token = token.split_whitespace().next().unwrap();
        let mut browser = Self {
            pages: server.pages,
            cookie: String::new(),
        };
        let fields = [
            ("token", token),
            ("email", "olena@example.org"),
            ("name", "Olena"),
            ("password", "correct horse battery"),
            ("identities", ""),
            ("place", place),
        ];
        let answer = browser.posts("/setup", &fields, false).await.is(303);
        let cookies = answer.headers("set-cookie");
        let pairs: Vec<&str> = cookies.filter_map(|one| one.split(';').next()).collect();
        browser.cookie = pairs.join("; ");
        browser
    }

    async fn posts(&self, path: &str, fields: &[(&str, &str)], json: bool) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let accept = if json {
            "application/json"
        } else {
            "text/html"
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: {1}\r\n\
             Accept: {accept}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {2}\r\nConnection: close\r\n\r\n{body}",
            self.pages,
            self.cookie,
            body.len()
        );
        Answer::of(&exchange(self.pages, request.as_bytes()).await)
    }

    async fn page(&self) -> String {
        let request = format!(
            "GET {PAGE} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
            self.pages, self.cookie
        );
        let answer = exchange(self.pages, request.as_bytes()).await;
        Answer::of(&answer).is(200).1
    }

    /// Adds a place. What is answered to a script.
    async fn adds(&self, place: &str) -> Value {
        let answer = self.posts(ADD, &[("place", place)], true).await.is(200);
        serde_json::from_str(&answer.1).unwrap()
    }

    async fn removes(&self, added: &Value) {
        let id = added["id"].as_str().unwrap();
        let path = format!("{ADD}/{id}/remove");
        self.posts(&path, &[], true).await.is(200);
    }
}

/// The key in `whsec_…`, which receivers check signatures with.
fn key_of(added: &Value) -> Vec<u8> {
    let secret = added["secret"].as_str().unwrap();
    STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap()
}

/// As if everything that is known of places had happened so many hours ago.
fn hours_ago(data: &Path, hours: i64) {
    let control = admintrail_store::Control::open(data).unwrap();
    let known = control.setting("anchors").unwrap();
    let mut known: Value = serde_json::from_str(&known).unwrap();
    for place in known["places"].as_array_mut().unwrap() {
        for name in ["since", "kept"] {
            if let Some(at) = place[name].as_i64() {
                place[name] = (at - hours * 3_600_000_000).into();
            }
        }
    }
    let known = known.to_string();
    control.set_setting("anchors", Some(&known)).wait().unwrap();
    control.close();
}

#[tokio::test]
async fn a_file_that_is_named_at_setup_has_a_checkpoint_without_a_restart_and_keeps_getting_them() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let options = options(&panel, "");
    let mut server = Server::on(&place.data(), &options);
    assert!(server.log().contains("No anchor outside this machine yet"));
    let path = place.file().display().to_string();
    let browser = Browser::sets_up(&server, &path).await;
    let note = there(&place.file()).await;
    use_panel(&server).await;
    until("the page says so", || async {
        let page = browser.page().await;
        page.contains(&format!(
            "data-anchor=\"{path}\" data-anchor-state=\"kept\""
        ))
        .then_some(())
    })
    .await;
    let (code, found) = report(&place.data(), &["--anchor", &path]);
    assert_eq!(
        (code, found["state"].as_str()),
        (0, Some("intact")),
        "{found}"
    );
    // The file of the page is an anchor by itself, with its log.
    let (code, found) = report(&place.data(), &[]);
    assert_eq!((code, states(&found)), (0, vec!["good", "good"]), "{found}");
    assert_eq!(found["anchors"][0]["place"], path.as_str());

    // Over a restart it is the same place, and not due yet; then it is.
    server.stop();
    let mut server = Server::on(&place.data(), &options);
    assert!(
        !server.log().contains("No anchor outside"),
        "{}",
        server.log()
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(fs::read(place.file()).unwrap(), note);
    server.stop();
    hours_ago(&place.data(), 1);
    let mut server = Server::on(&place.data(), &options);
    until("it gets the next one", || async {
        (fs::read(place.file()).unwrap() != note).then_some(())
    })
    .await;
    assert_eq!(report(&place.data(), &[]).0, 0);
    server.stop();
    // What is missing there is missed.
    fs::remove_file(place.file()).unwrap();
    let (code, found) = report(&place.data(), &[]);
    assert_eq!(
        (code, states(&found)),
        (4, vec!["missing", "good"]),
        "{found}"
    );
}

#[tokio::test]
async fn a_receiver_of_the_page_gets_signed_checkpoints_until_it_is_removed() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let receiver = Panel::fine().await;
    let options = options(&panel, "[ledger]\nanchor_webhook_network = \"any\"");
    let mut server = Server::on(&place.data(), &options);
    let mut browser = Browser::sets_up(&server, "").await;
    let asked = "<b>Where else may proof be kept?</b>";
    assert!(browser.page().await.contains(asked));
    use_panel(&server).await;
    let added = browser
        .adds(&format!("http://{}/hooks/canary", receiver.address))
        .await;
    let posted = until("it is posted", || async { receiver.seen().pop() }).await;
    assert!(posted.line().starts_with("POST /hooks/canary "));
    assert!(is_signed(&posted, &key_of(&added)), "{}", posted.text());
    let json: Value = serde_json::from_slice(&posted.body).unwrap();
    let kept = place.outside.path().join("posted.json");
    fs::write(&kept, posted.body).unwrap();
    let (code, found) = report(&place.data(), &["--anchor", &kept.display().to_string()]);
    assert_eq!((code, states(&found)), (0, vec!["good"]), "{found}");
    assert!(json["size"].as_u64().unwrap() > 0);
    assert!(!browser.page().await.contains(asked));

    // Neither kill nor restart sends twice, and the secret stays the same.
    server.kill();
    let mut server = Server::on(&place.data(), &options);
    browser.pages = server.pages;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.seen().len(), 1);
    server.stop();
    hours_ago(&place.data(), 1);
    let mut server = Server::on(&place.data(), &options);
    browser.pages = server.pages;
    until("the next one", || async { receiver.seen().get(1).cloned() }).await;
    assert!(is_signed(&receiver.seen()[1], &key_of(&added)));

    browser.removes(&added).await;
    server.stop();
    hours_ago(&place.data(), 2);
    let server = Server::on(&place.data(), &options);
    browser.pages = server.pages;
    // One that is added then gets its own at once, and the removed one nothing.
    browser.adds(&place.file().display().to_string()).await;
    there(&place.file()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.seen().len(), 2);
    assert!(browser.page().await.contains("data-anchor-state=\"kept\""));
    let log = server.log();
    assert!(!log.contains("canary") && !log.contains("whsec_"), "{log}");
    let said = server
        .command(&["query", "panel:admintrail path:/monitoring", "--json"])
        .run()
        .ok();
    assert!(said.contains("anchor/webhook/127.0.0.1"), "{said}");
    assert!(
        !said.contains("canary") && !said.contains("whsec_"),
        "{said}"
    );
}

#[tokio::test]
async fn removed_while_it_is_asked_again_and_again_nothing_more_is_sent() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let refusing = Panel::says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
    let options = options(&panel, "[ledger]\nanchor_webhook_network = \"any\"");
    let server = Server::on(&place.data(), &options);
    let browser = Browser::sets_up(&server, "").await;
    let added = browser.adds(&format!("http://{}/", refusing.address)).await;
    until("it is tried", || async { refusing.seen().pop() }).await;
    until("the page says why", || async {
        let page = browser.page().await;
        page.contains("it answers 503 Service Unavailable")
            .then_some(())
    })
    .await;
    browser.removes(&added).await;
    let tried = refusing.seen().len();
    // It would be tried again after five seconds.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(refusing.seen().len(), tried);
}

#[tokio::test]
async fn nobody_reaches_into_ones_own_network_by_the_page_unless_the_configuration_lets_them() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let receiver = Panel::fine().await;
    let options = options(&panel, "");
    let mut server = Server::on(&place.data(), &options);
    let mut browser = Browser::sets_up(&server, "").await;
    for address in [
        format!("http://{}/", receiver.address),
        format!("https://{}/", receiver.address),
        "https://localhost/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        browser
            .posts(ADD, &[("place", &address)], true)
            .await
            .is(422);
    }
    server.stop();
    // What was allowed once is not any more.
    let allowed = super::options(&panel, "[ledger]\nanchor_webhook_network = \"any\"");
    let mut server = Server::on(&place.data(), &allowed);
    browser.pages = server.pages;
    let port = receiver.address.port();
    browser.adds(&format!("https://localhost:{port}/")).await;
    browser.adds(&format!("http://localhost:{port}/")).await;
    until("one of them gets one", || async { receiver.seen().pop() }).await;
    server.stop();
    hours_ago(&place.data(), 1);
    let before = receiver.seen().len();
    let server = Server::on(&place.data(), &options);
    browser.pages = server.pages;
    until("both are refused", || async {
        let page = browser.page().await;
        let network = page.contains("in this machine&#39;s own network");
        (network && page.contains("it is not encrypted")).then_some(())
    })
    .await;
    assert_eq!(receiver.seen().len(), before);
    drop(server);
}

#[tokio::test]
async fn a_mailbox_of_the_page_gets_one_a_day_by_the_mail_server_of_the_alerts() {
    let Some(mail) = Smtp::start(None) else {
        return;
    };
    let (panel, place) = (Panel::fine().await, Place::new());
    let alerts = format!(
        "[alerts]\nemail = {{ to = [\"ops@example.org\"], from = \"trail@example.org\", \
         smtp = \"smtp://127.0.0.1:{}\" }}",
        mail.port
    );
    let with_mail = options(&panel, &alerts);
    let mut server = Server::on(&place.data(), &with_mail);
    let mut browser = Browser::sets_up(&server, "law@example.org").await;
    let sent = mail.mails_when(1).await.remove(0);
    assert_eq!(sent["recipients"], serde_json::json!(["law@example.org"]));
    server.stop();
    hours_ago(&place.data(), 23);
    let mut server = Server::on(&place.data(), &with_mail);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(mail.mails().len(), 1, "it is not due");
    server.stop();
    hours_ago(&place.data(), 1);
    // The configuration has no mail server any more.
    let server = Server::on(&place.data(), &options(&panel, ""));
    browser.pages = server.pages;
    until("the page says why", || async {
        let page = browser.page().await;
        page.contains("it needs a mail server").then_some(())
    })
    .await;
    let refused = browser.posts(ADD, &[("place", "two@example.org")], true);
    assert!(refused.await.is(422).1.contains("needs a mail server"));
    assert_eq!(mail.mails().len(), 1);
    assert!(!server.log().contains("law@"), "{}", server.log());
}

#[tokio::test]
async fn a_place_that_fails_for_two_intervals_is_an_alert_until_it_works() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let receiver = Panel::fine().await;
    let alerts = format!(
        "[alerts]\nwebhook = \"http://{}/\"\nwebhook_network = \"any\"",
        receiver.address
    );
    let options = options(&panel, &alerts);
    let mut server = Server::on(&place.data(), &options);
    let folder = place.outside.path().join("not/mounted");
    let path = folder.join("admintrail.checkpoint");
    let browser = Browser::sets_up(&server, &path.display().to_string()).await;
    until("it fails", || async {
        let page = browser.page().await;
        page.contains("perhaps its disk is not mounted")
            .then_some(())
    })
    .await;
    server.stop();
    hours_ago(&place.data(), 3);
    let mut server = Server::on(&place.data(), &options);
    let told = |what: &str| {
        let seen = receiver.seen();
        let mut all = seen.iter().map(|one| {
            let json: Value = serde_json::from_slice(&one.body).unwrap();
            format!(
                "{} {}: {json}",
                json["event"].as_str()?,
                json["condition"].as_str()?
            )
            .into()
        });
        all.find_map(|one: Option<String>| one.filter(|one| one.starts_with(what)))
    };
    // Two minutes, so that a server after a long stop has time to send one. Nobody can wait less for
    // it: what is not told yet is found anew after a restart.
    let raised = within(Duration::from_secs(200), "it is raised", || {
        told("raised anchor_stale")
    });
    let raised = raised.await;
    assert!(raised.contains(&path.display().to_string()), "{raised}");
    assert!(
        raised.contains("perhaps its disk is not mounted"),
        "{raised}"
    );
    let ready = b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let ready = Answer::of(&exchange(server.pages, ready).await).is(200);
    let condition = "\"condition\":\"anchor_stale\"";
    assert!(ready.1.contains(condition), "{}", ready.1);

    // The disk comes, and with it the end, over a restart.
    fs::create_dir_all(&folder).unwrap();
    server.stop();
    let server = Server::on(&place.data(), &options);
    there(&path).await;
    within(Duration::from_secs(90), "it is over", || {
        told("resolved anchor_stale")
    })
    .await;
    drop(server);
}

/// As [`until`], for what takes its time.
async fn within<T>(limit: Duration, what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        let is_late = std::time::Instant::now() > deadline;
        assert!(!is_late, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
