//! The outline of an offer: its m-lines with what rules need to know of them. `str0m` reads the rest.

use crate::config::Limits;
use crate::types::{Kind, Refusal};

/// One m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Sound or picture.
    pub kind: Kind,
    /// Its name, unique among those of the offer.
    pub mid: String,
    /// The client sends on it.
    pub sends: bool,
    /// The client receives on it.
    pub receives: bool,
    /// The layers that the client sends, in its order.
    pub rids: Vec<String>,
}

/// The m-lines of an offer, within the usual limits.
///
/// # Errors
///
/// 413 if it is too large or has too many m-lines, 400 if it cannot be understood.
pub fn lines(sdp: &str) -> Result<Vec<Line>, Refusal> {
    read(sdp, &Limits::default())
}

/// Reads the m-lines of an offer.
///
/// # Errors
///
/// 413 if it is too large or has too many m-lines, 400 if an m-line has no `a=mid`, is neither audio nor video, or two
/// have the same mid.
pub(crate) fn read(sdp: &str, limits: &Limits) -> Result<Vec<Line>, Refusal> {
    if sdp.len() > limits.sdp {
        return Err(Refusal::new(
            413,
            format!("the offer has {} bytes; at most {} are allowed", sdp.len(), limits.sdp),
        ));
    }
    let mut lines: Vec<Line> = Vec::new();
    for line in sdp.lines() {
        let line = line.trim_end();
        if let Some(media) = line.strip_prefix("m=") {
            if lines.len() == limits.m_lines {
                return Err(Refusal::new(
                    413,
                    format!("the offer has more than {} m-lines", limits.m_lines),
                ));
            }
            let kind = match media.split(' ').next() {
                Some("audio") => Kind::Audio,
                Some("video") => Kind::Video,
                _ => return Err(Refusal::new(400, "an m-line is neither audio nor video")),
            };
            lines.push(Line {
                kind,
                mid: String::new(),
                sends: true,
                receives: true,
                rids: Vec::new(),
            });
            continue;
        }
        let (Some(attribute), Some(last)) = (line.strip_prefix("a="), lines.last_mut()) else {
            continue;
        };
        match attribute {
            "sendonly" => last.receives = false,
            "recvonly" => last.sends = false,
            "inactive" => (last.sends, last.receives) = (false, false),
            _ => {}
        }
        if let Some(mid) = attribute.strip_prefix("mid:") {
            // A longer one is cut by str0m, and two could become one.
            if mid.is_empty() || mid.len() > 16 || !mid.chars().all(|c| c.is_ascii_graphic()) {
                return Err(Refusal::new(400, "an a=mid must have 1 to 16 printable characters"));
            }
            last.mid = mid.to_owned();
        } else if let Some(rid) = attribute.strip_prefix("rid:") {
            let mut words = rid.split(' ');
            if let (Some(name), Some("send")) = (words.next(), words.next())
                && last.rids.len() < 4
            {
                last.rids.push(name.to_owned());
            }
        }
    }
    if lines.is_empty() {
        return Err(Refusal::new(400, "the offer has no m-line"));
    }
    if lines.iter().any(|l| l.mid.is_empty()) {
        return Err(Refusal::new(400, "an m-line has no a=mid"));
    }
    let mut mids: Vec<&str> = lines.iter().map(|l| l.mid.as_str()).collect();
    mids.sort_unstable();
    if mids.windows(2).any(|w| w[0] == w[1]) {
        return Err(Refusal::new(400, "two m-lines have the same a=mid"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_direction_and_layers() {
        let sdp = "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=rid:l send\r\na=rid:h send\r\n\
            m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=recvonly\r\n";
        let lines = read(sdp, &Limits::default()).unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].sends && !lines[0].receives && lines[0].kind == Kind::Audio);
        assert_eq!(lines[1].rids, ["l", "h"]);
        assert!(!lines[2].sends && lines[2].receives && lines[2].mid == "2");
    }

    #[test]
    fn what_is_too_large_or_ambiguous_is_refused() {
        let limits = Limits { m_lines: 2, sdp: 200, ..Limits::default() };
        let code = |sdp: &str| read(sdp, &limits).unwrap_err().code;
        assert_eq!(code("v=0\r\n"), 400);
        assert_eq!(code(&"x".repeat(201)), 413);
        assert_eq!(code(&"m=audio 9 X 0\r\na=mid:1\r\n".repeat(3)), 413);
        assert_eq!(code(&"m=audio 9 X 0\r\na=mid:1\r\n".repeat(2)), 400);
        assert_eq!(code("m=audio 9 X 0\r\n"), 400);
        assert_eq!(code("m=application 9 X 0\r\na=mid:1\r\n"), 400);
        assert_eq!(code("m=audio 9 X 0\r\na=mid:12345678901234567\r\n"), 400);
    }
}
