use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::{NoPlace, Place, Places, Purpose, Share};

const PURPOSE: Purpose = Purpose {
    are: "things are there",
    setting: "[limits] things",
};

fn places(size: usize, times: usize) -> Places<&'static str> {
    Places::new(PURPOSE, size, [Share::each(times)])
}

type Taking<'a> = Pin<Box<dyn Future<Output = Result<Place<&'static str>, NoPlace>> + 'a>>;

/// Whether it has its place by now.
fn poll<'a>(taking: &mut Taking<'a>) -> Option<Place<&'static str>> {
    match taking
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(place) => Some(place.unwrap()),
        Poll::Pending => None,
    }
}

/// As many as it may have.
fn all(places: &Places<&'static str>, holder: &'static str) -> Vec<Place<&'static str>> {
    std::iter::from_fn(|| places.try_take(&holder).ok()).collect()
}

#[test]
fn one_alone_gets_most_and_never_all() {
    for (size, times, most) in [
        (1, 7, 1),
        (2, 7, 2),
        (8, 7, 7),
        (64, 7, 56),
        (1_024, 7, 896),
        (1, 1, 1),
        (2, 1, 1),
        (64, 1, 32),
    ] {
        let places = places(size, times);
        assert_eq!(all(&places, "a").len(), most, "{size}, {times}");
    }
}

#[test]
fn what_one_leaves_is_there_for_others() {
    let places = places(64, 7);
    let first = all(&places, "a");
    let second = all(&places, "b");
    assert_eq!((first.len(), second.len()), (56, 7));
    assert!(places.try_take(&"c").is_ok());
    let error = places.try_take(&"a").unwrap_err().to_string();
    assert_eq!(
        error,
        "56 things are there for a, which is its share of 64 ([limits] things): try again in a \
         moment"
    );
    let _last = places.try_take(&"c").unwrap();
    let error = places.try_take(&"d").unwrap_err().to_string();
    assert_eq!(
        error,
        "64 things are there, which is the limit ([limits] things): try again in a moment"
    );
}

/// Those who have a share together leave room for others, each of them within its own share.
#[test]
fn holders_may_have_a_share_together() {
    let together = Share {
        times: 1,
        same: |a: &&'static str, b: &&'static str| a.chars().next() == b.chars().next(),
        who: |holder| holder.chars().take(1).collect(),
        each: None,
    };
    let places = Places::new(PURPOSE, 16, [Share::each(7), together]);
    let (one, two) = (all(&places, "a1"), all(&places, "a2"));
    assert_eq!((one.len(), two.len()), (8, 0));
    let why = places.try_take(&"a3").unwrap_err();
    assert!(matches!(why, NoPlace::Share { held: 8, who, .. } if who == "a"));
    assert_eq!(all(&places, "b").len(), 4);
}

/// One of them gets most of a share, and never all of it.
#[test]
fn a_share_is_shared_as_well() {
    let together = Share {
        times: 3,
        same: |a: &&'static str, b: &&'static str| a.chars().next() == b.chars().next(),
        who: |holder| holder.chars().take(1).collect(),
        each: Some(7),
    };
    let places = Places::new(PURPOSE, 256, [Share::each(7), together]);
    let one = all(&places, "a1");
    assert_eq!(one.len(), 168);
    let why = places.try_take(&"a1").unwrap_err();
    assert!(matches!(why, NoPlace::Share { held: 168, who, .. } if who == "a1"));
    let two = all(&places, "a2");
    assert!((10..24).contains(&two.len()), "{}", two.len());
    assert!(all(&places, "b").len() > 32);
}

