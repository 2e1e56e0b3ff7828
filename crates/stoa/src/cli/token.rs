//! `stoa token`: make, read and verify access tokens without a server.
//!
//! Certificates come from a file or from standard input, never from an argument: arguments stand in
//! the list of processes and in the shell's history.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::output::Output;
use crate::failure::{Exit, Failure};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use stoa_core::{Clock as _, Entropy, Secret, SystemClock, SystemEntropy};
use stoa_token::{
    BuildError, Builder007, Expectation, Requirement, RtcRole, ServiceType, Verified, parse,
    vectors, verify,
};

/// Access tokens: make, read and verify them.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token (format 007)
    Build(BuildArgs),
    /// Show what a token says, without any check of who made it
    Inspect(InspectArgs),
    /// Say whether a token is genuine and grants what is asked
    Verify(VerifyArgs),
    /// Run a file of test vectors
    Check(CheckArgs),
}

/// Arguments of `token build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The App ID, 32 hexadecimal characters
    #[arg(long)]
    app_id: String,
    /// The file that holds the App Certificate, or '-' for standard input
    #[arg(long, value_name = "FILE|-")]
    certificate_file: PathBuf,
    /// How long the token lives, in seconds; no token is accepted for longer than 86400
    #[arg(long, global = true, default_value_t = 3600, value_name = "SECONDS")]
    expire: u32,
    /// When it is issued, in Unix seconds [default: now]
    #[arg(long, global = true, value_name = "UNIX SECONDS")]
    issue_ts: Option<u32>,
    /// What it grants
    #[command(subcommand)]
    grant: Grant,
}

/// What a token is to grant.
#[derive(Debug, Subcommand)]
enum Grant {
    /// Chat as one user
    ChatUser {
        /// The user's name
        #[arg(long)]
        user: String,
    },
    /// Administration of chat in the whole app: for servers only
    ChatApp,
    /// One user in one class room, with its signaling and chat
    RoomUser {
        /// The room
        #[arg(long)]
        room: String,
        /// The user
        #[arg(long)]
        user: String,
        /// 0 invisible, 1 teacher, 2 student, 3 assistant, 4 observer, or the app's own
        #[arg(long, allow_negative_numbers = true)]
        role: i16,
    },
    /// The education service as one user
    EducationUser {
        /// The user
        #[arg(long)]
        user: String,
    },
    /// Administration of the education service in the whole app: for servers only
    EducationApp,
    /// Audio and video in one channel
    Rtc {
        /// The channel
        #[arg(long)]
        channel: String,
        /// The user's number or account; without it any user
        #[arg(long, default_value = "", hide_default_value = true)]
        user: String,
        /// What the user may do
        #[arg(long, value_enum, default_value_t = Role::Publisher)]
        role: Role,
    },
    /// Signaling as one user
    Rtm {
        /// The user
        #[arg(long)]
        user: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Join and publish
    Publisher,
    /// Join only
    Subscriber,
}

/// Arguments of `token inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The token, or '-' for standard input
    #[arg(value_name = "TOKEN|-")]
    token: String,
}

/// Arguments of `token verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The App ID that the token must be for
    #[arg(long)]
    app_id: String,
    /// A file that holds an App Certificate, or '-' for standard input; may be repeated
    #[arg(long, value_name = "FILE|-", required = true)]
    certificate_file: Vec<PathBuf>,
    /// The service that it must grant [default: chat, if anything of the following is asked]
    #[arg(long, value_parser = service_type, value_name = "NAME")]
    service: Option<ServiceType>,
    /// The user that it must be for
    #[arg(long)]
    user: Option<String>,
    /// The channel that it must be for (rtc, streaming, fcdn)
    #[arg(long)]
    channel: Option<String>,
    /// The class room that it must be for (apaas)
    #[arg(long)]
    room: Option<String>,
    /// The number of the privilege that it must grant [default: 1, if a user, channel or room is
    /// asked]
    #[arg(long, value_name = "NUMBER")]
    privilege: Option<u16>,
    /// The time at which to verify, in Unix seconds [default: now]
    #[arg(long, value_name = "UNIX SECONDS")]
    now: Option<u64>,
    /// Accept format 006 too, whose weaknesses no verifier can repair
    #[arg(long)]
    accept_006: bool,
    /// The token, or '-' for standard input
    #[arg(value_name = "TOKEN|-")]
    token: String,
}

