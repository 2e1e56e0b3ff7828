//! The values: counters, gauges and histograms that can stand in statics.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::label::{Label, LabelDoc};

/// What kind of metric it is, in the words of OpenMetrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// How many were at most so large, for several bounds.
    Histogram,
    /// A constant text.
    Info,
}

/// What happened, counted since the start.
///
/// Aligned to a cache line: those who count different things at once do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Counter(AtomicU64);

impl Counter {
    /// At zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// As [`Self::add`], for lengths.
    pub fn add_len(&self, n: usize) {
        self.add(u64::try_from(n).unwrap_or(u64::MAX));
    }

    /// Takes over what is counted elsewhere: for those that are looked up when they are asked for.
    pub fn set(&self, total: u64) {
        self.0.store(total, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is there at this moment. Aligned as a [`Counter`].
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// At zero.
    pub const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// So many more, or fewer.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// One more for as long as the answer is held.
    pub fn hold(&'static self) -> Held {
        self.add(1);
        Held(self)
    }

    /// From `before` to `after`, of one of those that make up the sum.
    pub fn moved(&self, before: usize, after: usize) {
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.add(signed(after) - signed(before));
    }

    /// Takes over a value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// As [`Self::set`], for values that are never negative.
    pub fn set_unsigned(&self, value: u64) {
        self.set(i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// The value.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of those that a [`Gauge`] counts. Dropping it counts one less.
#[derive(Debug)]
#[must_use = "dropped at once, it counts nothing"]
pub struct Held(&'static Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// Counters by a label.
#[derive(Debug)]
pub struct Counters<L, const N: usize> {
    cells: [Counter; N],
    label: PhantomData<fn(L)>,
}

impl<L: Label, const N: usize> Counters<L, N> {
    /// All at zero. `N` is the number of the label's values.
    #[expect(clippy::new_without_default, reason = "they stand in statics, which need a const")]
    pub const fn new() -> Self {
        assert!(N == L::DOC.values.len(), "a cell for each value");
        Self { cells: [const { Counter::new() }; N], label: PhantomData }
    }

    /// The counter of `value`.
    pub fn of(&self, value: L) -> &Counter {
        &self.cells[value.cell()]
    }
}

/// Gauges by a label.
#[derive(Debug)]
pub struct Gauges<L, const N: usize> {
    cells: [Gauge; N],
    label: PhantomData<fn(L)>,
}

impl<L: Label, const N: usize> Gauges<L, N> {
    /// All at zero. `N` is the number of the label's values.
    #[expect(clippy::new_without_default, reason = "they stand in statics, which need a const")]
    pub const fn new() -> Self {
        assert!(N == L::DOC.values.len(), "a cell for each value");
        Self { cells: [const { Gauge::new() }; N], label: PhantomData }
    }

    /// The gauge of `value`.
    pub fn of(&self, value: L) -> &Gauge {
        &self.cells[value.cell()]
    }
}

/// The most bounds that a histogram has.
pub(crate) const BOUNDS: usize = 15;

/// How many were at most so large.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is larger.
    cells: [AtomicU64; BOUNDS + 1],
    sum: AtomicU64,
}

impl Histogram {
    /// With upper bounds that rise, in the unit that is observed.
    pub const fn new(bounds: &'static [u64]) -> Self {
        assert!(bounds.len() <= BOUNDS, "so many fit");
        Self { bounds, cells: [const { AtomicU64::new(0) }; BOUNDS + 1], sum: AtomicU64::new(0) }
    }

    /// Counts one of this size.
    pub fn observe(&self, size: u64) {
        let cell = self.bounds.iter().position(|bound| size <= *bound);
        self.cells[cell.unwrap_or(self.bounds.len())].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(size, Ordering::Relaxed);
    }

    /// As [`Self::observe`], for lengths.
    pub fn observe_len(&self, len: usize) {
        self.observe(u64::try_from(len).unwrap_or(u64::MAX));
    }

    /// Counts a duration, in microseconds.
    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// The sum of what was observed.
    pub(crate) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// Each bound with how many lie between it and the one before; at last how many are larger.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)))
    }
}

/// A constant text: a label that is always 1.
#[derive(Debug)]
pub struct Info {
    /// The label's name.
    pub(crate) name: &'static str,
    /// Its value.
    pub(crate) value: &'static str,
}

impl Info {
    /// Tells `value` under `name`.
    pub const fn new(name: &'static str, value: &'static str) -> Self {
        Self { name, value }
    }
}

/// The cells of labelled values with their labels, for the exposition.
pub(crate) trait Labelled<T: 'static> {
    fn doc(&self) -> LabelDoc;
    fn labelled(&self) -> impl Iterator<Item = (&'static str, &T)>;
}

impl<L: Label, const N: usize> Labelled<Counter> for Counters<L, N> {
    fn doc(&self) -> LabelDoc {
        L::DOC
    }

    fn labelled(&self) -> impl Iterator<Item = (&'static str, &Counter)> {
        L::DOC.values.iter().map(|(value, _)| *value).zip(&self.cells)
    }
}

impl<L: Label, const N: usize> Labelled<Gauge> for Gauges<L, N> {
    fn doc(&self) -> LabelDoc {
        L::DOC
    }

    fn labelled(&self) -> impl Iterator<Item = (&'static str, &Gauge)> {
        L::DOC.values.iter().map(|(value, _)| *value).zip(&self.cells)
    }
}
