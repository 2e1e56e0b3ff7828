//! What is told of an edit (msync sections 4.6 and 5.3).

use serde_json::{Value, json};
use stoa_chat::entry::EditMark;
use stoa_core::Timestamp;
use stoa_wire::{Content, Message, MessageBody, Meta};

use crate::json::{bob, entry, message};

#[test]
fn a_message_that_was_edited_says_so_wherever_it_is_met() {
    let content = Content { kind: Some(0), text: Some("hi".into()), ..Default::default() };
    let translations = r#"{"thread":{},"translations":[{"code":"fr","text":"salut"}]}"#;
    let body = MessageBody { meta: Some(translations.into()), ..message(content) };
    let mut entry = entry(bob(), &body);
    let mark = EditMark { count: 1, by: "alice".parse().unwrap(), at: Timestamp::from_millis(9) };
    let about = json!({
        "count": 1,
        "operator": "alice",
        "edit_time": 9,
        "sender": "alice",
        "send_time": 1_800_000_000_123_u64,
        "chat_type": "chat:user",
    });
    assert_eq!(stoa_translate::edit_msg(&entry, &mark), json!({ "edit_msg": about }));
    entry.edit = Some(mark);
    let meta = Meta::decode(stoa_translate::meta(&entry, "demo#stoa")).unwrap();
    let delivered = MessageBody::decode(meta.payload.unwrap()).unwrap();
    let said: Value = serde_json::from_str(&delivered.meta.unwrap()).unwrap();
    assert_eq!(said, json!({ "thread": {}, "edit_msg": about }));
    assert_eq!(delivered.contents, body.contents);
}
