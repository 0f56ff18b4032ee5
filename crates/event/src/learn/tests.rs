use proptest::prelude::*;

use super::*;

fn taught(routes: impl IntoIterator<Item = String>) -> RouteLearner {
    let mut learner = RouteLearner::default();
    for route in routes {
        learner.observe(&route);
    }
    learner
}

fn articles() -> impl Iterator<Item = String> {
    (0..40).map(|n| format!("/admin/articles/article-number-{n}"))
}

#[test]
fn names_that_vary_become_ids_and_ordinary_words_stay() {
    let learner = taught(articles().chain((0..40).map(|n| format!("/users/person{n}x"))));
    let learned = learner.learned();
    assert_eq!(
        learned.template("/admin/articles/never-seen-before"),
        "/admin/articles/{id}"
    );
    assert_eq!(
        learned.template("/admin/articles/never-seen/comments.json"),
        "/admin/articles/{id}/comments.json"
    );
    assert_eq!(
        learned.template("/admin/articles/one-more.json"),
        "/admin/articles/{id}.json"
    );
    assert_eq!(learned.template("/users/olena"), "/users/{id}");
    for route in [
        "/users/new",
        "/users/export",
        "/users/bulk-delete",
        "/users/me",
        "/admin/articles",
        "/admin/articles/new",
        "/admin/articles/{id}",
        "/settings/billing",
        "/settings/two-factor",
        "/pages/about-us",
        "/",
    ] {
        assert_eq!(learned.template(route), route);
    }
}

#[test]
fn pages_and_functions_of_a_big_panel_are_no_names() {
    let mut routes = Vec::new();
    for n in 0..200 {
        routes.push(format!("/settings/page-{n}"));
        routes.push(format!("/admin/section{n}"));
        routes.push(format!("/admin/part-{n}/list"));
        routes.push(format!("/api/v1/function-{n}"));
        routes.push(format!("/rpc/getThing{n}"));
        routes.push(format!("/clients/{{id}}/tab-{n}"));
        routes.push(format!("/reports/by-country-{n}"));
        routes.push(format!("/theme-{n}"));
    }
    assert!(taught(routes).learned().is_empty());
}

#[test]
fn a_few_names_teach_nothing() {
    let few = |below: &str, count: usize| {
        let routes: Vec<String> = (0..count).map(|n| format!("{below}/name-of-{n}")).collect();
        taught(routes.iter().cycle().take(5_000).cloned())
            .learned()
            .len()
    };
    assert_eq!(few("/articles", 15), 0, "however often they are asked for");
    assert_eq!(few("/articles", 16), 1);
    assert_eq!(few("/project", 31), 0);
    assert_eq!(few("/project", 32), 1);
}

#[test]
fn a_million_hostile_paths_are_bounded_and_push_out_nothing() {
    let mut learner = taught(articles());
    assert_eq!(learner.learned().len(), 1);
    for n in 0..1_000_000_u32 {
        let route = match n % 8 {
            0..6 => format!("/collections{n}/name-{n}"),
            6 if n % 16 == 6 => format!("/things/name-{n}/parts/part-{n}"),
            6 => format!("/{}/x-{n}", "long-name-s/".repeat(8)),
            // Enough names in each for it to be learned.
            _ => format!("/k{}s/name-{n}", n / 8 / 20),
        };
        learner.observe(&route);
    }
    let learned = learner.learned();
    assert!(learned.len() <= MAX_LEARNED, "{}", learned.len());
    assert!(learner.watched.len() <= MAX_WATCHED);
    let held: usize = learner
        .watched
        .iter()
        .flatten()
        .map(|it| it.place.len() + it.seen.capacity() * 8)
        .sum::<usize>()
        + learned.places().map(str::len).sum::<usize>();
    assert!(held < 1 << 20, "{held} bytes");
    assert_eq!(
        learned.template("/admin/articles/still-known"),
        "/admin/articles/{id}"
    );
}

#[test]
fn what_varies_below_a_name_goes_on_to_vary_when_the_name_does() {
    let one = (0..20).map(|n| format!("/teams/apollo/sections/part-of-{n}"));
    let mut learner = taught(one);
    assert_eq!(
        learner.learned().template("/teams/apollo/sections/a-b"),
        "/teams/apollo/sections/{id}"
    );
    for n in 0..20 {
        learner.observe(&format!("/teams/team-of-{n}"));
    }
    assert_eq!(
        learner.learned().template("/teams/apollo/sections/a-b"),
        "/teams/{id}/sections/{id}"
    );
}

#[test]
fn what_was_learned_is_the_same_after_a_restart() {
    let learner = taught(articles());
    let kept: Vec<&str> = learner.learned().places().collect();
    assert_eq!(kept, ["/admin/articles"]);
    let again = Learned::of_places(kept.into_iter().chain(["/settings", "nonsense", "/admin"]));
    assert_eq!(&again, &**learner.learned());
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("articles".to_owned()),
        Just("users".to_owned()),
        Just("project".to_owned()),
        Just("settings".to_owned()),
        Just("admin".to_owned()),
        Just("new".to_owned()),
        Just("export".to_owned()),
        Just("{id}".to_owned()),
        "[a-z]{2,6}-[a-z]{2,6}",
        "[a-z]{3,8}",
        "\\PC{0,12}".prop_map(|text| text.replace('/', "")),
    ]
}

fn routes() -> impl Strategy<Value = Vec<String>> {
    let route = prop::collection::vec(segment(), 1..5)
        .prop_map(|segments| format!("/{}", segments.join("/")));
    prop::collection::vec(route, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Once `{id}`, for ever `{id}`, whatever else comes; and reading a template changes nothing.
    #[test]
    fn a_path_never_flips_back(routes in routes()) {
        let mut learner = RouteLearner::default();
        let mut known: Vec<(String, Vec<bool>)> = Vec::new();
        for route in &routes {
            learner.observe(route);
            for (path, ids) in &mut known {
                let now = shape(&learner.learned().template(path));
                prop_assert_eq!(now.len(), ids.len());
                for (before, now) in ids.iter_mut().zip(now) {
                    prop_assert!(now || !*before, "{} flipped back in {:?}", path, learner.learned());
                    *before = now;
                }
            }
            if known.len() < 40 {
                let ids = shape(&learner.learned().template(route));
                known.push((route.clone(), ids));
            }
            let template = learner.learned().template(route).into_owned();
            prop_assert_eq!(learner.learned().template(&template), template.as_str());
        }
    }

    #[test]
    fn ordinary_words_stay_whatever_was_learned(routes in routes()) {
        let learner = taught(routes);
        for word in ["new", "export", "billing", "settings", "me", "import", "search", "edit"] {
            for parent in ["/articles", "/users", "/admin/users", "/project"] {
                let route = format!("{parent}/{word}");
                prop_assert_eq!(learner.learned().template(&route), route.as_str());
            }
        }
    }
}

fn shape(route: &str) -> Vec<bool> {
    let segments = route.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| segment.starts_with("{id}"))
        .collect()
}
