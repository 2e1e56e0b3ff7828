//! What clients in a class say about sound and pictures, and what they are told (`docs/classroom-stream.md`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use stoa_classroom::{Attendee, Classroom, MediaError};
use stoa_core::ClassCaller;
use stoa_media::{
    Flow, Kind, Offer, SlotState, Source, StreamId, StreamStats, Tell, TrackStats, Watch,
};

use super::driver::report;
use super::message::required;
use super::outlet::Outlet;

/// A message about media.
#[derive(Debug)]
pub(crate) enum MediaMessage {
    /// The offer of a connection.
    Offer {
        /// The client's number for it.
        id: u64,
        /// The offer.
        offer: Offer,
    },
    /// What slots are to show.
    Watch(BTreeMap<String, Option<Watch>>),
    /// How the streams do.
    Stats,
    /// The connection is not needed any more.
    Close,
}

/// What came of one.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The answer to an offer.
    Offered(u64, String),
    /// An offer, or what had no number, was refused, with a code of HTTP or of class rooms.
    Refused(Option<u64>, u32, String),
    /// How the streams do.
    Stats(BTreeMap<StreamId, StreamStats>),
    /// It is done; nothing is said.
    Done,
}

/// Reads one. What cannot be understood is said in words.
pub(super) fn read(fields: &Map<String, Value>) -> Result<MediaMessage, String> {
    match required(fields, "op")? {
        "offer" => offer(fields),
        "watch" => slots(fields).map(MediaMessage::Watch),
        "stats" => Ok(MediaMessage::Stats),
        "close" => Ok(MediaMessage::Close),
        _ => Err("op: must be offer, watch, stats or close".into()),
    }
}

fn offer(fields: &Map<String, Value>) -> Result<MediaMessage, String> {
    let id = fields.get("id").and_then(Value::as_u64).ok_or("id: must be a number, 0 or more")?;
    let fresh = match fields.get("fresh") {
        None => false,
        Some(value) => value.as_bool().ok_or("fresh: must be true or false")?,
    };
    let sdp = required(fields, "sdp")?.to_owned();
    let named = match fields.get("tracks") {
        None => Map::new(),
        Some(Value::Object(tracks)) => tracks.clone(),
        Some(_) => return Err("tracks: must be an object: mid, and what it carries".into()),
    };
    let source = |(mid, what): (String, Value)| {
        let source = match what.as_str() {
            Some("microphone") => Source::Microphone,
            Some("camera") => Source::Camera,
            Some("screen") => Source::Screen,
            Some("screenAudio") => Source::ScreenAudio,
            _ => {
                let allowed = "microphone, camera, screen or screenAudio";
                return Err(format!("tracks.{mid}: must be {allowed}"));
            }
        };
        Ok((mid, source))
    };
    let tracks = named.into_iter().map(source).collect::<Result<_, _>>()?;
    Ok(MediaMessage::Offer { id, offer: Offer { fresh, sdp, tracks } })
}

fn slots(fields: &Map<String, Value>) -> Result<BTreeMap<String, Option<Watch>>, String> {
    let slots = fields.get("slots").and_then(Value::as_object);
    let slots = slots.ok_or("slots: must be an object: mid, and what it is to show, or null")?;
    let slot = |(mid, what): (&String, &Value)| {
        let watch = match what {
            Value::Null => None,
            what => Some(watch(what).map_err(|why| format!("slots.{mid}.{why}"))?),
        };
        Ok((mid.clone(), watch))
    };
    slots.iter().map(slot).collect()
}

fn watch(what: &Value) -> Result<Watch, &'static str> {
    let stream = what["stream"].as_str().and_then(|text| text.parse().ok());
    let stream = StreamId(stream.ok_or("stream: must be a streamUuid")?);
    let kind = match what["kind"].as_str() {
        Some("audio") => Kind::Audio,
        Some("video") => Kind::Video,
        _ => return Err("kind: must be audio or video"),
    };
    let height = match &what["height"] {
        Value::Null => 0,
        height => {
            let height = height.as_u64().and_then(|height| u32::try_from(height).ok());
            height.ok_or("height: must be a whole number of pixels, 0 or more")?
        }
    };
    Ok(Watch { stream, kind, height })
}

/// Does what a message wants.
pub(super) async fn made(
    classroom: &Arc<Classroom>,
    caller: &ClassCaller,
    who: Attendee<'_>,
    outlet: &Arc<Outlet>,
    message: MediaMessage,
) -> Answer {
    match message {
        MediaMessage::Offer { id, offer } => {
            let answer = classroom.media_offer(caller, who, offer, outlet.clone()).await;
            answer.map_or_else(|error| refused(Some(id), error), |sdp| Answer::Offered(id, sdp))
        }
        MediaMessage::Watch(slots) => {
            let watched = classroom.media_watch(caller, who, slots).await;
            watched.map_or_else(|error| refused(None, error), |()| Answer::Done)
        }
        MediaMessage::Stats => {
            let stats = classroom.media_stats(caller, who).await;
            stats.map_or_else(|error| refused(None, error), Answer::Stats)
        }
        MediaMessage::Close => {
            classroom.media_leave(caller, who.room, who.user).await;
            Answer::Done
        }
    }
}

