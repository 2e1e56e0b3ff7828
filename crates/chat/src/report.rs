//! Messages that users report to the app's owner (msync section 9.14).
//!
//! A report names the message and says why; the message itself stays where it is, so a report holds
//! nothing that recalls and retention would miss. The app's back end reads the reports.

use prost::Message;
use stoa_core::{AppScope, Caller, MessageId, Target, Timestamp, UserId, limits};
use stoa_store::{Bucket, Direction, spaces};

use crate::records::{self, StoredReport};
use crate::{Chat, Error, account};

/// A report of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The message.
    pub message: MessageId,
    /// Who reports it.
    pub reporter: UserId,
    /// The conversation in which the reporter has it.
    pub conversation: Target,
    /// What the app calls such a thing.
    pub label: String,
    /// Why, in the reporter's words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A page of reports, the newest first.
#[derive(Debug)]
pub struct ReportPage {
    /// The reports.
    pub reports: Vec<Report>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

impl Chat {
    /// Reports a message that the calling user has. Reported again by the same user, the last words
    /// count.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::ReportsClosed`];
    /// [`Error::Argument`] by field; [`Error::UnknownMessage`]; [`Error::Store`].
    pub async fn report_message(
        &self,
        caller: &Caller,
        message: MessageId,
        label: &str,
        reason: &str,
    ) -> Result<(), Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        if !caller.app().chat.plan.receipts_and_reports {
            return Err(Error::ReportsClosed);
        }
        for (field, text, most) in [
            ("reportType", label, limits::REPORT_TYPE_BYTES),
            ("reportReason", reason, limits::REPORT_REASON_BYTES),
        ] {
            if text.len() > most {
                return Err(Error::argument(field, format!("at most {most} bytes")));
            }
        }
        let (place, entry) = self.search(caller, me, message).await?;
        if place.log.class_number().is_some() {
            // A report outlives the class, and who teaches is there.
            return Err(Error::ClassDecides);
        }
        let store = &self.store.app(caller).await?;
        let report = StoredReport {
            message: message.0,
            reporter: me.as_str().into(),
            peer: place.target.name().into(),
            is_group: place.target.group().is_some() && !place.target.is_room(),
            is_room: place.target.is_room(),
            label: label.into(),
            reason: reason.into(),
            at_ms: self.shared.clock.now().as_millis(),
        };
        // One report for each user and message, at the message's time.
        let user = account::user_blind(store, me);
        let name = store.blind("report", &[&message.0.to_be_bytes(), me.as_str().as_bytes()]);
        let key = store.key(&spaces::REPORTS).number(entry.at.as_millis()).blind(name).done();
        let (key, report) = (&key, &report.encode_to_vec());
        store
            .transact(|mut txn| async move {
                txn.put(key, Bucket::Object(user.0), report).await?;
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }

    /// A page of the app's reports, those of the newest messages first.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Argument`] for the cursor;
    /// [`Error::Store`].
    pub async fn reports(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
        count: usize,
    ) -> Result<ReportPage, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let all = store.key(&spaces::REPORTS);
        // Of a message that is over, nothing is reported any more.
        let kept = self.kept_since(caller).as_millis() + 1;
        let wrong = || Error::argument("cursor", "must be empty, or the cursor of the page before");
        let range = match cursor {
            None => all.numbers(kept..),
            Some(text) => {
                let (at, name) = text.split_once('.').ok_or_else(wrong)?;
                let at = at.parse().map_err(|_| wrong())?;
                let name = u128::from_str_radix(name, 16).map_err(|_| wrong())?;
                let last = all.clone().number(at).blind(stoa_store::Blind(name.to_be_bytes()));
                all.numbers(kept..).below(&last.done())
            }
        };
        let rows = store.read().await?.scan(&range, Direction::Backward, count + 1).await?;
        let more = rows.len() > count;
        let mut page = ReportPage { reports: Vec::new(), next: None };
        for (key, value) in rows.into_iter().take(count) {
            let stored: StoredReport = records::decode(&value, spaces::REPORTS.name)?;
            let name = u128::from_be_bytes(key.blind(1).0);
            page.next = more.then(|| format!("{}.{name:032x}", key.number(0)));
            page.reports.push(Report::read(stored)?);
        }
        Ok(page)
    }
}

/// Reports that are removed at once.
const STEP: usize = 500;

impl Chat {
    /// Removes reports of messages that are over. Answers how many there were.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is removed by the next call.
    pub async fn sweep_reports(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let store = &self.store.app(scope).await?;
        let kept = self.shared.kept_since(scope.app()).as_millis();
        let mut removed = 0;
        loop {
            let range = store.key(&spaces::REPORTS).numbers(..=kept);
            let rows = &store.read().await?.scan_all(&range, Direction::Forward, STEP).await?;
            if rows.is_empty() {
                return Ok(removed);
            }
            let done = store.transact(|mut txn| async move {
                for (key, _) in rows {
                    txn.delete(key)?;
                }
                Ok::<_, Error>(txn.done(()))
            });
            done.await?;
            removed += rows.len();
        }
    }
}

impl Report {
    fn read(stored: StoredReport) -> Result<Self, Error> {
        let conversation = records::target(&stored.peer, stored.is_group, stored.is_room);
        let (Some(conversation), Ok(reporter)) = (conversation, stored.reporter.parse()) else {
            return Err(stoa_store::StoreError::Corrupt { space: spaces::REPORTS.name }.into());
        };
        Ok(Self {
            message: MessageId(stored.message),
            reporter,
            conversation,
            label: stored.label,
            reason: stored.reason,
            at: Timestamp::from_millis(stored.at_ms),
        })
    }
}
