//! The published ledger, proofs, receipts and packs.

use std::io::{Cursor, Read};

use admintrail_ledger::{
    Checkpoint, ErasedProof, EventProof, ReasonSeal, TileReader, TileSource, TreeHead, VerifierKey,
    verify_erased, verify_event,
};
use admintrail_store::control::{Role, TokenScope};
use admintrail_store::{Erased, ErasureOrder};
use admintrail_web::integrity::Verdict;
use admintrail_web::{AnchorPlace, AnchorWay, Anchors};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::stack::{Actor, World};

/// A mirror: what it was given over HTTP.
struct Mirror(std::collections::BTreeMap<admintrail_ledger::TileId, Vec<u8>>);

impl TileSource for Mirror {
    fn read(&self, tile: &admintrail_ledger::TileId) -> std::io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(tile).cloned())
    }
}

async fn key(actor: &Actor) -> VerifierKey {
    let key = actor.get("/ledger/key").await.is(200).text();
    key.trim().parse().unwrap()
}

async fn checkpoint(actor: &Actor) -> Checkpoint {
    let note = actor.get("/ledger/checkpoint").await.is(200);
    Checkpoint::open(&note.body, &[key(actor).await]).unwrap()
}

#[tokio::test]
async fn a_mirror_can_be_made_of_what_is_published_and_bears_out_the_checkpoint() {
    let world = World::new();
    for n in 0..3 {
        world.record_many(10 + n).await;
        world.publish().await;
    }
    let reader = world.reader_token();
    let checkpoint = checkpoint(&reader).await;
    let mut mirror = Mirror(Default::default());
    for tile in admintrail_ledger::TileId::all(checkpoint.head.size) {
        let answer = reader.get(&format!("/ledger/{tile}")).await.is(200);
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(
            answer.header("cache-control"),
            "private, max-age=31536000, immutable"
        );
        mirror.0.insert(tile, answer.body.to_vec());
    }
    let mut tiles = TileReader::new(&mirror, checkpoint.head);
    assert_eq!(tiles.frontier().unwrap().head(), checkpoint.head);
}

#[tokio::test]
async fn the_checkpoint_is_plain_text_that_is_asked_for_again() {
    let world = World::new();
    world.record_many(3).await;
    world.publish().await;
    let reader = world.reader_token();
    let first = reader.get("/ledger/checkpoint").await.is(200);
    assert_eq!(first.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(first.header("cache-control"), "no-cache");
    let tag = first.header("etag").to_owned();
    let again = reader.clone().header("if-none-match", &tag);
    let known = again.get("/ledger/checkpoint").await.is(304);
    assert!(known.body.is_empty());
    world.record_many(2).await;
    world.publish().await;
    let next = again.get("/ledger/checkpoint").await.is(200);
    assert_ne!(next.header("etag"), tag);
}

#[tokio::test]
async fn a_path_that_is_no_tile_is_refused_and_a_tile_that_is_not_there_is_not_found() {
    let world = World::new();
    world.record_many(3).await;
    world.publish().await;
    let reader = world.reader_token();
    for path in [
        "0/0",
        "0/000/",
        "0/+00",
        "../checkpoint",
        "0/..%2f..%2f..%2ftrail.db",
        "%2e%2e/%2e%2e/trail.db",
        "entries/000.p/0",
        "entries/000.p/../../../../ledger.db",
        "64/000",
        "00/000",
        "0/000.p/256",
        "x",
    ] {
        let answer = reader.get(&format!("/ledger/tile/{path}")).await.is(400);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["code"], "WEB-005", "{path}");
    }
    for path in ["0/000", "entries/000.p/200", "5/000", "0/x001/000"] {
        let answer = reader.get(&format!("/ledger/tile/{path}")).await.is(404);
        assert_eq!(answer.json()["code"], "WEB-016", "{path}");
    }
    let owner = world.owner();
    owner.get("/ledger/tile/").await.is(404);
    owner.get("/ledger/trail.db").await.is(404);
}

