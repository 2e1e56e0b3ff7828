//! Which logs were written to on which day.
//!
//! One row for each log and day, made with what is written first, and changed only when something from before is
//! sealed anew on that day: an edit, a recall, a receipt. So a message costs no row more than its own.

use prost::Message;
use stoa_core::{Day, Seq};
use stoa_store::classes::DataClass;
use stoa_store::spaces::LOG_DAYS;
use stoa_store::{AppStore, Blind, Bucket, Key, KeyRange, Txn};

use super::stored::LogDay;
use crate::Error;
use crate::records;

/// What stands in the index for a log, as its appender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted {
    day: Day,
    from: Seq,
}

/// A log in the index of a day.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) key: Key,
    pub(super) day: Day,
    pub(super) log: Blind,
    /// Nothing below was sealed on that day.
    pub(super) from: Seq,
}

/// Notes that something of the log called `log` is sealed on `day`, at `from` or behind it. `known` is what was
/// found the last time.
pub(crate) async fn note(
    store: &AppStore,
    txn: &mut Txn,
    class: &DataClass,
    log: Blind,
    (day, from): (Day, Seq),
    known: Option<Noted>,
) -> Result<Noted, Error> {
    if let Some(known) = known.filter(|known| known.day == day && known.from <= from) {
        return Ok(known);
    }
    let key =
        store.key(&LOG_DAYS).number(class.number.into()).number(day.0.into()).blind(log).done();
    let stored = match txn.get(&key).await? {
        Some(value) => Some(Seq(records::decode::<LogDay>(&value, LOG_DAYS.name)?.from)),
        None => None,
    };
    match stored {
        Some(stored) if stored <= from => Ok(Noted { day, from: stored }),
        _ => {
            txn.put(&key, Bucket::Whole, &LogDay { from: from.0 }.encode_to_vec()).await?;
            Ok(Noted { day, from })
        }
    }
}

/// The index of a class up to and with `last`, in the order of days.
pub(super) fn up_to(store: &AppStore, class: &DataClass, last: Day) -> KeyRange {
    store.key(&LOG_DAYS).number(class.number.into()).numbers(..=u64::from(last.0))
}

/// A row of the index.
pub(super) fn listed(key: Key, value: &[u8]) -> Result<Listed, Error> {
    let row: LogDay = records::decode(value, LOG_DAYS.name)?;
    let day = Day(u32::try_from(key.number(1)).unwrap_or(u32::MAX));
    Ok(Listed { day, log: key.blind(2), from: Seq(row.from), key })
}
