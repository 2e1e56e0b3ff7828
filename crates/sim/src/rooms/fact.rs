//! What is true of somebody in a room, as far as one can know who only hears the answers.
//!
//! Between a request and its answer, and for good where none came, nobody outside knows when it took
//! effect or whether it did. So a fact is the list of all that may have turned it, each with the time
//! within which it did; what may have been true at some time follows from that.

/// Something that turns a fact.
#[derive(Debug, Clone)]
struct Turn {
    to: bool,
    /// It took effect not before this, and not after that.
    from: u64,
    end: u64,
    /// It certainly did. Otherwise it may have.
    sure: bool,
    /// It certainly did not.
    refused: bool,
}

/// What became of what may turn a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is as was wanted.
    Done,
    /// Nothing happened.
    Refused,
    /// Nobody knows, but nothing more will happen.
    Unknown,
}

/// Something that is true or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fact(Vec<Turn>);

impl Fact {
    /// Something that is not true.
    pub(crate) fn untrue() -> Self {
        let mut fact = Self::default();
        fact.was(false, 0, 0);
        fact
    }

    /// At some moment of that time it became this, or was found to be.
    pub(crate) fn was(&mut self, to: bool, from: u64, end: u64) {
        self.0.push(Turn { to, from, end, sure: true, refused: false });
    }

    /// At some moment of that time it may have become this.
    pub(crate) fn may_become(&mut self, to: bool, from: u64, end: u64) {
        self.0.push(Turn { to, from, end, sure: false, refused: false });
    }

    /// Somebody asks that it become this. Answers the number for [`Self::end`].
    pub(crate) fn begin(&mut self, to: bool, now: u64) -> usize {
        self.may_become(to, now, u64::MAX);
        self.0.len() - 1
    }

    /// What was asked under that number has come to this.
    pub(crate) fn end(&mut self, number: usize, now: u64, end: End) {
        if let Some(turn) = self.0.get_mut(number) {
            turn.end = turn.end.min(now);
            turn.sure = end == End::Done;
            turn.refused = end == End::Refused;
        }
    }

    /// When what was asked under that number was asked.
    pub(crate) fn asked_at(&self, number: usize) -> u64 {
        self.0.get(number).map_or(0, |turn| turn.from)
    }

    /// Nothing of what was asked so far will happen any more.
    pub(crate) fn give_up(&mut self, now: u64) {
        for turn in &mut self.0 {
            turn.end = turn.end.min(now);
        }
    }

    /// Whether it may have been `value` at some moment of that time.
    pub(crate) fn may_be(&self, value: bool, from: u64, until: u64) -> bool {
        let of = |to: bool| self.0.iter().filter(move |turn| turn.to == to && !turn.refused);
        let within = of(value).any(|turn| turn.from <= until && turn.end >= from);
        // The last that certainly turned it to the other before.
        let turned =
            of(!value).filter(|turn| turn.sure && turn.end <= from).map(|turn| turn.from).max();
        within || of(value).any(|turn| turn.from <= from && turned.is_none_or(|at| turn.end >= at))
    }

    /// Whether it certainly was `value` all that time.
    pub(crate) fn is(&self, value: bool, from: u64, until: u64) -> bool {
        !self.may_be(!value, from, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_may_be_either() {
        let mut fact = Fact::untrue();
        assert!(fact.is(false, 1, 5));
        let come = fact.begin(true, 10);
        assert!(fact.is(false, 5, 9) && fact.may_be(true, 5, 10));
        assert!(fact.may_be(true, 15, 15) && fact.may_be(false, 15, 15));
        fact.end(come, 20, End::Done);
        assert!(fact.is(true, 20, 30) && fact.may_be(false, 10, 20));
        let go = fact.begin(false, 40);
        fact.end(go, 45, End::Refused);
        assert!(fact.is(true, 20, 99));
        fact.begin(false, 100);
        fact.give_up(110);
        assert!(fact.may_be(false, 105, 105) && fact.may_be(true, 200, 200));
        assert!(fact.may_be(false, 200, 200));
        fact.was(true, 120, 130);
        assert!(fact.is(true, 131, 999));
    }

    #[test]
    fn of_two_at_the_same_time_either_may_be_the_last() {
        let mut fact = Fact::untrue();
        let (come, go) = (fact.begin(true, 10), fact.begin(false, 12));
        fact.end(go, 20, End::Done);
        fact.end(come, 22, End::Done);
        assert!(fact.may_be(true, 30, 30) && fact.may_be(false, 30, 30));
    }
}
