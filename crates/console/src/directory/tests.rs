use std::time::Duration;

use stoa_core::{
    AppDirectory, AuthPolicy, Clock, ManualClock, Operator, PublicHosts, SeededEntropy,
};
use stoa_store::Store;

use super::*;
use crate::NewApp;

/// A data centre that can be restarted.
struct Centre {
    store: Store,
    region: Region,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    console: Console,
}

impl Centre {
    async fn start(region: Region, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let store = Store::in_memory(clock.clone(), entropy.clone());
        let console = Self::open(&store, region, &clock, &entropy).await;
        Self { store, region, clock, entropy, console }
    }

    async fn open(
        store: &Store,
        region: Region,
        clock: &Arc<ManualClock>,
        entropy: &Arc<SeededEntropy>,
    ) -> Console {
        let operator = Operator::of_this_process();
        let console = Console::open(store, &operator, region, clock.clone(), entropy.clone()).await;
        let console = console.unwrap();
        console.name_hosts(Region::ALL.map(|region| (region, hosts(region))).into());
        console
    }

    async fn restart(&mut self) {
        self.console = Self::open(&self.store, self.region, &self.clock, &self.entropy).await;
    }

    async fn signer(&self) -> Arc<SigningKey> {
        let operator = Operator::of_this_process();
        self.store.signing_key(&operator, &*self.entropy).await.unwrap()
    }

    async fn create(&self, key: &str) -> Result<Arc<App>, ConsoleError> {
        let (key, auth) = (key.parse().unwrap(), AuthPolicy::Token);
        self.console.create_app(NewApp { key, region: self.region, auth }).await
    }

    async fn delete(&self, app: &App) {
        self.console.begin_deletion(&app.key).await.unwrap();
        self.console.finish_deletion(app.number).await.unwrap();
    }

    async fn page(&self, after: u64) -> Vec<u8> {
        self.console.directory_page(&*self.signer().await, after).await.unwrap()
    }

    async fn take(&self, from: &Self, page: &[u8]) -> Result<Learned, LearnError> {
        self.console.learn(from.region, &from.signer().await.public_key(), page).await
    }

    /// Fetches all that the other one has.
    async fn fetch(&self, from: &Self) -> Learned {
        let mut all = Learned::default();
        loop {
            let page = from.page(self.console.directory_cursor(from.region)).await;
            let learned = self.take(from, &page).await.unwrap();
            all.records += learned.records;
            all.conflicts.extend(learned.conflicts);
            if !learned.more {
                return all;
            }
        }
    }

    fn finds(&self, app: &App) -> Option<Elsewhere> {
        let by_key = self.console.elsewhere_by_key(&app.key);
        let by_id = self.console.elsewhere_by_id(&app.id);
        assert_eq!(by_key, by_id);
        by_key
    }
}

fn hosts(region: Region) -> PublicHosts {
    let host = |name: &str| format!("{name}.{region}.example.org").parse().unwrap();
    PublicHosts { rest: host("chat"), ws: host("im") }
}

