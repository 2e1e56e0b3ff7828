//! Format 006 (token specification, section 6): what the content says.

use crate::reader::Reader;
use crate::signature::hex32;
use crate::{Error, Privileges, Signature};

/// What a 006 token says. Its channel and user are not in it: it holds only their checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims006 {
    /// The app that it is for.
    pub app_id: String,
    /// Made over App ID, channel, user, and all that follows here.
    pub signature: Signature,
    /// CRC-32 of the channel. Not signed.
    pub crc_channel: u32,
    /// CRC-32 of the user. Not signed.
    pub crc_uid: u32,
    /// Any number.
    pub salt: u32,
    /// When its life ends, in Unix seconds.
    pub ts: u32,
    /// What it grants until when, in Unix seconds.
    pub privileges: Privileges,
}

/// The App ID of a 006 text and the base64 behind it. `text` starts with the version.
pub(crate) fn split(text: &[u8]) -> Result<(&str, &[u8]), Error> {
    let (head, base64) = text.split_at_checked(35).ok_or(Error::Truncated)?;
    let app_id = hex32(&head[3..]).ok_or(Error::InvalidField)?;
    Ok((app_id, base64))
}

/// Reads `content`; also yields the message, whose bytes are signed as they stand.
pub(crate) fn read<'a>(app_id: &str, content: &'a [u8]) -> Result<(Claims006, &'a [u8]), Error> {
    let mut reader = Reader::new(content);
    let signature = Signature::new(*reader.bytes_32()?);
    let (crc_channel, crc_uid) = (reader.u32()?, reader.u32()?);
    let message = reader.bytes()?;

    let mut fields = Reader::new(message);
    let (salt, ts) = (fields.u32()?, fields.u32()?);
    let privileges = Privileges::read(&mut fields)?;
    fields.end()?;
    reader.end()?;

    let app_id = app_id.to_owned();
    let claims = Claims006 { app_id, signature, crc_channel, crc_uid, salt, ts, privileges };
    Ok((claims, message))
}
