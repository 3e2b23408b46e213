//! Training state on disk: what a killed run resumes from, to the same bits.
//!
//! One safetensors file holds every parameter, the optimiser's state, the averaged and the best
//! weights; its metadata holds, as JSON, the training configuration, the number of updates, and
//! whatever the training loop wants back. Dropout and the learning rate are functions of the seed
//! and the number of updates, so there is no generator to save. A file is written beside its place,
//! flushed to the disk and renamed: a reader sees the old one or the new one, never half of one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::network::{Network, Weights};
use super::step::{Trainer, TrainerConfig};
use crate::files::write_whole;

/// The key of our metadata among a file's.
const KEY: &str = "lossc";
/// Counts up when the layout changes.
const FORMAT: u32 = 1;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not a safetensors file, or damaged.
    #[error("{path} is not a readable safetensors file: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A safetensors file, but no checkpoint of ours, or one of another version.
    #[error("{path} is not a checkpoint of this version of lossc: {reason}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },
    /// A tensor that the network has and the file has not, or has in another size.
    #[error("{path} does not fit this network: `{tensor}` is {found}, and must be {expected}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// What the file has.
        found: String,
        /// What the network has.
        expected: String,
    },
    /// The checkpoint was made by a run that trains otherwise.
    #[error("{path} was made with another training configuration: {found}, and this run has {expected}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The file's configuration.
        found: String,
        /// The run's.
        expected: String,
    },
}

/// What a checkpoint gives back besides the trainer's own state.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The best weights so far.
    pub best: Option<Weights>,
    /// The training loop's own state: epoch, position in the data, history.
    pub extra: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    config: TrainerConfig,
    updates: u64,
    ema: bool,
    best: bool,
    extra: serde_json::Value,
}

/// One tensor on its way to the disk.
struct Entry<'a> {
    name: String,
    dims: &'a [usize],
    values: &'a [f32],
}

/// Saves everything that a resumed run needs.
///
/// # Errors
/// If the file cannot be written.
pub fn save(
    trainer: &Trainer,
    best: Option<&Weights>,
    extra: serde_json::Value,
    path: &Path,
) -> Result<(), CheckpointError> {
    let network = trainer.network();
    let header = Header {
        format: FORMAT,
        config: comparable(trainer.config()),
        updates: trainer.steps(),
        ema: trainer.ema().is_some(),
        best: best.is_some(),
        extra,
    };
    let current = network.weights();
    let mut entries = entries(network, "weights", &current);
    entries.extend(trainer.ema().into_iter().flat_map(|w| self::entries(network, "ema", w)));
    entries.extend(best.into_iter().flat_map(|w| self::entries(network, "best", w)));
    for (index, slot, values) in trainer.optimiser.tensors() {
        if let Some((name, dims, _)) = network.tensors().nth(index) {
            entries.push(Entry { name: format!("{slot}.{name}"), dims, values });
        }
    }
    let header = serde_json::to_string(&header).map_err(|e| damaged(path, e))?;
    write(path, &entries, HashMap::from([(KEY.to_owned(), header)]))
}

/// Restores a trainer that was built from the same spec to the state of a checkpoint. On an error
/// the trainer is as it was.
///
/// # Errors
/// If the file cannot be read, is damaged, or belongs to another network or configuration.
pub fn load(trainer: &mut Trainer, path: &Path) -> Result<Restored, CheckpointError> {
    let bytes = read(path)?;
    let header = header(&bytes, path)?;
    let expected = comparable(trainer.config());
    if header.config != expected {
        let (found, expected) = (format!("{:?}", header.config), format!("{expected:?}"));
        return Err(CheckpointError::Config { path: path.to_owned(), found, expected });
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(path, e))?;
    let network = trainer.network();
    let current = weights(network, &file, "weights", path)?;
    let ema = header.ema.then(|| weights(network, &file, "ema", path)).transpose()?;
    let best = header.best.then(|| weights(network, &file, "best", path)).transpose()?;
    let names: Vec<String> = network.tensors().map(|(name, ..)| name.to_owned()).collect();
    let mut state = Vec::new();
    for (index, slot, values) in trainer.optimiser.tensors() {
        let name = names.get(index).map_or("", String::as_str);
        state.push(tensor(&file, &format!("{slot}.{name}"), values.len(), path)?);
    }
    // Everything is there and fits: only now is the trainer touched.
    for ((_, _, to), from) in trainer.optimiser.tensors_mut().zip(state) {
        to.copy_from_slice(&from);
    }
    trainer.optimiser.updates = header.updates;
    trainer.ema = ema;
    for (parameter, values) in trainer.network.parameters.iter_mut().zip(&current.0) {
        parameter.set(values);
    }
    Ok(Restored { best, extra: header.extra })
}

