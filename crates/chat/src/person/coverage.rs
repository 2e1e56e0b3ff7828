//! Which spaces of an app say something of a person.

use stoa_store::spaces::{self, Space};

/// What a space has to do with a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Records of it concern people: an export holds them.
    Exported,
    /// No record of it is about a person, for this reason.
    NotOfAPerson(&'static str),
}

/// What the export of a person makes of `space`; none for one that nobody thought of, and for those of
/// the platform.
pub fn coverage(space: &Space) -> Option<Coverage> {
    let found = COVERED.iter().any(|covered| covered.code == space.code);
    let other = OTHERS.iter().find(|(other, _)| other.code == space.code);
    let other = other.map(|(_, why)| Coverage::NotOfAPerson(why));
    found.then_some(Coverage::Exported).or(other)
}

/// The spaces of which an export holds what concerns the person.
static COVERED: &[&Space] = &[
    &spaces::NAMES,
    &spaces::USERS,
    &spaces::USER_UUIDS,
    &spaces::USERS_BY_TIME,
    &spaces::DEVICES,
    &spaces::MEMBERSHIPS,
    &spaces::USER_LOG_CURSORS,
    &spaces::GROUPS,
    &spaces::GROUP_ROSTERS,
    &spaces::GROUP_MEMBER_ATTRIBUTES,
    &spaces::CONTACTS,
    &spaces::BLOCKS,
    &spaces::CONTACT_INVITATIONS,
    &spaces::CONTACTS_BY_TIME,
    &spaces::USER_ATTRIBUTES,
    &spaces::PRESENCES,
    &spaces::PRESENCE_SUBSCRIPTIONS,
    &spaces::PRESENCE_SUBSCRIBERS,
    &spaces::MESSAGES,
    &spaces::CONTACT_COUNTS,
    &spaces::USER_LOG,
    &spaces::DELETED_MESSAGES,
    &spaces::PINNED_MESSAGES,
    &spaces::REPORTS,
    &spaces::GROUP_READS,
    &spaces::GROUP_READERS,
    &spaces::GROUP_FILES,
    &spaces::ROOM_ATTRIBUTES,
    &spaces::SUPER_ADMINS,
    &spaces::EXTERNAL_USERS,
    &spaces::REVOCATIONS,
    &spaces::ATTACHMENTS,
    &spaces::AUDIT_ENTRIES,
];

/// The others, and why no record of theirs is about a person.
static OTHERS: &[(&Space, &str)] = &[
    (
        &spaces::CONVERSATIONS,
        "positions in logs, under names that are blinded for the conversation",
    ),
    (&spaces::LOG_DAYS, "days on which something was said, under names of logs that are blinded"),
    (&spaces::OBJECT_ENDS, "when something ends, under a name that is blinded"),
    (&spaces::ENDS_BY_TIME, "the same in the order of time"),
    (&spaces::SWEEPS, "how far a sweep has come"),
    (&spaces::EGRESS_HOSTS, "hosts that the server has called"),
    (&spaces::GROUPS_BY_TIME, "ids of groups"),
    (&spaces::ROOMS_BY_TIME, "ids of chat rooms"),
    (&spaces::ATTRIBUTE_TOTALS, "sums over all users"),
    (&spaces::ERASURES, "numbers of erasures, which name nobody"),
    (&spaces::AUDIT_HEAD, "where a chain of hashes begins and ends"),
    (&spaces::OBSERVATIONS, "counts, of nobody in particular"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_store::spaces::SPACES;

    #[test]
    fn every_space_of_an_app_is_exported_or_named_as_not_about_a_person() {
        for space in SPACES.iter().filter(|space| space.owner.includes(false)) {
            assert!(
                coverage(space).is_some(),
                "{}: does it say something of a person?",
                space.name
            );
        }
        let named = COVERED.len() + OTHERS.len();
        let of_apps = SPACES.iter().filter(|space| space.owner.includes(false)).count();
        assert_eq!(named, of_apps, "each is named once, and no other");
    }
}
