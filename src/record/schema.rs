//! The store's tables, and opening it.

use super::{RecordError, Result};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Marks a database as a lossc notebook: "loss" in ASCII.
const APPLICATION_ID: i64 = 0x6c6f_7373;

/// One script a layout; the file's `user_version` says how many have been run. Never edit a released one.
const LAYOUTS: [&str; 1] = ["
    CREATE TABLE run (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        started TEXT NOT NULL,
        seconds REAL NOT NULL DEFAULT 0,
        steps INTEGER NOT NULL DEFAULT 0,
        epochs INTEGER NOT NULL DEFAULT 0,
        seed INTEGER NOT NULL,
        spec TEXT NOT NULL,
        program_name TEXT NOT NULL,
        program TEXT NOT NULL,
        derivation TEXT NOT NULL,
        data TEXT NOT NULL,
        versions TEXT NOT NULL,
        final TEXT NOT NULL DEFAULT '{}',
        message TEXT
    ) STRICT;
    CREATE TABLE series (
        key INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        split TEXT NOT NULL,
        metric TEXT NOT NULL,
        UNIQUE (run, split, metric)
    ) STRICT;
    -- NaN is stored as NULL: SQLite knows no NaN.
    CREATE TABLE metric (
        series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
        step INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (series, step)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE artifact (
        run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, name)
    ) STRICT;
"];

/// Opens the store, creating or upgrading its tables.
///
/// Write-ahead log with full synchronisation: what is committed survives a killed process and a power cut.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let store = RecordError::store(path);
    let mut connection = Connection::open(path).map_err(&store)?;
    connection.busy_timeout(Duration::from_secs(30)).map_err(&store)?;
    // The identity first: another program's database must not be switched to a write-ahead log.
    let layout = identify(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "wal").map_err(&store)?;
    connection.pragma_update(None, "synchronous", "full").map_err(&store)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(&store)?;
    if layout < LAYOUTS.len() as i64 {
        upgrade(&mut connection, path)?;
    }
    Ok(connection)
}

/// The file's layout number, after checking that it is a notebook of a known layout (or empty: 0).
fn identify(connection: &Connection, path: &Path) -> Result<i64> {
    let store = RecordError::store(path);
    let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(&store);
    let (application, layout) = (read("application_id")?, read("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&store)?;
    if application != APPLICATION_ID && (tables > 0 || application != 0) {
        return Err(RecordError::Foreign { path: path.to_owned() });
    }
    if layout > LAYOUTS.len() as i64 {
        return Err(RecordError::Newer { path: path.to_owned(), found: layout, known: LAYOUTS.len() as i64 });
    }
    Ok(layout)
}

/// Runs the missing layout scripts in one transaction; another process may have been faster.
fn upgrade(connection: &mut Connection, path: &Path) -> Result<()> {
    let store = RecordError::store(path);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&store)?;
    let layout = identify(&transaction, path)?;
    for script in LAYOUTS.iter().skip(usize::try_from(layout).unwrap_or(0)) {
        transaction.execute_batch(script).map_err(&store)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&store)?;
    transaction.pragma_update(None, "user_version", LAYOUTS.len() as i64).map_err(&store)?;
    transaction.commit().map_err(&store)
}
