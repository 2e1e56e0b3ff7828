//! Pages that are written from the code say what the code says. `UPDATE=1` rewrites them.

use std::path::Path;

fn compare(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::fs::read_to_string(&path).is_ok_and(|present| present == page) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "docs/{name} has drifted from the code; `UPDATE=1 cargo test -p stoa --test it documents` rewrites it"
    );
    std::fs::write(path, page).unwrap();
}

#[test]
fn the_page_of_settings_is_what_the_code_says() {
    compare("configuration.md", &stoa::config::reference());
}

#[test]
fn the_page_of_commands_is_what_the_code_says() {
    compare("commands.md", &stoa::cli::reference::page());
}
