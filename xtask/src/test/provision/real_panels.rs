//! The real panels that Admintrail is tested in front of: Debian packages and folders of npm.
//!
//! The tests start databases and panels themselves, in folders and on ports of their own. What the
//! packages bring as services never runs. Where they cannot be installed the panels' tests skip
//! themselves and are counted as skipped.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::npm_ci;
use crate::shell::{apt_install, as_root, root, run};

/// Packages, and a file by which each shows that it is there.
const PACKAGES: &[(&str, &str)] = &[
    ("mariadb-server-core", "/usr/sbin/mariadbd"),
    ("mariadb-client-core", "/usr/bin/mariadb"),
    ("php-cli", "/usr/bin/php"),
    ("php-mysql", "/usr/share/doc/php-mysql"),
    ("wordpress", "/usr/share/wordpress/wp-login.php"),
    (
        "wordpress-theme-twentytwentythree",
        "/usr/share/wordpress/wp-content/themes/twentytwentythree",
    ),
    ("phpmyadmin", "/usr/share/phpmyadmin/index.php"),
    ("rabbitmq-server", "/usr/lib/rabbitmq"),
];

/// What the packages would pull in otherwise: Apache with its PHP, and questions about a database.
const INSTEAD: &[&str] = &["php", "php-cgi", "dbconfig-no-thanks"];

/// WordPress wants any web server to be there; this is a small one, for where there is none.
const WEB_SERVER: &str = "mini-httpd";
const WEB_SERVERS: &[&str] = &[
    "/usr/sbin/apache2",
    "/usr/sbin/nginx",
    "/usr/sbin/mini_httpd",
];

/// Services that come with the packages.
const SERVICES: &[&str] = &["mini-httpd", "rabbitmq-server", "epmd"];

/// Installs what is missing. What cannot be installed is said loudly, and its tests are skipped.
pub(super) fn install() {
    for failure in [packages(), folders()].into_iter().filter_map(Result::err) {
        println!("REAL PANELS WILL BE SKIPPED: {failure:#}");
    }
}

fn packages() -> Result<()> {
    let names = missing(Path::exists);
    if names.is_empty() {
        return Ok(());
    }
    let _idle = Idle::keep()?;
    apt_install(&names).context("the packages of the real panels could not be installed")
}

/// The packages to install, by what is there.
fn missing(is_there: impl Fn(&Path) -> bool) -> Vec<&'static str> {
    let mut names: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, file)| !is_there(Path::new(file)))
        .map(|(name, _)| *name)
        .collect();
    let any_server = || WEB_SERVERS.iter().any(|server| is_there(Path::new(server)));
    if names.contains(&"wordpress") && !any_server() {
        names.push(WEB_SERVER);
    }
    if !names.is_empty() {
        names.extend(INSTEAD);
    }
    names
}

/// Panels that come from npm, each in a folder of its own.
fn folders() -> Result<()> {
    let real = root().join("e2e/real");
    for entry in std::fs::read_dir(&real).into_iter().flatten() {
        let folder = entry?.path();
        if folder.join("package-lock.json").is_file() {
            npm_ci(&folder).with_context(|| format!("{}", folder.display()))?;
        }
    }
    Ok(())
}

/// While it lives no package starts its service; on a machine with systemd they stay masked.
struct Idle {
    policy: Option<PathBuf>,
}

/// Asked by packages before they start something (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";

impl Idle {
    fn keep() -> Result<Self> {
        if Path::new("/run/systemd/system").is_dir() {
            for service in SERVICES {
                let unit = format!("/etc/systemd/system/{service}.service");
                if !Path::new(&unit).exists() {
                    run(as_root("ln").args(["-s", "/dev/null", &unit]))?;
                    println!("{service} stays off: systemctl unmask {service} if you want it");
                }
            }
        }
        if Path::new(POLICY).exists() {
            return Ok(Self { policy: None });
        }
        let script = std::env::temp_dir().join("admintrail-policy-rc.d");
        std::fs::write(&script, "#!/bin/sh\nexit 101\n")?;
        run(as_root("install")
            .args(["-m", "755"])
            .arg(&script)
            .arg(POLICY))?;
        Ok(Self {
            policy: Some(script),
        })
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(script) = &self.policy {
            let _ = run(as_root("rm").arg(POLICY));
            let _ = std::fs::remove_file(script);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed_again() {
        assert!(missing(|_| true).is_empty());
    }

    #[test]
    fn a_machine_without_a_web_server_gets_a_small_one_for_wordpress_only() {
        assert!(missing(|_| false).contains(&WEB_SERVER));
        let with_nginx = missing(|file| file == Path::new("/usr/sbin/nginx"));
        assert!(with_nginx.contains(&"wordpress") && !with_nginx.contains(&WEB_SERVER));
        let only_php = missing(|file| file != Path::new("/usr/bin/php"));
        assert_eq!(
            only_php,
            ["php-cli", "php", "php-cgi", "dbconfig-no-thanks"]
        );
    }
}
