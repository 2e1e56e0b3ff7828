//! What the tests inside this crate have in common.

use std::sync::Arc;

use stoa_core::{
    App, AppId, AppNumber, AuthPolicy, ChatSettings, Entropy, Region, Secret, Timestamp, Uuid,
};

/// An app that takes passwords.
pub(crate) fn app(random: &dyn Entropy, created: Timestamp) -> Arc<App> {
    let certificate = || Secret::new(AppId::from_bytes(random.bytes()).as_str());
    Arc::new(App {
        number: AppNumber(1),
        id: AppId::from_bytes(random.bytes()),
        key: "demo#stoa".parse().unwrap(),
        uuid: Uuid::random(random),
        region: Region::Eu,
        created,
        auth: AuthPolicy::TokenOrPassword,
        token_cap_s: 86_400,
        chat: ChatSettings::default(),
        certificates: vec![certificate()],
        server_certificate: certificate(),
    })
}
