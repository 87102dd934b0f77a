//! The suite of all stores, run for each.

#![expect(clippy::unwrap_used, reason = "an unwrap is a test's assertion")]

mod suite;

use std::sync::Arc;

use cloakroom_store::{EmbeddedStore, MemoryStore};

macro_rules! run_for {
    ($store:ident, $property:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $property() {
            let (store, _folder) = super::$store();
            super::suite::$property(Arc::new(store)).await;
        }
    };
}

macro_rules! every_store {
    ($($property:ident),* $(,)?) => {
        mod memory {
            use super::Arc;
            $(run_for!(memory, $property);)*
        }
        mod embedded {
            use super::Arc;
            $(run_for!(embedded, $property);)*
        }
    };
}

every_store! {
    gives_back_what_it_was_given,
    never_creates_over_a_record,
    one_of_many_creators_wins,
    replaces_only_the_version_that_was_read,
    one_of_many_writers_wins,
    no_write_is_lost_under_contention,
    a_record_is_gone_from_its_expiry_on,
    touch_moves_the_expiry_alone,
    touch_does_not_get_in_the_way_of_replace,
    r32_replace_does_not_undo_a_touch,
    removes,
    r17_remove_gives_back_the_last_replacement,
    a_key_is_claimed_once,
    claims_and_records_do_not_meet,
    one_of_many_claimants_wins,
    sweeps_what_has_expired_and_nothing_else,
    a_sweep_is_bounded,
    r33_finds_what_is_filed_under_a_key,
    r33_what_is_found_comes_with_its_card,
    what_is_found_is_bounded,
    extreme_times_are_times,
    r15_a_lease_is_one_holders,
    r15_one_of_many_takers_wins,
    r15_a_late_holder_is_fenced_off,
    r15_a_dead_holder_is_replaced_at_once,
    r15_a_lease_is_renewed_by_its_holder_alone,
    r15_a_released_lease_is_free,
    a_lease_keeps_nobody_from_ending_or_using_the_session,
    nothing_is_leased_that_is_not_there,
    tells_what_happens_to_records,
    tells_nothing_of_what_did_not_happen,
}

#[test]
fn memory_behaves_as_the_model() {
    suite::behaves_as_the_model(512, MemoryStore::new);
}

#[test]
fn embedded_behaves_as_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    suite::behaves_as_the_model(48, || {
        number.set(number.get() + 1);
        EmbeddedStore::open(folder.path().join(format!("{}.redb", number.get()))).unwrap()
    });
}

fn memory() -> (MemoryStore, ()) {
    (MemoryStore::new(), ())
}

fn embedded() -> (EmbeddedStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (EmbeddedStore::open(folder.path().join("sessions.redb")).unwrap(), folder)
}
