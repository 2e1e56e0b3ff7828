//! What lies on disk of a message.

use stoa_chat::Error;
use stoa_core::{Clock, ConversationId, MessageId};
use stoa_store::Bucket;

use crate::world::{APP, OTHER, World};

fn both() -> ConversationId {
    ConversationId::one_to_one(&"alice".parse().unwrap(), &"bob".parse().unwrap())
}

#[tokio::test]
async fn an_apps_owner_sees_the_record_and_no_text() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let text = "a text that nobody finds on disk";
    let first = alice.send("bob", text).await;
    let second = alice.send("bob", text).await;

    let owner = world.back_end(APP).await;
    let at_rest = world.chat.message_at_rest(&owner, &both(), first.id).await.unwrap();
    let sealed = &at_rest.sealed;
    assert_eq!((at_rest.seq.0, at_rest.at), (1, first.at));
    assert_eq!(at_rest.until.since(at_rest.at).as_secs(), 180 * 86_400);
    assert!(!sealed.record.windows(text.len()).any(|bytes| bytes == text.as_bytes()));
    assert_eq!((sealed.version, sealed.record[0]), (1, 1));
    assert_eq!(sealed.record[1..9], sealed.key_id.to_be_bytes());
    assert_eq!(sealed.record[9..21], sealed.nonce);
    // Space 30 of app 1, the blinded conversation, the place in it.
    assert_eq!(sealed.stored_key[..5], [30, 0, 0, 0, 1]);
    assert_eq!(sealed.stored_key.len(), 5 + 16 + 8);
    assert_eq!(sealed.stored_key[21..], 1_u64.to_be_bytes());
    let key = sealed.key.as_ref().unwrap();
    assert_eq!((key.id.0, key.scope.app.0, key.scope.class.0), (sealed.key_id, 1, 1));
    assert_eq!(key.scope.bucket, Bucket::Day(world.clock.now().day()));

    // The same text again: another nonce, other bytes.
    let again = world.chat.message_at_rest(&owner, &both(), second.id).await.unwrap().sealed;
    assert_eq!(again.key_id, sealed.key_id);
    assert_ne!(again.nonce, sealed.nonce);
    assert_ne!(again.record[21..], sealed.record[21..]);
}

#[tokio::test]
async fn it_is_for_the_apps_owner_and_for_messages_of_that_app_only() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let sent = alice.send("bob", "hello").await;
    let at_rest = |caller, id| {
        let chat = &world.chat;
        async move { chat.message_at_rest(&caller, &both(), id).await.map(|at_rest| at_rest.seq.0) }
    };
    let refused = at_rest(alice.caller.clone(), sent.id).await;
    assert!(matches!(refused, Err(Error::NotAllowed)), "{refused:?}");
    let elsewhere = at_rest(world.back_end(OTHER).await, sent.id).await;
    assert!(matches!(elsewhere, Err(Error::UnknownMessage)), "{elsewhere:?}");
    let unknown = at_rest(world.back_end(APP).await, MessageId(sent.id.0 + 1)).await;
    assert!(matches!(unknown, Err(Error::UnknownMessage)), "{unknown:?}");
}
