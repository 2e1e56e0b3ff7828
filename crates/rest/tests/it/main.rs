//! The REST door over a whole server in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in helpers too")]
#![expect(clippy::needless_pass_by_value, reason = "bodies are written where they are sent")]

mod answers;
mod attributes;
mod audit;
mod bodies;
mod chatfiles;
mod classroom;
mod contacts;
mod conversations;
mod faults;
mod form;
mod geofence;
mod group_lists;
mod groups;
mod history;
mod lab;
mod nonsense;
mod presence;
mod rates;
mod room_messages;
mod rooms;
mod separation;
mod server_certificate;
mod sessions;
mod sockets;
mod tokens;
mod transcript;
mod users;
