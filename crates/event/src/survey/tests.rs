use proptest::prelude::*;

use super::*;

/// Requests as the trail has them: method, path, recorded route, count.
fn survey(preset: &str, requests: &[(&str, &str, Option<&str>, u64)]) -> Surveyed {
    let preset = Preset::parse(preset).unwrap();
    let mut survey = Survey::new(&preset);
    for (at, (method, target, route, count)) in requests.iter().enumerate() {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (*target, None),
        };
        survey.add(&Counted {
            method,
            path,
            query,
            route: *route,
            asset: false,
            refused: false,
            count: *count,
            last: Micros(i64::try_from(at).unwrap()),
        });
    }
    survey.finish()
}

fn listed(found: &Surveyed) -> Vec<String> {
    let line = |route: &NamelessRoute| format!("{} {} {}", route.count, route.method, route.route);
    found.routes.iter().map(line).collect()
}

fn pasted(found: &Surveyed) -> String {
    found.suggestions().map(|one| format!("\n{one}")).collect()
}

const SETTINGS: &str = "about = \"t\"\n[sign_in]\nroutes = [\"POST /login\"]\n\
     [[route]]\nmatch = \"PUT /settings/{group}\"\naction = \"Changed settings\"\n\
     [[route]]\nmatch = \"GET /gone\"\naction = \"Viewed what is gone\"\n";

#[test]
fn routes_without_a_line_come_most_frequent_first_each_with_one() {
    let found = survey(
        SETTINGS,
        &[
            ("PUT", "/settings/mail", None, 10),
            ("POST", "/login", None, 5),
            ("GET", "/clients", None, 2),
            ("GET", "/clients/4711", None, 20),
            (
                "HEAD",
                "/clients/3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11",
                None,
                1,
            ),
            ("POST", "/clients/4711/suspend", None, 3),
            ("GET", "/style.css", None, 9),
        ],
    );
    assert_eq!(
        listed(&found),
        [
            "21 GET /clients/{id}",
            "3 POST /clients/{id}/suspend",
            "2 GET /clients"
        ]
    );
    assert_eq!((found.requests, found.covered, found.assets), (41, 15, 9));
    assert_eq!(found.percent(), Some(36.5));
    assert_eq!(
        found.routes[0].example,
        "/clients/3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11"
    );
    insta::assert_snapshot!(pasted(&found));
    let preset = Preset::parse(SETTINGS).unwrap();
    let unused: Vec<_> = found.unused(&preset);
    assert_eq!(unused.len(), 1, "{unused:?}");
    assert_eq!((unused[0].written, unused[0].at), ("GET /gone", Some(8)));
}

#[test]
fn what_is_pasted_speaks_from_then_on_and_well() {
    let requests = [
        ("GET", "/", None, 3),
        ("GET", "/admin/api/clients/4711/notes/5", None, 2),
        ("DELETE", "/my%20things/100%25/a%5Bb%5D", None, 1),
        ("get", "/odd", None, 1),
        ("GET", "/reset/{id}/x", None, 1),
        ("GET", "/files/4711.json", None, 1),
        ("GET", "/a\"b\\c/%7Bname%7D?x=1", None, 1),
        ("GET", "/reset/[redacted]/done", None, 1),
    ];
    let before = survey(SETTINGS, &requests);
    assert_eq!(before.routes.len(), requests.len());
    let whole = format!("{SETTINGS}{}", pasted(&before));
    let after = survey(&whole, &requests);
    assert_eq!(listed(&after), [""; 0], "{whole}");
    assert_eq!(after.percent(), Some(100.0));
    let preset = Preset::parse(&whole).unwrap();
    let read = |method, path| preset.read(&crate::RequestHead::new(method, path, None));
    let note = read("GET", "/admin/api/clients/4711/notes/5");
    assert_eq!(note.action, "Viewed note 5");
    assert_eq!(note.object.as_deref(), Some("client/4711/note/5"));
    assert_eq!(note.route, "/admin/api/clients/{client}/notes/{note}");
}

#[test]
fn a_parameter_that_a_line_asks_about_tells_routes_apart_and_others_do_not() {
    let preset =
        "about = \"t\"\n[[route]]\nmatch = \"GET /page?tab=mail\"\naction = \"Viewed mail\"\n";
    let requests = [
        ("GET", "/page?tab=mail&x=1", None, 1),
        ("GET", "/page?tab=users&x=1", None, 1),
        ("GET", "/page?x=2", None, 1),
    ];
    let found = survey(preset, &requests);
    assert_eq!(listed(&found), ["2 GET /page"]);
    assert_eq!(found.covered, 1);
    // In a preset's own path.
    let preset = "about = \"t\"\n[paths]\nparameters = [\"route\"]\n";
    let requests = [
        ("GET", "/index.php?route=/sql&db=1", None, 1),
        ("GET", "/index.php?route=/table/1&db=1", None, 1),
    ];
    let found = survey(preset, &requests);
    assert_eq!(
        listed(&found),
        ["1 GET /index.php/sql", "1 GET /index.php/table/{id}"]
    );
    let whole = format!("{preset}{}", pasted(&found));
    assert_eq!(survey(&whole, &requests).routes, []);
}