/// Arguments of `token check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file of vectors (agora-token-vectors/1)
    #[arg(long, value_name = "FILE")]
    vectors: PathBuf,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("cannot read {name}: {source}")]
    Read { name: String, source: io::Error },
    #[error(transparent)]
    Answer(#[from] Failure),
    #[error("standard input can be named only once")]
    StdinTwice,
    #[error("the token cannot be made: {0}")]
    Build(#[from] BuildError),
    #[error("'{name}' does not hold an App Certificate: exactly 32 hexadecimal characters")]
    Certificate { name: String },
    #[error("{name}: {source}")]
    Vectors { name: String, source: vectors::FileError },
    #[error("the time does not fit into a token; name one with --issue-ts")]
    Time,
}

/// What a command found, when it could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Good,
    Bad,
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Read { name, source } => Self::io(format!("read {name}"))(source),
            CommandError::Answer(failure) => failure,
            error => Self::Usage(error.to_string()),
        }
    }
}

/// Carries out a command and answers how it ended: [`Exit::No`] when a token is refused or a vector
/// fails, which the answer explains.
///
/// # Errors
/// When it could not be carried out.
pub fn run(command: TokenCommand, out: &mut Output<'_>) -> Result<Exit, Failure> {
    let finding = match command {
        TokenCommand::Build(args) => build(&args, out),
        TokenCommand::Inspect(args) => inspect(&args, out),
        TokenCommand::Verify(args) => verify_token(&args, out),
        TokenCommand::Check(args) => check(&args, out),
    };
    Ok(match finding? {
        Finding::Good => Exit::Done,
        Finding::Bad => Exit::No,
    })
}

fn build(args: &BuildArgs, out: &mut Output<'_>) -> Result<Finding, CommandError> {
    let certificate = read_certificate(&args.certificate_file)?;
    let issue_ts = match args.issue_ts {
        Some(seconds) => seconds,
        None => u32::try_from(now()).map_err(|_| CommandError::Time)?,
    };
    let entropy: &dyn Entropy = &SystemEntropy;
    let salt = u32::from_le_bytes(entropy.bytes());
    let empty =
        Builder007::new(&args.app_id, certificate.expose().trim(), issue_ts, args.expire, salt);
    let builder = match &args.grant {
        Grant::ChatUser { user } => empty.chat_user(user),
        Grant::ChatApp => empty.chat_app(),
        Grant::RoomUser { room, user, role } => empty.room_user(room, user, *role),
        Grant::EducationUser { user } => empty.education_user(user),
        Grant::EducationApp => empty.education_app(),
        Grant::Rtc { channel, user, role } => {
            let role = match role {
                Role::Publisher => RtcRole::Publisher,
                Role::Subscriber => RtcRole::Subscriber,
            };
            const AS_LONG_AS_THE_TOKEN: u32 = 0;
            empty.rtc(channel, user, role, AS_LONG_AS_THE_TOKEN)
        }
        Grant::Rtm { user } => empty.rtm(user),
    };
    let token = builder.build()?;
    out.put(&json!({ "token": token }), |_| token.clone())?;
    Ok(Finding::Good)
}

fn inspect(args: &InspectArgs, out: &mut Output<'_>) -> Result<Finding, CommandError> {
    let token = read_token(&args.token)?;
    match parse(token.expose().trim()) {
        Ok(parsed) => {
            let answer = json!({
                "authenticated": false,
                "warning": "nothing was verified: anybody can have made this token",
                "token": stoa_token::json::decoded(&parsed),
            });
            write_json(out, &answer)?;
            Ok(Finding::Good)
        }
        Err(error) => refused(error, out),
    }
}

