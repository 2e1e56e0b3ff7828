//! Stores of earlier releases: kept in the repository as each wrote them, opened and read by today's code.
//!
//! To add the one of a release, before it is made: `UPDATE=1 cargo test -p stoa --test it fixture`.
//! Its root key protects nothing: it is made of a text that stands here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde_json::Value;
use stoa_blob::Blobs;
use stoa_chat::attachment::{NewFile, Target as Place};
use stoa_chat::entry::{Kind, Priority};
use stoa_chat::person::{PersonSink, Told};
use stoa_chat::{Chat, Draft, Error, NewGroup, NewUser};
use stoa_console::{Console, NewApp};
use stoa_core::{
    AppKey, AuthPolicy, Caller, Clock, Entropy, ManualClock, Operator, Region, Resource,
    SeededEntropy, Target, Timestamp, UserId, issue_token,
};
use stoa_store::engine::{Embedded, EmbeddedOptions};
use stoa_store::{Store, classes};
use stoa_vault::{KeyClass, RootKey, Vault, VaultOptions};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// What the root key of all fixtures is made of.
const PUBLIC: &[u8] = b"a store for tests, whose root key everybody may know";
const KEY: &str = "acme#fixture";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// When the stores were written, and are read.
fn moment() -> Timestamp {
    Timestamp::from_secs(1_795_000_000)
}

/// An open store.
struct Opened {
    store: Store,
    chat: Chat,
    console: Arc<Console>,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
}

impl Opened {
    async fn open(dir: &Path) -> Self {
        let clock = Arc::new(ManualClock::new(moment()));
        let entropy = Arc::new(SeededEntropy::new(1));
        let root: String =
            digest(&SHA256, PUBLIC).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let root = RootKey::parse(&root).unwrap();
        let options = VaultOptions::new(dir.join("keys"));
        let vault = Arc::new(Vault::open(options, root, clock.clone(), entropy.clone()).unwrap());
        let engine = Embedded::open(&EmbeddedOptions::new(dir.join("data/store"))).unwrap();
        let store = Store::open(Arc::new(engine), vault.clone());
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(&dir.join("data/files"), vault.clone(), class).unwrap();
        let operator = Operator::of_this_process();
        let console = Console::open(&store, &operator, Region::Eu, clock.clone(), entropy.clone());
        let console = Arc::new(console.await.unwrap());
        let (times, random) = (clock.clone(), entropy.clone());
        let chat = Chat::new(store.clone(), console.clone(), times, random, vault.life());
        Self { store, chat: chat.with_files(blobs), console, clock, entropy }
    }

    async fn caller(&self, user: Option<&str>) -> Caller {
        let key: AppKey = KEY.parse().unwrap();
        let app = self.chat.app(&key).unwrap();
        let user = user.map(|user| user.parse::<UserId>().unwrap());
        let random: &dyn Entropy = &*self.entropy;
        let token = issue_token(&app, user.as_ref(), self.clock.now(), 3600, random);
        self.chat.authenticate(&key, token.expose()).await.unwrap()
    }

    async fn say(&self, from: &str, to: Target, text: &'static str, client_id: u64) {
        let draft = Draft {
            to,
            only_resource: None,
            only_users: Vec::new(),
            kind: Kind::Text,
            body: Bytes::from_static(text.as_bytes()),
            ext: Bytes::new(),
            content_bytes: text.len(),
            client_id,
            online_only: false,
            receipts: false,
            priority: Priority::Normal,
        };
        let (done, outcome) = tokio::sync::oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        let caller = self.caller(Some(from)).await;
        let resource: Resource = "web".parse().unwrap();
        self.chat.send(&caller, &resource, draft, done).await;
        outcome.await.unwrap().unwrap();
    }

    async fn close(self) {
        self.store.close().await.unwrap();
    }
}

/// Everything that concerns a user.
#[derive(Default)]
struct Handed {
    records: BTreeMap<&'static str, Vec<Value>>,
    texts: Vec<String>,
    files: Vec<Vec<u8>>,
}

impl PersonSink for Handed {
    async fn tell(&mut self, told: Told) -> Result<(), Error> {
        match told {
            Told::Record { space, value, entry } => {
                self.records.entry(space.name).or_default().push(value);
                let text = entry.map(|entry| String::from_utf8(entry.body.to_vec()).unwrap());
                self.texts.extend(text);
            }
            Told::File { .. } => self.files.push(Vec::new()),
            Told::Bytes(bytes) => self.files.last_mut().unwrap().extend_from_slice(&bytes),
            Told::Looked(_) => {}
        }
        Ok(())
    }
}

