//! Fetches the directory of one other data centre, again and again.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use stoa_console::{Console, LearnError, Learned};
use stoa_core::{Clock, Region, limits};
use stoa_egress::{Bounds, ClientTls, Egress, EgressError, Errand, Host, Scheme, Target};
use stoa_metrics::directory::{CONFLICTS, FETCHES, Fetch};
use stoa_store::PublicKey;

use super::Statuses;
use super::door::PATH;
use crate::config::Peer;
use crate::failure::{Failure, explain};
use crate::node::Node;
use crate::tls::DirectoryIdentity;

/// How often it is asked for what is new.
const EVERY: Duration = Duration::from_secs(5);
/// How long after a first failure it is asked again; twice as long after each further one, up to the next.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// What one answer may cost.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), body: limits::DIRECTORY_PAGE_BYTES };

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error("it answers with HTTP {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Learn(#[from] LearnError),
}

/// Fetches from one data centre.
pub(super) struct Fetcher {
    region: Region,
    target: Target,
    tls: ClientTls,
    signer: PublicKey,
    egress: Arc<Egress>,
    console: Arc<Console>,
    statuses: Arc<Statuses>,
    clock: Arc<dyn Clock>,
}

impl Fetcher {
    /// For the data centre of `region`, to which `own` is shown.
    ///
    /// # Errors
    /// When the address or the own certificate cannot be used.
    pub(super) fn new(
        region: Region,
        peer: &Peer,
        own: &DirectoryIdentity,
        node: &Node,
    ) -> Result<Self, Failure> {
        let host: Host =
            peer.directory.host.parse().map_err(|error| {
                Failure::Usage(format!("regions: {region}: directory: {error}"))
            })?;
        let (scheme, port) = (Scheme::Https, peer.directory.port);
        Ok(Self {
            region,
            target: Target { scheme, host, port, path: PATH.into() },
            tls: Arc::new(own.client(peer.certificate)?).into(),
            signer: peer.signing_key,
            egress: node.egress.clone(),
            console: node.console.clone(),
            statuses: node.directory.clone(),
            clock: node.clock.clone(),
        })
    }

    /// Fetches for ever.
    pub(super) async fn run(self) {
        self.count_conflicts();
        let mut retry = FIRST_RETRY;
        loop {
            let wait = match self.round().await {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    EVERY
                }
                Err(error) => {
                    self.tell_failure(&error);
                    let wait = retry;
                    retry = (retry * 2).min(LAST_RETRY);
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Fetches page after page until there is nothing new.
    async fn round(&self) -> Result<(), FetchError> {
        let region = self.region.name();
        loop {
            let Learned { records, conflicts, more } = self.fetch().await?;
            if self.statuses.answered(self.region, self.clock.now()) {
                tracing::info!(region, "the directory of another data centre is fetched");
            }
            if records > 0 {
                self.count_conflicts();
                tracing::info!(region, records, "learned where apps of another data centre are");
            }
            for conflict in conflicts {
                tracing::warn!(
                    region,
                    kept_by = conflict.kept_by.name(),
                    "another data centre has an app of a key or App ID that is known elsewhere: it is not believed (stoa region list shows it)"
                );
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn count_conflicts(&self) {
        CONFLICTS.set_unsigned(u64::try_from(self.console.conflicts().len()).unwrap_or(u64::MAX));
    }

    async fn fetch(&self) -> Result<Learned, FetchError> {
        let learned = self.ask().await;
        FETCHES
            .of(match &learned {
                Ok(_) => Fetch::Done,
                Err(FetchError::Egress(_) | FetchError::Status(_)) => Fetch::Unreachable,
                Err(FetchError::Learn(LearnError::Store(_))) => Fetch::Failed,
                Err(FetchError::Learn(_)) => Fetch::Refused,
            })
            .inc();
        learned
    }

    async fn ask(&self) -> Result<Learned, FetchError> {
        let after = self.console.directory_cursor(self.region);
        let target = Target { path: format!("{PATH}?after={after}"), ..self.target.clone() };
        let errand = Errand::directory(self.region);
        let request = Request::new(Default::default());
        let answer = self.egress.call(&errand, &target, request, Some(&self.tls), BOUNDS).await?;
        if answer.status != StatusCode::OK {
            return Err(FetchError::Status(answer.status));
        }
        Ok(self.console.learn(self.region, &self.signer, &answer.body).await?)
    }

    fn tell_failure(&self, error: &FetchError) {
        let text = explain(error);
        if self.statuses.failed(self.region, &text) {
            tracing::warn!(
                region = self.region.name(),
                error = text,
                "the directory of another data centre cannot be fetched; what is known of it stays, and it is tried again"
            );
        }
    }
}
