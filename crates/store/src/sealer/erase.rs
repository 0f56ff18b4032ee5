//! Erases a person: seals what is there, says so in the ledger, rewrites every segment that has something
//! of the person, and removes what was there before.
//!
//! ```text
//! plan noted ─▶ statement published ─▶ per segment: hashes kept ─▶ rewritten ─▶ old file gone
//!            ─▶ what is derived ─▶ keys gone ─▶ free pages gone
//! ```
//!
//! Each arrow is durable before the next begins. Whatever a crash interrupts is done by the next start,
//! before anything is dropped or joined: all that is known of the person is in the plan, for what is
//! rewritten would not be found again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use admintrail_event::{Seq, fold, folded};
use admintrail_ledger::{Statement, StatementKind};
use tokio::sync::oneshot;

use super::Work;
use crate::StoreError;
use crate::archive::Segment;
use crate::erasure::{Begun, ERASING, Erased, ErasureOrder, ErasureProgress, Person, Plan};
use crate::hot::{Access, Command, Database, Registration, empty_log};
use crate::ledger::{Keeping, Leaves, ToKeep, erasure};

/// How often every row is looked at.
const PASSES: u64 = 3;
/// How long files wait for whoever is reading them.
const READERS: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Hot events that do not make it long to write the database anew.
const HOT_ENOUGH: usize = 20_000;

/// Where progress is told.
pub(crate) type Progress = Box<dyn Fn(ErasureProgress) + Send>;

/// How far it has come, in rows.
struct Rows<'p> {
    told: &'p Progress,
    progress: ErasureProgress,
}

impl<'p> Rows<'p> {
    fn of(segments: &[Arc<Segment>], told: &'p Progress) -> Self {
        let rows: u64 = segments.iter().map(|segment| segment.head.rows).sum();
        let progress = ErasureProgress {
            done: 0,
            of: rows * PASSES,
        };
        told(progress);
        Self { told, progress }
    }

    fn looked_at(&mut self, segment: &Segment) {
        self.progress.done += segment.head.rows;
        (self.told)(self.progress);
    }
}

impl Work {
    /// Erases whom the order says; the same order again is answered with what came of it.
    pub(super) fn erase(
        &mut self,
        order: &ErasureOrder,
        told: &Progress,
    ) -> Result<Erased, StoreError> {
        self.end_erasure()?;
        if let Some(erased) = self.erased(&order.pseudonym)? {
            return Ok(erased);
        }
        let plan = self.plan(order, told)?;
        self.remember(&plan.to_bytes()?)?;
        self.parts.steps.reached("erasure planned");
        self.erasing = Some(Begun::Rewriting(Box::new(plan)));
        self.go_on(told)
    }

    /// Ends the erasure that was begun, if one was.
    pub(super) fn end_erasure(&mut self) -> Result<(), StoreError> {
        if self.erasing.is_none() {
            return Ok(());
        }
        let nobody: Progress = Box::new(|_| {});
        self.go_on(&nobody).map(drop)
    }

    fn go_on(&mut self, told: &Progress) -> Result<Erased, StoreError> {
        let mut erased = Erased::default();
        if let Some(Begun::Rewriting(plan)) = &self.erasing {
            let plan = plan.clone();
            erased = self.rewrite_all(&plan, told)?;
            self.forget(&plan.person)?;
            self.remember(Begun::REWRITTEN)?;
            self.erasing = Some(Begun::Removing);
            tracing::info!(pseudonym = %erased.pseudonym, events = erased.events, "a person was erased");
            self.parts.steps.reached("erasure rewritten");
        }
        self.remove_what_was()?;
        self.remember(Begun::DONE)?;
        self.erasing = None;
        self.parts.steps.reached("erasure done");
        Ok(erased)
    }

