//! A small hosting panel to watch: pages, forms, a JSON API, signed in by a cookie.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use super::people::{PEOPLE, Person};
use crate::stop::Stop;

const COOKIE: &str = "northwind_session";

/// Largest form.
const MAX_FORM: usize = 64 * 1024;

/// Who is signed in, by cookie.
#[derive(Default)]
struct Sessions(Mutex<HashMap<String, &'static Person>>);

/// Starts the panel on a port of its own.
pub(super) async fn start(mut stop: Stop) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let sessions = Arc::new(Sessions::default());
    tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(_) => continue,
                },
                () = stop.told() => return,
            };
            let _ = stream.set_nodelay(true);
            let sessions = Arc::clone(&sessions);
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, Arc::clone(&sessions)));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}

async fn answer(
    request: Request<Incoming>,
    sessions: Arc<Sessions>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let cookie = cookie(&head.headers);
    let person = cookie
        .as_deref()
        .and_then(|value| sessions.0.lock().get(value).copied());
    let form = Limited::new(body, MAX_FORM)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let path = head.uri.path().to_owned();
    Ok(match (&head.method, path.as_str(), person) {
        (_, "/static/style.css", _) => with_type(Response::new(Full::from(STYLE)), "text/css"),
        (&Method::GET, "/login", _) => page("Sign in", SIGN_IN_FORM, None),
        (&Method::POST, "/login", _) => sign_in(&form, &sessions),
        (&Method::POST, "/logout", _) => {
            if let Some(value) = cookie {
                sessions.0.lock().remove(&value);
            }
            let mut response = redirect("/login");
            set_cookie(&mut response, &format!("{COOKIE}=; Path=/; Max-Age=0"));
            response
        }
        (_, path, None) if path.starts_with("/api/") => {
            json(StatusCode::UNAUTHORIZED, "{\"error\":\"sign in\"}")
        }
        (_, _, None) => redirect("/login"),
        (method, path, Some(person)) => signed_in(method, path, person),
    })
}

