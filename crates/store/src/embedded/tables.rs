//! What is in the file, and the changes to it.
//!
//! | table | key | value |
//! |---|---|---|
//! | `cloakroom` | a name | a number: `format`, the version of this layout |
//! | `records` | record id | version, expiry, sealed bytes |
//! | `record_ends` | expiry, record id | – |
//! | `claims` | key | until when it is used up |
//! | `claim_ends` | until, key | – |
//!
//! The `…_ends` tables say what has expired without a scan. Times are Unix milliseconds.

use cloakroom_core::{session::RecordId, time::Timestamp};
use redb::{
    Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableHandle,
    WriteTransaction,
};

use super::database::Fault;
use crate::{Replaced, StoredRecord};

/// The version of the layout above; a file of a newer one is refused.
pub(super) const FORMAT: u64 = 1;

type Id = &'static [u8; 32];
type Ends = TableDefinition<'static, (u64, Id), ()>;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("cloakroom");
const RECORDS: TableDefinition<'static, Id, (u64, u64, &[u8])> = TableDefinition::new("records");
const RECORD_ENDS: Ends = TableDefinition::new("record_ends");
const CLAIMS: TableDefinition<'static, Id, u64> = TableDefinition::new("claims");
const CLAIM_ENDS: Ends = TableDefinition::new("claim_ends");

/// What a file's header says.
pub(super) enum Layout {
    /// [`FORMAT`], written now where the file was new.
    Ours,
    /// A newer one.
    Newer(u64),
    /// Not a file of ours.
    Foreign,
}

/// Reads the header; writes it, and the empty tables, into a new file.
pub(super) fn prepare(database: &Database) -> Result<Layout, Fault> {
    let names: Vec<_> = database.begin_read()?.list_tables()?.collect();
    if names.is_empty() {
        let transaction = database.begin_write()?;
        transaction.open_table(META)?.insert("format", FORMAT)?;
        drop(Tables::open(&transaction)?);
        transaction.commit()?;
        return Ok(Layout::Ours);
    }
    if !names.iter().any(|table| table.name() == META.name()) {
        return Ok(Layout::Foreign);
    }
    let meta = database.begin_read()?.open_table(META)?;
    Ok(match meta.get("format")?.map(|format| format.value()) {
        Some(FORMAT) => Layout::Ours,
        Some(newer) if newer > FORMAT => Layout::Newer(newer),
        _ => Layout::Foreign,
    })
}

/// The record, expired or not.
pub(super) fn load(database: &Database, id: RecordId) -> Result<Option<StoredRecord>, Fault> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    Ok(records.get(id.as_bytes())?.map(|found| record(found.value())))
}

/// The tables of one write transaction.
pub(super) struct Tables<'t> {
    records: Table<'t, Id, (u64, u64, &'static [u8])>,
    record_ends: Table<'t, (u64, Id), ()>,
    claims: Table<'t, Id, u64>,
    claim_ends: Table<'t, (u64, Id), ()>,
    changed: bool,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            record_ends: transaction.open_table(RECORD_ENDS)?,
            claims: transaction.open_table(CLAIMS)?,
            claim_ends: transaction.open_table(CLAIM_ENDS)?,
            changed: false,
        })
    }

    /// Whether there is anything to make durable.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    /// Says whether the id was free.
    pub(super) fn create(
        &mut self,
        id: RecordId,
        sealed: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool, Fault> {
        if self.head(id)?.is_some() {
            return Ok(false);
        }
        self.put(id, 1, expires_at.as_unix_millis(), sealed)?;
        Ok(true)
    }

    pub(super) fn replace(
        &mut self,
        id: RecordId,
        version: u64,
        sealed: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced, Fault> {
        let Some((current, end)) = self.head(id)? else { return Ok(Replaced::Gone) };
        if current != version {
            return Ok(Replaced::Conflict);
        }
        self.record_ends.remove((end, id.as_bytes()))?;
        let version = version + 1;
        self.put(id, version, expires_at.as_unix_millis().max(end), sealed)?;
        Ok(Replaced::Done { version })
    }

    pub(super) fn touch(&mut self, id: RecordId, expires_at: Timestamp) -> Result<(), Fault> {
        let wanted = expires_at.as_unix_millis();
        let Some((version, sealed, end)) = self.records.get(id.as_bytes())?.map(|found| {
            let (version, end, sealed) = found.value();
            (version, sealed.to_vec(), end)
        }) else {
            return Ok(());
        };
        if wanted > end {
            self.record_ends.remove((end, id.as_bytes()))?;
            self.put(id, version, wanted, &sealed)?;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, id: RecordId) -> Result<Option<StoredRecord>, Fault> {
        let removed = self.records.remove(id.as_bytes())?.map(|found| record(found.value()));
        if let Some(old) = &removed {
            self.changed = true;
            self.record_ends.remove((old.expires_at.as_unix_millis(), id.as_bytes()))?;
        }
        Ok(removed)
    }

    pub(super) fn claim(
        &mut self,
        key: RecordId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let (key, now) = (key.as_bytes(), now.as_unix_millis());
        let until = until.as_unix_millis();
        let held = self.claims.get(key)?.map(|held| held.value());
        if until <= now || held.is_some_and(|held| held > now) {
            return Ok(false);
        }
        self.changed = true;
        if let Some(past) = held {
            self.claim_ends.remove((past, key))?;
        }
        self.claims.insert(key, until)?;
        self.claim_ends.insert((until, key), ())?;
        Ok(true)
    }

    /// Removes at most `limit` of what has expired.
    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        let records = due(&self.record_ends, now, limit)?;
        for (end, id) in &records {
            self.records.remove(id)?;
            self.record_ends.remove((*end, id))?;
        }
        let claims = due(&self.claim_ends, now, limit - records.len())?;
        for (until, key) in &claims {
            self.claims.remove(key)?;
            self.claim_ends.remove((*until, key))?;
        }
        let removed = records.len() + claims.len();
        self.changed |= removed > 0;
        Ok(removed)
    }

    fn put(&mut self, id: RecordId, version: u64, end: u64, sealed: &[u8]) -> Result<(), Fault> {
        self.changed = true;
        self.records.insert(id.as_bytes(), (version, end, sealed))?;
        self.record_ends.insert((end, id.as_bytes()), ())?;
        Ok(())
    }

    /// Version and expiry.
    fn head(&self, id: RecordId) -> Result<Option<(u64, u64)>, Fault> {
        Ok(self.records.get(id.as_bytes())?.map(|found| {
            let (version, end, _) = found.value();
            (version, end)
        }))
    }
}

fn record((version, end, sealed): (u64, u64, &[u8])) -> StoredRecord {
    let expires_at = Timestamp::from_unix_millis(end);
    StoredRecord { version, sealed: sealed.to_vec(), expires_at }
}

fn due(
    ends: &Table<'_, (u64, Id), ()>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(u64, [u8; 32])>, Fault> {
    let until_now = ..=(now.as_unix_millis(), &[0xff; 32]);
    let mut found = Vec::new();
    for entry in ends.range(until_now)?.take(limit) {
        let (key, _) = entry?;
        let (end, id) = key.value();
        found.push((end, *id));
    }
    Ok(found)
}
