//! Groups, in the making.
use crate::Rest;
use axum::Router;
/// The routes.
pub(crate) fn routes() -> Router<Rest> {
    Router::new()
}
