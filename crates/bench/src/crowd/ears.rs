//! What members hear: counted for all together, held against the order for each.

use crate::Error;
use crate::load::TEXT_BYTES;
use crate::stats::Histogram;

/// Members that send, in turn.
pub const SENDERS: usize = 4;

/// What all members heard.
#[derive(Default)]
pub(super) struct Books {
    /// The step whose texts count.
    step: u32,
    pub(super) delivered: u64,
    pub(super) latencies: Histogram,
    /// When the last text of the step came.
    pub(super) last: u64,
    /// What is neither text nor answer.
    pub(super) events: u64,
    /// Bytes that came, encrypted.
    pub(super) bytes: u64,
}

impl Books {
    /// From now on texts of this step count.
    pub(super) fn begin(&mut self, step: u32) {
        self.step = step;
        self.delivered = 0;
        self.latencies = Histogram::default();
        self.last = 0;
    }
}

/// What one member heard last of each sender.
#[derive(Clone, Copy, Default)]
pub(super) struct Order {
    step: u32,
    /// The least number that may come next.
    next: [u64; SENDERS],
}

/// Takes what one member hears.
pub struct Ears<'a> {
    now: u64,
    books: &'a mut Books,
    order: &'a mut Order,
    answered: &'a mut u64,
    replies: &'a mut Vec<Vec<u8>>,
}

impl<'a> Ears<'a> {
    pub(super) fn new(
        now: u64,
        books: &'a mut Books,
        order: &'a mut Order,
        answered: &'a mut u64,
        replies: &'a mut Vec<Vec<u8>>,
    ) -> Self {
        Self { now, books, order, answered, replies }
    }

    /// A text. One of an earlier step counts nothing.
    ///
    /// # Errors
    /// When it was not sent, or comes twice or after a later one. That one is left out is no error
    /// here: it will be missing in the sum.
    pub fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        let Text { due, number, sender, step } =
            Text::read(text).ok_or_else(|| Error::protocol("a text that was not sent"))?;
        if step != self.books.step {
            return Ok(());
        }
        if self.order.step != step {
            *self.order = Order { step, ..Order::default() };
        }
        let next = &mut self.order.next[sender];
        if number < *next {
            return Err(Error::protocol(format!("text {number} came after {}", *next - 1)));
        }
        *next = number + 1;
        self.books.delivered += 1;
        self.books.last = self.now;
        self.books.latencies.record(self.now.saturating_sub(due));
        Ok(())
    }

    /// Something else that members are told.
    pub fn event(&mut self) {
        self.books.events += 1;
    }

    /// The answer to what the member sent.
    pub fn answered(&mut self) {
        *self.answered += 1;
    }

    /// What is to be sent for it, by itself.
    pub fn reply(&mut self, message: Vec<u8>) {
        self.replies.push(message);
    }
}

/// What stands in a text, at fixed places.
#[derive(Debug, PartialEq, Eq)]
struct Text {
    due: u64,
    number: u64,
    sender: usize,
    step: u32,
}

/// The text with this number, which is due at that moment.
pub(super) fn compose(due: u64, number: u64, sender: usize, step: u32) -> String {
    let text = format!("{due:016} {number:010} {sender:02} {step:06} ");
    format!("{text:x<TEXT_BYTES$}")
}

impl Text {
    fn read(text: &[u8]) -> Option<Self> {
        let part = |from: usize, len: usize| {
            let digits = text.get(from..from + len)?;
            digits.iter().try_fold(0u64, |sum, digit| {
                let digit = digit.wrapping_sub(b'0');
                (digit < 10).then(|| sum * 10 + u64::from(digit))
            })
        };
        let sender = usize::try_from(part(28, 2)?).ok()?;
        Some(Self {
            due: part(0, 16)?,
            number: part(17, 10)?,
            sender: Some(sender).filter(|sender| *sender < SENDERS)?,
            step: u32::try_from(part(31, 6)?).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says texts to one member, whose step is 2; what was counted, or that it was refused.
    fn hear(texts: &[(u64, usize, u32)]) -> Option<u64> {
        let (mut books, mut order) = (Books::default(), Order::default());
        let (mut answered, mut replies) = (0, Vec::new());
        books.begin(2);
        let mut ears = Ears::new(9_000, &mut books, &mut order, &mut answered, &mut replies);
        for (number, sender, step) in texts {
            ears.text(compose(1_000, *number, *sender, *step).as_bytes()).ok()?;
        }
        Some(books.delivered)
    }

    #[test]
    fn texts_are_read_as_they_were_written() {
        let text = compose(1_234_567_890, 42, 3, 17);
        assert_eq!(text.len(), TEXT_BYTES);
        let read = Text { due: 1_234_567_890, number: 42, sender: 3, step: 17 };
        assert_eq!(Text::read(text.as_bytes()), Some(read));
        assert_eq!(Text::read(compose(1, 2, SENDERS, 3).as_bytes()), None, "nobody sends that");
        assert_eq!(Text::read(b"tea?"), None);
        assert_eq!(Text::read(&[b'x'; 100]), None);
    }

    #[test]
    fn what_is_left_out_is_not_counted_and_what_comes_twice_is_refused() {
        assert_eq!(hear(&[(0, 0, 2), (1, 1, 2), (4, 0, 2)]), Some(3));
        assert_eq!(hear(&[(0, 0, 2), (4, 0, 2), (4, 0, 2)]), None);
        assert_eq!(hear(&[(4, 0, 2), (0, 0, 2)]), None);
        assert_eq!(hear(&[(7, 0, 1), (0, 0, 2), (8, 0, 1)]), Some(1), "late ones of a step before");
    }
}
