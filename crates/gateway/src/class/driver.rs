//! The task around a session in a class: it owns the socket, makes the session's calls one after the other, and sleeps
//! until there is something to do.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stoa_classroom::{Attendee, Classroom, Error, HangUp, Refusal};
use stoa_core::{ClassCaller, RoomUuid, Timestamp, UserUuid, limits};
use stoa_metrics::Held;
use stoa_metrics::class::{CLOSED, OPEN};
use stoa_metrics::store::{FAULTS, Place};
use stoa_wire::Frame;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep};

use super::close::CloseReason;
use super::core::{Call, Effect, Input, Session};
use super::media;
use super::message::{Hello, Refused};
use super::outlet::{Outlet, listener};
use crate::net::{
    CloseCode, FlushState, KernelWatch, ReadState, Readiness, TransportError, WsTransport,
};

/// What a session needs of the server.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) classroom: Arc<Classroom>,
    /// Becomes true when sessions are to end.
    pub(crate) stop: watch::Receiver<bool>,
    /// Over how long sessions end when the server does, so that their clients do not all come back at once.
    pub(crate) spread: Duration,
    /// Held while the session lives; nothing is sent.
    pub(crate) _alive: mpsc::Sender<()>,
}

/// Who the client is, once it is let in.
struct Identity {
    caller: ClassCaller,
    room: RoomUuid,
    user: UserUuid,
    /// Some number of its own.
    session: u64,
    _open: Held,
}

/// Later than anything.
const FAR: Duration = Duration::from_secs(86_400);

/// Runs one session to its end.
pub(crate) fn run(
    transport: WsTransport,
    surroundings: Surroundings,
) -> impl Future<Output = ()> + Send {
    let now = surroundings.classroom.clock().now();
    let quiet = watched(&transport);
    let driver = Driver {
        waiter: transport.readiness(),
        outlet: Arc::new(Outlet::new(transport)),
        session: Session::new(now, quiet),
        calls: VecDeque::new(),
        identity: None,
        unsent: false,
        readable: true,
        closing: None,
        surroundings,
    };
    run_driver(driver)
}

async fn run_driver(mut driver: Driver) {
    driver.run().await;
    let Driver { outlet, identity, closing, surroundings, .. } = driver;
    let transport = outlet.take();
    if let Some(identity) = identity {
        // After a restart everybody is awaited anew: what is written now would count from the end of this process.
        if closing != Some(CloseReason::Shutdown) {
            let Identity { caller, room, user, .. } = &*identity;
            let to = listener(&outlet);
            let classroom = surroundings.classroom.clone();
            // Whoever loses a connection is seen and heard until it is back; whoever may not be there any more is not.
            if closing.is_some_and(CloseReason::is_of_rights) {
                Box::pin(classroom.media_leave(caller, room, user)).await;
            }
            let how = match closing {
                Some(CloseReason::Left) => HangUp::Leaves,
                _ => HangUp::MayComeBack,
            };
            Box::pin(classroom.hang_up(caller, room, user, &to, how)).await;
        }
    }
    drop(surroundings);
    drop(outlet);
    if let Some(transport) = transport {
        Box::pin(transport.finish()).await;
    }
}

struct Driver {
    outlet: Arc<Outlet>,
    waiter: Readiness,
    session: Session,
    calls: VecDeque<Call>,
    identity: Option<Arc<Identity>>,
    /// The socket did not take everything.
    unsent: bool,
    /// The last read did not drain the socket.
    readable: bool,
    closing: Option<CloseReason>,
    surroundings: Surroundings,
}

/// What a call came to.
struct Made {
    identity: Option<Arc<Identity>>,
    input: Input,
}

type Running = Pin<Box<dyn Future<Output = Made> + Send>>;

/// What woke the driver.
enum Woken {
    Made(Made),
    Mail,
    Readable,
    Writable,
    Deadline,
    Stop,
    Gone,
}

