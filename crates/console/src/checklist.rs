//! The checklist: whether a server and its apps are kept as they should be, after the two lists that the vendor
//! gives its customers (identity and secrecy; lifetime and place) and what they imply.
//!
//! Facts go in, items come out: nothing here looks anything up, so the command line and the console say the
//! same. Each item that is not as it should be says what mends it.

use std::time::Duration;

use stoa_core::{App, AuthPolicy, Names, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);
/// The longest life of a token that is reasonable: a working day.
const TOKEN_LIFE_S: u64 = 12 * 3600;
/// How old an app's certificate may get.
const CERTIFICATE_DAYS: u64 = 365;
/// From which age on it is to be thought of.
const CERTIFICATE_OLD_DAYS: u64 = 335;
/// So long before its end a TLS certificate should have been renewed, in days.
const TLS_SOON_DAYS: u64 = 14;

/// How an item came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Pass,
    /// Not to be decided here: the owner of the app has to see to it.
    Stated,
    /// It does not concern this server or app.
    NotApplicable,
    /// Should be mended.
    Warn,
    /// Has to be mended.
    Fail,
}

impl Status {
    /// The name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Stated => "stated",
            Self::NotApplicable => "not_applicable",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What, for programs: does not change.
    pub id: &'static str,
    /// What, for people.
    pub title: &'static str,
    /// The app; none: the server.
    pub app: Option<String>,
    /// How it came out.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// What mends it.
    pub mend: Option<String>,
}

/// What is known of the volume that the vault is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Overwriting there is real.
    Plain,
    /// What is overwritten may stay: copies on write, snapshots.
    CopyOnWrite,
    /// Not known.
    Unknown,
}

/// The token server of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenServerFacts {
    /// It listens where others than the owner's machines can reach it.
    pub public: bool,
    /// It lets nobody in without a client certificate.
    pub certificates_required: bool,
}

/// What is known of the server.
#[derive(Debug, Clone)]
pub struct NodeFacts {
    /// The present.
    pub now: Timestamp,
    /// It listens without TLS too.
    pub plain_http: bool,
    /// When the TLS certificate ends; none: the server's own authority renews it.
    pub tls_until: Option<Result<Timestamp, String>>,
    /// Files and directories with secrets that others can read, each with the command that mends it.
    pub open_to_others: Vec<(String, String)>,
    /// Secrets that can be guessed: what they are.
    pub weak_secrets: Vec<String>,
    /// How many directories the vault is mirrored to.
    pub mirrors: usize,
    /// The volume of the vault, and the name of its file system.
    pub volume: (Volume, String),
    /// It knows in which country addresses are, from a database or from ranges.
    pub knows_countries: bool,
    /// The process may leave its memory in a core dump.
    pub core_dumps: bool,
    /// Chains of the audit log that do not hold: what is wrong with them.
    pub broken_chains: Vec<String>,
    /// The token server, if there is one.
    pub token_server: Option<TokenServerFacts>,
}

/// A client of the token server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// Its name.
    pub name: String,
    /// It shows a certificate.
    pub certificate: bool,
    /// It may call from certain addresses only.
    pub has_addresses: bool,
}

/// What is known of an app.
#[derive(Debug, Clone)]
pub struct AppFacts {
    /// Its settings and certificates.
    pub app: App,
    /// When a token of a user was last shown that its back end made, by itself or through the server.
    pub last_back_end_token: Option<Timestamp>,
    /// When one was last shown that was given for a password.
    pub last_door_token: Option<Timestamp>,
    /// The longest life of a token that was shown in seven days, in seconds.
    pub longest_life_s: u64,
    /// User names that were made in seven days.
    pub users: Names,
    /// Ids of groups that were made in seven days.
    pub groups: Names,
    /// Ids of rooms that were made in seven days.
    pub rooms: Names,
    /// Its clients of the token server.
    pub clients: Vec<ClientFacts>,
}

/// What came of one look, before it is known whose.
type Verdict = (Status, String, Option<String>);

fn pass(reason: impl Into<String>) -> Verdict {
    (Status::Pass, reason.into(), None)
}

fn warn(reason: impl Into<String>, mend: impl Into<String>) -> Verdict {
    (Status::Warn, reason.into(), Some(mend.into()))
}

fn fail(reason: impl Into<String>, mend: impl Into<String>) -> Verdict {
    (Status::Fail, reason.into(), Some(mend.into()))
}

fn item(id: &'static str, title: &'static str, app: Option<&App>, verdict: Verdict) -> Item {
    let (status, reason, mend) = verdict;
    Item { id, title, app: app.map(|app| app.key.to_string()), status, reason, mend }
}

