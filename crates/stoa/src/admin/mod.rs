//! What an operator can ask of a node, each operation in one place.
//!
//! A command becomes a [`Request`], and [`carry_out`] is the only way from there to an [`Answer`]. The
//! process that has the data open runs it: the server, when the request comes through the control
//! socket, or the command itself. Nothing here prints, and nothing knows which of the two it is.

mod answer;
mod apps;
mod audit;
mod backup;
mod checklist;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod keys;
mod lifetime;
mod person;
mod pieces;
mod place;
mod receipts;
mod regions;
mod request;
mod residency;
mod retention;
mod text;
mod token_clients;
mod users;
mod witness;

pub use answer::{
    Answer, AppView, CertificateView, ChainView, Check, ClassKeys, KeyStatus, Level, RootRotation,
    TokenClientView, UserView, erased_messages,
};
pub use backup::{BackupView, place_beside};
pub use checklist::ItemView;
pub use lifetime::RetentionView;
pub use person::{ClassInventory, Inventory, SpaceInventory, renaming};
pub use pieces::{Piece, Pieces, pieces};
pub use place::{EgressCheckView, PermitView};
pub use receipts::{ReceiptView, Verifier};
pub use regions::{ConflictView, IdentityView, PeerView, RegionView};
pub use request::{
    AppRequest, AuditRequest, BackupRequest, KeyRequest, PersonRequest, PlaceRequest,
    ReceiptsRequest, Request, RetentionRequest, TokenClientRequest, UserRequest,
};
pub use residency::{HostView, Residency, SignedReport};
pub use text::{SecretText, Text};

use crate::doctor;
use crate::failure::Failure;
use crate::node::Node;
use witness::Witness;

/// Does what was asked, and writes into the audit log that it was, or was refused. What is more than an
/// answer goes into `pieces` as it comes.
///
/// # Errors
/// [`Failure`]; [`Failure::Unknown`] also when it was done and could not be written down.
pub async fn carry_out(node: &Node, request: Request, pieces: &Pieces) -> Result<Answer, Failure> {
    let witness = Witness::of(node, &request);
    let outcome = match request {
        Request::App(request) => apps::carry_out(node, request).await,
        Request::User(request) => users::carry_out(node, request).await,
        Request::Backup(request) => backup::carry_out(node, request, pieces).await,
        Request::Person(request) => person::carry_out(node, request, pieces).await,
        Request::Key(request) => keys::carry_out(node, request).await,
        Request::Audit(request) => audit::carry_out(node, request).await,
        Request::TokenClient(request) => token_clients::carry_out(node, request).await,
        Request::Place(request) => place::carry_out(node, request).await,
        Request::Residency { app } => residency::carry_out(node, app).await,
        Request::Retention(request) => retention::carry_out(node, request).await,
        Request::Checklist { app } => checklist::carry_out(node, app).await,
        Request::Regions => regions::list(node),
        Request::RegionIdentity => regions::identity(node).await,
        Request::Doctor => Ok(Answer::Checks { checks: doctor::of_server(node).await }),
    };
    match witness {
        Some(witness) => witness.record(node, outcome).await,
        None => outcome,
    }
}
