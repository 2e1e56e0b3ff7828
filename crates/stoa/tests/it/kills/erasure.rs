//! A person who is being erased.

use super::{OF_APP, at, killed, most_came_before_the_end, place_with, read, spread, whole};
use crate::command_line::json;

const NAMES: [&str; 12] =
    ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "leo"];

#[test]
fn a_person_whose_erasure_is_killed_is_erased_by_the_next_start_or_there_as_before() {
    let place = place_with(&NAMES);
    place.run(&["backup", "create", "--output", "before.backup"]).answer();
    let erase = |name: &'static str| {
        [&["person", "erase", "--confirm", "--user", name][..], &OF_APP].concat()
    };
    let steps = whole(&place, &erase(NAMES[0]));
    let names = &NAMES[1..];
    let mut left = u64::try_from(names.len()).unwrap();
    assert_eq!(read(&place, "data"), left);
    let (mut interrupted, mut finished) = (0, 0);
    for (after, name) in spread(1, steps, names.len()).zip(names) {
        interrupted += usize::from(killed(&place, &erase(name), after).interrupted);
        let show = [&["user", "show", "--json", "--user", name][..], &OF_APP].concat();
        let shown = place.run(&show);
        if shown.code == Some(0) {
            assert_eq!(json(&shown.stdout)["activated"], true, "as before");
            assert_eq!(read(&place, "data"), left, "not begun");
            place.run(&erase(name)).answer();
        } else {
            finished += 1;
        }
        left -= 1;
        assert_eq!(read(&place, "data"), left, "done, and nothing else");
    }
    most_came_before_the_end(names.len(), interrupted);
    assert!(finished > 2 && finished < names.len(), "{finished} had been begun");
    // One receipt for each, of a chain that is whole; and the backup from before opens nothing of them.
    assert_eq!(super::receipts(&place, "object"), NAMES.len());
    place.run(&[&["backup", "restore", "before.backup"][..], &at("copy")].concat()).answer();
    assert_eq!(read(&place, "copy"), 0);
}