/// The items of the server, and then of each app.
pub fn checklist(node: &NodeFacts, apps: &[AppFacts]) -> Vec<Item> {
    let mut items = of_node(node);
    for app in apps {
        items.extend(of_app(node, app));
    }
    items
}

/// Whether anything has to be mended.
pub fn has_failed(items: &[Item]) -> bool {
    items.iter().any(|item| item.status == Status::Fail)
}

fn of_node(node: &NodeFacts) -> Vec<Item> {
    let on = |id, title, verdict| item(id, title, None, verdict);
    vec![
        on("tls_only", "Clients are reached over TLS only", tls_only(node)),
        on("tls_certificate", "The TLS certificate is not near its end", tls_certificate(node)),
        on("secrets_strong", "Secrets cannot be guessed", secrets_strong(node)),
        on("secrets_private", "Secrets are their owner's alone", secrets_private(node)),
        on("core_dumps_off", "Memory is not left in core dumps", core_dumps(node)),
        on("vault_mirrored", "The vault has a mirror", vault_mirrored(node)),
        on("vault_volume", "What is destroyed on the vault's volume is gone", vault_volume(node)),
        on("audit_whole", "The audit log is whole", audit_whole(node)),
    ]
}

fn tls_only(node: &NodeFacts) -> Verdict {
    if node.plain_http {
        return fail(
            "the server listens without TLS too (plain-http), and clients are told that address",
            "take plain-http out of the configuration and restart; to end TLS in front of the server, let the proxy speak TLS to it",
        );
    }
    pass("every listener for clients speaks TLS 1.2 or 1.3")
}

fn tls_certificate(node: &NodeFacts) -> Verdict {
    const MEND: &str = "put a renewed pair into the files of tls-certificate and tls-key; it counts within a minute";
    match &node.tls_until {
        None => pass("the server's own authority issues and renews it"),
        Some(Err(why)) => fail(why.clone(), MEND),
        Some(Ok(until)) if node.now >= *until => fail("it is over", MEND),
        Some(Ok(until)) => {
            let days = until.since(node.now).as_secs() / DAY.as_secs();
            let reason = format!("it ends in {days} days");
            if days < TLS_SOON_DAYS { fail(reason, MEND) } else { pass(reason) }
        }
    }
}

fn secrets_strong(node: &NodeFacts) -> Verdict {
    if node.weak_secrets.is_empty() {
        return pass(
            "keys and certificates are random; the server does not start with a weak root key",
        );
    }
    fail(
        format!("can be guessed: {}", node.weak_secrets.join(", ")),
        "stoa app certificate rotate --overlap 0 --key APP --certificate-file FILE, and stoa app server-certificate rotate --leaked --key APP",
    )
}

fn secrets_private(node: &NodeFacts) -> Verdict {
    if node.open_to_others.is_empty() {
        return pass("data, vault, root key and TLS key are open to nobody else");
    }
    let (found, mend): (Vec<_>, Vec<_>) = node.open_to_others.iter().cloned().unzip();
    fail(found.join("; "), mend.join("; "))
}

fn core_dumps(node: &NodeFacts) -> Verdict {
    if node.core_dumps {
        return fail(
            "core-dumps is true: a crash can write keys and messages to the disk",
            "take core-dumps out of the configuration and restart",
        );
    }
    pass("the system is told to make none")
}

fn vault_mirrored(node: &NodeFacts) -> Verdict {
    match node.mirrors {
        0 => fail(
            "there is one copy of the vault: whoever loses it loses all data",
            "name a directory on another disk as key-mirrors and restart; it is filled at the start",
        ),
        mirrors => pass(format!("there are {} copies of it", mirrors + 1)),
    }
}

fn vault_volume(node: &NodeFacts) -> Verdict {
    const MEND: &str = "move the vault (keys, key-mirrors) to a plain file system without snapshots, such as ext4 or xfs";
    let (volume, name) = &node.volume;
    match volume {
        Volume::Plain => pass(format!("{name} overwrites in place")),
        Volume::CopyOnWrite => {
            fail(format!("{name} copies on write: what is overwritten may stay below it"), MEND)
        }
        Volume::Unknown => {
            warn(format!("it is not known whether {name} overwrites in place"), MEND)
        }
    }
}

fn audit_whole(node: &NodeFacts) -> Verdict {
    if node.broken_chains.is_empty() {
        return pass("every chain holds, from the oldest entry that is kept to the last");
    }
    fail(
        node.broken_chains.join("; "),
        "compare with the last export (stoa audit verify --file), and find out who writes to the data directory",
    )
}

