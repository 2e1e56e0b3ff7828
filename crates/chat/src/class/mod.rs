//! The chat of class rooms.
//!
//! **The one idea: a chat room under the class room's key.** It is a chat room like others, by the functions of
//! `group` and `room`; its id says that it is a class's, and of which. So without looking
//! anything up, all that is stored of it lies in spaces of class rooms, sealed under the key of the class room: it ends
//! with that key, whatever the app's plan says, and stands in no list and under no key of anybody else.
//!
//! Who may come in is the class's to say ([`Chat::check_in_to_class`]). Whoever shows a token of a class room reaches
//! its chat and nothing else of the app (`reach`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `room` | the chat room is made, silenced, closed, and forgotten |
//! | `people` | who checks in has a user in chat, and is deleted when its last class is gone |
//! | `reach` | what a class room's token reaches |
//! | `revocation` | tokens for class rooms that are revoked with others of their user |
//! | `stored` | the records |

mod people;
mod reach;
pub(crate) mod revocation;
mod room;
mod stored;

use stoa_core::{App, AppScope, Caller, VerifiedToken, issue_token};
use stoa_store::{AppStore, Blind, Bucket};

use crate::{Chat, Error};

pub use people::ClassMember;
pub use reach::Wanted;
pub use room::ClassChatRoom;

/// Seconds that a token lives which never leaves the process.
const OWN_TOKEN_S: u32 = 60;

/// The name, in keys, of the class room with that number: its key covers all that is stored of it.
pub fn class_blind(store: &AppStore, number: u64) -> Blind {
    store.blind("one class room", &[&number.to_be_bytes()])
}

fn class_bucket(store: &AppStore, number: u64) -> Bucket {
    Bucket::Object(class_blind(store, number).0)
}

impl Chat {
    /// The caller as whom the class does what it decided.
    fn class_itself(&self, app: &std::sync::Arc<App>) -> Result<Caller, Error> {
        let now = app.next_issue(self.shared.clock.now());
        let token = issue_token(app, None, now, OWN_TOKEN_S, &*self.entropy);
        let verified = VerifiedToken::verify(app, token.expose(), now)?;
        verified.into_app_caller().map_err(|_| Error::Internal)
    }

    fn class_caller(&self, scope: &impl AppScope) -> Result<Caller, Error> {
        let app = self.shared.directory.by_id(&scope.app().id);
        self.class_itself(app.as_ref().unwrap_or_else(|| scope.app()))
    }
}
