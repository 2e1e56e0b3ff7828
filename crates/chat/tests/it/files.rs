//! Files: who may read them, their parts, their end, and what a crash leaves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use stoa_blob::{Blobs, Shelf};
use stoa_chat::Error;
use stoa_chat::attachment::{NewFile, PlaceId, Proof, Rendition, Swept, Target, UploadedFile};
use stoa_core::{AppScope, Caller, Clock, Day, Operator, Uuid, Visitor};
use stoa_store::classes;
use stoa_vault::{Bucket, KeyClass};
use tempfile::TempDir;

use crate::world::{APP, OTHER, World};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

struct Lab {
    world: World,
    dir: TempDir,
}

impl Lab {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::with_files(dir.path());
        world.register(APP, &["alice", "bob", "carol"]).await;
        world.register(OTHER, &["alice", "bob"]).await;
        Self { world, dir }
    }

    async fn user(&self, name: &str) -> Caller {
        self.world.user(APP, name).await
    }

    /// Sends a file from `owner` to `to`.
    async fn send(&self, owner: &Caller, to: Option<&str>, bytes: &[u8]) -> UploadedFile {
        let target = to.map(|name| Target::read("CHAT", name).unwrap());
        self.upload(owner, NewFile { name: "note.txt".into(), target, ..NewFile::default() }, bytes)
            .await
    }

    async fn upload(&self, owner: &Caller, new: NewFile, bytes: &[u8]) -> UploadedFile {
        let mut upload = self.world.chat.begin_upload(owner).await.unwrap();
        for piece in bytes.chunks(50_000) {
            upload.push(piece).await.unwrap();
        }
        self.world.chat.finish_upload(owner, upload, new).await.unwrap()
    }

    async fn part(&self, owner: &Caller, id: Uuid, number: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut part = self.world.chat.begin_part(owner, id).await?;
        match part.push(bytes).await {
            Ok(()) => self.world.chat.finish_part(owner, part, number).await,
            Err(error) => {
                part.abort().await;
                Err(error)
            }
        }
    }

    async fn read(
        &self,
        scope: &impl AppScope,
        id: Uuid,
        proof: Proof<'_>,
    ) -> Result<Vec<u8>, Error> {
        let file = self.world.chat.open_file(scope, id, proof, Rendition::Original).await?;
        let size = file.size();
        let bytes: Vec<Bytes> = file.read(0..size).try_collect().await?;
        Ok(bytes.concat())
    }

    /// What `caller`'s token alone opens.
    async fn by_token(&self, caller: &Caller, id: Uuid) -> Result<Vec<u8>, Error> {
        self.read(caller, id, Proof { secret: None, caller: Some(caller) }).await
    }

    /// What a secret alone opens, of a visitor of the app.
    async fn by_secret(&self, id: Uuid, secret: &str) -> Result<Vec<u8>, Error> {
        let visitor = Visitor::of(self.world.app(APP));
        self.read(&visitor, id, Proof { secret: Some(secret), caller: None }).await
    }

    async fn sweep(&self) -> Swept {
        let scope = Operator::of_this_process().in_app(self.world.app(APP));
        self.world.chat.sweep_files(&scope).await.unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        files(self.dir.path())
    }

    fn has_key_of(&self, day: Day) -> bool {
        let class = KeyClass(classes::ATTACHMENT.number);
        let keys = self.world.vault.keys();
        keys.iter().any(|key| key.scope.class == class && key.scope.bucket == Bucket::Day(day))
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn who_may_read() {
    let lab = Lab::new().await;
    let (alice, bob, carol) =
        (lab.user("alice").await, lab.user("bob").await, lab.user("carol").await);
    let back_end = lab.world.back_end(APP).await;
    let sent = lab.send(&alice, Some("bob"), b"for bob").await;
    for caller in [&alice, &bob, &back_end] {
        assert_eq!(lab.by_token(caller, sent.id).await.unwrap(), b"for bob");
    }
    let refused = lab.by_token(&carol, sent.id).await;
    assert!(matches!(refused, Err(Error::FileForbidden)), "{refused:?}");
    assert_eq!(lab.by_secret(sent.id, sent.secret.expose()).await.unwrap(), b"for bob");
    let wrong = sent.secret.expose().to_uppercase();
    for secret in ["", "x", &sent.secret.expose()[1..], &wrong, &"0".repeat(32)] {
        let refused = lab.by_secret(sent.id, secret).await;
        assert!(matches!(refused, Err(Error::FileForbidden)), "{secret}");
        // A wrong secret is refused whatever token comes with it.
        let proof = Proof { secret: Some(secret), caller: Some(&alice) };
        assert!(matches!(lab.read(&alice, sent.id, proof).await, Err(Error::FileForbidden)));
    }
    let nothing = lab.read(&alice, sent.id, Proof::default()).await;
    assert!(matches!(nothing, Err(Error::FileForbidden)));
}

#[tokio::test]
async fn a_file_without_a_conversation() {
    let lab = Lab::new().await;
    let (alice, carol) = (lab.user("alice").await, lab.user("carol").await);
    let open = lab.send(&alice, None, b"for everybody").await;
    assert_eq!(lab.by_token(&carol, open.id).await.unwrap(), b"for everybody");
    let new = NewFile { restricted: true, ..NewFile::default() };
    let closed = lab.upload(&alice, new, b"for who has the secret").await;
    assert!(matches!(lab.by_token(&carol, closed.id).await, Err(Error::FileForbidden)));
    assert!(lab.by_token(&alice, closed.id).await.is_ok());
    assert!(lab.by_secret(closed.id, closed.secret.expose()).await.is_ok());
}

#[tokio::test]
async fn another_app_sees_nothing() {
    let lab = Lab::new().await;
    let sent = lab.send(&lab.user("alice").await, Some("bob"), b"ours").await;
    let strangers = [lab.world.user(OTHER, "bob").await, lab.world.back_end(OTHER).await];
    for stranger in &strangers {
        for id in [sent.id, Uuid::from_bytes([9; 16])] {
            let by_token = lab.by_token(stranger, id).await;
            assert!(matches!(by_token, Err(Error::UnknownFile)), "{by_token:?}");
            let proof = Proof { secret: Some(sent.secret.expose()), caller: None };
            assert!(matches!(lab.read(stranger, id, proof).await, Err(Error::UnknownFile)));
        }
    }
}

#[tokio::test]
async fn a_name_that_was_registered_again_is_another_person() {
    let lab = Lab::new().await;
    let back_end = lab.world.back_end(APP).await;
    let sent = lab.send(&lab.user("alice").await, Some("bob"), b"for the first bob").await;
    for name in ["alice", "bob"] {
        lab.world.chat.delete_user(&back_end, &name.parse().unwrap()).await.unwrap();
        lab.world.clock.advance(HOUR);
        lab.world.register(APP, &[name]).await;
        let second = lab.user(name).await;
        assert!(
            matches!(lab.by_token(&second, sent.id).await, Err(Error::FileForbidden)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn files_are_over_after_exactly_seven_days() {
    let lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let sent = lab.send(&alice, None, b"for a week").await;
    let (secret, day) = (sent.secret.expose(), lab.world.clock.now().day());
    lab.world.clock.advance(7 * DAY - Duration::from_millis(1));
    assert!(lab.by_secret(sent.id, secret).await.is_ok());
    assert_eq!(lab.sweep().await, Swept::default());
    lab.world.clock.advance(Duration::from_millis(1));
    assert!(matches!(lab.by_secret(sent.id, secret).await, Err(Error::UnknownFile)));
    // Its own bytes go at once, the key with the last file of its day.
    assert_eq!(lab.sweep().await, Swept { days: 0, files: 1 });
    assert!(lab.files().is_empty() && lab.has_key_of(day));
    lab.world.clock.set(day.next().start().plus(7 * DAY));
    assert_eq!(lab.sweep().await, Swept { days: 1, files: 0 });
    assert!(!lab.has_key_of(day));
    assert_eq!(lab.sweep().await, Swept::default());
    lab.world.clock.set(day.start().plus(DAY));
    assert!(
        matches!(lab.by_secret(sent.id, secret).await, Err(Error::UnknownFile)),
        "not even then"
    );
}

#[tokio::test]
async fn a_day_that_is_over_goes_with_everything_in_it_and_the_next_stays() {
    let lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let day = lab.world.clock.now().day();
    let first = lab.send(&alice, None, &[1; 200_000]).await;
    let begun = lab.world.chat.begin_parts(&alice).await.unwrap();
    lab.part(&alice, begun.id, 1, b"never completed").await.unwrap();
    lab.world.clock.set(day.next().start());
    let second = lab.send(&alice, None, b"of the next day").await;
    lab.world.clock.set(day.next().start().plus(7 * DAY - Duration::from_millis(1)));
    assert!(lab.by_secret(second.id, second.secret.expose()).await.is_ok());
    lab.world.clock.set(day.next().start().plus(7 * DAY));
    let swept = lab.sweep().await;
    assert_eq!((swept.days, lab.has_key_of(day), lab.has_key_of(day.next())), (1, false, true));
    assert!(lab.by_secret(first.id, first.secret.expose()).await.is_err());
    lab.world.clock.set(day.next().next().start().plus(7 * DAY));
    lab.sweep().await;
    assert!(lab.files().is_empty() && !lab.has_key_of(day.next()));
}

#[tokio::test]
async fn parts_come_in_any_order() {
    let lab = Lab::new().await;
    let (alice, bob) = (lab.user("alice").await, lab.user("bob").await);
    let chat = &lab.world.chat;
    let begun = chat.begin_parts(&alice).await.unwrap();
    assert_eq!((begun.limit, begun.part), (10 << 20, 5 << 20));
    let piece = |n: u8| vec![n; 70_000 + usize::from(n)];
    lab.part(&alice, begun.id, 3, &piece(3)).await.unwrap();
    let (one, two) = (piece(1), piece(2));
    let (a, b) = tokio::join!(
        lab.part(&alice, begun.id, 1, b"to be replaced"),
        lab.part(&alice, begun.id, 2, &two)
    );
    a.and(b).unwrap();
    lab.part(&alice, begun.id, 1, &one).await.unwrap();
    assert_eq!(lab.files().len(), 3, "what was replaced is gone");
    for stranger in [&bob, &lab.world.back_end(APP).await] {
        let refused = lab.part(stranger, begun.id, 4, b"x").await;
        assert!(matches!(refused, Err(Error::UnknownFile)), "{refused:?}");
        let refused = chat.complete_parts(stranger, begun.id, NewFile::default()).await;
        assert!(matches!(refused, Err(Error::UnknownFile)));
        assert!(matches!(chat.abort_parts(stranger, begun.id).await, Err(Error::UnknownFile)));
    }
    let unread = lab.by_token(&alice, begun.id).await;
    assert!(matches!(unread, Err(Error::UnknownFile)), "not before it is complete");
    let target = Target::read("CHAT", "bob").unwrap();
    let new = NewFile { target: Some(target), ..NewFile::default() };
    let file = chat.complete_parts(&alice, begun.id, new.clone()).await.unwrap();
    let again = chat.complete_parts(&alice, begun.id, new).await.unwrap();
    assert_eq!((file.id, file.size), (begun.id, 210_006));
    assert_eq!(file.secret, again.secret);
    assert_eq!(lab.by_token(&bob, file.id).await.unwrap(), [piece(1), piece(2), piece(3)].concat());
    let late = lab.part(&alice, begun.id, 4, b"x").await;
    assert!(matches!(late, Err(Error::UnknownFile)), "{late:?}");
    assert_eq!(lab.files().len(), 3);
}

#[tokio::test]
async fn parts_that_make_no_file_are_refused() {
    let lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let chat = &lab.world.chat;
    let begun = chat.begin_parts(&alice).await.unwrap();
    let complete = async || chat.complete_parts(&alice, begun.id, NewFile::default()).await;
    assert!(matches!(complete().await, Err(Error::Upload { .. })), "no part");
    for number in [0, 1_001, u32::MAX] {
        let refused = lab.part(&alice, begun.id, number, b"x").await;
        assert!(matches!(refused, Err(Error::Upload { field: "part_number", .. })));
    }
    lab.part(&alice, begun.id, 2, b"two").await.unwrap();
    assert!(matches!(complete().await, Err(Error::Upload { .. })), "the first is missing");
    let large = vec![0; 6 << 20];
    lab.part(&alice, begun.id, 1, &large).await.unwrap();
    let refused = lab.part(&alice, begun.id, 3, &large).await;
    assert!(matches!(refused, Err(Error::FileTooLarge { limit }) if limit == 10 << 20));
    assert_eq!(lab.files().len(), 2, "what was refused is gone");
    chat.abort_parts(&alice, begun.id).await.unwrap();
    assert!(lab.files().is_empty());
    assert!(matches!(chat.abort_parts(&alice, begun.id).await, Err(Error::UnknownFile)));
}

#[tokio::test]
async fn an_upload_that_nobody_completes_is_swept_after_a_day() {
    let lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let begun = lab.world.chat.begin_parts(&alice).await.unwrap();
    lab.part(&alice, begun.id, 1, b"one").await.unwrap();
    lab.world.clock.advance(DAY - Duration::from_millis(1));
    assert_eq!(lab.sweep().await, Swept::default());
    lab.world.clock.advance(Duration::from_millis(1));
    assert!(matches!(lab.part(&alice, begun.id, 2, b"two").await, Err(Error::UnknownFile)));
    assert_eq!(lab.sweep().await, Swept { days: 0, files: 1 });
    assert!(lab.files().is_empty());
    let gone = lab.world.chat.complete_parts(&alice, begun.id, NewFile::default()).await;
    assert!(matches!(gone, Err(Error::UnknownFile)));
}

#[tokio::test]
async fn a_file_that_is_too_large_leaves_nothing() {
    let lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let mut upload = lab.world.chat.begin_upload(&alice).await.unwrap();
    upload.push(&vec![0; 10 << 20]).await.unwrap();
    let refused = upload.push(b"x").await;
    assert!(matches!(refused, Err(Error::FileTooLarge { limit }) if limit == 10 << 20));
    upload.abort().await;
    assert!(lab.files().is_empty());
    // Somebody else cannot end it either.
    let upload = lab.world.chat.begin_upload(&alice).await.unwrap();
    let bob = lab.user("bob").await;
    let refused = lab.world.chat.finish_upload(&bob, upload, NewFile::default()).await;
    assert!(matches!(refused, Err(Error::NotAllowed)));
    assert!(lab.files().is_empty());
}

#[tokio::test]
async fn bytes_that_no_record_names_are_swept() {
    let mut lab = Lab::new().await;
    let alice = lab.user("alice").await;
    let sent = lab.send(&alice, None, b"has a record").await;
    // Killed between the bytes and the record.
    let class = KeyClass(classes::ATTACHMENT.number);
    let blobs = Blobs::local(lab.dir.path(), lab.world.vault.clone(), class).unwrap();
    let shelf = Shelf { app: alice.app().number, day: lab.world.clock.now().day() };
    let mut writer = blobs.create(shelf, &*lab.world.entropy).await.unwrap();
    writer.push(b"has none").await.unwrap();
    std::mem::forget(writer.finish().await.unwrap());
    assert_eq!(lab.files().len(), 2);
    let dir = lab.dir.path().to_owned();
    lab.world.open_files(&dir);
    let under_way = lab.world.chat.begin_upload(&alice).await.unwrap();
    assert_eq!(lab.sweep().await, Swept { days: 0, files: 1 });
    assert_eq!(lab.by_token(&alice, sent.id).await.unwrap(), b"has a record");
    // What was under way during the sweep is as good as before.
    let file = lab.world.chat.finish_upload(&alice, under_way, NewFile::default()).await.unwrap();
    assert_eq!(lab.by_token(&alice, file.id).await.unwrap(), b"");
}

#[tokio::test]
async fn shared_files_belong_to_their_group() {
    let lab = Lab::new().await;
    let (alice, bob) = (lab.user("alice").await, lab.user("bob").await);
    let chat = &lab.world.chat;
    let place = |id: &str| id.parse::<PlaceId>().unwrap();
    // A room of the same digits is another place.
    let (group, other) = (Target::Group(place("1")), Target::Room(place("1")));
    let mut upload = chat.begin_shared_file(&alice).await.unwrap();
    upload.push(b"minutes").await.unwrap();
    let file = chat.store_shared_file(&alice, group.clone(), upload, "minutes.txt").await.unwrap();
    assert_eq!((file.name.as_str(), file.size), ("minutes.txt", 7));
    let known = chat.shared_file(&bob, &group, file.id).await.unwrap();
    assert_eq!((known.owner, known.created), (file.owner, file.created));
    assert!(matches!(chat.shared_file(&bob, &other, file.id).await, Err(Error::UnknownFile)));
    let secret = Proof { secret: Some(file.secret.expose()), caller: None };
    assert!(chat.open_shared_file(&bob, &group, file.id, secret).await.is_ok());
    let elsewhere = chat.open_shared_file(&bob, &other, file.id, secret).await;
    assert!(matches!(elsewhere, Err(Error::UnknownFile)));
    // Who is no member any more may not read what once was shared.
    let token = Proof { secret: None, caller: Some(&alice) };
    let refused = chat.open_shared_file(&alice, &group, file.id, token).await;
    assert!(matches!(refused, Err(Error::FileForbidden)));
    let sent = lab.send(&alice, None, b"not shared").await;
    assert!(matches!(
        chat.delete_shared_file(&alice, &group, sent.id).await,
        Err(Error::UnknownFile)
    ));
    assert!(matches!(
        chat.delete_shared_file(&alice, &other, file.id).await,
        Err(Error::UnknownFile)
    ));
    chat.delete_shared_file(&alice, &group, file.id).await.unwrap();
    assert_eq!(lab.files().len(), 1, "its bytes are gone at once");
    assert!(matches!(chat.shared_file(&bob, &group, file.id).await, Err(Error::UnknownFile)));
}

#[tokio::test]
async fn a_service_without_a_place_for_files_says_so() {
    let world = World::new();
    world.register(APP, &["alice"]).await;
    let alice = world.user(APP, "alice").await;
    assert!(matches!(world.chat.begin_upload(&alice).await, Err(Error::NoFiles)));
    assert!(matches!(world.chat.begin_parts(&alice).await, Err(Error::NoFiles)));
    let scope = Operator::of_this_process().in_app(world.app(APP));
    assert_eq!(world.chat.sweep_files(&scope).await.unwrap(), Swept::default());
}
