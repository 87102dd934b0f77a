use super::*;

const A: Holder = Holder::from_bytes([1; 16]);
const B: Holder = Holder::from_bytes([2; 16]);
const TAKEN: Event = Event::Taken { found: Found::Due, interrupted: false };
const DUE: Event = Event::Found(Found::Due);

/// The last step of a flight to which that happened.
fn after<const N: usize>(events: [Event; N]) -> Step {
    let (mut flight, first) = Flight::begin();
    events.into_iter().fold(first, |_, event| flight.on(event))
}

fn land(release: bool, landing: Landing) -> Step {
    Step::Land { release, landing }
}

#[test]
fn r15_a_refresh_is_read_leased_marked_spent_and_kept() {
    let (mut flight, first) = Flight::begin();
    assert_eq!(first, Step::Read);
    assert_eq!(flight.on(DUE), Step::Lease { over: None });
    assert_eq!(flight.on(TAKEN), Step::Mark);
    assert_eq!(flight.on(Event::Marked(true)), Step::Spend);
    assert_eq!(flight.on(Event::Stale), Step::Mark);
    assert_eq!(flight.on(Event::Marked(true)), Step::Spend);
    assert_eq!(flight.on(Event::Renewed), Step::Keep);
    assert_eq!(flight.on(Event::Kept), land(false, Landing::Renewed));
}

#[test]
fn r15_what_another_has_kept_is_used() {
    assert_eq!(after([Event::Found(Found::Fresh)]), land(false, Landing::Fresh));
    let taken = Event::Taken { found: Found::Fresh, interrupted: false };
    assert_eq!(after([DUE, taken]), land(true, Landing::Fresh));
}

#[test]
fn r15_who_waits_asks_the_store_and_not_the_provider() {
    let held = Event::Held { by: A, by_us: false };
    assert_eq!(after([DUE, held]), Step::LookUp(A));
    assert_eq!(after([DUE, held, Event::Alive]), Step::Wait);
    let woken = |released| Event::Woken { released };
    assert_eq!(after([DUE, held, Event::Alive, woken(false)]), Step::Read);
    assert_eq!(after([DUE, held, Event::Alive, woken(false), DUE]), Step::Lease { over: None });
    let given_up = after([DUE, held, Event::Alive, woken(true), DUE]);
    assert_eq!(given_up, land(false, Landing::Outage), "the provider was asked a moment ago");
}

#[test]
fn r15_the_dead_are_replaced_at_once() {
    let held = |by| Event::Held { by, by_us: false };
    assert_eq!(after([DUE, held(A), Event::Dead(A)]), Step::Lease { over: Some(A) });
    assert_eq!(after([DUE, held(A), Event::Dead(A), held(B)]), Step::LookUp(B));
}

#[test]
fn a_lease_that_an_earlier_flight_left_is_taken_over_once() {
    let ours = Event::Held { by: A, by_us: true };
    assert_eq!(after([DUE, ours]), Step::Lease { over: Some(A) });
    assert_eq!(after([DUE, ours, ours]), Step::LookUp(A));
}

#[test]
fn r15_who_has_lost_the_lease_spends_nothing() {
    assert_eq!(after([DUE, TAKEN, Event::Marked(false)]), Step::Read);
    let spent = [DUE, TAKEN, Event::Marked(false), DUE, TAKEN];
    assert_eq!(after(spent), Step::Mark);
}

#[test]
fn r15_a_failure_before_the_spending_is_an_outage() {
    assert_eq!(after([Event::Failed]), land(false, Landing::Outage));
    assert_eq!(after([DUE, Event::Failed]), land(false, Landing::Outage));
    assert_eq!(after([DUE, TAKEN, Event::Failed]), land(true, Landing::Outage));
    let asked = [DUE, TAKEN, Event::Marked(true), Event::Failed];
    assert_eq!(after(asked), land(true, Landing::Outage));
}

#[test]
fn r15_new_tokens_are_kept_whatever_the_store_says() {
    let mut flight = Flight::begin().0;
    for event in [DUE, TAKEN, Event::Marked(true), Event::Renewed] {
        flight.on(event);
    }
    assert_eq!(flight.on(Event::Failed), Step::Rest);
    assert_eq!(flight.on(Event::Rested), Step::Keep);
    // Somebody took the lease meanwhile, and has not kept anything.
    assert_eq!(flight.on(Event::Overtaken), Step::Read);
    assert_eq!(flight.on(Event::Failed), Step::Rest);
    assert_eq!(flight.on(Event::Rested), Step::Read);
    assert_eq!(flight.on(DUE), Step::Lease { over: None });
    assert_eq!(flight.on(TAKEN), Step::Keep);
    assert_eq!(flight.on(Event::Kept), land(false, Landing::Renewed));
}

#[test]
fn r15_a_late_answer_gives_way_to_a_successor() {
    let late = [DUE, TAKEN, Event::Marked(true), Event::Renewed, Event::Overtaken];
    let (mut flight, _) = Flight::begin();
    let _ = late.map(|event| flight.on(event));
    assert_eq!(flight.on(Event::Found(Found::Fresh)), land(false, Landing::Fresh));
}

#[test]
fn r15_only_who_holds_the_lease_ends_the_session() {
    let refused = [DUE, TAKEN, Event::Marked(true), Event::Refused];
    assert_eq!(after(refused), Step::Mark);
    let (mut flight, _) = Flight::begin();
    let _ = refused.map(|event| flight.on(event));
    assert_eq!(flight.clone().on(Event::Marked(true)), Step::End(End::Expired));
    assert_eq!(flight.on(Event::Marked(false)), Step::Read);
    // What was said of another's token is forgotten.
    assert_eq!(flight.on(DUE), Step::Lease { over: None });
    assert_eq!(flight.on(TAKEN), Step::Mark);
    assert_eq!(flight.on(Event::Marked(true)), Step::Spend);
}

#[test]
fn r15_after_a_crash_a_refusal_means_that_the_token_was_lost() {
    let interrupted = Event::Taken { found: Found::Due, interrupted: true };
    let ends = [DUE, interrupted, Event::Marked(true), Event::Refused, Event::Marked(true)];
    assert_eq!(after(ends), Step::End(End::Lost));
    let other = [DUE, interrupted, Event::Marked(true), Event::OtherUser, Event::Marked(true)];
    assert_eq!(after(other), Step::End(End::Expired));
    let (mut flight, _) = Flight::begin();
    let _ = ends.map(|event| flight.on(event));
    assert_eq!(flight.on(Event::Ended), land(false, Landing::Ended(End::Lost)));
}

#[test]
fn what_nothing_can_refresh_ends_without_a_lease() {
    assert_eq!(after([Event::Found(Found::Hopeless)]), Step::End(End::Expired));
    assert_eq!(after([Event::Found(Found::Gone)]), land(false, Landing::Gone));
}
