//! Settings → Erasure: who asks, who approves, and that nothing but the pseudonym is left.

use std::sync::Arc;

use admintrail_event::{KnownBy, Micros};
use admintrail_store::Identity;
use admintrail_store::control::{ErasureId, ErasureState, Role, StoredErasure};
use admintrail_web::erasing::{Hands, carry_out};

use crate::stack::{Actor, World};

const PAGE: &str = "/settings/erasure";
const LOOK: &str = "/settings/erasure/look";
const TOM: &str = "Tom@hosting.example";
const REASON: &str = "Article 17, asked for by tom@hosting.example on paper";

/// Nothing else of this process knows anybody.
struct NoHands(Arc<admintrail_web::App>);

impl Hands for NoHands {
    fn forget(&self, admin: &str, pseudonym: &str) {
        self.0.forget(admin, pseudonym);
    }

    fn renew_journal(&self) -> Result<(), String> {
        Ok(())
    }

    fn now(&self) -> Micros {
        self.0.now()
    }
}

/// An owner with nobody's panel identities.
fn owner(world: &World, name: &str) -> Actor {
    let account = world.account(&format!("{name}@hosting.example"), Role::Owner, None);
    let nobody = world.app.control.set_identities(account.id, Vec::new());
    nobody.wait().unwrap();
    world.with_session(&account)
}

/// Tom and Olena did something, and Marek searched for Tom.
async fn recorded(world: &World) {
    let mut drafts = vec![
        world.draft(1, Some(TOM), "POST", "/client/4711"),
        world.draft(2, Some(TOM), "DELETE", "/client/4711"),
        world.draft(3, Some("olena@hosting.example"), "GET", "/client/1"),
    ];
    let mut search = world.draft(4, Some("marek@hosting.example"), "GET", "/monitoring/x");
    search.panel = "admintrail".parse().unwrap();
    search.known_by = KnownBy::Session;
    search.query = Some("q=admin:tom@hosting.example".to_owned());
    drafts.push(search);
    world.record(drafts).await;
    world.publish().await;
}

fn request(sure: bool) -> Vec<(&'static str, &'static str)> {
    let mut fields = vec![("admin", TOM), ("reason", REASON)];
    if sure {
        fields.push(("sure", "on"));
    }
    fields
}

fn only(world: &World) -> Arc<StoredErasure> {
    let all = world.app.control.erasures();
    assert_eq!(all.len(), 1);
    Arc::clone(&all[0])
}

async fn carried_out(world: &World) {
    let app = Arc::clone(&world.app);
    let done = tokio::task::spawn_blocking(move || {
        let erasures = app.control.erasures();
        let approved = erasures
            .iter()
            .find(|one| one.state == ErasureState::Approved);
        let rooms = (&app.trail, &app.control);
        carry_out(rooms, approved.unwrap(), &NoHands(Arc::clone(&app)), |_| {})
    });
    let done = done.await.unwrap().unwrap().unwrap();
    assert_eq!(done.state, ErasureState::Done);
}

