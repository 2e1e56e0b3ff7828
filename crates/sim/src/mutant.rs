//! Servers that are broken on purpose: the simulation has to find out each of them.
//!
//! Each is a wrong engine under the right code, a wrong connection over it or a part of the server that
//! does not run, for that is where a promise can be broken without a second version of the code that
//! makes it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use stoa_store::engine::{
    CommitError, Direction, Engine, EngineError, EngineRead, EngineStats, EngineTxn, Span,
};
use stoa_store::spaces::{self, Space};
use stoa_wire::{
    CommSyncDl, CommSyncUl, Command, Frame, MSync, Message, MucBody, MucOperation, NameSpace,
    Status,
};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Commits are answered before they are durable.
    EarlyAcknowledgement,
    /// The log shows nothing of what was sent before to whoever looks back for doubles.
    ForgottenDoubles,
    /// Where devices stand is not stored.
    ForgottenPlaces,
    /// Of several entries that are stored together, later ones are not.
    LostEntry,
    /// Leaving a chat room is acknowledged, and the user is told on.
    DeafToLeaving,
    /// Of what is said in a chat room, something does not reach a session that keeps up.
    LostPage,
    /// Who is away from a chat room for long stays a member.
    ForgottenAbsence,
    /// Connections to class rooms do not pass on everything that is told.
    DeafListener,
    /// Some of what a class room tells is not stored.
    UnstoredFrame,
    /// The clock does nothing in class rooms.
    SleepingClasses,
}

impl Mutant {
    /// All of them, by name.
    pub const ALL: &[(&str, Self)] = &[
        ("early-acknowledgement", Self::EarlyAcknowledgement),
        ("forgotten-doubles", Self::ForgottenDoubles),
        ("forgotten-places", Self::ForgottenPlaces),
        ("lost-entry", Self::LostEntry),
        ("deaf-to-leaving", Self::DeafToLeaving),
        ("lost-page", Self::LostPage),
        ("forgotten-absence", Self::ForgottenAbsence),
        ("deaf-listener", Self::DeafListener),
        ("unstored-frame", Self::UnstoredFrame),
        ("sleeping-classes", Self::SleepingClasses),
    ];

    /// `engine`, broken, if that is what is broken.
    pub(crate) fn over(self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        Arc::new(Broken { engine, mutant: self })
    }
}

struct Broken {
    engine: Arc<dyn Engine>,
    mutant: Mutant,
}

#[async_trait]
impl Engine for Broken {
    fn name(&self) -> &'static str {
        "broken on purpose"
    }

    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError> {
        let txn = self.engine.begin().await?;
        Ok(Box::new(BrokenTxn { txn, mutant: self.mutant, read: Vec::new(), puts: 0 }))
    }

    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        self.engine.snapshot().await
    }

    fn health(&self) -> Result<(), EngineError> {
        self.engine.health()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.engine.close().await
    }

    fn stats(&self) -> EngineStats {
        self.engine.stats()
    }
}

struct BrokenTxn {
    txn: Box<dyn EngineTxn>,
    mutant: Mutant,
    /// Keys that were there when they were read.
    read: Vec<Vec<u8>>,
    puts: u64,
}

fn is_of(key: &[u8], space: &Space) -> bool {
    key.first() == Some(&space.code)
}

#[async_trait]
impl EngineTxn for BrokenTxn {
    async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let value = self.txn.get(key).await?;
        if value.is_some() {
            self.read.push(key.to_vec());
        }
        Ok(value)
    }

    async fn scan(
        &mut self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        // The end of a log is one row; more of it is looked at for doubles.
        if self.mutant == Mutant::ForgottenDoubles && direction == Direction::Backward && limit > 1
        {
            return Ok(Vec::new());
        }
        self.txn.scan(span, direction, limit).await
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.puts += 1;
        let dropped = match self.mutant {
            Mutant::EarlyAcknowledgement
            | Mutant::ForgottenDoubles
            | Mutant::DeafToLeaving
            | Mutant::LostPage
            | Mutant::ForgottenAbsence
            | Mutant::DeafListener
            | Mutant::SleepingClasses => false,
            Mutant::ForgottenPlaces => {
                is_of(&key, &spaces::MEMBERSHIPS) && self.read.contains(&key)
            }
            // One entry of a batch of several.
            Mutant::LostEntry => is_of(&key, &spaces::MESSAGES) && self.puts > 6,
            Mutant::UnstoredFrame => {
                is_of(&key, &spaces::CLASS_FRAMES) && key.last().is_some_and(|last| last % 8 == 7)
            }
        };
        if !dropped {
            self.txn.put(key, value);
        }
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.txn.delete(key);
    }

    async fn commit(self: Box<Self>) -> Result<(), CommitError> {
        if self.mutant == Mutant::EarlyAcknowledgement {
            drop(tokio::spawn(self.txn.commit()));
            return Ok(());
        }
        self.txn.commit().await
    }
}

/// If a client's frame asks to leave a chat room, and the server is the one that pretends to have done
/// it: its answer.
pub(crate) fn answer_to_leaving(mutant: Option<Mutant>, frame: &Bytes) -> Option<Frame> {
    if mutant != Some(Mutant::DeafToLeaving) {
        return None;
    }
    let outer = MSync::decode(frame.clone()).ok()?;
    let meta = CommSyncUl::decode(outer.payload?).ok()?.meta?;
    if outer.command != Some(Command::Sync.into()) || meta.ns() != NameSpace::Muc {
        return None;
    }
    let answer = CommSyncDl {
        status: Some(Status::OK),
        meta_id: meta.id,
        server_id: Some(1),
        timestamp: Some(1),
        ..CommSyncDl::default()
    };
    let body = MucBody::decode(meta.payload?).ok()?;
    (body.operation == Some(MucOperation::Leave.into())).then(|| Frame::new(Command::Sync, &answer))
}
