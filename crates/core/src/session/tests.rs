//! Tickets, records, timeouts and freshness, at their edges.

mod freshness;
mod record;
mod ticket;
mod timeouts;
