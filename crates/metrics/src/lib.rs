//! What the server counts, and the text in which Prometheus reads it.
//!
//! **The one idea: a metric is a static, declared once together with its meaning.** The `group!` of each
//! module makes of one declaration the static that code counts with, the row of the page
//! `docs/metrics.md`, and the place in the exposition, so that nothing can be counted that is not
//! documented. Counting is one relaxed add at a fixed address: labels are closed enums that pick a cell
//! of an array, so no message costs a lookup or an allocation
//! ([decision 0012](https://github.com/stoa-chat/stoa/blob/main/docs/decisions/0012-metrics-are-statics.md)).
//!
//! **What never becomes a label**: names and ids of users, apps, devices, messages and conversations. All
//! values of all labels are written in this crate, but for the route templates of [`rest`], which are
//! written in the code too.

mod define;
mod expose;
mod label;
mod page;
mod value;

pub mod attachments;
pub mod class;
pub mod connections;
pub mod directory;
pub mod egress;
pub mod fence;
pub mod logins;
pub mod media;
pub mod messages;
pub mod process;
pub mod rest;
pub mod rooms;
pub mod sessions;
pub mod store;
pub mod tls;
pub mod token_server;
pub mod vault;

pub use define::{Definition, Group, groups};
pub use expose::{CONTENT_TYPE, expose};
pub use label::{Label, LabelDoc};
pub use page::page;
pub use value::{Counter, Counters, Gauge, Gauges, Held, Histogram, Info, Kind};
