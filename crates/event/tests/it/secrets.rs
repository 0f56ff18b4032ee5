//! Threat 6: what is secret is nowhere in what is kept.

use admintrail_event::{Preset, RequestHead};
use proptest::prelude::*;

const CANARY: &str = "Kanarienvogel5";

fn everything_kept(preset: &Preset, path: &str, query: Option<&str>) -> String {
    let reading = preset.read(&RequestHead::new("POST", path, query));
    let query = query.map(|query| preset.redact_query(query));
    format!("{}\n{query:?}\n{reading:?}", preset.redact_path(path))
}

fn percent(text: &str, every: bool) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() && !every;
    text.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect()
}

#[test]
fn secret_parameters_are_cut_out_however_they_are_written() {
    for name in Preset::BUILT_IN {
        let preset = Preset::built_in(name).unwrap();
        for query in [
            "password=C",
            "a=1&PassWord=C&b=2",
            "a=1;password=C",
            "new_password1=C",
            "p%61ssword=C",
            "p%2561ssword=C",
            "user%5Bpassword%5D=C",
            "user[password]=C",
            "user[credentials][password][]=C",
            "user.password=C",
            "a%5Bb%5D%5Bapi-key%5D=C",
            "access_token=C",
            "X-Amz-Signature=C",
            "code=C&state=1",
            "sid=C",
            "pass1=C",
            "user_pass=C",
            "Login-OTP=C",
            "PHPSESSID=C",
            "csrfmiddlewaretoken=C",
            "password=C=C&c=",
            "password=C%26C",
            "next=/reset?token=C",
            "next=%2Freset%3Ftoken%3DC",
            "next=%252Freset%253Ftoken%253DC",
            "next=https%3A%2F%2Fx.org%2F%3Fa%3D1%26password%3DC%26b%3D2",
            "next=/reset/MQ/Cabc123def456/",
            "next=https%3A%2F%2Fx.org%2Freset%2FMQ%2FCabc123def456",
            "url=https://olena:C@x.org/",
            "url=https%3A%2F%2Folena%3AC%40x.org",
            "filter={\"password\":\"C\"}",
            "filter=%7B%22user%22%3A%7B%22api_key%22%3A%20%22C%22%7D%7D",
            "filter=%7Bpassword%3AC%7D",
            "a%3D1%26password=C",
            "a=1%26password=C",
            "password%3DC",
            "password%3DC=",
            "password=%",
            "x=eyJhbGciOiJIUzI1NiJ9.C.c2lnbmF0dXJl",
            "x=Bearer%20eyJhbGciOiJIUzI1NiJ9.C.c2lnbmF0dXJl",
        ] {
            let query = query.replace('C', CANARY);
            let kept = everything_kept(&preset, "/x", Some(&query));
            assert!(!kept.contains("Kanarienvogel"), "{query}\n{kept}");
            assert!(
                kept.contains("[redacted]") || !query.contains(CANARY),
                "{query}\n{kept}"
            );
        }
    }
}

#[test]
fn what_is_no_secret_stays_byte_for_byte() {
    let preset = Preset::built_in("generic").unwrap();
    for query in [
        "",
        "&",
        "a=1&&b=;c",
        "q=a+b%20c&page=2&sort=-name",
        "next=%2Fadmin%2F%3Fq%3D1",
        "passed=1&keyboard=de&compass=n&encoded=1&passing=2&spin=1&zipcode=1",
        "password=",
        "email=olena@example.org",
        "path=/client/4711&url=https://x.org/a?b=c",
        "filter={\"name\":\"x\"}",
        "q=action:\"changed settings\" session:77f0 route:\"/x/{id}\" -token:x",
        "time=12:30&x=%zz%",
        "\u{457}=\u{457}",
    ] {
        assert_eq!(preset.redact_query(query), query);
    }
    for path in [
        "/",
        "/admin/auth/user/5/change/",
        "/a=b;c=d",
        "/reset/form",
        "/verify/email",
        "//x/../y",
        "/%zz%",
    ] {
        assert_eq!(preset.redact_path(path), path);
    }
}

#[test]
fn neighbours_of_a_secret_stay_readable() {
    let preset = Preset::built_in("generic").unwrap();
    for (query, kept) in [
        ("a=1&token=x&b=2", "a=1&token=[redacted]&b=2"),
        (
            "next=%2Freset%3Ftoken%3Dx&b=2",
            "next=/reset%3Ftoken%3D[redacted]&b=2",
        ),
        (
            "url=https://olena:x@y.org/z",
            "url=https://[redacted]@y.org/z",
        ),
    ] {
        assert_eq!(preset.redact_query(query), kept);
    }
    for (path, kept) in [
        (
            "/cart;jsessionid=1A2B/items",
            "/cart;jsessionid=[redacted]/items",
        ),
        (
            "/accounts/reset/MQ/c5l8x7-3a2b9c0d1e2f/",
            "/accounts/reset/MQ/[redacted]/",
        ),
        (
            "/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln/y",
            "/x/[redacted]/y",
        ),
    ] {
        assert_eq!(preset.redact_path(path), kept);
    }
}

