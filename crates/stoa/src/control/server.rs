//! The server's side of the control socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::protocol::{
    LONGEST_ANSWER, LONGEST_REQUEST, not_understood, read_frame, read_request, write_answer,
    write_frame,
};
use super::{ControlSocket, admits, own_user};
use crate::admin;
use crate::failure::{Exit, Failure, Problem};
use crate::node::Node;

/// How many commands are served at a time; others wait.
const CONNECTIONS: usize = 16;
/// How long a client may take to say what it wants, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long commands that are under way may take at the end.
const END: Duration = Duration::from_secs(2);
/// How long to wait when no connection can be accepted (there are no files left).
const PAUSE: Duration = Duration::from_millis(100);

impl ControlSocket {
    /// Serves commands until `stop` is over, and then lets those end that are under way.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub async fn serve(self, node: Node, stop: impl Future<Output = ()>) -> io::Result<()> {
        let listener = UnixListener::from_std(self.listener.try_clone()?)?;
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let (ending, ends) = watch::channel(false);
        let mut stop = Box::pin(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener, &places) => accepted,
            };
            match accepted {
                Ok((stream, place)) => {
                    let (node, ends) = (node.clone(), ends.clone());
                    connections.spawn(async move {
                        // A client that goes away or makes no sense concerns nobody else.
                        if let Err(error) = converse(stream, &node, ends).await {
                            tracing::debug!(%error, "a control connection failed");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "no control connection can be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        let _ = ending.send(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(END, all).await.is_err() {
            tracing::warn!("a command was still under way at the end");
        }
        Ok(())
    }
}

async fn accept(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?.0, place))
}

/// Serves one client, request by request, until it goes or the server ends.
async fn converse(
    mut stream: UnixStream,
    node: &Node,
    mut ends: watch::Receiver<bool>,
) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if !admits(peer, own_user()) {
        tracing::warn!(user = peer, "another user's process was refused at the control socket");
        let message = "only the user that runs the server, and root, may control it".to_owned();
        let problem = Problem { exit: Exit::Failed, kind: "permission".into(), message };
        return answer(&mut stream, Err(problem)).await;
    }
    loop {
        let read = tokio::select! {
            _ = ends.wait_for(|ends| *ends) => return Ok(()),
            read = timeout(PATIENCE, read_frame(&mut stream, LONGEST_REQUEST)) => read,
        };
        let Some(bytes) = read.map_err(|_| io::ErrorKind::TimedOut)?? else { return Ok(()) };
        let request = match read_request(&bytes) {
            Ok(request) => request,
            Err(reason) => return answer(&mut stream, Err(not_understood(&reason))).await,
        };
        drop(bytes);
        let command = request.name();
        let (pieces, mut coming) = admin::pieces();
        let work = async move { admin::carry_out(node, request, &pieces).await };
        let pass_on = async {
            while let Some(piece) = coming.recv().await {
                let frame = piece.encode();
                let writing = write_frame(&mut stream, &frame, LONGEST_ANSWER);
                let written = timeout(PATIENCE, writing).await;
                let written = written.map_err(|_| io::ErrorKind::TimedOut.into());
                if let Err(error) = written.and_then(|done| done) {
                    // Whoever sends is told by that.
                    coming.close();
                    return Err(error);
                }
            }
            Ok(())
        };
        let (outcome, passed_on) = tokio::join!(Box::pin(work), pass_on);
        let exit = outcome.as_ref().map_or_else(Failure::exit, |_| Exit::Done);
        tracing::info!(command, user = peer, exit = exit.code(), "a command was carried out");
        passed_on?;
        answer(&mut stream, outcome.map_err(|failure| failure.to_problem())).await?;
    }
}

async fn answer(
    stream: &mut UnixStream,
    outcome: Result<admin::Answer, Problem>,
) -> io::Result<()> {
    let bytes = write_answer(outcome)?;
    let written = timeout(PATIENCE, write_frame(stream, &bytes, LONGEST_ANSWER)).await;
    written.map_err(|_| io::ErrorKind::TimedOut)?
}
