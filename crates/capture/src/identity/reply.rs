//! What the body of a sign-in response tells: a token, a refusal, or the form once more.

use serde_json::Value;

use super::credential::looks_secret;

/// Names under which panels return a token.
const TOKEN_NAMES: &[&str] = &[
    "token",
    "access_token",
    "accesstoken",
    "auth_token",
    "authtoken",
    "session_token",
    "sessiontoken",
    "api_token",
    "apitoken",
    "id_token",
    "idtoken",
    "jwt",
    "key",
    "bearer",
    "plaintexttoken",
];

/// Where they put it.
const WRAPPERS: &[&str] = &[
    "data",
    "result",
    "response",
    "payload",
    "auth",
    "authorization",
    "session",
    "user",
    "tokens",
    "token",
    "access",
    "attributes",
    "login",
    "signin",
    "tokenauth",
];

const DEPTH: usize = 3;

/// What a JSON answer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Tokens were returned.
    Tokens(Vec<String>),
    /// It says that it was no success.
    Refused,
    /// A second factor is asked for.
    SecondFactor,
    /// It says nothing of the kind.
    Neutral,
}

/// Reads a JSON answer as far as it has come. `None`: more of it is needed. `Some(None)`: it is no
/// JSON, and may say anything.
#[expect(clippy::option_option, reason = "they are two questions")]
pub(crate) fn read_so_far(body: &[u8], last: bool) -> Option<Option<Reply>> {
    // Only what ends like JSON is worth reading before its end.
    let closed = matches!(body.trim_ascii_end().last(), Some(b'}' | b']'));
    if !last && !closed {
        return None;
    }
    let reply = read_json(body);
    (last || reply.is_some()).then_some(reply)
}

/// Reads a JSON answer; `None` while it is not whole.
pub(crate) fn read_json(body: &[u8]) -> Option<Reply> {
    let value: Value = serde_json::from_slice(body).ok()?;
    if refuses(&value) {
        return Some(Reply::Refused);
    }
    let mut tokens = Vec::new();
    collect_tokens(&value, DEPTH, &mut tokens);
    if !tokens.is_empty() && !asks_second_factor(&value) {
        return Some(Reply::Tokens(tokens));
    }
    Some(if asks_second_factor(&value) {
        Reply::SecondFactor
    } else {
        Reply::Neutral
    })
}

fn collect_tokens(value: &Value, depth: usize, tokens: &mut Vec<String>) {
    let Value::Object(map) = value else { return };
    for (name, value) in map {
        let name = name.to_ascii_lowercase();
        if let Value::String(text) = value
            && TOKEN_NAMES.contains(&name.as_str())
            && looks_secret(text.as_bytes())
        {
            tokens.push(text.clone());
        }
        if depth > 0 && value.is_object() && WRAPPERS.contains(&name.as_str()) {
            collect_tokens(value, depth - 1, tokens);
        }
    }
}

/// Many panels answer a wrong password with 200 and say so in words.
fn refuses(value: &Value) -> bool {
    let Value::Object(map) = value else {
        return false;
    };
    map.iter()
        .any(|(name, value)| match name.to_ascii_lowercase().as_str() {
            "success" | "ok" | "authenticated" | "loggedin" | "logged_in" | "valid" => is_no(value),
            "status" | "result" | "state" => {
                value == &Value::Bool(false)
                    || value.as_str().is_some_and(|text| {
                        [
                            "error",
                            "fail",
                            "failed",
                            "failure",
                            "denied",
                            "unauthorized",
                            "invalid",
                        ]
                        .iter()
                        .any(|word| text.eq_ignore_ascii_case(word))
                    })
                    || value
                        .as_u64()
                        .is_some_and(|code| matches!(code, 400 | 401 | 403 | 422 | 429))
            }
            "code" | "statuscode" | "status_code" => value
                .as_u64()
                .is_some_and(|code| matches!(code, 400 | 401 | 403 | 422 | 429)),
            "error" | "errors" | "err" | "error_message" | "errormessage" => !is_empty(value),
            "message" | "msg" | "detail" | "reason" => value.as_str().is_some_and(sounds_refused),
            _ => false,
        })
}

