//! The configuration from outside: what is read, what is refused, and how it is said.

mod any_text;
mod commands;
mod documentation;
mod folder;
mod keys;
mod meaning;
mod mistakes;
mod schema;
mod secrets;
mod tls;
