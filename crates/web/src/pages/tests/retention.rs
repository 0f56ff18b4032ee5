//! Settings → Retention.

use std::collections::BTreeMap;

use admintrail_store::Retention;
use admintrail_store::control::Role;
use http::{StatusCode, header};

use super::stack::{Stack, between, request, text};

const PAGE: &str = "/settings/retention";
const RESUME: &str = "/settings/retention/resume";

#[tokio::test]
async fn it_says_how_long_what_is_kept_and_since_when_it_is_there() {
    let stack = Stack::owner();
    stack
        .record(vec![
            request(1, 3 * 86_400, "GET", "/a"),
            request(2, 60, "GET", "/b"),
        ])
        .await;
    let said = text(&stack.page(PAGE).await);
    assert!(
        said.contains("Events are kept for 400 days the default"),
        "{said}"
    );
    assert!(said.contains("PCI DSS asks for twelve months"));
    assert!(said.contains("billing 400 days 19 Nov 16:31 2"), "{said}");
    assert!(said.contains("admintrail 400 days – 0"));
    assert!(said.contains("[retention] days = 400"));
    assert!(said.contains("Nothing so far"));
    assert!(!said.contains("The clock is right"));
    stack.app.trail.set_retention(Retention {
        days: 500,
        panels: BTreeMap::from([("billing".parse().unwrap(), 90)]),
    });
    let said = text(&stack.page(PAGE).await);
    assert!(said.contains("billing 90 days its own"), "{said}");
    assert!(said.contains("admintrail 500 days"));
    assert!(
        said.contains("[[panel]] name = &#34;billing&#34; retention_days = 90"),
        "{said}"
    );
    assert!(!said.contains("the default 400"));
}

#[tokio::test]
async fn auditors_see_it_and_viewers_do_not() {
    for (role, status) in [
        (Role::Owner, StatusCode::OK),
        (Role::Auditor, StatusCode::OK),
        (Role::Viewer, StatusCode::FORBIDDEN),
    ] {
        let stack = Stack::new(role, &[]);
        assert_eq!(stack.ask(PAGE, None).await.status, status, "{role:?}");
        let linked = stack
            .page("/")
            .await
            .contains("href=\"/settings/retention\"");
        assert_eq!(linked, status == StatusCode::OK, "{role:?}");
    }
}

#[tokio::test]
async fn only_owners_let_it_go_on_and_only_where_it_is_paused() {
    let auditor = Stack::new(Role::Auditor, &[]);
    assert_eq!(auditor.post(RESUME).await.status, StatusCode::FORBIDDEN);
    let owner = Stack::owner();
    let answer = owner.post(RESUME).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers[header::LOCATION], PAGE);
    let page = owner.page(PAGE).await;
    let told = between(&page, "role=\"alert\"", "</div>");
    assert!(text(told).contains("Retention is not paused."), "{told}");
}
