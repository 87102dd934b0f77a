//! What is in the file, and the changes to it.
//!
//! | table | key | value |
//! |---|---|---|
//! | `cloakroom` | a name | a number: `format`, the version of this layout |
//! | `records` | record id | version, expiry, sealed bytes |
//! | `record_ends` | expiry, record id | – |
//! | `filed` | index key, record id | – |
//! | `files` | record id | the index keys that it is filed under, one behind the other |
//! | `cards` | record id | the card |
//! | `leases` | record id | the holder, until when |
//! | `claims` | key | until when it is used up |
//! | `claim_ends` | until, key | – |
//!
//! All but `records`, `record_ends` and the claims came later; a file without them gets them when it is opened.
//! Where an older version wrote meanwhile, they may name records that are gone.
//!
//! The `…_ends` tables say what has expired without a scan. Times are Unix milliseconds.

use std::time::Duration;

use cloakroom_core::{
    session::{Holder, IndexKey, RecordId},
    time::Timestamp,
};
use redb::{
    Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableHandle,
    WriteTransaction,
};

use super::database::Fault;
use crate::{Content, Filed, Leased, Replaced, StoredRecord};

/// The version of the layout above; a file of a newer one is refused.
pub(super) const FORMAT: u64 = 1;

type Id = &'static [u8; 32];
type Ends = TableDefinition<'static, (u64, Id), ()>;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("cloakroom");
const RECORDS: TableDefinition<'static, Id, (u64, u64, &[u8])> = TableDefinition::new("records");
const RECORD_ENDS: Ends = TableDefinition::new("record_ends");
const FILED: TableDefinition<'static, (Id, Id), ()> = TableDefinition::new("filed");
const FILES: TableDefinition<'static, Id, &[u8]> = TableDefinition::new("files");
const CARDS: TableDefinition<'static, Id, &[u8]> = TableDefinition::new("cards");
const LEASES: TableDefinition<'static, Id, (&[u8; 16], u64)> = TableDefinition::new("leases");
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
        Some(FORMAT) => {
            if !names.iter().any(|table| table.name() == LEASES.name()) {
                let transaction = database.begin_write()?;
                drop(Tables::open(&transaction)?);
                transaction.commit()?;
            }
            Layout::Ours
        }
        Some(newer) if newer > FORMAT => Layout::Newer(newer),
        _ => Layout::Foreign,
    })
}

/// The record, expired or not.
pub(super) fn load(database: &Database, id: RecordId) -> Result<Option<StoredRecord>, Fault> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    Ok(records.get(id.as_bytes())?.map(|found| record(found.value())))
}

