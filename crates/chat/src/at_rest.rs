//! What lies on disk of a message, for an app's owner who wants to see it.

use stoa_core::{Caller, ConversationId, MessageId, Seq, Timestamp};
use stoa_store::{Sealed, spaces};

use crate::entry::Log;
use crate::log::{entry_key, log_blind, log_space};
use crate::records::{self, StoredEntry};
use crate::{Chat, Error, history};

/// A message as it is kept.
#[derive(Debug, Clone)]
pub struct MessageAtRest {
    /// The record, as it lies in the store.
    pub sealed: Sealed,
    /// Its place in the conversation.
    pub seq: Seq,
    /// When the server took it.
    pub at: Timestamp,
    /// Until when it can be read.
    pub until: Timestamp,
}

impl Chat {
    /// Reads the record of the message `id` of `conversation`, without opening it for anybody.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller administers the app; [`Error::UnknownMessage`];
    /// [`Error::Store`].
    pub async fn message_at_rest(
        &self,
        caller: &Caller,
        conversation: &ConversationId,
        id: MessageId,
    ) -> Result<MessageAtRest, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let log = Log::Conversation(conversation.clone());
        let all = store.key(log_space(&log)).blind(log_blind(&store, &log));
        let found = history::find(&read, &all, Seq::START.next(), id).await?;
        let seq = found.ok_or(Error::UnknownMessage)?;
        let key = entry_key(&store, &log, log_blind(&store, &log), seq);
        let entry = read.get(&key).await?.ok_or(Error::UnknownMessage)?;
        let entry: StoredEntry = records::decode(&entry, spaces::MESSAGES.name)?;
        let at = Timestamp::from_millis(entry.at_ms);
        let sealed = read.sealed(&key).await?.ok_or(Error::UnknownMessage)?;
        Ok(MessageAtRest { sealed, seq, at, until: at.plus(self.settings(caller).plan.messages) })
    }
}
