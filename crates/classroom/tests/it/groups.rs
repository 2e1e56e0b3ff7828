//! Groups, and their rooms.

use std::time::Duration;

use serde_json::json;
use stoa_classroom::room::{By, ClassState, GroupInfo, GroupPlan, GroupUsers, RecordList, Turn};
use stoa_classroom::{Entry, Error, Refusal};
use stoa_core::{ClassRole, Clock, RoomType, RoomUuid};
use stoa_store::{Direction, spaces};

use crate::world::{STUDENT, TEACHER, World, by, check_in, name, new_room, refusal};

fn plan(id: &str, users: &[&str]) -> GroupPlan {
    let users = users.iter().map(|user| name(user)).collect();
    GroupPlan { id: Some(name(id)), users, ..GroupPlan::default() }
}

fn users(id: &str, add: &[&str], remove: &[&str]) -> GroupUsers {
    let [add, remove] = [add, remove].map(|list| list.iter().map(|user| name(user)).collect());
    GroupUsers { id: name(id), add, remove }
}

async fn open(
    world: &World,
    plans: Vec<GroupPlan>,
    in_progress: bool,
) -> Result<Vec<RoomUuid>, Error> {
    world.teach(move |turn| turn.open_groups(plans, in_progress)).await
}

async fn change(world: &World, changes: Vec<GroupUsers>, in_progress: bool) -> Option<Refusal> {
    refusal(world.teach(move |turn| turn.change_group_users(&changes, in_progress)).await)
}

/// Into the room of a group, with the token of the class.
async fn enter(world: &World, group: &str, user: &str, role: ClassRole) -> Result<Entry, Error> {
    let caller = world.caller("room", user, role);
    let who = check_in(user, role);
    world.classroom.enter(&caller, &name(group), &name(user), who, None).await
}

async fn members(world: &World, group: &str) -> Vec<String> {
    world.names(&format!("/groups/details/{group}/users")).await
}

#[tokio::test]
async fn c043_c044_groups_are_made_with_ids_of_the_server_or_the_app() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    let unknown = open(&world, vec![plan("g1", &["zoe"])], false).await;
    assert_eq!(refusal(unknown), Some(Refusal::NoUser));
    let ids = world
        .act("room", By::App, |turn| {
            turn.open_groups(vec![plan("g1", &["bob"]), GroupPlan::default()], false)
        })
        .await
        .unwrap();
    assert_eq!((ids[0].as_str(), ids[1].as_str().len()), ("g1", 32));
    let groups = world.properties("room", false).await["groups"].clone();
    assert_eq!(groups["state"], 1);
    assert_eq!(
        groups["details"]["g1"],
        json!({"groupName": "Group 1", "users": [{"userUuid": "bob"}], "sort": 1})
    );
    for bad in [plan("g1", &[]), plan("a.b", &[]), plan("room", &[]), plan("g3", &["bob", "bob"])] {
        let refused = world.teach(move |turn| turn.add_groups(vec![bad], false)).await;
        assert!(matches!(refusal(refused), Some(Refusal::Argument(_))));
    }
    assert_eq!(refusal(open(&world, vec![plan("g9", &[])], false).await), Some(Refusal::Conflict));
    let student = world.learn("bob", |turn| turn.close_groups()).await;
    assert_eq!(refusal(student), Some(Refusal::NotAllowed));
    let amy = by("amy", ClassRole::Assistant);
    let assistant = world.act("room", amy, |turn| turn.close_groups()).await;
    assert_eq!(refusal(assistant), Some(Refusal::NotAllowed));
}

