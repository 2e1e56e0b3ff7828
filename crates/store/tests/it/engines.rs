//! The engines that are held to the contract.

use std::sync::Arc;

use stoa_store::engine::{Embedded, EmbeddedOptions, Engine, Memory};
use tempfile::TempDir;

/// An empty engine, and the directory it needs for as long as it lives.
pub(crate) struct Fixture {
    pub(crate) engine: Arc<dyn Engine>,
    /// Removed when this is dropped.
    _directory: Option<TempDir>,
}

pub(crate) fn memory() -> Fixture {
    Fixture { engine: Arc::new(Memory::new()), _directory: None }
}

pub(crate) fn embedded() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let engine = Embedded::open(&EmbeddedOptions::new(directory.path().join("data"))).unwrap();
    Fixture { engine: Arc::new(engine), _directory: Some(directory) }
}

impl Fixture {
    /// This engine, seen through another one.
    pub(crate) fn seen_through(
        mut self,
        engine: impl FnOnce(Arc<dyn Engine>) -> Arc<dyn Engine>,
    ) -> Self {
        self.engine = engine(self.engine);
        self
    }
}
