//! The only way out: every connection that the server opens to another machine is opened here.
//!
//! **The one idea: a host is looked up once, and what came of it is what is judged and what is
//! connected to.** Whoever can name a host that the server then calls (a callback, a push service, a
//! storage) could otherwise lead it to machines that only the server reaches. So the address is
//! judged and not the name, a name that changes its mind has no second say (DNS rebinding), and an answer
//! that points elsewhere is not followed.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `target`, `resolve` | URLs and hosts; from a host to addresses |
//! | `rules` | which addresses may be reached, and in which region a host lies |
//! | `egress`, `gate`, `tls` | opening a connection: bounds, TLS with the name verified |
//! | `call` | one HTTP request and its answer, with limits and no redirects |
//! | `contacts`, `record` | which hosts were contacted: written down before the first of a day is |
//!
//! What an errand is for decides where it may go: see [`Errand`].

mod call;
mod contacts;
mod egress;
mod error;
mod gate;
mod record;
mod resolve;
mod rules;
mod target;
mod tls;

pub use call::{Answer, Bounds};
pub use contacts::{Contact, Purpose};
pub use egress::{Connection, Egress, EgressOptions, Errand};
pub use error::EgressError;
pub use resolve::{Resolver, SystemResolver};
pub use rules::{HostRegion, HostRegionError};
pub use target::{Host, Scheme, Target, TargetError};
pub use tls::{ClientTls, ClientTlsError};