/// Writes what this release writes into `dir`.
async fn write(dir: &Path) {
    fs::create_dir(dir.join("keys")).unwrap();
    fs::set_permissions(dir.join("keys"), fs::Permissions::from_mode(0o700)).unwrap();
    let opened = Opened::open(dir).await;
    let key: AppKey = KEY.parse().unwrap();
    let new = NewApp { key, region: Region::Eu, auth: AuthPolicy::Token };
    opened.console.create_app(new).await.unwrap();
    let owner = opened.caller(None).await;
    let user = |name: &str| name.parse::<UserId>().unwrap();
    let new = ["ann", "ben", "cleo"].map(|name| NewUser {
        username: user(name),
        password: None,
        nickname: Some(format!("{name} of the fixture")),
    });
    opened.chat.register(&owner, new.into()).await.unwrap();
    opened.chat.add_contact(&owner, &user("ann"), &user("ben")).await.unwrap();
    let new = NewGroup {
        owner: user("ann"),
        name: "readers".into(),
        description: "of old formats".into(),
        avatar: String::new(),
        custom: String::new(),
        public: true,
        approval: false,
        member_invites: false,
        invite_confirm: false,
        max_members: 20,
        members: vec![user("ben"), user("cleo")],
    };
    let group = opened.chat.create_group(&owner, None, new).await.unwrap();
    opened.say("ann", Target::User(user("ben")), "from ann to ben", 1).await;
    opened.say("ben", Target::User(user("ann")), "from ben to ann", 2).await;
    opened.say("cleo", Target::Group(group), "to the group", 3).await;
    let ann = opened.caller(Some("ann")).await;
    let mut upload = opened.chat.begin_upload(&ann).await.unwrap();
    upload.push(b"a file of the fixture").await.unwrap();
    let target = Some(Place::read("CHAT", "ben").unwrap());
    let new = NewFile { name: "note.txt".into(), target, ..NewFile::default() };
    opened.chat.finish_upload(&ann, upload, new).await.unwrap();
    opened.close().await;
}

/// Packs `dir` into a new file.
fn pack_into(archive: &Path, dir: &Path) {
    let mut zip = ZipWriter::new(File::create_new(archive).unwrap());
    pack(dir, dir, &mut zip);
    zip.finish().unwrap();
}

fn pack(root: &Path, dir: &Path, zip: &mut ZipWriter<File>) {
    let mut entries: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            zip.add_directory(name, SimpleFileOptions::default()).unwrap();
            pack(root, &path, zip);
        } else {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&fs::read(&path).unwrap()).unwrap();
        }
    }
}

fn unpack(archive: &Path, to: &Path) {
    let mut zip = ZipArchive::new(File::open(archive).unwrap()).unwrap();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let path = to.join(file.enclosed_name().unwrap());
        let mode = if file.is_dir() {
            fs::create_dir_all(&path).unwrap();
            0o700
        } else {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            fs::write(&path, bytes).unwrap();
            0o600
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Unpacks the store of a release, reads all of it, and goes on in it.
async fn is_read_and_written(archive: &Path) {
    assert!(archive.metadata().unwrap().len() < 200_000, "{}", archive.display());
    let dir = tempfile::tempdir().unwrap();
    unpack(archive, dir.path());
    let opened = Opened::open(dir.path()).await;
    let owner = opened.caller(None).await;
    let ann = "ann".parse().unwrap();
    let mut handed = Handed::default();
    assert!(opened.chat.export_person(&owner, &ann, &mut handed).await.unwrap());
    for text in ["from ann to ben", "from ben to ann", "to the group"] {
        assert!(handed.texts.iter().any(|told| told == text), "{text}: {:?}", handed.texts);
    }
    assert_eq!(handed.files, [b"a file of the fixture"]);
    assert_eq!(handed.records["users"][0]["nickname"], "ann of the fixture");
    assert_eq!(handed.records["groups"][0]["name"], "readers");
    assert_eq!(handed.records["contacts"].len(), 2);
    opened.say("ben", Target::User(ann), "written by a later release", 4).await;
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_earlier_releases_open_and_are_read_and_written() {
    let stores: Vec<_> =
        fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!stores.is_empty());
    for store in stores {
        is_read_and_written(&store).await;
    }
}

/// What a release leaves behind fits into the repository and can be read again.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_this_release_can_be_kept_for_later_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (store, archive) = (dir.path().join("store"), dir.path().join("store.zip"));
    fs::create_dir(&store).unwrap();
    write(&store).await;
    pack_into(&archive, &store);
    is_read_and_written(&archive).await;
    let kept = fixtures().join(format!("store-{VERSION}.zip"));
    if std::env::var_os("UPDATE").is_some() && !kept.exists() {
        fs::copy(&archive, &kept).unwrap();
    }
}
