//! What survives a crash.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use admintrail_event::{Ending, Kind, Outcome};
use tower::ServiceExt;

use crate::stand::*;

#[tokio::test]
async fn open_requests_come_back_as_unknown_and_acknowledged_ones_do_not_double() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    get(&service, "/done", "").await;
    let done = stand.last(1).await;
    // Its response is not read to the end when the crash comes.
    let asked = request("DELETE", "/clients/7", &[("user-agent", "cli")], empty());
    let open = service.clone().oneshot(asked).await.unwrap();
    until(|| stand.recorders.state().waiting == 0).await;
    drop(service);
    let stand = stand.crash().await;
    drop(open);
    let events = stand.requests(2).await;
    assert_eq!(events[0], done);
    let unknown = &events[1];
    assert_eq!(
        (unknown.method.as_str(), unknown.path.as_str()),
        ("DELETE", "/clients/7")
    );
    assert_eq!(
        (unknown.outcome, unknown.ending),
        (Outcome::Unknown, Ending::Dropped)
    );
    assert_eq!(
        (unknown.status, unknown.user_agent.as_deref()),
        (None, Some("cli"))
    );
    assert!(unknown.action.contains("client"), "{}", unknown.action);
    assert!(stand.sink.repeated.lock().is_empty());

    // And only once.
    let stand = stand.crash().await;
    until(|| {
        stand
            .sink
            .kept
            .lock()
            .iter()
            .filter(|e| e.kind == Kind::Start)
            .count()
            == 3
    })
    .await;
    assert_eq!(stand.requests(2).await.len(), 2);
}

#[tokio::test]
async fn finished_events_the_sink_never_took_come_back_once() {
    let stand = Stand::new().await;
    stand.events(Kind::Start, 1).await;
    *stand.sink.fails.lock() = Some("disk full".into());
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    for n in 0..20 {
        get(&service, &format!("/{n}"), "").await;
    }
    until(|| stand.recorders.state().waiting == 20).await;
    drop(service);
    *stand.sink.fails.lock() = None;
    let stand = stand.crash().await;
    let events = stand.requests(20).await;
    let mut paths: Vec<_> = events.iter().map(|event| event.path.clone()).collect();
    paths.dedup();
    assert_eq!(paths, (0..20).map(|n| format!("/{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn counts_of_refused_requests_survive() {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|_| {});
    for _ in 0..5 {
        stand
            .recorders
            .count_refused(&recorder, "192.0.2.1:1".parse().unwrap(), 1);
    }
    drop(recorder);
    let stand = stand.crash().await;
    let gap = stand.events(Kind::Gap, 1).await.remove(0);
    assert_eq!(
        (gap.count, gap.ip.unwrap().to_string().as_str()),
        (Some(5), "192.0.2.1")
    );
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_burst_loses_nothing() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    let answered = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (service, answered) = (service.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                for n in 0.. {
                    let path = format!("/{client}/{n}");
                    let method = if n % 2 == 0 { "GET" } else { "POST" };
                    send(&service, request(method, &path, &[], empty())).await;
                    answered.lock().push(path);
                }
            })
        })
        .collect();
    until(|| answered.lock().len() > 300).await;
    stand.sink.hangs.store(true, Ordering::SeqCst);
    let hung = answered.lock().len();
    until(|| answered.lock().len() > hung + 300).await;
    for client in clients {
        client.abort();
        let _ = client.await;
    }
    drop(service);
    stand.sink.hangs.store(false, Ordering::SeqCst);
    let stand = stand.crash().await;
    let answered = answered.lock().clone();
    let has = |path: &String| {
        stand
            .sink
            .kept
            .lock()
            .iter()
            .any(|event| event.path == *path)
    };
    until(|| answered.iter().all(&has)).await;
    let kept = stand.sink.kept.lock();
    let mut ids: Vec<_> = kept.iter().map(|event| event.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), kept.len());
}
