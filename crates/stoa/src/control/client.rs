//! The command's side of the control socket.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;

use super::place::{Found, path};
use super::protocol::{
    LONGEST_ANSWER, LONGEST_REQUEST, Misunderstanding, read_answer, read_frame, write_frame,
    write_request,
};
use super::{admits, own_user};
use crate::admin::{Answer, Piece, Request};
use crate::failure::{Exit, Failure, Problem, explain};

/// How long a server may take to accept a connection and to read a request.
const ACCEPTANCE: Duration = Duration::from_secs(10);
/// How long a server may take to do what it was asked.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to the server that has the data.
pub struct Client {
    stream: UnixStream,
    socket: PathBuf,
}

/// Why no server was reached.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// There is no socket: no server runs, or it is starting or ending.
    #[error("there is no control socket {}", .0.display())]
    None(PathBuf),
    /// There is a socket, and nobody listens: its server is dead.
    #[error("nobody listens on the control socket {}", .0.display())]
    Dead(PathBuf),
    /// Others than the owner could have put a socket there.
    #[error("the directory of the control socket {} is not safe: it belongs to user {owner} and has mode {mode:04o}", socket.display())]
    Unsafe {
        /// The socket.
        socket: PathBuf,
        /// Whose the directory is.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// It is another user's.
    #[error("the server behind the control socket {} is user {user}'s", socket.display())]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Who listens.
        user: u32,
    },
    /// The operating system refused.
    #[error("the control socket {} cannot be used", socket.display())]
    Io {
        /// The socket.
        socket: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

impl Unreachable {
    /// What whoever must not enter is told; nothing for the other reasons.
    pub fn forbidden(&self) -> Option<Failure> {
        let Self::Io { socket, source } = self else { return None };
        (source.kind() == ErrorKind::PermissionDenied).then(|| {
            Failure::Refused(format!(
                "the control socket {} may not be used by user {}: run the command as the user that runs the server, or as root",
                socket.display(),
                own_user()
            ))
        })
    }

    /// Whether it is certain that no server of ours listens there at this moment.
    pub const fn nobody_listens(&self) -> bool {
        matches!(self, Self::None(_) | Self::Dead(_))
    }
}

impl Client {
    /// Connects to the server that has this data directory open.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn connect(data: &Path) -> Result<Self, Unreachable> {
        let socket = path(data);
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => Unreachable::None(socket.clone()),
            ErrorKind::ConnectionRefused => Unreachable::Dead(socket.clone()),
            _ => Unreachable::Io { socket: socket.clone(), source },
        };
        let found = Found::open(data).map_err(failed)?;
        let own = own_user();
        if !may_serve(found.owner, own) || found.mode & 0o077 != 0 {
            let (owner, mode) = (found.owner, found.mode);
            return Err(Unreachable::Unsafe { socket, owner, mode });
        }
        let connecting = UnixStream::connect(found.address().map_err(failed)?);
        let connected = timeout(ACCEPTANCE, connecting).await;
        let connected = connected.map_err(|_| ErrorKind::TimedOut.into()).and_then(|done| done);
        let stream = connected.map_err(failed)?;
        let user = stream.peer_cred().map_err(failed)?.uid();
        if user != found.owner && !admits(user, own) {
            return Err(Unreachable::Foreign { socket, user });
        }
        Ok(Self { stream, socket })
    }

    /// Lets the server do something, and hands what it gives out besides its answer to `take`.
    ///
    /// # Errors
    /// [`Failure::Server`] with what the server says; [`Failure::Unknown`] when it ended before it
    /// answered; what `take` returns.
    pub async fn ask(
        &mut self,
        request: &Request,
        take: &mut dyn FnMut(Piece) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let what = format!("use the control socket {}", self.socket.display());
        let bytes = write_request(request).map_err(Failure::io(what.clone()))?;
        let written = write_frame(&mut self.stream, &bytes, LONGEST_REQUEST);
        let written = timeout(ACCEPTANCE, written).await;
        let written = written.map_err(|_| ErrorKind::TimedOut.into()).and_then(|done| done);
        // A server that refuses says so, also where it did not read everything.
        let refused = written.err();
        let read = loop {
            let read = timeout(PATIENCE, read_frame(&mut self.stream, LONGEST_ANSWER)).await;
            let read = read.map_err(|_| ErrorKind::TimedOut.into()).and_then(|done| done);
            match read.as_ref().ok().and_then(Option::as_ref).and_then(|frame| Piece::decode(frame))
            {
                Some(piece) => take(piece)?,
                None => break read,
            }
        };
        match (read, refused) {
            (Ok(Some(bytes)), _) => {
                let answer = read_answer(&bytes);
                let strange = |reason: Misunderstanding| {
                    let (exit, kind) = (Exit::Failed, "version".to_owned());
                    Failure::Server(Problem { exit, kind, message: reason.to_string() })
                };
                answer.map_err(strange)?.map_err(Failure::Server)
            }
            (_, Some(error)) => Err(Failure::io(what)(error)),
            (Ok(None), None) => Err(self.unknown("it ended")),
            (Err(error), None) => Err(self.unknown(&explain(&error))),
        }
    }

    fn unknown(&self, why: &str) -> Failure {
        Failure::Unknown(format!(
            "the server behind {} did not answer ({why}): it may have done what it was asked, or not; look before you repeat it",
            self.socket.display()
        ))
    }
}

