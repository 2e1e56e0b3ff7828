//! The items of class rooms (classroom specification, section 6.1). What they share with chat stands there.

use stoa_core::{App, Names};

use super::{AppFacts, Item, Status, Verdict, fail, item, pass, warn};

/// The items of an app.
pub(super) fn of_app(facts: &AppFacts) -> Vec<Item> {
    let app = &facts.app;
    let on = |id, title, verdict| item(id, title, Some(app), verdict);
    vec![
        on("class_roles_signed", "Roles in class rooms are signed", roles_signed(app)),
        on("class_room_ids", "Class rooms have random names, used once", room_ids(facts)),
        on("class_user_ids", "Users of class rooms have random names", user_ids(facts)),
        on("class_storage_off", "Files and recordings of classes stay with the app", storage()),
    ]
}

fn roles_signed(app: &App) -> Verdict {
    if app.class.accepts_rtm_token {
        return fail(
            "signaling tokens are taken, which say nothing of rooms and roles: whoever has one enters every room as a student",
            format!("stoa app set accept-rtm-token false --key {}", app.key),
        );
    }
    pass("only tokens that name room, user and role let anybody in")
}

/// How many of the names that were made last can be guessed or say who it is.
fn flawed(names: &Names) -> String {
    format!("{} of the last {}", names.recent_flawed, names.recent)
}

fn room_ids(facts: &AppFacts) -> Verdict {
    const MEND: &str = "give each class a random name of at least 16 characters, for instance a UUID, and never the same again";
    let (names, again) = (&facts.class_rooms, facts.class_rooms_again);
    if again > 0 {
        let reason = format!(
            "{again} class rooms were given a name that another had within thirty days: who kept its address comes into the new one"
        );
        return warn(reason, MEND);
    }
    if names.made == 0 {
        let reason = "no class room was made in the last seven days";
        return (Status::NotApplicable, reason.into(), None);
    }
    if names.recent_flawed > 0 {
        return warn(format!("{} names of class rooms can be guessed", flawed(names)), MEND);
    }
    pass(format!("none of the last {} names of class rooms can be guessed", names.recent))
}

fn user_ids(facts: &AppFacts) -> Verdict {
    const MEND: &str =
        "give whoever enters a random name, and keep to the app's own back end whose it is";
    let names = &facts.class_users;
    if names.made == 0 {
        let reason = "nobody came into a class room in the last seven days";
        return (Status::NotApplicable, reason.into(), None);
    }
    if names.recent_flawed > 0 {
        let reason = format!(
            "{} names in class rooms can be guessed or say who it is; {} look like e-mail, {} like a telephone number",
            flawed(names),
            names.email,
            names.phone
        );
        return warn(reason, MEND);
    }
    pass(format!("none of the last {} names in class rooms", names.recent))
}

fn storage() -> Verdict {
    pass("this server takes no files of classes and records none: such calls are refused")
}
