//! Which layer each slot gets: what is shown decides what it would like, the network what it can have.
//!
//! The estimate of a connection is shared among its slots: first each gets the smallest layer, the largest pictures first; then they are
//! raised to what they would like, in the same order. A layer that is already shown may need a little more than
//! there is before it is taken away, and one that is not shown needs a little less than there is before it is given: so nothing swings.

use str0m::bwe::Bitrate;

use super::Room;
use super::peer::{Feed, Layer, Peer};
use crate::types::Kind;

/// What a network is taken to carry until it is known better.
pub(super) const START: Bitrate = Bitrate::kbps(2500);

/// Bits per second of a sound.
const SOUND: u64 = 50_000;

/// What a layer is taken to need before it has been measured, smallest first.
const UNKNOWN: [u64; 3] = [200_000, 800_000, 1_500_000];

/// The height of a layer that has not said it: halves downwards from this.
const FULL_HEIGHT: u32 = 480;

/// A slot's wish.
struct Wish {
    slot: usize,
    feed: Feed,
    height: u32,
    /// Bits per second of each layer that there is, smallest first.
    costs: Vec<(usize, u64)>,
    /// The place in `costs` of the layer that it would like.
    want: usize,
    current: Option<usize>,
}

impl Room {
    /// Gives each slot of a peer its layer.
    pub(super) fn allocate(&mut self, place: usize) {
        let Some(peer) = self.peers[place].as_ref() else {
            return;
        };
        let mut wishes: Vec<Wish> = Vec::new();
        let mut sounds = 0;
        for (at, slot) in peer.slots.iter().enumerate() {
            let (Some(watch), Some(feed)) = (slot.watch, slot.feed) else {
                continue;
            };
            if slot.kind == Kind::Audio {
                sounds += 1;
                continue;
            }
            let Some(from) = self.peers[feed.peer].as_ref().filter(|_| watch.height > 0) else {
                continue;
            };
            let costs = costs(&from.tracks[feed.track].layers);
            let layers = &from.tracks[feed.track].layers;
            let enough = |(layer, _): &(usize, u64)| {
                height(layers, *layer).saturating_mul(6) / 5 >= watch.height
            };
            let want = costs.iter().position(enough).unwrap_or(costs.len() - 1);
            wishes.push(Wish {
                slot: at,
                feed,
                height: watch.height,
                costs,
                want,
                current: slot.current,
            });
        }
        wishes.sort_by_key(|w| std::cmp::Reverse(w.height));
        let given = share(&wishes, peer.estimate, sounds * SOUND);
        let desired: u64 = wishes.iter().map(|w| w.costs[w.want].1).sum::<u64>() + sounds * SOUND;
        let lacks = wishes.iter().zip(&given).any(|(w, g)| *g != Some(w.costs[w.want].0));
        self.give(place, &wishes, &given, desired, lacks);
    }

    fn give(
        &mut self,
        place: usize,
        wishes: &[Wish],
        given: &[Option<usize>],
        desired: u64,
        lacks: bool,
    ) {
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        let mut keys = Vec::new();
        for (at, slot) in peer.slots.iter_mut().enumerate() {
            if slot.kind == Kind::Audio {
                slot.target = slot.feed.map(|_| 0);
                continue;
            }
            let wish = wishes.iter().position(|w| w.slot == at);
            let layer = wish.and_then(|w| given[w]);
            let withheld = wish.is_some() && layer.is_none();
            if withheld != slot.withheld {
                slot.withheld = withheld;
                peer.report = true;
            }
            let Some(layer) = layer else {
                if slot.current.is_some() || slot.target.is_some() {
                    slot.stop();
                    peer.report = true;
                }
                continue;
            };
            if slot.target != Some(layer) {
                slot.target = Some(layer);
                peer.report = true;
            }
            if slot.current != slot.target
                && let Some(wish) = wish
            {
                keys.push((wishes[wish].feed, layer));
            }
        }
        aim(peer, desired, lacks);
        for (feed, layer) in keys {
            self.want_key_soon(feed, layer);
        }
    }
}

/// What the estimator probes for. Only what is raised makes it probe, so a small change is none. While somebody lacks something
/// the connection is filled up with padding as far as the estimate allows: an estimate without traffic does not rise.
fn aim(peer: &mut Peer, wanted: u64, lacks: bool) {
    let wanted = wanted + wanted / 4;
    let near = wanted.abs_diff(peer.aim.0) * 10 <= peer.aim.0;
    if !peer.connected || wanted == 0 || (near && lacks == peer.aim.1) {
        return;
    }
    peer.aim = (wanted, lacks);
    let minimum = if lacks { wanted } else { 0 };
    // Not less than the start: probes aim at twice this, and what a small probe finds would be taken for all there is.
    let desired = wanted.max(START.as_u64());
    peer.rtc.bwe().set_bitrate(Bitrate::from(minimum), Bitrate::from(desired));
}

