//! What a forwarder must see in a payload: where a key frame starts, and how high its picture is.
//!
//! Nothing is decoded. Sources: RFC 7741 and 6386 (VP8), RFC 9628 (VP9), RFC 6184 (H.264), the AV1 RTP specification.

use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;

/// What is seen in the payload of one packet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// The packet is the first of a picture that needs no other.
    pub(crate) key: bool,
    /// The height of that picture, where it is easy to read.
    pub(crate) height: Option<u32>,
    /// For VP8: where its numbers stand.
    pub(crate) vp8: Option<Vp8Descriptor>,
}

/// Looks into a payload.
pub(crate) fn look(codec: Codec, payload: &[u8]) -> Seen {
    match codec {
        Codec::Vp8 => vp8(payload),
        Codec::Vp9 => Seen { key: vp9_key(payload), ..Seen::default() },
        Codec::H264 => Seen { key: h264_key(payload), ..Seen::default() },
        Codec::Av1 => Seen { key: av1_key(payload), ..Seen::default() },
        // Every packet of sound stands for itself.
        _ => Seen { key: codec.is_audio(), ..Seen::default() },
    }
}

fn vp8(payload: &[u8]) -> Seen {
    let Ok(descriptor) = Vp8Descriptor::parse(payload) else {
        return Seen::default();
    };
    let key = descriptor.starts_keyframe(payload);
    let height = if key { vp8_height(payload) } else { None };
    Seen { key, height, vp8: Some(descriptor) }
}

/// Frame tag (3 bytes), start code 9d 01 2a, width and height of 14 bits each (RFC 6386, 9.1).
fn vp8_height(payload: &[u8]) -> Option<u32> {
    let at = payload.windows(3).take(16).position(|w| w == [0x9d, 0x01, 0x2a])?;
    let size = payload.get(at + 3..at + 7)?;
    Some(u32::from(u16::from_le_bytes([size[2], size[3]]) & 0x3fff))
}

fn vp9_key(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    let (picture_id, inter, layers, starts) =
        (first & 0x80 != 0, first & 0x40 != 0, first & 0x20 != 0, first & 0x08 != 0);
    if inter || !starts {
        return false;
    }
    if !layers {
        return true;
    }
    // The layer octet is behind the picture id, which has one or two octets.
    let at = match (picture_id, payload.get(1)) {
        (false, _) => 1,
        (true, Some(id)) if id & 0x80 != 0 => 3,
        (true, _) => 2,
    };
    // Only the lowest spatial layer starts the picture.
    payload.get(at).is_some_and(|octet| octet & 0x0e == 0)
}

fn h264_key(payload: &[u8]) -> bool {
    const SPS: u8 = 7;
    const IDR: u8 = 5;
    let is_key = |unit: u8| matches!(unit & 0x1f, SPS | IDR);
    let Some(&first) = payload.first() else {
        return false;
    };
    match first & 0x1f {
        1..=23 => is_key(first),
        // STAP-A: units with two octets of length each. The first that says it decides.
        24 => {
            let mut rest = payload.get(1..).unwrap_or_default();
            while let [a, b, unit, ..] = *rest {
                if is_key(unit) {
                    return true;
                }
                let skip = 2 + usize::from(u16::from_be_bytes([a, b]));
                rest = rest.get(skip..).unwrap_or_default();
            }
            false
        }
        // FU-A: the first fragment.
        28 => payload.get(1).is_some_and(|&fu| fu & 0x80 != 0 && is_key(fu)),
        _ => false,
    }
}

fn av1_key(payload: &[u8]) -> bool {
    // Aggregation header: Z (continues), Y, W, N (first packet of a coded video sequence).
    payload.first().is_some_and(|header| header & 0x88 == 0x08)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_of_a_key_frame_is_seen_in_each_codec() {
        let key = |codec, payload: &[u8]| look(codec, payload).key;
        // VP8 with a 15-bit picture id, then the frame tag.
        let vp8 = [0x90, 0x80, 0x81, 0x02, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 7];
        assert!(key(Codec::Vp8, &vp8));
        assert_eq!(look(Codec::Vp8, &vp8).height, Some(240));
        assert!(!key(Codec::Vp8, &[0x80, 0x80, 0x81, 0x02, 0x10, 0, 0]), "not the first packet");
        assert!(!key(Codec::Vp8, &[0x90, 0x80, 0x81, 0x02, 0x11, 0, 0]), "an inter frame");
        assert!(key(Codec::Vp9, &[0x88, 0x01, 0]) && key(Codec::Vp9, &[0xa8, 0x81, 2, 0, 0, 9]));
        assert!(
            !key(Codec::Vp9, &[0xc8, 0x01, 0]) && !key(Codec::Vp9, &[0xa8, 0x81, 2, 0x02, 0, 9])
        );
        assert!(key(Codec::H264, &[0x67, 1]) && key(Codec::H264, &[0x7c, 0x85, 1]));
        assert!(key(Codec::H264, &[24, 0, 1, 6, 0, 2, 0x67, 1]));
        assert!(!key(Codec::H264, &[0x41, 1]) && !key(Codec::H264, &[0x7c, 0x05, 1]));
        assert!(
            key(Codec::Av1, &[0x18, 1])
                && !key(Codec::Av1, &[0x10, 1])
                && !key(Codec::Av1, &[0x98, 1])
        );
        assert!(key(Codec::Opus, &[1]));
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
            assert!(!key(codec, &[]));
        }
    }

    #[test]
    fn no_payload_breaks_the_look() {
        let mut bytes = Vec::new();
        for seed in 0..4000u32 {
            bytes.clear();
            let mut x = seed.wrapping_mul(2_654_435_761) | 1;
            for _ in 0..seed % 24 {
                x ^= x << 13;
                x ^= x >> 17;
                x ^= x << 5;
                bytes.push(x.to_le_bytes()[0]);
            }
            for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus] {
                look(codec, &bytes);
            }
        }
    }
}