fn refused(id: Option<u64>, error: MediaError) -> Answer {
    match error {
        MediaError::Media(refusal) => Answer::Refused(id, refusal.code.into(), refusal.msg),
        MediaError::Room(error) => {
            let refused = report(&error);
            Answer::Refused(id, refused.code, refused.text)
        }
    }
}

/// The message for an answer, if there is one.
pub(super) fn answered(answer: Answer) -> Option<String> {
    let mut said = match answer {
        Answer::Offered(id, sdp) => json!({"op": "answer", "id": id, "sdp": sdp}),
        Answer::Refused(id, code, text) => {
            let mut said = json!({"op": "refused", "code": code, "msg": text});
            if let Some(id) = id {
                said["id"] = id.into();
            }
            said
        }
        Answer::Stats(streams) => {
            let each =
                streams.iter().map(|(stream, stats)| (stream.to_string(), stats_view(stats)));
            json!({"op": "stats", "streams": each.collect::<Map<_, _>>()})
        }
        Answer::Done => return None,
    };
    said["type"] = "media".into();
    Some(said.to_string())
}

/// The message for what the media server tells.
pub(super) fn told(tell: &Tell) -> String {
    let mut said = match tell {
        Tell::Slots(slots) => {
            let each = slots
                .iter()
                .map(|(mid, slot)| (mid.clone(), slot.as_ref().map_or(Value::Null, slot_view)));
            json!({"op": "slots", "slots": each.collect::<Map<_, _>>()})
        }
        Tell::Sending(tracks) => {
            let each =
                tracks.iter().map(|(mid, allowed)| (mid.clone(), json!({"allowed": allowed})));
            json!({"op": "sending", "tracks": each.collect::<Map<_, _>>()})
        }
        Tell::Speaker(stream) => {
            let stream = stream.map(|stream| stream.to_string());
            json!({"op": "speaker", "stream": stream.unwrap_or_default()})
        }
        Tell::Closed(why) => json!({"op": "closed", "reason": why.as_str()}),
    };
    said["type"] = "media".into();
    said.to_string()
}

fn slot_view(slot: &SlotState) -> Value {
    let flow = match slot.flow {
        Flow::Live => "live",
        Flow::Waiting => "waiting",
        Flow::Withheld => "withheld",
    };
    json!({"stream": slot.stream.to_string(), "layer": slot.layer, "state": flow})
}

fn stats_view(stats: &StreamStats) -> Value {
    let track = |track: &TrackStats| {
        json!({
            "bitrate": track.bitrate,
            "packets": track.packets,
            "lost": track.lost,
            "jitterMs": track.jitter_ms,
            "layers": track.layers,
            "watchers": track.watchers,
        })
    };
    json!({
        "audio": stats.audio.as_ref().map(track),
        "video": stats.video.as_ref().map(track),
        "rttMs": stats.rtt_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(message: Value) -> String {
        let Value::Object(fields) = message else { panic!("an object") };
        read(&fields).unwrap_err()
    }

    #[test]
    fn what_is_wrong_with_a_message_is_said() {
        for (message, why) in [
            (json!({"op": "sing"}), "op: must be offer, watch, stats or close"),
            (json!({"op": "offer", "sdp": "v=0"}), "id: must be a number, 0 or more"),
            (json!({"op": "offer", "id": 1}), "sdp: is required and must be a text"),
            (
                json!({"op": "offer", "id": 1, "sdp": "v=0", "tracks": {"0": "trumpet"}}),
                "tracks.0: must be microphone, camera, screen or screenAudio",
            ),
            (
                json!({"op": "watch"}),
                "slots: must be an object: mid, and what it is to show, or null",
            ),
            (
                json!({"op": "watch", "slots": {"2": {"stream": "x"}}}),
                "slots.2.stream: must be a streamUuid",
            ),
            (
                json!({"op": "watch", "slots": {"2": {"stream": "7", "kind": "smell"}}}),
                "slots.2.kind: must be audio or video",
            ),
            (
                json!({"op": "watch", "slots": {"2": {"stream": "7", "kind": "video", "height": -1}}}),
                "slots.2.height: must be a whole number of pixels, 0 or more",
            ),
        ] {
            assert_eq!(refusal(message), why);
        }
    }
}
