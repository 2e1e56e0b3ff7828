//! `stoa person`: all that is kept of one person.

use std::fs::{File, remove_file};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use stoa_core::{AppKey, UserId};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::output::{self, Output};
use super::progress::Progress;
use super::reach::Reach;
use crate::admin::{Answer, Inventory, PersonRequest, Piece, Request, Text};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::node::Founding;
use crate::private_file;

/// What can be done with all that is kept of one person.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Write everything that concerns a user into one archive: an inventory by class of data, the records as
    /// JSON lines, and the files that the user uploaded. Ends with 1 when there is no such user; the archive
    /// then holds what is left
    Export(ExportArgs),
    /// Erase a person: the account and all that is the person's own, with its key, the files that it uploaded,
    /// and what it said to others (app set erased-messages). In what others have, its name becomes
    /// erased-user. It cannot be undone, by no backup either
    Erase(EraseArgs),
}

/// Which person.
#[derive(Debug, Args)]
pub struct Whose {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// The user's name
    #[arg(long, value_name = "NAME")]
    user: UserId,
}

/// Arguments of `person export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    whose: Whose,
    /// The new zip file to write, for its owner alone
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Arguments of `person erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    #[command(flatten)]
    whose: Whose,
    /// Say that this is meant
    #[arg(long)]
    confirm: bool,
}

/// Carries out a command: [`Exit::No`] when there is no such user.
///
/// # Errors
/// [`Failure`].
pub fn run(command: PersonCommand, config: &Config, out: &mut Output<'_>) -> Result<Exit, Failure> {
    match command {
        PersonCommand::Export(ExportArgs { whose, output }) => {
            // What stands in the way of the file is found before anything is read.
            let archive = Archive::create(&output)?;
            let mut reach =
                Reach::open(config, Founding::Refused).inspect_err(|_| discard(&output))?;
            let done = export(whose, archive, &mut reach, out).inspect_err(|failure| {
                // What was said of nobody is an answer, too.
                if failure.exit() != Exit::No {
                    discard(&output);
                }
            });
            reach.close(done).map(|()| Exit::Done)
        }
        PersonCommand::Erase(EraseArgs { whose, confirm }) => {
            if !confirm {
                return Err(Failure::Usage(format!(
                    "this erases {} of {} for ever; say --confirm if that is meant",
                    whose.user.as_str(),
                    whose.app
                )));
            }
            let mut reach = Reach::open(config, Founding::Refused)?;
            let done = erase(whose, &mut reach, out);
            reach.close(done).map(|()| Exit::Done)
        }
    }
}

/// Takes away what was begun.
fn discard(path: &Path) {
    // It is the failure that is told.
    let _ = remove_file(path);
}

fn export(
    whose: Whose,
    mut archive: Archive,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let Whose { app, user } = whose;
    let name = user.as_str().to_owned();
    let request = PersonRequest::Export { app: Text(app), user: Text(user) };
    let answer = reach.ask_taking(Request::Person(request), &mut |piece| archive.take(piece))?;
    let Answer::Person { found, inventory } = answer else { return Err(super::strange()) };
    archive.finish(&inventory)?;
    if found {
        return out.put(&inventory, output::inventory);
    }
    Err(Failure::Refused(format!(
        "there is no user {name}; of such a user {} records and {} files were found",
        inventory.records, inventory.files
    )))
}

fn erase(whose: Whose, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let Whose { app, user } = whose;
    let name = user.as_str().to_owned();
    let request = PersonRequest::Erase { app: Text(app), user: Text(user) };
    let mut progress = Progress::new("rows looked at");
    let answer = reach.ask_taking(Request::Person(request), &mut |piece| {
        progress.show(&piece);
        Ok(())
    });
    drop(progress);
    let Answer::Erased { found } = answer? else { return Err(super::strange()) };
    out.put(&json!({ "erased": true, "found": found }), |_| match found {
        true => format!("{name} is erased"),
        false => format!("there was no user {name}; what was left of such a user is erased"),
    })
}

/// A zip file that is being written.
struct Archive {
    zip: ZipWriter<BufWriter<File>>,
    path: PathBuf,
}

impl Archive {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = private_file::open_new(path)?;
        Ok(Self { zip: ZipWriter::new(BufWriter::new(file)), path: path.to_owned() })
    }

    fn unwritten(&self) -> impl FnOnce(io::Error) -> Failure + use<> {
        Failure::io(format!("write {}", self.path.display()))
    }

    fn begin(&mut self, name: String) -> Result<(), Failure> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
            .unix_permissions(0o600);
        let begun = self.zip.start_file(name, options);
        begun.map_err(io::Error::from).map_err(self.unwritten())
    }

    fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        match piece {
            Piece::File(name) => self.begin(name),
            Piece::Bytes(bytes) => self.zip.write_all(&bytes).map_err(self.unwritten()),
            Piece::Progress(_) => Ok(()),
        }
    }

    /// Adds the inventory, and makes the whole durable.
    fn finish(mut self, inventory: &Inventory) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(inventory);
        let text = text.map_err(|error| output::unwritten(error.into()))?;
        self.begin("inventory.json".into())?;
        self.zip.write_all(&text).map_err(self.unwritten())?;
        let unwritten = self.unwritten();
        let finish = || {
            let file = self.zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()
        };
        finish().map_err(unwritten)
    }
}
