//! Certificates: ours towards browsers, and the trust towards panels that speak TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Where systems keep the authorities they trust (Debian, Fedora, SUSE, Alpine).
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// TLS towards browsers, with HTTP/2 by ALPN.
pub(crate) fn server(cert: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, String> {
    let chain = certificates(cert)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|cause| format!("{} holds no readable private key: {cause}", key.display()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| cause.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|cause| {
            format!(
                "{} and {} do not belong together: {cause}",
                cert.display(),
                key.display()
            )
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// TLS towards a panel: its own authority if one is named, else those of the system.
pub(crate) fn client(authority: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, String> {
    let bundle = match authority {
        Some(path) => path.to_owned(),
        None => system_bundle()?,
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(&bundle)?);
    if added == 0 {
        return Err(format!(
            "{} holds no certificate of an authority",
            bundle.display()
        ));
    }
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| cause.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn system_bundle() -> Result<PathBuf, String> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named
        .into_iter()
        .chain(SYSTEM_BUNDLES.iter().map(PathBuf::from))
        .find(|path| path.exists())
        .ok_or_else(|| {
            "no certificates of the system were found; install ca-certificates or name upstream_ca"
                .to_owned()
        })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable =
        |cause: &dyn std::fmt::Display| format!("{} cannot be read: {cause}", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|cause| unreadable(&cause))?
        .collect::<Result<_, _>>()
        .map_err(|cause| unreadable(&cause))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate (PEM)", path.display()));
    }
    Ok(chain)
}
