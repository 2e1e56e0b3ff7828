//! A router that knows its paths.
//!
//! axum does not list what it serves. What a test says about *every* endpoint must not be a list that somebody
//! keeps up by hand: so each path is noted where it is added, and nothing is served beside it.

use axum::Router;
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::Rest;

/// A router, and the paths that were added to it.
pub(crate) struct Routes {
    router: Router<Rest>,
    paths: Vec<String>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paths: Vec::new() }
    }

    /// Serves `path` by `methods`.
    pub(crate) fn route(mut self, path: &str, methods: MethodRouter<Rest>) -> Self {
        self.paths.push(path.to_owned());
        Self { router: self.router.route(path, methods), ..self }
    }

    /// Serves what `other` serves, too.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// Serves what `other` serves, below `at`.
    pub(crate) fn nest(mut self, at: &str, other: Self) -> Self {
        self.paths.extend(other.paths.iter().map(|path| format!("{at}{path}")));
        Self { router: self.router.nest(at, other.router), ..self }
    }

    /// Makes each answer of these routes another.
    pub(crate) fn map_response<F, A>(self, change: F) -> Self
    where
        F: Fn(Response) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let layer = axum::middleware::map_response(change);
        Self { router: self.router.layer(layer), ..self }
    }

    /// The router alone.
    pub(crate) fn into_router(self) -> Router<Rest> {
        self.router
    }

    /// The paths, with their variables' names in braces.
    pub(crate) fn into_paths(self) -> Vec<String> {
        self.paths
    }
}
