//! Format 007 (token specification, section 3): what the content says.

use crate::reader::Reader;
use crate::signature::hex32;
use crate::{Error, MAX_LIFETIME_S, Service, Signature};

/// What a 007 token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims007 {
    /// The app that it is for.
    pub app_id: String,
    /// Made over everything else.
    pub signature: Signature,
    /// When it was issued, in Unix seconds.
    pub issue_ts: u32,
    /// How long it lives, in seconds from its issue.
    pub expire: u32,
    /// Any number; makes two tokens that say the same differ.
    pub salt: u32,
    /// How many services it says it has.
    pub service_count: u16,
    /// Those that could be read, in their order.
    pub services: Vec<Service>,
    /// The type of the service at which reading had to stop, because it is not known.
    pub unknown_service: Option<u16>,
}

impl Claims007 {
    /// When its life ends, in Unix seconds: never later than [`MAX_LIFETIME_S`] after its issue.
    pub fn ends_at(&self) -> u64 {
        u64::from(self.issue_ts) + u64::from(self.expire).min(MAX_LIFETIME_S)
    }

    /// When something ends that lasts `value` seconds from the issue, 0 being as long as the token.
    pub(crate) fn privilege_ends_at(&self, value: u32) -> u64 {
        match value {
            0 => self.ends_at(),
            seconds => self.ends_at().min(u64::from(self.issue_ts) + u64::from(seconds)),
        }
    }
}

/// The fixed part at the start, read before the signature is checked.
#[derive(Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) signature: Signature,
    pub(crate) app_id: &'a str,
    pub(crate) issue_ts: u32,
    expire: u32,
    pub(crate) salt: u32,
    service_count: u16,
    /// What the signature covers: all that follows it.
    pub(crate) signed: &'a [u8],
    services: Reader<'a>,
}

impl<'a> Header<'a> {
    pub(crate) fn read(content: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(content);
        let signature = Signature::new(*reader.bytes_32()?);
        let signed = reader.rest();
        let app_id = hex32(reader.bytes_32()?).ok_or(Error::InvalidField)?;
        let (issue_ts, expire, salt) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let service_count = reader.u16()?;
        if service_count == 0 {
            return Err(Error::InvalidField);
        }
        let services = reader;
        Ok(Self { signature, app_id, issue_ts, expire, salt, service_count, signed, services })
    }

    /// Reads the services behind the header.
    pub(crate) fn claims(&self) -> Result<Claims007, Error> {
        let mut reader = self.services;
        let mut services = Vec::new();
        let mut unknown_service = None;
        for _ in 0..self.service_count {
            match Service::read(&mut reader)? {
                Ok(service) => services.push(service),
                Err(number) => {
                    unknown_service = Some(number);
                    break;
                }
            }
        }
        if unknown_service.is_none() {
            reader.end()?;
        }
        Ok(Claims007 {
            app_id: self.app_id.to_owned(),
            signature: self.signature,
            issue_ts: self.issue_ts,
            expire: self.expire,
            salt: self.salt,
            service_count: self.service_count,
            services,
            unknown_service,
        })
    }
}
