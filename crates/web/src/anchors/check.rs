//! What a place for checkpoints may be: one rule and one sentence for the configuration and for pages.
//!
//! What is wrong is told as the rest of a sentence ("is a folder; …"), so that whoever knows what is
//! meant can say so before it. Nothing here repeats an address: its path may be a secret.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use http::Uri;

/// An e-mail address where there is nothing to send mail with.
pub const NO_MAIL_SERVER: &str =
    "needs a mail server; write one, and the sender, as email under [alerts]";

/// A file that checkpoints are written to. Looks at the disk.
///
/// # Errors
/// What is wrong with it.
pub fn file(text: &str, data: &Path) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        return Err("is not an absolute path such as /mnt/backup/admintrail.checkpoint");
    }
    if path.file_name().is_none() || text.ends_with('/') || path.is_dir() {
        return Err("is a folder; name the file in it, such as /mnt/backup/admintrail.checkpoint");
    }
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err("is no file but a device or the like; name another one");
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let lexically = std::path::absolute(data).is_ok_and(|data| path.starts_with(data));
    if lexically || is_within(folder, data) {
        return Err(
            "is in the data folder; whoever changes the one changes the other, so name a file on \
             another disk",
        );
    }
    Ok(path)
}

/// Whether a folder is the other one or below it, wherever links and `..` lead. One that is not there
/// is not.
#[must_use]
pub fn is_within(folder: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    matches!((real(folder), real(other)), (Some(folder), Some(other)) if folder.starts_with(&other))
}

/// An address that is posted to; `sign_with` is what does the work of a password in it.
///
/// # Errors
/// What is wrong with it.
pub fn address(text: &str, sign_with: &str) -> Result<Uri, String> {
    let wrong = || "is not an address such as https://hooks.example.org/admintrail".to_owned();
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(wrong());
    }
    if authority.as_str().contains('@') {
        return Err(format!("names a user; sign with {sign_with} instead"));
    }
    Ok(uri)
}

/// Only what stays in one's own network may go unencrypted; `allowed_by` is what allows that.
///
/// # Errors
/// What is wrong with it.
pub fn encrypted(address: &Uri, private: bool, allowed_by: &str) -> Result<(), String> {
    if address.scheme_str() == Some("http") && !private {
        return Err(format!(
            "is not encrypted; write https, or {allowed_by} for a receiver in your own network"
        ));
    }
    Ok(())
}

/// The host of an address, as people write it.
#[must_use]
pub fn host(address: &Uri) -> &str {
    address.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// Whether the address itself says that it leads into this machine or its network. What a name leads
/// to is seen when it is sent to.
#[must_use]
pub fn is_private(address: &Uri) -> bool {
    let host = host(address).trim_end_matches('.');
    let local =
        host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    local || host.parse().is_ok_and(|address| !is_public(address))
}

/// Whether an address is one of the internet, not of this machine, its network or its cloud.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let reserved =
                a == 0 || a >= 240 || (a == 192 && b == 0) || (a == 198 && matches!(b, 18 | 19));
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || shared
                || reserved)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Those that hand on to an IPv4 address (NAT64, 6to4, Teredo) could lead anywhere.
            let leads_on = (first == 0x64 && second == 0xff9b)
                || first == 0x2002
                || (first == 0x2001 && second == 0);
            (first & 0xe000) == 0x2000 && !leads_on
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_absolute_no_folder_no_device_and_nowhere_in_the_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (data, outside) = (dir.path().join("data"), dir.path().join("outside"));
        fs::create_dir(&data).unwrap();
        fs::create_dir(&outside).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&data, &link).unwrap();
        let at = |path: &Path| path.display().to_string();
        for (text, wrong) in [
            ("backup/a".to_owned(), "is not an absolute path"),
            (String::new(), "is not an absolute path"),
            ("/".to_owned(), "is a folder"),
            (at(&outside), "is a folder"),
            ("/mnt/not-there/".to_owned(), "is a folder"),
            ("/dev/zero".to_owned(), "is no file"),
            (at(&data.join("a")), "is in the data folder"),
            (at(&data.join("not/there/a")), "is in the data folder"),
            (at(&outside.join("../data/a")), "is in the data folder"),
            (at(&link.join("a")), "is in the data folder"),
        ] {
            let said = file(&text, &data).unwrap_err();
            assert!(said.starts_with(wrong), "{text}: {said}");
        }
        let taken = outside.join("there");
        fs::write(&taken, "x").unwrap();
        for good in [outside.join("a"), taken, dir.path().join("mnt/b")] {
            assert_eq!(file(&at(&good), &data), Ok(good));
        }
    }

    #[test]
    fn an_address_that_is_wrong_is_not_repeated() {
        for wrong in [
            "https://u:canary@host/",
            "ftp://host/canary",
            "/canary",
            "https:///canary",
            "https://host/can ary",
        ] {
            let said = address(wrong, "the secret").unwrap_err();
            assert!(!said.contains("canary"), "{wrong}: {said}");
        }
        let plain = address("http://hooks.example.org/a", "the secret").unwrap();
        let said = encrypted(&plain, false, "this = \"any\"").unwrap_err();
        assert!(said.contains("or this = \"any\" for"), "{said}");
        assert_eq!(encrypted(&plain, true, ""), Ok(()));
    }

    #[test]
    fn what_leads_into_ones_own_network_is_seen_as_far_as_the_address_says_it() {
        for (text, private) in [
            ("http://127.0.0.1:8080/a", true),
            ("https://[::1]/a", true),
            ("https://[::ffff:10.0.0.1]/a", true),
            ("https://169.254.169.254/latest", true),
            ("https://LocalHost./a", true),
            ("https://a.localhost/", true),
            ("https://203.0.113.7/a", false),
            ("https://hooks.example.org/127.0.0.1", false),
        ] {
            assert_eq!(is_private(&text.parse().unwrap()), private, "{text}");
        }
    }

    #[test]
    fn addresses_of_ones_own_network_and_cloud_are_not_public() {
        for kept_off in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "192.0.0.192",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(kept_off.parse().unwrap()), "{kept_off}");
        }
        for public in [
            "203.0.113.7",
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2001:db8::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
