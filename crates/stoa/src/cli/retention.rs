//! `stoa retention`: how long things are kept, and receipts of what was destroyed.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use stoa_core::{AppKey, KeepMessages};
use stoa_store::receipts::PublicKey;

use super::output::{self, Output};
use super::reach::{Common, Reach};
use crate::admin::{
    Answer, ReceiptView, ReceiptsRequest, Request, RetentionRequest, Text, Verifier,
};
use crate::failure::{Exit, Failure};
use crate::node::Founding;
use crate::private_file;

/// What can be done about how long things are kept.
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Show how long each class of data is kept, what waits, what goes next, and what was destroyed last
    Show(ShowArgs),
    /// Set how long an app's messages are kept. A longer time holds at once, for what still exists; a shorter one
    /// has to be confirmed, and holds from 24 hours later on
    Set(SetArgs),
    /// Receipts: signed statements of what was destroyed
    #[command(subcommand)]
    Receipts(ReceiptsCommand),
    /// Verify the receipts: those of the server, or a file that was exported. Ends with 1 when one was changed or is
    /// missing
    Verify(VerifyArgs),
}

/// What can be done with receipts.
#[derive(Debug, Subcommand)]
pub enum ReceiptsCommand {
    /// Export all of them, with a signed end: one JSON object a line, to be verified without the server. With the
    /// public key on standard error
    Export(ExportArgs),
}

/// Arguments of `retention show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Only this app [default: all]
    #[arg(long, value_name = "ORG#APP")]
    app: Option<AppKey>,
    /// How many of the last receipts
    #[arg(long, value_name = "N", default_value_t = 5)]
    receipts: usize,
}

/// Arguments of `retention set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The app
    #[arg(long, value_name = "ORG#APP")]
    app: AppKey,
    /// How long messages are kept: a number of days, 1 to 3650; plan (free 7, starter 90, pro, enterprise and
    /// self-hosted 180), or older-plan (free 3, starter 7, pro 90, enterprise and self-hosted 180)
    #[arg(long, value_name = "DAYS|plan|older-plan")]
    messages: KeepMessages,
    /// It is meant, also if messages are then destroyed sooner
    #[arg(long)]
    confirm: bool,
}

/// Arguments of `retention receipts export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The new file to write to, or '-' for standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    output: PathBuf,
}

/// Arguments of `retention verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file of an export, or '-' for standard input; no data and no server are needed
    #[arg(long, value_name = "FILE|-", requires = "verifier")]
    file: Option<PathBuf>,
    /// The data centre's public key, as the export told it: 64 hexadecimal digits [default: the server's own]
    #[arg(long = "public-key", id = "verifier", value_name = "HEX")]
    verifier: Option<PublicKey>,
}

/// Carries out a command: [`Exit::No`] when receipts are not whole.
///
/// # Errors
/// [`Failure`].
pub fn run(
    command: RetentionCommand,
    common: Common,
    out: &mut Output<'_>,
) -> Result<Exit, Failure> {
    if let RetentionCommand::Verify(VerifyArgs { file: Some(file), verifier: Some(key) }) = &command
    {
        return tell(of_file(file, *key)?, out);
    }
    let mut reach = Reach::open(&common.load()?, Founding::Refused)?;
    let done = with(command, &mut reach, out);
    reach.close(done)
}

fn ask(reach: &mut Reach, request: RetentionRequest) -> Result<Answer, Failure> {
    reach.ask(Request::Retention(request))
}

fn with(
    command: RetentionCommand,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        RetentionCommand::Show(ShowArgs { app, receipts: most }) => {
            let request = RetentionRequest::Show { app: app.clone().map(Text) };
            let Answer::Retention { classes } = ask(reach, request)? else {
                return Err(super::strange());
            };
            classes.iter().try_for_each(|class| out.put(class, output::retention_line))?;
            let last = ReceiptsRequest::Last { app: app.map(Text), most };
            let receipts = receipts(ask(reach, RetentionRequest::Receipts(last))?)?;
            receipts.iter().try_for_each(|receipt| out.put(receipt, output::receipt_line))?;
        }
        RetentionCommand::Set(SetArgs { app, messages, confirm }) => {
            let (app, messages) = (Text(app), Text(messages));
            let request = RetentionRequest::Set { app, messages, confirm };
            let Answer::App { app, .. } = ask(reach, request)? else {
                return Err(super::strange());
            };
            out.put(&app, output::app)?;
        }
        RetentionCommand::Receipts(ReceiptsCommand::Export(ExportArgs { output })) => {
            export(&output, reach, out)?;
        }
        RetentionCommand::Verify(VerifyArgs { verifier, .. }) => {
            let (end, own) = end(reach)?;
            let mut checks = Verifier::new(verifier.unwrap_or(own));
            let found = each(reach, &end, |receipt| Ok(checks.take(receipt)))?;
            let found = found.and_then(|()| checks.take(&end)).and_then(|()| checks.finish());
            return tell(found, out);
        }
    }
    Ok(Exit::Done)
}

