//! The store's tables, and opening it.

use super::{RecordError, Result};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait for another process's transaction.
const PATIENCE: Duration = Duration::from_secs(30);

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
    connection.busy_timeout(PATIENCE).map_err(&store)?;
    // The identity first: another program's database must not be switched to a write-ahead log.
    if identify(&mut connection, path)? < LAYOUTS.len() as i64 {
        upgrade(&mut connection, path)?;
    }
    write_ahead(&connection).map_err(&store)?;
    connection.pragma_update(None, "synchronous", "full").map_err(&store)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(&store)?;
    Ok(connection)
}

/// Opens a store that exists for reading alone; an older layout is upgraded first, which takes writing.
///
/// A write-ahead log asks readers for a file of shared memory beside the store. Where none can be made (a folder without
/// write permission) and no log is left behind, the store is whole by itself and is read as immutable
/// (<https://www.sqlite.org/wal.html#read_only_databases>).
pub(super) fn read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let plain = || look(Connection::open_with_flags(path, flags), path);
    let found = match plain() {
        Err(RecordError::Store { source, .. }) if cannot_share(&source) && !log_of(path).exists() => {
            look(Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI), path)
        }
        found => found,
    };
    let (connection, layout) = found?;
    if layout < LAYOUTS.len() as i64 { open(path) } else { Ok(connection) }
}

fn look(opened: rusqlite::Result<Connection>, path: &Path) -> Result<(Connection, i64)> {
    let store = RecordError::store(path);
    let mut connection = opened.map_err(&store)?;
    connection.busy_timeout(PATIENCE).map_err(&store)?;
    let layout = identify(&mut connection, path)?;
    Ok((connection, layout))
}

/// Whether SQLite said that it could not make the files it shares with other readers.
fn cannot_share(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The store as a URI that promises SQLite that nobody writes it.
fn immutable(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Switches to a write-ahead log. SQLite does not wait for others while it switches, so this does.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && began.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            switched => return switched,
        }
    }
}

/// The file's layout number, after checking that it is a notebook of a known layout (or empty: 0).
///
/// In one transaction: between two statements another process may create the tables, and a file that has tables but had
/// no mark a moment ago looks like another program's.
fn identify(connection: &mut Connection, path: &Path) -> Result<i64> {
    let store = RecordError::store(path);
    let transaction = connection.transaction().map_err(&store)?;
    layout(&transaction, path)
}

fn layout(connection: &Connection, path: &Path) -> Result<i64> {
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
    let layout = layout(&transaction, path)?;
    for script in LAYOUTS.iter().skip(usize::try_from(layout).unwrap_or(0)) {
        transaction.execute_batch(script).map_err(&store)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&store)?;
    transaction.pragma_update(None, "user_version", LAYOUTS.len() as i64).map_err(&store)?;
    transaction.commit().map_err(&store)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_just_being_created_is_not_another_programs() {
        for _ in 0..100 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("store");
            let start = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                let looking = scope.spawn(|| {
                    let mut connection = Connection::open(&path).unwrap();
                    connection.busy_timeout(PATIENCE).unwrap();
                    start.wait();
                    while identify(&mut connection, &path).unwrap() == 0 {}
                });
                start.wait();
                open(&path).unwrap();
                looking.join().unwrap();
            });
        }
    }
}