/// Whether a server of user `owner` may be sent what `own` has to say: root trusts nobody less than
/// everybody does, so any owner will do for root.
const fn may_serve(owner: u32, own: u32) -> bool {
    owner == own || own == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_user_is_not_trusted_unless_by_root() {
        assert!(may_serve(1000, 1000) && may_serve(1000, 0));
        assert!(!may_serve(1001, 1000) && !may_serve(0, 1000));
    }

    #[tokio::test]
    async fn a_server_that_ends_without_an_answer_may_have_done_it() {
        let data = tempfile::tempdir().unwrap();
        let socket = crate::control::ControlSocket::bind(data.path()).unwrap();
        let listener = tokio::net::UnixListener::from_std(socket.listener.try_clone().unwrap());
        let listener = listener.unwrap();
        let (client, served) = tokio::join!(Client::connect(data.path()), listener.accept());
        let (mut client, (mut stream, _)) = (client.unwrap(), served.unwrap());
        let request = Request::Doctor;
        let mut take = |_| Ok(());
        let (asked, read) = tokio::join!(client.ask(&request, &mut take), async move {
            read_frame(&mut stream, LONGEST_REQUEST).await
        });
        assert!(read.unwrap().is_some());
        let failure = asked.unwrap_err();
        assert_eq!(failure.exit_code(), 5, "{failure}");
        assert!(failure.to_string().contains("look before you repeat it"), "{failure}");
    }

    #[tokio::test]
    async fn who_does_not_listen_is_told_apart() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let none = Client::connect(data.path()).await.err().unwrap();
        assert!(matches!(none, Unreachable::None(_)) && none.nobody_listens());

        let run = data.path().join("run");
        std::fs::create_dir(&run).unwrap();
        let mode = |mode| std::fs::set_permissions(&run, std::fs::Permissions::from_mode(mode));
        mode(0o700).unwrap();
        drop(std::os::unix::net::UnixListener::bind(run.join("control.sock")).unwrap());
        let dead = Client::connect(data.path()).await.err().unwrap();
        assert!(matches!(dead, Unreachable::Dead(_)) && dead.nobody_listens());

        mode(0o750).unwrap();
        let open = Client::connect(data.path()).await.err().unwrap();
        assert!(matches!(open, Unreachable::Unsafe { .. }) && !open.nobody_listens());
        assert!(open.to_string().contains("0750"), "{open}");
    }
}
