//! SIGTERM: nothing that was begun is lost.

use std::time::Duration;

use cloakroom_testkit::{Fault, eventually};

use crate::world::World;

/// R15: SIGTERM while a refresh is under way that nobody waits for any more: the process ends when the
/// rotated token is stored.
#[tokio::test]
async fn a_stop_waits_for_refreshes_under_way() {
    let mut world = World::start().await;
    let browser = world.with_dead_token().await;
    world.provider.on_refresh(Fault::Hold);
    let (url, going) = (world.at("/api/echo"), browser.clone());
    let fetch = tokio::spawn(async move { going.fetch("GET", &url).await });
    eventually("the refresh", || world.provider.refreshes() == 1).await;
    fetch.abort();
    assert!(fetch.await.is_err());
    let (stopped, ()) = tokio::join!(world.gateway.stop(), async {
        // Time to see that no request is open, and to end too early.
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.provider.release();
    });
    assert!(stopped.success(), "{stopped}");
    world.gateway.restart().await;
    assert_eq!(world.echo(&browser).await.status, 200);
    assert_eq!((world.provider.refreshes(), world.provider.live_grants()), (1, 1));
}
