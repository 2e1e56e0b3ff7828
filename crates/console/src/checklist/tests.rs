//! Each item broken in turn, and mended.

use stoa_core::{AppNumber, Certificate, Region, SeededEntropy, ServerCertificate};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn ago(days: u64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() - days * 86_400)
}

fn good_node() -> NodeFacts {
    NodeFacts {
        now: NOW,
        plain_http: false,
        tls_until: Some(Ok(NOW.plus(DAY * 60))),
        open_to_others: Vec::new(),
        weak_secrets: Vec::new(),
        mirrors: 1,
        volume: (Volume::Plain, "ext4".into()),
        knows_countries: true,
        core_dumps: false,
        broken_chains: Vec::new(),
        token_server: Some(TokenServerFacts { public: true, certificates_required: true }),
    }
}

fn good_app() -> AppFacts {
    let (number, key) = (AppNumber(1), "acme#support".parse().unwrap());
    let entropy = SeededEntropy::new(1);
    let mut app = App::new(number, key, Region::Eu, ago(30), AuthPolicy::Token, &entropy);
    app.tokens.cap_s = 3600;
    app.plan_chosen = true;
    app.place.geofence = true;
    AppFacts {
        app,
        last_back_end_token: Some(NOW),
        last_door_token: None,
        longest_life_s: 3600,
        users: Names { made: 40, recent: 32, ..Names::default() },
        groups: Names { made: 7, ..Names::default() },
        rooms: Names::default(),
        clients: vec![ClientFacts {
            name: "back-end".into(),
            certificate: true,
            has_addresses: false,
        }],
    }
}

fn server_certificate(created: Timestamp) -> ServerCertificate {
    ServerCertificate::random(&SeededEntropy::new(2), created)
}

fn status_of(items: &[Item], id: &str) -> Status {
    items.iter().find(|item| item.id == id).unwrap_or_else(|| panic!("no item {id}")).status
}

#[test]
fn a_server_that_is_kept_well_passes() {
    let items = checklist(&good_node(), &[good_app()]);
    assert!(!has_failed(&items));
    for item in &items {
        assert_eq!(item.status, Status::Pass, "{item:?}");
        assert!(item.mend.is_none() && !item.reason.is_empty());
    }
    let mut ids: Vec<_> = items.iter().map(|item| item.id).collect();
    ids.sort_unstable();
    assert!(ids.is_sorted_by(|a, b| a < b), "ids are given once");
    assert_eq!(items.iter().filter(|item| item.app.is_some()).count(), 11);
}

type Breaks = fn(&mut NodeFacts, &mut AppFacts);

/// What makes each item fail, and what its advice has to name.
const BROKEN: &[(&str, &str, Breaks)] = &[
    ("tls_only", "plain-http", |node, _| node.plain_http = true),
    ("tls_certificate", "tls-certificate", |node, _| {
        node.tls_until = Some(Ok(NOW.plus(DAY * 13)));
    }),
    ("tls_certificate", "tls-key", |node, _| node.tls_until = Some(Ok(NOW))),
    ("tls_certificate", "tls-key", |node, _| node.tls_until = Some(Err("it is malformed".into()))),
    ("secrets_strong", "certificate rotate", |node, _| {
        node.weak_secrets = vec!["a certificate of acme#support".into()];
    }),
    ("secrets_private", "chmod 600 key", |node, _| {
        node.open_to_others = vec![("key is open to others".into(), "chmod 600 key".into())];
    }),
    ("core_dumps_off", "core-dumps", |node, _| node.core_dumps = true),
    ("vault_mirrored", "key-mirrors", |node, _| node.mirrors = 0),
    ("vault_volume", "ext4", |node, _| node.volume = (Volume::CopyOnWrite, "btrfs".into())),
    ("audit_whole", "audit verify", |node, _| node.broken_chains = vec!["entry 7".into()]),
    ("token_authentication", "app set auth token", |_, facts| facts.app.auth = AuthPolicy::Open),
    ("no_certificate_off", "app set auth token", |_, facts| facts.app.auth = AuthPolicy::Open),
    ("tokens_006_off", "accept-006 false", |_, facts| facts.app.tokens.accepts_006 = true),
    ("token_server_used", "token-server-listen", |_, facts| {
        facts.last_back_end_token = Some(ago(1));
    }),
    ("token_server_used", "client issue", |_, facts| {
        (facts.last_back_end_token, facts.last_door_token) = (None, Some(NOW));
    }),
    ("token_server_guarded", "required", |node, _| {
        node.token_server = Some(TokenServerFacts { public: true, certificates_required: false });
    }),
    ("token_server_guarded", "--name back-end --address", |_, facts| {
        facts.clients[0].certificate = false;
    }),
    ("token_lifetimes", "token-cap 43200", |_, facts| {
        (facts.app.tokens.cap_s, facts.longest_life_s) = (86_400, 86_400);
    }),
    ("ids_random", "token server", |_, facts| facts.users.recent_flawed = 9),
    ("ids_random", "report", |_, facts| facts.groups.sequential = 1),
    ("certificate_rotated", "certificate rotate", |_, facts| {
        facts.app.certificates[0].created = ago(365);
    }),
    ("server_certificate_rotated", "server-certificate rotate", |_, facts| {
        facts.app.server_certificate = server_certificate(ago(365));
    }),
    ("geofence", "geo-database", |node, _| node.knows_countries = false),
    ("retention_set", "app set plan", |_, facts| facts.app.plan_chosen = false),
];

