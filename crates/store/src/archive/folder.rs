//! The folder of segments: `segments/<first seq>-<last seq>.<generation>.parquet`, each with its
//! `.summary`.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use admintrail_event::{Event, EventId, submission_digest};
use hashbrown::HashMap;

use super::parquet::{Footer, ParquetWriter, group_rows};
use super::segment::{Name, Segment, Shared};
use super::summary::Builder;
use super::{Archive, Known, Run};
use crate::StoreError;
use crate::hot::Access;
use crate::steps::Steps;

/// Ends the name of what is not finished yet.
const UNFINISHED: &str = "tmp";

pub(crate) struct SegmentFolder {
    dir: PathBuf,
    /// Rows of a group at most.
    group: usize,
    shared: Arc<Shared>,
    steps: Steps,
    /// Whether what is found broken may be mended; not by a reader beside a server.
    access: Access,
}

impl SegmentFolder {
    /// Below the data folder; made when the first segment is.
    pub(crate) fn below(
        data: &Path,
        group: usize,
        shared: Arc<Shared>,
        steps: Steps,
        access: Access,
    ) -> Self {
        Self {
            dir: data.join("segments"),
            group,
            shared,
            steps,
            access,
        }
    }

    fn make(&self) -> io::Result<()> {
        if !self.dir.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.dir)?;
            // The folder itself must survive, too.
            if let Some(parent) = self.dir.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(())
    }

    fn begin(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let path = self.dir.join(format!("{name}.{UNFINISHED}"));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.mode(0o600).open(&path)?;
        Ok((path, file))
    }

    /// Writes the Parquet file of a run under its unfinished name; what its summary collects.
    fn write_file(&self, run: &Run<'_>, file: File) -> io::Result<Builder> {
        let rows = run.chunks.iter().map(|chunk| chunk.rows).sum();
        let of_group = group_rows(rows, self.group);
        let mut writer =
            ParquetWriter::in_groups(io::BufWriter::with_capacity(1 << 20, file), of_group)?;
        let mut builder = Builder::new(run.log, rows, of_group);
        for chunk in run.chunks {
            writer.write_chunk(chunk)?;
            builder.add(chunk);
        }
        let file = writer
            .into_inner()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(builder)
    }

    /// A summary made anew out of the events themselves.
    fn rebuild(&self, name: &Name) -> io::Result<()> {
        let file = name.file(&self.dir);
        let footer = Footer::read(&file)?;
        let checksums = footer.checksums(&file)?;
        let groups = footer.groups();
        let mut builder = None;
        for (group, checksums) in checksums.iter().enumerate() {
            let chunk = footer.chunk(&file, group, checksums)?;
            builder
                .get_or_insert_with(|| {
                    let of_group = groups.first().copied().unwrap_or(1);
                    Builder::new(chunk.log, groups.iter().sum(), of_group)
                })
                .add(&chunk);
        }
        let builder = builder.ok_or_else(|| io::Error::other("has no rows"))?;
        let of_file = (fs::metadata(&file)?.len(), footer.frame_checksum(&file)?);
        // Which blocks its events were in is not told by the events.
        let summary = builder.finish(Vec::new(), checksums, of_file);
        let (unfinished, mut out) = self.begin(&format!("{name}.summary"))?;
        summary.write(&mut out)?;
        fs::rename(unfinished, name.summary(&self.dir))?;
        File::open(&self.dir)?.sync_all()
    }
}

impl Archive for SegmentFolder {
    fn write(&self, run: &Run<'_>) -> io::Result<Arc<Segment>> {
        self.make()?;
        let name = Name {
            first: run.seqs.0,
            last: run.seqs.1,
            generation: run.generation,
        };
        self.steps.reached("segment begun");
        let (events, file) = self.begin(&format!("{name}.parquet"))?;
        let builder = self.write_file(run, file)?;
        self.steps.reached("segment written");
        // What is read back is what counts from now on.
        let footer = Footer::read(&events)?;
        let checksums = footer.checksums(&events)?;
        let file = (
            fs::metadata(&events)?.len(),
            footer.frame_checksum(&events)?,
        );
        let summary = builder.finish(run.blocks.clone(), checksums, file);
        let (about, mut file) = self.begin(&format!("{name}.summary"))?;
        summary.write(&mut file)?;
        self.steps.reached("summary written");
        fs::rename(events, name.file(&self.dir))?;
        self.steps.reached("segment named");
        fs::rename(about, name.summary(&self.dir))?;
        File::open(&self.dir)?.sync_all()?;
        self.steps.reached("summary named");
        Segment::open(&self.dir, name, Arc::clone(&self.shared)).map(Arc::new)
    }

    fn open(&self, name: Name) -> Result<Arc<Segment>, StoreError> {
        let path = name.file(&self.dir);
        let open = || Segment::open(&self.dir, name.clone(), Arc::clone(&self.shared));
        let opened = open().or_else(|error| {
            if self.access == Access::Read {
                return Err(error);
            }
            // The events may be whole where only the summary is not.
            tracing::warn!(path = %path.display(), %error, "a summary of the archive is made anew");
            self.rebuild(&name).and_then(|()| open())
        });
        opened
            .map(Arc::new)
            .map_err(|error| StoreError::DamagedSegment {
                path,
                cause: error.to_string(),
            })
    }

    fn find(
        &self,
        segments: &[Arc<Segment>],
        ids: &[EventId],
    ) -> HashMap<EventId, Result<Known, StoreError>> {
        let mut found: HashMap<EventId, Result<Known, StoreError>> = HashMap::new();
        for segment in segments.iter().rev() {
            let mut perhaps = Vec::new();
            let mut rows: HashMap<usize, Vec<usize>> = HashMap::new();
            for id in ids {
                if matches!(found.get(id), Some(Ok(_))) {
                    continue;
                }
                for group in segment.groups_with(*id) {
                    perhaps.push(*id);
                    if let Some(row) = segment.row_of(group, *id) {
                        rows.entry(group).or_default().push(row);
                    }
                }
            }
            for (group, mut rows) in rows {
                rows.sort_unstable();
                rows.dedup();
                let known = |event: &Event| Known {
                    seq: event.seq,
                    digest: submission_digest(&event.draft),
                };
                let events = segment.events(group, &rows);
                found.extend(events.iter().map(|e| (e.draft.id, Ok(known(e)))));
            }
            if let Some(error) = segment.damage() {
                for id in perhaps {
                    found.entry(id).or_insert_with(|| Err(error.clone()));
                }
            }
        }
        found
    }

    fn clean(&self, registered: &[Name]) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let names: Vec<String> = registered.iter().map(Name::to_string).collect();
        for entry in entries.flatten() {
            let file = entry.file_name();
            let file = file.to_string_lossy();
            let counts = [".parquet", ".summary"].iter().any(|end| {
                file.strip_suffix(end)
                    .is_some_and(|name| names.iter().any(|known| known == name))
            });
            let ours = [".parquet", ".summary", UNFINISHED]
                .iter()
                .any(|end| file.ends_with(end));
            if ours && !counts {
                tracing::info!(file = %file, "an unfinished part of the archive is removed");
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn remove(&self, name: &Name) {
        for path in [name.file(&self.dir), name.summary(&self.dir)] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "an old part of the archive stays");
            }
        }
    }
}
