//! Threat 1: whose address a request is recorded under.

use admintrail_capture::Peer;
use http::HeaderValue;
use proptest::prelude::*;

use crate::stand::*;

struct Case {
    peer: &'static str,
    trusted: &'static [&'static str],
    headers: &'static [(&'static str, &'static str)],
    ip: &'static str,
    scheme: &'static str,
}

const XFF: &str = "x-forwarded-for";
const FWD: &str = "forwarded";

async fn recorded(stand: &Stand, case: &Case, count: usize) -> (String, String) {
    let trusted = case
        .trusted
        .iter()
        .map(|net| net.parse().unwrap())
        .collect();
    let recorder = stand.recorder(|rules| rules.trusted_proxies = trusted);
    let service = wrap(recorder, panel(|_| html("x")));
    let mut asked = request("GET", "/", &[], empty());
    for (name, value) in case.headers {
        asked
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    asked.extensions_mut().insert(Peer {
        addr: case.peer.parse().unwrap(),
        tls: false,
    });
    send(&service, asked).await;
    let event = stand.last(count).await;
    (event.ip.unwrap().to_string(), event.scheme.unwrap())
}

#[tokio::test]
async fn only_listed_proxies_are_believed_and_only_about_the_last_hop() {
    const PROXY: &str = "10.0.0.1:4000";
    const TRUST: &[&str] = &["10.0.0.0/8"];
    let case = |peer, trusted, headers, ip| Case {
        peer,
        trusted,
        headers,
        ip,
        scheme: "http",
    };
    let cases = [
        // Nobody is trusted by default, loopback included.
        case("127.0.0.1:1", &[], &[(XFF, "1.2.3.4")], "127.0.0.1"),
        case(
            PROXY,
            &[],
            &[(XFF, "1.2.3.4"), (FWD, "for=1.2.3.4")],
            "10.0.0.1",
        ),
        // A stranger may write what it likes.
        case("203.0.113.9:1", TRUST, &[(XFF, "1.2.3.4")], "203.0.113.9"),
        case("203.0.113.9:1", TRUST, &[(XFF, "10.0.0.1")], "203.0.113.9"),
        // The proxy's own word counts, what the client put before it does not.
        case(PROXY, TRUST, &[(XFF, "203.0.113.9")], "203.0.113.9"),
        case(
            PROXY,
            TRUST,
            &[(XFF, "1.2.3.4, 203.0.113.9")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(XFF, "1.2.3.4"), (XFF, "203.0.113.9")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(XFF, "203.0.113.9, 10.9.9.9, 10.1.1.1")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(XFF, "1.2.3.4,203.0.113.9,10.9.9.9")],
            "203.0.113.9",
        ),
        // All trusted: the first of them.
        case(PROXY, TRUST, &[(XFF, "10.2.2.2, 10.3.3.3")], "10.2.2.2"),
        case(PROXY, TRUST, &[], "10.0.0.1"),
        // Ports, brackets, mapped addresses, blanks.
        case(PROXY, TRUST, &[(XFF, " 203.0.113.9:5123 ")], "203.0.113.9"),
        case(PROXY, TRUST, &[(XFF, "[2001:db8::7]:443")], "2001:db8::7"),
        case(PROXY, TRUST, &[(XFF, "[2001:db8::7]")], "2001:db8::7"),
        case(PROXY, TRUST, &[(XFF, "2001:db8::7")], "2001:db8::7"),
        case(PROXY, TRUST, &[(XFF, "::ffff:203.0.113.9")], "203.0.113.9"),
        case(
            "[::ffff:10.0.0.1]:1",
            TRUST,
            &[(XFF, "203.0.113.9")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(XFF, "203.0.113.9, ::ffff:10.4.4.4")],
            "203.0.113.9",
        ),
        // What is no address ends the search: nobody vouched for what stands left of it.
        case(PROXY, TRUST, &[(XFF, "1.2.3.4, unknown")], "10.0.0.1"),
        case(
            PROXY,
            TRUST,
            &[(XFF, "1.2.3.4, garbage, 10.5.5.5")],
            "10.5.5.5",
        ),
        case(PROXY, TRUST, &[(XFF, "1.2.3.4,,10.5.5.5")], "10.5.5.5"),
        case(PROXY, TRUST, &[(XFF, "999.1.1.1")], "10.0.0.1"),
        case(PROXY, TRUST, &[(XFF, "")], "10.0.0.1"),
        // RFC 7239.
        case(PROXY, TRUST, &[(FWD, "for=203.0.113.9")], "203.0.113.9"),
        case(
            PROXY,
            TRUST,
            &[(FWD, "For=\"[2001:db8::7]:4711\";proto=https")],
            "2001:db8::7",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=1.2.3.4, by=10.1.1.1;FOR=203.0.113.9:80")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=1.2.3.4"), (FWD, "for=203.0.113.9, for=10.8.8.8")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=\"203.0.113.9:_p\"")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=1.2.3.4, for=_hidden")],
            "10.0.0.1",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=1.2.3.4, for=unknown, for=10.7.7.7")],
            "10.7.7.7",
        ),
        case(
            PROXY,
            TRUST,
            &[(FWD, "host=\"a,for=1.2.3.4\";for=203.0.113.9")],
            "203.0.113.9",
        ),
        case(PROXY, TRUST, &[(FWD, "proto=https")], "10.0.0.1"),
        // One that the proxy does not write must not win over the one it does.
        case(
            PROXY,
            TRUST,
            &[(FWD, "for=1.2.3.4"), (XFF, "203.0.113.9")],
            "203.0.113.9",
        ),
        // The scheme is believed from the same peers only.
        Case {
            scheme: "https",
            ..case(
                PROXY,
                TRUST,
                &[(XFF, "203.0.113.9"), ("x-forwarded-proto", "https")],
                "203.0.113.9",
            )
        },
        case(
            "203.0.113.9:1",
            TRUST,
            &[("x-forwarded-proto", "https")],
            "203.0.113.9",
        ),
        case(
            PROXY,
            TRUST,
            &[("x-forwarded-proto", "javascript")],
            "10.0.0.1",
        ),
    ];
    let stand = Stand::new().await;
    for (count, case) in cases.iter().enumerate() {
        let got = recorded(&stand, case, count + 1).await;
        let expected = (case.ip.to_owned(), case.scheme.to_owned());
        assert_eq!(got, expected, "from {} with {:?}", case.peer, case.headers);
    }
}

