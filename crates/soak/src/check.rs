//! Conversations as everybody knows them, compared.

use crate::demo::Demo;
use crate::device::Device;
use crate::ledger::{Difference, Known, compare};
use crate::report::Report;
use crate::{Outcome, rest};

/// What was compared, and what differed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages in the history.
    messages: usize,
    /// Messages that devices received.
    deliveries: usize,
    /// The history against what senders were told.
    promised: Difference,
    /// What devices received against the history.
    received: Difference,
    /// What the server did that breaks the SDK.
    violations: Vec<String>,
}

impl Tally {
    /// Compares the conversation of users `a` and `b`: the server's history with what the writers
    /// among `devices` were told, and with what each of them received.
    pub(crate) async fn add(
        &mut self,
        demo: &Demo,
        (a, b): (&str, &str),
        devices: &[&Device],
    ) -> Outcome<()> {
        let history = rest::history(demo, a, b).await?;
        self.messages += history.len();
        let known = |stored: &rest::Stored| -> Known { (stored.id, stored.text.clone()) };
        for device in devices {
            let (own, peer) = (device.name(), if device.user == a { b } else { a });
            let (sent, foreign): (Vec<_>, Vec<_>) = history.iter().partition(|s| s.device == own);
            let sent: Vec<_> = sent.into_iter().map(known).collect();
            let foreign: Vec<_> = foreign.into_iter().map(known).collect();
            self.promised = self.promised.plus(compare(&device.promised(peer), &sent));
            let received = device.received(peer);
            self.deliveries += received.len();
            self.received = self.received.plus(compare(&foreign, &received));
            self.violations.extend(device.violations());
        }
        Ok(())
    }

    /// Tells what was found, and whether that is what should be.
    pub(crate) fn verdict(self, report: &mut Report) -> Outcome<()> {
        let row =
            |d: Difference| format!("{} / {} / {}", d.lost, d.doubled + d.unknown, d.disordered);
        report.row("messages acknowledged", self.messages);
        report.row("of these lost / doubled / out of order", row(self.promised));
        report.row("deliveries to devices", self.deliveries);
        report.row("of these lost / doubled / out of order", row(self.received));
        if let Some(first) = self.violations.first() {
            return Err(format!("the SDK would break: {first}"));
        }
        if self.promised.is_none() && self.received.is_none() && self.messages > 0 {
            return Ok(());
        }
        Err(format!("sent: {:?}; received: {:?}", self.promised, self.received))
    }
}