#[test]
fn names_that_the_recorder_knew_to_vary_are_one_route() {
    let requests = [
        ("GET", "/articles/first-step", None, 1),
        ("GET", "/articles/second-step", Some("/articles/{id}"), 1),
        ("GET", "/articles/7", Some("/articles/{id}"), 1),
        ("GET", "/articles/new", Some("/articles/new"), 1),
    ];
    let preset = "about = \"t\"\n";
    let found = survey(preset, &requests);
    assert_eq!(
        listed(&found),
        ["3 GET /articles/{id}", "1 GET /articles/new"]
    );
    // The line for one page comes before the one for any article.
    let whole = format!("{preset}{}", pasted(&found));
    let preset = Preset::parse(&whole).unwrap();
    let read = |path| {
        preset
            .read(&crate::RequestHead::new("GET", path, None))
            .action
    };
    assert_eq!(read("/articles/first-step"), "Viewed article first-step");
    assert_eq!(read("/articles/new"), "Viewed form of new article");
}

#[test]
fn routes_that_the_panel_never_answered_are_counted_apart() {
    let preset = Preset::parse("about = \"t\"\n").unwrap();
    let mut survey = Survey::new(&preset);
    let mut add = |path, refused, count| {
        survey.add(&Counted {
            method: "GET",
            path,
            query: None,
            route: None,
            asset: false,
            refused,
            count,
            last: Micros(0),
        });
    };
    add("/wp-admin/setup", true, 50);
    add("/clients/1", true, 3);
    add("/clients/2", false, 1);
    let found = survey.finish();
    assert_eq!(listed(&found), ["4 GET /clients/{id}"]);
    assert_eq!((found.requests, found.refused), (4, 50));
}

proptest! {
    /// Whatever was requested: with all suggestions pasted, nothing is without a line any more.
    #[test]
    fn all_suggestions_together_leave_nothing_without_a_line(
        requests in proptest::collection::vec(
            (
                "(GET|POST|HEAD|DELETE|get|M-SEARCH|X_Y)",
                "(/(clients|4711|new|[a-z{}%\\[\\] *?;.\"\\\\\\PC]{0,8}|%[27][05bBdD]|\\{id\\})){0,4}/?",
                proptest::option::of("(/(clients|\\{id\\}|new)){0,4}"),
            ),
            1..12,
        ),
        kept in any::<bool>(),
    ) {
        let preset = format!("about = \"t\"\n[paths]\nkeeps_encoded_slash = {kept}\n");
        let requests: Vec<_> = requests
            .iter()
            .map(|(method, path, route)| (method.as_str(), path.as_str(), route.as_deref(), 1))
            .collect();
        let found = survey(&preset, &requests);
        let whole = format!("{preset}{}", pasted(&found));
        prop_assert!(Preset::parse(&whole).is_ok(), "{:?}\n{}", Preset::parse(&whole).err(), whole);
        let after = survey(&whole, &requests);
        prop_assert_eq!(after.routes, vec![], "{}", whole);
        prop_assert_eq!(after.covered, after.requests);
    }

    /// What is examined here is what the recorder reads.
    #[test]
    fn a_line_speaks_here_exactly_where_it_does_in_the_record(
        preset in prop::sample::select(Preset::BUILT_IN),
        method in "(GET|HEAD|POST|PUT|DELETE)",
        path in "(/(admin|api|login|logout|client|clients|auth|user|4711|new|edit|index\\.php|[a-z]{1,6}|%2F)){0,5}",
        query in proptest::option::of("(action=logout|route=/sql|page=[a-z]{1,4}|post=12|tab=x)(&x=1)?"),
    ) {
        let preset = Preset::built_in(preset).unwrap();
        let reading = preset.read(&crate::RequestHead::new(&method, &path, query.as_deref()));
        let asked = preset.asked_parameters();
        let asked = query.as_deref().map(|query| only_asked(query, &asked).into_owned());
        let spoken = preset.examine(&method, &path, asked.as_deref()).spoken;
        prop_assert_eq!(matches!(spoken, Spoken::Line(_)), reading.by_line);
    }
}
