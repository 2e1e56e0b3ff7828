//! Roles and types of class rooms (classroom specification, sections 1.3 and 1.4).

/// The role of a user in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassRole {
    /// Neither listed nor counted: the page that records.
    Invisible,
    /// Runs the room.
    Teacher,
    /// Learns.
    Student,
    /// Helps the teacher.
    Assistant,
    /// Sees and hears, and is not listed.
    Observer,
}

impl ClassRole {
    /// All of them, by number.
    pub const ALL: [Self; 5] =
        [Self::Invisible, Self::Teacher, Self::Student, Self::Assistant, Self::Observer];

    /// The number by which tokens and check-in name it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Invisible => 0,
            Self::Teacher => 1,
            Self::Student => 2,
            Self::Assistant => 3,
            Self::Observer => 4,
        }
    }

    /// The role of a number.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| i64::from(role.number()) == number)
    }

    /// The name in events and messages, in a room of this type.
    pub const fn name(self, of: RoomType) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Teacher => "host",
            Self::Student if matches!(of, RoomType::OneToOne) => "broadcaster",
            Self::Student => "audience",
            Self::Assistant => "assistant",
            Self::Observer => "observer",
        }
    }

    /// The role of a name or of a number in decimal.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "invisible" => Some(Self::Invisible),
            "host" => Some(Self::Teacher),
            "broadcaster" | "audience" => Some(Self::Student),
            "assistant" => Some(Self::Assistant),
            "observer" => Some(Self::Observer),
            _ => text.parse().ok().and_then(Self::of_number),
        }
    }

    /// Whether it runs the room or helps to.
    pub const fn is_teaching(self) -> bool {
        matches!(self, Self::Teacher | Self::Assistant)
    }

    /// Whether it sees what is hidden from those who learn: right answers before the end.
    pub const fn sees_answers(self) -> bool {
        matches!(self, Self::Teacher | Self::Assistant | Self::Observer)
    }

    /// Whether it is in rosters and counts.
    pub const fn is_listed(self) -> bool {
        matches!(self, Self::Teacher | Self::Student | Self::Assistant)
    }
}

/// The type of a room, which never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoomType {
    /// A teacher and a student.
    OneToOne,
    /// A lecture hall.
    Lecture,
    /// A small class with a stage.
    Small,
    /// Everybody may publish.
    Cloud,
    /// A group of another room.
    Group,
}

impl RoomType {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OneToOne, Self::Lecture, Self::Small, Self::Cloud, Self::Group];

    /// Its number.
    pub const fn number(self) -> u32 {
        match self {
            Self::OneToOne => 0,
            Self::Lecture => 2,
            Self::Small => 4,
            Self::Cloud => 10,
            Self::Group => 101,
        }
    }

    /// The type of a number.
    pub fn of_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|of| u64::from(of.number()) == number)
    }
}
