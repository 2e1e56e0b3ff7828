//! Every kind of record stands in `docs/data-classes.md`, which is written from the store's tables.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_store::classes::{BucketKind, CLASSES, Classification, DataClass, Retention};
use stoa_store::spaces::{Owner, Part, SPACES, Space};

/// The page.
const PAGE: &str = "docs/data-classes.md";

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_page_of_data_classes_is_what_the_store_says() {
    let (path, page) = (root().join(PAGE), page());
    if fs::read_to_string(&path).is_ok_and(|present| present == page) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "{PAGE} has drifted from the store's tables; `UPDATE=1 cargo test -p stoa-store` rewrites it"
    );
    fs::write(path, page).expect("the page can be written");
}

#[test]
fn no_code_is_given_twice() {
    let mut codes: Vec<_> = SPACES.iter().map(|space| space.code).collect();
    let mut numbers: Vec<_> = CLASSES.iter().map(|class| class.number).collect();
    for given in [&mut codes, &mut numbers] {
        given.sort_unstable();
        assert!(given.is_sorted_by(|a, b| a < b), "{given:?}");
    }
}

#[test]
fn every_space_is_in_the_table() {
    let mut declared = Vec::new();
    for member in fs::read_dir(root().join("crates")).unwrap().flatten() {
        look_into(&member.path().join("src"), &mut declared);
    }
    let (listed, count) = (SPACES.len(), declared.len());
    assert_eq!(
        listed,
        count,
        "a space that is not in SPACES is in no document; declared are:\n{}",
        declared.join("\n")
    );
}

/// Names of spaces that files below `folder` declare outside of their tests.
fn look_into(folder: &Path, declared: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look_into(&path, declared);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let names = code
                .lines()
                .filter(|line| line.contains(": Space = Space {") || line.contains("const Space ="))
                .filter_map(|line| line.split_once(": Space")?.0.rsplit(' ').next());
            declared.extend(names.map(|name| format!("{name} in {}", path.display())));
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Data classes\n\n\
         Everything that the server stores, whose it is, how long it is kept, and what one key covers.\n\
         Written from `crates/store/src/classes.rs` and `crates/store/src/spaces.rs` by\n\
         `UPDATE=1 cargo test -p stoa-store`; a test fails when it has drifted.\n\n\
         All values are sealed. When a class's time is over, the key of its bucket is destroyed, and\n\
         neither the data nor an older copy of it opens again ([security](security.md)).\n\n\
         ## Classes\n\n\
         | number | class | classification | kept by default | one key covers | spaces |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for class in CLASSES {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            class.number,
            class.name,
            classification(class.classification),
            retention(class.retention),
            class.buckets.iter().map(|kind| bucket(*kind)).collect::<Vec<_>>().join(", or "),
            spaces_of(class),
        );
    }
    page.push_str(
        "\n## Spaces\n\n\
         A key is the space's code (1 byte), the app's number (4 bytes; 0 is the platform) and then the parts\n\
         named here: *blinded* parts are 16 bytes of a keyed hash, numbers are 8 bytes, big-endian.\n\n\
         | code | space | class | of | key parts | value, with its version | read by |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for space in SPACES {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} | {} | {} | {} |",
            space.code,
            space.name,
            space.class.name,
            owner(space),
            layout(space),
            space.value,
            space.readers,
        );
    }
    page
}

fn spaces_of(class: &DataClass) -> String {
    let names: Vec<_> = SPACES
        .iter()
        .filter(|space| space.class.number == class.number)
        .map(|space| format!("`{}`", space.name))
        .collect();
    if names.is_empty() { "none yet".into() } else { names.join(", ") }
}

fn owner(space: &Space) -> &'static str {
    match space.owner {
        Owner::Platform => "the platform",
        Owner::App => "an app",
        Owner::Each => "an app or the platform",
    }
}

fn layout(space: &Space) -> String {
    let parts: Vec<_> = space
        .layout
        .iter()
        .map(|part| match part {
            Part::Blind(name) => format!("blinded {name}"),
            Part::Number(name) => (*name).to_owned(),
        })
        .collect();
    if parts.is_empty() { "none: one record".into() } else { parts.join("; ") }
}

fn classification(classification: Classification) -> &'static str {
    match classification {
        Classification::Customer => "customer",
        Classification::User => "user",
        Classification::Operational => "operational",
    }
}

fn bucket(kind: BucketKind) -> &'static str {
    match kind {
        BucketKind::Whole => "an app's whole class",
        BucketKind::Day => "an app's day (UTC)",
        BucketKind::Month => "an app's month (UTC)",
        BucketKind::Object => "one user, account, group or room",
    }
}

fn retention(retention: Retention) -> String {
    match retention {
        Retention::ByPlan(time) => format!("by plan; {} on `self-hosted`", span(time)),
        Retention::For(time) => span(time),
        Retention::WhileUsed(time) => format!("until deletion, or {} without use", span(time)),
        Retention::AfterClass(time) => format!("{} after the class ends", span(time)),
    }
}

fn span(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours) {
        (0, 1) => "1 hour".into(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".into(),
        (days, _) => format!("{days} days"),
    }
}

#[test]
fn spans_are_told_in_words() {
    assert_eq!(span(Duration::from_secs(3600)), "1 hour");
    assert_eq!(span(Duration::from_secs(180 * 86_400)), "180 days");
}
