//! When a class begins, ends and closes: by what was said of it, and by those who change it by hand.

use super::acts::{Act, Fate, Kind};

/// The times of a class, in milliseconds of the server's clock, and where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: Option<u64>,
    /// How long it lasts.
    pub(super) lasts: Option<u64>,
    /// How long it stays open after that.
    pub(super) stays: u64,
    ended: Option<u64>,
    state: u8,
}

impl Times {
    pub(super) fn new(start: Option<u64>, lasts: Option<u64>, stays: u64) -> Self {
        Self { start, lasts, stays, ..Self::default() }
    }

    /// To which state the clock puts it next, and when.
    fn next(&self) -> Option<(u8, u64)> {
        let ends = || Some(self.start? + self.lasts?);
        match self.state {
            0 => Some((1, self.start?)),
            1 => Some((2, ends()?)),
            2 => Some((3, self.ended.or_else(ends)? + self.stays)),
            _ => None,
        }
    }

    fn become_at(&mut self, state: u8, at: u64) {
        if state >= 1 && self.state < 1 {
            self.start = Some(at);
        }
        if state >= 2 {
            self.ended.get_or_insert(at);
        }
        self.state = state;
    }

    /// What is wrong in the changes that a class told of until `now`, and in where it stands.
    pub(super) fn judge(
        mut self,
        changes: &[(u8, u64)],
        is: u8,
        acts: &[Act],
        now: u64,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let by_hand = |act: &&Act| matches!(act.kind, Kind::SetState(_));
        let mut by_hand: Vec<&Act> = acts.iter().filter(by_hand).collect();
        for (state, at) in changes {
            let due = self.next();
            if due != Some((*state, *at)) {
                let found = by_hand.iter().position(|act| {
                    act.kind == Kind::SetState(*state)
                        && act.fate != Fate::Refused
                        && (act.from..=act.until).contains(at)
                });
                match found {
                    Some(found) if due.is_none_or(|(_, due)| *at < due) => {
                        by_hand.remove(found);
                    }
                    _ => wrong.push(format!("it became {state} at {at}; {due:?} was due")),
                }
            }
            if *state <= self.state {
                wrong.push(format!("it became {state} after {}", self.state));
            }
            self.become_at(*state, *at);
        }
        for act in by_hand.iter().filter(|act| act.fate == Fate::Done) {
            wrong.push(format!("{:?} was acknowledged, and is not told", act.kind));
        }
        if self.state != is {
            wrong.push(format!("it is {is}, and told to be {}", self.state));
        }
        if let Some((state, at)) = self.next().filter(|(_, at)| *at <= now) {
            wrong.push(format!("it is {is} at {now}, and was to become {state} at {at}"));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_late_or_early_or_goes_back_is_found_out() {
        let times = Times::new(Some(100), Some(50), 25);
        let right = [(1, 100), (2, 150), (3, 175)];
        assert_eq!(times.judge(&right, 3, &[], 1000), [""; 0]);
        assert_eq!(times.judge(&right[..1], 1, &[], 149), [""; 0]);
        assert_eq!(times.judge(&right[..1], 1, &[], 150).len(), 1);
        assert_eq!(times.judge(&[(1, 101)], 1, &[], 102).len(), 1);
        assert_eq!(times.judge(&right[..2], 1, &[], 160).len(), 1);
        let mut act = Act::new(Kind::SetState(2), 7, 120);
        act.may_be_at(130);
        act.fate = Fate::Done;
        let acts = [act];
        assert_eq!(times.judge(&[(1, 100), (2, 125)], 2, &acts, 140), [""; 0]);
        assert_eq!(times.judge(&[(1, 100), (2, 125)], 2, &acts, 150).len(), 1);
        assert_eq!(times.judge(&[(1, 100)], 1, &acts, 140).len(), 1);
        assert_eq!(times.judge(&[(1, 100), (2, 131)], 2, &acts, 140).len(), 2);
    }
}
