//! A run while it is being written.
//!
//! [`RunHandle::log`] only appends to a buffer (some tens of nanoseconds a metric). A thread of the handle
//! commits the buffer once a second and at each new epoch; [`RunHandle::commit`] does it at once. An error of
//! the thread is kept, with its metrics, and comes back from the next commit or from the end.
//!
//! While it trains, commits go to the write-ahead log without waiting for the disk: that survives a killed process at
//! a sixth of the time (2 ms against 12 ms for 900 metrics on a virtual disk, 2026-11-23); a power cut may cost the
//! last commits, never the store. Beginning and ending a run wait for the disk.

use super::metrics::{Point, csv_line, metrics_csv};
use super::notebook::{history, write_whole};
use super::run::{Run, Scores, Status, read_time};
use super::{Artifact, RecordError, Result};
use rusqlite::{Connection, params};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a logged metric may stay uncommitted.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// What a handle starts from.
pub(super) struct Start {
    pub key: i64,
    pub id: String,
    pub dir: PathBuf,
    pub lock: File,
    pub store: PathBuf,
    pub connection: Connection,
    pub seconds: f64,
    pub step: u64,
    pub epoch: u64,
}

/// A run being written. Dropped without [`RunHandle::finish`], the run is left interrupted.
pub struct RunHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    epoch: Option<u64>,
    finished: bool,
    /// Held for its drop: it releases the run.
    _lock: File,
}

/// What the handle and its committing thread share.
struct Shared {
    key: i64,
    id: String,
    dir: PathBuf,
    store: PathBuf,
    began: Instant,
    seconds_before: f64,
    buffer: Mutex<Buffer>,
    wake: Condvar,
    writer: Mutex<Writer>,
}

/// Metrics that are not committed yet.
struct Buffer {
    names: Vec<(String, String)>,
    points: Vec<(usize, Point)>,
    step: u64,
    epoch: u64,
    due: bool,
    stop: bool,
    failure: Option<RecordError>,
}

/// The store and the CSV file, used by one thread at a time.
struct Writer {
    connection: Connection,
    /// Keys in the store of `Buffer::names`, as far as they were needed.
    series: Vec<i64>,
    csv: File,
}

