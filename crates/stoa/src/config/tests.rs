use std::ffi::OsString;
use std::path::Path;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| (name.into(), value.into())))
}

/// What a file with this text, these variables and these flags amount to.
fn configured(
    file: &str,
    variables: &[(&str, &str)],
    flags: Settings,
) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.toml");
    std::fs::write(&path, file).unwrap();
    load(flags, Some(&path), &environment(variables))
}

fn from_file(file: &str) -> Result<Config, ConfigError> {
    configured(file, &[], Settings::default())
}

fn refused(outcome: Result<Config, ConfigError>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn lists_are_lists_in_the_file_and_say_which_value_is_none() {
    let listed =
        from_file("egress-allow = ['10.0.0.0/8', 'fd00::/8']\ngeofence-ranges = []").unwrap();
    assert_eq!((listed.egress_allow.len(), listed.geofence_ranges.len()), (2, 0));
    for (file, word) in [
        ("egress-allow = ['10.0.0.0/8', '10.1.0.0/8']", "'10.1.0.0/8'"),
        ("geofence-ranges = '10.0.0.0/8'", "RANGE=COUNTRY"),
        ("egress-hosts = 'a.example=de'", "HOST=REGION"),
        ("trusted-proxies = 'proxy.example'", "ADDRESS/BITS"),
    ] {
        let refused = from_file(file).unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn everything_has_a_default() {
    let config = from_file("").unwrap();
    assert_eq!(config.data, Path::new("data"));
    assert_eq!(config.files, Path::new("data/files"));
    assert_eq!(config.keys, Path::new("data.keys"));
    assert_eq!(config.root_key, RootKey::Beside("data.keys.root".into()));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
    assert_eq!((config.plain_http, config.tls), (None, Tls::OwnCa));
    assert_eq!((config.log_level, config.log_format), (LogLevel::Info, LogFormat::Text));
    assert_eq!(config.region, None);

    let moved = from_file("data = '/srv/stoa/'").unwrap();
    assert_eq!(moved.keys, Path::new("/srv/stoa.keys"));
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let file = "data = 'file'\nregion = 'cn'\nlog-level = 'debug'";
    let variables = [("STOA_DATA", "environment"), ("STOA_REGION", "na"), ("STOA_LOG_FORMAT", "")];
    let flags = Settings { data: Some("flag".into()), ..Settings::default() };
    let config = configured(file, &variables, flags).unwrap();
    assert_eq!(config.data, Path::new("flag"));
    assert_eq!(config.region, Some(Region::Na));
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.log_format, LogFormat::Text, "an empty variable says nothing");
}

/// Two regions, as a variable or an argument has them, and as the file may.
const REGIONS: &str = r#"eu = { rest = "chat.eu.example.org", ws = "im.eu.example.org:8443", directory = "dir.eu.example.org", signing-key = "0101010101010101010101010101010101010101010101010101010101010101", certificate = "0202020202020202020202020202020202020202020202020202020202020202" }"#;

#[test]
fn every_setting_can_be_given_in_each_way() {
    let values = [
        ("data", "d"),
        ("files", "f"),
        ("keys", "k"),
        ("key-mirrors", "m1:m2"),
        ("root-key-command", "key get 7"),
        ("region", "ap"),
        ("listen", "[::1]:0"),
        ("plain-http", "127.0.0.1:80"),
        ("demo-listen", "127.0.0.1:81"),
        ("public-rest", "Chat.example.org"),
        ("public-ws", "im.example.org:444"),
        ("tls-certificate", "c"),
        ("tls-key", "p"),
        ("metrics-listen", "0.0.0.0:9090"),
        ("metrics-reach", "anywhere"),
        ("media-listen", "0.0.0.0:3478"),
        ("media-addresses", "10.0.0.9,fd00::9"),
        ("token-server-listen", "0.0.0.0:8444"),
        ("token-server-client-certificates", "required"),
        ("geo-database", "g.mmdb"),
        ("geofence-ranges", "10.0.0.0/8=DE,fd00::/8=us"),
        ("trusted-proxies", "10.0.0.1,10.1.0.0/16"),
        ("egress-allow", "10.2.0.0/16"),
        ("egress-hosts", "a.example=eu,*.b.example=na"),
        ("directory-listen", "127.0.0.1:8446"),
        ("regions", REGIONS),
        ("drain", "30"),
        ("core-dumps", "true"),
        ("log-level", "trace"),
        ("log-format", "json"),
    ];
    let mut given: Vec<_> = values.iter().map(|(name, _)| (*name).to_owned()).collect();
    given.extend(["root-key-file".into(), "root-key-env".into()]);
    let mut names = Settings::names();
    given.sort();
    names.sort();
    assert_eq!(given, names, "a new setting belongs into this test");

    let lines: Vec<_> =
        values.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
    let from_file = from_file(&lines.concat()).unwrap();
    let variable = |name: &str| format!("STOA_{}", name.to_uppercase().replace('-', "_"));
    let variables: Vec<_> = values.iter().map(|(name, value)| (variable(name), *value)).collect();
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let from_environment = configured("", &variables, Settings::default()).unwrap();
    let flags = values.iter().map(|(name, value)| format!("--{name}={value}"));
    let command = <Settings as clap::Args>::augment_args(clap::Command::new("stoa"));
    let matches = command.get_matches_from(std::iter::once("stoa".to_owned()).chain(flags));
    let flags = <Settings as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
    let from_flags = configured("", &[], flags).unwrap();

    assert_eq!(from_file, from_environment);
    assert_eq!(from_file, from_flags);
    assert_eq!(from_file.key_mirrors, [Path::new("m1"), Path::new("m2")]);
    assert_eq!(from_file.public_rest.unwrap().to_string(), "chat.example.org");
    assert_eq!(from_file.public_ws.unwrap().to_string(), "im.example.org:444");
    assert_eq!(from_file.listen.to_string(), "[::1]:0");
    assert_eq!(from_file.metrics_listen.unwrap().port(), 9090);
    assert_eq!(from_file.token_server_listen.unwrap().port(), 8444);
    assert_eq!(from_file.geofence_ranges[1].to_string(), "fd00::/8=US");
    assert_eq!((from_file.trusted_proxies.len(), from_file.egress_allow.len()), (2, 1));
    assert_eq!(from_file.egress_hosts[1].to_string(), "*.b.example=na");
    assert_eq!(from_file.directory_listen.unwrap().port(), 8446);
    assert_eq!(from_file.regions.peers(Region::Ap).count(), 1);
    assert_eq!(from_file.drain.duration().as_secs(), 30);
    assert!(from_file.core_dumps);
}

#[test]
fn regions_are_tables_of_the_file_or_a_text() {
    let table = "region = 'eu'\n[regions.eu]\nrest = 'chat.eu.example.org'\nws = 'im.eu.example.org:444'\n\
        [regions.na]\nrest = 'chat.na.example.org'\nws = 'im.na.example.org'\n";
    let config = from_file(table).unwrap();
    assert_eq!(config.regions.hosts(Region::Na).unwrap().rest_url(), "https://chat.na.example.org");
    assert_eq!(config.public_ws.unwrap().to_string(), "im.eu.example.org:444", "its own are told");
    assert!(
        config.regions.peers(Region::Eu).next().is_none()
            && config.regions.get(Region::Cn).is_none()
    );
    let named = from_file(&format!("public-rest = 'other.example.org'\n{table}")).unwrap();
    assert_eq!(named.public_rest.unwrap().to_string(), "other.example.org", "what is said wins");

    let regions = |text: &str| refused(from_file(&format!("region = 'na'\nregions = '{text}'")));
    for (told, says) in [
        (regions("xx = { rest = \"a\", ws = \"b\" }"), "'xx' is no region"),
        (regions("eu = { rest = \"a\" }"), "missing field `ws`"),
        (regions("eu = { rest = \"a\", ws = \"b\", port = 7 }"), "unknown field `port`"),
        (regions("eu = { rest = \"https://a\", ws = \"b\" }"), "eu: rest: an address is"),
        (regions("eu = { rest = \"a\", ws = \"b\", directory = \"c\" }"), "name all three or none"),
        (regions(&REGIONS.replace("0101", "xy")), "eu: signing-key: a public key is 64"),
        (regions(&REGIONS.replace("0202", "xy")), "eu: certificate: the fingerprint"),
        (regions("eu ="), "regions:"),
        (
            refused(from_file(&format!("regions = '{REGIONS}'"))),
            "say which of them this data centre is",
        ),
        (
            refused(from_file(&format!(
                "listen = '0.0.0.0:1'\nregion = 'na'\ndirectory-listen = '127.0.0.1:1'\nregions = '{REGIONS}'"
            ))),
            "is that of listen",
        ),
        (
            refused(from_file(&format!(
                "region = 'na'\nregions = '''{REGIONS}\n{}'''",
                REGIONS.replacen("eu", "cn", 1)
            ))),
            "have the same signing-key",
        ),
    ] {
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn core_dumps_are_off_unless_that_was_said() {
    let dumps = |file: &str| from_file(file).map(|config| config.core_dumps);
    assert!(!dumps("").unwrap());
    assert!(dumps("core-dumps = true").unwrap() && !dumps("core-dumps = false").unwrap());
    for wrong in ["1", "'yes'", "''"] {
        let message = dumps(&format!("core-dumps = {wrong}")).unwrap_err().to_string();
        assert!(message.contains("core-dumps: expected true or false"), "{message}");
    }
}

#[test]
fn what_is_unknown_is_refused_with_what_was_meant() {
    let message = refused(from_file("log_levle = 'info'"));
    assert!(message.contains("there is no setting 'log_levle'"), "{message}");
    assert!(message.contains("did you mean 'log-level'?"), "{message}");
    assert!(message.contains("data, files, keys, key-mirrors, root-key-file"), "{message}");
    assert!(refused(from_file("[tls]\nkey = 'x'")).contains("did you mean 'tls-key'?"));

    let message = refused(configured("", &[("STOA_LISTN", "x")], Settings::default()));
    assert!(message.starts_with("environment: there is no setting 'STOA_LISTN'"), "{message}");
    assert!(message.contains("did you mean 'STOA_LISTEN'?"), "{message}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let variables = [
        ("STOA_SERVICE_HOST", "10.0.0.1"),
        ("STOA_PORT_8443_TCP", "tcp://10.0.0.1:8443"),
        ("STOA_BIN", "stoa"),
        ("PATH", "x"),
    ];
    assert!(configured("", &variables, Settings::default()).is_ok());
}

#[test]
fn a_wrong_value_says_where_it_stands_and_what_is_allowed() {
    for (file, parts) in [
        ("region = 'mars'", ["region: 'mars' is no region", "choose cn, ap, eu or na"]),
        ("log-format = 'xml'", ["log-format: ", "expected `text` or `json`"]),
        ("listen = '8443'", ["listen: ", "socket address"]),
        ("listen = 8443", ["listen: ", "expected"]),
        ("public-rest = 'a b'", ["public-rest: ", "a host name or IP address"]),
        ("key-mirrors = 1", ["key-mirrors: ", "a text or a list of texts"]),
        ("data = 'x'\nregion = ", ["line 2: ", ""]),
        ("data = 'x'\n\nregion = 'mars'", ["test.toml, line 3: region: ", ""]),
        ("plain-http = '0.0.0.0:80'", ["plain-http: 0.0.0.0:80", "not a loopback address"]),
        ("tls-key = 'k'", ["tls-certificate and tls-key", "both or none"]),
        ("root-key-env = 'A'\nroot-key-file = 'B'", ["exclude each other", ""]),
        ("root-key-command = []", ["root-key-command", "a program must be named"]),
        ("data = '/'", ["the data directory '/'", "'keys'"]),
        ("data = 'd'\nkeys = 'd/keys'", ["must not lie in the data directory", ""]),
        ("data = 'd'\nkey-mirrors = ['d']", ["must not lie in the data directory", ""]),
    ] {
        let message = refused(from_file(file));
        for part in parts {
            assert!(message.contains(part), "{file}: {message}");
        }
    }
    let message =
        refused(load(Settings::default(), Some(Path::new("gone.toml")), &environment(&[])));
    assert!(message.starts_with("cannot read the configuration file gone.toml"), "{message}");
}

#[test]
fn the_variable_can_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("named.toml");
    std::fs::write(&path, "region = 'na'").unwrap();
    let named = [(OsString::from("STOA_CONFIG"), path.into_os_string())];
    let config = load(Settings::default(), None, &Environment::of(named)).unwrap();
    assert_eq!(config.region, Some(Region::Na));
}

#[test]
fn the_root_key_comes_from_what_was_named_last() {
    let file = "root-key-file = 'of file'";
    let beside = configured(file, &[("STOA_ROOT_KEY", "x")], Settings::default()).unwrap();
    assert_eq!(beside.root_key, RootKey::File("of file".into()), "the key itself names no source");

    let variables = [("STOA_ROOT_KEY_ENV", "OTHER")];
    let config = configured(file, &variables, Settings::default()).unwrap();
    assert_eq!(config.root_key, RootKey::Variable("OTHER".into()));

    let config = configured("", &[("STOA_ROOT_KEY", "x")], Settings::default()).unwrap();
    assert_eq!(config.root_key, RootKey::Variable("STOA_ROOT_KEY".into()));

    let config = from_file("root-key-command = ['get key', 'a b']").unwrap();
    assert_eq!(config.root_key, RootKey::Command(vec!["get key".into(), "a b".into()]));
}

#[test]
fn every_mistake_is_told_not_only_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.toml");
    let text = "log_levle = 'info'\nregion = 'mars'\nplain-http = '0.0.0.0:80'\ntls-key = 'k'\n\
                data = 'd'\nkeys = 'd/keys'\n";
    std::fs::write(&path, text).unwrap();
    let flags = Settings::default();
    let read = read(flags, Some(&path), &environment(&[("STOA_LISTEN", "x"), ("STOA_X", "y")]));
    assert!(read.config.is_none());
    let problems: Vec<_> = read.problems.iter().map(ToString::to_string).collect();
    let expected = [
        "line 1: there is no setting 'log_levle'",
        "line 2: region",
        "environment: STOA_LISTEN",
        "environment: there is no setting 'STOA_X'",
        "must not lie in the data directory",
        "tls-certificate and tls-key",
        "plain-http: 0.0.0.0:80",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, part) in problems.iter().zip(expected) {
        assert!(problem.contains(part), "{problem} has no {part}");
    }
}

#[test]
fn the_default_file_says_what_holds_without_it() {
    let text = default_file();
    assert_eq!(from_file(&text).unwrap(), from_file("").unwrap(), "it is all comments");
    let names = Settings::names();
    let said: Vec<_> = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("#")?.split_once(" = ")?.0.to_owned()))
        .filter(|name| names.contains(name))
        .collect();
    assert_eq!(said, names, "every setting once, in order");
    // Those with a default of their own say it; taken at their word they change nothing.
    let literal = |line: &str| {
        let line = line.strip_prefix('#').filter(|line| !line.starts_with(' '))?;
        (!line.contains('<')).then(|| line.to_owned())
    };
    let taken: Vec<_> = text.lines().filter_map(literal).collect();
    assert!(taken.len() >= 4, "{taken:?}");
    assert_eq!(from_file(&taken.join("\n")).unwrap(), from_file("").unwrap(), "{taken:?}");
}

