//! Who is told of what is done in a group, and who gets which of its messages.

use std::time::Duration;

use stoa_chat::entry::{Event, Kind};
use stoa_chat::event::{GroupAct, GroupEvent, ReadInGroup};
use stoa_chat::{Appended, Attributes, Draft, Error, GroupReceipt, NewGroup};
use stoa_core::{GroupId, MessageId, Target, UserId};
use tokio::sync::oneshot;

use crate::world::{APP, Device, World, draft, queue};

const NAMES: &[&str] = &["owner", "admin", "amy", "bob", "carl"];

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

struct Place {
    world: World,
    group: GroupId,
    /// The device `web` of each.
    devices: Vec<Device>,
    /// The owner's other device.
    phone: Device,
}

impl Place {
    async fn new() -> Self {
        let world = World::new();
        world.register(APP, NAMES).await;
        let mut devices = Vec::new();
        for name in NAMES {
            devices.push(world.log_in(APP, name, "web").await);
        }
        let phone = world.log_in(APP, "owner", "phone").await;
        let new = NewGroup {
            owner: user("owner"),
            name: "Told".into(),
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            public: false,
            approval: false,
            member_invites: false,
            invite_confirm: false,
            max_members: 200,
            members: NAMES[1..].iter().map(|name| user(name)).collect(),
        };
        let owner = &devices[0];
        let group = world.chat.create_group(&owner.caller, Some(&owner.resource), new).await;
        let group = group.unwrap();
        let device = Some(&owner.resource);
        let admin = user("admin");
        world.chat.add_group_admin(&owner.caller, device, &group, &admin).await.unwrap();
        let place = Self { world, group, devices, phone };
        place.told();
        place
    }

    fn device(&self, name: &str) -> &Device {
        &self.devices[NAMES.iter().position(|other| *other == name).unwrap()]
    }

    /// What was pushed to each device since the last call: `amy Muted(bob) 5000`.
    fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for device in self.devices.iter().chain([&self.phone]) {
            let me = device.caller.user().unwrap();
            for event in device.inbox.take() {
                let Event::Appended(delivery) = &*event else { continue };
                let entry = &delivery.entry;
                if !entry.concerns(me, &device.resource) {
                    continue;
                }
                let who = match device.resource.as_str() {
                    "web" => me.as_str().to_owned(),
                    other => format!("{}/{other}", me.as_str()),
                };
                let what = match entry.kind {
                    Kind::GroupEvent => said(&entry.body),
                    Kind::GroupReadReceipt => {
                        let read = <ReadInGroup as prost::Message>::decode(&*entry.body).unwrap();
                        format!("read by {} {} {}", entry.from.as_str(), read.count, read.content)
                    }
                    _ => String::from_utf8(entry.body.to_vec()).unwrap(),
                };
                told.push(format!("{who}: {what}"));
            }
        }
        told
    }

    async fn send(&self, from: &str, text: &str, only: &[&str]) -> Result<Appended, Error> {
        let id = text.bytes().fold(7, |id, byte| id * 31 % 1_000_000_007 + u64::from(byte));
        let draft = Draft {
            to: Target::Group(self.group.clone()),
            only_users: only.iter().map(|name| user(name)).collect(),
            receipts: true,
            priority: stoa_chat::entry::Priority::Normal,
            ..draft("nobody", text, id)
        };
        self.device(from).send_draft(draft).await
    }

    async fn read(&self, reader: &str, message: MessageId) -> Result<Appended, Error> {
        let (done, outcome) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        let device = self.device(reader);
        let receipt = GroupReceipt { group: self.group.clone(), message, content: "ok".into() };
        let chat = &self.world.chat;
        chat.acknowledge_in_group(&device.caller, &device.resource, receipt, done).await;
        outcome.await.unwrap()
    }

    async fn pages(&self, name: &str) -> Vec<String> {
        let device = self.device(name);
        let queue = queue(self.group.as_str());
        let away = "away".parse().unwrap();
        let after = Some(stoa_core::Seq::START);
        let page = self.world.chat.page(&device.caller, &away, &queue, after).await.unwrap();
        let messages = page.entries.iter().filter(|(_, entry)| entry.kind.is_message());
        messages.map(|(_, entry)| String::from_utf8(entry.body.to_vec()).unwrap()).collect()
    }
}

