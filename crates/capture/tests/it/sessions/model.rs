//! A panel of random ways, two admins in two browsers, and an attacker: whoever is named is who the
//! panel itself takes the request to be from, or nobody is.

mod panel;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_event::{Kind, Preset};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRng, TestRunner};

use super::*;
use panel::{CookieWay, Model, Ways, ways};

const ADMINS: [&str; 2] = ["olena", "boris"];

const PRESET: &str = r#"
extends = "generic"
[impersonation]
start = ["POST /clients/{client}/login-as"]
stop = ["POST /stop-impersonating"]
as = "client/{client}"
"#;

const PATHS: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/clients"),
    ("GET", "/clients"),
    ("GET", "/clients/7"),
    ("POST", "/clients"),
    ("GET", "/api/items"),
    ("GET", "/about"),
    ("GET", "/settings"),
    ("GET", "/owners"),
    ("GET", "/login"),
];

#[derive(Debug, Clone)]
enum Deed {
    Visit {
        browser: usize,
        path: usize,
    },
    /// Two requests, of which the second goes with the cookies from before the first's answer.
    Burst {
        browser: usize,
        paths: [usize; 2],
    },
    SignIn {
        browser: usize,
        admin: usize,
        right: bool,
        remember: bool,
    },
    Factor {
        browser: usize,
        right: bool,
    },
    SignOut {
        browser: usize,
    },
    ActAs {
        browser: usize,
        client: u32,
    },
    StopActing {
        browser: usize,
    },
    Wait {
        seconds: i64,
    },
    /// The browser is closed: only lasting cookies stay.
    Close {
        browser: usize,
    },
    /// The panel loses its sessions.
    Lose,
    /// An attacker uses a browser's credentials, or made-up ones.
    Steal {
        browser: usize,
        path: usize,
    },
    Guess {
        path: usize,
    },
    /// An attacker plants a cookie: one that the panel gave, or a made-up one.
    Plant {
        browser: usize,
        given: bool,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let browser = || 0..2_usize;
    let path = || 0..PATHS.len();
    prop_oneof![
        24 => (browser(), path()).prop_map(|(browser, path)| Deed::Visit { browser, path }),
        4 => (browser(), [path(), path()]).prop_map(|(browser, paths)| Deed::Burst { browser, paths }),
        8 => (browser(), 0..2_usize, prop::bool::weighted(0.7), any::<bool>()).prop_map(
            |(browser, admin, right, remember)| Deed::SignIn { browser, admin, right, remember }
        ),
        3 => (browser(), prop::bool::weighted(0.7)).prop_map(|(browser, right)| Deed::Factor { browser, right }),
        3 => browser().prop_map(|browser| Deed::SignOut { browser }),
        2 => (browser(), 5..7_u32).prop_map(|(browser, client)| Deed::ActAs { browser, client }),
        1 => browser().prop_map(|browser| Deed::StopActing { browser }),
        3 => prop::sample::select(vec![1_i64, 90, 700, 4_000]).prop_map(|seconds| Deed::Wait { seconds }),
        1 => browser().prop_map(|browser| Deed::Close { browser }),
        1 => Just(Deed::Lose),
        2 => (browser(), path()).prop_map(|(browser, path)| Deed::Steal { browser, path }),
        1 => path().prop_map(|path| Deed::Guess { path }),
        1 => (browser(), any::<bool>()).prop_map(|(browser, given)| Deed::Plant { browser, given }),
    ]
}

/// What a browser holds.
#[derive(Debug, Clone, Default)]
struct Jar {
    cookies: HashMap<String, String>,
    token: Option<String>,
}

impl Jar {
    fn headers(&self) -> Vec<(String, String)> {
        let mut names: Vec<_> = self.cookies.iter().collect();
        names.sort();
        let pairs: Vec<_> = names
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = Vec::new();
        if !pairs.is_empty() {
            headers.push(("cookie".to_owned(), pairs.join("; ")));
        }
        headers.extend(
            self.token
                .iter()
                .map(|token| ("authorization".to_owned(), format!("Bearer {token}"))),
        );
        headers
    }

    fn keep(&mut self, got: &Got) {
        for set in got.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, rest) = set.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&got.body)
            && let Some(token) = body["token"].as_str()
        {
            self.token = Some(token.to_owned());
        }
    }
}