impl Driver {
    async fn run(&mut self) {
        let mut running: Option<Running> = None;
        let mut stop_at: Option<Instant> = None;
        let mut timer = pin!(tokio::time::sleep(limits::CLASS_HELLO_DEADLINE));
        loop {
            for input in self.outlet.mail() {
                self.feed(input);
            }
            if running.is_none() && self.closing.is_none() {
                running = self.next_call();
            }
            if self.flush().is_err() || self.closing.is_some() {
                break;
            }
            match self.wait(&mut running, timer.as_mut(), stop_at).await {
                Woken::Made(made) => {
                    running = None;
                    self.made(made);
                }
                Woken::Mail | Woken::Writable => {}
                Woken::Readable => {
                    if self.read().is_err() {
                        break;
                    }
                }
                Woken::Deadline if stop_at.is_some_and(|at| Instant::now() >= at) => {
                    self.feed(Input::Shutdown);
                    stop_at = Some(Instant::now() + FAR);
                }
                Woken::Deadline => self.feed(Input::Tick),
                Woken::Stop => stop_at = Some(Instant::now() + self.share_of_spread()),
                Woken::Gone => break,
            }
        }
        // Whoever is being let in is let out again.
        if let Some(running) = running {
            let made = running.await;
            self.made(made);
        }
        if self.closing.is_none() {
            self.feed(Input::Gone);
        }
    }

