//! `stoa residency`: where data lie and with whom the server spoke, signed, and whether such a report is genuine.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoa_core::AppKey;
use stoa_seal::{PublicKey, Purpose, Signature};

use super::output::{self, Output};
use super::reach::{Common, Reach};
use crate::admin::{Answer, HostView, Request, Residency, SignedReport, Text};
use crate::failure::{Exit, Failure};
use crate::node::Founding;
use crate::private_file;

/// Bytes of a report at the most, so that a file that is none is not read for ever.
const REPORT_BYTES: u64 = 256 << 20;

/// What can be done about residency.
#[derive(Debug, Subcommand)]
pub enum ResidencyCommand {
    /// Say where each class of data lies and which hosts were contacted, signed; exit code 1 when one is
    /// foreign and nobody permits that
    Report(ReportArgs),
    /// Check a report without the server: exit code 1 when it is not as it was signed, or not by this key
    Verify(VerifyArgs),
}

/// Arguments of `residency report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Only this app [default: all]
    #[arg(long, value_name = "ORG#APP")]
    app: Option<AppKey>,
    /// Write the signed report to this new file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Arguments of `residency verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The data centre's public key, 64 hexadecimal digits, as its operator told it
    #[arg(long = "public-key", value_name = "DIGITS")]
    signer: PublicKey,
}

/// A report in a file. What is signed are the bytes of `report` as they stand there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportFile<'a> {
    #[serde(borrow)]
    report: &'a RawValue,
    public_key: String,
    signature: String,
}

/// Carries out a command: [`Exit::No`] for a foreign host, and for a report that is not genuine.
///
/// # Errors
/// [`Failure`].
pub fn run(
    command: ResidencyCommand,
    common: Common,
    out: &mut Output<'_>,
) -> Result<Exit, Failure> {
    match command {
        ResidencyCommand::Report(arguments) => report(arguments, common, out),
        ResidencyCommand::Verify(VerifyArgs { file, signer }) => verify(&file, &signer, out),
    }
}

fn report(arguments: ReportArgs, common: Common, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let ReportArgs { app, output } = arguments;
    // What stands in the way of the file is found before the log tells of a report.
    let file = match &output {
        Some(path) => Some((private_file::open_new(path)?, path)),
        None => None,
    };
    let mut reach = Reach::open(&common.load()?, Founding::Refused)?;
    let asked = reach.ask(Request::Residency { app: app.map(Text) });
    let Answer::Residency { signed } = reach.close(asked)? else { return Err(super::strange()) };
    let SignedReport { report, public_key, signature } = signed;
    let raw = RawValue::from_string(report).map_err(|_| super::strange())?;
    let said: Residency = serde_json::from_str(raw.get()).map_err(|_| super::strange())?;
    let signed = ReportFile { report: &raw, public_key, signature };
    let text = serde_json::to_string(&signed).map_err(|error| output::unwritten(error.into()))?;
    if let Some((mut file, path)) = file {
        let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
        written.map_err(Failure::io(format!("write {}", path.display())))?;
    }
    out.put(&signed, |signed| readable(&said, &signed.public_key))?;
    Ok(if said.foreign > 0 { Exit::No } else { Exit::Done })
}

/// What a report says, for people.
fn readable(report: &Residency, public_key: &str) -> String {
    let mut lines = vec![format!(
        "data centre {}, {}, records kept by the {} engine",
        report.region,
        output::date(report.made),
        report.engine
    )];
    for place in &report.places {
        lines.push(format!("  {}\t{}\tin {}", place.holds, place.directory, place.region));
    }
    lines.push("classes of data".into());
    for class in &report.classes {
        let places = class.lies_in.join(" and ");
        lines.push(format!(
            "  {}\t{}\tin {} ({places})",
            class.name, class.classification, class.region
        ));
    }
    let host = |host: &HostView| {
        format!(
            "  {}\t{}\t{}\t{}\t{} times, last {}",
            host.standing.to_uppercase(),
            host.host,
            host.kind,
            host.region.as_deref().unwrap_or("nobody knows where"),
            host.count,
            output::date(host.last)
        )
    };
    for app in &report.apps {
        let fence = if app.geofence { "geofence on" } else { "geofence off" };
        let permits = app.permits.len();
        lines.push(format!("{}\tin {}\t{fence}\t{permits} permissions", app.app_key, app.region));
        match app.hosts.as_slice() {
            [] => lines.push("  no host was contacted".into()),
            hosts => lines.extend(hosts.iter().map(host)),
        }
    }
    if !report.hosts.is_empty() {
        lines.push("other data centres".into());
        lines.extend(report.hosts.iter().map(host));
    }
    lines.push(format!(
        "{} foreign hosts; contacts are known since {}",
        report.foreign,
        output::date(report.contacts_since)
    ));
    lines.push(format!("signed with {public_key}"));
    lines.join("\n")
}

fn verify(path: &Path, signer: &PublicKey, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let unread = || Failure::io(format!("read {}", path.display()));
    let size = std::fs::metadata(path).map_err(unread())?.len();
    if size > REPORT_BYTES {
        return Err(Failure::Refused(format!("{} is too large for a report", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(unread())?;
    let said = genuine(&text, signer)
        .map_err(|why| Failure::Refused(format!("{} is not genuine: {why}", path.display())))?;
    let Residency { made, region, foreign, .. } = &said;
    out.put(&said, |_| {
        format!(
            "genuine: of data centre {region}, {}, {foreign} foreign hosts",
            output::date(*made)
        )
    })?;
    Ok(Exit::Done)
}

/// What a report says that `signer` has signed.
fn genuine(text: &str, signer: &PublicKey) -> Result<Residency, String> {
    let file: ReportFile<'_> =
        serde_json::from_str(text).map_err(|error| format!("it is no report ({error})"))?;
    if file.public_key.parse() != Ok(*signer) {
        return Err("another key is named in it".into());
    }
    let digits = file.signature.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.map(byte).collect();
    let signature = bytes.and_then(|bytes| Signature::try_from(bytes.as_slice()).ok());
    let signature = signature.ok_or("its signature is none")?;
    let report = file.report.get();
    let signed = signer.verify(Purpose::Residency, report.as_bytes(), &signature);
    signed.map_err(|error| error.to_string())?;
    serde_json::from_str(report).map_err(|error| format!("a later version wrote it ({error})"))
}
