//! What a seed decides before anything happens: who there is, and what goes wrong how often.

use crate::dice::Dice;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The process dies between two steps of its tasks.
    Kill,
    /// The machine loses power: what was not synced is gone in part, and no socket says a word.
    PowerLoss,
    /// The server is ended and started again properly.
    Restart,
    /// The next write to the store's disk fails and is lost.
    WriteLost,
    /// The next write to the store's disk fails and is there all the same.
    WriteKept,
    /// The store's disk is full for a while.
    DiskFull,
    /// The vault's disk fails.
    VaultDisk,
    /// Commits take long.
    SlowCommits,
    /// Connections are cut behind any byte.
    Cut,
    /// Connections swallow everything and nobody is told.
    HalfOpen,
    /// Clients read slowly.
    SlowReaders,
    /// The machine's clock is set forward or backward by an hour, or a little.
    ClockJump,
    /// It is nearly midnight: new keys for a new day.
    Midnight,
    /// A user is deleted, with the key of all that was the user's.
    DeleteUser,
    /// A page is opened a second time: the newer session takes the device over.
    Takeover,
    /// A page is loaded anew: an SDK without memory on the same device.
    Reload,
    /// A back end ends all sessions of a user.
    LogOut,
}

impl Fault {
    /// All of them, each with its usual weight.
    const ALL: &[(u64, Self)] = &[
        (6, Self::Kill),
        (3, Self::PowerLoss),
        (3, Self::Restart),
        (2, Self::WriteLost),
        (3, Self::WriteKept),
        (2, Self::DiskFull),
        (1, Self::VaultDisk),
        (4, Self::SlowCommits),
        (8, Self::Cut),
        (4, Self::HalfOpen),
        (4, Self::SlowReaders),
        (3, Self::ClockJump),
        (2, Self::Midnight),
        (1, Self::DeleteUser),
        (6, Self::Takeover),
        (4, Self::Reload),
        (2, Self::LogOut),
    ];
}

/// The plan of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Apps.
    pub(crate) apps: usize,
    /// Users of each app.
    pub(crate) users: usize,
    /// Devices of each user, at the most.
    pub(crate) devices: usize,
    /// How long there is trouble, in milliseconds.
    pub(crate) trouble_ms: u64,
    /// The mean time between two faults, in milliseconds.
    pub(crate) fault_every_ms: u64,
    /// What goes wrong, by weight.
    pub(crate) faults: Vec<(u64, Fault)>,
    /// The mean time between two acts of one client, in milliseconds.
    pub(crate) act_every_ms: u64,
    /// In how many of a thousand acts a client writes many messages at once.
    pub(crate) bursts: u64,
    /// Delays of the network, at the most, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Reads and commits of the store that fail for a moment, in thousandths.
    pub(crate) store_faults: u16,
    /// Events on the bus that do not arrive, in thousandths.
    pub(crate) bus_losses: u64,
    /// How often a call into the store lets others run first, at the most.
    pub(crate) yields: u8,
}

impl Plan {
    /// The plan of the run with these dice. Each run has some kinds of trouble and not others, so that
    /// each kind is also met alone.
    pub(crate) fn new(dice: &Dice) -> Self {
        let some = dice.between(250, 1000);
        let mut faults: Vec<_> = Fault::ALL.iter().copied().filter(|_| dice.chance(some)).collect();
        if faults.is_empty() {
            faults.push((1, Fault::Kill));
        }
        Self {
            apps: dice.index(2) + 1,
            users: dice.index(4) + 2,
            devices: dice.index(3) + 1,
            trouble_ms: dice.between(15, 45) * 1000,
            fault_every_ms: dice.between(700, 6000),
            faults,
            act_every_ms: *dice.pick(&[150, 400, 1000, 2500]),
            bursts: *dice.pick(&[0, 10, 40, 120]),
            delay_ms: *dice.pick(&[2, 30, 200, 1500]),
            store_faults: *dice.pick(&[0, 0, 0, 3, 20]),
            bus_losses: *dice.pick(&[0, 0, 20, 200]),
            yields: u8::try_from(*dice.pick(&[0, 2, 6])).unwrap_or(0),
        }
    }
}
