//! Cuts `seq` into blocks: the events accepted in about one second, at most 4,096.

use std::collections::VecDeque;

use admintrail_event::{Micros, Seq};

use crate::archive::Block;

/// Events of a block at most.
const MOST_EVENTS: u32 = 4_096;
/// A block ends when an event comes that was accepted this much (µs) after its first.
const LONGEST: i64 = Micros::SECOND;

/// The block that is being filled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter {
    open: Option<Block>,
}

impl Cutter {
    /// Takes in an accepted event; the block that ended before it, if one did.
    pub(crate) fn accept(&mut self, seq: Seq, received: Micros) -> Option<Block> {
        let ended = self
            .open
            .take_if(|block| block.count >= MOST_EVENTS || is_due(block, received));
        match &mut self.open {
            Some(block) => {
                block.count += 1;
                let (from, to) = block.received;
                block.received = (from.min(received.0), to.max(received.0));
            }
            None => {
                self.open = Some(Block {
                    first_seq: seq.0,
                    count: 1,
                    received: (received.0, received.0),
                });
            }
        }
        ended
    }

    /// The open block, if its second is over: it is closed now.
    pub(crate) fn close_due(&mut self, now: Micros) -> Option<Block> {
        self.open.take_if(|block| is_due(block, now))
    }

    /// The open block, however young.
    pub(crate) fn close(&mut self) -> Option<Block> {
        self.open.take()
    }
}

/// A clock that went back ends a block, too: nobody knows how long it lasted.
fn is_due(block: &Block, now: Micros) -> bool {
    let since = now.0.saturating_sub(block.received.0);
    !(0..LONGEST).contains(&since)
}

/// The closed blocks whose events are in hot, in `seq` order.
#[derive(Debug)]
pub(crate) struct HotBlocks {
    blocks: VecDeque<Block>,
    /// The first event that the published ledger does not cover: from there on nothing is sealed.
    published: Seq,
}

impl HotBlocks {
    pub(crate) fn of(blocks: Vec<Block>) -> Self {
        Self {
            blocks: blocks.into(),
            published: Seq(u64::MAX),
        }
    }

    pub(crate) fn push(&mut self, block: Block) {
        self.blocks.push_back(block);
    }

    /// The ledger covers what is before an event.
    pub(crate) fn published(&mut self, next: Seq) {
        self.published = next;
    }

    /// Blocks from an event on, at most so many.
    pub(crate) fn from(&self, first: Seq, most: usize) -> Vec<Block> {
        let at = self
            .blocks
            .partition_point(|block| block.first_seq < first.0);
        self.blocks.iter().skip(at).take(most).copied().collect()
    }

    fn sealable(&self) -> impl Iterator<Item = &Block> {
        let blocks = self.blocks.iter();
        blocks.take_while(|block| block.seqs().1 < self.published)
    }

    /// The oldest blocks with together about so many events, at least one; none if there is none.
    pub(crate) fn oldest(&self, events: usize) -> Vec<Block> {
        let mut sum = 0;
        self.sealable()
            .take_while(|block| {
                let first = sum == 0;
                sum += block.count as usize;
                first || sum <= events
            })
            .copied()
            .collect()
    }

    /// The oldest blocks that were all accepted before a moment.
    pub(crate) fn before(&self, received: i64) -> Vec<Block> {
        self.sealable()
            .take_while(|block| block.received.1 < received)
            .copied()
            .collect()
    }

    /// Forgets the blocks that end before a seq.
    pub(crate) fn drop_below(&mut self, seq: Seq) {
        while self
            .blocks
            .front()
            .is_some_and(|block| block.first_seq + u64::from(block.count) <= seq.0)
        {
            self.blocks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Blocks follow each other without gap, hold every event once, and are neither too long nor
        /// too full.
        #[test]
        fn blocks_hold_every_event_once(steps in prop::collection::vec(-3_000_000_i64..2_000_000, 1..9_000)) {
            let mut cutter = Cutter::default();
            let mut blocks = Vec::new();
            let mut now = 1_795_356_000_000_000;
            for (seq, step) in (1_u64..).zip(&steps) {
                now += step / 1_000;
                blocks.extend(cutter.accept(Seq(seq), Micros(now)));
            }
            blocks.extend(cutter.close());
            let mut next = 1;
            for block in &blocks {
                prop_assert_eq!(block.first_seq, next);
                next += u64::from(block.count);
                prop_assert!(block.count <= MOST_EVENTS);
                prop_assert!(block.received.1 - block.received.0 < LONGEST);
            }
            prop_assert_eq!(next, steps.len() as u64 + 1);
        }
    }
}