/// An event in a few words.
fn said(body: &[u8]) -> String {
    let event = <GroupEvent as prost::Message>::decode(body).unwrap();
    let act = GroupAct::try_from(event.act).unwrap();
    let mut text = format!("{act:?} by {} ({})", event.actor, event.users.join(","));
    text.extend(event.muted_until_ms.map(|until| format!(" until {until}")));
    text.extend(event.members.map(|members| format!(" {members} left")));
    text.extend(event.reason.map(|reason| format!(" {reason}")));
    text.extend(event.detail.map(|detail| format!(" {detail}")));
    text
}

#[tokio::test]
async fn what_is_done_to_somebody_is_told_to_that_user_and_the_managers() {
    let place = Place::new().await;
    let (chat, group) = (&place.world.chat, &place.group);
    let owner = place.device("owner");
    let device = Some(&owner.resource);
    let minute = Some(Duration::from_secs(60));
    chat.mute_in_group(&owner.caller, device, group, vec![user("amy")], minute).await.unwrap();
    let until = "Muted by owner (amy) until 1800000060000";
    let told = ["admin", "amy", "owner/phone"].map(|who| format!("{who}: {until}"));
    assert_eq!(place.told(), told);
    chat.mute_in_group(&owner.caller, device, group, vec![user("amy")], None).await.unwrap();
    assert!(place.told().contains(&"amy: Muted by owner (amy) until -1".to_owned()));
    chat.unmute_in_group(&owner.caller, device, group, vec![user("amy")]).await.unwrap();
    let told = ["admin", "amy", "owner/phone"].map(|who| format!("{who}: Unmuted by owner (amy)"));
    assert_eq!(place.told(), told);
    chat.allow_in_group(&owner.caller, device, group, vec![user("bob")], true).await.unwrap();
    let told = ["admin", "bob", "owner/phone"].map(|who| format!("{who}: Allowed by owner (bob)"));
    assert_eq!(place.told(), told);
    chat.remove_group_admin(&owner.caller, device, group, &user("admin")).await.unwrap();
    let told = ["admin", "owner/phone"].map(|who| format!("{who}: AdminRemoved by owner (admin)"));
    assert_eq!(place.told(), told);
}

#[tokio::test]
async fn what_concerns_all_is_told_to_all() {
    let place = Place::new().await;
    let (chat, group) = (&place.world.chat, &place.group);
    let owner = place.device("owner");
    let device = Some(&owner.resource);
    let everybody = ["admin", "amy", "bob", "carl", "owner/phone"];
    chat.mute_all_in_group(&owner.caller, device, group, true).await.unwrap();
    assert_eq!(place.told(), everybody.map(|who| format!("{who}: AllMuted by owner ()")));
    chat.mute_all_in_group(&owner.caller, device, group, true).await.unwrap();
    assert!(place.told().is_empty(), "nothing is other than before");
    chat.set_group_announcement(&owner.caller, device, group, "Grüße 😀").await.unwrap();
    let text = "AnnouncementChanged by owner () Grüße 😀";
    assert_eq!(place.told(), everybody.map(|who| format!("{who}: {text}")));
    let long = "n".repeat(513);
    let refused = chat.set_group_announcement(&owner.caller, device, group, &long).await;
    assert!(matches!(refused, Err(Error::Argument { field: "announcement", .. })));
    let changes = Attributes::from([("nick".to_owned(), "Ü\"\u{1}".to_owned())]);
    let amy = user("amy");
    chat.set_member_attributes(&owner.caller, device, group, &amy, changes).await.unwrap();
    let detail = r#"{"properties":{"nick":"Ü\"\u0001"},"username":"amy"}"#;
    let text = format!("AttributesChanged by owner () {detail}");
    assert_eq!(place.told(), everybody.map(|who| format!("{who}: {text}")));
    chat.block_in_group(&owner.caller, device, group, vec![amy.clone()]).await.unwrap();
    let mut told: Vec<_> = ["admin", "bob", "carl", "owner/phone"]
        .map(|who| format!("{who}: Left by amy (amy) 4 left"))
        .to_vec();
    told.insert(1, "amy: Removed by owner (amy)".into());
    assert_eq!(place.told(), told);
    // Whoever goes takes nothing along, and leaves nothing for when it comes back.
    chat.unblock_in_group(&owner.caller, device, group, vec![amy.clone()]).await.unwrap();
    assert_eq!(place.told(), ["amy: Unblocked by owner (amy)"]);
    chat.add_members(&place.world.back_end(APP).await, None, group, vec![amy.clone()])
        .await
        .unwrap();
    let found = chat
        .member_attributes(&owner.caller, group, std::slice::from_ref(&amy), &[])
        .await
        .unwrap();
    assert_eq!(found[&amy], Attributes::new());
}

