//! `stoa backup`: everything that is stored, in one sealed file.

use std::fs::{File, remove_file};
use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use stoa_core::Timestamp;

use super::output::{self, Output};
use super::progress::Progress;
use super::reach::{Reach, block_on, refuse_anothers, take_root_key};
use crate::admin::{Answer, BackupRequest, BackupView, Piece, Request};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Founding;
use crate::{private_file, restoring};

/// What progress is told of.
const BYTES: &str = "bytes";

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write everything that is stored at this moment into one new file, while the server goes on. The file
    /// holds no key: it opens with the vault of these data only, and what is destroyed later is dead in it, too
    Create(CreateArgs),
    /// Read a backup to its end: whether it is whole, belongs to this vault, and how much of it still opens.
    /// Ends with 1 when it is cut off, changed, or another vault's
    Verify(FileArgs),
    /// Bring a backup back into the empty data directory that --data names, with today's vault (--keys). What
    /// was destroyed since is left out, and who was erased since is erased again
    Restore(FileArgs),
}

/// Arguments of `backup create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The new file to write, for its owner alone; or a directory, in which it gets a name of its own
    #[arg(long, value_name = "FILE|DIR")]
    output: PathBuf,
}

/// Arguments of `backup verify` and `backup restore`.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Carries out a command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: BackupCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        BackupCommand::Create(CreateArgs { output }) => {
            let path = if output.is_dir() { output.join(name()) } else { output };
            // What stands in the way of the file is found before anything is read.
            let file = private_file::open_new(&path)?;
            let made = make(file, &path, config);
            let backup = made.inspect_err(|_| {
                // It is the failure that is told.
                let _ = remove_file(&path);
            })?;
            out.put(&backup, |backup| format!("{}\n{}", path.display(), output::backup(backup)))
        }
        BackupCommand::Verify(FileArgs { file }) => {
            let path = std::path::absolute(&file)
                .map_err(Failure::io(format!("find {}", file.display())))?;
            let mut reach = Reach::open(config, Founding::Refused)?;
            let mut progress = Progress::new(BYTES);
            let request = Request::Backup(BackupRequest::Verify { path });
            let answer = reach.ask_taking(request, &mut |piece| {
                progress.show(&piece);
                Ok(())
            });
            drop(progress);
            out.put(&backup_of(reach.close(answer)?)?, output::backup)
        }
        BackupCommand::Restore(FileArgs { file }) => {
            refuse_anothers(config)?;
            let taken = take_root_key(config)?;
            let mut brought = None;
            let mut progress = Progress::new(BYTES);
            let done = block_on(async {
                let back =
                    restoring::bring_back(config, &file, taken, |bytes| progress.tell(bytes));
                brought = Some(back.await?);
                Ok(())
            });
            drop(progress);
            done?;
            let backup = brought.ok_or_else(super::strange)?;
            out.put(&backup, output::backup)
        }
    }
}

fn backup_of(answer: Answer) -> Result<BackupView, Failure> {
    match answer {
        Answer::Backup { backup } => Ok(backup),
        _ => Err(super::strange()),
    }
}

/// A name that says when it was made: names of later ones come later.
fn name() -> String {
    let now = stoa_core::Clock::now(&stoa_core::SystemClock);
    let date = output::date(Timestamp::as_millis(now));
    let date: String = date.chars().filter(char::is_ascii_digit).collect();
    format!("stoa-{date}.backup")
}

fn make(file: File, path: &Path, config: &Config) -> Result<BackupView, Failure> {
    let unwritten = || Failure::io(format!("write {}", path.display()));
    let mut reach = Reach::open(config, Founding::Refused)?;
    let (mut file, mut progress) = (BufWriter::with_capacity(1 << 20, file), Progress::new(BYTES));
    let answer =
        reach.ask_taking(Request::Backup(BackupRequest::Create), &mut |piece| match piece {
            Piece::Bytes(bytes) => file.write_all(&bytes).map_err(unwritten()),
            other => {
                progress.show(&other);
                Ok(())
            }
        });
    drop(progress);
    let backup = backup_of(reach.close(answer)?)?;
    let written = file.into_inner().map_err(IntoInnerError::into_error);
    let synced = written.and_then(|file| file.sync_all());
    synced.and_then(|()| private_file::sync_above(path)).map_err(unwritten())?;
    Ok(backup)
}