#[tokio::test]
async fn what_one_says_the_other_knows_and_keeps_over_a_restart() {
    let (eu, mut na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let app = eu.create("acme#support").await.unwrap();
    assert_eq!(na.finds(&app), None);
    assert_eq!(na.fetch(&eu).await.records, 1);
    let there = Elsewhere {
        key: app.key.clone(),
        id: app.id.clone(),
        region: Region::Eu,
        hosts: Some(hosts(Region::Eu)),
    };
    assert_eq!(na.finds(&app), Some(there.clone()));
    assert_eq!(na.fetch(&eu).await, Learned::default(), "it is said once");
    na.restart().await;
    assert_eq!(na.finds(&app), Some(there));
    assert_eq!(na.fetch(&eu).await, Learned::default(), "the place in the directory is kept too");
    assert_eq!((na.console.apps_of(Region::Eu), eu.console.apps_of(Region::Eu)), (1, 1));
    assert!(na.console.by_key(&app.key).is_none() && na.console.apps().is_empty());
    assert_eq!(eu.finds(&app), None, "it is not elsewhere for its own data centre");
}

#[tokio::test]
async fn a_record_holds_the_names_the_region_and_the_version_and_nothing_else() {
    let eu = Centre::start(Region::Eu, 1).await;
    let app = eu.create("acme#support").await.unwrap();
    let page = eu.page(0).await;
    let key = eu.signer().await.public_key();
    let (rows, more) = read_page(&page, Region::Eu, &key, 0).unwrap();
    let version = eu.clock.now().as_millis();
    let (id, app_key) = (app.id.clone(), Some(app.key.clone()));
    let record = Record { id, key: app_key, region: Region::Eu, version };
    assert_eq!((rows[0].0.clone(), rows.len(), more), (record.clone(), 1, false));
    exercise(&page);
    // Written anew from what was read it is the same to the byte, so there is nothing beside.
    let again = Page { records: vec![record.sign(&*eu.signer().await)], more: false };
    assert_eq!(again.encode_to_vec(), page);
    let secrets = app.certificates.iter().map(|certificate| certificate.expose());
    for secret in secrets.chain([app.server_certificate.expose()]) {
        assert!(!page.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_deleted_app_leaves_its_id_and_its_key_is_free() {
    let (eu, mut na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let app = eu.create("acme#support").await.unwrap();
    na.fetch(&eu).await;
    let refused = na.create("acme#support").await;
    assert!(
        matches!(refused, Err(ConsoleError::ExistsElsewhere { region: Region::Eu, .. })),
        "{refused:?}"
    );
    eu.delete(&app).await;
    let page = eu.page(0).await;
    let key = app.key.to_string();
    assert!(!page.windows(key.len()).any(|part| part == key.as_bytes()), "nothing is left of it");
    assert_eq!(na.fetch(&eu).await.records, 1);
    for _ in 0..2 {
        assert_eq!((na.finds(&app), na.console.apps_of(Region::Eu)), (None, 0));
        na.restart().await;
    }
    let new = na.create("acme#support").await.unwrap();
    assert_eq!(eu.fetch(&na).await.records, 1);
    assert_eq!(eu.finds(&new).unwrap().region, Region::Na);

    let short = eu.create("acme#short").await.unwrap();
    eu.delete(&short).await;
    assert_eq!(na.fetch(&eu).await.records, 0, "what nobody has heard of is not told when it ends");
}

#[tokio::test]
async fn nobody_speaks_for_another_region_or_with_another_key() {
    let (eu, na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let app = eu.create("acme#support").await.unwrap();
    eu.create("acme#other").await.unwrap();
    let (signer, stranger) = (eu.signer().await, na.signer().await);
    let page = eu.page(0).await;
    let records = Page::decode(&*page).unwrap().records;
    let record = |region, version| {
        let (id, key) = (app.id.clone(), Some(app.key.clone()));
        Record { id, key, region, version }
    };
    let pages = |records: Vec<SignedRecord>, more| Page { records, more }.encode_to_vec();
    let mut altered = page.clone();
    let at = altered.windows(4).position(|part| part == b"acme").unwrap();
    altered[at] = b'b';
    let swapped = record(Region::Eu, 9).sign(&stranger);
    let order = vec![records[1].clone(), records[0].clone()];
    let many = (1..=501).map(|version| record(Region::Eu, version).sign(&signer)).collect();
    let region = vec![records[0].clone(), record(Region::Na, u64::MAX).sign(&signer)];
    for (what, page, expected) in [
        ("altered", altered, PageError::Signature),
        ("another key's", pages(vec![swapped], false), PageError::Signature),
        ("not signed", pages(vec![SignedRecord::default()], false), PageError::Signature),
        ("another region's", pages(region, false), PageError::Region(Region::Eu)),
        ("out of order", pages(order, false), PageError::Order),
        ("twice", pages(vec![records[0].clone(), records[0].clone()], false), PageError::Order),
        ("too many", pages(many, false), PageError::Size),
        ("endless", pages(Vec::new(), true), PageError::Form),
        ("cut off", page[..page.len() - 1].to_vec(), PageError::Form),
        ("no page", b"<html>".to_vec(), PageError::Form),
    ] {
        let refused = na.take(&eu, &page).await;
        assert!(matches!(refused, Err(LearnError::Page(found)) if found == expected), "{what}");
        assert_eq!((na.finds(&app), na.console.directory_cursor(Region::Eu)), (None, 0), "{what}");
    }
    assert_eq!(na.take(&eu, &page).await.unwrap().records, 2);
    let again = na.take(&eu, &page).await;
    assert!(matches!(again, Err(LearnError::Page(PageError::Order))), "what is known is not taken");
}

#[tokio::test]
async fn whoever_was_known_first_keeps_a_key_and_the_other_is_shown() {
    let (eu, na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let mut ap = Centre::start(Region::Ap, 3).await;
    // Made at the same time, before they heard of each other.
    let (of_eu, of_na) =
        (eu.create("acme#chat").await.unwrap(), na.create("acme#chat").await.unwrap());
    let conflict = |app: &App, kept_by| {
        let (key, id, region) = (app.key.clone(), app.id.clone(), app.region);
        Conflict { key, id, region, kept_by }
    };
    assert_eq!(na.fetch(&eu).await.conflicts, [conflict(&of_eu, Region::Na)]);
    assert_eq!(na.finds(&of_eu), None, "its own app stays");
    assert!(ap.fetch(&na).await.conflicts.is_empty());
    ap.clock.advance(Duration::from_secs(1));
    let expected = conflict(&of_eu, Region::Na);
    assert_eq!(ap.fetch(&eu).await.conflicts, std::slice::from_ref(&expected));
    for _ in 0..2 {
        assert_eq!(ap.console.elsewhere_by_key(&of_na.key).unwrap().region, Region::Na);
        assert_eq!(ap.console.elsewhere_by_id(&of_eu.id), None);
        assert_eq!(ap.console.conflicts(), std::slice::from_ref(&expected));
        ap.restart().await;
    }
    na.delete(&of_na).await;
    ap.fetch(&na).await;
    for _ in 0..2 {
        assert_eq!(
            ap.finds(&of_eu).unwrap().region,
            Region::Eu,
            "it counts when the first is gone"
        );
        assert_eq!(ap.console.conflicts(), []);
        ap.restart().await;
    }
    assert_eq!(na.finds(&of_eu).unwrap().region, Region::Eu);
}

#[tokio::test]
async fn an_app_id_of_another_region_is_not_believed() {
    let (eu, na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let ap = Centre::start(Region::Ap, 3).await;
    let app = eu.create("acme#chat").await.unwrap();
    ap.fetch(&eu).await;
    let stolen = Record {
        id: app.id.clone(),
        key: Some("acme#stolen".parse().unwrap()),
        region: Region::Na,
        version: 1,
    };
    let page = Page { records: vec![stolen.sign(&*na.signer().await)], more: false };
    ap.clock.advance(Duration::from_secs(1));
    let learned = ap.take(&na, &page.encode_to_vec()).await.unwrap();
    assert_eq!(learned.conflicts.len(), 1);
    assert_eq!(ap.console.elsewhere_by_key(&"acme#stolen".parse().unwrap()), None);
    assert_eq!(ap.finds(&app).unwrap().region, Region::Eu);
}

#[tokio::test]
async fn many_apps_come_page_by_page() {
    let (eu, na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    let most = limits::DIRECTORY_PAGE;
    for number in 0..=most {
        eu.create(&format!("acme#app-{number}")).await.unwrap();
    }
    let first = eu.page(0).await;
    assert!(first.len() < limits::DIRECTORY_PAGE_BYTES);
    assert!(Page::decode(&*first).unwrap().more);
    assert_eq!(na.fetch(&eu).await.records, most + 1);
    assert_eq!(na.console.apps_of(Region::Eu), most + 1);
    eu.create("acme#last").await.unwrap();
    assert_eq!(na.fetch(&eu).await.records, 1);
}

#[tokio::test]
async fn versions_go_on_above_what_others_have_seen_when_data_are_put_back() {
    let (eu, na) = (Centre::start(Region::Eu, 1).await, Centre::start(Region::Na, 2).await);
    for number in 0..3 {
        eu.create(&format!("acme#app-{number}")).await.unwrap();
    }
    na.fetch(&eu).await;
    // An earlier state knows nothing of those versions; its clock does.
    let mut earlier = Centre::start(Region::Eu, 4).await;
    earlier.store = eu.store.clone();
    earlier.restart().await;
    let published = std::mem::take(&mut *earlier.console.published.lock());
    assert_eq!(published.records.len(), 3);
    earlier.clock.advance(Duration::from_secs(1));
    let key = earlier.signer().await;
    let page = earlier.console.directory_page(&key, na.console.directory_cursor(Region::Eu)).await;
    assert_eq!(Page::decode(&*page.unwrap()).unwrap().records.len(), 3);
}