#[tokio::test]
async fn who_is_shielded_gets_no_messages_then_or_later() {
    let place = Place::new().await;
    let (chat, group) = (&place.world.chat, &place.group);
    let amy = place.device("amy");
    place.send("bob", "before", &[]).await.unwrap();
    place.told();
    chat.shield_group(&amy.caller, Some(&amy.resource), group, true).await.unwrap();
    assert!(place.told().is_empty(), "amy has no other device");
    place.send("bob", "meanwhile", &[]).await.unwrap();
    let told = ["owner", "admin", "carl", "owner/phone"].map(|who| format!("{who}: meanwhile"));
    assert_eq!(place.told(), told);
    let owner = place.device("owner");
    chat.mute_all_in_group(&owner.caller, Some(&owner.resource), group, true).await.unwrap();
    assert!(place.told().contains(&"amy: AllMuted by owner ()".to_owned()), "events still come");
    chat.mute_all_in_group(&owner.caller, Some(&owner.resource), group, false).await.unwrap();
    chat.shield_group(&amy.caller, Some(&amy.resource), group, false).await.unwrap();
    place.told();
    place.send("bob", "after", &[]).await.unwrap();
    assert!(place.told().contains(&"amy: after".to_owned()));
    assert_eq!(place.pages("amy").await, ["before", "after"]);
    assert_eq!(place.pages("carl").await, ["before", "meanwhile", "after"]);
}

#[tokio::test]
async fn a_directed_message_reaches_members_it_names_and_nobody_else() {
    let place = Place::new().await;
    place.world.register(APP, &["stranger"]).await;
    let stranger = place.world.log_in(APP, "stranger", "web").await;
    place.send("bob", "for amy", &["amy", "stranger"]).await.unwrap();
    place.send("bob", "for nobody here", &["stranger"]).await.unwrap();
    assert_eq!(place.told(), ["amy: for amy"]);
    assert!(stranger.pushed().is_empty());
    assert_eq!(place.pages("carl").await, Vec::<String>::new());
    assert_eq!(
        place.pages("bob").await,
        ["for amy", "for nobody here"],
        "the sender's other device"
    );
}

#[tokio::test]
async fn receipts_count_each_reader_once_and_tell_the_sender_alone() {
    let place = Place::new().await;
    let (chat, group) = (&place.world.chat, &place.group);
    let message = place.send("owner", "read this", &[]).await.unwrap().id;
    place.told();
    for reader in ["amy", "bob", "amy", "owner"] {
        place.read(reader, message).await.unwrap();
    }
    let told = ["read by amy 1 ok", "read by bob 2 ok"];
    let expected: Vec<_> = ["owner", "owner/phone"]
        .iter()
        .flat_map(|who| told.map(|text| format!("{who}: {text}")))
        .collect();
    assert_eq!(place.told(), expected);
    let owner = place.device("owner");
    let page = chat.group_readers(&owner.caller, group, message, 1, None).await.unwrap();
    assert_eq!((page.users.len(), page.total), (1, 2));
    let rest = chat.group_readers(&owner.caller, group, message, 1, page.next.as_deref()).await;
    let rest = rest.unwrap();
    assert_eq!(rest.next, None);
    let mut readers = [page.users, rest.users].concat();
    readers.sort_unstable();
    assert!(readers == [user("amy"), user("bob")]);

    // Of a directed message only those whom it names; of one that never asked, nobody.
    let directed = place.send("owner", "for amy", &["amy"]).await.unwrap().id;
    assert!(matches!(place.read("bob", directed).await, Err(Error::UnknownMessage)));
    place.read("amy", directed).await.unwrap();
    assert!(matches!(place.read("amy", MessageId(5)).await, Err(Error::UnknownMessage)));
    // Within three days.
    let days = |days: u64| Duration::from_secs(days * 86_400);
    place.world.clock.advance(days(3) - Duration::from_millis(1));
    place.read("carl", message).await.unwrap();
    place.world.clock.advance(Duration::from_millis(1));
    assert!(matches!(place.read("admin", message).await, Err(Error::UnknownMessage)));
}