    async fn wait(
        &mut self,
        running: &mut Option<Running>,
        mut timer: Pin<&mut Sleep>,
        stop_at: Option<Instant>,
    ) -> Woken {
        /// The clock's step: a timer that is late by no more is not set anew.
        const STEP: Duration = Duration::from_millis(2);
        let now = self.now();
        let deadline = self.session.deadline().map(|at| Instant::now() + at.since(now));
        let deadline = match (deadline, stop_at) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or_else(|| Instant::now() + FAR),
        };
        if timer.is_elapsed() || deadline + STEP < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        // One call waits at the most, besides the one that is made.
        let may_read = self.calls.is_empty();
        let stop = &mut self.surroundings.stop;
        tokio::select! {
            biased;
            made = async { running.as_mut().expect("checked").await }, if running.is_some() => {
                Woken::Made(made)
            }
            () = self.outlet.arrived() => Woken::Mail,
            ready = self.waiter.writable(), if self.unsent => {
                ready.map_or(Woken::Gone, |()| Woken::Writable)
            }
            ready = readable(&self.waiter, self.readable), if may_read => {
                ready.map_or(Woken::Gone, |()| Woken::Readable)
            }
            () = timer => Woken::Deadline,
            changed = stop.changed(), if stop_at.is_none() => {
                changed.map_or(Woken::Gone, |()| Woken::Stop)
            }
        }
    }

    /// Hands an input to the session and carries out what it wants.
    fn feed(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.session.handle(self.now(), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(text) => {
                    let frame = Frame::from_bytes(Bytes::from(text));
                    self.outlet.with(|transport| transport.queue(frame));
                }
                Effect::Call(call) => self.calls.push_back(call),
                Effect::Live => self.outlet.go_live(),
                Effect::Ping => {
                    self.outlet.with(WsTransport::ping);
                }
                Effect::Close(reason) => {
                    CLOSED.of(reason.counted()).inc();
                    let (code, text) = reason.close_frame();
                    self.outlet.with(|transport| transport.close(CloseCode(code), text));
                    self.closing = Some(reason);
                }
            }
        }
    }

    fn flush(&mut self) -> Result<(), TransportError> {
        let flushed = self.outlet.with(WsTransport::flush).transpose()?;
        self.unsent = flushed == Some(FlushState::Blocked);
        Ok(())
    }

    fn read(&mut self) -> Result<(), TransportError> {
        let mut messages = Vec::new();
        let read = self.outlet.with(|transport| {
            let state = transport.read_available(&mut |message| messages.push(message));
            (state, transport.was_alive())
        });
        let (state, alive) = read.unwrap_or((Ok(ReadState::Closed(None)), false));
        if alive {
            self.feed(Input::Alive);
        }
        for message in messages {
            self.feed(Input::Message(message));
        }
        match state {
            Ok(ReadState::Drained) => self.readable = false,
            Ok(ReadState::More) => self.readable = true,
            Ok(ReadState::Closed(_)) => self.feed(Input::Gone),
            Err(error) => {
                self.feed(Input::Gone);
                // It is told what it did wrong.
                self.flush()?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn made(&mut self, made: Made) {
        if made.identity.is_some() {
            self.identity = made.identity;
        }
        self.feed(made.input);
    }

    /// Begins the call that is next, unless the client has to take something first.
    fn next_call(&mut self) -> Option<Running> {
        let waiting = self.outlet.with(|transport| transport.outbound_bytes()).unwrap_or_default();
        if let Some(Call::Missed(..)) = self.calls.front()
            && waiting > limits::OUTBOUND_SOFT_BYTES
        {
            return None;
        }
        let Some(call) = self.calls.pop_front() else {
            // Nothing is kept while nothing happens.
            self.calls = VecDeque::new();
            return None;
        };
        let classroom = self.surroundings.classroom.clone();
        if let Call::Join(hello) = call {
            let outlet = self.outlet.clone();
            return Some(Box::pin(async move { join(&classroom, *hello, &outlet).await }));
        }
        let identity = self.identity.clone()?;
        let outlet = self.outlet.clone();
        Some(Box::pin(async move {
            let input = make(&classroom, &identity, &outlet, call).await;
            Made { identity: None, input }
        }))
    }

    fn now(&self) -> Timestamp {
        self.surroundings.classroom.clock().now()
    }

    /// This session's moment within the spread.
    fn share_of_spread(&self) -> Duration {
        let number = self.identity.as_ref().map_or(0, |identity| identity.session);
        let share = u32::try_from(number % 1000).unwrap_or_default();
        self.surroundings.spread * share / 1000
    }
}

/// Has the kernel watch over a connection where it can; answers after what silence the session asks itself.
fn watched(transport: &WsTransport) -> Duration {
    let watch = KernelWatch { after: limits::CLASS_PROBE, unheard: limits::CLASS_UNHEARD };
    // What the kernel does not take on is asked by the session.
    if transport.is_direct() && transport.let_the_kernel_watch(watch).is_ok() {
        limits::CLASS_QUIET
    } else {
        limits::CLASS_QUIET_PROXIED
    }
}

async fn readable(waiter: &Readiness, at_once: bool) -> std::io::Result<()> {
    if at_once {
        // Others had their turn: there is more to read already.
        tokio::task::coop::consume_budget().await;
        return Ok(());
    }
    waiter.readable().await
}

/// Lets a client in.
async fn join(classroom: &Arc<Classroom>, hello: Hello, outlet: &Arc<Outlet>) -> Made {
    let address = outlet.with(|transport| transport.peer().ip());
    let Hello { app, room, user, token, session, .. } = hello;
    let joined = async {
        let (app, crosses) = classroom.app_for(&app, address)?;
        let token = token.as_ref().map(stoa_core::Secret::expose);
        let caller = classroom.authenticate(&app, token, Some(&user)).inspect_err(|error| {
            count_refused(classroom, &app, error, address);
        })?;
        if crosses && !classroom.lets_cross(&caller, &room).await? {
            return Err(Refusal::Region.into());
        }
        let to = listener(outlet);
        let joined = classroom.listen(&caller, &room, &user, session, address, to).await?;
        Ok::<_, Error>((caller, joined))
    };
    match joined.await {
        Ok((caller, joined)) => {
            let identity = Identity { caller, room, user, session, _open: OPEN.hold() };
            Made { identity: Some(Arc::new(identity)), input: Input::Joined(Ok(joined)) }
        }
        Err(error) => Made { identity: None, input: Input::Joined(Err(report(&error))) },
    }
}

async fn make(
    classroom: &Arc<Classroom>,
    identity: &Identity,
    outlet: &Arc<Outlet>,
    call: Call,
) -> Input {
    let Identity { caller, room, user, session, .. } = identity;
    match call {
        Call::Missed(track, from) => {
            let missed = classroom.missed(caller, room, user, track, from).await;
            Input::Missed(track, missed.map_err(|error| report(&error)))
        }
        Call::Renew(token) => {
            let renewed = classroom.renew(caller, room, user, token.expose()).await;
            Input::Renewed(renewed.map_err(|error| report(&error)))
        }
        Call::Media(message) => {
            let who = Attendee { room, user, session: *session };
            Input::Media(media::made(classroom, caller, who, outlet, *message).await)
        }
        Call::Join(_) => Input::Tick,
    }
}

/// Counts in the audit log that a token admitted nobody.
fn count_refused(
    classroom: &Classroom,
    app: &Arc<stoa_core::App>,
    error: &Error,
    address: Option<IpAddr>,
) {
    if let Error::Token(refusal) = error {
        let error = stoa_chat::Error::Token(*refusal);
        classroom.chat().token_was_refused(app, &error, address);
    }
}

pub(super) fn report(error: &Error) -> Refused {
    let refused = Refused::from(error);
    if refused.code == 500 {
        FAULTS.of(Place::Session).inc();
        tracing::error!(
            error = error as &dyn std::error::Error,
            "a call of a client in a class failed"
        );
    }
    refused
}
