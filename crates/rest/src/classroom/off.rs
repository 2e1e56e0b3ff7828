//! What is not served: recording, files, boards' pages, remote control, several screens. Whoever may ask is told so,
//! and never that there is no such path.

use axum::extract::State;
use axum::routing::{delete, get, post, put};
use stoa_classroom::Refusal;
use stoa_core::ClassPrincipal;

use super::answer::Outcome;
use super::door::ClassCall;
use crate::Rest;
use crate::routes::Routes;

/// The call's room and user have to be the token's, as everywhere; then the feature is off.
fn refused(rest: &Rest, call: &ClassCall, what: &'static str) -> Outcome {
    if call.has("room") {
        call.by(rest, &call.room()?)?;
    } else {
        let (is_app, user) = (*call.caller.principal() == ClassPrincipal::App, call.user()?);
        if !is_app && call.caller.user() != Some(&user) {
            return Err(Refusal::NotForThis.into());
        }
    }
    Err(Refusal::FeatureOff(what).into())
}

macro_rules! off {
    ($($(#[$about:meta])* $name:ident $what:literal;)*) => {$(
        $(#[$about])*
        async fn $name(State(rest): State<Rest>, call: ClassCall) -> Outcome {
            refused(&rest, &call, $what)
        }
    )*};
}

off! {
    /// Rows 7 to 10.
    recording "recording";
    /// Rows 79 to 83.
    files "files";
    /// Row 48, pages of a board.
    board_pages "pages of the whiteboard";
    /// Row 76.
    several_screens "several screens at once";
    /// Row 78.
    remote_control "remote control";
}

/// The paths of features that are off.
pub(crate) fn routes() -> Routes {
    let room = "/v2/rooms/{room}";
    let of_user = format!("{room}/users/{{user}}");
    Routes::new()
        .route(&format!("{room}/records"), get(recording))
        .route(&format!("{room}/records/ready"), put(recording))
        .route(&format!("{room}/records/states/{{state}}"), put(recording).patch(recording))
        .route(&format!("{room}/widgets/netlessBoard/scenes"), post(board_pages))
        .route(&format!("{of_user}/screen"), put(several_screens).delete(several_screens))
        .route(&format!("{room}/processes/remoteControl"), delete(remote_control))
        .route(&format!("{room}/processes/remoteControl/progress"), put(remote_control))
        .route(&format!("{of_user}/remoteControl/acceptance"), put(remote_control))
        .route(
            &format!("{of_user}/remoteControl/authorization"),
            put(remote_control).delete(remote_control),
        )
        .route(&format!("{of_user}/remoteControl/token"), put(remote_control))
        .route("/v3/users/{user}/resources/page", get(files))
        .route("/v3/users/{user}/presignedUrls", post(files))
        .route("/v3/users/{user}/resources", delete(files))
        .route("/v3/users/{user}/resources/{resource}", post(files).put(files))
        .route("/v4/users/{user}/resources/{resource}", post(files).put(files))
}
