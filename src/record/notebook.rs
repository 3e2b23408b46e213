//! The notebook: beginning and resuming runs, finding and reading them.

use super::handle::{self, RunHandle};
use super::metrics::{CSV_HEADER, Point, Series, metrics_csv};
use super::run::{NewRun, Record, Run, Status, StoredArtifact, read_time};
use super::{RecordError, Result, schema};
use crate::files;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

/// The store's file name within the folder of the runs.
pub const STORE_FILE: &str = "notebook.sqlite";

const SUMMARY: &str = "SELECT key, id, name, status, started, seconds, steps, epochs, final, message FROM run";

/// The lab notebook of one folder of runs.
#[derive(Debug)]
pub struct Notebook {
    dir: PathBuf,
    store: PathBuf,
    connection: Connection,
}

impl Notebook {
    /// Opens the notebook of a folder (`runs/` by convention), creating both where needed.
    ///
    /// # Errors
    /// A file stands at its place; the folder can't be made or written; its store is a newer lossc's or another program's.
    pub fn open(runs_dir: impl AsRef<Path>) -> Result<Notebook> {
        let dir = no_file(runs_dir.as_ref())?;
        fs::create_dir_all(dir).map_err(RecordError::io(dir))?;
        let store = dir.join(STORE_FILE);
        Ok(Notebook { dir: dir.to_owned(), connection: schema::open(&store)?, store })
    }

    /// Opens the notebook of a folder that has one for reading, which needs no permission to write; `None`, and nothing is
    /// created, where there is none.
    ///
    /// # Errors
    /// As [`Notebook::open`].
    pub fn open_existing(runs_dir: impl AsRef<Path>) -> Result<Option<Notebook>> {
        let dir = no_file(runs_dir.as_ref())?;
        let store = dir.join(STORE_FILE);
        if !store.is_file() {
            return Ok(None);
        }
        Ok(Some(Notebook { dir: dir.to_owned(), connection: schema::read(&store)?, store }))
    }

    /// Opens the notebook of a folder for reading, to look for the run `wanted` in it; creates nothing.
    ///
    /// # Errors
    /// As [`Notebook::open`]; [`RecordError::NotFound`] where there is no notebook.
    pub fn existing(runs_dir: impl AsRef<Path>, wanted: &str) -> Result<Notebook> {
        let dir = runs_dir.as_ref();
        Notebook::open_existing(dir)?.ok_or_else(|| RecordError::NotFound {
            wanted: wanted.to_owned(),
            dir: dir.to_owned(),
            near: Vec::new(),
        })
    }

    /// The same notebook, opened for writing.
    ///
    /// # Errors
    /// As [`Notebook::open`].
    pub fn writable(self) -> Result<Notebook> {
        Notebook::open(self.dir)
    }