fn verify_token(args: &VerifyArgs, out: &mut Output<'_>) -> Result<Finding, CommandError> {
    let mut inputs = args.certificate_file.iter().map(PathBuf::as_path).collect::<Vec<_>>();
    inputs.push(Path::new(&args.token));
    if inputs.iter().filter(|input| is_stdin(input)).count() > 1 {
        return Err(CommandError::StdinTwice);
    }
    let secrets = args
        .certificate_file
        .iter()
        .map(|path| read_certificate(path))
        .collect::<Result<Vec<_>, _>>()?;
    let certificates: Vec<_> = secrets.iter().map(|secret| secret.expose().trim()).collect();
    let token = read_token(&args.token)?;
    let expect = Expectation {
        now: args.now.unwrap_or_else(now),
        app_id: &args.app_id,
        certificates: &certificates,
        require: args.requirement(),
        accept_006: args.accept_006,
        ..Expectation::new(0, "", &[])
    };
    match verify(token.expose().trim(), &expect) {
        Ok(verified) => {
            write_json(out, &verified_json(&verified))?;
            Ok(Finding::Good)
        }
        Err(error) => refused(error, out),
    }
}

impl VerifyArgs {
    fn requirement(&self) -> Option<Requirement<'_>> {
        let scoped = self.user.is_some() || self.channel.is_some() || self.room.is_some();
        let asked = scoped || self.privilege.is_some();
        let service = self.service.or(asked.then_some(ServiceType::Chat))?;
        Some(Requirement {
            channel: self.channel.as_deref(),
            room: self.room.as_deref(),
            user: self.user.as_deref(),
            privilege: self.privilege.or(scoped.then_some(1)),
            ..Requirement::service(service)
        })
    }
}

fn check(args: &CheckArgs, out: &mut Output<'_>) -> Result<Finding, CommandError> {
    let name = args.vectors.display().to_string();
    let text = std::fs::read_to_string(&args.vectors)
        .map_err(|source| CommandError::Read { name: name.clone(), source })?;
    let report = vectors::check(&text).map_err(|source| CommandError::Vectors { name, source })?;
    Ok(write_report(&report, out)?)
}

/// The failures, then the counts, alone on the last line.
fn write_report(report: &vectors::Report, out: &mut Output<'_>) -> Result<Finding, Failure> {
    let vectors::Report { passed, failures } = report;
    let objects = failures.iter().map(|f| json!({ "id": f.id, "reason": f.reason }));
    let object = json!({ "passed": passed, "failed": objects.collect::<Vec<_>>() });
    out.put(&object, |_| {
        let lines = failures.iter().map(|f| format!("{}: {}\n", f.id, f.reason));
        format!("{}{passed} passed, {} failed", lines.collect::<String>(), failures.len())
    })?;
    Ok(if failures.is_empty() { Finding::Good } else { Finding::Bad })
}

fn refused(error: stoa_token::Error, out: &mut Output<'_>) -> Result<Finding, CommandError> {
    write_json(out, &json!({ "refused": error.name(), "reason": error.to_string() }))?;
    Ok(Finding::Bad)
}

fn verified_json(verified: &Verified) -> Value {
    json!({
        "authenticated": true,
        "issued_at": verified.issue_ts(),
        "expires_at": verified.expires_at(),
        "granted_until": verified.granted_until(),
        "granted_by": verified.granted().map(stoa_token::json::service),
        "token": stoa_token::json::claims(verified.claims()),
    })
}

fn write_json(out: &mut Output<'_>, value: &Value) -> Result<(), Failure> {
    out.put(value, |value| format!("{value:#}"))
}

fn now() -> u64 {
    SystemClock.now().as_secs()
}