#[tokio::test]
async fn strangers_read_the_ledger_only_where_it_is_for_everybody() {
    for (world, open) in [(World::new(), false), (World::published(), true)] {
        world.record_many(3).await;
        world.publish().await;
        let tile = "/ledger/tile/entries/000.p/1";
        for path in ["/ledger/checkpoint", "/ledger/key", tile] {
            let expected = if open { 200 } else { 401 };
            let answer = world.anon().get(path).await.is(expected);
            if open && path == tile {
                let caching = answer.header("cache-control");
                assert_eq!(caching, "public, max-age=31536000, immutable");
            }
            world.signed_in(Role::Viewer).get(path).await.is(200);
            let ingest = world.token("in", TokenScope::Ingest, &[]);
            ingest.0.get(path).await.is(if open { 200 } else { 403 });
            world
                .app
                .control
                .revoke_token(ingest.1.id, world.app.now())
                .wait()
                .unwrap();
        }
        world.anon().json().get("/api/v1/events").await.is(401);
        world
            .anon()
            .json()
            .get("/monitoring/integrity")
            .await
            .is(401);
    }
}

#[tokio::test]
async fn the_proof_of_an_event_checks_out_by_itself() {
    let world = World::new();
    world.record_many(12).await;
    let reader = world.reader_token();
    let listed = reader.get("/api/v1/events?limit=1").await.json();
    let id = listed["events"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/events/{id}/proof");
    let waiting = reader.get(&path).await.is(200).json();
    if waiting["state"] != "proven" {
        assert_eq!(
            (&waiting["state"], &waiting["proof"]),
            (&json!("waiting"), &Value::Null)
        );
    }
    world.publish().await;
    let proven = reader.get(&path).await.is(200).json();
    assert_eq!(
        (&proven["state"], &proven["seq"]),
        (&json!("proven"), &json!(12))
    );
    assert_eq!(proven["event"]["id"], id.as_str());
    let key: VerifierKey = proven["key"].as_str().unwrap().parse().unwrap();
    let note = proven["checkpoint"].as_str().unwrap();
    let head = Checkpoint::open(note.as_bytes(), &[key]).unwrap().head;
    let proof: EventProof = serde_json::from_value(proven["proof"].clone()).unwrap();
    let id: admintrail_event::EventId = id.parse().unwrap();
    let mut event = world.app.trail.event(id).unwrap().unwrap();
    verify_event(&(&event).into(), &proof, head).unwrap();
    event.draft.path.push('x');
    assert!(verify_event(&(&event).into(), &proof, head).is_err());

    let unknown = "/api/v1/events/0190163d-8694-739b-aea5-966c26f8ad91/proof";
    reader.get(unknown).await.is(404);
    reader.get("/api/v1/events/x/proof").await.is(400);
    let (other, _) = world.token("other", TokenScope::Read, &["shop"]);
    other.get(&path).await.is(404);
}

#[tokio::test]
async fn receipts_carry_the_hash_that_the_ledger_has() {
    let world = World::new();
    let ingest = world.ingest_token();
    let event = |path: &str, id: Option<&str>| {
        let time = "2026-11-22T14:00:00Z";
        let mut json = json!({"panel": "billing", "time": time, "method": "GET", "path": path});
        if let Some(id) = id {
            json["id"] = id.into();
        }
        json
    };
    let id = "019aabcd-8694-739b-aea5-966c26f8ad91";
    let to = "/api/v1/events?receipts=ledger";
    let both = json!([event("/a", Some(id)), event("/b", None)]);
    // The clock of the test stands still, so no block closes by itself.
    let (answer, ()) = tokio::join!(ingest.post_json(to, &both), async {
        while world.app.trail.state().events < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        world.publish().await;
    });
    let answer = answer.is(200).json();
    let events = answer["events"].as_array().unwrap();
    let seqs: Vec<admintrail_event::Seq> = events
        .iter()
        .map(|event| admintrail_event::Seq(event["seq"].as_u64().unwrap()))
        .collect();
    let hashes = world.app.trail.ledger_hashes(&seqs).unwrap();
    for (event, hash) in events.iter().zip(&hashes) {
        assert_eq!(event["ledger"], "published");
        assert_eq!(event["ledger_hash"], hash.unwrap().to_string());
    }
    assert_ne!(events[0]["ledger_hash"], events[1]["ledger_hash"]);
    // The same again is the same; another one under its id is none of the ledger's.
    let again = json!([event("/a", Some(id))]);
    let again = ingest.post_json(to, &again).await.is(200).json();
    assert_eq!(again["events"][0]["status"], "duplicate");
    assert_eq!(again["events"][0]["ledger_hash"], events[0]["ledger_hash"]);
    let other = ingest
        .post_json(to, &event("/other", Some(id)))
        .await
        .is(409);
    assert_eq!(other.json()["events"][0]["ledger"], "conflict");
    assert_eq!(other.json()["events"][0]["ledger_hash"], Value::Null);
    // What no block has in time is waiting, and nothing is lost by that.
    let late = ingest.post_json(to, &event("/late", None)).await;
    let late = late.is(200).json();
    assert_eq!(late["events"][0]["ledger"], "waiting");
    assert_eq!(late["events"][0]["ledger_hash"], Value::Null);
    assert_eq!(late["accepted"], 1);
    // Who does not ask does not wait.
    let plain = ingest.post_json("/api/v1/events", &event("/d", None)).await;
    assert!(plain.is(200).json()["events"][0].get("ledger").is_none());
    let before = world.app.trail.state().events;
    let wrong = ingest
        .post_json("/api/v1/events?receipts=yes", &event("/e", None))
        .await
        .is(400);
    assert_eq!(wrong.json()["parameter"], "receipts");
    assert_eq!(world.app.trail.state().events, before, "nothing was taken");
}

/// The files of a zip by name.
fn unzip(bytes: &[u8]) -> std::collections::BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[tokio::test]
async fn an_export_with_proof_has_the_rows_of_the_view_in_their_order_each_with_a_proof() {
    let world = World::new();
    world.record_many(30).await;
    world.publish().await;
    // Later in number, earlier in time.
    world
        .record(vec![world.draft(-500, Some("tom"), "GET", "/late")])
        .await;
    world.record_many(3).await;
    world.publish().await;
    let auditor = world.signed_in(Role::Auditor);
    let answer = auditor.get("/api/v1/export?format=proof").await.is(200);
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"admintrail-20261122143158-proof.zip\""
    );
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    let action = answer.declared.action.as_deref();
    assert_eq!(action, Some("Exported 34 events with proof"));
    assert_eq!(answer.header("admintrail-left-out"), "");
    let files = unzip(&answer.body);
    let facts: Value = serde_json::from_str(&files["pack.json"]).unwrap();
    assert_eq!(
        (&facts["rows"], &facts["seqs"]),
        (&json!(34), &json!([[1, 34]]))
    );
    assert_eq!(facts["made_by"], "auditor@example.org");
    let key: VerifierKey = files["key.txt"].trim().parse().unwrap();
    let head = Checkpoint::open(files["checkpoint"].as_bytes(), &[key])
        .unwrap()
        .head;
    for line in files["events.ndjson"].lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let id: admintrail_event::EventId = row["event"]["id"].as_str().unwrap().parse().unwrap();
        let event = world.app.trail.event(id).unwrap().unwrap();
        let proof: EventProof = serde_json::from_value(row["proof"].clone()).unwrap();
        verify_event(&(&event).into(), &proof, head).unwrap();
    }
    let narrow = auditor
        .get("/api/v1/export?format=proof&q=admin:tom")
        .await
        .is(200);
    let facts = &unzip(&narrow.body)["pack.json"];
    let facts: Value = serde_json::from_str(facts).unwrap();
    assert_eq!(
        (&facts["seqs"], &facts["filter"]),
        (&json!([[31, 31]]), &json!("admin:tom"))
    );

    let none = auditor
        .clone()
        .json()
        .get("/api/v1/export?format=proof&q=admin:nobody")
        .await;
    assert_eq!(none.is(409).json()["code"], "WEB-019");
    world
        .signed_in(Role::Viewer)
        .json()
        .get("/api/v1/export?format=proof")
        .await
        .is(403);
}

