//! The provider, seen by a client that does everything by hand.

mod client;
mod faults;
mod login;
mod logout;
mod refresh;