fn of_app(node: &NodeFacts, facts: &AppFacts) -> Vec<Item> {
    let app = &facts.app;
    let on = |id, title, verdict| item(id, title, Some(app), verdict);
    vec![
        on("token_authentication", "Users prove themselves by tokens", token_authentication(app)),
        on("no_certificate_off", "Nobody comes in by the App ID alone", no_certificate(app)),
        on("tokens_006_off", "Tokens of format 006 are refused", tokens_006(app)),
        on("token_server_used", "A token server is in use", token_server_used(node, facts)),
        on(
            "token_server_guarded",
            "The token server is guarded",
            token_server_guarded(node, facts),
        ),
        on("token_lifetimes", "Tokens are short-lived", token_lifetimes(facts)),
        on("ids_random", "User, group and room ids say nothing", ids_random(facts)),
        on("certificate_rotated", "The App Certificate is not old", certificate_rotated(node, app)),
        on(
            "server_certificate_rotated",
            "The server certificate is not old",
            server_certificate_rotated(node, app),
        ),
        on("geofence", "Only clients of the wanted places are served", geofence(node, app)),
        on("retention_set", "How long messages are kept was chosen", retention_set(app, node.now)),
    ]
}

fn token_authentication(app: &App) -> Verdict {
    let mend = format!("stoa app set auth token --key {}", app.key);
    match app.auth {
        AuthPolicy::Token => pass("only tokens made with the App Certificate are taken"),
        AuthPolicy::TokenOrPassword => {
            warn("passwords are taken too: whoever knows one gets in", mend)
        }
        AuthPolicy::Open => fail("anybody can register and get in", mend),
    }
}

fn no_certificate(app: &App) -> Verdict {
    match app.auth {
        AuthPolicy::Open => fail(
            "auth is open, which is the vendor's 'No certificate'",
            format!("stoa app set auth token --key {}", app.key),
        ),
        AuthPolicy::Token | AuthPolicy::TokenOrPassword => pass("registration needs an app token"),
    }
}

fn tokens_006(app: &App) -> Verdict {
    if app.tokens.accepts_006 {
        return fail(
            "such a token can be turned into one for other users and rooms",
            format!("stoa app set accept-006 false --key {}", app.key),
        );
    }
    pass("only format 007 is taken")
}

fn token_server_used(node: &NodeFacts, facts: &AppFacts) -> Verdict {
    let mend = format!(
        "let the app's back end make tokens, or use Stoa's: token-server-listen and 'stoa token-server client issue --app {} …' (docs/token-server.md)",
        facts.app.key
    );
    let within = |at: Option<Timestamp>| at.is_some_and(|at| node.now.since(at) < DAY);
    if within(facts.last_back_end_token) {
        return pass("a token that the app's back end made was shown within 24 hours");
    }
    if within(facts.last_door_token) {
        return fail("within 24 hours users came in by password only", mend);
    }
    if node.now.since(facts.app.created) < DAY {
        return warn("the app is new, and nobody has come in with a token yet", mend);
    }
    fail("no token of the app was shown within 24 hours", mend)
}

fn token_server_guarded(node: &NodeFacts, facts: &AppFacts) -> Verdict {
    let clients = &facts.clients;
    let Some(server) = node.token_server.filter(|_| !clients.is_empty()) else {
        let reason = "the app makes its tokens itself: see that only its own servers reach what makes them, and that it asks who calls";
        return (Status::Stated, reason.into(), None);
    };
    if server.public && !server.certificates_required {
        return fail(
            "Stoa's token server can be reached by others and asks for no certificate",
            "token-server-client-certificates = \"required\"",
        );
    }
    let open: Vec<_> =
        clients.iter().filter(|client| !client.certificate && !client.has_addresses).collect();
    if let Some(client) = open.first() {
        return fail(
            format!("the client '{}' is known by a key alone, from whatever address", client.name),
            format!(
                "stoa token-server allow --app {} --name {} --address CIDR, or give it a certificate: stoa token-server client issue",
                facts.app.key, client.name
            ),
        );
    }
    pass(format!(
        "Stoa's own asks its {} clients for a certificate, or a key from known addresses",
        clients.len()
    ))
}

