//! Test parts for Cloakroom, each in this process or under its control, each gone when dropped.
//!
//! | part | what it is |
//! |---|---|
//! | [`Provider`] | an OpenID provider with scripted [faults](Fault), counters and a record of its secrets |

mod clock;
mod net;
pub mod provider;
mod random;
mod server;

pub use net::{eventually, free_port};
pub use provider::{Client, Fault, Provider, ReusePolicy};
