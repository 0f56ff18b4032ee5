//! The document describes what there is, no less and no more.

use std::collections::{BTreeMap, BTreeSet};

use admintrail_web::routes;
use serde_json::Value;

use crate::stack::World;

async fn document() -> Value {
    let answer = World::new()
        .anon()
        .get("/api/v1/openapi.json")
        .await
        .is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

#[tokio::test]
async fn it_lists_exactly_the_routes_of_the_api() {
    let document = document().await;
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let is_api = |path: &str| {
        path.starts_with("/api/")
            || path.starts_with("/ledger/")
            || ["/healthz", "/readyz", "/metrics"].contains(&path)
    };
    let there: BTreeSet<String> = routes()
        .iter()
        .filter(|route| is_api(route.path))
        .map(|route| format!("{} {}", route.method, route.path.replace("{*", "{")))
        .collect();
    assert_eq!(described, there);
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_operation_is_named_once() {
    let document = document().await;
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut names = BTreeMap::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            *names
                .entry(operation["operationId"].as_str().unwrap())
                .or_insert(0) += 1;
        }
    }
    assert!(names.values().all(|count| *count == 1), "{names:?}");
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.push(reference.clone());
            }
            map.values().for_each(|value| collect(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn it_names_the_fields_that_are_really_answered() {
    let world = World::new();
    let mut draft = world.draft(0, Some("olena"), "GET", "/x");
    draft.session = Some(admintrail_event::SessionHash([1; 16]));
    let mut attempt = world.draft(1, None, "POST", "/login");
    attempt.outcome = admintrail_event::Outcome::Denied;
    attempt.known_by = admintrail_event::KnownBy::Attempt;
    attempt.attempted = Some("root".to_owned());
    attempt.ip = "45.83.64.11".parse().ok();
    world.record(vec![draft, attempt]).await;
    let reader = world.reader_token();
    let document = document().await;
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let schema = |name: &str| keys(&document["components"]["schemas"][name]["properties"]);
    let page = reader.get("/api/v1/events?order=asc").await.json();
    assert_eq!(keys(&page), schema("Page"));
    assert_eq!(keys(&page["events"][0]), schema("Event"));
    assert_eq!(keys(&page["events"][0]), schema("SubmittedEvent"));
    assert_eq!(
        keys(&reader.get("/api/v1/histogram").await.json()),
        schema("Histogram")
    );
    assert_eq!(
        keys(&reader.get("/api/v1/facets?field=ip").await.json()),
        schema("Facet")
    );
    let attempts = |by: &str| format!("/api/v1/attempts?by={by}");
    let (by_ip, by_name) = (
        reader.get(&attempts("ip")).await.json(),
        reader.get(&attempts("name")).await.json(),
    );
    assert_eq!(keys(&by_ip), schema("Attempts"));
    let mut told = keys(&by_ip["attempts"][0]);
    told.extend(keys(&by_name["attempts"][0]));
    assert_eq!(told, schema("AttemptGroup"));
    let sessions = reader.get("/api/v1/sessions").await.json();
    assert_eq!(keys(&sessions["sessions"][0]), schema("Session"));
    assert_eq!(keys(&reader.get("/readyz").await.json()), schema("Ready"));
    let problem = keys(&reader.get("/api/v1/events?q=colour:red").await.json());
    assert!(problem.is_subset(&schema("Problem")), "{problem:?}");
    let event = serde_json::json!({"panel": "billing", "time": "2026-11-22T14:00:00Z", "method": "GET", "path": "/"});
    let receipts = world
        .ingest_token()
        .post_json("/api/v1/events", &event)
        .await
        .json();
    assert_eq!(keys(&receipts), schema("Receipts"));
}

#[tokio::test]
async fn its_parameters_are_the_ones_that_are_taken() {
    let world = World::new();
    let reader = world.reader_token();
    let document = document().await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(parameters) = operations["get"]["parameters"].as_array() else {
            continue;
        };
        if path.contains("{id}") || path.contains("{path}") || path.ends_with("/stream") {
            continue;
        }
        let names = parameters
            .iter()
            .map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap()["name"]
                    .as_str()
                    .unwrap(),
                None => parameter["name"].as_str().unwrap(),
            });
        let values = names.map(|name| match name {
            "q" => "q=method:GET",
            "from" => "from=-7d",
            "to" => "to=now",
            "limit" => "limit=5",
            "cursor" => "cursor=",
            "last" => "last=1",
            "order" => "order=asc",
            "hide_me" => "hide_me=1",
            "without" => "without=billing%3Aolena",
            "fold" => "fold=1",
            "tz" => "tz=Europe/Kyiv",
            "buckets" => "buckets=10",
            "field" => "field=ip",
            "by" => "by=name",
            "offset" => "offset=0",
            "format" => "format=csv",
            other => panic!("{path}: {other}"),
        });
        let query: Vec<&str> = values.collect();
        reader
            .get(&format!("{path}?{}", query.join("&")))
            .await
            .is(200);
    }
}
