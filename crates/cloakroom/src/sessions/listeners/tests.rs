use super::*;

fn id(name: &str) -> RecordId {
    RecordId::hash(b"test", name.as_bytes())
}

fn entries(listeners: &Listeners) -> usize {
    listeners.entries().as_ref().map_or(0, HashMap::len)
}

#[tokio::test]
async fn only_its_own_listeners_hear_of_a_session() {
    let listeners = Listeners::new();
    let mut mine = [listeners.listen(id("mine")), listeners.listen(id("mine"))];
    let mut other = listeners.listen(id("other"));
    listeners.tell(id("mine"), |news| news.ended = Some(End::Logout));
    for mine in &mut mine {
        assert_eq!(mine.changed().await.and_then(|news| news.ended), Some(End::Logout));
    }
    listeners.close();
    assert_eq!(other.changed().await, None);
}

#[tokio::test]
async fn whoever_is_slow_hears_the_last_state_once() {
    let listeners = Listeners::new();
    let mut listening = listeners.listen(id("mine"));
    for _ in 0..1000 {
        listeners.tell(id("mine"), |news| news.refreshes += 1);
    }
    assert_eq!(listening.changed().await.map(|news| news.refreshes), Some(1000));
    listeners.close();
    assert_eq!(listening.changed().await, None, "the other 999 were no news any more");
}

#[tokio::test]
async fn an_entry_goes_with_its_last_listener() {
    let listeners = Listeners::new();
    listeners.tell(id("nobody's"), |news| news.refreshes += 1);
    assert_eq!(entries(&listeners), 0);
    let (first, second) = (listeners.listen(id("mine")), listeners.listen(id("mine")));
    drop(first);
    assert_eq!(entries(&listeners), 1);
    drop(second);
    assert_eq!(entries(&listeners), 0);
}

#[tokio::test]
async fn after_the_close_nobody_waits_for_news() {
    let listeners = Listeners::new();
    let mut before = listeners.listen(id("mine"));
    listeners.close();
    let mut after = listeners.listen(id("mine"));
    assert_eq!((before.changed().await, after.changed().await), (None, None));
}

#[tokio::test]
async fn an_end_just_before_the_close_is_still_heard() {
    let listeners = Listeners::new();
    let mut listening = listeners.listen(id("mine"));
    listeners.tell(id("mine"), |news| news.ended = Some(End::Logout));
    listeners.close();
    assert_eq!(listening.changed().await.and_then(|news| news.ended), Some(End::Logout));
    assert_eq!(listening.changed().await, None);
}
