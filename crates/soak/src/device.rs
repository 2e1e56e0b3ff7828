//! A device that chats, and writes down what it was told.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use stoa_testclient::{Ack, Client, ConnectError, Event, Posted, SendError};
use stoa_wire::Meta;

use crate::Outcome;
use crate::demo::Demo;
use crate::ledger::Known;

/// Client ids begin here, as those of the SDK do.
const FIRST_ID: u64 = 530_000_000_000;
/// How long something may take that is certain to come. Only so that a run that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) to: String,
    pub(crate) known: Known,
}

/// A message whose acknowledgement has not come.
struct Open {
    id: u64,
    to: String,
    text: String,
    posted: Option<Posted>,
    /// When it was first sent.
    since: Instant,
}

/// One device of a user, through all lives of the server.
pub(crate) struct Device {
    pub(crate) user: String,
    pub(crate) resource: String,
    client: Option<Client>,
    made: u64,
    open: VecDeque<Open>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Messages that had to be sent again, because their fate was unknown.
    pub(crate) again: usize,
    /// Messages that the server refused; they stay open.
    pub(crate) refused: usize,
    /// What the server said to the last refusal.
    pub(crate) refusal: String,
    /// How long each acknowledgement took.
    pub(crate) times: Vec<Duration>,
}

/// The server went away, or would not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl From<SendError> for Gone {
    fn from(_: SendError) -> Self {
        Self
    }
}

impl Device {
    pub(crate) fn new(user: &str, resource: &str) -> Self {
        Self {
            user: user.into(),
            resource: resource.into(),
            client: None,
            made: 0,
            open: VecDeque::new(),
            acknowledged: Vec::new(),
            again: 0,
            refused: 0,
            refusal: String::new(),
            times: Vec::new(),
        }
    }

    /// `user/resource`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.user, self.resource)
    }

    /// Logs in, the first time or again.
    pub(crate) async fn connect(&mut self, demo: &Demo) -> Result<(), ConnectError> {
        match &mut self.client {
            Some(client) => {
                client.renew(demo.user_token(&self.user).map_err(|_| ConnectError::Url)?);
                client.reconnect().await
            }
            None => {
                let options = demo.options(&self.user, &self.resource);
                let options = options.map_err(|_| ConnectError::Url)?;
                self.client = Some(Client::connect(options).await?);
                Ok(())
            }
        }
    }

    /// The client, which stays when its connection is lost.
    pub(crate) fn client(&mut self) -> Outcome<&mut Client> {
        let name = self.name();
        self.client.as_mut().ok_or_else(|| format!("{name} was never connected"))
    }

    /// How many messages wait for their acknowledgement.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Sends what is open again, in its order: whether the server took it is unknown, and the same
    /// client id tells it.
    pub(crate) fn send_again(&mut self) -> Result<(), Gone> {
        let client = self.client.as_ref().ok_or(Gone)?;
        for open in &mut self.open {
            open.posted = Some(client.post_meta(meta(client, open))?);
            self.again += 1;
        }
        Ok(())
    }

    /// Sends a text to `to`, without waiting for the answer.
    pub(crate) fn send(&mut self, to: &str, more: &str) -> Result<(), Gone> {
        self.made += 1;
        let text = format!("{} says {}{more}", self.name(), self.made);
        self.say(to, text)
    }

    /// Sends exactly this text to `to`, without waiting for the answer.
    pub(crate) fn say(&mut self, to: &str, text: String) -> Result<(), Gone> {
        let id = FIRST_ID + u64::try_from(self.acknowledged.len() + self.open.len()).unwrap_or(0);
        self.open.push_back(Open { id, to: to.into(), text, posted: None, since: Instant::now() });
        let client = self.client.as_ref().ok_or(Gone)?;
        let open = self.open.back_mut().ok_or(Gone)?;
        open.posted = Some(client.post_meta(meta(client, open))?);
        Ok(())
    }

    /// Waits for the answer to the oldest open message, if there is one.
    pub(crate) async fn hear(&mut self) -> Result<(), Gone> {
        let Some(oldest) = self.open.front_mut() else { return Ok(()) };
        let Ack { server_id, code, reason, .. } =
            oldest.posted.take().ok_or(Gone)?.answer().await?;
        if code != 0 {
            self.refused += 1;
            self.refusal = format!("{code} {reason}");
            return Err(Gone);
        }
        if let Some(Open { to, text, since, .. }) = self.open.pop_front() {
            self.times.push(since.elapsed());
            self.acknowledged.push(Acknowledged { to, known: (server_id, text) });
        }
        Ok(())
    }

    /// Waits until nothing is open.
    pub(crate) async fn settle(&mut self) -> Result<(), Gone> {
        while !self.open.is_empty() {
            self.hear().await?;
        }
        Ok(())
    }

    /// What was acknowledged in the conversation with `peer`.
    pub(crate) fn promised(&self, peer: &str) -> Vec<Known> {
        let to = self.acknowledged.iter().filter(|message| message.to == peer);
        to.map(|message| message.known.clone()).collect()
    }

    /// What came in the conversation with `peer`, in its order.
    pub(crate) fn received(&self, peer: &str) -> Vec<Known> {
        let Some(client) = &self.client else { return Vec::new() };
        let texts = client.received().into_iter().filter(|received| received.queue == peer);
        texts.filter_map(|received| Some((received.id, received.text()?))).collect()
    }

    /// What the server did that breaks the SDK.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.client.as_ref().map(Client::violations).unwrap_or_default()
    }

    /// Waits until a message with this text has come from each of `peers`.
    pub(crate) async fn wait_for(&mut self, peers: &[String], text: &str) -> Outcome<()> {
        let name = self.name();
        let came = |device: &Self, peer: &String| {
            device.received(peer).iter().any(|(_, found)| found == text)
        };
        let all = async {
            // Looks at everything once, then at what is new.
            let mut missing: Vec<_> = peers.iter().filter(|peer| !came(self, peer)).collect();
            while !missing.is_empty() {
                match self.client()?.next_event().await {
                    Event::Closed { code } => {
                        return Err(format!("{name} was closed with {code:?}"));
                    }
                    Event::Received(received) if received.text().as_deref() == Some(text) => {
                        missing.retain(|peer| **peer != received.queue);
                    }
                    _ => {}
                }
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("`{text}` did not come to {name}")),
        }
    }
}

fn meta(client: &Client, open: &Open) -> Meta {
    Meta { id: Some(open.id), ..client.envelope(&open.to, &client.text(&open.to, &open.text)) }
}