#[tokio::test]
async fn the_only_owner_sees_what_there_is_and_is_asked_before_it_begins() {
    let world = World::new();
    recorded(&world).await;
    let marek = owner(&world, "marek");
    let empty = marek.get(PAGE).await.is(200).text();
    assert!(empty.contains("Nobody has asked for an erasure yet."));
    assert!(empty.contains(r#"<option value="Tom@hosting.example">"#));
    assert!(!empty.contains(r#"<option value="marek@"#), "not oneself");

    let sure = marek.form(LOOK, &request(false)).await.is(200);
    assert_eq!(
        sure.declared.action.as_deref(),
        Some("Looked at what there is of a person to erase")
    );
    assert_eq!(sure.declared.object, None);
    let sure = sure.text();
    assert!(sure.contains("Erase Tom@hosting.example?"), "{sure}");
    assert!(
        sure.contains("<dd>2 events</dd>") && sure.contains("<dd>billing</dd>"),
        "{sure}"
    );
    assert!(sure.contains("It begins at once."));
    assert!(
        world.app.control.erasures().is_empty(),
        "nothing is changed"
    );

    let unsure = marek.form(PAGE, &request(false)).await.is(303);
    assert_eq!(unsure.header("location"), PAGE);
    let told = marek.get(PAGE).await.is(200).text();
    assert!(told.contains("Say that you know that it cannot be undone."));
    assert!(
        told.contains(r#"value="Tom@hosting.example""#),
        "what was typed stays"
    );

    let asked = marek.form(PAGE, &request(true)).await.is(303);
    let erasure = only(&world);
    assert_eq!(erasure.state, ErasureState::Approved);
    assert!(!erasure.reason.contains("tom@"), "{}", erasure.reason);
    let object = format!("erasure/{}", erasure.pseudonym);
    assert_eq!(asked.declared.object, Some(object));
    let action = asked.declared.action.as_deref();
    assert_eq!(action, Some("Asked for a person to be erased"));
    let page = marek.get(PAGE).await.is(200).text();
    assert!(
        page.contains("It has begun.") && page.contains("under way"),
        "{page}"
    );
    assert!(page.contains(r#"data-refresh="2""#));

    carried_out(&world).await;
    let part = marek.clone().header("x-fragment", "view").get(PAGE).await;
    let part = part.is(200).text();
    assert!(!part.contains("<html") && part.contains(r#"data-part="body""#));
    assert!(
        part.contains(&format!("<b>{}</b>", erasure.pseudonym)),
        "{part}"
    );
    assert!(part.contains("3 events rewritten"), "{part}");
    assert!(part.contains("/monitoring/integrity#entry-"), "{part}");
    let integrity = marek.get("/monitoring/integrity").await.is(200).text();
    assert!(integrity.contains(&format!("they now read {}", erasure.pseudonym)));
}

#[tokio::test]
async fn with_two_owners_another_one_approves() {
    let world = World::new();
    recorded(&world).await;
    let (marek, olena) = (owner(&world, "marek"), owner(&world, "olena"));
    let sure = marek.form(LOOK, &request(false)).await.is(200).text();
    assert!(sure.contains("Another owner has to approve it"), "{sure}");
    marek.form(PAGE, &request(true)).await.is(303);
    let waiting = only(&world);
    assert_eq!(waiting.state, ErasureState::Waiting);
    let approve = format!("{PAGE}/{}/approve", waiting.id.0);
    let own = marek.get(PAGE).await.is(200).text();
    assert!(own.contains("It is asked for. Another owner has to approve it."));
    assert!(!own.contains(&approve), "the button is not there");
    assert!(own.contains("another owner has to.") && own.contains("/withdraw"));
    marek.form(&approve, &[]).await.is(303);
    assert_eq!(
        only(&world).state,
        ErasureState::Waiting,
        "and does nothing"
    );
    let told = marek.get(PAGE).await.is(200).text();
    assert!(told.contains("Whoever asked for it cannot approve it too"));

    let page = olena.get(PAGE).await.is(200).text();
    assert!(page.contains(&approve) && page.contains("<b>Tom@hosting.example</b>"));
    assert!(page.contains("Asked for by marek@hosting.example"));
    let approved = olena.form(&approve, &[]).await.is(303);
    let action = approved.declared.action.as_deref();
    assert_eq!(action, Some("Approved an erasure"));
    assert_eq!(
        only(&world).approved_by.as_deref(),
        Some("olena@hosting.example")
    );
    carried_out(&world).await;
    let page = marek.get(PAGE).await.is(200).text();
    assert!(page.contains("Approved by olena@hosting.example"), "{page}");
}

#[tokio::test]
async fn afterwards_no_page_and_no_answer_names_the_person() {
    let world = World::new();
    recorded(&world).await;
    let tom = world.account("tom@hosting.example", Role::Viewer, None);
    world.app.control.set_disabled(tom.id, true).wait().unwrap();
    let marek = owner(&world, "marek");
    let mine = vec![Identity {
        panel: None,
        admin: "TOM@hosting.example".to_owned(),
    }];
    let auditor = world.account("eva@hosting.example", Role::Auditor, None);
    let set = world.app.control.set_identities(auditor.id, mine);
    set.wait().unwrap();
    marek.form(PAGE, &request(true)).await.is(303);
    let pseudonym = only(&world).pseudonym.clone();
    carried_out(&world).await;
    let pages = [
        PAGE,
        "/",
        "/settings/account",
        "/monitoring/admin-sessions",
        "/monitoring/admin-sessions/sessions",
        "/monitoring/admin-sessions/admins",
        "/monitoring/alerts",
        "/monitoring/integrity",
        "/api/v1/events?limit=1000",
        "/api/v1/facets?field=admin",
        "/api/v1/export?format=ndjson",
    ];
    let eva = world.with_session(&world.app.control.account(auditor.id).unwrap());
    for page in pages {
        for (who, actor) in [("marek", &marek), ("eva", &eva)] {
            let answer = actor.get(page).await.text();
            assert!(
                !answer.to_lowercase().contains("tom@"),
                "{who} {page}: {answer}"
            );
        }
    }
    let admins = marek.get("/monitoring/admin-sessions/admins").await.text();
    assert!(admins.contains(&pseudonym), "{admins}");
    let again = marek
        .form(LOOK, &[("admin", &pseudonym), ("reason", "x")])
        .await;
    let again = again.is(200).text();
    assert!(again.contains("there is no name left to erase"), "{again}");
}

#[tokio::test]
async fn what_is_wrong_is_told_in_words_beside_the_field() {
    let world = World::new();
    recorded(&world).await;
    let (marek, _) = (owner(&world, "marek"), owner(&world, "olena"));
    let viewer = world.account("tina@hosting.example", Role::Viewer, None);
    world
        .record(vec![world.draft(9, Some(&viewer.email), "GET", "/")])
        .await;
    for (admin, reason, told) in [
        (
            "tomm@hosting.example",
            "r",
            "Nobody on record has the id tomm@hosting.example (STORE-013).",
        ),
        (
            "tom@elsewhere.example",
            "r",
            "Near it: Tom@hosting.example.",
        ),
        ("", "r", "Say who: the whole id"),
        (TOM, "", "Say why."),
        ("marek@hosting.example", "r", "Nobody erases himself."),
        (
            "tina@hosting.example",
            "r",
            "admintrail account disable tina@hosting.example",
        ),
        ("erased-7f3a", "r", "there is no name left to erase"),
    ] {
        let answer = marek
            .form(LOOK, &[("admin", admin), ("reason", reason)])
            .await;
        let answer = answer.is(200);
        let outcome = answer.declared.outcome;
        assert_eq!(outcome, Some(admintrail_event::Outcome::Failed), "{admin}");
        let text = answer.text();
        assert!(text.contains(told), "{admin}: {text}");
        assert!(text.contains("aria-invalid=\"true\""), "{admin}");
        assert!(!text.contains("data-erasure-sure"));
        // Whoever leaves the step out is told the same.
        let fields = [("admin", admin), ("reason", reason), ("sure", "on")];
        marek.form(PAGE, &fields).await.is(303);
        assert!(marek.get(PAGE).await.text().contains(told), "{admin}");
        let problem = marek
            .clone()
            .json()
            .form(PAGE, &fields)
            .await
            .is(422)
            .json();
        assert!(
            problem["detail"].as_str().unwrap().contains(told),
            "{problem}"
        );
    }
    assert!(world.app.control.erasures().is_empty());
    for path in [
        "/settings/erasure/77/approve",
        "/settings/erasure/x/withdraw",
    ] {
        marek.form(path, &[]).await.is(303);
        assert!(marek.get(PAGE).await.text().contains("request"), "{path}");
    }
}

#[tokio::test]
async fn a_request_is_taken_back_and_forgets_whom_it_was_about() {
    let world = World::new();
    recorded(&world).await;
    let (marek, olena) = (owner(&world, "marek"), owner(&world, "olena"));
    let asked = marek.clone().json().form(PAGE, &request(true)).await;
    let asked = asked.is(200).json();
    assert_eq!(asked["state"], "waiting");
    let second = olena.form(PAGE, &request(true)).await.is(303);
    assert_eq!(
        second.declared.outcome,
        Some(admintrail_event::Outcome::Failed)
    );
    assert!(
        olena
            .get(PAGE)
            .await
            .text()
            .contains("That was asked for already")
    );
    let path = format!("{PAGE}/{}/withdraw", asked["id"]);
    olena.form(&path, &[]).await.is(303);
    let withdrawn = world
        .app
        .control
        .erasure(ErasureId(asked["id"].as_i64().unwrap()));
    let withdrawn = withdrawn.unwrap();
    assert_eq!(
        (withdrawn.state, withdrawn.admin.clone()),
        (ErasureState::Withdrawn, None)
    );
    let page = marek.get(PAGE).await.is(200).text();
    assert!(
        page.contains("withdrawn") && !page.contains("<b>Tom@"),
        "{page}"
    );
    // Then it may be asked for anew.
    marek.form(PAGE, &request(true)).await.is(303);
    assert_eq!(world.app.control.erasures()[0].state, ErasureState::Waiting);
}

#[tokio::test]
async fn a_failure_is_said_on_the_page_until_it_is_over() {
    let world = World::new();
    recorded(&world).await;
    let marek = owner(&world, "marek");
    marek.form(PAGE, &request(true)).await.is(303);
    let erasing = &world.app.erasing;
    erasing.failed(world.app.now(), "disk full".to_owned());
    let page = marek.get(PAGE).await.is(200).text();
    assert!(
        page.contains("disk full. It is tried again every minute."),
        "{page}"
    );
    erasing.works();
    let page = marek.get(PAGE).await.is(200).text();
    assert!(
        !page.contains("disk full") && page.contains("About to begin."),
        "{page}"
    );
}

#[tokio::test]
async fn only_owners_open_it() {
    let world = World::new();
    recorded(&world).await;
    for role in [Role::Auditor, Role::Viewer] {
        let actor = world.signed_in(role);
        actor.get(PAGE).await.is(403);
        actor.form(LOOK, &request(false)).await.is(403);
        assert!(!actor.get("/").await.text().contains(PAGE), "{role:?}");
    }
    let cross = owner(&world, "marek").header("origin", "https://evil.example");
    cross.form(PAGE, &request(true)).await.is(403);
    assert!(world.app.control.erasures().is_empty());
}
