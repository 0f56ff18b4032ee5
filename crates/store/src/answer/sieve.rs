//! Which events a view shows, hides and folds away.

use std::borrow::Cow;

use admintrail_event::filter::Fact;
use admintrail_event::{Event, Micros, fold};

use crate::columns::{Chunk, Evaluator, RowSet};
use crate::folding;
use crate::query::{Folded, View};

/// A view made ready to run over many chunks.
pub(crate) struct Sieve<'v> {
    view: &'v View,
    evaluator: Evaluator<'v>,
    /// Panel and admin, folded.
    hide: Vec<(Option<&'v str>, Cow<'v, str>)>,
    fold_polling: bool,
    fold_assets: bool,
}

/// Whether the view shows this event.
pub(crate) fn admits(view: &View, event: &Event) -> bool {
    Sieve::new(view).judge(event) == Verdict::Visible
}

/// What a view does with one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not in the view, whatever is hidden or folded.
    Out,
    Visible,
    /// Only Hide me keeps it out.
    Hidden,
    /// Only folding keeps it out: a background refresh.
    Refresh,
    /// Only folding keeps it out: a style, script, image or font.
    Asset,
}

/// What a view does with the rows of a chunk.
pub(crate) struct Sifted {
    pub(crate) visible: RowSet,
    pub(crate) hidden: u64,
    pub(crate) folded: Folded,
}

impl<'v> Sieve<'v> {
    pub(crate) fn new(view: &'v View) -> Self {
        let hide = view
            .hide
            .iter()
            .map(|identity| {
                (
                    identity.panel.as_ref().map(|p| p.as_str()),
                    fold(&identity.admin).into(),
                )
            })
            .collect();
        Self {
            view,
            evaluator: Evaluator::new(&view.filter),
            hide,
            fold_polling: view.fold && !view.filter.asks_for(Fact::Polling),
            fold_assets: view.fold && !view.filter.asks_for(Fact::Asset),
        }
    }

    /// Whether no event of these times can be in the view.
    pub(crate) fn is_outside(&self, (first, last): (Micros, Micros)) -> bool {
        self.view.from.is_some_and(|from| last < from) || self.view.to.is_some_and(|to| first >= to)
    }

    pub(crate) fn sift(&self, chunk: &Chunk) -> Sifted {
        if self.is_outside(chunk.times) {
            return Sifted {
                visible: RowSet::none(),
                hidden: 0,
                folded: Folded::default(),
            };
        }
        let mut rows = RowSet::all(chunk.rows);
        self.narrow_time(chunk, &mut rows);
        self.narrow_panels(chunk, &mut rows);
        self.evaluator.narrow(chunk, &mut rows);
        let mut visible = rows;
        let (folded, assets) = self.folded(chunk);
        let hidden = self.hidden(chunk);
        let mut only_hidden = visible.clone();
        only_hidden.and_not(&folded);
        only_hidden.and(&hidden);
        let mut only_folded = visible.clone();
        only_folded.and_not(&hidden);
        only_folded.and(&folded);
        visible.and_not(&folded);
        visible.and_not(&hidden);
        let all = only_folded.count();
        only_folded.and(&assets);
        let assets = only_folded.count();
        Sifted {
            visible,
            hidden: only_hidden.count(),
            folded: Folded {
                refreshes: all - assets,
                assets,
            },
        }
    }

    fn narrow_time(&self, chunk: &Chunk, rows: &mut RowSet) {
        let (first, last) = chunk.times;
        let from = self.view.from.unwrap_or(Micros(i64::MIN));
        let to = self.view.to.unwrap_or(Micros(i64::MAX));
        if first < from || (last >= to && self.view.to.is_some()) {
            let until = if self.view.to.is_some() {
                to.0
            } else {
                i64::MAX
            };
            let open = self.view.to.is_none();
            rows.and(&RowSet::of_values(chunk.time().values(), |time| {
                time >= from.0 && (open || time < until)
            }));
        }
    }

    fn narrow_panels(&self, chunk: &Chunk, rows: &mut RowSet) {
        if self.view.panels.is_empty() {
            return;
        }
        let may = |value: &str| self.may_see(value);
        let marked: Vec<bool> = chunk.panel().values().map(may).collect();
        rows.and(&chunk.panel().codes.rows_of(&marked));
    }

    fn may_see(&self, panel: &str) -> bool {
        let panels = &self.view.panels;
        panels.is_empty() || panels.iter().any(|may| may.as_str() == panel)
    }

    /// What is folded away, and which of that are assets.
    fn folded(&self, chunk: &Chunk) -> (RowSet, RowSet) {
        let (mut rows, mut assets) = (RowSet::none(), RowSet::none());
        if self.fold_polling {
            rows = RowSet::of_bits(chunk.polling().values());
        }
        if self.fold_assets {
            assets = RowSet::of_bits(chunk.asset().values());
            rows.or(&assets);
        }
        if !rows.is_empty() {
            rows.and(&folding::may_fold_rows(chunk));
        }
        (rows, assets)
    }

    fn hidden(&self, chunk: &Chunk) -> RowSet {
        let mut all = RowSet::none();
        for (panel, admin) in &self.hide {
            let marked: Vec<bool> = chunk
                .admin()
                .folded()
                .iter()
                .flatten()
                .map(|value| value == admin)
                .collect();
            let mut rows = chunk.admin().codes.rows_of(&marked);
            if let Some(panel) = panel {
                let marked: Vec<bool> = chunk
                    .panel()
                    .values()
                    .map(|value| value == *panel)
                    .collect();
                rows.and(&chunk.panel().codes.rows_of(&marked));
            }
            all.or(&rows);
        }
        all
    }

    /// The same for one event.
    pub(crate) fn judge(&self, event: &Event) -> Verdict {
        let draft = &event.draft;
        let inside = self.view.from.is_none_or(|from| draft.time >= from)
            && self.view.to.is_none_or(|to| draft.time < to);
        if !inside || !self.may_see(draft.panel.as_str()) || !self.view.filter.matches(event) {
            return Verdict::Out;
        }
        let asset = self.fold_assets && draft.asset;
        let folded = (asset || self.fold_polling && draft.polling) && folding::may_fold(draft);
        let hidden = !self.hide.is_empty()
            && draft.admin.as_deref().is_some_and(|admin| {
                let admin = fold(admin);
                self.hide.iter().any(|(panel, hidden)| {
                    *hidden == *admin && panel.is_none_or(|panel| panel == draft.panel.as_str())
                })
            });
        match (hidden, folded) {
            (false, false) => Verdict::Visible,
            (true, false) => Verdict::Hidden,
            (false, true) if asset => Verdict::Asset,
            (false, true) => Verdict::Refresh,
            (true, true) => Verdict::Out,
        }
    }
}
