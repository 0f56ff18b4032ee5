//! An event as one line for people.

use admintrail_event::encode_text;
use serde_json::Value;

/// Date, admin, address, type, method, status, action, address of the page.
pub(super) fn line(event: &Value, colours: bool) -> String {
    // Encoded when they were accepted; what stands in the file now may be another's work.
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(encode_text);
    let time = text("time")
        .unwrap_or_default()
        .replace('T', " ")
        .chars()
        .take(19)
        .collect::<String>();
    let kind = text("kind").unwrap_or("request".into());
    if kind != "request" {
        let count = event
            .get("count")
            .and_then(Value::as_u64)
            .map_or_else(String::new, |n| format!(" ({n})"));
        return format!(
            "{time}  [{kind}]{count} {}",
            text("action").unwrap_or_default()
        );
    }
    let admin = text("admin")
        .or_else(|| text("attempted"))
        .unwrap_or("-".into());
    let status = event
        .get("status")
        .and_then(Value::as_u64)
        .map_or_else(|| "…".to_owned(), |status| status.to_string());
    let url = match text("query") {
        Some(query) => format!("{}?{query}", text("path").unwrap_or_default()),
        None => text("path").unwrap_or_default().into_owned(),
    };
    let (on, off) = match (colours, text("outcome").as_deref()) {
        (true, Some("denied" | "error")) => ("\x1b[31m", "\x1b[0m"),
        (true, Some("failed" | "unknown")) => ("\x1b[33m", "\x1b[0m"),
        _ => ("", ""),
    };
    format!(
        "{time}  {admin:<24} {ip:<15} {kind:<3} {method:<6} {on}{status:<3}{off}  {action}  {url}",
        ip = text("ip").unwrap_or("-".into()),
        kind = text("type").unwrap_or_default(),
        method = text("method").unwrap_or_default(),
        action = text("action").unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_who_did_what_when_from_where() {
        let event = json!({
            "kind": "request", "time": "2026-11-22T14:31:58.117000Z", "admin": "olena@hosting.example",
            "ip": "198.51.100.7", "type": "API", "method": "PUT", "status": 200, "outcome": "success",
            "action": "Changed settings", "path": "/settings/mail", "query": "a=1",
        });
        assert_eq!(
            line(&event, false),
            "2026-11-22 14:31:58  olena@hosting.example    198.51.100.7    API PUT    200  Changed settings  /settings/mail?a=1"
        );
    }

    #[test]
    fn no_value_moves_the_cursor_or_ends_the_line() {
        let hostile = "a\u{1b}[2J\r\n\u{7}\u{9b}31m\u{202e}z\0";
        let mut event = json!({"kind": "request", "status": 200});
        for name in [
            "time",
            "admin",
            "attempted",
            "ip",
            "type",
            "method",
            "action",
            "path",
            "query",
            "outcome",
        ] {
            event[name] = json!(hostile);
        }
        for kind in ["request", hostile] {
            event["kind"] = json!(kind);
            let shown = line(&event, false);
            assert!(
                !shown.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{shown:?}"
            );
        }
    }
}