/// Saves weights alone, under the names and in the layout that PyTorch uses.
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights(network: &Network, weights: &Weights, path: &Path) -> Result<(), CheckpointError> {
    write(path, &entries(network, "", weights), HashMap::new())
}

/// Reads what [`save_weights`] wrote for a network of the same layers.
///
/// # Errors
/// If the file cannot be read, is damaged, or belongs to another network.
pub fn load_weights(network: &Network, path: &Path) -> Result<Weights, CheckpointError> {
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(path, e))?;
    weights(network, &file, "", path)
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    write_whole(path, bytes).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })
}

/// The configuration without what does not change a run's bits.
fn comparable(config: &TrainerConfig) -> TrainerConfig {
    TrainerConfig { threads: 0, ..*config }
}

fn entries<'a>(network: &'a Network, prefix: &str, weights: &'a Weights) -> Vec<Entry<'a>> {
    let named = network.tensors().zip(&weights.0);
    named
        .map(|((name, dims, _), values)| {
            let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            Entry { name, dims, values }
        })
        .collect()
}

fn weights(network: &Network, file: &SafeTensors<'_>, prefix: &str, path: &Path) -> Result<Weights, CheckpointError> {
    let mut all = Vec::new();
    for (name, _, values) in network.tensors() {
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        all.push(Arc::new(tensor(file, &name, values.len(), path)?));
    }
    Ok(Weights(all))
}

fn tensor(file: &SafeTensors<'_>, name: &str, len: usize, path: &Path) -> Result<Vec<f32>, CheckpointError> {
    let expected = format!("{len} numbers (f32)");
    let mismatch = |found: String| CheckpointError::Mismatch {
        path: path.to_owned(),
        tensor: name.to_owned(),
        found,
        expected: expected.clone(),
    };
    let view = file.tensor(name).map_err(|_| mismatch("missing".into()))?;
    if view.dtype() != Dtype::F32 || view.data().len() != 4 * len {
        return Err(mismatch(format!("{:?} of {:?}", view.dtype(), view.shape())));
    }
    let numbers = view.data().as_chunks::<4>().0;
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn write(path: &Path, entries: &[Entry<'_>], metadata: HashMap<String, String>) -> Result<(), CheckpointError> {
    let bytes: Vec<Vec<u8>> = entries.iter().map(|e| e.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views: Result<Vec<_>, _> = entries
        .iter()
        .zip(&bytes)
        .map(|(e, bytes)| Ok((e.name.as_str(), TensorView::new(Dtype::F32, e.dims.to_vec(), bytes)?)))
        .collect();
    let views = views.map_err(|e: safetensors::SafeTensorError| damaged(path, e))?;
    let metadata = (!metadata.is_empty()).then_some(metadata);
    let file = safetensors::serialize(views, metadata).map_err(|e| damaged(path, e))?;
    write_bytes(path, &file)
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    fs::read(path).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })
}

fn header(bytes: &[u8], path: &Path) -> Result<Header, CheckpointError> {
    let foreign = |reason: String| CheckpointError::Foreign { path: path.to_owned(), reason };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(path, e))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text.ok_or_else(|| foreign(format!("its metadata has no `{KEY}`")))?;
    let header: Header = serde_json::from_str(text).map_err(|e| foreign(e.to_string()))?;
    if header.format == FORMAT {
        Ok(header)
    } else {
        Err(foreign(format!("its format is {}, and this reads {FORMAT}", header.format)))
    }
}

fn damaged(path: &Path, reason: impl std::fmt::Display) -> CheckpointError {
    CheckpointError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}