    /// The folder of the runs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins a run: makes its folder with the texts, versions and hashes, then its row in the store.
    ///
    /// # Errors
    /// The name or the program's file name cannot be one; the folder or the store cannot be written.
    pub fn begin(&self, new: &NewRun) -> Result<RunHandle> {
        let (id, dir) = self.create_folder(new)?;
        let lock = lock(&dir, &id)?;
        write_folder(&dir, new)?;
        let data = json(&new.data, &id, "data")?;
        let versions = json(&new.versions, &id, "versions")?;
        self.connection
            .execute(
                "INSERT INTO run (id, name, status, started, seed, spec, program_name, program, derivation, data, versions)
                 VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    id,
                    new.name,
                    new.started.to_string(),
                    new.seed.cast_signed(),
                    new.spec_text,
                    new.program_name,
                    new.program_text,
                    new.derivation_html,
                    data,
                    versions
                ],
            )
            .map_err(RecordError::store(&self.store))?;
        let key = self.connection.last_insert_rowid();
        RunHandle::start(self.start(key, id, dir, lock)?)
    }

    /// Takes up a run again after the checkpoint at `step`: metrics of later steps are deleted, so that the
    /// history becomes that of an uninterrupted run. Metrics *of* that step stay; logging them again replaces them.
    ///
    /// # Errors
    /// No such run, or another process is writing it.
    pub fn resume(&self, wanted: &str, step: u64) -> Result<RunHandle> {
        let run = self.find(wanted)?;
        let lock = lock(&run.dir, &run.id)?;
        let store = RecordError::store(&self.store);
        let key: i64 =
            self.connection.query_row("SELECT key FROM run WHERE id = ?", [&run.id], |r| r.get(0)).map_err(&store)?;
        let transaction = self.connection.unchecked_transaction().map_err(&store)?;
        let at = step.cast_signed();
        transaction
            .execute("DELETE FROM metric WHERE step > ? AND series IN (SELECT key FROM series WHERE run = ?)", [at, key])
            .and_then(|_| {
                transaction.execute(
                    "DELETE FROM series WHERE run = ? AND NOT EXISTS (SELECT 1 FROM metric WHERE series = series.key)",
                    [key],
                )
            })
            .and_then(|_| transaction.execute("DELETE FROM artifact WHERE run = ?", [key]))
            .and_then(|_| {
                transaction.execute(
                    "UPDATE run SET status = 'running', final = '{}', message = NULL, steps = ?1, epochs = coalesce((SELECT
                         max(epoch) FROM metric WHERE series IN (SELECT key FROM series WHERE run = ?2)), 0) WHERE key = ?2",
                    [at, key],
                )
            })
            .map_err(&store)?;
        transaction.commit().map_err(&store)?;
        let csv = run.dir.join("metrics.csv");
        write_whole(&csv, metrics_csv(&self.history(key)?).as_bytes())?;
        RunHandle::start(self.start(key, run.id, run.dir, lock)?)
    }

    fn start(&self, key: i64, id: String, dir: PathBuf, lock: File) -> Result<handle::Start> {
        let store = RecordError::store(&self.store);
        let (seconds, step, epoch) = self
            .connection
            .query_row("SELECT seconds, steps, epochs FROM run WHERE key = ?", [key], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })
            .map_err(&store)?;
        let (step, epoch) = (i64::cast_unsigned(step), i64::cast_unsigned(epoch));
        let connection = schema::open(&self.store)?;
        Ok(handle::Start { key, id, dir, lock, store: self.store.clone(), connection, seconds, step, epoch })
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn list(&self) -> Result<Vec<Run>> {
        let store = RecordError::store(&self.store);
        let mut statement =
            self.connection.prepare(&format!("{SUMMARY} ORDER BY started DESC, key DESC")).map_err(&store)?;
        let mut rows = statement.query([]).map_err(&store)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().map_err(&store)? {
            runs.push(self.summary(row)?);
        }
        Ok(runs)
    }

    /// The run that was begun last.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn latest(&self) -> Result<Option<Run>> {
        Ok(self.list()?.into_iter().next())
    }

    /// The run that `wanted` names: its identifier, a unique beginning or ending of it, its name (the latest run of that
    /// name), the path of its folder, or `latest`.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] and [`RecordError::Ambiguous`] name the candidates.
    pub fn find(&self, wanted: &str) -> Result<Run> {
        let trimmed = wanted.trim_end_matches('/');
        let name = Path::new(trimmed).file_name().and_then(|name| name.to_str()).unwrap_or(trimmed);
        let runs = self.list()?;
        let missing =
            |near: Vec<String>| RecordError::NotFound { wanted: wanted.to_owned(), dir: self.dir.clone(), near };
        if name.is_empty() {
            return Err(missing(ids(&runs, |_| true)));
        }
        if name == "latest" {
            return runs.into_iter().next().ok_or_else(|| missing(Vec::new()));
        }
        if let Some(run) = runs.iter().find(|run| run.id == name).or_else(|| runs.iter().find(|run| run.name == name)) {
            return Ok(run.clone());
        }
        let ending = format!("-{name}");
        let fits = |run: &Run| run.id.starts_with(name) || run.id.ends_with(&ending);
        let mut found = runs.iter().filter(|run| fits(run));
        match (found.next(), found.next()) {
            (Some(run), None) => Ok(run.clone()),
            (Some(_), Some(_)) => {
                Err(RecordError::Ambiguous { wanted: wanted.to_owned(), candidates: ids(&runs, fits) })
            }
            (None, _) => {
                let mut near = ids(&runs, |run| run.id.contains(name) || name.contains(&run.name));
                if near.is_empty() {
                    near = ids(&runs, |_| true);
                }
                near.truncate(5);
                Err(missing(near))
            }
        }
    }

    /// Everything known of a run, found as by [`Notebook::find`].
    ///
    /// # Errors
    /// As [`Notebook::find`]; [`RecordError::Json`] when a stored text doesn't read back.
    pub fn show(&self, wanted: &str) -> Result<Record> {
        let run = self.find(wanted)?;
        let store = RecordError::store(&self.store);
        let (key, seed, data, versions, mut record) = self
            .connection
            .query_row(
                "SELECT key, seed, data, versions, spec, program_name, program, derivation FROM run WHERE id = ?",
                [&run.id],
                |r| {
                    let record = Record {
                        run: run.clone(),
                        spec_text: r.get(4)?,
                        program_name: r.get(5)?,
                        program_text: r.get(6)?,
                        derivation_html: r.get(7)?,
                        data: Vec::new(),
                        versions: Default::default(),
                        seed: 0,
                        history: Vec::new(),
                        artifacts: Vec::new(),
                    };
                    Ok((
                        r.get::<_, i64>(0)?,
                        r.get::<_, i64>(1)?,
                        r.get::<_, String>(2)?,
                        r.get::<_, String>(3)?,
                        record,
                    ))
                },
            )
            .map_err(&store)?;
        record.seed = seed.cast_unsigned();
        record.data = serde_json::from_str(&data).map_err(RecordError::json(&run.id, "data"))?;
        record.versions = serde_json::from_str(&versions).map_err(RecordError::json(&run.id, "versions"))?;
        record.history = self.history(key)?;
        record.artifacts = self.artifacts(key)?;
        Ok(record)
    }

    /// Forgets a run and deletes its folder.
    ///
    /// # Errors
    /// As [`Notebook::find`]; [`RecordError::Busy`] while it is being trained.
    pub fn remove(&self, wanted: &str) -> Result<Run> {
        let run = self.find(wanted)?;
        let held = if run.dir.is_dir() { Some(lock(&run.dir, &run.id)?) } else { None };
        self.connection.execute("DELETE FROM run WHERE id = ?", [&run.id]).map_err(RecordError::store(&self.store))?;
        drop(held);
        if run.dir.is_dir() {
            fs::remove_dir_all(&run.dir).map_err(RecordError::io(&run.dir))?;
        }
        Ok(run)
    }

    fn summary(&self, row: &Row<'_>) -> Result<Run> {
        let store = RecordError::store(&self.store);
        let id: String = row.get("id").map_err(&store)?;
        let text = |name: &str| row.get::<_, String>(name).map_err(&store);
        let whole = |name: &str| row.get::<_, i64>(name).map(i64::cast_unsigned).map_err(&store);
        let dir = self.dir.join(&id);
        let mut status = Status::of_word(&id, &text("status")?)?;
        if status == Status::Running && !is_locked(&dir) {
            status = Status::Interrupted;
        }
        let started = text("started")?;
        Ok(Run {
            name: text("name")?,
            status,
            started: read_time(&id, &started)?,
            seconds: row.get("seconds").map_err(&store)?,
            steps: whole("steps")?,
            epochs: whole("epochs")?,
            scores: serde_json::from_str(&text("final")?).map_err(RecordError::json(&id, "final metrics"))?,
            message: row.get("message").map_err(&store)?,
            dir,
            id,
        })
    }

    fn history(&self, key: i64) -> Result<Vec<Series>> {
        history(&self.connection, key).map_err(RecordError::store(&self.store))
    }

    fn artifacts(&self, key: i64) -> Result<Vec<StoredArtifact>> {
        let read = || {
            let mut statement =
                self.connection.prepare("SELECT name, kind, body FROM artifact WHERE run = ? ORDER BY name")?;
            let rows = statement
                .query_map([key], |r| Ok(StoredArtifact { name: r.get(0)?, kind: r.get(1)?, body: r.get(2)? }))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(RecordError::store(&self.store))
    }

    /// A new, empty folder with an identifier that no run has.
    fn create_folder(&self, new: &NewRun) -> Result<(String, PathBuf)> {
        let name = slug(&new.name);
        if name.is_empty() {
            let why = "it needs a letter or a digit";
            return Err(RecordError::Name { name: new.name.clone(), what: "a run", why });
        }
        let date = new.started.to_zoned(jiff::tz::TimeZone::system()).date();
        let random = RandomState::new().hash_one((new.started.as_nanosecond(), std::process::id())) as u16;
        let mut last = None;
        for tail in (0..=u16::MAX).map(|i| random.wrapping_add(i)) {
            let id = format!("{date}-{name}-{tail:04x}");
            let dir = self.dir.join(&id);
            match fs::create_dir(&dir) {
                Ok(()) if self.is_free(&id)? => return Ok((id, dir)),
                // The store remembers a run whose folder somebody deleted: its identifier stays taken.
                Ok(()) => fs::remove_dir(&dir).map_err(RecordError::io(&dir))?,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => last = Some(error),
                Err(error) => return Err(RecordError::io(&dir)(error)),
            }
        }
        let full = last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into());
        Err(RecordError::io(&self.dir)(full))
    }

    fn is_free(&self, id: &str) -> Result<bool> {
        self.connection
            .query_row("SELECT 1 FROM run WHERE id = ?", [id], |_| Ok(()))
            .optional()
            .map(|row| row.is_none())
            .map_err(RecordError::store(&self.store))
    }
}

