//! What requests mean, preset by preset, and how mistakes in a preset are told.

use std::fmt::Write as _;
use std::sync::Arc;

use admintrail_event::{
    Impersonation, Learned, Outcome, Preset, Reading, RequestHead, RequestType, Step,
};
use proptest::prelude::*;

fn preset(name: &str) -> Arc<Preset> {
    Preset::built_in(name).unwrap()
}

fn head<'a>(method: &'a str, target: &'a str) -> RequestHead<'a> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    RequestHead::new(method, path, query)
}

fn read(preset: &Preset, request: &str) -> Reading {
    let (method, target) = request.split_once(' ').unwrap();
    preset.read(&head(method, target))
}

/// One line a request: what it is, where, and on what.
fn told(preset: &Preset, requests: &[&str]) -> String {
    let mut all = String::new();
    for request in requests {
        let reading = read(preset, request);
        let mut marks = vec![reading.request_type.as_str().to_owned()];
        if reading.step != Step::Ordinary {
            marks.push(format!("{:?}", reading.step));
        }
        if reading.asset {
            marks.push("asset".to_owned());
        }
        let marks = marks.join(" ");
        write!(
            all,
            "{request}\n  {}  [{marks}]  {}",
            reading.action, reading.route
        )
        .unwrap();
        if let Some(object) = reading.object {
            write!(all, "  -> {object}").unwrap();
        }
        if let Some(again) = reading.if_200 {
            write!(all, "\n  200: {again}").unwrap();
        }
        all.push('\n');
    }
    all
}