impl RunHandle {
    pub(super) fn start(start: Start) -> Result<RunHandle> {
        let path = start.dir.join("metrics.csv");
        start.connection.pragma_update(None, "synchronous", "normal").map_err(RecordError::store(&start.store))?;
        let csv = File::options().create(true).append(true).open(&path).map_err(RecordError::io(&path))?;
        let buffer = Buffer {
            names: Vec::new(),
            points: Vec::new(),
            step: start.step,
            epoch: start.epoch,
            due: false,
            stop: false,
            failure: None,
        };
        let shared = Arc::new(Shared {
            key: start.key,
            id: start.id,
            dir: start.dir,
            store: start.store,
            began: Instant::now(),
            seconds_before: start.seconds,
            buffer: Mutex::new(buffer),
            wake: Condvar::new(),
            writer: Mutex::new(Writer { connection: start.connection, series: Vec::new(), csv }),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("notebook".to_owned())
            .spawn(move || of_thread.commit_regularly())
            .map_err(RecordError::io(&shared.dir))?;
        Ok(RunHandle { shared, thread: Some(thread), epoch: None, finished: false, _lock: start.lock })
    }

    /// The run's identifier, `2026-11-23-spikes-3f2a`.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Where the training writes the weights.
    pub fn weights_path(&self) -> PathBuf {
        self.shared.dir.join("weights.safetensors")
    }

    /// How long the run has been trained, seconds, over all resumptions.
    pub fn seconds(&self) -> f64 {
        self.shared.seconds()
    }

    /// Logs metrics at a step (the number of optimiser steps taken) of an epoch (counted from 1) on a split; see
    /// [`super::Series`] for the usual names. A metric logged twice at one step keeps the later value.
    ///
    /// # Errors
    /// What kept an earlier commit from being written; nothing that was logged is lost by that.
    pub fn log(&mut self, step: u64, epoch: u64, split: &str, metrics: &[(&str, f64)]) -> Result<()> {
        let mut buffer = self.shared.buffer();
        if self.epoch.is_some_and(|last| last != epoch) {
            buffer.due = true;
            self.shared.wake.notify_all();
        }
        self.epoch = Some(epoch);
        buffer.step = buffer.step.max(step);
        buffer.epoch = buffer.epoch.max(epoch);
        for (metric, value) in metrics {
            let series = buffer.series(split, metric);
            buffer.points.push((series, Point { step, epoch, value: *value }));
        }
        buffer.failure.take().map_or(Ok(()), Err)
    }

    /// Commits what was logged; call it before a checkpoint is written, so that the history reaches the checkpoint.
    ///
    /// # Errors
    /// The store or the metrics file cannot be written; nothing that was logged is lost by that.
    pub fn commit(&mut self) -> Result<()> {
        if let Some(failure) = self.shared.buffer().failure.take() {
            return Err(failure);
        }
        self.shared.commit()
    }

    /// Keeps an artifact for the report; one of the same name is replaced.
    ///
    /// # Errors
    /// It can't be written as JSON, or the store can't be written.
    pub fn artifact<A: Artifact>(&self, name: &str, artifact: &A) -> Result<()> {
        let body = serde_json::to_vec(artifact).map_err(RecordError::json(self.id(), &format!("artifact `{name}`")))?;
        self.artifact_bytes(name, A::KIND, &body)
    }

    /// Keeps plain bytes; `kind` is a media type.
    ///
    /// # Errors
    /// The store can't be written.
    pub fn artifact_bytes(&self, name: &str, kind: &str, body: &[u8]) -> Result<()> {
        self.shared
            .writer()
            .connection
            .execute(
                "INSERT OR REPLACE INTO artifact (run, name, kind, body) VALUES (?, ?, ?, ?)",
                params![self.shared.key, name, kind, body],
            )
            .map(|_| ())
            .map_err(RecordError::store(&self.shared.store))
    }

    /// Ends the run: commits, stores the final metrics and how it ended, writes `metrics.csv` anew in order.
    /// Returns the summary that the last line of `lossc train` prints.
    ///
    /// # Errors
    /// The store or the metrics file can't be written.
    pub fn finish(mut self, status: Status, scores: &Scores, message: Option<&str>) -> Result<Run> {
        self.stop();
        self.finished = true;
        self.commit()?;
        self.shared.end(status, scores, message)
    }

    /// Ends the committing thread.
    fn stop(&mut self) {
        self.shared.buffer().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It ends by returning; a panic in it has already been printed, and its metrics are still buffered.
            let _ = thread.join();
        }
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        if !self.finished {
            self.stop();
            // A failure here cannot be returned; the run then shows as interrupted because its lock is free.
            let _ = self.shared.commit().and_then(|()| self.shared.end(Status::Interrupted, &Scores::new(), None));
        }
    }
}

impl Buffer {
    /// The index of a series; runs have few, so a search is faster than hashing.
    fn series(&mut self, split: &str, metric: &str) -> usize {
        match self.names.iter().position(|(s, m)| s == split && m == metric) {
            Some(index) => index,
            None => {
                self.names.push((split.to_owned(), metric.to_owned()));
                self.names.len() - 1
            }
        }
    }
}

impl Shared {
    // A poisoned lock means a panic elsewhere; the data behind it is still whole between two statements.
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.began.elapsed().as_secs_f64()
    }

    fn commit_regularly(&self) {
        loop {
            let buffer = self.buffer();
            let waited = self.wake.wait_timeout_while(buffer, COMMIT_EVERY, |buffer| !buffer.stop && !buffer.due);
            let (mut buffer, _) = waited.unwrap_or_else(PoisonError::into_inner);
            buffer.due = false;
            let (stop, empty) = (buffer.stop, buffer.points.is_empty());
            drop(buffer);
            if stop {
                return;
            }
            if !empty && let Err(failure) = self.commit() {
                self.buffer().failure = Some(failure);
            }
        }
    }