/// Erases an admin from all that was recorded.
async fn erase(world: &World, admin: &str) -> Erased {
    let trail = world.app.trail.clone();
    let order = ErasureOrder {
        admin: admin.to_owned(),
        pseudonym: trail.pseudonym().unwrap(),
        by: "owner@example.org".to_owned(),
        approved_by: Some("second@example.org".to_owned()),
        reason: ReasonSeal::new(&[5; 32], "asked for it"),
    };
    let erasing = tokio::task::spawn_blocking(move || trail.erase(&order, |_| {}));
    erasing.await.unwrap().unwrap()
}

/// What `tom` did between others.
async fn with_tom() -> World {
    let world = World::new();
    world.record_many(5).await;
    let toms = [10, 11].map(|n| world.draft(n, Some("tom"), "GET", "/client/3"));
    world.record(toms.into()).await;
    world.record_many(3).await;
    world.publish().await;
    world
}

#[tokio::test]
async fn what_an_erasure_left_is_in_an_export_with_proof_as_just_that() {
    let world = with_tom().await;
    let erased = erase(&world, "tom").await;
    let owner = world.owner();
    let answer = owner.get("/api/v1/export?format=proof").await.is(200);
    assert_eq!(answer.header("admintrail-erased"), "2");
    assert_eq!(answer.header("admintrail-left-out"), "");
    let files = unzip(&answer.body);
    let facts: Value = serde_json::from_str(&files["pack.json"]).unwrap();
    assert_eq!((&facts["rows"], &facts["erased"]), (&json!(10), &json!(2)));
    let key: VerifierKey = files["key.txt"].trim().parse().unwrap();
    let note = files["checkpoint"].as_bytes();
    let head = Checkpoint::open(note, &[key]).unwrap().head;
    let mut rows = 0;
    for line in files["events.ndjson"].lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["event"]["admin"] == erased.pseudonym.as_str() {
            rows += 1;
            is_left(&world, &row["event"]["id"], &row["erased"], head);
        }
    }
    assert_eq!(rows, 2);
    assert!(!files["events.ndjson"].contains("tom"));
    // Nobody but the erased is a pack, too.
    let path = format!("/api/v1/export?format=proof&q=admin:{}", erased.pseudonym);
    let narrow = owner.get(&path).await.is(200);
    assert_eq!(narrow.header("admintrail-erased"), "2");
}

