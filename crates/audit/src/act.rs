//! What is written down: the table of acts. Codes are stored and names are exported, so neither
//! changes or returns.

use std::fmt;
use std::str::FromStr;

macro_rules! acts {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal;)+) => {
        /// An act that the log knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Act {
            /// All of them, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number that is stored.
            pub const fn code(self) -> u32 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The name that people and programs read.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

acts! {
    /// An app was made.
    AppCreated = 1, "app.created";
    /// A setting of an app was changed.
    AppSet = 2, "app.set";
    /// An app got a secondary certificate.
    CertificateAdded = 3, "app.certificate.added";
    /// An app's certificates changed places.
    CertificateRotated = 4, "app.certificate.rotated";
    /// A certificate was taken from an app.
    CertificateRetired = 5, "app.certificate.retired";
    /// An app's certificate was shown.
    CertificateShown = 6, "app.certificate.shown";
    /// All tokens of an app were made void.
    AppRevoked = 7, "app.revoked";
    /// An app was deleted with its keys.
    AppDeleted = 8, "app.deleted";
    /// An app's server certificate was exchanged.
    ServerCertificateRotated = 9, "app.server_certificate.rotated";

    /// A user was registered.
    UserCreated = 20, "user.created";
    /// A user was deleted.
    UserDeleted = 21, "user.deleted";
    /// A user got another password.
    PasswordSet = 22, "user.password_set";
    /// A user may log in again.
    UserActivated = 23, "user.activated";
    /// A user may log in no more.
    UserDeactivated = 24, "user.deactivated";
    /// A user's sessions were ended.
    UserLoggedOut = 25, "user.logged_out";
    /// All tokens of a user were made void.
    UserRevoked = 26, "user.revoked";
    /// The tokens of a device were made void.
    DeviceRevoked = 27, "device.revoked";
    /// A token was made void.
    TokenRevoked = 28, "token.revoked";
    /// A token was issued.
    TokenIssued = 29, "token.issued";
    /// A token was not taken.
    TokenRefused = 30, "token.refused";
    /// A password was not taken.
    PasswordRefused = 31, "password.refused";
    /// A registration was refused.
    RegistrationRefused = 32, "registration.refused";
    /// What somebody asked for is not theirs to do.
    CallRefused = 33, "call.refused";

    /// All that is kept of a user was handed out.
    PersonExported = 34, "person.exported";
    /// All that was kept of a user was erased.
    PersonErased = 35, "person.erased";

    /// A user may make chat rooms.
    SuperAdminAdded = 40, "super_admin.added";
    /// A user may make chat rooms no more.
    SuperAdminRemoved = 41, "super_admin.removed";

    /// A group or chat room was dismissed by the server.
    GroupDismissed = 42, "group.dismissed";

    /// A client was outside an app's geofence. The reason says in which country; the address stands nowhere.
    GeofenceRefused = 50, "geofence.refused";
    /// Something may cross from one region to another.
    PermitAdded = 51, "permit.added";
    /// Something may cross regions no more.
    PermitRemoved = 52, "permit.removed";
    /// A residency report was made.
    ResidencyReported = 53, "residency.reported";
    /// A host outside was called to see whether it can be.
    EgressChecked = 54, "egress.checked";
    /// A client of another region was let in by a permission that had let nobody in before.
    PermitUsed = 55, "permit.used";

    /// The vault was put under another root key.
    RootRotated = 60, "key.root_rotated";
    /// Further data keys were made.
    DataKeysRenewed = 61, "key.data_renewed";

    /// The token server got a client.
    ClientAdded = 70, "token_server.client_added";
    /// A client was taken from the token server.
    ClientRemoved = 71, "token_server.client_removed";
    /// The token server made a token.
    TokenMinted = 72, "token_server.minted";
    /// The token server refused.
    MintingRefused = 73, "token_server.refused";
    /// It was said from where a client of the token server may call.
    ClientChanged = 74, "token_server.client_changed";

    /// The log was exported.
    AuditExported = 90, "audit.exported";
    /// Refusals of more kinds than are told apart.
    MoreRefused = 91, "audit.more_refused";

    /// A backup was made.
    BackupCreated = 110, "backup.created";
    /// A backup was brought back.
    BackupRestored = 111, "backup.restored";
}

impl Act {
    /// The act of that number; none for one of a later version.
    pub fn of_code(code: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.code() == code)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No act has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no act; those are: {all}", all = names())]
pub struct UnknownAct(String);

fn names() -> String {
    Act::ALL.iter().map(|act| act.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Act {
    type Err = UnknownAct;

    fn from_str(text: &str) -> Result<Self, UnknownAct> {
        let known = Self::ALL.iter().copied().find(|act| act.name() == text);
        known.ok_or_else(|| UnknownAct(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Act;

    #[test]
    fn codes_rise_and_names_are_read_back() {
        assert!(Act::ALL.is_sorted_by(|a, b| a.code() < b.code()));
        for act in Act::ALL {
            assert_eq!(act.name().parse(), Ok(*act));
            assert_eq!(Act::of_code(act.code()), Some(*act));
        }
        let mut names: Vec<_> = Act::ALL.iter().map(|act| act.name()).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "names are given once");
        assert!("app.set ".parse::<Act>().unwrap_err().to_string().contains("app.deleted"));
        assert_eq!(Act::of_code(0), None);
    }

    /// They are in logs that are kept for a year: added to, never changed.
    #[test]
    fn codes_stay() {
        let some = [Act::AppCreated, Act::UserDeleted, Act::RootRotated, Act::AuditExported];
        assert_eq!(some.map(Act::code), [1, 21, 60, 90]);
    }
}
