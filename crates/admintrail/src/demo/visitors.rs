//! Simulated admins who use the sample panel through the proxy, as browsers would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::dice::Dice;
use super::people::{Deed, GUESSES, PEOPLE, Person, SCANNER, STRANGERS, next_deed};
use crate::stop::Stop;

/// Sets everybody to work until told to stop.
pub(super) fn start(proxy: SocketAddr, stop: &Stop) {
    for (number, person) in PEOPLE.iter().enumerate() {
        run(
            work(proxy, person, Dice::new(number as u64 + 11)),
            stop.clone(),
        );
    }
    run(guess(proxy, Dice::new(97)), stop.clone());
}

fn run(task: impl Future<Output = ()> + Send + 'static, mut stop: Stop) {
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            () = stop.told() => {}
        }
    });
}

/// A day's work without an end: sign in, do things, sign out, come back.
async fn work(proxy: SocketAddr, person: &'static Person, mut dice: Dice) {
    loop {
        let home = dice.once_in(5);
        let [office, elsewhere] = person.addresses;
        let mut browser = Browser {
            proxy,
            from: if home { elsewhere } else { office },
            agent: person.agent,
            cookie: None,
        };
        browser.get("/").await;
        browser.get("/login").await;
        browser.get("/static/style.css").await;
        if dice.once_in(6) {
            browser.sign_in(person.login, "wrong-password").await;
            pause(&mut dice, 2_000).await;
        }
        browser.sign_in(person.login, person.password).await;
        browser.get("/").await;
        for _ in 0..8 + dice.below(30) {
            pause(&mut dice, 5_000).await;
            if dice.once_in(4) {
                browser.perform(&Deed::refresh()).await;
            }
            browser.perform(&next_deed(&mut dice)).await;
        }
        browser.request("POST", "/logout", None, Some("")).await;
        pause(&mut dice, 9_000).await;
    }
}

/// Somebody who tries names.
async fn guess(proxy: SocketAddr, mut dice: Dice) {
    loop {
        pause(&mut dice, 40_000).await;
        let from = dice.one_of(STRANGERS).copied().unwrap_or("203.0.113.9");
        let mut browser = Browser {
            proxy,
            from,
            agent: SCANNER,
            cookie: None,
        };
        for _ in 0..1 + dice.below(4) {
            let name = dice.one_of(GUESSES).copied().unwrap_or("root");
            browser.sign_in(name, "123456").await;
            pause(&mut dice, 1_500).await;
        }
        browser.get("/admins").await;
    }
}

async fn pause(dice: &mut Dice, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(300 + dice.below(most_ms))).await;
}

/// As much of a browser as the panel needs.
struct Browser {
    proxy: SocketAddr,
    from: &'static str,
    agent: &'static str,
    cookie: Option<String>,
}

impl Browser {
    async fn get(&mut self, path: &str) {
        self.request("GET", path, None, None).await;
    }

    async fn sign_in(&mut self, login: &str, password: &str) {
        let form = format!(
            "username={}&password={password}",
            login.replace('@', "%40").replace('!', "%21")
        );
        self.request("POST", "/login", None, Some(&form)).await;
    }

    async fn perform(&mut self, deed: &Deed) {
        let body = (deed.method != "GET").then_some(deed.body);
        self.request(deed.method, &deed.path, deed.query, body)
            .await;
    }

    /// One request. A demo that cannot reach its panel shows the 502 in the record, so nothing
    /// is done about errors here.
    async fn request(&mut self, method: &str, path: &str, query: Option<&str>, body: Option<&str>) {
        let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let cookie = self
            .cookie
            .as_ref()
            .map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        let accept = if path.starts_with("/api/") {
            "application/json"
        } else {
            "text/html"
        };
        let body = body.map_or_else(String::new, |body| {
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        });
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: panel.northwind.example\r\nUser-Agent: {agent}\r\nAccept: {accept}\r\n\
             X-Forwarded-For: {from}\r\nX-Forwarded-Proto: https\r\n{cookie}Connection: close\r\n",
            agent = self.agent,
            from = self.from,
        );
        let message = if body.is_empty() {
            format!("{head}\r\n")
        } else {
            format!("{head}{body}")
        };
        if let Ok(answer) = self.exchange(message.as_bytes()).await {
            self.keep_cookie(&answer);
        }
    }

    async fn exchange(&self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.proxy).await?;
        stream.write_all(message).await?;
        let mut answer = Vec::new();
        stream.take(1024 * 1024).read_to_end(&mut answer).await?;
        Ok(answer)
    }

    fn keep_cookie(&mut self, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        let set = text
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("set-cookie")
                    .then(|| value.split(';').next().unwrap_or_default().to_owned())
            });
        match set {
            Some(cookie) if cookie.ends_with('=') => self.cookie = None,
            Some(cookie) => self.cookie = Some(cookie),
            None => {}
        }
    }
}