struct Play {
    stand: Stand,
    service: RecordService<Panel>,
    model: Arc<Mutex<Model>>,
    jars: [Jar; 2],
    sent: usize,
}

/// How often somebody known to the panel was named.
#[derive(Debug, Default)]
struct Tally {
    known: AtomicUsize,
    named: AtomicUsize,
    ghosts: AtomicUsize,
}

impl Play {
    async fn of(ways: &Ways) -> Self {
        let stand = Stand::new().await;
        let model = Arc::new(Mutex::new(Model::new(ways.clone(), Arc::clone(&stand.now))));
        let asks = Arc::clone(&model);
        let preset = Arc::new(Preset::parse(PRESET).unwrap());
        let recorder = stand.recorder(|rules| rules.preset = preset);
        Self {
            service: wrap(recorder, panel(move |asked| asks.lock().answer(&asked))),
            stand,
            model,
            jars: [Jar::default(), Jar::default()],
            sent: 0,
        }
    }

    async fn ask(&mut self, jar: &Jar, method: &str, path: &str, form: &str) -> Got {
        let number = format!("n{}", self.sent);
        self.sent += 1;
        let mut headers = jar.headers();
        headers.push(("user-agent".to_owned(), number));
        if !form.is_empty() {
            headers.push((FORM.0.to_owned(), FORM.1.to_owned()));
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let body = if form.is_empty() {
            empty()
        } else {
            full(form.to_owned())
        };
        send(&self.service, request(method, path, &headers, body)).await
    }

    async fn visit(&mut self, browser: usize, method: &str, path: &str, form: &str) {
        let jar = self.jars[browser].clone();
        let got = self.ask(&jar, method, path, form).await;
        self.jars[browser].keep(&got);
    }

    async fn act(&mut self, deed: &Deed) {
        match *deed {
            Deed::Visit { browser, path } => {
                let (method, path) = PATHS[path];
                self.visit(browser, method, path, "").await;
            }
            Deed::Burst { browser, paths } => {
                let before = self.jars[browser].clone();
                for path in paths {
                    let (method, path) = PATHS[path];
                    let got = self.ask(&before, method, path, "").await;
                    self.jars[browser].keep(&got);
                }
            }
            Deed::SignIn {
                browser,
                admin,
                right,
                remember,
            } => {
                let word = if right { "right" } else { "wrong" };
                let remember = u8::from(remember);
                let form = format!(
                    "username={}&password={word}&remember={remember}",
                    ADMINS[admin]
                );
                self.visit(browser, "POST", "/login", &form).await;
            }
            Deed::Factor { browser, right } => {
                let form = if right { "code=right" } else { "code=wrong" };
                self.visit(browser, "POST", "/2fa", form).await;
            }
            Deed::SignOut { browser } => {
                self.visit(browser, "GET", "/logout", "").await;
                self.jars[browser].token = None;
            }
            Deed::ActAs { browser, client } => {
                let path = format!("/clients/{client}/login-as");
                self.visit(browser, "POST", &path, "").await;
            }
            Deed::StopActing { browser } => {
                self.visit(browser, "POST", "/stop-impersonating", "").await;
            }
            Deed::Wait { seconds } => self.stand.advance(seconds),
            Deed::Close { browser } => {
                self.jars[browser].cookies.remove("sessionid");
            }
            Deed::Lose => self.model.lock().lose_sessions(),
            Deed::Steal { browser, path } => {
                let jar = self.jars[browser].clone();
                let (method, path) = PATHS[path];
                self.ask(&jar, method, path, "").await;
            }
            Deed::Guess { path } => {
                let mut jar = Jar::default();
                jar.cookies.insert("sessionid".to_owned(), sid(9_999));
                let (method, path) = PATHS[path];
                self.ask(&jar, method, path, "").await;
            }
            Deed::Plant { browser, given } => {
                let value = if given {
                    self.model.lock().guest_value()
                } else {
                    sid(8_888)
                };
                self.jars[browser]
                    .cookies
                    .insert("sessionid".to_owned(), value);
            }
        }
    }

    /// Holds each event against what the panel thought.
    async fn judge(self, tally: &Tally) -> Result<(), String> {
        let events = self.stand.requests(self.sent).await;
        let model = self.model.lock();
        let told: Vec<String> = events
            .iter()
            .map(|event| {
                let number: usize = event.user_agent.as_deref().unwrap()[1..].parse().unwrap();
                let verdict = &model.verdicts[number];
                let thought = verdict.admin.map(|admin| ADMINS[admin]);
                format!(
                    "  {number} {} -> {:?} {:?}, the panel: {thought:?}",
                    verdict.what, event.status, event.admin
                )
            })
            .collect();
        let told = told.join("\n");
        for event in events {
            assert_eq!(event.kind, Kind::Request);
            let number: usize = event.user_agent.as_deref().unwrap()[1..].parse().unwrap();
            let verdict = &model.verdicts[number];
            let named = event.admin.as_deref();
            let thought = verdict.admin.map(|admin| ADMINS[admin]);
            let ghost = verdict.ghost.map(|admin| ADMINS[admin]);
            if verdict.ordinary && thought.is_some() {
                tally.known.fetch_add(1, Ordering::Relaxed);
                tally
                    .named
                    .fetch_add(usize::from(named.is_some()), Ordering::Relaxed);
            }
            if named.is_some() && named != thought {
                if named != ghost || thought.is_some() {
                    return Err(format!(
                        "request {number} ({}) names {named:?}; the panel took it to be {thought:?} (ghost {ghost:?})\n{told}",
                        verdict.what
                    ));
                }
                tally.ghosts.fetch_add(1, Ordering::Relaxed);
            }
            let acting = event.acting_as.as_deref();
            if acting.is_some() && acting != verdict.acting_as.as_deref() && ghost.is_none() {
                return Err(format!(
                    "request {number} ({}) acts as {acting:?}; the panel took it for {:?}\n{told}",
                    verdict.what, verdict.acting_as
                ));
            }
        }
        Ok(())
    }
}

/// Runs one story; `Err` says who was named wrongly.
fn play(ways: &Ways, deeds: &[Deed], tally: &Tally) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut play = Play::of(ways).await;
        for deed in deeds {
            play.act(deed).await;
        }
        play.judge(tally).await
    })
}

