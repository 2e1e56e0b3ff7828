//! A machine that a vault runs on, and scopes to seal for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stoa_core::{AppNumber, Day, ManualClock, SeededEntropy, Timestamp};
use stoa_vault::{Bucket, KeyClass, KeyScope, RootKey, SimFs, Vault, VaultError, VaultOptions};

/// The vault's directory on every machine.
pub(crate) const DIR: &str = "/keys";
/// Where its mirror lies, if there is one.
pub(crate) const MIRROR: &str = "/mirror/keys";

pub(crate) const AAD: &[u8] = b"space, app and key";

pub(crate) const ROOT_HEX: &str =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A file system, and what the vault is opened with.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) fs: SimFs,
    pub(crate) options: VaultOptions,
    pub(crate) entropy: Arc<SeededEntropy>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        let mut options = VaultOptions::new(DIR);
        options.tuning.destroy_interval = Duration::ZERO;
        Self { fs: SimFs::new(), options, entropy: Arc::new(SeededEntropy::new(seed)) }
    }

    pub(crate) fn mirrored(seed: u64) -> Self {
        let mut machine = Self::new(seed);
        machine.options = machine.options.mirror(MIRROR);
        machine
    }

    /// The same with other files.
    pub(crate) fn with_files(&self, fs: SimFs) -> Self {
        Self { fs, ..self.clone() }
    }

    pub(crate) fn try_open(&self) -> Result<Vault, VaultError> {
        self.try_open_with(ROOT_HEX)
    }

    /// As [`Self::try_open`], with another root key.
    pub(crate) fn try_open_with(&self, root: &str) -> Result<Vault, VaultError> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let root = RootKey::parse(root).unwrap();
        Vault::open_on(
            Arc::new(self.fs.clone()),
            self.options.clone(),
            root,
            clock,
            self.entropy.clone(),
        )
    }

    pub(crate) fn open(&self) -> Vault {
        self.try_open().unwrap_or_else(|error| panic!("the vault opens: {error}"))
    }

    pub(crate) fn dirs(&self) -> Vec<&Path> {
        let mirrors = self.options.mirrors.iter();
        std::iter::once(&self.options.dir).chain(mirrors).map(|dir| dir.as_path()).collect()
    }
}

pub(crate) fn day(app: u32, day: u32) -> KeyScope {
    KeyScope { app: AppNumber(app), class: KeyClass(1), bucket: Bucket::Day(Day(day)) }
}

pub(crate) fn object(app: u32, id: u8) -> KeyScope {
    KeyScope { app: AppNumber(app), class: KeyClass(2), bucket: Bucket::Object([id; 16]) }
}

/// Runs a future on a thread of its own kind.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn seal(vault: &Vault, scope: KeyScope, plain: &[u8]) -> Vec<u8> {
    run(vault.seal(scope, AAD, plain)).unwrap_or_else(|error| panic!("seals: {error}"))
}
