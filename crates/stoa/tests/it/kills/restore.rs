//! A backup that is being brought back.

use std::fs::remove_dir_all;

use super::{APP, at, killed, most_came_before_the_end, place_with, read, spread, try_read, whole};

/// What was said when the backup was made.
const SAID: u64 = 3;

/// It is done with all that belongs to it, or nothing opens the directory and it says what is to be done.
#[test]
fn a_backup_whose_return_is_killed_is_served_whole_or_not_at_all() {
    let place = place_with(&["alice", "bob", "carol"]);
    place.run(&["backup", "create", "--output", "whole.backup"]).answer();
    // What happens afterwards: an app that the backup does not know, and an end of somebody that it knows.
    place.run(&["app", "create", "--key", "acme#later"]).answer();
    let of_later = ["--app", "acme#later", "--user", "zoe"];
    place.run(&[&["user", "create"][..], &of_later].concat()).answer();
    let erase = ["person", "erase", "--app", APP, "--user", "carol", "--confirm"];
    place.run(&erase).answer();
    let restore = [&["backup", "restore", "whole.backup"][..], &at("copy")].concat();
    let steps = whole(&place, &restore);
    remove_dir_all(place.path("copy")).unwrap();

    let (mut interrupted, mut unfinished) = (0, 0);
    // Every one at the end, where it is decided whether it is done.
    let points: Vec<usize> = spread(1, steps - 6, 12).chain(steps - 5..=steps).collect();
    for after in &points {
        interrupted += usize::from(killed(&place, &restore, *after).interrupted);
        match try_read(&place, "copy") {
            Ok(found) => assert_eq!(found, SAID - 1, "without what carol said: {after} of {steps}"),
            Err(ended) => {
                unfinished += 1;
                assert_eq!(ended.code, Some(2), "{after} of {steps}: {}", ended.stderr);
                let again = place.run(&restore);
                if again.code != Some(0) {
                    assert!(ended.stderr.contains("was interrupted"), "{}", ended.stderr);
                    assert!(again.refused(2).contains("remove the directory"), "{}", again.stderr);
                    remove_dir_all(place.path("copy")).unwrap();
                    place.run(&restore).answer();
                }
                assert_eq!(read(&place, "copy"), SAID - 1);
            }
        }
        // The log tells of it, and no app gets the number of one that was made since.
        let audit = place.run(&[&["audit", "list"][..], &at("copy")].concat());
        assert!(audit.answer().contains("backup.restored"), "{after} of {steps}");
        let new = ["app", "create", "--key", "acme#newer"];
        place.run(&[&new[..], &at("copy")].concat()).answer();
        let newer = ["app", "delete", "--key", "acme#newer", "--confirm", "acme#newer"];
        place.run(&[&newer[..], &at("copy")].concat()).answer();
        let shown = place.run(&[&["user", "show"][..], &of_later].concat());
        assert_eq!(shown.code, Some(0), "{after} of {steps}: {}", shown.stderr);
        remove_dir_all(place.path("copy")).unwrap();
    }
    most_came_before_the_end(points.len(), interrupted);
    assert!(unfinished >= 6, "{unfinished}");
    assert_eq!(read(&place, "data"), SAID - 1);
}
