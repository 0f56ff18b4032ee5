//! Places for checkpoints: named on the page by owners, seen by everybody, and secret where they are.

use admintrail_store::control::Role;
use admintrail_web::anchors::{AddedPlace, Failing};

use crate::stack::{Actor, World};

const PAGE: &str = "/monitoring/integrity";
const ADD: &str = "/monitoring/integrity/anchors";
const FILE: &str = "/mnt/backup/admintrail.checkpoint";

async fn add(actor: &Actor, place: &str) -> crate::stack::Answer {
    actor.form(ADD, &[("place", place)]).await
}

async fn page(actor: &Actor) -> String {
    actor.get(PAGE).await.is(200).text()
}

fn ids(world: &World) -> Vec<String> {
    let all = AddedPlace::all(&world.app.control).into_iter();
    all.map(|one| one.id).collect()
}

#[tokio::test]
async fn an_owner_adds_a_place_and_takes_it_away_and_both_are_on_record() {
    let world = World::new();
    let owner = world.owner();
    let mut changes = world.app.anchor_places.changes();
    let answer = add(&owner, FILE).await.is(303);
    assert_eq!(answer.header("location"), "/monitoring/integrity#anchors");
    assert_eq!(answer.declared.action.as_deref(), Some("Added anchor"));
    let object = "anchor/file/mnt/backup/admintrail.checkpoint";
    assert_eq!(answer.declared.object.as_deref(), Some(object));
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();

    let shown = page(&owner).await;
    assert_eq!(shown.matches("it gets its first checkpoint now").count(), 1);
    assert!(shown.contains(&format!(
        "data-anchor=\"{FILE}\" data-anchor-state=\"waiting\""
    )));
    assert!(shown.contains("file, added 14:31"), "{shown}");
    assert!(!shown.contains("<b>Where else"), "nobody is asked any more");
    assert!(!page(&owner).await.contains("first checkpoint now"), "once");

    let id = ids(&world).remove(0);
    {
        let mut anchors = world.app.anchors.write();
        let number = anchors.places()[0].number();
        anchors.keep(number, world.app.now(), 7);
        let cause = "its <folder> cannot be used".to_owned();
        let since = world.app.now();
        anchors.place_mut(number).unwrap().failing = Some(Failing { since, cause });
    }
    let shown = page(&owner).await;
    assert!(shown.contains("data-anchor-state=\"failing\""), "{shown}");
    assert!(shown.contains("7 entries"), "{shown}");
    assert!(shown.contains("Fails since 14:31: its &#60;folder&#62; cannot be used"));

    let remove = format!("{ADD}/{id}/remove");
    let answer = owner.form(&remove, &[]).await.is(303);
    assert_eq!(answer.declared.action.as_deref(), Some("Removed anchor"));
    assert_eq!(answer.declared.object.as_deref(), Some(object));
    assert!(changes.has_changed().unwrap());
    assert!(world.app.anchors.read().places().is_empty());
    assert_eq!(world.app.control.setting("anchor_places"), None);
    let shown = page(&owner).await;
    assert!(shown.contains("nothing more is sent there"), "{shown}");
    // What lies there lies there.
    let last = format!("The last one was kept 14:31 at {FILE}");
    assert!(shown.contains(&last), "{shown}");
    assert!(world.app.anchors.read().covering(3).is_some());
    owner.clone().json().form(&remove, &[]).await.is(404);
}

