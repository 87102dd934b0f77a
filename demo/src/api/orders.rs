//! The orders of each user, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// How many orders of a user are kept, the newest ones.
const KEPT: usize = 8;
/// The longest name of an item, in characters.
const LONGEST: usize = 60;

/// Something that somebody has ordered.
#[derive(Clone, Serialize)]
pub(crate) struct Order {
    number: usize,
    item: String,
}

/// All orders, by the subject of the token.
#[derive(Default)]
pub(crate) struct Orders(Mutex<HashMap<String, Vec<Order>>>);

impl Orders {
    /// The orders of `subject`; everybody begins with two.
    pub(crate) fn of(&self, subject: &str) -> Vec<Order> {
        self.with(subject, |orders| orders.clone())
    }

    /// Orders `item` for `subject`.
    pub(crate) fn place(&self, subject: &str, item: &str) -> Order {
        self.with(subject, |orders| {
            let number = orders.last().map_or(1, |order| order.number + 1);
            let order = Order { number, item: item.chars().take(LONGEST).collect() };
            orders.push(order.clone());
            let surplus = orders.len().saturating_sub(KEPT);
            orders.drain(..surplus);
            order
        })
    }

    fn with<T>(&self, subject: &str, change: impl FnOnce(&mut Vec<Order>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(subject.to_owned()).or_insert_with(first_orders))
    }
}

fn first_orders() -> Vec<Order> {
    let items = ["Winter coat, dark blue", "Umbrella with a wooden handle"];
    (1..).zip(items).map(|(number, item)| Order { number, item: item.to_owned() }).collect()
}