#[tokio::test]
async fn c113_c118_c119_users_are_invited_and_accept_or_decline() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    teacher.forget();
    open(&world, vec![plan("g1", &["bob", "cid"]), plan("g2", &[])], true).await.unwrap();
    assert_eq!(members(&world, "g1").await, Vec::<String>::new());
    let data = teacher.frames()[1]["data"].clone();
    assert_eq!(data["cause"]["data"]["processUuid"], "groups-g1");
    let invited = &data["cause"]["data"]["addProgress"][0];
    assert_eq!(
        *invited,
        json!({
            "userUuid": "bob",
            "payload": {"groupUuid": "g1", "groupName": "Group 1", "inviter": "ann"},
        })
    );
    let accept = |turn: &mut Turn<'_>| turn.accept_group(&name("g1"), &[]);
    let decline = |turn: &mut Turn<'_>| turn.decline_group(&name("g1"));
    assert_eq!(refusal(enter(&world, "g1", "bob", STUDENT).await), Some(Refusal::NotAllowed));
    world.learn("bob", accept).await.unwrap();
    world.learn("cid", decline).await.unwrap();
    assert_eq!(refusal(world.learn("cid", accept).await), Some(Refusal::NotAccepted));
    assert_eq!(members(&world, "g1").await, ["bob"]);
    assert_eq!(teacher.causes("groups-g1"), [1, 2, 3]);
    let moved = teacher
        .frames()
        .into_iter()
        .find(|frame| frame["data"]["cause"]["data"]["actionType"] == 4);
    assert_eq!(
        moved.unwrap()["data"]["cause"],
        json!({"cmd": 11, "data": {"actionType": 4, "changeGroups": [
            {"groupUuid": "g1", "addUsers": [{"userUuid": "bob"}], "removeUsers": []},
        ]}})
    );
    enter(&world, "g1", "bob", STUDENT).await.unwrap();
    // Whoever accepts another group leaves the first.
    assert_eq!(change(&world, vec![users("g2", &["bob"], &[])], true).await, None);
    assert_eq!(
        change(&world, vec![users("g2", &["bob"], &[])], true).await,
        Some(Refusal::BeingInvited)
    );
    let other = |turn: &mut Turn<'_>| turn.accept_group(&name("g2"), &[name("g1")]);
    world.learn("bob", other).await.unwrap();
    assert_eq!((members(&world, "g1").await.len(), members(&world, "g2").await.len()), (0, 1));
    assert_eq!(refusal(enter(&world, "g1", "bob", STUDENT).await), Some(Refusal::NotAllowed));
    // An invitation ends with whoever leaves.
    assert_eq!(change(&world, vec![users("g1", &["cid"], &[])], true).await, None);
    world.teach(|turn| turn.put_out(&name("cid"), None)).await.unwrap();
    assert_eq!(
        world.properties("room", true).await["processes"]["groups-g1"]["progress"],
        json!([])
    );
}

#[tokio::test]
async fn c120_c021_a_group_is_entered_by_its_members_and_by_those_who_teach() {
    let (mut world, _) = World::class(RoomType::Small, &["bob", "cid"]).await;
    open(&world, vec![plan("g1", &["bob"])], false).await.unwrap();
    for process in 0..2 {
        let entry = enter(&world, "g1", "bob", STUDENT).await.unwrap().view;
        assert_eq!(entry["room"]["roomProperties"]["roomType"], 101);
        assert_eq!(refusal(enter(&world, "g1", "cid", STUDENT).await), Some(Refusal::NotAllowed));
        enter(&world, "g1", "ann", TEACHER).await.unwrap();
        enter(&world, "g1", "amy", ClassRole::Assistant).await.unwrap();
        // By the token of the class and of no other room.
        world.create(&format!("other{process}"), new_room(RoomType::Small)).await.unwrap();
        let foreign = world.caller(&format!("other{process}"), "ann", TEACHER);
        let place = world.classroom.place(&foreign, &name("g1"), None);
        assert_eq!(refusal(place), Some(Refusal::NotForThis));
        let own = world.caller("room", "ann", TEACHER);
        world.classroom.place(&own, &name("g1"), Some(&name("ann"))).unwrap();
        world.restart().await;
    }
    // A token for the group itself opens nothing.
    let of_group = world.caller("g1", "bob", STUDENT);
    let place = world.classroom.place(&of_group, &name("g1"), None);
    assert_eq!(refusal(place), Some(Refusal::NotForThis));
}

#[tokio::test]
async fn c114_c115_c045_groups_come_and_go_and_members_are_back() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid"]).await;
    let twenty: Vec<_> = (0..20).map(|at| plan(&format!("g{at}"), &[])).collect();
    open(&world, twenty, false).await.unwrap();
    let more = world.teach(|turn| turn.add_groups(vec![plan("g20", &[])], false)).await;
    assert!(matches!(refusal(more), Some(Refusal::Argument(_))));
    let gone: Vec<_> = (3..20).map(|at| name(&format!("g{at}"))).collect();
    world.teach(move |turn| turn.remove_groups(&gone)).await.unwrap();
    world.teach(|turn| turn.add_groups(vec![plan("g20", &["bob"])], false)).await.unwrap();
    assert_eq!(members(&world, "g20").await, ["bob"]);
    let unknown = world.teach(|turn| turn.remove_groups(&[name("g1"), name("g7")])).await;
    assert_eq!(refusal(unknown), Some(Refusal::NoRoom));
    enter(&world, "g20", "bob", STUDENT).await.unwrap();
    world.teach(|turn| turn.remove_groups(&[name("g20")])).await.unwrap();
    let state = |turn: &mut Turn<'_>| Ok((turn.room.schedule.state, turn.room.listed().count()));
    assert_eq!(world.act("g20", By::App, state).await.unwrap(), (ClassState::Closed, 0));
    world.teach(|turn| turn.close_groups()).await.unwrap();
    let view = world.properties("room", false).await;
    assert_eq!(view["groups"], json!({"state": 0, "details": {}}));
    assert_eq!(view["processes"].as_object().unwrap().len(), 2);
    // By the same name it goes on.
    open(&world, vec![plan("g20", &["cid"])], false).await.unwrap();
    enter(&world, "g20", "cid", STUDENT).await.unwrap();
    assert_eq!(world.act("g20", By::App, state).await.unwrap(), (ClassState::NotStarted, 1));
}

