//! Which worker serves which room: a new one goes where least is to be done, and stays there.

use std::collections::HashMap;

use crate::types::RoomId;

/// See the module.
pub(super) struct Places {
    of: HashMap<RoomId, usize>,
    /// How many rooms each worker has.
    rooms: Vec<usize>,
}

impl Places {
    pub(super) fn new(workers: usize) -> Places {
        Places { of: HashMap::new(), rooms: vec![0; workers] }
    }

    /// Gives a room a worker if it has none: the one with the fewest rooms and `connections` together, since a room
    /// that has just begun will have some soon.
    pub(super) fn place(&mut self, room: RoomId, connections: impl Fn(usize) -> usize) {
        let rooms = &mut self.rooms;
        self.of.entry(room).or_insert_with(|| {
            let least = (0..rooms.len()).min_by_key(|&worker| rooms[worker] + connections(worker));
            let worker = least.unwrap_or(0);
            rooms[worker] += 1;
            worker
        });
    }

    pub(super) fn of(&self, room: RoomId) -> Option<usize> {
        self.of.get(&room).copied()
    }

    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(worker) = self.of.remove(&room) {
            self.rooms[worker] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_goes_where_least_is_to_be_done_and_stays() {
        let mut places = Places::new(3);
        let none = |_| 0;
        (1..=6).for_each(|room| places.place(RoomId(1, room), none));
        let of = |places: &Places, room| places.of(RoomId(1, room));
        let got: Vec<_> = (1..=6).map(|room| of(&places, room).unwrap()).collect();
        assert_eq!(got, [0, 1, 2, 0, 1, 2]);
        // One worker has many connections.
        let busy = |worker| if worker == 0 { 10 } else { 0 };
        (7..=9).for_each(|room| places.place(RoomId(1, room), busy));
        assert_eq!([7, 8, 9].map(|room| of(&places, room)), [Some(1), Some(2), Some(1)]);
        // One that is there already stays, one that ended makes room.
        places.place(RoomId(1, 1), busy);
        assert_eq!(of(&places, 1), Some(0));
        places.forget(RoomId(1, 6));
        assert_eq!(of(&places, 6), None);
        places.place(RoomId(1, 10), busy);
        assert_eq!(of(&places, 10), Some(2));
    }
}
