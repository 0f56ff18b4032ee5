//! What `serve` and `config check` say about the anchors of a configuration.

use std::path::Path;

use super::file::is_elsewhere;
use crate::config::Config;

/// What whoever runs this should know, in sentences; nothing if there is nothing to say.
pub(crate) fn advice(config: &Config) -> Vec<String> {
    let anchoring = &config.anchoring;
    if anchoring.is_empty() {
        return vec![
            "No anchor outside this machine yet: whoever owns it could rewrite the ledger unnoticed. \
             Name one under [ledger] of the configuration: anchor_files on another disk, \
             anchor_webhook or anchor_email"
                .to_owned(),
        ];
    }
    // Before the first start there is no data folder yet.
    let data = config.data.ancestors().find(|folder| folder.is_dir());
    let data = data.unwrap_or(Path::new("."));
    let mut said = Vec::new();
    for path in &anchoring.files {
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
