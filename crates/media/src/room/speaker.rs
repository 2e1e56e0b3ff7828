//! Who speaks. Levels come with the packets of sound (RFC 6464), so nothing is decoded.

use std::time::{Duration, Instant};

use super::Room;
use super::peer::Track;
use crate::types::{Source, StreamId, Tell};

/// Not told more often.
const PAUSE: Duration = Duration::from_millis(500);

/// Loudness is 127 + level in dBov: 0 is silence. Below this nobody speaks.
const SPEECH: f32 = 72.0;

/// By so much another must be louder than who speaks.
const LEAD: f32 = 6.0;

/// So long somebody stays the speaker in silence.
const HOLD: Duration = Duration::from_secs(2);

/// The room's speaker.
#[derive(Debug, Default)]
pub(super) struct Speaker {
    stream: Option<StreamId>,
    told_at: Option<Instant>,
    heard: Option<Instant>,
}

impl Speaker {
    /// Who speaks now.
    pub(super) fn stream(&self) -> Option<StreamId> {
        self.stream
    }
}

/// Takes the level of a packet: loudness rises at once and falls over some packets.
pub(super) fn hear(track: &mut Track, level: Option<i8>) {
    let Some(level) = level else { return };
    let now = f32::from(127 - level.unsigned_abs().min(127));
    let share = if now > track.loudness { 0.3 } else { 0.05 };
    track.loudness += (now - track.loudness) * share;
}

impl Room {
    /// Finds who speaks, and tells everybody if it has changed.
    pub(super) fn speak(&mut self, now: Instant) {
        let mut loudest: Option<(StreamId, f32)> = None;
        let mut current = 0.0;
        for peer in self.peers.iter_mut().flatten() {
            for track in &mut peer.tracks {
                let Some(stream) =
                    track.allowed.filter(|_| track.source == Some(Source::Microphone))
                else {
                    continue;
                };
                if !track.layers.iter().any(|l| l.meter.live(now)) {
                    track.loudness = 0.0;
                }
                if self.speaker.stream == Some(stream) {
                    current = track.loudness;
                }
                if track.loudness >= SPEECH && loudest.is_none_or(|(_, l)| track.loudness > l) {
                    loudest = Some((stream, track.loudness));
                }
            }
        }
        if loudest.is_some() {
            self.speaker.heard = Some(now);
        }
        let next = match (self.speaker.stream, loudest) {
            (Some(old), Some((new, loud))) if old != new && loud < current + LEAD => Some(old),
            (_, Some((new, _))) => Some(new),
            (old, None) => old.filter(|_| {
                self.speaker.heard.is_some_and(|at| now.saturating_duration_since(at) < HOLD)
            }),
        };
        let may = self.speaker.told_at.is_none_or(|at| now.saturating_duration_since(at) >= PAUSE);
        if next == self.speaker.stream || !may {
            return;
        }
        self.speaker.stream = next;
        self.speaker.told_at = Some(now);
        for peer in self.peers.iter().flatten() {
            peer.told.told(Tell::Speaker(next));
        }
    }
}