fn signed_in(method: &Method, path: &str, person: &'static Person) -> Response<Full<Bytes>> {
    let owners_only = path == "/admins"
        || path.starts_with("/settings/")
        || path.ends_with("/delete")
        || method == Method::DELETE;
    if owners_only && !person.owner {
        if path.starts_with("/api/") {
            return json(StatusCode::FORBIDDEN, "{\"error\":\"owners only\"}");
        }
        let mut response = page(
            "Owners only",
            "<p>Ask an owner of this panel.</p>",
            Some(person),
        );
        *response.status_mut() = StatusCode::FORBIDDEN;
        return response;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", [""]) => page(
            "Overview",
            "<p>5 servers, 60 customers, all is well.</p>",
            Some(person),
        ),
        ("GET", ["customers"]) => page("Customers", &customers(), Some(person)),
        ("GET", ["customers", id]) if is_customer(id) => {
            page(&format!("Customer {id}"), &customer(id), Some(person))
        }
        ("POST", ["customers", id]) if is_customer(id) => redirect(&format!("/customers/{id}")),
        ("POST", ["customers", id, "delete"]) if is_customer(id) => redirect("/customers"),
        ("GET", ["invoices"]) => page("Invoices", &invoices(), Some(person)),
        ("POST", ["invoices", _, "refund"]) => redirect("/invoices"),
        ("GET", ["settings"]) => page("Settings", SETTINGS, Some(person)),
        ("POST", ["settings", _]) => redirect("/settings"),
        ("GET", ["logs"]) => page(
            "Logs",
            "<pre>web-1 nginx: reloaded\ndb-1 postgres: checkpoint complete</pre>",
            Some(person),
        ),
        ("GET", ["admins"]) => page("Admins", &admins(), Some(person)),
        ("GET", ["api", "v1", "servers"]) => json(
            StatusCode::OK,
            "[{\"id\":\"web-1\"},{\"id\":\"web-2\"},{\"id\":\"db-1\"}]",
        ),
        ("PUT", ["api", "v1", "servers", _]) => json(StatusCode::ACCEPTED, "{\"restarting\":true}"),
        ("DELETE", ["api", "v1", "servers", _]) => {
            json(StatusCode::CONFLICT, "{\"error\":\"server is in use\"}")
        }
        ("GET", ["api", "v1", "load"]) => json(StatusCode::OK, "{\"load\":[0.3,0.4,0.2]}"),
        _ => {
            let mut response = page("Not found", "<p>There is nothing here.</p>", Some(person));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn sign_in(form: &[u8], sessions: &Sessions) -> Response<Full<Bytes>> {
    let field = |name: &str| {
        let text = std::str::from_utf8(form).unwrap_or_default();
        let value = text
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?
            .1;
        Some(
            percent_encoding::percent_decode_str(&value.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned(),
        )
    };
    let (login, password) = (
        field("username").unwrap_or_default(),
        field("password").unwrap_or_default(),
    );
    let mut random = [0; 16];
    let person = PEOPLE
        .iter()
        .find(|person| person.login == login && person.password == password);
    match (person, getrandom::fill(&mut random)) {
        (Some(person), Ok(())) => {
            let value: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            sessions.0.lock().insert(value.clone(), person);
            let mut response = redirect("/");
            set_cookie(
                &mut response,
                &format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax"),
            );
            response
        }
        _ => {
            let body =
                format!("<p class=\"wrong\">User name or password is wrong.</p>{SIGN_IN_FORM}");
            let mut response = page("Sign in", &body, None);
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
    }
}

fn cookie(headers: &http::HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE);
    lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| {
            pair.trim()
                .strip_prefix(COOKIE)?
                .strip_prefix('=')
                .map(str::to_owned)
        })
}

fn set_cookie(response: &mut Response<Full<Bytes>>, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(value) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

fn with_type(mut response: Response<Full<Bytes>>, kind: &'static str) -> Response<Full<Bytes>> {
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn json(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = with_type(Response::new(Full::from(text)), "application/json");
    *response.status_mut() = status;
    response
}

fn page(title: &str, body: &str, person: Option<&Person>) -> Response<Full<Bytes>> {
    let navigation = person.map_or_else(String::new, |person| {
        let links: String = [("/", "Overview"), ("/customers", "Customers"), ("/invoices", "Invoices"), ("/settings", "Settings"), ("/logs", "Logs"), ("/admins", "Admins")]
            .iter()
            .map(|(to, name)| format!("<a href=\"{to}\">{name}</a> "))
            .collect();
        format!("<nav>{links}<form method=\"post\" action=\"/logout\"><button>Sign out {}</button></form></nav>", person.login)
    });
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Northwind Hosting</title><link rel=\"stylesheet\" href=\"/static/style.css\">\
         <header><strong>Northwind Hosting</strong></header>{navigation}<main><h1>{title}</h1>{body}</main></html>"
    );
    with_type(Response::new(Full::from(text)), "text/html; charset=utf-8")
}

fn is_customer(id: &str) -> bool {
    id.parse::<u32>()
        .is_ok_and(|id| (4_700..4_760).contains(&id))
}

fn customers() -> String {
    let rows: String = (4_700..4_760)
        .map(|id| format!("<li><a href=\"/customers/{id}\">Customer {id}</a></li>"))
        .collect();
    format!("<ul class=\"columns\">{rows}</ul>")
}

fn customer(id: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/customers/{id}\"><label>Plan <select name=\"plan\"><option>basic<option>business</select></label> \
         <label>Note <input name=\"note\"></label> <button>Save</button></form>\
         <form method=\"post\" action=\"/customers/{id}/delete\"><button class=\"danger\">Delete</button></form>"
    )
}

fn invoices() -> String {
    let rows: String = (90_000..90_020)
        .map(|id| format!("<li>Invoice {id} <form method=\"post\" action=\"/invoices/{id}/refund\"><button>Refund</button></form></li>"))
        .collect();
    format!("<ul>{rows}</ul>")
}

fn admins() -> String {
    let rows: String = PEOPLE
        .iter()
        .map(|person| {
            format!(
                "<tr><td>{}<td>{}</tr>",
                person.login,
                if person.owner { "owner" } else { "staff" }
            )
        })
        .collect();
    format!("<table><tr><th>Admin<th>Role</tr>{rows}</table>")
}

const SIGN_IN_FORM: &str = "<form method=\"post\" action=\"/login\">\
    <label>User name <input name=\"username\" autocomplete=\"username\" required></label> \
    <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label> \
    <button>Sign in</button></form>\
    <p>Try <code>jonas@northwind.example</code> with <code>first-week-here</code> (staff), or \
    <code>olena@northwind.example</code> with <code>blue-lantern-42</code> (owner).</p>";

const SETTINGS: &str = "<form method=\"post\" action=\"/settings/mail\"><label><input type=\"checkbox\" name=\"enabled\" value=\"1\"> \
    Send mail</label> <button>Save mail</button></form><form method=\"post\" action=\"/settings/backups\">\
    <label><input type=\"checkbox\" name=\"enabled\" value=\"1\"> Nightly backups</label> <button>Save backups</button></form>";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1d2733;background:#f5f7f9}\
    header{background:#16324f;color:#fff;padding:.75rem 1.25rem}nav{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;\
    padding:.5rem 1.25rem;background:#fff;border-bottom:1px solid #d9e0e6}nav form{margin-left:auto}main{padding:1.25rem;max-width:60rem}\
    .columns{columns:4;padding-left:1.2rem}.danger{color:#a3152a}.wrong{color:#a3152a}li form{display:inline}\
    td,th{padding:.25rem 1rem .25rem 0;text-align:left}";