fn token_lifetimes(facts: &AppFacts) -> Verdict {
    let cap = u64::from(facts.app.tokens.cap_s);
    let mend = format!("stoa app set token-cap {TOKEN_LIFE_S} --key {}", facts.app.key);
    let (seen, hours) = (facts.longest_life_s.min(cap), |seconds: u64| seconds.div_ceil(3600));
    if seen > TOKEN_LIFE_S {
        let reason = format!("tokens of {} hours were shown within seven days", hours(seen));
        return fail(reason, format!("make shorter ones, or {mend}"));
    }
    if cap > TOKEN_LIFE_S {
        let reason = format!("tokens of up to {} hours are taken", hours(cap));
        return warn(reason, mend);
    }
    pass(format!("no token lives longer than {} hours", hours(cap)))
}

fn ids_random(facts: &AppFacts) -> Verdict {
    let AppFacts { users, groups, rooms, .. } = facts;
    let mend = format!(
        "give users random names of at least 64 bits (a UUID): Stoa's token server does so by itself and keeps the app's own ids to itself ('stoa token-server client issue --app {} …')",
        facts.app.key
    );
    if groups.sequential + rooms.sequential > 0 {
        return fail(
            "ids of groups or rooms follow each other",
            "report this: the server draws them",
        );
    }
    let counted = format!(
        "of {} user names that were made in seven days {} are sequential, {} digits only, {} look like e-mail, {} like a telephone number, {} hold less than 64 bits; {} group and room ids were drawn at random",
        users.made,
        users.sequential,
        users.digits_only,
        users.email,
        users.phone,
        users.short,
        groups.made + rooms.made
    );
    if users.made == 0 {
        let reason = "no user was registered in the last seven days; ids of groups and rooms are drawn at random";
        return (Status::NotApplicable, reason.into(), None);
    }
    let recent = format!("{} of the last {}", users.recent_flawed, users.recent);
    if users.recent_flawed * 4 > users.recent {
        return fail(
            format!("{recent} user names can be guessed or say who it is; {counted}"),
            mend,
        );
    }
    if users.recent_flawed > 0 {
        return warn(
            format!("{recent} user names can be guessed or say who it is; {counted}"),
            mend,
        );
    }
    pass(format!("none of the last {} user names; {counted}", users.recent))
}

fn certificate_rotated(node: &NodeFacts, app: &App) -> Verdict {
    let mend = format!("stoa app certificate rotate --key {} --certificate-file FILE", app.key);
    let oldest = app.certificates.iter().map(|certificate| certificate.created).min();
    let Some(oldest) = oldest else { return fail("there is none", mend) };
    by_age(node.now, oldest, "the oldest was made", mend)
}

fn server_certificate_rotated(node: &NodeFacts, app: &App) -> Verdict {
    // A former one ends by itself.
    let made = app.server_certificate.certificate().created;
    let mend = format!("stoa app server-certificate rotate --key {}", app.key);
    by_age(node.now, made, "it was made", mend)
}

/// What comes of the age of a certificate that was `made` then.
fn by_age(now: Timestamp, made: Timestamp, what: &str, mend: String) -> Verdict {
    let days = now.since(made).as_secs() / DAY.as_secs();
    let reason = format!("{what} {days} days ago");
    match days {
        CERTIFICATE_DAYS.. => fail(reason, mend),
        CERTIFICATE_OLD_DAYS.. => warn(reason, mend),
        _ => pass(reason),
    }
}

fn geofence(node: &NodeFacts, app: &App) -> Verdict {
    let area = match &app.place.service_area {
        None => format!("the countries of region {}", app.region),
        Some(countries) => {
            let countries: Vec<_> = countries.iter().map(ToString::to_string).collect();
            format!("the countries {}", countries.join(", "))
        }
    };
    if !app.place.geofence {
        let reason = format!(
            "it is off: the app's data stay in region {}, and its clients may be anywhere. Where the law asks for more: stoa app set geofence on --key {}",
            app.region, app.key
        );
        return (Status::Stated, reason, None);
    }
    if !node.knows_countries {
        return fail(
            "it is on, and the server knows the country of no address: nobody is let in",
            "name a database as geo-database, or ranges as geofence-ranges, and restart",
        );
    }
    pass(format!("clients in {area} are let in, and nobody of whom no country is known"))
}

fn retention_set(app: &App, now: Timestamp) -> Verdict {
    let days = app.chat.messages_kept(now).as_secs() / DAY.as_secs();
    let kept = format!("messages are kept for {days} days, files for 7");
    if app.plan_chosen {
        return pass(kept);
    }
    fail(
        format!("{kept}, because nobody said otherwise"),
        format!("stoa app set plan PLAN --key {}", app.key),
    )
}

#[cfg(test)]
mod tests;
