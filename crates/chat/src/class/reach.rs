//! What the holder of a class room's token reaches: the chat room of the class, those of its breakout groups, and those
//! who teach there. Both doors ask here, of every call, before anything of it is done.

use stoa_core::{Caller, MucKind, Target};

use crate::{Chat, Error};

/// What a call is about.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// This conversation.
    Conversation(Target),
    /// Something of this group or chat room that is none of its conversation's.
    Administration(Target),
    /// A conversation that the call's body names, which the operation has to ask about.
    Named,
    /// Nothing but the session itself.
    Session,
    /// Anything else of the app.
    Other,
}

impl Chat {
    /// Passes if the caller's token reaches that far. Only whoever has come into a class reaches its chat, and whoever
    /// shows a token of a class room reaches nothing else.
    ///
    /// # Errors
    /// [`Error::OutsideClass`], [`Error::Store`].
    pub async fn must_reach(&self, caller: &Caller, wanted: &Wanted) -> Result<(), Error> {
        match (caller.class(), wanted) {
            (_, Wanted::Conversation(target)) | (None, Wanted::Administration(target)) => {
                self.must_reach_in_class(caller, target).await
            }
            (None, _) | (_, Wanted::Named | Wanted::Session) => Ok(()),
            (Some(_), Wanted::Administration(_) | Wanted::Other) => Err(Error::OutsideClass),
        }
    }

    /// As [`Self::must_reach`], of a conversation.
    pub(crate) async fn must_reach_in_class(
        &self,
        caller: &Caller,
        target: &Target,
    ) -> Result<(), Error> {
        let target = &match target {
            // Some calls do not say whether they mean a group or a room.
            Target::Group(id) if !id.is_room() => {
                let room = id.with_kind(MucKind::Room);
                Target::Group(if room.class_number().is_some() { room } else { id.clone() })
            }
            target => target.clone(),
        };
        let Some(class) = caller.class() else {
            return match target {
                // The app's back end reads what is said in its classes.
                Target::Group(room) if room.class_number().is_some() && !caller.is_app() => {
                    Err(Error::OutsideClass)
                }
                // Nobody writes from outside to who is there for a class.
                Target::User(user) if self.is_of_classes(caller, user).await? => {
                    Err(Error::OutsideClass)
                }
                _ => Ok(()),
            };
        };
        let reaches = match target {
            Target::Group(room) if room.class_number().is_some() => {
                match self.group_state(caller, room).await {
                    Ok(group) => group.info.class.as_ref() == Some(&class.room),
                    Err(Error::UnknownRoom) => false,
                    Err(error) => return Err(error),
                }
            }
            Target::Group(_) => false,
            Target::User(peer) => match self.class_number(caller, &class.room).await? {
                None => false,
                Some(number) => {
                    let peers = self.role_of(caller, number, peer).await?;
                    peers.is_some_and(|peers| class.role.is_teaching() || peers.is_teaching())
                }
            },
        };
        if reaches { Ok(()) } else { Err(Error::OutsideClass) }
    }

    /// Whether a message of the caller is only handed to who is there, and kept nowhere: between two who are there for
    /// a class.
    pub(crate) fn passes_only(caller: &Caller, target: &Target) -> bool {
        caller.class().is_some() && matches!(target, Target::User(_))
    }
}
