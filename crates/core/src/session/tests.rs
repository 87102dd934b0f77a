//! Tickets, records, cards, timeouts and freshness, at their edges.

mod card;
mod device;
mod freshness;
mod index;
mod record;
mod ticket;
mod timeouts;