/// However many wait of one, another has its turn with the next place.
#[test]
fn those_who_wait_take_turns() {
    let places = places(1, 1);
    let mut held = places.try_take(&"a").ok();
    let waiting: Vec<&str> = [["a"; 5].as_slice(), &["b"; 3], &["c"]].concat();
    let mut takings: Vec<(&str, Taking<'_>)> = waiting
        .iter()
        .map(|who| (*who, Box::pin(places.take(who)) as Taking<'_>))
        .collect();
    takings
        .iter_mut()
        .for_each(|(_, taking)| assert!(poll(taking).is_none()));
    let mut order = String::new();
    while !takings.is_empty() {
        drop(held.take());
        let turn = takings.iter_mut().position(|(who, taking)| {
            let place = poll(taking);
            let has_place = place.is_some();
            if let Some(place) = place {
                order.push_str(who);
                held = Some(place);
            }
            has_place
        });
        drop(takings.remove(turn.expect("a place is given to somebody")));
    }
    assert_eq!(order, "abcababaa");
}

#[test]
fn who_gives_up_takes_no_turn_and_holds_no_place() {
    let places = places(1, 1);
    let held = places.try_take(&"a").unwrap();
    let mut first: Taking<'_> = Box::pin(places.take(&"b"));
    let mut second: Taking<'_> = Box::pin(places.take(&"c"));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    drop(first);
    drop(held);
    // Given to it, and dropped before it looked.
    drop(second);
    assert_eq!(places.taken(), 0);
    assert!(places.state().holders.is_empty() && places.state().turns.is_empty());
}

#[test]
fn once_closed_none_is_given_and_who_waits_is_told() {
    let places = places(1, 1);
    let held = places.try_take(&"a").unwrap();
    let mut waiting: Taking<'_> = Box::pin(places.take(&"b"));
    assert!(poll(&mut waiting).is_none());
    places.close();
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(
        waiting.as_mut().poll(&mut context),
        Poll::Ready(Err(NoPlace::Closed))
    ));
    assert_eq!(places.try_take(&"a").unwrap_err(), NoPlace::Closed);
    let mut idle = Box::pin(places.idle());
    assert!(idle.as_mut().poll(&mut context).is_pending());
    drop(held);
    assert!(idle.as_mut().poll(&mut context).is_ready());
}

#[test]
fn those_who_hold_the_most_are_shown() {
    let places = places(64, 7);
    let _few = places.try_take(&"few").unwrap();
    let _most = [
        places.try_take(&"most").unwrap(),
        places.try_take(&"most").unwrap(),
    ];
    let shown = places.shown();
    assert_eq!((shown.limit, shown.taken, shown.waiting), (64, 3, 0));
    let holders: Vec<_> = shown
        .holders
        .iter()
        .map(|held| (held.who.as_str(), held.taken))
        .collect();
    assert_eq!(holders, [("most", 2), ("few", 1)]);
}

const HOLDERS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
enum Deed {
    Take(usize),
    Drop(usize),
    GiveUp(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..HOLDERS.len()).prop_map(Deed::Take),
        2 => any::<prop::sample::Index>().prop_map(|index| Deed::Drop(index.index(1 << 16))),
        1 => any::<prop::sample::Index>().prop_map(|index| Deed::GiveUp(index.index(1 << 16))),
    ]
}

proptest! {
    /// Whatever is done in whatever order: never more than there are, nobody past its share when it
    /// takes, no place is free that somebody who waits may have, and in the end nothing is left.
    #[test]
    fn places_are_shared(
        size in 1_usize..9,
        times in 1_usize..8,
        deeds in prop::collection::vec(deed(), 0..80),
    ) {
        let places = places(size, times);
        let mut held: Vec<(&str, Place<&str>)> = Vec::new();
        let mut waiting: Vec<(&'static str, Taking<'_>)> = Vec::new();
        for deed in deeds {
            match deed {
                Deed::Take(holder) => waiting.push((HOLDERS[holder], Box::pin(places.take(&HOLDERS[holder])))),
                Deed::Drop(index) if !held.is_empty() => drop(held.swap_remove(index % held.len())),
                Deed::GiveUp(index) if !waiting.is_empty() => drop(waiting.remove(index % waiting.len())),
                Deed::Drop(_) | Deed::GiveUp(_) => {}
            }
            waiting.retain_mut(|(who, taking)| match poll(taking) {
                Some(place) => {
                    held.push((who, place));
                    false
                }
                None => true,
            });
            prop_assert_eq!(places.taken(), held.len());
            prop_assert!(held.len() <= size);
            let free = size - held.len();
            let mut of: BTreeMap<&str, usize> = BTreeMap::new();
            held.iter().for_each(|(who, _)| *of.entry(who).or_default() += 1);
            for (who, _) in &waiting {
                let own = of.get(who).copied().unwrap_or(0);
                prop_assert!(free == 0 || own >= times * free, "{who} has {own}, and {free} are free");
            }
        }
        drop(waiting);
        drop(held);
        prop_assert_eq!(places.taken(), 0);
        prop_assert!(places.state().holders.is_empty());
    }
}
