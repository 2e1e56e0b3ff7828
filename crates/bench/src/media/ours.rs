//! The load on our server: participants enter class rooms over REST, and agree on one connection each over the stream of
//! the class (`docs/classroom-stream.md`).

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use str0m::media::MediaKind;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::clients::Clients;
use super::{Load, Target};
use crate::Error;
use crate::class::{self, Entered};
use crate::client::socket::Socket;
use crate::media::peer::Offered;
use crate::parallel;
use crate::report::STOA;
use crate::rest::Rest;
use crate::stoa::Stoa;

/// A lecture, in which the teacher is seen.
const LECTURE: u8 = 2;
/// A class in the cloud, in which everybody is.
const CLOUD: u8 = 10;
/// The rate for an operation of an app is a hundred a second.
const BETWEEN_ENTRIES: Duration = Duration::from_millis(12);
/// Participants who come at the same time.
const AT_ONCE: usize = 8;
/// The height at which pictures are watched.
const HEIGHT: u32 = 360;

/// Our server.
pub struct Ours {
    stoa: Stoa,
    /// Those who keep the streams of classes, and end when something is said about media that ends it.
    readers: Vec<JoinHandle<Error>>,
}

/// Somebody in a class.
struct Member {
    room: usize,
    member: usize,
    socket: Socket,
    /// Its stream of the class.
    stream: String,
}

impl Ours {
    /// Starts one that forwards at this address.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn started(binary: &Path, at: IpAddr) -> Result<Self, Error> {
        Ok(Self { stoa: Stoa::forwarding(binary, at).await?, readers: Vec::new() })
    }

    /// Lets everybody enter and listen.
    async fn entered(&self, load: &Load) -> Result<Vec<Member>, Error> {
        let app = self.stoa.app_id().to_owned();
        let mut rest = Rest::connect(self.stoa.endpoint(), String::new()).await?;
        rest.in_class_as(&self.stoa.class_token(None));
        let mut coming = Vec::with_capacity(load.participants());
        let began = Instant::now();
        for room in 0..load.rooms {
            let name = format!("media-{room:02}");
            let kind = if load.all { CLOUD } else { LECTURE };
            let body = json!({"roomName": name, "roomType": kind});
            rest.ask("POST", &format!("/edu/apps/{app}/v2/rooms/{name}"), &body).await?;
            for member in 0..load.members {
                let due = began + BETWEEN_ENTRIES * u32::try_from(coming.len()).unwrap_or(u32::MAX);
                let user = format!("member-{member:03}");
                let (role, number) = if member == 0 { ("host", 1) } else { ("audience", 2) };
                let token = self.stoa.class_token(Some((&name, &user, number)));
                coming.push((due, room, member, name.clone(), user, role, token));
            }
        }
        let endpoint = self.stoa.endpoint().clone();
        parallel::each(coming, AT_ONCE, move |(due, room, member, name, user, role, token)| {
            let (endpoint, app) = (endpoint.clone(), app.clone());
            async move {
                sleep_until(due.into()).await;
                let mut rest = Rest::connect(&endpoint, String::new()).await?;
                let entered = class::enter(&mut rest, &app, &name, &user, role, &token).await?;
                let Entered { hello, stream } = entered;
                let socket = class::listen(&endpoint, &hello).await?;
                Ok(Member { room, member, socket, stream })
            }
        })
        .await
    }
}

impl Target for Ours {
    fn subject(&self) -> String {
        STOA.into()
    }

    fn pid(&self) -> u32 {
        self.stoa.pid()
    }

