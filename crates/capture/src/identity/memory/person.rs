//! What was learned of one person, forgotten.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use admintrail_event::{Learned, RouteLearner, names_person};

use super::PanelMemory;

impl PanelMemory {
    /// Forgets the names that are this person's, and routes in which they stand.
    pub(crate) fn forget_person(&self, folded: &str) {
        let stays = |text: &str| !names_person(text, folded);
        for set in [
            &self.for_sessions,
            &self.for_everybody,
            &self.refused_strangers,
            &self.refused_sessions,
            &self.sign_ins,
            &self.challenged,
            &self.basic_names,
        ] {
            set.write().retain(|text| stays(text));
        }
        let mut pending = self.pending.lock();
        pending.retain(|_, undecided| stays(&undecided.admin));
        self.pending_count.store(pending.len(), Ordering::Release);
        drop(pending);
        let learned = self.learned();
        if !learned.places().all(stays) {
            let places = learned.places().filter(|place| stays(place));
            let learner = RouteLearner::new(Learned::of_places(places));
            *self.learned.write() = Arc::clone(learner.learned());
            *self.routes.lock() = learner;
        }
        self.change_urgently();
    }
}
