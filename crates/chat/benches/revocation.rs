//! What a token costs at the door, in CPU time, beside 100,000 revoked ones and without any. A login asks for two
//! cuts, that of its token and that of its device; a message asks for none, as sessions are told when they end.

#[path = "../../token/benches/cpu_time/mod.rs"]
mod cpu_time;

use std::hint::black_box;
use std::sync::Arc;

use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use stoa_chat::{Chat, DeviceInfo, LoginRequest, NewUser};
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Clock, ManualClock, Region, Secret,
    SeededEntropy, Timestamp,
};
use stoa_store::Store;
use stoa_store::engine::Memory;
use stoa_token::Builder007;
use stoa_vault::Vault;
use tokio::runtime::{Builder, Runtime};

const NOW_S: u32 = 1_800_000_000;
const CUTS: u32 = 100_000;
const USERS: u32 = 100;
/// Tokens that come by turns, so that none has its place in the register of cuts in a cache.
const TOKENS: u32 = 1_000;

/// The one app.
struct Apps(Arc<App>);

impl AppDirectory for Apps {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        (self.0.key == *key).then(|| self.0.clone())
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        (self.0.id == *id).then(|| self.0.clone())
    }
}

fn token(app: &App, user: Option<String>, salt: u32) -> String {
    let builder = Builder007::new(app.id.as_str(), app.certificates[0].expose(), NOW_S, 3600, salt);
    let builder = match user {
        Some(user) => builder.chat_user(&user),
        None => builder.chat_app(),
    };
    builder.build().expect("an app's own id and certificate make tokens")
}

fn user(number: u32) -> String {
    format!("user-{}", number % USERS)
}

/// A service that knows so many revoked tokens.
async fn service(cuts: u32) -> (Chat, Arc<App>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(NOW_S.into())));
    let entropy = Arc::new(SeededEntropy::new(7));
    let key = "demo#stoa".parse().expect("a key");
    let app = App::new(AppNumber(1), key, Region::Eu, clock.now(), AuthPolicy::Open, &*entropy);
    let app = Arc::new(app);
    let vault = Arc::new(Vault::in_memory(clock.clone(), entropy.clone()));
    let store = Store::open(Arc::new(Memory::new()), vault);
    let chat = Chat::new(store, Arc::new(Apps(app.clone())), clock, entropy, 1);
    let back_end = chat.authenticate(&app.key, &token(&app, None, 1)).await.expect("a good token");
    let new = |number| NewUser {
        username: user(number).parse().expect("a name"),
        password: None,
        nickname: None,
    };
    let registered = chat.register(&back_end, (0..USERS).map(new).collect()).await;
    assert!(registered.expect("names that are free").taken.is_empty());
    for number in 0..cuts {
        let revoked = token(&app, Some(user(number)), 1_000_000 + number);
        chat.revoke_token(&back_end, &revoked).await.expect("a good token");
    }
    assert_eq!(chat.revocations(), cuts as usize, "each once");
    (chat, app)
}

fn checks(c: &mut Criterion<CpuTime>) {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let services = [0, CUTS].map(|cuts| (cuts, runtime.block_on(service(cuts))));
    for (cuts, (chat, app)) in &services {
        let tokens: Vec<String> =
            (0..TOKENS).map(|number| token(app, Some(user(number)), 2 + number)).collect();
        let mut next = tokens.iter().cycle();
        c.bench_function(&format!("authenticate, {cuts} cuts"), |b| {
            b.iter(|| {
                let token = next.next().expect("it has no end");
                runtime.block_on(chat.authenticate(&app.key, black_box(token))).expect("good")
            });
        });
        let requests: Vec<LoginRequest> = (0..)
            .zip(&tokens)
            .map(|(number, token)| LoginRequest {
                app: app.key.clone(),
                user: user(number),
                token: Secret::new(token.as_str()),
                device: DeviceInfo {
                    resource: "web".parse().expect("a resource"),
                    uuid: String::new(),
                    name: String::new(),
                    platform: 1,
                },
                address: None,
            })
            .collect();
        let mut next = requests.iter().cycle();
        c.bench_function(&format!("log in, {cuts} cuts"), |b| {
            b.iter(|| {
                let request = next.next().expect("it has no end");
                runtime.block_on(chat.log_in(black_box(request))).expect("good")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = checks
}
criterion_main!(benches);
