//! `stoa audit`: read, export and verify the log of what was done.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use stoa_audit::Act;
use stoa_audit::export::{self, BadFile, EndLine};
use stoa_core::{AppKey, limits};

use super::output::{self, Output};
use super::reach::{Common, Reach};
use crate::admin::{Answer, AuditRequest, ChainView, Request, Text};
use crate::failure::{Exit, Failure, explain};
use crate::node::Founding;
use crate::private_file;

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what was done, the newest first
    List(ListArgs),
    /// Export the log of an app or of the platform: one JSON object a line, with hashes and
    /// ciphertexts, to be verified without the server. It is an act that the log tells of
    Export(ExportArgs),
    /// Verify the chain of hashes: of the stored logs, or of a file that was exported. Ends with 1 and
    /// names the first entry that is not as it was written
    Verify(VerifyArgs),
}

/// Arguments of `audit list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The app [default: what concerns no app, or outlives it]
    #[arg(long, value_name = "ORG#APP")]
    app: Option<AppKey>,
    /// Only this act, such as app.set
    #[arg(long, value_name = "NAME")]
    act: Option<Act>,
    /// How many at the most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Only entries before this number
    #[arg(long, value_name = "N")]
    before: Option<u64>,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The app [default: what concerns no app, or outlives it]
    #[arg(long, value_name = "ORG#APP")]
    app: Option<AppKey>,
    /// The new file to write to, or '-' for standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    output: PathBuf,
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The app [default: all apps and the platform]
    #[arg(long, value_name = "ORG#APP", conflicts_with = "file")]
    app: Option<AppKey>,
    /// The file of an export, or '-' for standard input; no data and no server are needed
    #[arg(long, value_name = "FILE|-")]
    file: Option<PathBuf>,
}

/// Carries out a command: [`Exit::No`] when a chain is broken.
///
/// # Errors
/// [`Failure`].
pub fn run(command: AuditCommand, common: Common, out: &mut Output<'_>) -> Result<Exit, Failure> {
    if let AuditCommand::Verify(VerifyArgs { file: Some(file), .. }) = &command {
        return tell(&[of_file(file)?], out);
    }
    let mut reach = Reach::open(&common.load()?, Founding::Refused)?;
    let done = with(command, &mut reach, out);
    reach.close(done)
}

fn with(command: AuditCommand, reach: &mut Reach, out: &mut Output<'_>) -> Result<Exit, Failure> {
    match command {
        AuditCommand::List(arguments) => list(arguments, reach, out).map(|()| Exit::Done),
        AuditCommand::Export(arguments) => write(arguments, reach, out).map(|()| Exit::Done),
        AuditCommand::Verify(VerifyArgs { app, .. }) => {
            let app = app.map(Text);
            match reach.ask(Request::Audit(AuditRequest::Verify { app }))? {
                Answer::AuditChains { chains } => tell(&chains, out),
                _ => Err(super::strange()),
            }
        }
    }
}

fn list(arguments: ListArgs, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let ListArgs { app, act, limit, mut before } = arguments;
    let mut left = limit;
    while left > 0 {
        let request = AuditRequest::List {
            app: app.clone().map(Text),
            act: act.map(Text),
            before,
            limit: left.min(limits::AUDIT_PAGE),
        };
        let Answer::AuditEntries { entries, next } = reach.ask(Request::Audit(request))? else {
            return Err(super::strange());
        };
        left -= entries.len().min(left);
        entries.iter().try_for_each(|entry| out.put(entry, output::audit_entry))?;
        if next.is_none() {
            break;
        }
        before = next;
    }
    Ok(())
}

fn write(arguments: ExportArgs, reach: &mut Reach, out: &mut Output<'_>) -> Result<(), Failure> {
    let ExportArgs { app, output } = arguments;
    let app = || app.clone().map(Text);
    let to_stdout = output.as_os_str() == "-";
    // What stands in the way of the file is found before the log tells of an export.
    let mut file = if to_stdout {
        None
    } else {
        Some((BufWriter::new(private_file::open_new(&output)?), &output))
    };
    let begun = reach.ask(Request::Audit(AuditRequest::Export { app: app() }));
    let Answer::AuditEnd { end } = begun? else { return Err(super::strange()) };
    let mut after = Some(end.first.saturating_sub(1)).filter(|_| end.first <= end.last);
    while let Some(from) = after {
        let request = AuditRequest::Lines { app: app(), after: from, upto: end.last };
        let Answer::AuditLines { lines, next } = reach.ask(Request::Audit(request))? else {
            return Err(super::strange());
        };
        lines.iter().try_for_each(|line| put(line, &mut file, out))?;
        after = next;
    }
    let line = EndLine { end };
    put(&line, &mut file, out)?;
    let Some((file, path)) = file else { return Ok(()) };
    let written = file.into_inner().map_err(io::IntoInnerError::into_error);
    let written = written.and_then(|file| file.sync_all());
    written.map_err(unwritten(path))?;
    out.put(&line.end, |end| {
        let entries = (end.last + 1).saturating_sub(end.first);
        format!("{entries} entries; the last is {} with the hash {}", end.last, end.hash)
    })
}

/// Writes a line of an export.
fn put(
    line: &impl Serialize,
    file: &mut Option<(BufWriter<File>, &PathBuf)>,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let text = serde_json::to_string(line).map_err(|error| output::unwritten(error.into()))?;
    match file {
        None => out.line(&text),
        Some((file, path)) => writeln!(file, "{text}").map_err(unwritten(path)),
    }
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    Failure::io(format!("write {}", path.display()))
}

/// Verifies an export.
fn of_file(path: &Path) -> Result<ChainView, Failure> {
    let unread = || Failure::io(format!("read {}", path.display()));
    let file: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unread())?)
    };
    let app = |number: u32| (number > 0).then(|| number.to_string());
    match export::verify(BufReader::new(file)) {
        Ok((number, whole)) => Ok(ChainView::whole(app(number), &whole)),
        Err(BadFile::Io(error)) => Err(unread()(error)),
        Err(bad) => {
            let at = match &bad {
                BadFile::Broken(broken) => Some(broken.number),
                _ => None,
            };
            Ok(ChainView::broken(None, at, explain(&bad)))
        }
    }
}

/// Prints how chains are.
fn tell(chains: &[ChainView], out: &mut Output<'_>) -> Result<Exit, Failure> {
    chains.iter().try_for_each(|chain| out.put(chain, output::audit_chain))?;
    let whole = chains.iter().all(|chain| chain.whole);
    Ok(if whole { Exit::Done } else { Exit::No })
}
