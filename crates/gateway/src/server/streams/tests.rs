use http_body_util::{BodyExt as _, Empty, Full};

use super::*;

fn streams(places: usize) -> (Arc<Streams>, Arc<Semaphore>) {
    let places = Arc::new(Semaphore::new(places));
    (Streams::new(Arc::clone(&places)), places)
}

/// Whether it is ready now.
fn now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn r71_streams_beside_the_first_take_places_of_the_door() {
    let (streams, places) = streams(1);
    let (mut first, mut second, mut third) = (streams.begin(), streams.begin(), streams.begin());
    assert!(now(first.take_place()).is_some());
    assert_eq!(places.available_permits(), 1, "the connection's own");
    assert!(now(second.take_place()).is_some());
    assert_eq!(places.available_permits(), 0);
    assert!(now(third.take_place()).is_none(), "waits");
    drop(second);
    assert!(now(third.take_place()).is_some());
    drop(first);
    let mut fourth = streams.begin();
    assert!(now(fourth.take_place()).is_some(), "the connection's own again");
    drop((third, fourth));
    assert_eq!(places.available_permits(), 1);
}

/// Rapid reset: what is cancelled counts, what is answered does not, however much of it.
#[tokio::test]
async fn r71_too_many_cancelled_streams_end_the_connection() {
    let (streams, _) = streams(1000);
    let long = Duration::from_secs(3600);
    for _ in 0..10_000 {
        let body = streams.begin().ride(Full::new(Bytes::from_static(b"x")));
        body.collect().await.expect("whole");
        drop(streams.begin().ride(Empty::<Bytes>::new()));
    }
    assert!(now(streams.come_to_an_end(long)).is_none());
    for _ in 0..100 {
        drop(streams.begin());
        drop(streams.begin().ride(Full::new(Bytes::from_static(b"x"))));
    }
    assert!(now(streams.come_to_an_end(long)).is_none());
    (0..20).for_each(|_| drop(streams.begin()));
    assert!(now(streams.come_to_an_end(long)).is_some());
    assert!(now(streams.begin().take_place()).is_none(), "nothing more is asked of an upstream");
}

#[test]
fn r71_cancellations_are_forgotten_with_time() {
    let start = Instant::now();
    let mut cancelled = Cancelled::at(start);
    // Twenty each second for ten minutes: a search field.
    assert!((0..12_000).all(|n| cancelled.is_tolerable(start + Duration::from_millis(50 * n))));
    let mut cancelled = Cancelled::at(start);
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!((0..200).all(|_| cancelled.is_tolerable(at(0))));
    assert!(!cancelled.is_tolerable(at(0)));
    assert!(cancelled.is_tolerable(at(1)));
    assert!((0..200).all(|_| cancelled.is_tolerable(at(20))));
    let mut fast = Cancelled::at(start);
    assert!(!(0..500).all(|n| fast.is_tolerable(start + Duration::from_millis(25 * n))));
}

#[tokio::test]
async fn a_connection_is_idle_when_no_stream_is_open() {
    let (streams, _) = streams(1);
    let idle = Duration::from_millis(1);
    let stream = streams.begin();
    let mut end = std::pin::pin!(streams.come_to_an_end(idle));
    assert!(tokio::time::timeout(Duration::from_millis(20), end.as_mut()).await.is_err());
    drop(stream);
    end.await;
}