fn asks_second_factor(value: &Value) -> bool {
    let Value::Object(map) = value else {
        return false;
    };
    map.iter().any(|(name, value)| {
        let name: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let factor = ["2fa", "mfa", "otp", "twofactor", "secondfactor", "totp"]
            .iter()
            .any(|word| name == *word || (name.contains(word) && asks(&name)));
        (factor && !is_no(value) && !is_empty(value) && !value.is_object())
            || (name == "data" && asks_second_factor(value))
    })
}

/// `mfa_required`, `requires2fa`, `mfa_token`; not `mfa_enabled`, which only describes an account.
fn asks(name: &str) -> bool {
    ["requir", "need", "pending", "challenge", "token"]
        .iter()
        .any(|word| name.contains(word))
}

fn is_no(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => ["false", "0", "no"]
            .iter()
            .any(|no| text.eq_ignore_ascii_case(no)),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn sounds_refused(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "invalid",
        "incorrect",
        "wrong",
        "failed",
        "denied",
        "unauthori",
        "not match",
        "bad credentials",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Whether a page asks for a password (once more).
pub(crate) fn shows_sign_in_form(html: &[u8]) -> bool {
    let lower = html.to_ascii_lowercase();
    [
        &b"type=\"password\""[..],
        b"type='password'",
        b"type=password",
    ]
    .iter()
    .any(|field| lower.windows(field.len()).any(|window| window == *field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.e30.x9";

    fn read(json: &str) -> Reply {
        read_json(json.replace("TOKEN", TOKEN).as_bytes()).unwrap()
    }

    #[test]
    fn tokens_are_found_where_panels_put_them() {
        for json in [
            r#"{"token":"TOKEN"}"#,
            r#"{"access_token":"TOKEN","token_type":"bearer"}"#,
            r#"{"success":true,"data":{"access_token":"TOKEN"}}"#,
            r#"{"data":{"login":{"token":"TOKEN"}},"errors":[]}"#,
            r#"{"key":"TOKEN","error":null}"#,
            r#"{"user":{"accessToken":"TOKEN"},"status":"ok"}"#,
        ] {
            assert_eq!(read(json), Reply::Tokens(vec![TOKEN.to_owned()]), "{json}");
        }
    }

    #[test]
    fn refusals_in_words_are_no_success() {
        for json in [
            r#"{"success":false}"#,
            r#"{"ok":0,"token":"TOKEN"}"#,
            r#"{"status":"error","message":"?"}"#,
            r#"{"error":"bad password"}"#,
            r#"{"errors":[{"message":"no"}],"data":null}"#,
            r#"{"code":1003,"msg":"Incorrect password"}"#,
        ] {
            assert_eq!(read(json), Reply::Refused, "{json}");
        }
        assert_eq!(
            read(r#"{"id":1,"name":"Olena","message":"Welcome"}"#),
            Reply::Neutral
        );
        assert_eq!(
            read(r#"{"mfa_required":true,"token":"TOKEN"}"#),
            Reply::SecondFactor
        );
        assert_eq!(
            read(r#"{"mfa_enabled":true,"token":"TOKEN"}"#),
            Reply::Tokens(vec![TOKEN.into()])
        );
        assert_eq!(read_json(b"{\"token\":\"abc"), None);
    }

    #[test]
    fn the_form_once_more_is_known_by_its_password_field() {
        assert!(shows_sign_in_form(b"<form><INPUT Type='Password' name=p>"));
        assert!(!shows_sign_in_form(b"<p>Your password was right.</p>"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_json(&body);
            let _ = shows_sign_in_form(&body);
        }
    }
}