/// Whether this is a proof that the event reads as its erasure left it.
fn is_left(world: &World, id: &Value, proof: &Value, head: TreeHead) {
    let id: admintrail_event::EventId = id.as_str().unwrap().parse().unwrap();
    let mut event = world.app.trail.event(id).unwrap().unwrap();
    let proof: ErasedProof = serde_json::from_value(proof.clone()).unwrap();
    verify_erased(&(&event).into(), &proof, head).unwrap();
    event.draft.admin = Some("tom".to_owned());
    assert!(verify_erased(&(&event).into(), &proof, head).is_err());
}

#[tokio::test]
async fn the_proof_of_an_erased_event_says_who_was_erased_when_and_by_whom() {
    let world = with_tom().await;
    let erased = erase(&world, "tom").await;
    let reader = world.reader_token();
    let path = format!("/api/v1/events?q=admin:{}", erased.pseudonym);
    let listed = reader.get(&path).await.json();
    let id = &listed["events"][0]["id"];
    let path = format!("/api/v1/events/{}/proof", id.as_str().unwrap());
    let told = reader.get(&path).await.is(200).json();
    assert_eq!(
        (&told["state"], &told["says"]),
        (&json!("erased"), &Value::Null)
    );
    let expected = json!({
        "entry": erased.entry.unwrap(),
        "at": erased.at.to_string(),
        "pseudonym": erased.pseudonym,
        "by": "owner@example.org",
        "approved_by": "second@example.org",
        "events": 2,
    });
    assert_eq!(told["erasure"], expected);
    let key: VerifierKey = told["key"].as_str().unwrap().parse().unwrap();
    let note = told["checkpoint"].as_str().unwrap().as_bytes();
    let head = Checkpoint::open(note, &[key]).unwrap().head;
    is_left(&world, id, &told["proof"], head);
}

