//! Writing what [`crate::reader`] reads.

use crate::{BuildError, Fields, Permissions, Privileges, Service};

/// A count or a length. What does not fit into 16 bits does not fit into a token either.
fn put_count(out: &mut Vec<u8>, count: usize) -> Result<(), BuildError> {
    let count = u16::try_from(count).map_err(|_| BuildError::TooLarge)?;
    out.extend(count.to_le_bytes());
    Ok(())
}

/// A string.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), BuildError> {
    put_count(out, bytes.len())?;
    out.extend(bytes);
    Ok(())
}

pub(crate) fn put_privileges(out: &mut Vec<u8>, map: &Privileges) -> Result<(), BuildError> {
    put_count(out, map.iter().len())?;
    for (privilege, value) in map.iter() {
        out.extend(privilege.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    Ok(())
}

fn put_permissions(out: &mut Vec<u8>, permissions: &Permissions) -> Result<(), BuildError> {
    put_count(out, permissions.lists().len())?;
    for (resource_type, permissions) in permissions.lists() {
        out.extend(resource_type.to_le_bytes());
        put_count(out, permissions.len())?;
        for (permission, names) in permissions {
            out.extend(permission.to_le_bytes());
            put_count(out, names.len())?;
            for name in names {
                put_bytes(out, name.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// The services, sorted by type; of equal type they keep their order.
pub(crate) fn put_services(out: &mut Vec<u8>, services: &[Service]) -> Result<(), BuildError> {
    let mut sorted: Vec<_> = services.iter().collect();
    sorted.sort_by_key(|service| service.kind().number());
    put_count(out, sorted.len())?;
    for service in sorted {
        put_service(out, service)?;
    }
    Ok(())
}

fn put_service(out: &mut Vec<u8>, service: &Service) -> Result<(), BuildError> {
    out.extend(service.kind().number().to_le_bytes());
    put_privileges(out, &service.privileges)?;
    match &service.fields {
        Fields::Rtc { channel, uid: user }
        | Fields::Streaming { channel, account: user }
        | Fields::Fcdn { channel, account: user } => {
            put_bytes(out, channel.as_bytes())?;
            put_bytes(out, user.as_bytes())
        }
        Fields::Rtm { user_id } | Fields::Chat { user_id } => put_bytes(out, user_id.as_bytes()),
        Fields::Apaas { room_uuid, user_uuid, role } => {
            put_bytes(out, room_uuid.as_bytes())?;
            put_bytes(out, user_uuid.as_bytes())?;
            out.extend(role.to_le_bytes());
            Ok(())
        }
        Fields::Rtm2 { user_id, permissions } => {
            put_bytes(out, user_id.as_bytes())?;
            put_permissions(out, permissions)
        }
        Fields::Fpa | Fields::ConvoAi | Fields::Stt => Ok(()),
    }
}