#[tokio::test]
async fn c116_groups_get_other_names() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    open(&world, vec![plan("g1", &["bob"])], false).await.unwrap();
    let info =
        |name_: Option<&str>, sort| GroupInfo { id: name("g1"), name: name_.map(Into::into), sort };
    let other = vec![info(Some("Owls"), Some(7))];
    let refused = other.clone();
    let student = world.learn("bob", move |turn| turn.change_group_info(&refused)).await;
    assert_eq!(refusal(student), Some(Refusal::NotAllowed));
    world.teach(move |turn| turn.change_group_info(&other)).await.unwrap();
    let told = teacher.last()["changeProperties"].clone();
    assert_eq!(told, json!({"groups.details.g1.groupName": "Owls", "groups.details.g1.sort": 7}));
    let empty = vec![info(Some(""), None)];
    let empty = world.teach(move |turn| turn.change_group_info(&empty)).await;
    assert!(matches!(refusal(empty), Some(Refusal::Argument(_))));
    let entry = enter(&world, "g1", "bob", STUDENT).await.unwrap().view;
    assert_eq!(entry["room"]["roomInfo"]["roomName"], "Owls");
}

#[tokio::test]
async fn c117_users_are_moved_and_a_group_has_seventeen_at_the_most() {
    let students: Vec<String> = (0..19).map(|at| format!("s{at:02}")).collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    let (world, _) = World::class(RoomType::Small, &students).await;
    open(&world, vec![plan("g1", &students[..17]), plan("g2", &[])], false).await.unwrap();
    let full = change(&world, vec![users("g1", &["s17"], &[])], false).await;
    assert!(matches!(full, Some(Refusal::Argument(_))));
    let full = change(&world, vec![users("g1", &["s17"], &[])], true).await;
    assert!(matches!(full, Some(Refusal::Argument(_))));
    enter(&world, "g1", "s00", STUDENT).await.unwrap();
    // Who is moved is put out of the room of the group.
    assert_eq!(change(&world, vec![users("g2", &["s00"], &[])], false).await, None);
    assert_eq!(members(&world, "g2").await, ["s00"]);
    let there = |turn: &mut Turn<'_>| Ok(turn.room.users[&name("s00")].online);
    assert!(!world.act("g1", By::App, there).await.unwrap());
    assert_eq!(change(&world, vec![users("g1", &["s17"], &[])], false).await, None);
    assert_eq!(change(&world, vec![users("g1", &[], &["s17", "s01"])], false).await, None);
    assert_eq!(members(&world, "g1").await.len(), 15);
    assert_eq!(change(&world, vec![users("g9", &[], &[])], false).await, Some(Refusal::NoRoom));
    assert_eq!(
        change(&world, vec![users("g1", &["zoe"], &[])], false).await,
        Some(Refusal::NoUser)
    );
}

#[tokio::test]
async fn c117_a_student_asks_those_who_teach_for_help() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    open(&world, vec![plan("g1", &["bob"]), plan("g2", &["cid"])], false).await.unwrap();
    let ask = |group: &'static str, whom: &'static str, in_progress| {
        move |turn: &mut Turn<'_>| {
            turn.change_group_users(&[users(group, &[whom], &[])], in_progress)
        }
    };
    assert_eq!(refusal(world.learn("bob", ask("g1", "amy", true)).await), Some(Refusal::NoUser));
    for refused in [ask("g2", "ann", true), ask("g1", "ann", false), ask("g1", "cid", true)] {
        assert_eq!(refusal(world.learn("bob", refused).await), Some(Refusal::NotAllowed));
    }
    world.learn("bob", ask("g1", "ann", true)).await.unwrap();
    let invited = teacher.last()["cause"]["data"]["addProgress"][0].clone();
    assert_eq!(
        (&invited["userUuid"], &invited["payload"]["inviter"]),
        (&json!("ann"), &json!("bob"))
    );
    assert_eq!(
        refusal(world.learn("cid", ask("g2", "ann", true)).await),
        Some(Refusal::BeingInvited)
    );
    world.teach(|turn| turn.accept_group(&name("g1"), &[])).await.unwrap();
    assert_eq!(members(&world, "g1").await, ["bob", "ann"]);
    world.learn("cid", ask("g2", "ann", true)).await.unwrap();
}

