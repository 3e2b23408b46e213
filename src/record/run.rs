//! A run as the notebook knows it: what begins it, its summary, its whole record.

use super::metrics::Series;
use super::number::Number;
use super::{Artifact, RecordError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a run is, before its first step.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// The spec's name, part of the run's identifier; other characters than letters, digits and `_` become `-`.
    pub name: String,
    /// The exact text of the spec.
    pub spec_text: String,
    /// The exact text of the program.
    pub program_text: String,
    /// The program's file name, `spikes.loss`; it names the copy in the run's folder.
    pub program_name: String,
    /// The derivation of the program's loss as an HTML fragment (from `explain`); empty when there is none.
    pub derivation_html: String,
    /// The data files and their hashes.
    pub data: Vec<DataFile>,
    /// Resolved versions and what else decides the bits (thread count); begin with [`super::versions()`].
    pub versions: BTreeMap<String, String>,
    /// The seed of every random stream.
    pub seed: u64,
    /// When it started.
    pub started: jiff::Timestamp,
    /// Further files of its folder, by name: what it is taken up again with, there before the run is.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// A data file that a run has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path as the spec names it.
    pub path: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Its size, bytes.
    pub bytes: u64,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A process is writing it.
    Running,
    /// It came to its end.
    Done,
    /// It was stopped, or its process is gone; it can be resumed from its last checkpoint.
    Interrupted,
    /// It ended with an error.
    Failed,
}

impl Status {
    /// The word that stands for it, in the store and for people.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Done => "done",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
        }
    }

    pub(super) fn of_word(run: &str, word: &str) -> Result<Status> {
        [Status::Running, Status::Done, Status::Interrupted, Status::Failed]
            .into_iter()
            .find(|s| s.word() == word)
            .ok_or_else(|| RecordError::Value {
                run: run.to_owned(),
                what: "status",
                found: word.to_owned(),
                expected: "running, done, interrupted or failed",
            })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// Final metrics: a table of split × metric, each in the order in which it was first set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores(Vec<(String, Vec<(String, f64)>)>);

impl Scores {
    /// No scores.
    pub fn new() -> Scores {
        Scores::default()
    }

    /// Sets one figure.
    pub fn set(&mut self, split: &str, metric: &str, value: f64) {
        if !self.0.iter().any(|(name, _)| name == split) {
            self.0.push((split.to_owned(), Vec::new()));
        }
        if let Some((_, row)) = self.0.iter_mut().find(|(name, _)| name == split) {
            match row.iter_mut().find(|(name, _)| name == metric) {
                Some((_, old)) => *old = value,
                None => row.push((metric.to_owned(), value)),
            }
        }
    }

    /// One figure.
    pub fn get(&self, split: &str, metric: &str) -> Option<f64> {
        let (_, row) = self.0.iter().find(|(name, _)| name == split)?;
        row.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
    }

    /// The splits in order, each with its metrics in order.
    pub fn splits(&self) -> impl Iterator<Item = (&str, &[(String, f64)])> {
        self.0.iter().map(|(name, row)| (name.as_str(), row.as_slice()))
    }

    /// Every metric's name once, in order of first appearance.
    pub fn metrics(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.0.iter().flat_map(|(_, row)| row) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Scores {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        struct Row<'a>(&'a [(String, f64)]);
        impl Serialize for Row<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, Number(*value))))
            }
        }
        serializer.collect_map(self.0.iter().map(|(split, row)| (split, Row(row))))
    }
}

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error;
        let splits = serde_json::Map::deserialize(deserializer)?;
        let mut scores = Scores::new();
        for (split, row) in splits {
            let row = serde_json::Map::deserialize(row).map_err(D::Error::custom)?;
            for (metric, value) in row {
                let Number(value) = Number::deserialize(value).map_err(D::Error::custom)?;
                scores.set(&split, &metric, value);
            }
        }
        Ok(scores)
    }
}

/// A path as it is shown, which every path can be; JSON holds UTF-8 alone.
fn shown<S: serde::Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// A run's summary: one line of `lossc runs list`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its identifier, `2026-11-23-spikes-3f2a`.
    #[serde(rename = "run")]
    pub id: String,
    /// The spec's name.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// When it started; printed as RFC 3339.
    #[serde(serialize_with = "as_text")]
    pub started: jiff::Timestamp,
    /// How long it has trained, seconds, over all resumptions.
    pub seconds: f64,
    /// Optimiser steps taken.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u64,
    /// Its folder.
    #[serde(serialize_with = "shown")]
    pub dir: PathBuf,
    /// The final metrics; empty until it is done.
    #[serde(rename = "final")]
    pub scores: Scores,
    /// Why it failed or stopped, when that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A stored start time.
pub(super) fn read_time(run: &str, text: &str) -> Result<jiff::Timestamp> {
    text.parse().map_err(|_| RecordError::Value {
        run: run.to_owned(),
        what: "start time",
        found: text.to_owned(),
        expected: "an RFC 3339 timestamp",
    })
}

fn as_text<S: serde::Serializer>(time: &jiff::Timestamp, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Everything the notebook knows of a run; a report is made from this alone.
#[derive(Debug, Clone)]
pub struct Record {
    /// The summary.
    pub run: Run,
    /// The exact text of the spec.
    pub spec_text: String,
    /// The program's file name.
    pub program_name: String,
    /// The exact text of the program.
    pub program_text: String,
    /// The derivation as an HTML fragment, or empty.
    pub derivation_html: String,
    /// The data files and their hashes.
    pub data: Vec<DataFile>,
    /// Resolved versions.
    pub versions: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// The metric history, in the order in which the series first appeared.
    pub history: Vec<Series>,
    /// What the pictures are made from.
    pub artifacts: Vec<StoredArtifact>,
}

impl Record {
    /// All artifacts of one kind with their names.
    ///
    /// # Errors
    /// [`RecordError::Json`] when one doesn't read back.
    pub fn artifacts_of<A: Artifact>(&self) -> Result<Vec<(String, A)>> {
        self.artifacts
            .iter()
            .filter(|a| a.kind == A::KIND)
            .map(|a| Ok((a.name.clone(), a.read(&self.run.id)?)))
            .collect()
    }

    /// The artifact of that name, if it is of that kind.
    ///
    /// # Errors
    /// [`RecordError::Json`] when it doesn't read back.
    pub fn artifact<A: Artifact>(&self, name: &str) -> Result<Option<A>> {
        self.artifacts.iter().find(|a| a.kind == A::KIND && a.name == name).map(|a| a.read(&self.run.id)).transpose()
    }
}

/// An artifact as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArtifact {
    /// Its name, unique within the run.
    pub name: String,
    /// [`Artifact::KIND`], or a media type for plain bytes.
    pub kind: String,
    /// JSON for a typed artifact.
    pub body: Vec<u8>,
}

impl StoredArtifact {
    fn read<A: Artifact>(&self, run: &str) -> Result<A> {
        serde_json::from_slice(&self.body).map_err(RecordError::json(run, &format!("artifact `{}`", self.name)))
    }
}
