//! Bringing a backup back into an empty data directory, with today's vault.
//!
//! A file in the directory says that it is unfinished, from before the first record until all is done that makes
//! the data fit to be served; nothing else opens a directory that has it. All of that is: every record and file is
//! durable, persons who were erased after the backup was made are erased again, and the numbers of apps that were
//! made since are given to no other app.

use std::fs::{DirBuilder, File, remove_file};
use std::io::{self, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use stoa_audit::{Act, Actor, Entry};
use stoa_backup::{BackupError, BesideFile, Reader, Restoring, Totals};
use stoa_core::{Operator, Secret};

use crate::admin::{BackupView, place_beside};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::{Files, Founding, Node};
use crate::{private_file, root_key};

/// The file that says so.
const MARKER: &str = "restoring";

fn marker(data: &Path) -> PathBuf {
    data.join(MARKER)
}

/// Refuses a data directory into which a backup was not brought back to its end.
///
/// # Errors
/// [`Failure::Usage`].
pub(crate) fn refuse_unfinished(data: &Path) -> Result<(), Failure> {
    if !marker(data).exists() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} holds a part of a backup only: bringing it back was interrupted; remove the directory and run stoa backup restore again",
        data.display()
    )))
}

/// Brings a backup back; `progress` is told how many bytes of it were read. `taken` is the root key if the
/// environment held it.
///
/// # Errors
/// When the directory is not empty, the vault is another, or the backup is damaged: the directory then
/// stays marked as unfinished.
pub(crate) async fn bring_back(
    config: &Config,
    file: &Path,
    taken: Option<Secret>,
    mut progress: impl FnMut(u64),
) -> Result<BackupView, Failure> {
    let failed = |what: &str| Failure::io(format!("{what} {}", file.display()));
    let backup = File::open(file).map_err(failed("read"))?;
    refuse_unfinished(&config.data)?;
    let is_empty = is_empty(&config.data);
    if !is_empty.map_err(Failure::io(format!("read {}", config.data.display())))? {
        return Err(Failure::Refused(format!(
            "{} is not empty: a backup is brought back into an empty data directory",
            config.data.display()
        )));
    }
    if config.vaults().into_iter().all(root_key::is_empty) {
        return Err(Failure::Refused(format!(
            "there is no vault in {}: a backup opens with the vault that it was made with; name it with --keys",
            config.keys.display()
        )));
    }
    let vault = Files::open_vault(config, taken, Founding::Refused)?;
    let mut reader = Reader::open(BufReader::with_capacity(1 << 20, backup), &vault)?;
    make_private(&config.data)?;
    private_file::replace(&marker(&config.data), b"a backup is being brought back\n", 0o600)?;
    let files = Files::open_on(config, vault.clone())?;
    let operator = Operator::of_this_process();
    let mut restoring = Restoring::begin(&operator, files.store(), files.blobs(), &vault).await?;
    let mut told = 0;
    while let Some(item) = reader.item()? {
        if let Some(BesideFile { name, bytes }) = restoring.take(item).await? {
            let place = place_beside(&config.data, &name);
            let place = place.ok_or(BackupError::Malformed("a file of a strange name"))?;
            place.parent().map_or(Ok(()), make_private)?;
            private_file::replace(&place, &bytes, 0o600)?;
        }
        let Totals { bytes, .. } = reader.seen();
        if bytes >= told + (1 << 20) {
            told = bytes;
            progress(bytes);
        }
    }
    let view = BackupView::new(reader.header(), reader.seen(), restoring.restored().dropped);
    // As a server opens it, which erases whom the vault's ledger names.
    let node = Node::start(files, config).await?;
    // Apps that were made since have keys, under numbers that these data would give once more.
    if let Some(last) = node.vault.keys().into_iter().map(|key| key.scope.app).max() {
        node.console.reserve_numbers(last).await?;
    }
    let entry =
        Entry::new(Actor::Operator, Act::BackupRestored).detail("backup", view.backup.clone());
    node.audit.record_platform(&operator, entry).await?;
    node.close().await?;
    let finish = || {
        // The directory itself may be new.
        private_file::sync_above(&config.data)?;
        remove_file(marker(&config.data))?;
        private_file::sync_above(&marker(&config.data))
    };
    finish().map_err(failed("finish bringing back"))?;
    Ok(view)
}

/// Whether there is nothing in the directory but what is left of one who died before there was the marker.
fn is_empty(data: &Path) -> io::Result<bool> {
    let draft = private_file::draft(&marker(data));
    match std::fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        entries => {
            let mut others =
                entries?.filter(|entry| !entry.as_ref().is_ok_and(|entry| entry.path() == draft));
            others.next().transpose().map(|other| other.is_none())
        }
    }
}

fn make_private(dir: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(Failure::io(format!("make the directory {}", dir.display())))
}
