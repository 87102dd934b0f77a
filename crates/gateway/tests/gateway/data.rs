//! Large bodies: they pass, and the gateway does not grow with them (R71).
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_testkit::Gateway;

use crate::canned::Canned;
use crate::world::{World, process_id};

const LENGTH: u64 = 64 * 1024 * 1024;
/// Far less than a body; buffers of a connection and noise of the allocator fit in.
const GROWTH: u64 = 12 * 1024 * 1024;

/// The most memory that the gateway has ever had, in bytes; the kernel counts roughly, and a later
/// reading can be a little lower.
fn peak(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process_id(gateway)));
    let status = status.expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}

#[tokio::test]
async fn an_upload_of_64_mb_needs_no_memory() {
    let world = World::start().await;
    let browser = world.logged_in().await;
    world.echo(&browser).await;
    let before = peak(&world.gateway);
    let (sender, request) = browser.request("POST", &world.at("/api/upload")).streaming();
    let answer = tokio::spawn(request.send());
    let piece = Bytes::from(vec![7; 64 * 1024]);
    for _ in 0..LENGTH / piece.len() as u64 {
        sender.send(piece.clone()).await.unwrap();
    }
    drop(sender);
    assert_eq!(answer.await.unwrap().json()["bytes"], LENGTH);
    let grown = peak(&world.gateway).saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} bytes");
}

#[tokio::test]
async fn a_download_of_64_mb_needs_no_memory() {
    let upstream = Canned::flooding(LENGTH).await;
    let settings = format!("upstream = '{}'", upstream.url());
    let world = World::configured(|config| config.route("/large", &settings)).await;
    let browser = world.logged_in().await;
    let before = peak(&world.gateway);
    let mut answer = browser.request("GET", &world.at("/large")).open().await.unwrap();
    let mut length = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        length += chunk.len() as u64;
    }
    assert_eq!(length, LENGTH);
    let grown = peak(&world.gateway).saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} bytes");
}

/// A browser that does not read slows the upstream down instead of filling the gateway.
#[tokio::test]
async fn a_reader_that_stops_stops_the_upstream() {
    let upstream = Canned::flooding(LENGTH).await;
    let settings = format!("upstream = '{}'", upstream.url());
    let world = World::configured(|config| config.route("/large", &settings)).await;
    let browser = world.logged_in().await;
    let before = peak(&world.gateway);
    let mut answer = browser.request("GET", &world.at("/large")).open().await.unwrap();
    // It stands still when every buffer on the way is full.
    let mut sent = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if upstream.sent() == sent {
            break;
        }
        sent = upstream.sent();
    }
    assert!(sent < LENGTH / 2, "{sent} bytes were taken for nobody");
    let grown = peak(&world.gateway).saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} bytes");
    let mut length = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        length += chunk.len() as u64;
    }
    assert_eq!(length, LENGTH, "and goes on when it reads again");
}
