//! The address of a user, a device, a group, a room or a queue.

/// [`Jid::domain`] of users.
pub const USER_DOMAIN: &str = "easemob.com";

/// [`Jid::domain`] of groups, chat rooms and threads.
pub const GROUP_DOMAIN: &str = "conference.easemob.com";

/// An address. Clients compare queues by [`name`](Self::name) alone.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Jid {
    /// The app key, `org#app`.
    #[prost(string, optional, tag = "1")]
    pub app_key: Option<String>,
    /// The id of the user, group, room or thread.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// [`USER_DOMAIN`] or [`GROUP_DOMAIN`].
    #[prost(string, optional, tag = "3")]
    pub domain: Option<String>,
    /// The device. A delivery names it in the sender's address only: in the recipient's it would
    /// become part of the name that the app sees.
    #[prost(string, optional, tag = "4")]
    pub client_resource: Option<String>,
}

impl Jid {
    /// The address of a user.
    pub fn user(app_key: &str, name: &str) -> Self {
        Self::new(app_key, name, USER_DOMAIN)
    }

    /// The address of a group, chat room or thread.
    pub fn group(app_key: &str, name: &str) -> Self {
        Self::new(app_key, name, GROUP_DOMAIN)
    }

    /// An address that carries a name only, as message bodies have it.
    pub fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// The same address with the device `resource`.
    #[must_use]
    pub fn with_resource(self, resource: &str) -> Self {
        Self { client_resource: Some(resource.to_owned()), ..self }
    }

    fn new(app_key: &str, name: &str, domain: &str) -> Self {
        Self {
            app_key: Some(app_key.to_owned()),
            name: Some(name.to_owned()),
            domain: Some(domain.to_owned()),
            client_resource: None,
        }
    }
}
