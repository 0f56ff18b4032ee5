//! Links to a view for somebody else, and what is new on a page that stays open.

use admintrail_event::Draft;
use admintrail_store::Identity;
use admintrail_store::control::Role;

use crate::stack::{Actor, World};

const PATH: &str = "/monitoring/admin-sessions";

/// The value of an attribute of a page.
fn attribute(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("{name}=\"")).expect(name);
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

/// The paths that a page lists, in order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("<tr data-event=").skip(1);
    rows.map(|row| {
        row.split("/did/")
            .nth(1)
            .unwrap()
            .split(['"', '<'])
            .next()
            .unwrap()
            .to_owned()
    })
    .collect()
}

fn did(world: &World, n: i64, panel: &str, admin: &str, name: Option<&str>) -> Draft {
    let mut draft = world.draft(n - 100, Some(admin), "GET", &format!("/did/{n}"));
    draft.panel = panel.parse().unwrap();
    draft.admin_name = name.map(str::to_owned);
    draft
}

#[tokio::test]
async fn a_shared_link_shows_exactly_what_hide_me_showed() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Owner, None);
    let identity = |panel: Option<&str>, admin: &str| Identity {
        panel: panel.map(|panel| panel.parse().unwrap()),
        admin: admin.to_owned(),
    };
    let mut mine = vec![
        identity(None, "olena@example.org"),
        identity(None, "root"),
        identity(Some("shop"), "tom@hosting.example"),
        identity(None, "odd:one*, \"x\""),
    ];
    // More than a filter has room for.
    mine.extend(
        (0..90).map(|n| identity(None, &format!("an-identity-of-mine-{n}@hosting.example"))),
    );
    world
        .app
        .control
        .set_identities(account.id, mine)
        .wait()
        .unwrap();
    world
        .record(vec![
            did(&world, 1, "billing", "olena@example.org", None),
            did(&world, 2, "billing", "ROOT", None),
            did(&world, 3, "billing", "root@example.org", None),
            did(&world, 4, "billing", "4711", Some("root")),
            did(&world, 5, "shop", "tom@hosting.example", None),
            did(&world, 6, "billing", "tom@hosting.example", None),
            did(&world, 7, "billing", "odd:one*, \"x\"", None),
            did(&world, 8, "billing", "odd:one and more, \"x\"", None),
            did(
                &world,
                9,
                "billing",
                "an-identity-of-mine-89@hosting.example",
                None,
            ),
            did(&world, 10, "billing", "taras", None),
        ])
        .await;
    let own = world.with_session(&account);
    let page = own
        .get(&format!("{PATH}?hide_me=1&q=path:/did"))
        .await
        .is(200)
        .text();
    let shown = listed(&page);
    assert_eq!(shown, ["10", "8", "6", "4", "3"]);
    let link = attribute(&page, "readonly value");
    assert!(link.contains("-admin%3Aolena%40example.org"), "{link}");
    let other = world.with_session(&world.account("taras@example.org", Role::Viewer, None));
    world.pass(3_600);
    let theirs = other.get(&link).await.is(200).text();
    assert_eq!(listed(&theirs), shown);
    assert!(
        theirs.contains("without tom@hosting.example on shop"),
        "and says so"
    );
    // What is chosen on that page keeps leaving them out.
    let sorted = attribute(&theirs, "name=\"without\" value");
    assert!(!sorted.is_empty());
    let wrong = other.status_of("/api/v1/events?without=olena").await;
    assert_eq!(wrong, 400);
}

/// What a page shows can be shared, and the link opens: whoever leaves out too many is told on the
/// page, not whoever gets the link.
#[tokio::test]
async fn a_link_made_of_a_link_and_hide_me_opens() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Owner, None);
    let shop = "shop".parse().ok();
    let mine = (0..100).map(|n| Identity {
        panel: Option::clone(&shop),
        admin: format!("me{n}"),
    });
    let mine = mine.collect();
    let set = world.app.control.set_identities(account.id, mine);
    set.wait().unwrap();
    let own = world.with_session(&account);
    let opened = |others: std::ops::Range<u32>, again: std::ops::Range<u32>| {
        let others = others.map(|n| format!("&without=shop:other{n}"));
        let again = again.map(|n| format!("&without=shop:me{n}"));
        let words: String = others.chain(again).collect();
        format!("{PATH}?hide_me=1{words}")
    };
    let other = world.with_session(&world.account("taras@example.org", Role::Viewer, None));
    // Those that are left out twice count once.
    for link in [opened(0..155, 0..0), opened(0..155, 0..100)] {
        let page = own.get(&link).await.is(200).text();
        let shared = attribute(&page, "readonly value");
        assert_eq!(shared.matches("without=").count(), 256);
        other.get(&shared).await.is(200);
    }
    assert_eq!(own.status_of(&opened(0..156, 0..0)).await, 400);
}

#[tokio::test]
async fn rows_that_leave_a_sliding_range_do_not_hide_new_ones() {
    let world = World::new();
    let owner = world.owner();
    let at = |n| world.draft(n, Some("olena"), "GET", &format!("/did/{n}"));
    // Half of them leave the last 15 minutes while the page is open.
    world
        .record((-800..-700).map(at).chain((-100..0).map(at)).collect())
        .await;
    let page = owner
        .get(&format!("{PATH}?from=-15m&limit=25&last=1&q=path:/did"))
        .await
        .is(200)
        .text();
    let mark = |name: &str| attribute(&page, name);
    let ask = format!(
        "{PATH}?from=-15m&limit=25&last=1&q=path:/did&since={}&known={}",
        mark("data-since"),
        mark("data-known")
    );
    world.pass(300);
    world.record((200..212).map(at).collect()).await;
    let new = owner.header("x-fragment", "new").get(&ask).await.is(200);
    assert!(new.text().contains("12"), "{}", new.text());
}

impl Actor {
    async fn status_of(&self, target: &str) -> u16 {
        self.get(target).await.status.as_u16()
    }
}
