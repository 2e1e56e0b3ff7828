use std::io::Write as _;
use std::net::IpAddr;

use proptest::prelude::*;
use stoa_core::Countries;
use stoa_geo::{Database, DatabaseError, GeoRange, Whereabouts};

use crate::writer::{Value, database};

fn country<'a>(code: &'a [(&'a str, Value<'a>); 1]) -> [(&'a str, Value<'a>); 1] {
    [("country", Value::Map(code))]
}

/// Two countries in MaxMind's form, one in each flat form, and one that is none.
fn written() -> Vec<u8> {
    let (de, us) = ([("iso_code", Value::Text("DE"))], [("iso_code", Value::Text("US"))]);
    database(&[
        ("1.2.0.0", 16, Value::Map(&country(&de))),
        ("2a00::", 12, Value::Map(&country(&us))),
        ("3.0.0.0", 8, Value::Map(&[("country_code", Value::Text("JP"))])),
        ("4.0.0.0", 8, Value::Map(&[("country", Value::Text("fr"))])),
        ("5.0.0.0", 8, Value::Map(&[("country", Value::Text("Atlantis"))])),
        ("6.0.0.0", 8, Value::Map(&[("city", Value::Text("Rome"))])),
    ])
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(ranges: Vec<GeoRange>, file: Option<std::path::PathBuf>) -> Whereabouts {
    let known = Whereabouts::new(ranges, file);
    known.load().unwrap();
    known
}

#[test]
fn a_database_says_where_addresses_are() {
    let file = file(&written());
    let known = open(Vec::new(), Some(file.path().into()));
    for (address, country) in [
        ("1.2.3.4", Some("DE")),
        ("::ffff:1.2.3.4", Some("DE")),
        ("1.3.0.0", None),
        ("2a00:1450::1", Some("US")),
        ("2b00::1", None),
        ("3.1.1.1", Some("JP")),
        ("4.1.1.1", Some("FR")),
        ("5.1.1.1", None),
        ("6.1.1.1", None),
        ("127.0.0.1", None),
        ("10.0.0.1", None),
    ] {
        let found = known.country(ip(address));
        assert_eq!(found.as_ref().map(|country| country.as_str()), country, "{address}");
    }
}

#[test]
fn what_the_operator_says_counts_more_and_most_of_the_smallest_range() {
    let ranges = ["1.2.0.0/16=FR", "1.2.3.0/24=IT", "10.0.0.0/8=DE", "fd00::/8=CH"];
    let ranges = ranges.map(|range| range.parse::<GeoRange>().unwrap());
    let file = file(&written());
    let known = open(ranges.into(), Some(file.path().into()));
    let country = |address| known.country(ip(address)).unwrap().to_string();
    assert_eq!(country("1.2.9.9"), "FR");
    assert_eq!(country("1.2.3.4"), "IT");
    assert_eq!(country("10.1.1.1"), "DE");
    assert_eq!(country("fd12::1"), "CH");
    assert_eq!(country("3.1.1.1"), "JP");
}

#[test]
fn a_database_is_read_again_and_a_damaged_one_changes_nothing() {
    let file = file(&written());
    let known = open(Vec::new(), Some(file.path().into()));
    let before = known.generation();
    std::fs::write(file.path(), b"no database").unwrap();
    assert!(matches!(known.reload(), Err(DatabaseError::Format { .. })));
    assert_eq!(known.country(ip("1.2.3.4")).unwrap().to_string(), "DE");
    assert_eq!(known.generation(), before);
    let it = [("iso_code", Value::Text("IT"))];
    let other = database(&[("1.2.0.0", 16, Value::Map(&country(&it)))]);
    std::fs::write(file.path(), other).unwrap();
    assert!(known.reload().unwrap());
    assert_eq!(known.country(ip("1.2.3.4")).unwrap().to_string(), "IT");
    assert_ne!(known.generation(), before);
    std::fs::remove_file(file.path()).unwrap();
    let error = known.reload().unwrap_err();
    assert!(
        matches!(error, DatabaseError::Read { .. }) && error.to_string().contains("geo-database")
    );
}

#[test]
fn without_anything_nothing_is_known() {
    let known = open(Vec::new(), None);
    assert!(!known.knows_anything() && !known.reload().unwrap());
    assert_eq!(known.country(ip("1.2.3.4")), None);
}

#[test]
fn what_is_said_of_a_range_is_read_back() {
    for text in ["10.0.0.0/8=DE", "1.2.3.4=US", "fd00::/8=CN"] {
        assert_eq!(text.parse::<GeoRange>().unwrap().to_string(), text);
    }
    for text in ["", "10.0.0.0/8", "10.0.0.0/8=", "10.0.0.0/8=Germany", "10.1.0.0/8=DE", "x=DE"] {
        assert!(text.parse::<GeoRange>().is_err(), "{text}");
    }
}

proptest! {
    /// Whatever is in the file, nothing panics.
    #[test]
    fn damaged_databases_do_no_harm(
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        address: u128,
    ) {
        let mut bytes = written();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(known) = Database::of(bytes) {
            let _ = known.country(IpAddr::V6(address.into()));
            let _ = known.country("1.2.3.4".parse().unwrap());
        }
    }
}
