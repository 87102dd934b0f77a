use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cloakroom_core::{session::RecordId, time::Timestamp};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

use super::{COOL_DOWN, Flights, Outcome};
use crate::sessions::RefreshFailure;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_000);

fn id(name: &str) -> RecordId {
    RecordId::hash(b"test", name.as_bytes())
}

fn ended() -> (Outcome, Timestamp) {
    (Err(RefreshFailure::Ended), NOW)
}

fn outage() -> (Outcome, Timestamp) {
    (Err(RefreshFailure::Outage { retry_after: Duration::from_secs(1) }), NOW)
}

/// A flight that counts itself, says that it took off, and lands when told.
fn held(
    count: &Arc<AtomicU32>,
    may_land: &Arc<Notify>,
) -> impl Future<Output = (Outcome, Timestamp)> + Send + 'static {
    let (count, may_land) = (Arc::clone(count), Arc::clone(may_land));
    async move {
        count.fetch_add(1, Ordering::SeqCst);
        may_land.notified().await;
        ended()
    }
}

#[tokio::test]
async fn r15_all_who_come_while_a_flight_is_under_way_share_it() {
    let (flights, count, may_land) =
        (Flights::new(TaskTracker::new()), Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (flights, fly) = (flights.clone(), held(&count, &may_land));
            tokio::spawn(async move { flights.join(id("a"), NOW, fly).await })
        })
        .collect();
    while count.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    may_land.notify_one();
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), Err(RefreshFailure::Ended));
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn r15_a_waiter_that_goes_away_cancels_nothing() {
    let flights = Flights::new(TaskTracker::new());
    let (took_off, in_air) = oneshot::channel();
    let (may_land, told) = oneshot::channel::<()>();
    let (done, landed) = oneshot::channel();
    let fly = async move {
        took_off.send(()).unwrap();
        told.await.unwrap();
        done.send(()).unwrap();
        ended()
    };
    let waiter = tokio::spawn({
        let flights = flights.clone();
        async move { flights.join(id("a"), NOW, fly).await }
    });
    in_air.await.unwrap();
    waiter.abort();
    assert!(waiter.await.unwrap_err().is_cancelled());
    may_land.send(()).unwrap();
    landed.await.expect("the flight went on without its waiter");
}

#[tokio::test]
async fn an_outage_cools_down_and_then_flies_again() {
    let flights = Flights::new(TaskTracker::new());
    assert_eq!(flights.join(id("a"), NOW, async { outage() }).await, outage().0);
    let soon = flights.join(id("a"), NOW, async { unreachable!("it is cooling") }).await;
    assert_eq!(soon, Err(RefreshFailure::Outage { retry_after: COOL_DOWN }));
    let later = flights.join(id("a"), NOW.plus(COOL_DOWN), async { ended() }).await;
    assert_eq!(later, Err(RefreshFailure::Ended));
}

#[tokio::test]
async fn one_session_s_flight_is_not_another_s() {
    let flights = Flights::new(TaskTracker::new());
    assert_eq!(flights.join(id("a"), NOW, async { outage() }).await, outage().0);
    assert_eq!(flights.join(id("b"), NOW, async { ended() }).await, ended().0);
}

#[tokio::test]
async fn a_flight_that_crashes_is_an_outage_and_blocks_no_other() {
    let flights = Flights::new(TaskTracker::new());
    let crash = async { panic!("as a test") };
    let outcome = flights.join(id("a"), NOW, crash).await;
    assert!(matches!(outcome, Err(RefreshFailure::Outage { .. })));
    assert_eq!(flights.join(id("a"), NOW, async { ended() }).await, ended().0);
}

#[tokio::test]
async fn what_has_cooled_is_forgotten() {
    let flights = Flights::new(TaskTracker::new());
    drop(flights.join(id("a"), NOW, async { outage() }).await);
    flights.forget_cooled(NOW);
    assert_eq!(flights.lock().len(), 1);
    flights.forget_cooled(NOW.plus(COOL_DOWN));
    assert_eq!(flights.lock().len(), 0);
}

#[tokio::test]
async fn a_clock_put_back_ends_the_cooling() {
    let flights = Flights::new(TaskTracker::new());
    drop(flights.join(id("a"), NOW, async { outage() }).await);
    let earlier = NOW.minus(Duration::from_secs(3600));
    assert_eq!(flights.join(id("a"), earlier, async { ended() }).await, ended().0);
}

#[tokio::test]
async fn a_provider_s_word_on_when_to_ask_again_counts() {
    let flights = Flights::new(TaskTracker::new());
    let busy = || (Err(RefreshFailure::Outage { retry_after: Duration::from_secs(30) }), NOW);
    drop(flights.join(id("a"), NOW, async move { busy() }).await);
    let later = NOW.plus(Duration::from_secs(29));
    let outcome = flights.join(id("a"), later, async { unreachable!("it is cooling") }).await;
    assert_eq!(outcome, Err(RefreshFailure::Outage { retry_after: Duration::from_secs(1) }));
}

#[tokio::test]
async fn r15_the_tracker_waits_for_a_flight_that_nobody_waits_for() {
    let tasks = TaskTracker::new();
    let flights = Flights::new(tasks.clone());
    let (may_land, told) = oneshot::channel::<()>();
    let (done, mut landed) = oneshot::channel();
    flights.start(id("a"), NOW, async move {
        told.await.unwrap();
        done.send(()).unwrap();
        ended()
    });
    tasks.close();
    may_land.send(()).unwrap();
    tasks.wait().await;
    landed.try_recv().expect("it landed before the wait was over");
}