    /// What came of an erasure under this pseudonym, if there was one.
    fn erased(&self, pseudonym: &str) -> Result<Option<Erased>, StoreError> {
        let said = self.said(pseudonym)?;
        Ok(said.map(|(entry, statement)| Erased::of(entry, &statement)))
    }

    fn said(&self, pseudonym: &str) -> Result<Option<(u64, Statement)>, StoreError> {
        let Some(keeper) = &self.parts.keeper else {
            return Ok(None);
        };
        let mut statements = keeper.statements()?.into_iter();
        Ok(statements.find(|(_, statement)| {
            let said = statement.declared();
            said.kind == StatementKind::Erasure && said.subject.as_deref() == Some(pseudonym)
        }))
    }

    fn remember(&self, what: &[u8]) -> Result<(), StoreError> {
        self.register(Registration {
            notes: vec![(ERASING, what.to_vec())],
            ..Registration::default()
        })
    }

    /// Seals everything and learns by what the person is known.
    fn plan(&mut self, order: &ErasureOrder, told: &Progress) -> Result<Plan, StoreError> {
        self.all_are_whole(&self.parts.mirror.segments())?;
        self.seal_all()?;
        let segments = self.parts.mirror.segments();
        let mut rows = Rows::of(&segments, told);
        let mut person = Person::new(&order.admin, &order.pseudonym);
        let (id, mut events) = (fold(&order.admin), 0_u64);
        for segment in segments.iter() {
            segment.each_of_admin(
                |admin| folded(admin) == id,
                |fields| {
                    events += 1;
                    person.learn(fields);
                },
            )?;
            rows.looked_at(segment);
            self.between_segments()?;
        }
        let Some(last) = segments.last().filter(|_| events > 0) else {
            return Err(StoreError::Nobody {
                admin: order.admin.clone(),
            });
        };
        person.is_complete();
        Plan::new(order, person, last.name.last, (self.parts.clock)())
    }

    /// Nobody can say whether the person is in what cannot be read.
    fn all_are_whole(&self, segments: &[Arc<Segment>]) -> Result<(), StoreError> {
        if let Some((_, error)) = self.parts.broken.lock().first() {
            return Err(error.clone());
        }
        let damage = segments
            .iter()
            .find_map(|segment| segment.damage().cloned());
        damage.map_or(Ok(()), Err)
    }

    /// Says it in the ledger, then rewrites every event that has something of the person.
    fn rewrite_all(&mut self, plan: &Plan, told: &Progress) -> Result<Erased, StoreError> {
        let segments = self.parts.mirror.segments();
        self.all_are_whole(&segments)?;
        let mut rows = Rows::of(&segments, told);
        rows.progress.done = rows.progress.of / PASSES;
        let (entry, events) = match self.said(&plan.person.pseudonym)? {
            Some((entry, statement)) => {
                // It may be known and not published yet.
                self.catch_up()?;
                (Some(entry), statement.declared().events)
            }
            None => self.say(plan, &segments, &mut rows)?,
        };
        self.parts.steps.reached("erasure said");
        for segment in segments.iter() {
            if segment.name.first <= plan.last() {
                self.rewrite(segment, plan, entry)?;
            }
            rows.looked_at(segment);
            self.between_segments()?;
        }
        if let Some(keeper) = &self.parts.keeper {
            keeper.erasure_done(entry)?;
        }
        Ok(Erased {
            pseudonym: plan.person.pseudonym.clone(),
            events,
            entry,
            at: plan.at(),
        })
    }

    /// Recording goes on meanwhile, and what is to be sealed is; a server that stops does not wait.
    fn between_segments(&mut self) -> Result<(), StoreError> {
        if self.closing.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let _ = self.parts.commands.blocking_send(Command::Tick);
        self.look();
        Ok(())
    }