/// The layers that there are, smallest first. None comes yet: all are taken to come.
fn costs(layers: &[Layer]) -> Vec<(usize, u64)> {
    let cost = |at: usize, layer: &Layer| {
        let unknown = UNKNOWN[at.min(UNKNOWN.len() - 1)];
        layer.meter.rate().filter(|rate| *rate > 20_000).unwrap_or(unknown)
    };
    let some_live = layers.iter().any(|l| l.lives);
    layers
        .iter()
        .enumerate()
        .filter(|(_, l)| !some_live || l.lives)
        .map(|(at, l)| (at, cost(at, l)))
        .collect()
}

fn height(layers: &[Layer], at: usize) -> u32 {
    let above = layers.len() - 1 - at;
    layers[at].height.unwrap_or(FULL_HEIGHT >> above.min(4))
}

/// The layer of each wish, or none, within the estimate.
fn share(wishes: &[Wish], estimate: Option<u64>, sounds: u64) -> Vec<Option<usize>> {
    let Some(estimate) = estimate else {
        return wishes.iter().map(|w| Some(w.costs[w.want].0)).collect();
    };
    let mut left = estimate.saturating_sub(sounds);
    let fits = |wish: &Wish, layer: usize, more: u64, left: u64| {
        // What is shown may need a fifth more than there is; what is not shown must leave a tenth.
        if wish.current.is_some_and(|c| c >= layer) {
            more * 5 / 6 <= left
        } else {
            more * 11 / 10 <= left
        }
    };
    let mut given: Vec<Option<usize>> = vec![None; wishes.len()];
    for (at, wish) in wishes.iter().enumerate() {
        let (layer, cost) = wish.costs[0];
        // One picture is always tried: without it nothing would measure the network.
        if fits(wish, layer, cost, left) || at == 0 {
            given[at] = Some(0);
            left = left.saturating_sub(cost);
        }
    }
    for (wish, given) in wishes.iter().zip(&mut given) {
        let Some(place) = given.as_mut() else { continue };
        while *place < wish.want {
            let (layer, cost) = wish.costs[*place + 1];
            let more = cost.saturating_sub(wish.costs[*place].1);
            if !fits(wish, layer, more, left) {
                break;
            }
            left = left.saturating_sub(more);
            *place += 1;
        }
    }
    wishes.iter().zip(given).map(|(w, given)| given.map(|at| w.costs[at].0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(slot: usize, costs: &[u64], want: usize, current: Option<usize>) -> Wish {
        Wish {
            slot,
            feed: Feed { peer: 0, id: 1, track: 0 },
            height: 0,
            costs: costs.iter().copied().enumerate().collect(),
            want,
            current,
        }
    }

    #[test]
    fn the_estimate_is_shared_from_the_smallest_layers_up() {
        let wishes = [wish(0, &[200, 1000], 1, None), wish(1, &[200, 1000], 1, None)];
        assert_eq!(share(&wishes, None, 0), [Some(1), Some(1)]);
        assert_eq!(share(&wishes, Some(3000), 0), [Some(1), Some(1)]);
        assert_eq!(share(&wishes, Some(1500), 0), [Some(1), Some(0)]);
        assert_eq!(share(&wishes, Some(450), 0), [Some(0), Some(0)]);
        assert_eq!(share(&wishes, Some(300), 0), [Some(0), None]);
        assert_eq!(share(&wishes, Some(10), 0), [Some(0), None]);
        assert_eq!(share(&wishes, Some(1500), 1100), [Some(0), None]);
    }

    #[test]
    fn what_is_shown_stays_where_what_is_not_shown_is_not_given() {
        let shown = [wish(0, &[200, 1000], 1, Some(1))];
        let other = [wish(0, &[200, 1000], 1, Some(0))];
        for estimate in [950, 1050] {
            assert_eq!(share(&shown, Some(estimate), 0), [Some(1)]);
            assert_eq!(share(&other, Some(estimate), 0), [Some(0)]);
        }
        assert_eq!(share(&shown, Some(800), 0), [Some(0)]);
        assert_eq!(share(&other, Some(1090), 0), [Some(1)]);
    }
}
