//! Users (chat-rest section 2.2).

mod account;
mod register;
mod sessions;

use stoa_core::{Caller, Refusal, UserId, Uuid};

use crate::Shared;
use crate::error::Failure;

pub(crate) use account::{activate, deactivate, delete, get, list, set_password, update};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use register::read_new_user;
pub(crate) use register::register;
pub(crate) use sessions::{batch_status, disconnect, disconnect_device, resources, status};

/// The user that the path names by name or uuid. A user's token reaches that user only (U03), and
/// nobody else's existence is told to it.
///
/// # Errors
/// 404 for an unknown user, 401 for a user token that names another.
pub(crate) async fn named(rest: &Shared, caller: &Caller, named: &str) -> Result<UserId, Failure> {
    let Some(me) = caller.user() else {
        return Ok(rest.chat.user_named(caller, named).await?);
    };
    let is_me = match named.parse::<UserId>() {
        Ok(name) => name == *me,
        Err(_) if named.parse::<Uuid>().is_ok() => {
            matches!(rest.chat.user_named(caller, named).await, Ok(user) if user == *me)
        }
        Err(_) => false,
    };
    if is_me { Ok(me.clone()) } else { Err(Failure::of(Refusal::Unauthorized)) }
}