fn receipts(answer: Answer) -> Result<Vec<ReceiptView>, Failure> {
    match answer {
        Answer::Receipts { receipts } => Ok(receipts),
        _ => Err(super::strange()),
    }
}

/// Where the receipts end, and the key that signed them.
fn end(reach: &mut Reach) -> Result<(ReceiptView, PublicKey), Failure> {
    let answer = ask(reach, RetentionRequest::Receipts(ReceiptsRequest::End))?;
    let Answer::ReceiptsEnd { end, public_key } = answer else { return Err(super::strange()) };
    Ok((end, public_key.parse().map_err(|_| super::strange())?))
}

/// Hands over all receipts up to `end`, until one is not taken.
fn each(
    reach: &mut Reach,
    end: &ReceiptView,
    mut take: impl FnMut(&ReceiptView) -> Result<Result<(), String>, Failure>,
) -> Result<Result<(), String>, Failure> {
    let mut after = 0;
    while after < end.number {
        let request = RetentionRequest::Receipts(ReceiptsRequest::Page { after });
        let page = receipts(ask(reach, request)?)?;
        let Some(last) = page.last() else { break };
        after = last.number;
        // Later ones were made meanwhile.
        for receipt in page.iter().filter(|receipt| receipt.number <= end.number) {
            if let Err(broken) = take(receipt)? {
                return Ok(Err(broken));
            }
        }
    }
    Ok(Ok(()))
}

fn export(path: &Path, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let unwritten = || Failure::io(format!("write {}", path.display()));
    let mut file = match path.as_os_str() == "-" {
        true => None,
        false => Some(BufWriter::new(private_file::open_new(path)?)),
    };
    let (end, key) = end(reach)?;
    let mut put = |receipt: &ReceiptView| {
        let line = serde_json::to_string(receipt);
        let line = line.map_err(|error| output::unwritten(error.into()))?;
        match &mut file {
            None => out.line(&line),
            Some(file) => writeln!(file, "{line}").map_err(unwritten()),
        }
    };
    let _ = each(reach, &end, |receipt| put(receipt).map(Ok))?;
    put(&end)?;
    if let Some(file) = file {
        let written = file.into_inner().map_err(io::IntoInnerError::into_error);
        written.and_then(|file| file.sync_all()).map_err(unwritten())?;
        let told = json!({ "receipts": end.number, "publicKey": key.to_string() });
        return out.put(&told, |_| format!("{} receipts; public key {key}", end.number));
    }
    output::say(&format!("public key {key}"));
    Ok(())
}

/// Verifies an export.
fn of_file(
    path: &Path,
    key: PublicKey,
) -> Result<Result<stoa_store::receipts::Whole, String>, Failure> {
    let unread = || Failure::io(format!("read {}", path.display()));
    let file: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(unread())?),
    };
    Verifier::new(key).read(BufReader::new(file)).map_err(unread())
}

/// Prints how receipts are.
fn tell(
    found: Result<stoa_store::receipts::Whole, String>,
    out: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match found {
        Ok(whole) => {
            let ended = whole.ended.map(stoa_core::Timestamp::as_millis);
            let told = json!({ "whole": true, "receipts": whole.last, "ended": ended });
            out.put(&told, |_| {
                let ended = ended.map_or_else(String::new, crate::moment::utc);
                format!("whole: {} receipts up to {ended}", whole.last)
            })?;
            Ok(Exit::Done)
        }
        Err(broken) => {
            let told = json!({ "whole": false, "problem": broken });
            out.put(&told, |_| format!("BROKEN: {broken}"))?;
            Ok(Exit::No)
        }
    }
}