    async fn connect(&mut self, load: &Load, clients: &mut Clients) -> Result<(), Error> {
        let load = *load;
        let members = self.entered(&load).await?;
        let streams: Arc<Vec<String>> =
            Arc::new(members.iter().map(|member| member.stream.clone()).collect());
        let offers = members.into_iter().map(|member| {
            let watched = load.watched(member.room, member.member);
            let slots: Vec<MediaKind> = watched.iter().map(|sends| sends.kind()).collect();
            let offered = clients.offering(&load.sends(member.room, member.member), &slots)?;
            Ok((member, offered))
        });
        let offers = offers.collect::<Result<Vec<_>, Error>>()?;
        let agreed = parallel::each(offers, AT_ONCE, move |(member, offered)| {
            let streams = Arc::clone(&streams);
            async move { Box::pin(agree(&load, member, offered, &streams)).await }
        });
        for (peer, socket) in agreed.await? {
            clients.add(peer)?;
            self.readers.push(tokio::spawn(kept(socket)));
        }
        Ok(())
    }

    fn alive(&self) -> Result<(), Error> {
        match self.readers.iter().filter(|reader| reader.is_finished()).count() {
            0 => Ok(()),
            ended => Err(Error::Server(format!("{ended} streams of classes ended"))),
        }
    }

    async fn stop(mut self) -> Result<(), Error> {
        self.readers.iter().for_each(JoinHandle::abort);
        self.stoa.stop().await
    }
}

/// Makes the offer, and says what is to be seen in which slot.
async fn agree(
    load: &Load,
    member: Member,
    offered: Offered,
    streams: &[String],
) -> Result<(super::peer::Peer, Socket), Error> {
    let Member { room, member, mut socket, .. } = member;
    let sends = load.sends(room, member);
    let tracks: Map<String, Value> = sends
        .iter()
        .zip(&offered.sending)
        .map(|(sends, mid)| (mid.to_string(), json!(source(sends.kind()))))
        .collect();
    let offer = json!({
        "type": "media", "op": "offer", "id": 1, "fresh": true, "sdp": offered.sdp, "tracks": tracks,
    });
    socket.send_text(&offer.to_string()).await?;
    let answer = loop {
        let said = said(&mut socket).await?;
        match said["op"].as_str() {
            Some("answer") => break said["sdp"].as_str().unwrap_or_default().to_owned(),
            Some("refused" | "closed") => return Err(Error::protocol(said.to_string())),
            _ => {}
        }
    };
    let watched = load.others(member).flat_map(|other| {
        let stream = streams[room * load.members + other].as_str();
        load.sends(room, other).into_iter().map(move |sends| (stream, sends))
    });
    let watched: Vec<_> = watched.collect();
    let slots: Map<String, Value> = watched
        .iter()
        .zip(&offered.slots)
        .map(|((stream, sends), mid)| {
            let what = match sends.kind() {
                MediaKind::Audio => json!({"stream": stream, "kind": "audio"}),
                MediaKind::Video => json!({"stream": stream, "kind": "video", "height": HEIGHT}),
            };
            (mid.to_string(), what)
        })
        .collect();
    let sources: Vec<u32> = watched.iter().map(|(_, sends)| sends.source).collect();
    let peer = offered.answered(&answer, &sources)?;
    if !slots.is_empty() {
        let watch = json!({"type": "media", "op": "watch", "slots": slots});
        socket.send_text(&watch.to_string()).await?;
    }
    Ok((peer, socket))
}

const fn source(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "microphone",
        MediaKind::Video => "camera",
    }
}

/// The next message about media.
async fn said(socket: &mut Socket) -> Result<Value, Error> {
    loop {
        let message = socket.receive().await?;
        let message = message.ok_or_else(|| Error::Closed(" of the stream of a class".into()))?;
        let message: Value = serde_json::from_slice(&message)
            .map_err(|error| Error::protocol(format!("no JSON: {error}")))?;
        if message["type"] == "media" {
            return Ok(message);
        }
    }
}

/// Reads what the class says until that is the end of its media.
async fn kept(mut socket: Socket) -> Error {
    loop {
        match said(&mut socket).await {
            Ok(said) if matches!(said["op"].as_str(), Some("closed" | "refused")) => {
                return Error::protocol(said.to_string());
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}
