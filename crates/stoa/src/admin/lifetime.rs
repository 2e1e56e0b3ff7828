//! How long what an app has is kept, class by class, and what there is by now.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stoa_core::App;
use stoa_store::Bucket;
use stoa_store::classes::{BucketKind, CLASSES, DataClass, MESSAGE, Retention};

use crate::failure::Failure;
use crate::node::Node;

/// How long data of one class of an app are kept. Times are milliseconds since 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionView {
    /// `org#app`.
    pub app: String,
    /// The class.
    pub class: String,
    /// How long they are kept, in seconds.
    pub seconds: u64,
    /// `stored`: so long after they were stored; `unused`: so long after they were used last; `ended`: so long
    /// after the class that they belong to has ended.
    pub since: String,
    /// Where it can be chosen: `plan`, `older-plan`, or a number of days.
    pub setting: Option<String>,
    /// The shorter time that waits, in seconds.
    pub pending_seconds: Option<u64>,
    /// From when on the shorter time counts.
    pub pending_from: Option<u64>,
    /// How many keys there are.
    pub keys: usize,
    /// The first day of which a key exists, where a key covers a day: days since 1970.
    pub oldest_day: Option<u32>,
    /// When the key of that day is destroyed.
    pub next_destruction: Option<u64>,
}

/// All classes of an app.
pub(super) async fn of_app(node: &Node, app: &Arc<App>) -> Result<Vec<RetentionView>, Failure> {
    let keys = node.vault.keys();
    let keys: Vec<_> = keys.into_iter().filter(|key| key.scope.app == app.number).collect();
    Ok(CLASSES.iter().map(|class| of_class(node, app, class, &keys)).collect())
}

fn of_class(
    node: &Node,
    app: &App,
    class: &DataClass,
    keys: &[stoa_store::KeySummary],
) -> RetentionView {
    let now = node.clock.now();
    let kept = class.kept(&app.chat, now);
    let is_messages = class.number == MESSAGE.number;
    let pending = is_messages.then(|| app.chat.messages_pending(now)).flatten();
    let keys = keys.iter().filter(|key| key.scope.class.0 == class.number);
    let day = |bucket: Bucket| match bucket {
        Bucket::Day(day) => Some(day),
        _ => None,
    };
    let oldest = keys.clone().filter_map(|key| day(key.scope.bucket)).min();
    let oldest = oldest.filter(|_| class.buckets.contains(&BucketKind::Day));
    RetentionView {
        app: app.key.to_string(),
        class: class.name.into(),
        seconds: kept.as_secs(),
        since: match class.retention {
            Retention::ByPlan(_) | Retention::For(_) => "stored",
            Retention::WhileUsed(_) => "unused",
            Retention::AfterClass(_) => "ended",
        }
        .into(),
        setting: is_messages.then(|| app.chat.keep_messages.to_string()),
        pending_seconds: pending.map(|(shorter, _)| shorter.as_secs()),
        pending_from: pending.map(|(_, from)| from.as_millis()),
        keys: keys.count(),
        oldest_day: oldest.map(|day| day.0),
        next_destruction: oldest.map(|day| day.next().start().plus(kept).as_millis()),
    }
}