#[test]
fn the_reference_has_a_row_for_every_setting() {
    let page = reference();
    for name in Settings::names() {
        assert!(page.contains(&format!("| `{name}` | `STOA_")), "{name}");
    }
}

#[test]
fn metrics_are_for_this_machine_unless_somebody_says_otherwise() {
    for address in ["127.0.0.1:9090", "[::1]:0", "127.9.9.9:1"] {
        assert!(from_file(&format!("metrics-listen = '{address}'")).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:9090", "[::]:9090", "10.0.0.1:9090"] {
        let message = refused(from_file(&format!("metrics-listen = '{address}'")));
        assert!(message.contains("metrics-reach = \"anywhere\""), "{message}");
        let told = format!("metrics-listen = '{address}'\nmetrics-reach = 'anywhere'");
        assert!(from_file(&told).is_ok(), "{address}");
    }
}

#[test]
fn media_are_served_where_clients_can_reach_them() {
    let media = from_file("media-listen = '192.0.2.7:3478'").unwrap();
    assert_eq!(media.media_listen.unwrap().port(), 3478);
    let behind = "media-listen = '0.0.0.0:3478'\nmedia-addresses = ['192.0.2.7', '2001:db8::7']";
    assert_eq!(from_file(behind).unwrap().media_addresses.len(), 2);
    for (text, why) in [
        ("media-listen = '0.0.0.0:3478'", "say in media-addresses"),
        ("media-addresses = '192.0.2.7'", "media-listen, which is not set"),
        ("media-listen = '192.0.2.7:1'\nmedia-addresses = '0.0.0.0'", "no address that clients"),
    ] {
        let message = refused(from_file(text));
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn the_token_server_is_where_strangers_are_not_or_asks_for_certificates() {
    let of = |address: &str, more: &str| {
        from_file(&format!("token-server-listen = '{address}'\n{more}"))
    };
    for address in ["127.0.0.1:8444", "[::1]:0", "10.0.0.1:8444", "[fd00::1]:8444"] {
        assert!(of(address, "").is_ok(), "{address}");
    }
    for address in ["0.0.0.0:8444", "[::]:8444", "203.0.113.1:8444", "169.254.0.1:1", "[fe80::1]:1"]
    {
        let message = refused(of(address, ""));
        assert!(message.contains("token-server-client-certificates = \"required\""), "{message}");
        assert!(of(address, "token-server-client-certificates = 'required'").is_ok(), "{address}");
    }
    // Never where others are reached, and a free port is nobody's.
    for (address, name) in [
        ("127.0.0.1:8443", "listen"),
        ("127.0.0.1:80", "plain-http"),
        ("127.0.0.1:9090", "metrics-listen"),
        ("127.0.0.1:8480", "demo-listen"),
    ] {
        let others = "plain-http = '127.0.0.1:80'\nmetrics-listen = '127.0.0.1:9090'\n\
            demo-listen = '127.0.0.1:8480'";
        let message = refused(of(address, others));
        assert!(message.contains(&format!("is that of {name};")), "{message}");
    }
    assert!(of("127.0.0.1:0", "listen = '127.0.0.1:0'").is_ok());
}