fn service_type(name: &str) -> Result<ServiceType, String> {
    ServiceType::from_name(name).ok_or_else(|| {
        let names: Vec<_> = ServiceType::ALL.iter().map(|kind| kind.name()).collect();
        format!("choose one of {}", names.join(", "))
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The text of an argument that is the text itself, or '-'.
fn read_token(argument: &str) -> Result<Secret, CommandError> {
    if argument == "-" { read_secret(Path::new(argument)) } else { Ok(Secret::new(argument)) }
}

/// The text of a file that holds a certificate, with the white space around it.
fn read_certificate(path: &Path) -> Result<Secret, CommandError> {
    let secret = read_secret(path)?;
    let text = secret.expose().trim();
    if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(secret)
    } else {
        Err(CommandError::Certificate { name: path.display().to_string() })
    }
}

fn read_secret(path: &Path) -> Result<Secret, CommandError> {
    /// More than any certificate or token has.
    const LIMIT: u64 = 64 * 1024;
    let mut text = String::new();
    let read = if is_stdin(path) {
        io::stdin().lock().take(LIMIT).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text))
    };
    let secret = Secret::new(text);
    match read {
        Ok(_) => Ok(secret),
        Err(source) => Err(CommandError::Read { name: path.display().to_string(), source }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: TokenCommand,
    }

    /// Made up; the same as the App ID of a vector would look.
    const APP_ID: &str = "0123456789abcdef0123456789abcdef";

    /// The exit code and the answer of `stoa token` with these arguments.
    fn token(args: &[&str]) -> (u8, String) {
        let cli = Cli::try_parse_from([&["token"], args].concat()).unwrap();
        let mut out = Vec::new();
        let ended = run(cli.command, &mut Output::new(false, &mut out));
        let code = ended.map_or_else(|failure| failure.exit_code(), Exit::code);
        (code, String::from_utf8(out).unwrap())
    }

    /// A file with a certificate, alone in the directory of the tests.
    fn certificate(name: &str, text: &str) -> String {
        let name = format!("stoa-token-{name}-{}.txt", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn what_is_built_verifies_and_can_be_inspected() {
        let file = certificate("good", "FEDCBA9876543210fedcba9876543210\n");
        let keys = ["--app-id", APP_ID, "--certificate-file", file.as_str()];
        let made = ["chat-user", "--user", "alice", "--expire", "60", "--issue-ts", "1800000000"];
        let (code, built) = token(&[&["build"], &keys[..], &made].concat());
        assert_eq!(code, 0);
        let built = built.trim();

        let verify = |more: &[&str]| token(&[&["verify"], &keys[..], more, &[built]].concat());
        let (code, answer) = verify(&["--user", "alice", "--now", "1800000059"]);
        assert_eq!(code, 0, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["granted_until"], 1_800_000_060);
        assert_eq!(answer["granted_by"]["user_id"], "alice");
        for (more, class) in [
            (&["--user", "bob", "--now", "1800000059"], "user_mismatch"),
            (&["--user", "alice", "--now", "1800000060"], "expired"),
            (&["--privilege", "2", "--now", "1800000059"], "privilege_missing"),
            (&["--service", "rtc", "--now", "1800000059"], "service_missing"),
        ] {
            let (code, answer) = verify(more);
            assert_eq!(code, 1);
            assert!(answer.contains(&format!("\"refused\": \"{class}\"")), "{more:?}: {answer}");
        }

        let (code, answer) = token(&["inspect", built]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((code, &answer["authenticated"]), (0, &Value::Bool(false)));
        assert_eq!(answer["token"]["services"][0]["user_id"], "alice");
        assert_eq!(token(&["inspect", "007!"]).0, 1);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let file = certificate("bad", "not a certificate");
        let keys = ["--app-id", APP_ID, "--certificate-file", file.as_str()];
        assert_eq!(token(&[&["build"], &keys[..], &["chat-app"]].concat()), (2, String::new()));
        assert_eq!(token(&[&["verify"], &keys[..], &["007"]].concat()), (2, String::new()));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn standard_input_is_read_once() {
        let args = ["verify", "--app-id", APP_ID, "--certificate-file", "-", "-"];
        assert_eq!(token(&args), (2, String::new()));
    }

    #[test]
    fn a_report_ends_with_its_counts() {
        let mut out = Vec::new();
        let failures = vec![vectors::Failure { id: "n007".into(), reason: "verifies".into() }];
        let report = vectors::Report { passed: 3, failures };
        let written = write_report(&report, &mut Output::new(false, &mut out));
        assert_eq!(written.unwrap(), Finding::Bad);
        assert_eq!(String::from_utf8(out).unwrap(), "n007: verifies\n3 passed, 1 failed\n");

        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../token/tests/vectors/tokens.json");
        let (code, answer) = token(&["check", "--vectors", file]);
        assert_eq!((code, answer.lines().last()), (0, Some("221 passed, 0 failed")));
        assert_eq!(token(&["check", "--vectors", "no such file"]).0, 4);
    }
}
