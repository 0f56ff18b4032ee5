//! What `serve` and `config check` say about anchors.

use std::path::Path;

use admintrail_web::anchors::{AddedPlace, Target};

use super::file::is_elsewhere;
use crate::config::Config;

/// What whoever runs this should know, in sentences; nothing if there is nothing to say. `added` are
/// the places of the page.
pub(crate) fn advice(config: &Config, added: &[AddedPlace]) -> Vec<String> {
    let anchoring = &config.anchoring;
    if anchoring.is_empty() && added.is_empty() {
        return vec![
            "No anchor outside this machine yet: whoever owns it could rewrite the ledger unnoticed. \
             Name one under [ledger] of the configuration (anchor_files on another disk, \
             anchor_webhook or anchor_email) or on the page Integrity"
                .to_owned(),
        ];
    }
    // Before the first start there is no data folder yet.
    let data = config.data.ancestors().find(|folder| folder.is_dir());
    let data = data.unwrap_or(Path::new("."));
    let mut said = Vec::new();
    let of_page = added.iter().filter_map(|one| match &one.target {
        Target::File { path } => Some(path),
        Target::Webhook { .. } | Target::Email { .. } => None,
    });
    for path in anchoring.files.iter().chain(of_page) {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let (path, shown) = (path.display(), folder.display());
        match is_elsewhere(folder, data) {
            Ok(true) => {}
            Ok(false) => said.push(format!(
                "The anchor {path} is on the disk of the data folder: whoever owns this machine can \
                 rewrite both, so it proves nothing by itself. Is another disk meant, and mounted"
            )),
            Err(error) => said.push(format!(
                "The anchor {path} cannot be kept: {shown}: {error}. Is its disk mounted"
            )),
        }
    }
    said
}