#[tokio::test]
async fn an_export_with_proof_lists_the_anchors_that_are_known_and_can_be_compared() {
    let world = World::new();
    let owner = world.owner();
    let origin = world.app.trail.ledger().origin;
    let hour = std::time::Duration::from_secs(3_600);
    let place = AnchorPlace::new(AnchorWay::File, "/mnt/backup/ledger".to_owned(), hour);
    let mut anchors = Anchors::begin(&origin, vec![place], None);
    let mut roots = Vec::new();
    for (n, admin) in (0..).zip(["mia", "tom", "olena", "jonas"]) {
        world
            .record(vec![world.draft(n, Some(admin), "GET", "/a")])
            .await;
        world.publish().await;
        let head = checkpoint(&owner).await.head;
        anchors.keep(0, world.app.now(), head.size);
        roots.push((head.size, head.root.to_string()));
    }
    // Of a longer ledger, which this one is not any more.
    anchors.keep(0, world.app.now(), 9);
    *world.app.anchors.write() = anchors;
    // The first that covers the newest row, and the newest: what is between says no more.
    for (q, expected) in [("tom", &[2, 4][..]), ("jonas", &[4]), ("tom,mia", &[2, 4])] {
        let path = format!("/api/v1/export?format=proof&q=admin:{q}");
        let files = unzip(&owner.get(&path).await.is(200).body);
        let facts: Value = serde_json::from_str(&files["pack.json"]).unwrap();
        let anchors = facts["anchors"].as_array().unwrap();
        let shown: Vec<(u64, String)> = anchors
            .iter()
            .map(|it| {
                (
                    it["size"].as_u64().unwrap(),
                    it["root"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let kept = roots.iter().filter(|(size, _)| expected.contains(size));
        assert_eq!(shown, kept.cloned().collect::<Vec<_>>(), "{q}");
        assert_eq!(anchors[0]["place"], "file /mnt/backup/ledger");
        assert!(files["README.txt"].contains("file /mnt/backup/ledger, 2026-11-22T14:31:58"));
    }
}

#[tokio::test]
async fn an_event_that_is_not_as_recorded_ends_an_export_with_proof_loudly() {
    let world = World::new();
    world.record_many(5).await;
    world.publish().await;
    let entries = world.folder().join("ledger/tile/entries/000.p/1");
    let mut bytes = std::fs::read(&entries).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&entries, bytes).unwrap();
    let reader = world.reader_token();
    let answer = reader.get("/api/v1/export?format=proof").await.is(409);
    let problem = answer.json();
    assert_eq!(problem["code"], "WEB-022");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("Event 1 is not as the ledger has it: "),
        "{detail}"
    );
    // Nothing else is kept from anybody.
    reader.get("/api/v1/export?format=csv").await.is(200);
}

#[tokio::test]
async fn a_view_that_is_too_large_for_a_pack_is_refused_with_what_to_do() {
    let world = World::new();
    world.record_many(100_001).await;
    let reader = world.reader_token();
    let answer = reader.get("/api/v1/export?format=proof").await.is(413);
    let problem = answer.json();
    assert_eq!(problem["code"], "WEB-021");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("Narrow it by time or filter"), "{detail}");
}

/// Changes a recorded row behind the server's back; it is read back as it is now.
fn tamper(world: &World) {
    let database = Connection::open(world.folder().join("trail.db")).unwrap();
    let edit = "UPDATE events SET time = time + 1 WHERE seq = 7";
    assert_eq!(database.execute(edit, []).unwrap(), 1);
}

#[tokio::test]
async fn a_verification_on_demand_says_what_it_found_and_remembers_it() {
    let world = World::new();
    world.record_many(20).await;
    world.publish().await;
    let path = "/monitoring/integrity/verify";
    world.signed_in(Role::Viewer).form(path, &[]).await.is(403);
    let begun = world.signed_in(Role::Auditor).form(path, &[]).await.is(303);
    assert_eq!(begun.header("location"), "/monitoring/integrity");
    assert_eq!(
        begun.declared.action.as_deref(),
        Some("Verified the record")
    );
    world.verified().await;
    let last = world.app.integrity.last().unwrap();
    assert_eq!((&last.verdict, last.events), (&Verdict::Intact, 20));
    assert_eq!(last.by.as_deref(), Some("auditor@example.org"));
    assert!(!world.app.integrity.is_due(world.app.now()));
    world.pass(86_400);
    assert!(world.app.integrity.is_due(world.app.now()));

    tamper(&world);
    assert!(world.app.verify(None));
    world.verified().await;
    let found = world.app.integrity.tampered().unwrap();
    assert_eq!(found.first_seq, 7);
    let page = world
        .owner()
        .get("/monitoring/integrity")
        .await
        .is(200)
        .text();
    assert!(page.contains("TAMPERED: the record is not as its ledger has it, from event 7 on."));
    let kept = world.app.control.setting("integrity").unwrap();
    assert!(kept.contains("\"first_seq\":7"), "{kept}");
    // Found again later, it is known since the first time.
    world.pass(600);
    assert!(world.app.verify(None));
    world.verified().await;
    assert_eq!(world.app.integrity.tampered().unwrap(), found);
}