#[tokio::test]
async fn tls_of_the_socket_makes_it_https() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    let mut asked = request("GET", "/", &[("x-forwarded-proto", "http")], empty());
    asked.extensions_mut().insert(Peer {
        addr: "192.0.2.1:1".parse().unwrap(),
        tls: true,
    });
    send(&service, asked).await;
    assert_eq!(stand.last(1).await.scheme.as_deref(), Some("https"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the client puts in front, the address is the one the proxy appended.
    #[test]
    fn nothing_a_client_sends_changes_its_address(
        forged in "[0-9a-fA-F.:,;= \"\\[\\]_a-z-]{0,60}",
        forwarded in "[0-9a-fA-F.:,;= \"\\[\\]_a-z-]{0,60}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stand = Stand::new().await;
            let trusted = vec!["10.0.0.0/8".parse().unwrap()];
            let recorder = stand.recorder(|rules| rules.trusted_proxies = trusted);
            let service = wrap(recorder, panel(|_| html("x")));
            let appended = format!("{forged}, 203.0.113.9");
            let mut asked = request("GET", "/", &[(XFF, &appended), (FWD, &forwarded)], empty());
            asked.extensions_mut().insert(Peer { addr: "10.0.0.1:1".parse().unwrap(), tls: false });
            send(&service, asked).await;
            assert_eq!(stand.last(1).await.ip.unwrap().to_string(), "203.0.113.9");
        });
    }
}
