//! The load on Janus: one connection of each participant for what it sends, and one for all that it watches, as its own
//! page does it.

use std::net::IpAddr;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::clients::Clients;
use super::{Load, Target};
use crate::Error;
use crate::media::source::Sends;
use crate::peers::janus::{Janus, Session};

/// Janus with its VideoRoom plugin.
pub struct Theirs {
    janus: Janus,
    loops: Option<u32>,
    readers: Vec<JoinHandle<Error>>,
}

impl Theirs {
    /// Starts one that forwards at this address, with so many event loops, or a thread for each connection.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn started(at: IpAddr, loops: Option<u32>) -> Result<Self, Error> {
        let janus = Janus::started(at, loops).await?;
        Ok(Self { janus, loops, readers: Vec::new() })
    }
}

impl Target for Theirs {
    fn subject(&self) -> String {
        match self.loops {
            Some(loops) => format!("Janus, {loops} event loops"),
            None => "Janus, a thread for each connection".into(),
        }
    }

    fn pid(&self) -> u32 {
        self.janus.id()
    }

    async fn connect(&mut self, load: &Load, clients: &mut Clients) -> Result<(), Error> {
        let mut keeper = self.janus.session().await?;
        let handle = keeper.attach().await?;
        let mut members = Vec::with_capacity(load.participants());
        for room in 0..load.rooms {
            let body = json!({
                "request": "create", "room": room + 1, "publishers": load.members, "bitrate": 0,
                "fir_freq": 0, "audiocodec": "opus", "videocodec": "vp8", "record": false,
                "notify_joining": false,
            });
            keeper.message(handle, body, None).await?;
            members.extend((0..load.members).map(|member| (room, member)));
        }
        self.readers.push(tokio::spawn(keeper.kept()));
        let mut sessions = Vec::with_capacity(members.len());
        for (room, member) in &members {
            let mut session = self.janus.session().await?;
            let sends = load.sends(*room, *member);
            if !sends.is_empty() {
                publish(&mut session, clients, (*room, *member), &sends).await?;
            }
            sessions.push(session);
        }
        for ((room, member), mut session) in members.into_iter().zip(sessions) {
            let others: Vec<usize> = load.others(member).collect();
            if !others.is_empty() {
                let watched: Vec<u32> =
                    load.watched(room, member).iter().map(|sends| sends.source).collect();
                subscribe(&mut session, clients, (room, &others), &watched).await?;
            }
            self.readers.push(tokio::spawn(session.kept()));
        }
        Ok(())
    }

    fn alive(&self) -> Result<(), Error> {
        match self.readers.iter().filter(|reader| reader.is_finished()).count() {
            0 => Ok(()),
            ended => {
                let log = self.janus.log();
                Err(Error::Server(format!("{ended} connections with Janus ended\n{log}")))
            }
        }
    }

    async fn stop(self) -> Result<(), Error> {
        self.readers.iter().for_each(JoinHandle::abort);
        self.janus.stop().await
    }
}

/// The name of a member for Janus.
const fn feed(member: usize) -> usize {
    member + 1
}

async fn publish(
    session: &mut Session,
    clients: &mut Clients,
    (room, member): (usize, usize),
    sends: &[Sends],
) -> Result<(), Error> {
    let handle = session.attach().await?;
    let join = json!({
        "request": "join", "ptype": "publisher", "room": room + 1, "id": feed(member),
    });
    session.message(handle, join, None).await?;
    let offered = clients.offering(sends, &[])?;
    let sdp = Some(("offer", offered.sdp.as_str()));
    let (_, answer) = session.message(handle, json!({"request": "publish"}), sdp).await?;
    clients.add(offered.answered(&answer, &[])?)
}

async fn subscribe(
    session: &mut Session,
    clients: &mut Clients,
    (room, others): (usize, &[usize]),
    watched: &[u32],
) -> Result<(), Error> {
    let handle = session.attach().await?;
    let feeds: Vec<Value> = others.iter().map(|other| json!({"feed": feed(*other)})).collect();
    let join =
        json!({"request": "join", "ptype": "subscriber", "room": room + 1, "streams": feeds});
    let (_, offer) = session.message(handle, join, None).await?;
    let (peer, answer) = clients.answering(&offer, watched)?;
    let sdp = Some(("answer", answer.as_str()));
    session.message(handle, json!({"request": "start"}), sdp).await?;
    clients.add(peer)
}