    /// Writes the buffer in one transaction. The writer is taken first, so that commits keep their order.
    fn commit(&self) -> Result<()> {
        let mut writer = self.writer();
        let (points, names, step, epoch) = {
            let mut buffer = self.buffer();
            (std::mem::take(&mut buffer.points), buffer.names.clone(), buffer.step, buffer.epoch)
        };
        let progress = (self.seconds(), step, epoch);
        if let Err(error) = writer.write(self.key, &names, &points, progress) {
            let mut buffer = self.buffer();
            let later = std::mem::replace(&mut buffer.points, points);
            buffer.points.extend(later);
            return Err(RecordError::store(&self.store)(error));
        }
        let mut lines = String::new();
        for (series, point) in &points {
            if let Some((split, metric)) = names.get(*series) {
                csv_line(&mut lines, split, metric, point);
            }
        }
        writer.csv.write_all(lines.as_bytes()).map_err(RecordError::io(&self.dir.join("metrics.csv")))
    }

    fn end(&self, status: Status, scores: &Scores, message: Option<&str>) -> Result<Run> {
        let writer = self.writer();
        let store = RecordError::store(&self.store);
        let seconds = self.seconds();
        // Before the run is said to have ended: what has ended is not taken up again, so all of it must be there.
        let history = history(&writer.connection, self.key).map_err(&store)?;
        write_whole(&self.dir.join("metrics.csv"), metrics_csv(&history).as_bytes())?;
        // The end waits for the disk, and with it everything committed before.
        writer.connection.pragma_update(None, "synchronous", "full").map_err(&store)?;
        let text = serde_json::to_string(scores).map_err(RecordError::json(&self.id, "final metrics"))?;
        writer
            .connection
            .execute(
                "UPDATE run SET status = ?, seconds = ?, final = ?, message = ? WHERE key = ?",
                params![status.word(), seconds, text, message, self.key],
            )
            .map_err(&store)?;
        let (name, started): (String, String) = writer
            .connection
            .query_row("SELECT name, started FROM run WHERE key = ?", [self.key], |r| Ok((r.get(0)?, r.get(1)?)))
            .map_err(&store)?;
        let (step, epoch) = {
            let buffer = self.buffer();
            (buffer.step, buffer.epoch)
        };
        Ok(Run {
            id: self.id.clone(),
            name,
            status,
            started: read_time(&self.id, &started)?,
            seconds,
            steps: step,
            epochs: epoch,
            dir: self.dir.clone(),
            scores: scores.clone(),
            message: message.map(str::to_owned),
        })
    }
}

impl Writer {
    /// One transaction: new series, the points, how far the run is.
    fn write(
        &mut self,
        run: i64,
        names: &[(String, String)],
        points: &[(usize, Point)],
        (seconds, step, epoch): (f64, u64, u64),
    ) -> rusqlite::Result<()> {
        let known = self.series.len();
        let transaction = self.connection.transaction()?;
        let mut series = self.series.clone();
        for (split, metric) in names.iter().skip(known) {
            // A resumed run has its series already; the update makes `RETURNING` answer then, too.
            series.push(transaction.query_row(
                "INSERT INTO series (run, split, metric) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET run = excluded.run RETURNING key",
                params![run, split, metric],
                |row| row.get(0),
            )?);
        }
        {
            let mut insert = transaction
                .prepare_cached("INSERT OR REPLACE INTO metric (series, step, epoch, value) VALUES (?, ?, ?, ?)")?;
            for (index, point) in points {
                let key = series.get(*index).copied().unwrap_or_default();
                insert.execute(params![key, point.step.cast_signed(), point.epoch.cast_signed(), point.value])?;
            }
        }
        transaction.execute(
            "UPDATE run SET seconds = ?, steps = ?, epochs = ? WHERE key = ?",
            params![seconds, step.cast_signed(), epoch.cast_signed(), run],
        )?;
        transaction.commit()?;
        self.series = series;
        Ok(())
    }
}