#[tokio::test]
async fn the_secret_of_a_receiver_is_shown_once_and_its_path_never() {
    let world = World::new();
    let owner = world.owner();
    let address = "https://hooks.example.org/canary?key=canary";
    let answer = add(&owner, address).await.is(303);
    assert!(!format!("{:?}", answer.declared).contains("canary"));
    let object = "anchor/webhook/hooks.example.org";
    assert_eq!(answer.declared.object.as_deref(), Some(object));
    let parts = owner.clone().header("x-fragment", "view");
    assert!(!page(&parts).await.contains("whsec_"), "not to the refresh");
    let shown = page(&owner).await;
    let secret = shown.split("value=\"whsec_").nth(1).unwrap();
    assert_eq!(secret.split('"').next().unwrap().len(), 44, "256 bits");
    assert!(shown.contains("Secret of the receiver hooks.example.org"));
    for later in [page(&owner).await, page(&world.owner()).await] {
        assert!(!later.contains("whsec_"), "{later}");
        assert!(!later.contains("canary"), "{later}");
    }
    let json = owner.clone().json();
    let made = add(&json, "https://hooks.example.org/other")
        .await
        .is(200)
        .json();
    assert_eq!(made["place"], "hooks.example.org");
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let mailbox = add(&json, "law@example.org").await.is(200);
    let object = mailbox.declared.object.as_deref();
    assert_eq!(object, Some("anchor/email/example.org"));
    assert_eq!(mailbox.json()["secret"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_the_field_and_nothing_is_added() {
    let world = World::new();
    let owner = world.owner();
    add(&owner, FILE).await.is(303);
    page(&owner).await;
    let inside = world.folder().join("trail.db").display().to_string();
    for (place, told) in [
        ("", "Enter a place."),
        ("backup/a", "is not an absolute path"),
        ("/tmp/", "is a folder"),
        (&inside, "is in the data folder"),
        ("/dev/null", "is no file"),
        (FILE, "This is a place already."),
        ("ftp://hooks.example.org/", "This is not an address such as"),
        ("https://u:p@hooks.example.org/", "This names a user"),
        ("http://hooks.example.org/", "This is not encrypted"),
        (
            "https://169.254.169.254/",
            "in this machine&#39;s own network",
        ),
        ("law@example.com", "is not an e-mail address"),
    ] {
        let answer = add(&owner, place).await.is(303);
        let action = answer.declared.action.as_deref();
        assert_eq!(action, Some("Failed: add anchor"), "{place}");
        assert_eq!(answer.declared.object, None, "{place}");
        let shown = page(&owner).await;
        let error = shown.split("id=\"e-place\">").nth(1).unwrap();
        assert!(
            error.split("</p>").next().unwrap().contains(told),
            "{place}"
        );
        assert!(
            shown.contains(&format!("name=\"place\" value=\"{place}\"")),
            "{place}"
        );
        let problem = add(&owner.clone().json(), place).await.is(422).json();
        assert_eq!(problem["field"], "place");
    }
    assert_eq!(ids(&world).len(), 1);
    for n in 1..16 {
        add(&owner, &format!("/mnt/backup/{n}")).await.is(303);
    }
    let full = add(&owner.clone().json(), "/mnt/backup/16").await.is(422);
    assert!(full.text().contains("There are 16 places already."));
}

#[tokio::test]
async fn only_owners_change_places_and_everybody_sees_them() {
    let world = World::new();
    add(&world.owner(), FILE).await.is(303);
    let remove = format!("{ADD}/{}/remove", ids(&world)[0]);
    for role in [Role::Auditor, Role::Viewer] {
        let actor = world.signed_in(role);
        let shown = page(&actor).await;
        assert!(
            shown.contains(&format!("data-anchor=\"{FILE}\"")),
            "{shown}"
        );
        assert!(
            !shown.contains("name=\"place\"") && !shown.contains("/remove\""),
            "{shown}"
        );
        add(&actor, "/mnt/other").await.is(403);
        actor.form(&remove, &[]).await.is(403);
    }
    let token = world.reader_token();
    add(&token, "/mnt/other").await.is(403);
    assert_eq!(ids(&world).len(), 1);
    let shown = page(&world.owner()).await;
    assert!(
        shown.contains("name=\"place\"") && shown.contains(&remove),
        "{shown}"
    );
}

#[tokio::test]
async fn those_of_the_configuration_are_not_taken_away_on_the_page() {
    use admintrail_web::{AnchorPlace, AnchorWay, Anchors};
    let world = World::new();
    let hour = std::time::Duration::from_secs(3_600);
    let place = AnchorPlace::new(AnchorWay::File, FILE.to_owned(), hour);
    *world.app.anchors.write() = Anchors::begin("trail", vec![place], None);
    let owner = world.owner();
    let shown = page(&owner).await;
    assert!(shown.contains("file, by the configuration"), "{shown}");
    assert!(!shown.contains("/remove\""), "{shown}");
    let problem = add(&owner.clone().json(), FILE).await.is(422);
    assert!(problem.text().contains("This is a place already."));
}