/// At most `limit` records that are filed under `key` and have not expired at `now`.
pub(super) fn filed(
    database: &Database,
    key: IndexKey,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Filed>, Fault> {
    let transaction = database.begin_read()?;
    let (filed, records) = (transaction.open_table(FILED)?, transaction.open_table(RECORDS)?);
    let cards = transaction.open_table(CARDS)?;
    let key = key.as_bytes();
    let mut found = Vec::new();
    for entry in filed.range((key, &[0; 32])..=(key, &[0xff; 32]))? {
        let (entry, _) = entry?;
        let id = *entry.value().1;
        let expires_at = records.get(&id)?.map(|it| Timestamp::from_unix_millis(it.value().1));
        if let Some(expires_at) = expires_at.filter(|end| *end > now) {
            let card = cards.get(&id)?.map(|card| card.value().to_vec()).unwrap_or_default();
            found.push(Filed { id: RecordId::from_bytes(id), card, expires_at });
        }
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// The tables of one write transaction.
pub(super) struct Tables<'t> {
    records: Table<'t, Id, (u64, u64, &'static [u8])>,
    record_ends: Table<'t, (u64, Id), ()>,
    filed: Table<'t, (Id, Id), ()>,
    files: Table<'t, Id, &'static [u8]>,
    cards: Table<'t, Id, &'static [u8]>,
    leases: Table<'t, Id, (&'static [u8; 16], u64)>,
    claims: Table<'t, Id, u64>,
    claim_ends: Table<'t, (u64, Id), ()>,
    changed: bool,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            record_ends: transaction.open_table(RECORD_ENDS)?,
            filed: transaction.open_table(FILED)?,
            files: transaction.open_table(FILES)?,
            cards: transaction.open_table(CARDS)?,
            leases: transaction.open_table(LEASES)?,
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
        content: &Content,
        expires_at: Timestamp,
    ) -> Result<bool, Fault> {
        if self.head(id)?.is_some() {
            return Ok(false);
        }
        self.put(id, 1, expires_at.as_unix_millis(), &content.sealed)?;
        // Of an id that an older version removed.
        self.unfile(id.as_bytes())?;
        self.leases.remove(id.as_bytes())?;
        self.file(id, content)?;
        Ok(true)
    }

    pub(super) fn replace(
        &mut self,
        id: RecordId,
        version: u64,
        content: &Content,
        expires_at: Timestamp,
    ) -> Result<Replaced, Fault> {
        let Some((current, end)) = self.head(id)? else { return Ok(Replaced::Gone) };
        if current != version {
            return Ok(Replaced::Conflict);
        }
        self.record_ends.remove((end, id.as_bytes()))?;
        let version = version + 1;
        self.put(id, version, expires_at.as_unix_millis().max(end), &content.sealed)?;
        self.unfile(id.as_bytes())?;
        self.file(id, content)?;
        self.leases.remove(id.as_bytes())?;
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
            self.unfile(id.as_bytes())?;
            self.leases.remove(id.as_bytes())?;
        }
        Ok(removed)
    }

    /// `clock` is what leases are counted by.
    pub(super) fn lease(
        &mut self,
        id: RecordId,
        holder: Holder,
        over: Option<Holder>,
        lasts: Duration,
        now: Timestamp,
        clock: Timestamp,
    ) -> Result<Leased, Fault> {
        let found = self.records.get(id.as_bytes())?.map(|found| record(found.value()));
        let Some(record) = found.filter(|record| record.expires_at > now) else {
            return Ok(Leased::Gone);
        };
        let before = self.leases.get(id.as_bytes())?.map(|lease| {
            let (holder, until) = lease.value();
            (Holder::from_bytes(*holder), Timestamp::from_unix_millis(until))
        });
        if let Some((by, until)) = before
            && until > clock
            && Some(by) != over
        {
            return Ok(Leased::Held { by, left: until.since(clock) });
        }
        let record = StoredRecord { version: record.version + 1, ..record };
        let end = record.expires_at.as_unix_millis();
        self.put(id, record.version, end, &record.sealed)?;
        let until = clock.plus(lasts).as_unix_millis();
        self.leases.insert(id.as_bytes(), (holder.as_bytes(), until))?;
        Ok(Leased::Taken { record, interrupted: before.is_some() })
    }

    pub(super) fn renew(
        &mut self,
        id: RecordId,
        version: u64,
        lasts: Duration,
        clock: Timestamp,
    ) -> Result<bool, Fault> {
        let Some(holder) = self.holder_at(id, version)? else { return Ok(false) };
        self.changed = true;
        let until = clock.plus(lasts).as_unix_millis();
        self.leases.insert(id.as_bytes(), (holder.as_bytes(), until))?;
        Ok(true)
    }

    /// Says whether it was ours to release.
    pub(super) fn release(&mut self, id: RecordId, version: u64) -> Result<bool, Fault> {
        if self.holder_at(id, version)?.is_none() {
            return Ok(false);
        }
        self.changed = true;
        self.leases.remove(id.as_bytes())?;
        Ok(true)
    }

    /// Whose the lease is that was taken at `version`: no write came since, for that would end it.
    fn holder_at(&self, id: RecordId, version: u64) -> Result<Option<Holder>, Fault> {
        if self.head(id)?.is_none_or(|(current, _)| current != version) {
            return Ok(None);
        }
        let lease = self.leases.get(id.as_bytes())?;
        Ok(lease.map(|lease| Holder::from_bytes(*lease.value().0)))
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
            self.unfile(id)?;
            self.leases.remove(id)?;
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

    fn file(&mut self, id: RecordId, content: &Content) -> Result<(), Fault> {
        if !content.card.is_empty() {
            self.cards.insert(id.as_bytes(), content.card.as_slice())?;
        }
        if content.filed.is_empty() {
            return Ok(());
        }
        for key in &content.filed {
            self.filed.insert((key.as_bytes(), id.as_bytes()), ())?;
        }
        let keys: Vec<u8> = content.filed.iter().flat_map(|key| *key.as_bytes()).collect();
        self.files.insert(id.as_bytes(), keys.as_slice())?;
        Ok(())
    }

    fn unfile(&mut self, id: &[u8; 32]) -> Result<(), Fault> {
        self.cards.remove(id)?;
        let Some(keys) = self.files.remove(id)?.map(|keys| keys.value().to_vec()) else {
            return Ok(());
        };
        let (keys, _) = keys.as_chunks::<32>();
        for key in keys {
            self.filed.remove((key, id))?;
        }
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
