//! Presence: on which devices a user can be reached, what it says about that, and who wants to know
//! (chat-rest section 2.7; msync sections 5.6 and 9.8).
//!
//! **The one idea: whether a device is online is known by the register of sessions alone**; what is stored
//! is what it published, so nothing has to be put right after a crash. A change is only noted where it
//! happens; [`Chat::tell_presences`](crate::Chat::tell_presences), which the server calls a few times a second, tells it once it has
//! waited a second, so that somebody who reloads a page is told of once. Subscriptions end by the clock:
//! each reader compares, and what is over is removed when it is met.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `publish` | what a user says, and how it is put together with who is online |
//! | `subscribe` | subscriptions at both sides |
//! | `watch` | telling subscribers |

mod publish;
mod stored;
mod subscribe;
mod watch;

use std::collections::BTreeMap;

use stoa_core::{Timestamp, UserId, limits};

use crate::Error;
use stored::StoredDevice;

pub(crate) use stored::{StoredPresence, StoredSubscription};
pub use subscribe::PresenceSubscription;

/// The state of a device that is not online, or does not want to seem so.
const OFFLINE: u32 = 0;
/// The state of a device that is online and has published nothing else.
const ONLINE: u32 = 1;

/// The presence of a user as a subscriber sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whose.
    pub user: UserId,
    /// What the user says about it.
    pub ext: String,
    /// When it last changed; the epoch if that is not known.
    pub changed: Timestamp,
    /// Each device with its state: 0 offline, 1 online, others the app's own.
    pub devices: BTreeMap<String, u32>,
    /// Until when the one who asks has subscribed to it.
    pub until: Option<Timestamp>,
}

impl Presence {
    /// What is shown of somebody who has blocked the one who asks: as if nothing had ever been there.
    fn hidden(user: UserId) -> Self {
        let (ext, changed) = (String::new(), Timestamp::default());
        Self { user, ext, changed, devices: BTreeMap::new(), until: None }
    }
}

impl StoredPresence {
    /// The device, which becomes the latest; the oldest goes where there are too many.
    fn device(&mut self, resource: &str) -> &mut StoredDevice {
        let before = self.devices.iter().position(|device| device.resource == resource);
        let device = match before {
            Some(at) => self.devices.remove(at),
            None => StoredDevice { resource: resource.into(), status: None },
        };
        let surplus = (self.devices.len() + 1).saturating_sub(limits::DEVICES_REMEMBERED);
        self.devices.drain(..surplus);
        self.devices.push(device);
        self.devices.last_mut().expect("it was just added")
    }
}

/// Checks how many users a call names: `words` is what the vendor says about too many.
fn check_batch(users: &[UserId], words: &str) -> Result<(), Error> {
    let most = limits::PRESENCE_BATCH;
    if users.is_empty() || users.len() > most {
        let problem = format!("{words}: 1 to {most} users, not {}", users.len());
        return Err(Error::argument("usernames", problem));
    }
    Ok(())
}