/// Threat 21 on secret segments: no spelling of the path keeps the token.
#[test]
fn secret_segments_are_cut_out_however_the_path_is_written() {
    for (name, token) in [
        ("django-admin", CANARY),
        ("generic", "c5l8x7-Kanarienvogel5"),
    ] {
        let preset = Preset::built_in(name).unwrap();
        for path in [
            "/accounts/reset/MQ/C/",
            "/accounts/reset/MQ/C",
            "//accounts//reset//MQ//C//",
            "/accounts/./reset/MQ/./C",
            "/accounts/reset/x/../MQ/C",
            "/accounts/reset/MQ/C/../..",
            "/accounts/reset/MQ/C/..%2f..",
            "/accounts%2freset%2fMQ%2fC",
            "/accounts%252freset%252fMQ%252fC",
            "/accounts/%72eset/MQ/C",
            "/accounts/%2572eset/MQ/C",
            "/accounts/RESET/MQ/C",
            "/accounts\\reset\\MQ\\C",
            "/accounts/reset;x=1/MQ/C;y=2",
            "/accounts/reset/MQ/C?a=1",
            "/accounts/reset/MQ/C#a",
            "/accounts/reset/MQ/abc%2fC5",
            "/x/accounts/reset/MQ/C/set",
        ] {
            let path = path.replace('C', token);
            let kept = everything_kept(&preset, &path, None);
            assert!(!kept.contains("Kanarienvogel"), "{path}\n{kept}");
        }
    }
}

#[test]
fn secrets_that_stand_in_the_path_itself_are_cut_out() {
    let preset = Preset::built_in("generic").unwrap();
    for path in [
        "/cart;jsessionid=C",
        "/cart;JSESSIONID=C/x",
        "/cart%3bjsessionid=C",
        "/cart%3Bjsessionid%3DC",
        "/cart;jsessionid%3DC",
        "/x?password=C",
        "/x%3Fpassword=C",
        "/x%3fa%3d1%26password%3dC",
        "/x%253Fpassword%253DC",
        "/x&password=C",
        "/password=C",
        "/x#access_token=C",
    ] {
        let path = path.replace('C', CANARY);
        let kept = everything_kept(&preset, &path, None);
        assert!(!kept.contains("Kanarienvogel"), "{path}\n{kept}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_canary_survives_among_other_parameters(
        before in "([a-e]{1,4}=[a-z0-9%+]{0,6}[&;]){0,3}",
        after in "([&;][a-e]{1,4}=[a-z0-9%+]{0,6}){0,3}",
        name in prop::sample::select(&["password", "Token", "api_key", "client-secret", "otp", "user[pass]", "a.b.sid"][..]),
        encodings in prop::collection::vec(any::<bool>(), 0..3),
        nest in any::<bool>(),
    ) {
        let preset = Preset::built_in("generic").unwrap();
        let name = encodings.iter().fold(name.to_owned(), |name, every| percent(&name, *every));
        let pair = format!("{name}={CANARY}");
        let pair = if nest { format!("next={}", percent(&format!("/x?{pair}&a=1"), false)) } else { pair };
        let query = format!("{before}{pair}{after}");
        let kept = preset.redact_query(&query);
        prop_assert!(!kept.contains("Kanarien"), "{}\n{}", query, kept);
        prop_assert!(kept.starts_with(&before) && kept.ends_with(&after), "{}\n{}", query, kept);
        prop_assert_eq!(preset.redact_query(&kept), kept);
    }

    #[test]
    fn redacting_twice_changes_nothing(
        query in "([a-z]{0,4}|token|password|%2[56f]|%3[bdf]|[&;=?/#\\[\\]{}\":@.+ ]|eyJ|\\PC){0,24}",
    ) {
        let preset = Preset::built_in("generic").unwrap();
        let once = preset.redact_query(&query);
        prop_assert_eq!(preset.redact_query(&once), once.clone(), "{}", query);
        let path = format!("/{query}");
        // An empty parameter after it (`[redacted];`) says nothing, and may stay or go.
        let plain = |path: &str| path.replace("[redacted];", "[redacted]");
        let once = preset.redact_path(&path);
        prop_assert_eq!(plain(&preset.redact_path(&once)), plain(&once), "{}", path);
    }
}
