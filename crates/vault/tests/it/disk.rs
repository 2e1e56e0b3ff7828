//! The vault on the real file system.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use stoa_core::{SystemClock, SystemEntropy};
use stoa_vault::{Opened, RootKey, Vault, VaultError, VaultOptions};

use crate::support::{AAD, ROOT_HEX, day, run, seal};

/// Tells the test binary, started again, to be the process that is killed.
const VICTIM: &str = "STOA_VAULT_TEST_VICTIM";

fn open(dir: &Path) -> Result<Vault, VaultError> {
    let mut options = VaultOptions::new(dir.join("keys")).mirror(dir.join("mirror/keys"));
    options.tuning.destroy_interval = std::time::Duration::ZERO;
    options.tuning.journal_entries = 20;
    let root = RootKey::parse(ROOT_HEX).unwrap();
    Vault::open(options, root, Arc::new(SystemClock), Arc::new(SystemEntropy))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn it_lives_in_files_that_are_its_owners_alone() {
    let temp = tempfile::tempdir().unwrap();
    let vault = open(temp.path()).unwrap();
    let kept = seal(&vault, day(1, 1), b"kept");
    let doomed = seal(&vault, day(1, 2), b"doomed");
    run(vault.destroy(|scope| *scope == day(1, 2))).unwrap();
    let refused = open(temp.path()).err().unwrap().to_string();
    assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
    drop(vault);

    for dir in ["keys", "mirror/keys"] {
        let dir = temp.path().join(dir);
        assert_eq!(mode(&dir), 0o700);
        let mut names: Vec<_> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .inspect(|path| assert_eq!(mode(path), 0o600, "{}", path.display()))
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["journal.2", "lock", "page.1.2", "slots", "table.2"]);
    }
    let vault = open(temp.path()).unwrap();
    assert_eq!(vault.open_record(AAD, &kept), Ok(Opened::Plain(b"kept".to_vec())));
    assert_eq!(vault.open_record(AAD, &doomed), Ok(Opened::Destroyed));
    drop(vault);

    let page = temp.path().join("keys/slots");
    std::fs::set_permissions(&page, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = open(temp.path()).err().unwrap().to_string();
    assert!(refused.ends_with(&format!("run: chmod 600 {}", page.display())), "{refused}");
}

#[test]
fn links_are_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    drop(open(temp.path()).unwrap());
    let (slots, moved) = (temp.path().join("keys/slots"), temp.path().join("moved"));
    std::fs::rename(&slots, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &slots).unwrap();
    assert!(matches!(open(temp.path()), Err(VaultError::Io { .. })));
}

#[test]
fn every_record_that_was_returned_opens_after_a_kill() {
    let temp = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for records_before_the_kill in [1, 7, 30] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["disk::victim", "--exact", "--nocapture"])
            .env(VICTIM, temp.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let printed = lines.filter_map(|line| Some(line.ok()?.strip_prefix("record ")?.to_owned()));
        records.extend(printed.take(records_before_the_kill));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(records.len(), 38);
    let vault = open(temp.path()).unwrap();
    for record in &records {
        let bytes: Vec<u8> = (0..record.len() / 2)
            .map(|at| u8::from_str_radix(&record[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        assert_eq!(vault.open_record(AAD, &bytes), Ok(Opened::Plain(b"x".to_vec())));
    }
}

/// Not a test of its own: what [`every_record_that_was_returned_opens_after_a_kill`] starts and kills.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM) else { return };
    let vault = open(dir.as_ref()).unwrap();
    let life = u32::try_from(vault.life()).unwrap();
    for n in 0.. {
        let record = seal(&vault, day(life, n), b"x");
        let hex: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("record {hex}");
    }
}
