//! The page Integrity, and the badge of one event.

use std::time::Duration;

use admintrail_event::Micros;
use admintrail_ledger::ReasonSeal;
use admintrail_store::ErasureOrder;
use admintrail_store::control::Role;

use super::stack::{Stack, attributes, between, now, request, text};
use crate::{AnchorPlace, AnchorWay, Anchors};

const PAGE: &str = "/monitoring/integrity";

async fn verified(stack: &Stack) {
    while stack.app.integrity.running().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The badge of the event with this seed.
async fn badge(stack: &Stack, seed: u8) -> (String, String) {
    let id = request(seed, 5, "GET", "/a").id;
    let page = stack
        .page(&format!("/monitoring/admin-sessions?event={id}"))
        .await;
    let details = between(&page, "<details class=\"proof", "</details>");
    let word = between(details, "data-proof=\"", "\"").to_owned();
    (word, text(between(details, ">", "zzz")))
}

#[tokio::test]
async fn a_record_that_nobody_looked_at_is_not_called_intact() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    let html = stack.page(PAGE).await;
    assert_eq!(attributes(&html, "data-integrity"), ["unknown"]);
    let page = text(&html);
    for said in [
        "Not verified yet.",
        "None has come to its end yet.",
        "Known after the first verification.",
        "None. Nothing was deleted, rewritten or lost.",
        "Nobody else is known to keep a checkpoint of this ledger.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("Intact"), "{page}");
    assert!(html.contains("href=\"/monitoring/integrity\" aria-current=\"page\""));
}

#[tokio::test]
async fn after_a_verification_the_page_says_what_was_looked_at_when_and_for_whom() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    stack.publish().await;
    let answer = stack.post("/monitoring/integrity/verify").await;
    assert_eq!(answer.headers["location"], PAGE);
    verified(&stack).await;
    let html = stack.page(PAGE).await;
    assert_eq!(attributes(&html, "data-integrity"), ["intact"]);
    let page = text(&html);
    for said in [
        "Intact as of 16:31, when all of it was verified last.",
        "Looked at 1 event",
        "Asked for marek@hosting.example",
        "Covers event 1",
        "Waiting none",
        "Size 1 entry",
        "None. Every recorder’s numbers are there without a hole.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let ledger = stack.app.trail.ledger();
    assert!(html.contains(&ledger.key));
    let root = ledger.checkpoint.lines().nth(2).unwrap();
    assert!(html.contains(&format!("id=\"ledger-root\">{root}<")));
}

#[tokio::test]
async fn who_may_not_ask_for_a_verification_sees_no_button() {
    for (role, may) in [
        (Role::Owner, true),
        (Role::Auditor, true),
        (Role::Viewer, false),
    ] {
        let stack = Stack::new(role, &[]);
        let page = stack.page(PAGE).await;
        assert_eq!(page.contains("/monitoring/integrity/verify"), may);
        let answer = stack.post("/monitoring/integrity/verify").await;
        assert_eq!(answer.status.as_u16(), if may { 303 } else { 403 });
        verified(&stack).await;
    }
}

#[tokio::test]
async fn the_badge_says_no_more_than_is_known() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    stack.publish().await;
    stack.record(vec![request(2, 5, "GET", "/a")]).await;
    let (word, said) = badge(&stack, 1).await;
    assert_eq!(word, "proven");
    for part in [
        "In the ledger, not anchored yet",
        "Number 1 Ledger entry 0 Checkpoint 1 entry",
        "Nobody else is known to keep a checkpoint",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (word, said) = badge(&stack, 2).await;
    assert_eq!(word, "waiting");
    assert!(said.contains("Not in the ledger yet; about a second"));

    let place = AnchorPlace::new(
        AnchorWay::File,
        "backup-<host>".to_owned(),
        std::time::Duration::from_secs(3_600),
    );
    {
        let mut anchors = stack.app.anchors.write();
        *anchors = Anchors::begin("admintrail/test", vec![place], None);
        anchors.keep(0, Micros(now().0 - 31 * 60 * Micros::SECOND), 1);
    }
    stack.publish().await;
    let (word, said) = badge(&stack, 1).await;
    assert_eq!(word, "proven", "it lies beside the record");
    assert!(said.contains("on this machine’s own disk"), "{said}");
    if let Some(place) = stack.app.anchors.write().place_mut(0) {
        place.elsewhere = true;
    }
    let (word, said) = badge(&stack, 1).await;
    assert_eq!(word, "anchored");
    assert!(
        said.contains("In the ledger, anchored 16:00 at backup-&#60;host&#62;"),
        "{said}"
    );
    assert_eq!(badge(&stack, 2).await.0, "proven", "the anchor is older");
    let page = text(&stack.page(PAGE).await);
    assert!(page.contains("1 entry 16:00"), "{page}");
    assert!(!page.contains("Nobody else is known"), "{page}");
}

#[tokio::test]
async fn the_badge_of_an_erased_event_says_when_and_on_whose_word() {
    let stack = Stack::owner();
    let mut asked = request(1, 5, "GET", "/a");
    asked.admin = Some("tom".to_owned());
    stack.record(vec![asked, request(2, 5, "GET", "/a")]).await;
    stack.publish().await;
    let trail = stack.app.trail.clone();
    let order = ErasureOrder {
        admin: "tom".to_owned(),
        pseudonym: trail.pseudonym().unwrap(),
        by: "marek <owner>".to_owned(),
        approved_by: Some("jonas@hosting.example".to_owned()),
        reason: ReasonSeal::new(&[5; 32], "asked for it"),
    };
    let erasing = tokio::task::spawn_blocking(move || trail.erase(&order, |_| {}));
    erasing.await.unwrap().unwrap();
    let (word, said) = badge(&stack, 1).await;
    assert_eq!(word, "erased");
    for part in [
        "Erased 16:31; the row is what the erasure left, proven against the ledger",
        "Number 1 Ledger entry 0 Erasure entry 1 Decided by marek &#60;owner&#62; Approved by jonas@",
        "the erasure rewrote 1 event, and what it left",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(badge(&stack, 2).await.0, "proven");
}

#[tokio::test]
async fn an_event_that_is_not_as_the_ledger_has_it_is_told_loudly() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    stack.publish().await;
    // Somebody changes what is published, with the key of the ledger out of reach.
    let entries = stack.folder().join("ledger/tile/entries/000.p/1");
    let mut bytes = std::fs::read(&entries).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&entries, bytes).unwrap();
    let (word, said) = badge(&stack, 1).await;
    assert_eq!(word, "failed");
    assert!(said.contains("Not as the ledger has it: "), "{said}");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_is_behind_and_hides_no_event() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    stack.publish().await;
    let (ledger, away) = (stack.folder().join("ledger"), stack.folder().join("away"));
    std::fs::rename(&ledger, &away).unwrap();
    std::fs::write(&ledger, "in the way").unwrap();
    stack.record(vec![request(2, 5, "GET", "/a")]).await;
    let trail = stack.app.trail.clone();
    let failed = tokio::task::spawn_blocking(move || trail.publish()).await;
    assert!(failed.unwrap().is_err());
    let html = stack.page(PAGE).await;
    assert_eq!(attributes(&html, "data-integrity"), ["behind"]);
    let page = text(&html);
    let said = "Behind since 16:31: the ledger cannot be written, 1 event waits for it.";
    assert!(page.contains(said), "{page}");
    assert_eq!(badge(&stack, 1).await.0, "unread");
    std::fs::remove_file(&ledger).unwrap();
    std::fs::rename(&away, &ledger).unwrap();
    stack.publish().await;
    assert_eq!(badge(&stack, 2).await.0, "proven");
    let html = stack.page(PAGE).await;
    assert_eq!(attributes(&html, "data-integrity"), ["unknown"]);
}
