//! Tickets, records, timeouts and freshness, at their edges.

mod freshness;
mod index;
mod record;
mod ticket;
mod timeouts;