#[test]
fn every_compiled_in_preset_parses_and_says_what_it_is_for() {
    for name in Preset::BUILT_IN {
        assert!(!preset(name).about().is_empty(), "{name}");
    }
    assert!(Preset::built_in("nonsense").is_none());
    // Why one does not parse, if it should not.
    for name in Preset::BUILT_IN {
        let path = format!("{}/../../presets/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        Preset::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    }
}

#[test]
fn requests_to_any_panel_read_as_sentences() {
    insta::assert_snapshot!(told(
        &preset("generic"),
        &[
            "GET /",
            "POST /",
            "GET /admin/",
            "GET /client/4711",
            "GET /clients",
            "GET /clients/",
            "GET /dashboard",
            "GET /settings",
            "GET /monitoring/admin-sessions",
            "POST /clients",
            "POST /client/4711",
            "POST /client/4711/notes",
            "POST /client/4711/suspend",
            "POST /invoices/export",
            "POST /client/4711/edit",
            "GET /client/4711/edit",
            "GET /clients/new",
            "POST /client/4711/delete",
            "PUT /admin/api/settings/mail",
            "PATCH /api/v1/clients/4711",
            "DELETE /api/v2/clients/3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11",
            "DELETE /companies/01ARZ3NDEKTSV4RRFFQ69G5FAV/addresses/5",
            "GET /client/4711.json",
            "GET /users.php?id=5",
            "GET /users/olena@example.org/roles",
            "HEAD /clients",
            "OPTIONS /api/clients",
            "PROPFIND /files",
            "GET /4711",
            "GET /api/v1/",
            "GET /static/app.css",
            "GET /logo.SVG?v=2",
            "GET /über/uns%20hier",
            "GET /a%0d%0ab/%e2%80%ae5",
        ]
    ));
}

#[test]
fn signing_in_and_out_of_any_panel_is_seen() {
    insta::assert_snapshot!(told(
        &preset("generic"),
        &[
            "GET /login",
            "POST /login",
            "POST /login.php",
            "POST /wp-login.php",
            "POST /dologin",
            "POST /admin/sign_in",
            "POST /users/sign-in/",
            "POST /auth",
            "POST /api/auth",
            "POST /api/session",
            "POST /api/v1/sessions",
            "POST /login/check",
            "POST /auth/login",
            "POST /api/auth/local",
            "POST /j_spring_security_check",
            "GET /auth",
            "GET /session/new",
            "POST /2fa",
            "GET /login/two-factor",
            "POST /otp",
            "GET /logout",
            "POST /users/sign_out",
            "DELETE /session",
            // These only look so.
            "POST /auth/user/5",
            "POST /auth/users",
            "POST /api/authors",
            "GET /api/session",
            "GET /sessions",
            "DELETE /sessions/5",
            "GET /login-history",
            "POST /login_attempts/clear",
            "GET /css/login.css",
            "POST /signing-keys",
            "GET /blogindex",
        ]
    ));
}

#[test]
fn the_admin_site_of_django_reads_as_sentences() {
    insta::assert_snapshot!(told(
        &preset("django-admin"),
        &[
            "GET /admin/",
            "GET /admin/login/?next=/admin/",
            "POST /admin/login/?next=/admin/",
            "POST /admin/logout/",
            "GET /admin/logout/",
            "GET /admin/auth/",
            "GET /admin/auth/user/",
            "GET /admin/auth/user/?q=olena&p=2",
            "POST /admin/auth/user/?q=olena",
            "GET /admin/auth/user/add/",
            "POST /admin/auth/user/add/",
            "GET /admin/auth/user/5/change/",
            "POST /admin/auth/user/5/change/?_changelist_filters=q%3D1",
            "GET /admin/auth/user/5/delete/",
            "POST /admin/auth/user/5/delete/",
            "GET /admin/auth/user/5/history/",
            "GET /admin/auth/user/5/password/",
            "POST /admin/auth/user/5/password/",
            "GET /admin/auth/user/5/",
            "POST /admin/shop/category/3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11/change/",
            "POST /admin/shop/tag/a_2Fb/change/",
            "GET /admin/password_change/",
            "POST /admin/password_change/",
            "GET /admin/password_change/done/",
            "GET /admin/jsi18n/",
            "GET /admin/autocomplete/?app_label=auth&term=ol",
            "GET /admin/r/4/17/",
            "GET /admin/doc/models/",
            "GET /static/admin/css/base.css",
            // Mounted elsewhere, or below a language.
            "GET /backoffice/auth/user/5/change/",
            "POST /backoffice/login/",
            "POST /de/admin/auth/group/2/delete/",
            "GET /de/admin/auth/group/",
            // Not the admin site.
            "GET /shop/cart/",
            "GET /api/orders/7/",
            "POST /accounts/reset/MQ/set-password/",
        ]
    ));
}

#[test]
fn learned_names_read_as_ids_unless_a_line_says_otherwise() {
    let generic = preset("generic");
    let learned = Learned::of_places(["/admin/articles", "/users"]);
    let tell = |preset: &Preset, request: &str| {
        let (method, target) = request.split_once(' ').unwrap();
        let reading = preset.read_with(&head(method, target), &learned);
        let object = reading.object.as_deref().unwrap_or("-");
        format!("{} | {} | {object}", reading.action, reading.route)
    };
    for (request, expected) in [
        (
            "GET /admin/articles/hello-world",
            "Viewed article hello-world | /admin/articles/{id} | article/hello-world",
        ),
        (
            "PUT /admin/articles/hello-world.json",
            "Changed article hello-world | /admin/articles/{id}.json | article/hello-world",
        ),
        (
            "POST /admin/articles/hello-world/publish",
            "Ran publish on article hello-world | /admin/articles/{id}/publish | article/hello-world",
        ),
        (
            "DELETE /users/ol%65na",
            "Deleted user olena | /users/{id} | user/olena",
        ),
        ("GET /users/new", "Viewed form of new user | /users/new | -"),
        (
            "GET /users/export",
            "Viewed users/export | /users/export | -",
        ),
        ("GET /users/42", "Viewed user 42 | /users/{id} | user/42"),
        (
            "GET /reset/token/abcdefgh12345678/users/olena",
            "Viewed users/olena of token [redacted] | /reset/token/{secret}/users/olena | token/[redacted]",
        ),
    ] {
        assert_eq!(tell(&generic, request), expected, "{request}");
    }
    let before = generic.read(&head("GET", "/users/olena")).route;
    let reading = generic.read_with(&head("GET", "/users/olena"), &learned);
    assert_eq!(reading.unlearned_route(), before);
    let own = Preset::parse(
        "extends = \"generic\"\n[[route]]\nmatch = \"GET /users/{+team}\"\naction = \"Viewed {team}\"",
    )
    .unwrap();
    assert_eq!(
        tell(&own, "GET /users/olena"),
        "Viewed olena | /users/olena | -"
    );
}

#[test]
fn puqcloud_reads_as_sentences() {
    insta::assert_snapshot!(told(
        &preset("puqcloud"),
        &[
            "GET /admin/login",
            "POST /admin/login",
            "GET /admin/api/logout",
            "GET /admin",
            "GET /admin/api/my_account/bell_notification",
            "GET /admin/api/my_account/bell_notification/mark_all_read",
            "GET /admin/clients",
            "GET /admin/api/clients?length=10",
            "GET /admin/api/clients/select?search=ol",
            "GET /admin/client/create",
            "POST /admin/api/client",
            "GET /admin/client/9d2f1c3a-5b6e-4f70-8a91-b2c3d4e5f607",
            "GET /admin/client/9d2f1c3a-5b6e-4f70-8a91-b2c3d4e5f607/invoices",
            "GET /admin/api/client/9d2f1c3a-5b6e-4f70-8a91-b2c3d4e5f607",
            "PUT /admin/api/client/9d2f1c3a-5b6e-4f70-8a91-b2c3d4e5f607",
            "DELETE /admin/api/client/9d2f1c3a-5b6e-4f70-8a91-b2c3d4e5f607",
            "POST /admin/api/client/4711/address",
            "DELETE /admin/api/client/4711/user/12",
            "GET /admin/client/4711/login_as_client_owner",
            "GET /admin/client/4711/return_to_admin",
            "GET /admin/admins",
            "POST /admin/api/admin",
            "PUT /admin/api/admin/7",
            "DELETE /admin/api/group/3",
            "PUT /admin/api/service/88/status",
            "POST /admin/api/service/88/action",
            "PUT /admin/api/product/5/price",
            "POST /admin/api/invoice/1001/make_refund",
            "PUT /admin/api/invoice/1001/publish",
            "GET /admin/dns_zones",
            "POST /admin/api/dns_zone/12/dns_record",
            "DELETE /admin/api/dns_zone/12/dns_record/9",
            "GET /admin/api/dns_zone/12/reload",
            "GET /admin/add_ons/modules",
            "POST /admin/api/add_ons/module/6/activate",
            "GET /admin/general_settings",
            "PUT /admin/api/general_settings",
            "PUT /admin/api/settings/mail",
            "GET /admin/activity_logs",
            "GET /admin/api/module_logs",
            "GET /admin/api/module_log/55",
            "GET /admin/api/admin_session_logs",
            "PUT /admin/api/notification_sender/31",
            "PUT /admin/api/dns_server/31",
            "POST /admin/api/tax_rules/update_order",
            "PUT /admin/api/clients/4711",
            "GET /admin/api/clients/4711/notes",
        ]
    ));
    let puqcloud = preset("puqcloud");
    assert!(read(&puqcloud, "GET /admin/api/my_account/bell_notification").polling);
    assert!(!read(&puqcloud, "GET /admin/api/clients").polling);
    let refund = read(&puqcloud, "POST /admin/api/invoice/1001/make_refund");
    assert_eq!(
        puqcloud.sentence(&refund, Outcome::Denied, false, None),
        "Denied: refund invoice 1001"
    );
}

#[test]
fn our_own_pages_read_as_sentences() {
    insta::assert_snapshot!(told(
        &preset("admintrail"),
        &[
            "GET /",
            "GET /login",
            "POST /login",
            "POST /logout",
            "GET /setup?token=x",
            "POST /setup",
            "GET /monitoring/admin-sessions",
            "GET /monitoring/admin-sessions?q=admin:olena",
            "GET /monitoring/admin-sessions/sessions",
            "GET /monitoring/integrity",
            "GET /settings/account",
            "POST /settings/account/password",
            "POST /settings/tokens",
            "GET /api/v1/events?q=x",
            "POST /api/v1/events",
            "GET /api/v1/events/01a203ab-c496-7836-9793-4d3197c047c1",
            "GET /api/v1/export?format=csv",
            "GET /api/v1/stream",
            "GET /api/v1/sessions/77f0a1b2c3d4e5f60718293a4b5c6d7e",
            "POST /v1/logs",
            "GET /static/app.css",
            "GET /healthz",
        ]
    ));
}

#[test]
fn the_outcome_makes_the_sentence() {
    let generic = preset("generic");
    let sentence = |request, outcome, sent, name| {
        generic.sentence(&read(&generic, request), outcome, sent, name)
    };
    use Outcome::{Denied, Error, Failed, Success, Unknown};
    for (request, outcome, sent, name, expected) in [
        ("PUT /settings", Success, false, None, "Changed settings"),
        (
            "PUT /settings",
            Denied,
            false,
            None,
            "Denied: change settings",
        ),
        (
            "PUT /settings",
            Failed,
            false,
            None,
            "Failed: change settings",
        ),
        (
            "PUT /settings",
            Error,
            false,
            None,
            "Error: change settings",
        ),
        ("PUT /settings", Unknown, false, None, "Changed settings"),
        ("POST /clients", Error, false, None, "Error: create client"),
        (
            "DELETE /clients/7",
            Denied,
            false,
            None,
            "Denied: delete client 7",
        ),
        (
            "GET /clients/7",
            Denied,
            false,
            None,
            "Denied: viewed client 7",
        ),
        ("CONNECT /", Success, false, None, "Asked for a tunnel"),
        (
            "CONNECT /",
            Denied,
            false,
            None,
            "Denied: asked for a tunnel",
        ),
        ("SEARCH /x", Denied, false, None, "Denied: send SEARCH to x"),
        ("GET /clients", Denied, true, None, "Sent to sign-in"),
        ("POST /login", Success, false, None, "Signed in"),
        (
            "POST /login",
            Denied,
            false,
            Some("root"),
            "Failed sign-in as root",
        ),
        ("POST /login", Denied, false, None, "Failed sign-in"),
        (
            "POST /login",
            Denied,
            true,
            Some("root"),
            "Failed sign-in as root",
        ),
        (
            "POST /login",
            Unknown,
            false,
            Some("root"),
            "Tried to sign in as root",
        ),
        ("POST /login", Error, false, None, "Error: sign-in"),
        ("GET /login", Success, false, None, "Viewed sign-in form"),
        ("POST /2fa", Denied, false, None, "Failed second factor"),
        ("POST /2fa", Success, false, None, "Confirmed second factor"),
        ("POST /logout", Success, false, None, "Signed out"),
        // Signing out leads to the sign-in page.
        ("POST /logout", Success, true, None, "Signed out"),
        ("POST /logout", Error, false, None, "Error: sign out"),
    ] {
        assert_eq!(
            sentence(request, outcome, sent, name),
            expected,
            "{request} {outcome:?}"
        );
    }
}

#[test]
fn a_form_that_came_back_with_mistakes_changed_nothing() {
    let django = preset("django-admin");
    let reading = read(&django, "POST /admin/auth/user/5/change/");
    let sentence =
        |status| django.sentence_of(&reading, Outcome::Success, Some(status), false, None);
    assert_eq!(sentence(302), "Changed user 5");
    assert_eq!(sentence(200), "Tried to change user 5 (form came back)");
    let denied = django.sentence_of(&reading, Outcome::Denied, Some(403), false, None);
    assert_eq!(denied, "Denied: change user 5");
}

#[test]
fn api_calls_are_told_from_pages() {
    let generic = preset("generic");
    let plain = head("GET", "/clients");
    assert_eq!(generic.read(&plain).request_type, RequestType::Web);
    assert_eq!(
        generic
            .read(&RequestHead {
                bearer: true,
                ..plain
            })
            .request_type,
        RequestType::Api
    );
    assert_eq!(
        read(&generic, "GET /x/API/y").request_type,
        RequestType::Api
    );
    assert_eq!(read(&generic, "GET /apiary").request_type, RequestType::Web);

    let own = Preset::parse(
        "[api]\nprefixes = [\"/data\"]\naccept = [\"application/json\"]\nrequested_with = [\"XMLHttpRequest\"]",
    )
    .unwrap();
    let api = |head: RequestHead<'_>| own.read(&head).request_type == RequestType::Api;
    assert!(
        !api(plain)
            && !api(RequestHead {
                bearer: true,
                ..plain
            })
    );
    assert!(
        api(head("GET", "/data/x")) && api(head("GET", "//d%61ta")) && !api(head("GET", "/x/data"))
    );
    assert!(api(RequestHead {
        accept: Some("Application/JSON, */*"),
        ..plain
    }));
    assert!(!api(RequestHead {
        accept: Some("text/html,application/json"),
        ..plain
    }));
    assert!(api(RequestHead {
        requested_with: Some("xmlhttprequest"),
        ..plain
    }));
}

#[test]
fn assets_go_by_what_the_browser_says_or_by_extension() {
    let generic = preset("generic");
    let asset = |target: &str, dest: Option<&str>, method: &str| {
        generic
            .read(&RequestHead {
                fetch_dest: dest,
                ..head(method, target)
            })
            .asset
    };
    assert!(asset("/app.js", None, "GET") && asset("/app.js", Some("empty"), "HEAD"));
    assert!(asset("/avatar/5", Some("image"), "GET"));
    // Looked at by a person, sent, an API call, or a way out.
    assert!(!asset("/logo.png", Some("document"), "GET"));
    assert!(!asset("/app.js", None, "POST"));
    assert!(!asset("/api/avatar", Some("image"), "GET"));
    assert!(!asset("/logout", Some("image"), "GET"));
    // A line of a preset wants to be seen, whatever the browser claims.
    let django = preset("django-admin");
    let disguised = RequestHead {
        fetch_dest: Some("image"),
        ..head("GET", "/admin/auth/user/5/change/")
    };
    assert!(!django.read(&disguised).asset);
}

/// A picture on the sign-out button must not end the session of whoever sees it.
#[test]
fn pictures_and_lists_of_sign_outs_sign_nobody_out() {
    let generic = preset("generic");
    let step = |method: &str, target: &str| generic.read(&head(method, target)).step;
    for target in [
        "/img/logout.svg",
        "/img/log-out.png",
        "/static/js/logout.js",
        "/logouts",
        "/logout-history",
    ] {
        assert_eq!(step("GET", target), Step::Ordinary, "{target}");
        assert_eq!(step("HEAD", target), Step::Ordinary, "{target}");
    }
    assert!(generic.read(&head("GET", "/img/logout.svg")).asset);
    for target in ["/logout", "/logout.php", "/users/sign_out"] {
        assert_eq!(step("GET", target), Step::SignOut, "{target}");
    }
    assert_eq!(step("POST", "/logout.svg"), Step::SignOut);
}

/// Threat 21: no spelling of a path gets round a rule.
#[test]
fn disguised_paths_are_still_the_sign_in_route() {
    let django = preset("django-admin");
    for path in [
        "/admin/login/",
        "/admin/login",
        "//admin//login//",
        "/admin/./login/",
        "/admin/auth/../login/",
        "/admin%2flogin/",
        "/admin/%6cogin/",
        "/admin/%256cogin/",
        "/admin%252Flogin",
        "/ADMIN/Login/",
        "/admin/login;jsessionid=1",
        "/admin\\login",
        "/x/%2e%2e/admin/login/",
    ] {
        assert_eq!(
            django.read(&head("POST", path)).step,
            Step::SignIn,
            "{path}"
        );
        assert_eq!(
            django.read(&head("GET", path)).step,
            Step::SignInForm,
            "{path}"
        );
    }
    assert_eq!(
        django
            .read(&head("POST", "/admin/login/../auth/user/5/delete/"))
            .step,
        Step::Ordinary
    );
}

#[test]
fn redirects_to_sign_in_are_recognised_however_they_are_written() {
    let django = preset("django-admin");
    for location in [
        "/admin/login/?next=/admin/",
        "/admin/login/",
        "https://billing.example.org/admin/login/?next=%2Fadmin%2F",
        "//billing.example.org/admin/login/",
        "HTTP://billing.example.org:8080/admin//login",
        "/admin/%6Cogin/",
        "%2Fadmin%2Flogin%2F",
        " /admin/login/#top",
        "\\admin\\login",
        "/de/admin/login/",
    ] {
        assert_eq!(
            django.is_sign_in_target(location),
            Some(Step::SignInForm),
            "{location}"
        );
    }
    for location in [
        "/admin/",
        "/admin/?next=/admin/login/",
        "https://login.example.org/",
        "/admin/logout/",
        "/admin/auth/user/",
        "",
        "/",
    ] {
        assert_eq!(django.is_sign_in_target(location), None, "{location}");
    }
    assert_eq!(
        django.is_sign_in_target("/account/two_factor/setup"),
        Some(Step::SecondFactor)
    );

    let generic = preset("generic");
    for (from, location, expected) in [
        ("/admin/users/5", "login", Some(Step::SignInForm)),
        ("/admin/users/5", "../login?x=1", Some(Step::SignInForm)),
        ("/login", "?error=1", Some(Step::SignInForm)),
        ("/login", "", Some(Step::SignInForm)),
        ("/clients", "?page=2", None),
        ("/", "/#/login", Some(Step::SignInForm)),
        ("/", "/#!/auth?next=/x", Some(Step::SignInForm)),
        ("/", "/#login", None),
        ("/", "/2fa", Some(Step::SecondFactor)),
        ("/", "/sessions", None),
    ] {
        assert_eq!(
            generic.sign_in_target_from(from, location),
            expected,
            "{from} {location}"
        );
    }
}

#[test]
fn a_panel_may_sign_in_and_out_by_form_field_or_query() {
    let own = Preset::parse(
        r#"
        [sign_in]
        routes = ["POST /account [do=login]", "POST /index.php?route=common/login"]
        user_fields = ["nick"]
        [sign_out]
        routes = ["POST /account [do=logout]", "GET /index.php?route=common/logout"]
        [second_factor]
        routes = ["POST /account [code]"]
        "#,
    )
    .unwrap();
    let account = head("POST", "/account/");
    let form = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    assert!(own.needs_form(&account) && !own.needs_form(&head("GET", "/account")));
    assert_eq!(own.read(&account).step, Step::Ordinary);
    for (fields, step) in [
        (form(&[("do", "Login"), ("nick", "olena")]), Step::SignIn),
        (form(&[("do", "logout")]), Step::SignOut),
        (
            form(&[("do", "login"), ("code", "123456")]),
            Step::SecondFactor,
        ),
        (form(&[("do", "save")]), Step::Ordinary),
        (form(&[]), Step::Ordinary),
    ] {
        assert_eq!(own.step_of_form(&account, &fields), step, "{fields:?}");
    }
    let generic = preset("generic");
    let token = head("POST", "/api/token/");
    assert!(generic.needs_form(&token));
    assert_eq!(
        generic.step_of_form(&token, &form(&[("username", "o"), ("password", "x")])),
        Step::SignIn
    );
    assert_eq!(
        generic.step_of_form(&token, &form(&[("name", "for CI")])),
        Step::Ordinary
    );
    let by_query = |method, target| own.read(&head(method, target)).step;
    assert_eq!(
        by_query("POST", "/index.php?route=common/login"),
        Step::SignIn
    );
    assert_eq!(
        by_query("POST", "/index.php?a=1&Route=common%2Flogin"),
        Step::SignIn
    );
    assert_eq!(
        by_query("GET", "/index.php?route=common/login"),
        Step::SignInForm
    );
    assert_eq!(
        by_query("GET", "/index.php?route=common/logout"),
        Step::SignOut
    );
    assert_eq!(by_query("POST", "/index.php?route=other"), Step::Ordinary);
    assert_eq!(
        own.is_sign_in_target("/index.php?route=common/login"),
        Some(Step::SignInForm)
    );
    assert_eq!(own.is_sign_in_target("/index.php"), None);
}

#[test]
fn sentences_show_what_parameters_say_but_no_secret() {
    let own = Preset::parse(
        r#"
        [secrets]
        parameters = ["hint"]
        [[route]]
        match = "GET /post.php?post={id:num}&action=edit"
        action = "Opened post {id}"
        object = "post/{id}"
        [[route]]
        match = "GET /edit.php?post_type={type:word}"
        action = "Listed {type|plural}"
        [[route]]
        match = "GET /sent.php?hint={hint}&to={to}"
        action = "Sent {hint} to {to}"
        "#,
    )
    .unwrap();
    let edit = read(&own, "GET /post.php?a=1&post=12&action=edit");
    assert_eq!(
        (edit.action.as_str(), edit.object.as_deref()),
        ("Opened post 12", Some("post/12"))
    );
    let page = read(&own, "GET /edit.php?post%5Ftype=p%61ge");
    assert_eq!(page.action, "Listed pages");
    // What is missing, empty or of another kind does not match.
    for other in [
        "GET /post.php?post=&action=edit",
        "GET /post.php?post=x&action=edit",
        "GET /post.php?post=12",
        // Panels differ in which of two counts.
        "GET /post.php?post=12&post=13&action=edit",
    ] {
        assert_eq!(read(&own, other).object, None, "{other}");
    }
    let sent = read(&own, "GET /sent.php?hint=hunter2&to=a%0Ab");
    assert_eq!(sent.action, "Sent [redacted] to a%0Ab");
}

#[test]
fn a_parameter_may_hold_the_panels_path() {
    let own = Preset::parse(
        r#"
        extends = "generic"
        [paths]
        parameters = ["route", "rest_route"]
        [sign_in]
        routes = ["POST /index.php [pma_username]", "GET /index.php/sign-in"]
        [sign_out]
        routes = ["GET,POST **/index.php/logout"]
        [[route]]
        match = "GET **/wp/v2/posts/{id}"
        action = "Read post {id}"
        object = "post/{id}"
        [[route]]
        match = "GET **/table/{+page}?table={table}"
        action = "Viewed {page} of table {table}"
        "#,
    )
    .unwrap();
    let post = read(&own, "GET /index.php?rest_route=%2Fwp%2Fv2%2Fposts%2F7&x=1");
    assert_eq!(post.object.as_deref(), Some("post/7"));
    assert_eq!(post.route, "/index.php/wp/v2/posts/{id}");
    let table = read(&own, "GET /pma/index.php?table=t&Route=/table/structure");
    assert_eq!(table.action, "Viewed structure of table t");
    assert_eq!(table.route, "/pma/index.php/table/structure");
    let out = head("POST", "/index.php?route=/logout");
    assert_eq!(own.read(&out).step, Step::SignOut);
    assert!(!own.needs_form(&head("POST", "/index.php?route=/sql")));
    assert!(own.needs_form(&head("POST", "/index.php?route=/")));
    assert_eq!(
        own.is_sign_in_target("/index.php?route=/sign-in"),
        Some(Step::SignInForm)
    );
    // Secrets in such a path are cut out as in any other.
    let reset = read(
        &own,
        "GET /index.php?route=/reset/5/c5l8x7-3a2b9c0d1e2f3a4b",
    );
    assert!(!format!("{reset:?}").contains("c5l8x7"), "{reset:?}");
    // Without it, or where it says two things, the path stands alone.
    let two = "GET /index.php?route=/logout&route=/sql";
    assert_eq!(read(&own, two).route, "/index.php");
    assert_eq!(read(&own, "GET /index.php?x=/logout").step, Step::Ordinary);
}

#[test]
fn a_parameter_may_have_to_be_missing() {
    let own = Preset::parse(
        r#"
        [sign_in]
        routes = ["POST /login.php?!action [log]"]
        form_routes = ["GET /login.php?!action&!checkemail"]
        "#,
    )
    .unwrap();
    assert_eq!(read(&own, "GET /login.php?next=/").step, Step::SignInForm);
    for other in ["GET /login.php?action=lost", "GET /login.php?CheckEmail"] {
        assert_eq!(read(&own, other).step, Step::Ordinary, "{other}");
    }
    assert!(own.needs_form(&head("POST", "/login.php?x=1")));
    assert!(!own.needs_form(&head("POST", "/login.php?action=lost")));
    let mistake = Preset::parse("[sign_in]\nroutes = [\"POST /a?!b=1\"]").unwrap_err();
    assert!(mistake.message.contains("takes no value"), "{mistake}");
}

#[test]
fn another_method_counts_only_where_the_preset_says_so() {
    let own = Preset::parse("[api]\nmethod_override = [\"**/wp-json/**\"]").unwrap();
    let rest = head("POST", "/blog/wp-json/wp/v2/posts/7");
    assert_eq!(own.method_of(&rest, Some("DELETE")), "DELETE");
    assert_eq!(own.method_of(&rest, None), "POST");
    assert_eq!(own.method_of(&rest, Some("not a method")), "POST");
    let page = head("POST", "/wp-admin/users.php");
    assert_eq!(own.method_of(&page, Some("GET")), "POST");
    assert_eq!(preset("generic").method_of(&rest, Some("GET")), "POST");
}

#[test]
fn what_a_form_says_is_never_shown() {
    let mistake = Preset::parse("[sign_out]\nroutes = [\"POST /a [do={what}]\"]").unwrap_err();
    assert!(mistake.message.contains("never shown"), "{mistake}");
    assert_eq!(mistake.line, Some(2));
}

#[test]
fn the_user_name_is_found_among_the_fields() {
    let generic = preset("generic");
    let find = |fields: &[(&str, &str)]| {
        let fields: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        generic.user_name_in(&fields).map(str::to_owned)
    };
    assert_eq!(
        find(&[("password", "x"), ("Username", " olena ")]).as_deref(),
        Some("olena")
    );
    for (other, says) in [
        ("name", "a@b"),
        ("login", "Log In"),
        ("login", ""),
        ("user", " a@b "),
    ] {
        assert_eq!(
            find(&[(other, says), ("email", "a@b")]).as_deref(),
            Some("a@b")
        );
    }
    // Which of them the panel reads is its own affair.
    for both in [
        [("username", "petro"), ("username", "olena")],
        [("Username", "petro"), ("username", "olena")],
        [("username", "petro"), ("email", "olena")],
        [("user[email]", "petro"), ("email", "olena")],
        [("login", "olena"), ("name", "petro")],
    ] {
        assert_eq!(find(&both), None, "{both:?}");
    }
    assert_eq!(
        find(&[("user[password]", "x"), ("user[email]", "a@b")]).as_deref(),
        Some("a@b")
    );
    assert_eq!(
        find(&[("session.login", "olena")]).as_deref(),
        Some("olena")
    );
    assert_eq!(find(&[("password", "x"), ("username", "")]), None);
}

#[test]
fn session_cookies_are_told_from_the_others() {
    let generic = preset("generic");
    for name in [
        "sessionid",
        "PHPSESSID",
        "__Host-session",
        "laravel_session",
        "connect.sid",
    ] {
        assert_eq!(
            generic.is_session_cookie(name.as_bytes()),
            Some(true),
            "{name}"
        );
    }
    for name in [
        "csrftoken",
        "XSRF-TOKEN",
        "__Secure-csrf",
        "wordpress_test_cookie",
        "_ga_X1",
        "messages",
    ] {
        assert_eq!(
            generic.is_session_cookie(name.as_bytes()),
            Some(false),
            "{name}"
        );
    }
    for name in ["remember_me", "auth", ""] {
        assert_eq!(generic.is_session_cookie(name.as_bytes()), None, "{name}");
    }
    assert_eq!(
        preset("django-admin").is_session_cookie(b"sessionid"),
        Some(true)
    );
    assert_eq!(
        preset("django-admin").is_session_cookie(b"csrftoken"),
        Some(false)
    );
    assert_eq!(
        preset("admintrail").is_session_cookie(b"admintrail_session"),
        Some(true)
    );
}

#[test]
fn a_preset_of_ones_own_extends_another() {
    let own = Preset::parse(
        r#"
        extends = "generic"
        [polling]
        routes = ["GET /admin/api/notifications", "GET /status?live=1"]
        [secrets]
        parameters = ["shibboleth"]
        segments = ["/share/{key}"]
        [[route]]
        match  = "PUT /admin/api/settings/{group}"
        action = "Changed settings"
        object = "settings/{group}"
        [[route]]
        match  = "GET /report/{+kind}/{year:num}/**"
        action = "Viewed {kind|plural} of {year}"
        "#,
    )
    .unwrap();
    let settings = read(&own, "PUT /admin/api/settings/mail");
    assert_eq!(settings.action, "Changed settings");
    assert_eq!(settings.object.as_deref(), Some("settings/mail"));
    assert_eq!(settings.route, "/admin/api/settings/{group}");
    assert_eq!(settings.request_type, RequestType::Api);
    let report = read(&own, "HEAD /report/sale/2026/q1/5");
    assert_eq!(
        (report.action.as_str(), report.route.as_str()),
        ("Viewed sales of 2026", "/report/sale/{year}/q1/{id}")
    );
    assert_eq!(
        read(&own, "GET /report/sale/latest").action,
        "Viewed report/sale/latest"
    );
    assert!(read(&own, "GET /admin/api/notifications").polling);
    assert!(read(&own, "GET /status?live=1").polling && !read(&own, "GET /status").polling);
    assert_eq!(read(&own, "POST /login").step, Step::SignIn, "from generic");
    assert_eq!(
        own.redact_query("Shib-Boleth=x&token=y"),
        "Shib-Boleth=[redacted]&token=[redacted]"
    );
    assert_eq!(
        own.redact_path("/share/x/reset/MQ/c5l8x7-3a2b9c0d1e2f"),
        "/share/[redacted]/reset/MQ/[redacted]"
    );
}

#[test]
fn impersonation_begins_and_ends_on_its_routes_however_they_are_written() {
    let preset = Preset::parse(
        r#"
        extends = "generic"
        [impersonation]
        start = ["POST /clients/{client}/login-as", "GET /switch?_switch_user={client}"]
        stop = ["POST /logout-as-client"]
        as = "client/{client}"
        [[route]]
        match = "GET /switch?_switch_user={client}"
        action = "Switched to client {client}"
        "#,
    )
    .unwrap();
    let client = |id: &str| Some(Impersonation::Start(format!("client/{id}")));
    for disguise in [
        "POST /clients/4711/login-as",
        "POST //clients/4711/./login-as/",
        "POST /clients%2f4711/log%69n-as",
        "POST /x/../clients/4711;v=1/login-as?next=/",
    ] {
        let reading = read(&preset, disguise);
        assert_eq!(reading.impersonation, client("4711"), "{disguise}");
        // It reads like a sign-in, and is none.
        assert_eq!(reading.step, Step::Ordinary, "{disguise}");
        assert_eq!(reading.action, "Logged in as client 4711");
        assert_eq!(reading.object.as_deref(), Some("client/4711"));
    }
    let denied = preset.sentence(
        &read(&preset, "POST /clients/4711/login-as"),
        Outcome::Denied,
        false,
        None,
    );
    assert_eq!(denied, "Denied: log in as client 4711");
    let switched = read(&preset, "GET /switch?_switch_user=7");
    assert_eq!(switched.impersonation, client("7"));
    assert_eq!(switched.action, "Switched to client 7");
    let stop = read(&preset, "POST /logout-as-client");
    assert_eq!(stop.impersonation, Some(Impersonation::Stop));
    assert_eq!(stop.action, "Went back to the own account");
    assert_eq!(stop.step, Step::Ordinary);
    for other in [
        "GET /clients/4711/login-as",
        "HEAD /switch?_switch_user=7",
        "GET /switch",
        "POST /clients/login-as",
        "POST /login",
    ] {
        assert_eq!(read(&preset, other).impersonation, None, "{other}");
    }
    let secret = Preset::parse("[impersonation]\nstart = [\"GET /as?token={who}\"]");
    let secret = read(&secret.unwrap(), "GET /as?token=hunter2hunter2");
    assert!(!format!("{secret:?}").contains("hunter2"), "{secret:?}");
}

#[test]
fn mistakes_in_a_preset_have_a_line_and_a_remedy() {
    let mut all = String::new();
    for text in [
        "abut = \"x\"",
        "[sign_in]\nroute = []",
        "extends = \"genric\"",
        "\n[[route]]\nmatch = \"GET/x\"\naction = \"X\"",
        "[[route]]\nmatch = \"get /x\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET x\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET /x/{id\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET /x/{id:int}\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET /x/**/y\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET /x/{id}.json\"\naction = \"X\"",
        "[[route]]\nmatch = \"GET /x/{id}\"\naction = \"Viewed {name}\"",
        "[[route]]\nmatch = \"GET /x/{id}\"\naction = \"Viewed {id|upper}\"",
        "[[route]]\nmatch = \"POST /x [a=b]\"\naction = \"X\"",
        "[[route]]\naction = \"X\"",
        "[secrets]\nsegments = [\n  \"/a/{b}\",\n  \"/{token}/x\",\n]",
        "[sign_out]\nroutes = [\"POST /x [=1]\"]",
        "[impersonation]\nstart = [\"POST /impersonate\"]",
        "[impersonation]\nstart = [\"POST /as/{id}\"]\nas = \"client/{client}\"",
        "[impersonation]\nstop = [\"POST /me [stop=1]\"]",
        "about = 1",
        "a = ",
    ] {
        let error = Preset::parse(text).unwrap_err();
        assert!(error.line.is_some(), "{text}");
        writeln!(all, "{text}\n  => {} {error}\n", error.line.unwrap()).unwrap();
    }
    insta::assert_snapshot!(all);
}

proptest! {
    #[test]
    fn any_request_can_be_read(
        method in "[A-Z]{0,8}|\\PC{0,4}",
        path in "(/([a-z0-9%.;\\\\2f]{0,6}|\\PC{0,4}|reset|login|admin|5)){0,8}",
        query in prop::option::of("([a-z%&;=5B\\[]{0,8}|\\PC{0,6}){0,4}"),
    ) {
        for name in Preset::BUILT_IN {
            let preset = preset(name);
            let reading = preset.read(&RequestHead { query: query.as_deref(), ..head(&method, &path) });
            prop_assert!(!reading.action.is_empty() && reading.route.starts_with('/'));
            let texts = [&reading.action, &reading.route];
            prop_assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
            let _ = preset.is_sign_in_target(&path);
        }
    }

    #[test]
    fn any_text_is_a_preset_or_a_mistake(text in "\\PC{0,40}", route in "\\PC{0,20}") {
        let _ = Preset::parse(&text);
        let route = route.replace(['\\', '"'], "");
        let _ = Preset::parse(&format!("[[route]]\nmatch = \"GET /{route}\"\naction = \"{route}\""));
    }
}

#[test]
fn wordpress_and_phpmyadmin_read_as_a_person_would_say_it() {
    let wordpress = preset("wordpress");
    for (request, action, object) in [
        (
            "GET /blog/wp-admin/post.php?post=12&action=edit",
            "Opened post 12 in the editor",
            Some("post/12"),
        ),
        (
            "GET /wp-admin/edit.php?post_status=all&action=trash&post%5B%5D=12&action2=-1",
            "Moved post 12 to the trash",
            Some("post/12"),
        ),
        (
            "GET /wp-admin/edit.php?action=trash&post%5B%5D=12&post%5B%5D=13",
            "Moved several posts to the trash",
            None,
        ),
        (
            "GET /wp-admin/comment.php?action=trashcomment&p=1&c=3&_wpnonce=0a1b2c3d4e",
            "Moved comment 3 to the trash",
            Some("comment/3"),
        ),
        (
            "PUT /index.php?rest_route=%2Fwp%2Fv2%2Fposts%2F12",
            "Saved post 12",
            Some("post/12"),
        ),
        (
            "DELETE /wp-json/wp/v2/users/4?force=true&reassign=1",
            "Deleted user 4",
            Some("user/4"),
        ),
        (
            "GET /wp-admin/plugins.php?action=activate&plugin=akismet%2Fakismet.php",
            "Activated plugin akismet/akismet.php",
            Some("plugin/akismet/akismet.php"),
        ),
        (
            "POST /wp-login.php?action=lostpassword",
            "Asked for a password reset",
            None,
        ),
        (
            "GET /wp-login.php?action=logout&_wpnonce=0a1b2c3d4e",
            "Signed out",
            None,
        ),
    ] {
        let reading = read(&wordpress, request);
        assert_eq!(
            (reading.action.as_str(), reading.object.as_deref()),
            (action, object),
            "{request}"
        );
    }
    // Whoever comes for a lost password is not sent to sign in.
    assert_eq!(
        wordpress.is_sign_in_target("wp-login.php?checkemail=confirm"),
        None
    );
    assert_eq!(
        wordpress.is_sign_in_target("/wp-login.php?redirect_to=%2Fwp-admin%2F&reauth=1"),
        Some(Step::SignInForm)
    );
    assert_eq!(
        wordpress.redact_query("_wpnonce=0a1b2c3d4e&c=3"),
        "_wpnonce=[redacted]&c=3"
    );

    let phpmyadmin = preset("phpmyadmin");
    for (request, action, object) in [
        (
            "GET /pma/index.php?route=/table/structure&db=shop&table=orders",
            "Viewed structure of table shop.orders",
            Some("table/shop.orders"),
        ),
        (
            "POST /index.php?route=/server/databases/destroy",
            "Dropped databases",
            None,
        ),
        (
            "POST /index.php?route=%2Fserver%2Fstatus%2Fprocesses%2Fkill%2F7",
            "Killed process 7",
            Some("process/7"),
        ),
        (
            "POST /index.php?route=/server/variables/set/max_connections",
            "Changed server variable max_connections",
            Some("variable/max_connections"),
        ),
        ("POST /index.php?route=/logout", "Signed out", None),
    ] {
        let reading = read(&phpmyadmin, request);
        assert_eq!(
            (reading.action.as_str(), reading.object.as_deref()),
            (action, object),
            "{request}"
        );
    }
    assert!(phpmyadmin.needs_form(&head("POST", "/index.php?route=/sql")));
}

#[test]
fn rabbitmq_is_read_as_its_pages_call_it() {
    let rabbitmq = preset("rabbitmq");
    for (request, action, object) in [
        (
            "PUT /api/queues/%2F/orders",
            "Created queue orders",
            Some("queue/orders"),
        ),
        (
            "PUT /api/queues/%2f/orders",
            "Created queue orders",
            Some("queue/orders"),
        ),
        (
            "PUT /api/queues/shop/orders",
            "Created queue orders in shop",
            Some("queue/shop/orders"),
        ),
        // One queue whose name has slashes, not three things.
        (
            "DELETE /api/queues/%2F/a%2Fb%2Fcontents",
            "Deleted queue a/b/contents",
            Some("queue/a/b/contents"),
        ),
        (
            "DELETE /api/queues/%2F/orders/contents",
            "Purged queue orders",
            Some("queue/orders"),
        ),
        ("DELETE /api/users/7", "Deleted user 7", Some("user/7")),
        ("GET /api/queues?page=1&name=", "Listed queues", None),
        ("GET /api/queues/shop", "Listed queues in shop", None),
    ] {
        let reading = read(&rabbitmq, request);
        assert_eq!(
            (
                reading.action.as_str(),
                reading.object.as_deref(),
                reading.request_type
            ),
            (action, object, RequestType::Api),
            "{request}"
        );
    }
    assert_eq!(
        read(&rabbitmq, "GET /api/queues/%2F/orders").route,
        "/api/queues/%2F/{queue}"
    );
}

#[test]
fn flower_is_read_as_its_pages_call_it_and_its_open_paths_prove_nobody() {
    let flower = preset("flower");
    for (request, action, object) in [
        (
            "POST /api/worker/pool/grow/billing@test",
            "Enlarged pool of worker billing@test",
            Some("worker/billing@test"),
        ),
        (
            "POST /api/task/revoke/5b1939eb-a985-41f9-82e0-30da77b17e63",
            "Revoked task 5b1939eb…",
            Some("task/5b1939eb-a985-41f9-82e0-30da77b17e63"),
        ),
        (
            "POST /api/task/rate-limit/billing.invoice",
            "Set rate limit of tasks billing.invoice",
            Some("type/billing.invoice"),
        ),
    ] {
        let reading = read(&flower, request);
        assert_eq!(
            (reading.action.as_str(), reading.object.as_deref()),
            (action, object),
            "{request}"
        );
    }
    for (path, checked) in [
        ("/", Some(true)),
        ("/worker/billing@test", Some(true)),
        ("/api/tasks", Some(true)),
        ("/static/js/flower.js", Some(false)),
        ("/favicon.ico", Some(false)),
        ("/metrics", Some(false)),
        ("/api/../static/x", Some(false)),
        ("/elsewhere", None),
    ] {
        assert_eq!(flower.checks_basic(path), checked, "{path}");
    }
}

#[test]
fn node_red_is_read_as_its_editor_calls_it() {
    let node_red = preset("node-red");
    for (request, step, action, object) in [
        ("POST /auth/token", Step::SignIn, "Signed in", None),
        ("POST /auth/revoke", Step::SignOut, "Signed out", None),
        (
            "POST /flows",
            Step::Ordinary,
            "Deployed flows",
            Some("flows"),
        ),
        (
            "POST /inject/f10a1b2c3d4e5f60",
            Step::Ordinary,
            "Triggered node f10a1b2c3d4e5f60",
            Some("node/f10a1b2c3d4e5f60"),
        ),
        (
            "DELETE /context/flow/f10a1b2c3d4e5f60/count",
            Step::Ordinary,
            "Deleted count of context of flow f10a1b2c3d4e5f60",
            Some("flow/f10a1b2c3d4e5f60"),
        ),
        (
            "DELETE /context/global/count",
            Step::Ordinary,
            "Deleted count of global context",
            Some("context/global"),
        ),
        (
            "PUT /nodes/@flowfuse/node-red-dashboard",
            Step::Ordinary,
            "Enabled or disabled module @flowfuse/node-red-dashboard",
            Some("module/@flowfuse/node-red-dashboard"),
        ),
        (
            "POST /library/local/flows/greeting.json",
            Step::Ordinary,
            "Saved greeting.json to flows of library local",
            Some("library/flows/greeting.json"),
        ),
    ] {
        let reading = read(&node_red, request);
        assert_eq!(
            (
                reading.step,
                reading.action.as_str(),
                reading.object.as_deref()
            ),
            (step, action, object),
            "{request}"
        );
    }
    assert!(node_red.refuses_sessions_with_401());
    assert!(!preset("generic").refuses_sessions_with_401());
}

#[test]
fn a_preset_says_where_basic_authentication_is_checked_unasked() {
    let rabbitmq = preset("rabbitmq");
    for (path, checked) in [
        ("/api/users", Some(true)),
        ("/api/queues/%2F/orders", Some(true)),
        // What answers everybody, however it is written.
        ("/api/auth", Some(false)),
        ("/api/%61uth", Some(false)),
        ("/api", Some(false)),
        ("/api/index.html", Some(false)),
        // Where a path may lead elsewhere nothing is known.
        ("/api/users/../auth", Some(false)),
        ("/api/../js/main.js", None),
        ("/api/users/%2e%2e/x", None),
        ("/js/main.js", None),
    ] {
        assert_eq!(rabbitmq.checks_basic(path), checked, "{path}");
    }
    let in_query = |request: &str| {
        let (method, target) = request.split_once(' ').unwrap();
        rabbitmq
            .basic_in_query(&head(method, target))
            .map(String::from)
    };
    assert_eq!(
        in_query("GET /api/definitions?download=a.json&auth=YTpi").as_deref(),
        Some("YTpi")
    );
    assert_eq!(
        in_query("GET /api/definitions/%2F?auth=YQ%3D%3D").as_deref(),
        Some("YQ==")
    );
    assert_eq!(in_query("GET /api/definitions?auth=YTpi&auth=Yjpi"), None);
    assert_eq!(in_query("GET /api/users?auth=YTpi"), None);
    assert_eq!(
        rabbitmq.redact_query("download=a&auth=YTpi"),
        "download=a&auth=[redacted]"
    );
    assert_eq!(preset("generic").checks_basic("/api/users"), None);
}
