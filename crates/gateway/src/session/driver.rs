//! The task around a session: it owns the socket, makes the session's calls one after the other,
//! and sleeps until there is something to do.
//!
//! An idle session holds this task, its transport and its state: no buffer and no timer entry of its
//! own beyond the one deadline. What is to be sent waits until the other tasks that are ready had
//! their turn, so that what they have for the client leaves in the same write.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use stoa_chat::{Appended, Asking, Attachment, Chat, Done, Error, LoginRequest};
use stoa_core::{AppScope, Caller, Resource, Timestamp, limits};
use stoa_metrics::Held;
use stoa_metrics::sessions::{CUT_BACK, OPEN};
use stoa_metrics::store::{FAULTS, Place};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep};

use super::close::CloseReason;
use super::core::{Call, Effect, Input, LoggedIn, Outcome, Session};
use super::counted::{self, Queued};
use super::mailbox::Mail;
use super::outlet::Outlet;
use super::reach::{refused, wanted};
use super::transport::{Transport, Waiter};
use crate::net::{CloseCode, FlushState, ReadState, TransportError};

/// What a session needs of the server.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) chat: Arc<Chat>,
    /// Becomes true when sessions are to end.
    pub(crate) stop: watch::Receiver<bool>,
    /// Over how long sessions end when the server does, so that their clients do not all come back at
    /// once.
    pub(crate) spread: Duration,
    /// Held while the session lives; nothing is sent.
    pub(crate) _alive: mpsc::Sender<()>,
}

/// Later than anything.
const FAR: Duration = Duration::from_secs(86_400);

/// Runs one session to its end. What it is given is moved before the future begins: it would have room
/// in there a second time.
pub(crate) fn run(
    transport: impl Transport,
    surroundings: Surroundings,
) -> impl Future<Output = ()> + Send {
    let now = surroundings.chat.clock().now();
    let driver = Driver {
        waiter: transport.waiter(),
        outlet: Arc::new(Outlet::new(transport)),
        session: Session::new(now),
        calls: VecDeque::new(),
        identity: None,
        blocked: false,
        unsent: false,
        readable: true,
        closing: None,
        queued: Queued::default(),
        surroundings,
    };
    run_driver(driver)
}

async fn run_driver<T: Transport>(mut driver: Driver<T>) {
    driver.run().await;
    let Driver { outlet, identity, surroundings, .. } = driver;
    // Offline from here on; what follows is only courtesy towards the client.
    drop(identity);
    drop(surroundings);
    if let Some(transport) = outlet.take() {
        drop(outlet);
        Box::pin(transport.finish()).await;
    }
}

/// Who the session is, once it is known.
struct Identity {
    caller: Caller,
    resource: Resource,
    attachment: Attachment,
    _open: Held,
}

struct Driver<T: Transport> {
    outlet: Arc<Outlet<T>>,
    waiter: T::Waiter,
    session: Session,
    calls: VecDeque<Call>,
    identity: Option<Arc<Identity>>,
    /// The session was told that the socket does not keep up.
    blocked: bool,
    /// The socket did not take everything.
    unsent: bool,
    /// The last read did not drain the socket.
    readable: bool,
    closing: Option<CloseReason>,
    queued: Queued,
    surroundings: Surroundings,
}

/// What a call came to, for the driver.
enum Made {
    LoggedIn(Arc<Identity>, LoggedIn),
    Outcome(Outcome),
    /// The outcome comes by mail.
    Submitted,
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

impl<T: Transport> Driver<T> {
    async fn run(&mut self) {
        let mut running: Option<Running> = None;
        let mut stop_at: Option<Instant> = None;
        let mut timer = pin!(tokio::time::sleep(limits::LOGIN_DEADLINE));
        loop {
            self.turn(&mut running);
            if self.outbound_bytes() > 0 && !self.unsent {
                tokio::task::yield_now().await;
                self.turn(&mut running);
            }
            if self.flush().is_err() {
                break;
            }
            if self.closing.is_some() {
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
                    // Said once; it closes when everything that it took is answered.
                    stop_at = Some(Instant::now() + FAR);
                }
                Woken::Deadline => self.feed(Input::Tick),
                Woken::Stop => stop_at = Some(Instant::now() + self.share_of_spread()),
                Woken::Gone => break,
            }
        }
        // What is under way is seen through: it may be what the client was told to rely on.
        if let Some(running) = running {
            running.await;
        }
        // In a box, as all that follows: it would lie in the task for as long as the session lives.
        Box::pin(self.end()).await;
    }