    /// Publishes the statement; its place, if the ledger has any of the events, and how many it is about,
    /// or else how many there are.
    fn say(
        &mut self,
        plan: &Plan,
        segments: &[Arc<Segment>],
        rows: &mut Rows<'_>,
    ) -> Result<(Option<u64>, u64), StoreError> {
        let mut events = 0;
        let mut leaves = Leaves::of(self.parts.log, &plan.key);
        for segment in segments {
            if segment.name.first > plan.last() {
                continue;
            }
            let keeping = Keeping::of(&self.parts.dir, segment)?;
            segment.each(|fields| {
                let Some(changes) = plan.person.changes(fields) else {
                    return;
                };
                events += 1;
                let left = plan.person.applied(fields, &changes);
                let seq = Seq(fields.seq);
                if keeping.has(seq)
                    && let Some(hash) = leaves.hash(&left)
                {
                    leaves.push(seq, hash);
                }
            })?;
            rows.looked_at(segment);
            self.between_segments()?;
        }
        match (&self.parts.keeper, erasure(plan, &leaves)?) {
            (Some(keeper), Some(statement)) => {
                let said = statement.declared().events;
                let place = keeper.declare(statement, ToKeep::default(), Some(plan.key))?;
                Ok((Some(place), said))
            }
            _ => Ok((None, events)),
        }
    }

    /// Rewrites a segment, if something of the person is in it.
    fn rewrite(
        &mut self,
        segment: &Arc<Segment>,
        plan: &Plan,
        entry: Option<u64>,
    ) -> Result<(), StoreError> {
        let person = &plan.person;
        let mut keeping = Keeping::of(&self.parts.dir, segment)?;
        let mut leaves = Leaves::of(self.parts.log, &plan.key);
        let mut found = false;
        let chunks = segment.chunks_made(|fields, hand_on| {
            let Some(changes) = person.changes(fields) else {
                return hand_on(fields);
            };
            found = true;
            let left = person.applied(fields, &changes);
            if let Some((hash, entry)) = leaves.hash(&left).zip(entry) {
                keeping.rewrites(fields, hash, entry);
            }
            hand_on(&left);
        })?;
        if !found {
            return Ok(());
        }
        if let Some(keeper) = &self.parts.keeper {
            keeper.keep(keeping.finish())?;
        }
        self.parts.steps.reached("hashes kept");
        let written = self.rewritten(segment, &chunks)?;
        self.register(Registration {
            add: vec![written],
            remove: vec![segment.name.clone()],
            ..Registration::default()
        })?;
        self.parts.steps.reached("segment rewritten");
        self.upkeep.removed_at_once(Arc::clone(segment));
        Ok(())
    }

    /// What is derived knows the person by the pseudonym alone from now on, on the disk, too.
    fn forget(&mut self, person: &Person) -> Result<(), StoreError> {
        self.parts.judging.write().erase(person);
        self.parts.sessions.write().erase(person);
        self.keep_derived().map_err(|error| super::cannot(&error))?;
        self.parts.steps.reached("derived erased");
        Ok(())
    }

    /// Removes the files that were replaced, and what the database's free pages and its log have.
    fn remove_what_was(&mut self) -> Result<(), StoreError> {
        let until = Instant::now() + READERS;
        while self.upkeep.is_read() && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
        self.remove_all_that_linger();
        self.parts.steps.reached("old files gone");
        // What came meanwhile makes the database large, and it is written anew in one go.
        if self.parts.mirror.rows() > HOT_ENOUGH {
            self.seal_all()?;
        }
        loop {
            let (reply, answer) = oneshot::channel();
            let commands = &self.parts.commands;
            let asked = commands.blocking_send(Command::Vacuum(reply));
            asked.map_err(|_| StoreError::Closed)?;
            if answer.blocking_recv().map_err(|_| StoreError::Closed)?? {
                break;
            }
        }
        let database = Database::in_folder(&self.parts.dir);
        let connection = database.connect(Access::Write)?;
        empty_log(&connection).map_err(|error| StoreError::CannotRecord {
            cause: error.to_string(),
        })
    }
}
