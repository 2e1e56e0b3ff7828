//! The REST door: what back ends, and the SDK for tokens and history, say in JSON over HTTP.
//!
//! **The one idea: a handler only translates.** It takes typed values that were checked on their way
//! in (`AppCaller`, `Object`, `Query`), calls one function of [`Chat`], and returns a `Reply` or a
//! `Failure`. The `edge` around all routes turns either into the vendor's envelope and adds what
//! every answer carries, so that no operation can forget it: CORS, `no-store`, the time it took.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `edge`, `envelope`, `reply`, `error`, `cors`, `hsts` | from a handler's outcome to bytes |
//! | `routes` | the paths, so that they can be listed |
//! | `auth`, `path`, `body`, `json`, `query`, `rate` | from bytes to what a handler takes |
//! | `dns`, `token`, `users`, `history`, `contacts`, `attributes`, `presence`, `groups`, `rooms`, `chatfiles` | the operations, each with its row in the specification |
//! | `classroom` | class rooms: paths, tokens and envelope of their own |
//! | `audit` | what of it all stands in the audit log |
//! | `reach` | what of it a class room's token reaches |
//! | `messages` | what back ends say in chat rooms |
//! | `conversations`, `deletion`, `pins`, `recall`, `reports` | the same, about messages that were sent |

mod attributes;
mod audit;
mod auth;
mod body;
mod chatfiles;
mod classroom;
mod contacts;
mod conversations;
mod cors;
mod deletion;
mod dns;
mod edge;
mod envelope;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod groups;
mod history;
mod hsts;
mod json;
mod messages;
mod path;
mod pins;
mod presence;
mod query;
mod rate;
mod reach;
mod recall;
mod reply;
mod reports;
mod rooms;
mod routes;
mod token;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};
use parking_lot::Mutex;
use stoa_audit::AuditLog;
use stoa_chat::Chat;
use stoa_classroom::Classroom;
use stoa_core::{AppDirectory, Region};

use routes::Routes;

pub use dns::{Host, Hosts, Protocol};

/// What the door needs.
pub struct RestState {
    /// The rules of chat.
    pub chat: Arc<Chat>,
    /// The rules of class rooms.
    pub classroom: Arc<Classroom>,
    /// Where this data centre is.
    pub region: Region,
    /// Where acts of back ends and refusals are written down.
    pub audit: Arc<AuditLog>,
    /// Knows the apps; asked by the DNS document only.
    pub directory: Arc<dyn AppDirectory>,
    /// Under which addresses clients reach this data centre.
    pub hosts: Hosts,
    /// The client's address, from what the listener put into a request's extensions; calls of
    /// strangers are limited for each address. Without one, or from a loopback address (a proxy on
    /// the same machine), only the app's limits hold.
    pub client_address: fn(&http::Extensions) -> Option<IpAddr>,
    /// Whether a request came through TLS, from the same extensions; only then browsers are told to
    /// come by TLS alone.
    pub encrypted: fn(&http::Extensions) -> bool,
}

/// What the handlers share.
struct Shared {
    chat: Arc<Chat>,
    classroom: Arc<Classroom>,
    region: Region,
    audit: Arc<AuditLog>,
    directory: Arc<dyn AppDirectory>,
    hosts: Hosts,
    /// Where clients call REST, for `uri` in answers.
    origin: String,
    client_address: fn(&http::Extensions) -> Option<IpAddr>,
    encrypted: fn(&http::Extensions) -> bool,
    rates: Mutex<rate::Rates>,
}

/// The state of every handler.
type Rest = Arc<Shared>;

/// The REST door as a service for HTTP/1 connections.
///
/// Every answer is a JSON object except to a preflight, which has no body, and to a download.
pub fn router(state: RestState) -> Router {
    let RestState { chat, classroom, region, audit, directory, hosts, client_address, encrypted } =
        state;
    let origin = hosts.rest.first().map(Host::origin).unwrap_or_default();
    let rates = Mutex::default();
    let rest = Rest::new(Shared {
        chat,
        classroom,
        region,
        audit,
        directory,
        hosts,
        origin,
        client_address,
        encrypted,
        rates,
    });
    routes()
        .into_router()
        .fallback(edge::unknown_path)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(rest.clone(), edge::edge))
        .with_state(rest)
}

/// The paths that are served, with their variables' names in braces: `/{org}/{app}/users/{user}`. For tests
/// that say something about each of them.
pub fn paths() -> Vec<String> {
    routes().into_paths()
}

/// All that is served.
fn routes() -> Routes {
    let app = Routes::new()
        .route("/token", post(token::grant))
        .route("/token/invalid", post(token::invalidate))
        .route("/token/users/{user}/invalid", post(token::invalidate_of_user))
        .route("/token/users/{user}/devices/{resource}/invalid", post(token::invalidate_of_device))
        .route("/users", get(users::list).post(users::register))
        .route("/users/{user}", get(users::get).put(users::update).delete(users::delete))
        .route("/users/{user}/password", put(users::set_password))
        .route("/users/{user}/deactivate", post(users::deactivate))
        .route("/users/{user}/activate", post(users::activate))
        .route("/users/{user}/disconnect", get(users::disconnect).post(users::disconnect))
        .route("/users/{user}/disconnect/{resource}", delete(users::disconnect_device))
        .route("/users/{user}/resources", get(users::resources))
        .route("/users/{user}/status", get(users::status).post(users::batch_status))
        .route("/users/{user}/messageroaming", post(history::page))
        .route("/chatfiles", post(chatfiles::upload))
        .route("/chatfiles/{file}", get(chatfiles::download).post(chatfiles::download))
        .route("/sdk/chatfiles/part-upload", post(chatfiles::begin))
        .route(
            "/sdk/chatfiles/part-upload/{file}",
            put(chatfiles::part).post(chatfiles::complete).delete(chatfiles::abort),
        )
        .route("/sdk/users/{user}/token/expires", get(token::expires))
        .merge(contacts::routes())
        .merge(attributes::routes())
        .merge(presence::routes())
        .merge(groups::routes())
        .merge(rooms::routes())
        .merge(conversations::routes())
        .merge(deletion::routes())
        .merge(pins::routes())
        .merge(recall::routes())
        .merge(reports::routes())
        .merge(messages::routes());
    Routes::new()
        .route("/healthz", get(edge::healthz))
        .route("/easemob/server.json", get(dns::document))
        .merge(classroom::routes())
        .nest("/{org}/{app}", app)
}