    /// Takes in what came by mail and begins the calls that are next.
    fn turn(&mut self, running: &mut Option<Running>) {
        self.open_mail();
        if running.is_none() && self.closing.is_none() {
            *running = self.next_call();
        }
    }

    fn open_mail(&mut self) {
        let mail = self.outlet.mailbox.take();
        if mail.is_empty() {
            return;
        }
        let mut effects = Vec::new();
        let now = self.now();
        for mail in mail {
            let input = match mail {
                Mail::Event(event) => Input::Event(event),
                Mail::Missed => Input::Missed,
                Mail::Done(id, result) => Input::Outcome(Outcome::Done(id, result)),
            };
            self.session.handle(now, input, &mut effects);
        }
        self.carry_out(effects);
    }

    async fn wait(
        &mut self,
        running: &mut Option<Running>,
        mut timer: Pin<&mut Sleep>,
        stop_at: Option<Instant>,
    ) -> Woken {
        /// The clock's step: a timer that is late by no more is not set anew.
        const STEP: Duration = Duration::from_millis(2);
        let deadline = self.session.deadline().map(|at| self.instant(at));
        let deadline = match (deadline, stop_at) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or_else(|| Instant::now() + limits::SESSION_IDLE),
        };
        // Deadlines mostly move away. A timer that rings too early costs one look; to set it anew
        // each time would cost more.
        if timer.is_elapsed() || deadline + STEP < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        let may_read =
            self.session.wants_frames() && self.outbound_bytes() < limits::OUTBOUND_HARD_BYTES;
        let stop = &mut self.surroundings.stop;
        tokio::select! {
            biased;
            made = async { running.as_mut().expect("checked").await }, if running.is_some() => {
                Woken::Made(made)
            }
            () = self.outlet.mailbox.arrived() => Woken::Mail,
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
        let now = self.now();
        self.session.handle(now, input, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    self.outlet.with(|transport| transport.queue(frame));
                }
                Effect::Call(call) => self.calls.push_back(call),
                Effect::Moved(queue, seq) => {
                    if let Some(identity) = &self.identity {
                        let Identity { caller, resource, .. } = &**identity;
                        self.surroundings.chat.note_cursor(caller, resource, &queue, seq);
                    }
                }
                Effect::Close(reason) => {
                    counted::closed(reason);
                    let (code, text) = reason.close_frame();
                    self.outlet.with(|transport| {
                        if reason == CloseReason::TooSlow {
                            transport.drop_queued();
                        }
                        transport.close(CloseCode(code), text);
                    });
                    self.closing = Some(reason);
                }
            }
        }
    }

    fn outbound_bytes(&self) -> usize {
        self.outlet.with(|transport| transport.outbound_bytes()).unwrap_or_default()
    }

    fn flush_once(&mut self) -> Result<usize, TransportError> {
        let flushed = self.outlet.with(|transport| {
            let state = transport.flush()?;
            Ok::<_, TransportError>((state, transport.outbound_bytes()))
        });
        let (state, waiting) = flushed.transpose()?.unwrap_or((FlushState::Done, 0));
        self.unsent = state == FlushState::Blocked;
        Ok(waiting)
    }

    fn flush(&mut self) -> Result<(), TransportError> {
        let waiting = self.flush_once()?;
        self.queued.set(waiting);
        if waiting >= limits::OUTBOUND_HARD_BYTES {
            self.feed(Input::Overrun);
        } else if !self.blocked && waiting >= limits::OUTBOUND_SOFT_BYTES {
            self.blocked = true;
            CUT_BACK.inc();
            self.feed(Input::Pressure(true));
        } else if self.blocked && waiting < limits::OUTBOUND_SOFT_BYTES / 2 {
            self.blocked = false;
            self.feed(Input::Pressure(false));
            self.flush_once()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), TransportError> {
        let mut effects = Vec::new();
        let now = self.surroundings.chat.clock().now();
        let session = &mut self.session;
        let state = self.outlet.with(|transport| {
            transport.read_available(&mut |frame| {
                session.handle(now, Input::Frame(frame), &mut effects);
            })
        });
        self.carry_out(effects);
        match state.transpose()?.unwrap_or(ReadState::Closed(None)) {
            ReadState::Drained => self.readable = false,
            ReadState::More => self.readable = true,
            ReadState::Closed(_) => {
                let mut effects = Vec::new();
                self.session.disconnected(&mut effects);
                self.carry_out(effects);
            }
        }
        Ok(())
    }

    fn made(&mut self, made: Made) {
        match made {
            Made::LoggedIn(identity, logged_in) => {
                self.identity = Some(identity);
                self.feed(Input::Outcome(Outcome::Login(Ok(logged_in))));
                self.outlet.enter();
            }
            Made::Outcome(outcome) => self.feed(Input::Outcome(outcome)),
            Made::Submitted => {}
        }
    }

    /// Begins calls in their turn, up to one that has to be waited for.
    fn next_call(&mut self) -> Option<Running> {
        loop {
            let Some(call) = self.calls.pop_front() else {
                // Nothing is kept while nothing happens.
                self.calls = VecDeque::new();
                return None;
            };
            let chat = self.surroundings.chat.clone();
            let outlet = self.outlet.clone();
            if let Call::Login { request, note } = call {
                return Some(Box::pin(async move { log_in(&chat, request, &note, outlet).await }));
            }
            let identity = self.identity.clone()?;
            let call = match call {
                Call::Send { id, draft } => {
                    let Identity { caller, resource, .. } = &*identity;
                    let done = done(id, outlet.clone());
                    match chat.send_now(caller, resource, draft, done) {
                        Ok(()) => continue,
                        Err((draft, _)) => Call::Send { id, draft },
                    }
                }
                call => call,
            };
            return Some(Box::pin(async move { make(&chat, &identity, call, outlet).await }));
        }
    }

    /// Stores where the client stands. Messages that were not handed over yet were not acknowledged
    /// either; they are the client's to send again.
    async fn end(&mut self) {
        let mut effects = Vec::new();
        self.session.disconnected(&mut effects);
        self.carry_out(effects);
        let Some(identity) = self.identity.clone() else { return };
        let chat = self.surroundings.chat.clone();
        for call in self.calls.drain(..) {
            if let Call::Save(_) = call {
                make(&chat, &identity, call, self.outlet.clone()).await;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.surroundings.chat.clock().now()
    }

    fn instant(&self, at: Timestamp) -> Instant {
        Instant::now() + at.since(self.now())
    }

    /// This session's moment within the spread, by its number.
    fn share_of_spread(&self) -> Duration {
        let number = self.identity.as_ref().map_or(0, |identity| identity.attachment.number());
        let share = u32::try_from(number.wrapping_mul(0x9E37_79B9) % 1000).unwrap_or_default();
        self.surroundings.spread * share / 1000
    }
}

async fn readable(waiter: &impl Waiter, at_once: bool) -> std::io::Result<()> {
    if at_once {
        // Others had their turn: there is more to read already.
        tokio::task::coop::consume_budget().await;
        return Ok(());
    }
    waiter.readable().await
}

async fn log_in<T: Transport>(
    chat: &Chat,
    mut request: LoginRequest,
    note: &str,
    outlet: Arc<Outlet<T>>,
) -> Made {
    request.address = outlet.with(|transport| transport.address()).flatten();
    let attached = async {
        let logged_in = chat.log_in(&request).await?;
        let resource = request.device.resource.clone();
        let device = request.device.clone();
        let attachment = chat.attach(&logged_in.caller, device, note, outlet, request.address)?;
        chat.is_still_admitted(&request, &logged_in).await?;
        let answer = LoggedIn {
            user: logged_in.user,
            app_key: logged_in.caller.app().key.to_string().into(),
            number: attachment.number(),
            expires: logged_in.caller.expires(),
            notice_id: chat.fresh_id(),
        };
        let caller = logged_in.caller;
        let identity = Identity { caller, resource, attachment, _open: OPEN.hold() };
        Ok::<_, Error>((identity, answer))
    };
    let attached = attached.await;
    counted::login(&attached);
    match attached {
        Ok((identity, answer)) => Made::LoggedIn(Arc::new(identity), answer),
        Err(error) => {
            report(&error);
            Made::Outcome(Outcome::Login(Err(error)))
        }
    }
}

async fn make<T: Transport>(
    chat: &Chat,
    identity: &Identity,
    call: Call,
    outlet: Arc<Outlet<T>>,
) -> Made {
    let Identity { caller, resource, attachment, .. } = identity;
    let done = |id| done(id, outlet);
    // Here for all of them: what a class room's token reaches.
    if let Err(error) = chat.must_reach(caller, &wanted(&call)).await {
        report(&error);
        return Made::Outcome(refused(call, error));
    }
    let outcome = match call {
        Call::Send { id, draft } => {
            chat.send(caller, resource, draft, done(id)).await;
            return Made::Submitted;
        }
        Call::Acknowledge { id, receipt } => {
            chat.acknowledge(caller, resource, receipt, done(id)).await;
            return Made::Submitted;
        }
        Call::Read { id, target } => {
            let read = chat.read_conversation(caller, &target).await.inspect_err(report);
            Outcome::Done(id, read)
        }
        Call::Recall { id, recall } => {
            let recalled = chat.recall(caller, resource, recall).await.inspect_err(report);
            Outcome::Done(id, recalled)
        }
        Call::EnterRoom { id, room, ext, leave_others } => {
            let asking = Asking::Session(attachment.number());
            let entered = chat.join_room(caller, asking, &room, &ext, leave_others).await;
            Outcome::Entered(id, room, entered.inspect_err(report))
        }
        Call::LeaveRoom { id, room } => {
            let left = chat.leave_room(caller, &room).await.inspect_err(report);
            let answer = || Appended { id: chat.fresh_id(), at: chat.clock().now() };
            Outcome::Done(id, left.map(|()| answer()))
        }
        Call::Edit { id, edit } => {
            let edited = chat.edit(caller, resource, *edit).await.inspect_err(report);
            Outcome::Edited(id, Box::new(edited))
        }
        Call::AcknowledgeInGroup { id, receipt } => {
            chat.acknowledge_in_group(caller, resource, receipt, done(id)).await;
            return Made::Submitted;
        }
        Call::Unread => Outcome::Unread(chat.unread(caller, resource).await.inspect_err(report)),
        Call::Page { queue, after } => {
            let page = chat.page(caller, resource, &queue, after).await.inspect_err(report);
            Outcome::Page(queue, page)
        }
        Call::Save(moved) => {
            let saved = chat.save_cursors(caller, resource, &moved).await.inspect_err(report);
            Outcome::Saved(saved.map_err(drop))
        }
        Call::Login { .. } => Outcome::Login(Err(Error::Internal)),
    };
    Made::Outcome(outcome)
}

/// Puts the outcome of the send `id` into the mailbox.
fn done<T: Transport>(id: u64, outlet: Arc<Outlet<T>>) -> Done {
    Box::new(move |result| outlet.mailbox.put(Mail::Done(id, result)))
}

fn report(error: &Error) {
    if error.is_fault() {
        FAULTS.of(Place::Session).inc();
        tracing::error!(error = error as &dyn std::error::Error, "a session's call failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::WsTransport;

    fn bytes_of<F>(_: impl FnOnce(WsTransport, Surroundings) -> F) -> usize {
        size_of::<F>()
    }

    /// The allocator's next size is a third larger: a call that is awaited in place is soon felt in
    /// every session.
    #[test]
    fn an_idle_session_keeps_a_small_task() {
        let bytes = bytes_of(run);
        assert!(bytes <= 1280, "{bytes}");
    }
}