#[test]
fn each_item_turns_red_by_itself_and_says_what_mends_it() {
    for (id, advice, breaks) in BROKEN {
        let (mut node, mut app) = (good_node(), good_app());
        breaks(&mut node, &mut app);
        let items = checklist(&node, &[app]);
        let failed: Vec<_> = items.iter().filter(|item| item.status == Status::Fail).collect();
        assert!(has_failed(&items));
        let found = failed.iter().find(|item| item.id == *id).unwrap_or_else(|| panic!("{id}"));
        let mend = found.mend.as_deref().unwrap_or_default();
        assert!(mend.contains(advice), "{id}: {mend}");
        // An open app is two of them.
        let others = failed.iter().filter(|item| item.id != *id).map(|item| item.id);
        let allowed = ["token_authentication", "no_certificate_off"];
        assert!(others.into_iter().all(|other| allowed.contains(&other)), "{id}");
    }
    // Whatever can fail was made to fail.
    let all = checklist(&good_node(), &[good_app()]);
    for item in &all {
        assert!(BROKEN.iter().any(|(id, ..)| *id == item.id), "{} is never broken here", item.id);
    }
}

#[test]
fn what_is_not_as_bad_is_told_without_failing() {
    let warned = |id, breaks: Breaks| {
        let (mut node, mut app) = (good_node(), good_app());
        breaks(&mut node, &mut app);
        let items = checklist(&node, &[app]);
        assert!(!has_failed(&items), "{id}");
        status_of(&items, id)
    };
    let warn = Status::Warn;
    let password: Breaks = |_, facts| facts.app.auth = AuthPolicy::TokenOrPassword;
    assert_eq!(warned("token_authentication", password), warn);
    assert_eq!(warned("vault_volume", |node, _| node.volume.0 = Volume::Unknown), warn);
    assert_eq!(warned("ids_random", |_, facts| facts.users.recent_flawed = 8), warn);
    assert_eq!(warned("token_lifetimes", |_, facts| facts.app.tokens.cap_s = 86_400), warn);
    let old: Breaks = |_, facts| facts.app.certificates[0].created = ago(335);
    assert_eq!(warned("certificate_rotated", old), warn);
    let old: Breaks = |_, facts| facts.app.server_certificate = server_certificate(ago(335));
    assert_eq!(warned("server_certificate_rotated", old), warn);
    let former: Breaks = |_, facts| {
        facts.app.former_server_certificate = Some(server_certificate(ago(400)).ending(NOW));
    };
    assert_eq!(warned("server_certificate_rotated", former), Status::Pass, "it ends by itself");
    let new: Breaks = |_, facts| {
        (facts.last_back_end_token, facts.app.created) = (None, NOW);
    };
    assert_eq!(warned("token_server_used", new), warn);
    let own: Breaks = |_, facts| facts.clients.clear();
    assert_eq!(warned("token_server_guarded", own), Status::Stated);
    let nobody: Breaks = |_, facts| facts.users = Names::default();
    assert_eq!(warned("ids_random", nobody), Status::NotApplicable);
    assert_eq!(warned("geofence", |_, facts| facts.app.place.geofence = false), Status::Stated);
    assert_eq!(warned("tls_certificate", |node, _| node.tls_until = None), Status::Pass);
}

#[test]
fn a_shorter_cap_mends_long_tokens_and_a_rotation_an_old_certificate() {
    let mut facts = good_app();
    (facts.app.tokens.cap_s, facts.longest_life_s) = (86_400, 86_400);
    facts.app.certificates[0].created = ago(400);
    let items = checklist(&good_node(), &[facts.clone()]);
    assert_eq!(status_of(&items, "token_lifetimes"), Status::Fail);
    facts.app.tokens.cap_s = 43_200;
    facts.app.certificates = vec![Certificate::random(&SeededEntropy::new(2), NOW)];
    let items = checklist(&good_node(), &[facts]);
    assert_eq!(status_of(&items, "token_lifetimes"), Status::Pass);
    assert_eq!(status_of(&items, "certificate_rotated"), Status::Pass);
}