/// The same stories each time, a few for each way of a cookie; `ADMINTRAIL_MODEL_CASES` asks for so
/// many others.
#[test]
fn whoever_is_named_is_who_the_panel_takes_the_request_to_be_from() {
    let cases: Option<u32> = std::env::var("ADMINTRAIL_MODEL_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    for way in [
        CookieWay::Regenerated,
        CookieWay::Kept,
        CookieWay::Rotating,
        CookieWay::Encrypted,
        CookieWay::Token,
    ] {
        let tally = Tally::default();
        let config = Config {
            cases: cases.unwrap_or(24),
            failure_persistence: None,
            max_shrink_iters: 600,
            ..Config::default()
        };
        let mut runner = match cases {
            Some(_) => TestRunner::new(config),
            None => {
                let rng = TestRng::deterministic_rng(config.rng_algorithm);
                TestRunner::new_with_rng(config, rng)
            }
        };
        let stories = (
            ways().prop_filter("that way", move |it| it.cookie == way),
            prop::collection::vec(deed(), 1..60),
        );
        let run = runner.run(&stories, |(ways, deeds)| {
            play(&ways, &deeds, &tally).map_err(TestCaseError::fail)
        });
        let count = |it: &AtomicUsize| it.load(Ordering::Relaxed);
        let (known, named) = (count(&tally.known), count(&tally.named));
        eprintln!(
            "{way:?}: {named} of {known} named, {} after a silent end",
            count(&tally.ghosts)
        );
        match run {
            // Known stories have known figures: whoever names nobody is never wrong.
            Ok(()) if cases.is_none() => {
                assert!(5 * named > known, "{way:?}: {named} of {known} named");
                assert!(
                    4 * count(&tally.ghosts) < known,
                    "{way:?}: after a silent end"
                );
            }
            Ok(()) => {}
            Err(TestError::Fail(why, (ways, deeds))) => {
                let deeds: Vec<_> = deeds.iter().map(|deed| format!("  {deed:?}")).collect();
                panic!("{why}\n{ways:?}\n{}", deeds.join("\n"));
            }
            Err(other) => panic!("{other}"),
        }
    }
}
