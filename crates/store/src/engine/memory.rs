//! An engine in memory, for tests and simulation: everything is gone when the last handle is.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use imbl::OrdMap;

use super::merge::Row;
use super::optimistic::Optimistic;
use super::sequencer::{Backing, Batch, View};
use super::{Direction, Engine, EngineError, EngineRead, EngineStats, EngineTxn, Span};

/// An ordered map in memory. It uses no thread and no clock, so a run over it can be repeated.
pub struct Memory(Arc<Optimistic<Map>>);

impl Memory {
    /// An empty engine.
    pub fn new() -> Self {
        Self(Optimistic::inline(Map::default()))
    }

    /// A new engine that begins with the pairs of `snapshot`, as a restart would find them.
    ///
    /// # Errors
    /// What reading the snapshot answers.
    pub async fn restored(snapshot: &dyn EngineRead) -> Result<Self, EngineError> {
        let rows = snapshot.scan(&Span::all(), Direction::Forward, usize::MAX).await?;
        Ok(Self(Optimistic::inline(Map(rows.into_iter().collect()))))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Engine for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError> {
        self.0.begin()
    }

    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        self.0.snapshot()
    }

    fn health(&self) -> Result<(), EngineError> {
        self.0.health()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.0.close().await
    }

    fn stats(&self) -> EngineStats {
        self.0.stats()
    }
}

/// A clone shares its structure with the original, so a view costs next to nothing.
#[derive(Default, Clone)]
pub(super) struct Map(OrdMap<Bytes, Bytes>);

impl Map {
    pub(super) fn write(&mut self, writes: Batch) {
        for (key, value) in writes {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl Backing for Map {
    type View = Self;

    fn apply(&mut self, writes: Batch) -> Result<(), Arc<str>> {
        self.write(writes);
        Ok(())
    }

    fn view(&self) -> Self {
        self.clone()
    }

    const SYNCS: bool = false;

    fn close(self) -> Result<(), Arc<str>> {
        Ok(())
    }
}

impl View for Map {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, span: &Span, direction: Direction) -> Box<dyn Iterator<Item = Row> + '_> {
        let start = Bytes::copy_from_slice(span.start());
        let end = Bytes::copy_from_slice(span.end());
        let rows = self.0.range(start..end).map(|(key, value)| Ok((key.clone(), value.clone())));
        match direction {
            Direction::Forward => Box::new(rows),
            Direction::Backward => Box::new(rows.rev()),
        }
    }
}
