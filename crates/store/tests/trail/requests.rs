//! Requests counted by what was asked for.

use std::collections::BTreeMap;

use admintrail_event::{Counted, Draft, Kind, Micros, Outcome};

use crate::support::{Fixture, by, draft, view};

/// Method, path, query, route, asset, refused; and count and last.
type Told = BTreeMap<String, (u64, Micros)>;

fn told(fixture: &Fixture, filter: &str, queries: bool) -> Told {
    let mut told = Told::new();
    let add = |one: &Counted<'_>| {
        let key = format!(
            "{} {} {:?} {:?} {} {}",
            one.method, one.path, one.query, one.route, one.asset, one.refused
        );
        let (count, last) = told.entry(key).or_insert((0, Micros(i64::MIN)));
        *count += one.count;
        *last = one.last.max(*last);
    };
    fixture.trail.requests(&view(filter), queries, add).unwrap();
    told
}

fn asked(n: u64, path: &str, query: Option<&str>) -> Draft {
    let mut draft = by("olena", draft(n));
    draft.path = path.to_owned();
    draft.query = query.map(str::to_owned);
    draft.route = None;
    draft
}

#[test]
fn what_is_asked_for_again_is_counted_and_the_last_time_kept() {
    let mut gap = draft(60);
    gap.kind = Kind::Gap;
    let mut unknown = asked(70, "/nowhere", None);
    (unknown.status, unknown.outcome) = (Some(404), Outcome::Failed);
    let mut stranger = draft(80);
    (stranger.status, stranger.outcome) = (Some(302), Outcome::Denied);
    let mut forbidden = asked(90, "/mine", None);
    (forbidden.status, forbidden.outcome) = (Some(403), Outcome::Denied);
    let mut style = asked(95, "/style", None);
    style.asset = true;
    let mut fixture = Fixture::new();
    fixture.append([
        asked(1, "/a", Some("x=1")),
        asked(9, "/a", Some("x=2")),
        asked(5, "/a", Some("x=1")),
        gap,
        unknown,
        stranger,
        forbidden,
        style,
    ]);
    let at = |n: u64| draft(n).time;
    let expected = |queries: bool| {
        let mut expected = Told::from(
            [
                ("GET /nowhere None None false true", 1, 70),
                (
                    "GET /client/80 None Some(\"/client/{id}\") false true",
                    1,
                    80,
                ),
                ("GET /mine None None false false", 1, 90),
                ("GET /style None None true false", 1, 95),
            ]
            .map(|(key, count, last)| (key.to_owned(), (count, at(last)))),
        );
        let mut a = |query: &str, count, last| {
            let key = format!("GET /a {query} None false false");
            expected.insert(key, (count, at(last)));
        };
        if queries {
            a("Some(\"x=1\")", 2, 5);
            a("Some(\"x=2\")", 1, 9);
        } else {
            a("None", 3, 9);
        }
        expected
    };
    for _ in ["new", "loaded"] {
        assert_eq!(told(&fixture, "", true), expected(true));
        assert_eq!(told(&fixture, "", false), expected(false));
        assert_eq!(told(&fixture, "path:/a", false).len(), 1);
        assert_eq!(told(&fixture, "panel:shop", false).len(), 0);
        fixture.reopen();
    }
}

#[test]
fn chunks_and_the_newest_events_are_counted_alike() {
    let mut fixture = Fixture::new();
    fixture.append((0..10_000).map(|n| asked(n, &format!("/{}", n % 7), None)));
    fixture.reopen();
    fixture.append((10_000..10_100).map(|n| asked(n, &format!("/{}", n % 7), None)));
    let told = told(&fixture, "", true);
    assert_eq!(told.len(), 7);
    assert_eq!(told.values().map(|(count, _)| count).sum::<u64>(), 10_100);
    let last = told.values().map(|(_, last)| *last).max();
    assert_eq!(last, Some(draft(10_099).time));
}