/// A run's series and their points.
pub(super) fn history(connection: &Connection, key: i64) -> rusqlite::Result<Vec<Series>> {
    let mut of_run = connection.prepare_cached("SELECT key, split, metric FROM series WHERE run = ? ORDER BY key")?;
    let mut of_series =
        connection.prepare_cached("SELECT step, epoch, value FROM metric WHERE series = ? ORDER BY step")?;
    let names = of_run
        .query_map([key], |r| Ok((r.get::<_, i64>(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, String, String)>>>()?;
    let mut history = Vec::with_capacity(names.len());
    for (series, split, metric) in names {
        let points = of_series.query_map([series], |r| {
            let value: Option<f64> = r.get(2)?;
            Ok(Point {
                step: r.get::<_, i64>(0)?.cast_unsigned(),
                epoch: r.get::<_, i64>(1)?.cast_unsigned(),
                value: value.unwrap_or(f64::NAN),
            })
        })?;
        history.push(Series { split, metric, points: points.collect::<rusqlite::Result<Vec<_>>>()? });
    }
    Ok(history)
}

/// A folder of runs, or the place for one.
fn no_file(dir: &Path) -> Result<&Path> {
    if dir.is_file() { Err(RecordError::File { path: dir.to_owned() }) } else { Ok(dir) }
}

fn ids(runs: &[Run], fits: impl Fn(&Run) -> bool) -> Vec<String> {
    runs.iter().filter(|run| fits(run)).map(|run| run.id.clone()).collect()
}

/// Letters, digits and `_` stay, everything else becomes one `-`.
fn slug(name: &str) -> String {
    let spaced: String = name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join("-").chars().take(60).collect()
}

fn json(value: &impl serde::Serialize, run: &str, what: &str) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(RecordError::json(run, what))
}

/// The files of a run's folder that are known before its first step.
fn write_folder(dir: &Path, new: &NewRun) -> Result<()> {
    let program = Path::new(&new.program_name).file_name().and_then(|name| name.to_str());
    let program = program.filter(|name| name.ends_with(".loss")).unwrap_or("program.loss");
    write_whole(&dir.join("spec.yaml"), new.spec_text.as_bytes())?;
    write_whole(&dir.join(program), new.program_text.as_bytes())?;
    write_whole(&dir.join("versions.json"), json(&new.versions, &new.name, "versions")?.as_bytes())?;
    write_whole(&dir.join("data.json"), json(&new.data, &new.name, "data")?.as_bytes())?;
    for (name, bytes) in &new.files {
        write_whole(&dir.join(name), bytes)?;
    }
    write_whole(&dir.join("metrics.csv"), CSV_HEADER.as_bytes())
}

/// Replaces a file by the whole of the bytes or not at all, and waits until they are on disk.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write_whole(path, bytes).map_err(RecordError::io(path))
}

/// The lock that a run's writer holds; the system releases it when the process is gone, however it went.
fn lock(dir: &Path, id: &str) -> Result<File> {
    let path = dir.join(".lock");
    let file = File::options().create(true).append(true).open(&path).map_err(RecordError::io(&path))?;
    // A reader that looks whether the run is alive holds the lock for a moment: try for half a second.
    for _ in 0..50 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(10)),
            Err(fs::TryLockError::Error(error)) => return Err(RecordError::io(&path)(error)),
        }
    }
    Err(RecordError::Busy { run: id.to_owned() })
}

/// Whether a process holds the run's lock.
fn is_locked(dir: &Path) -> bool {
    let Ok(file) = File::open(dir.join(".lock")) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}