#[tokio::test]
async fn c111_a_broadcast_reaches_the_groups_that_are_named() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid"]).await;
    open(&world, vec![plan("g1", &["bob"]), plan("g2", &["cid"])], false).await.unwrap();
    let say = |range, to: Option<&'static str>, text: &'static str| {
        move |turn: &mut Turn<'_>| {
            let to: Option<Vec<_>> = to.map(|id| vec![name(id)]);
            turn.broadcast(range, to.as_deref(), text)
        }
    };
    assert_eq!(refusal(world.learn("bob", say(3, None, "x")).await), Some(Refusal::NotAllowed));
    assert!(matches!(refusal(world.teach(say(4, None, "x")).await), Some(Refusal::Argument(_))));
    assert_eq!(refusal(world.teach(say(2, Some("g9"), "x")).await), Some(Refusal::NoRoom));
    world.teach(say(1, None, "main")).await.unwrap();
    world.teach(say(2, None, "groups")).await.unwrap();
    world.teach(say(3, None, "all")).await.unwrap();
    world.teach(say(2, Some("g2"), "second")).await.unwrap();
    for (room, want) in [
        ("room", vec!["main", "all"]),
        ("g1", vec!["groups", "all"]),
        ("g2", vec!["groups", "all", "second"]),
    ] {
        let (list, _) = world.records(room, &RecordList::Chat, None, false, 50).await;
        let texts: Vec<_> = list.iter().map(|one| one["message"].as_str().unwrap()).collect();
        assert_eq!(texts, want, "{room}");
        assert_eq!(list[0]["fromUser"]["userUuid"], "ann");
    }
}

#[tokio::test]
async fn whoever_is_put_out_of_the_class_is_out_of_its_groups() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    open(&world, vec![plan("g1", &["bob"])], false).await.unwrap();
    enter(&world, "g1", "bob", STUDENT).await.unwrap();
    let ban = Some(stoa_classroom::room::Ban::Ever);
    world.teach(move |turn| turn.put_out(&name("bob"), ban)).await.unwrap();
    assert_eq!(members(&world, "g1").await, Vec::<String>::new());
    let there = |turn: &mut Turn<'_>| Ok(turn.room.users[&name("bob")].online);
    assert!(!world.act("g1", By::App, there).await.unwrap());
    assert_eq!(refusal(enter(&world, "g1", "bob", STUDENT).await), Some(Refusal::Banned));
}

#[tokio::test]
async fn groups_are_closed_with_the_class_and_destroyed_with_it() {
    let (mut world, _) = World::class(RoomType::Small, &["bob"]).await;
    open(&world, vec![plan("g1", &["bob"]), plan("g2", &[])], false).await.unwrap();
    enter(&world, "g1", "bob", STUDENT).await.unwrap();
    world.act("g1", by("bob", STUDENT), |turn| turn.say("in the group", 1)).await.unwrap();
    world.teach(|turn| turn.remove_groups(&[name("g2")])).await.unwrap();
    // An empty group does not end by itself.
    world.pass(Duration::from_secs(3500)).await;
    world.attend("room", "bob", STUDENT).await;
    world.pass(Duration::from_secs(3500)).await;
    world.attend("room", "bob", STUDENT).await;
    enter(&world, "g1", "bob", STUDENT).await.unwrap();
    world.teach(|turn| turn.set_state(ClassState::Closed)).await.unwrap();
    let state = |turn: &mut Turn<'_>| Ok((turn.room.schedule.state, turn.room.listed().count()));
    assert_eq!(world.act("g1", By::App, state).await.unwrap(), (ClassState::Closed, 0));
    assert!(enter(&world, "g1", "bob", STUDENT).await.is_err());
    world.pass(Duration::from_secs(3599)).await;
    world.act("g1", By::App, state).await.unwrap();
    world.clock.set(world.clock.now().plus(Duration::from_secs(1)));
    world.restart().await;
    world.classroom.tick().await;
    let app = world.store.app(&world.scope()).await.unwrap();
    for space in
        [&spaces::CLASS_ROOMS, &spaces::CLASS_USERS, &spaces::CLASS_FRAMES, &spaces::CLASS_RECORDS]
    {
        let rows = app.read().await.unwrap();
        let rows = rows.scan_all(&app.key(space).all(), Direction::Forward, 100).await.unwrap();
        assert_eq!(rows.len(), 0, "{}", space.name);
    }
    assert_eq!(refusal(world.act("g1", By::App, state).await), Some(Refusal::NoRoom));
}
