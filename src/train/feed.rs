//! Batches: which rows meet, and their numbers laid out for the network and the loss.
//!
//! Everything random is a function of the run's seed and the epoch, so that a resumed run draws what an uninterrupted
//! one would have drawn. Depends on prepared data; knows neither networks nor losses.

use rayon::prelude::*;

use super::bridge::{BatchData, Column};
use super::errors::{Result, TrainError};
use crate::data::options::{ClassSampler, DataOptions, Part, TupleKind};
use crate::data::{Classes, DataErrors, Inputs, Prepared, View, shuffled};

/// Epoch number of the draws that validation uses: never one of training's, and always the same.
const HELD_OUT: u64 = (1 << 24) - 1;

/// Prepared data, ready to be drawn from.
#[derive(Debug)]
pub struct Feed {
    data: Prepared,
    columns: Vec<Narrow>,
    weights: Option<Vec<f32>>,
    view: Option<View>,
    draw: Draw,
    batch: usize,
    seed: u64,
}

/// An observed name in the precision of training.
#[derive(Debug)]
struct Narrow {
    name: String,
    width: usize,
    values: Vec<f32>,
}

/// How rows meet.
#[derive(Debug, Clone)]
enum Draw {
    Rows,
    Triplets { per_epoch: Option<usize> },
    Pairs { per_epoch: Option<usize>, same: String },
    Classes(ClassSampler),
}

/// Which rows one step sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// For each part of a tuple (one without tuples), the rows.
    pub rows: Vec<Vec<usize>>,
    /// For pairs: whether the two are of one class.
    pub same: Option<Vec<f32>>,
    /// Number of the first row within the epoch: what augmentation depends on.
    start: u64,
    /// The epoch whose random changes are applied; `None`: pictures as they are.
    epoch: Option<u64>,
}

/// A batch's numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Rows of the loss.
    pub rows: usize,
    /// Input rows, part after part.
    pub x: Vec<f32>,
    columns: Vec<(String, usize, Vec<f32>)>,
    weights: Option<Vec<f32>>,
}

impl Batch {
    /// As the loss reads it.
    pub fn data(&self) -> BatchData<'_> {
        let columns = self.columns.iter().map(|(name, width, values)| Column { name, width: *width, values });
        BatchData { rows: self.rows, columns: columns.collect(), weights: self.weights.as_deref() }
    }
}

/// Rows of a batch, a list for each part of a tuple, and for pairs whether they are of one class.
type Drawn = (Vec<Vec<usize>>, Option<Vec<f32>>);

impl Feed {
    /// Readies `data` for batches of `batch` rows (tuples with tuples).
    ///
    /// # Errors
    /// Ranges of augmentation that make no sense; classes that cannot be drawn from.
    pub fn new(data: Prepared, options: &DataOptions, batch: usize, seed: u64) -> Result<Self> {
        let columns = data.bound.columns.iter().map(|column| Narrow {
            name: column.name.clone(),
            width: column.width(),
            values: column.values.iter().map(|&x| x as f32).collect(),
        });
        let columns = columns.collect();
        let weights = data.weights.as_ref().map(|weights| weights.iter().map(|&w| w as f32).collect());
        let view = match (&data.inputs, data.fitted.pixels) {
            (Inputs::Images(set), Some(pixels)) => Some(View::new(set, options.augment.as_ref(), pixels)?),
            _ => None,
        };
        let draw = match (&options.tuples, options.sampler) {
            (Some(tuples), _) => match &tuples.kind {
                TupleKind::Triplet { .. } => Draw::Triplets { per_epoch: tuples.per_epoch },
                TupleKind::Pair { same, .. } => Draw::Pairs { per_epoch: tuples.per_epoch, same: same.clone() },
            },
            (None, Some(sampler)) => Draw::Classes(sampler),
            (None, None) => Draw::Rows,
        };
        let feed = Feed { data, columns, weights, view, draw, batch, seed };
        if feed.rows(Part::Train).is_empty() {
            return Err(TrainError::Refused("no row is left to train on: check `split`".into()));
        }
        feed.epoch(Part::Train, 0)?;
        Ok(feed)
    }

    /// The data.
    pub fn data(&self) -> &Prepared {
        &self.data
    }

    /// Rows (or tuples) of a training batch.
    pub fn batch_rows(&self) -> usize {
        self.batch
    }

    /// How pictures become inputs.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// The rows of a part.
    pub fn rows(&self, part: Part) -> &[usize] {
        self.data.parts.of(part)
    }

    /// Whether a row of the loss is a row of the data.
    pub fn by_row(&self) -> bool {
        matches!(self.draw, Draw::Rows)
    }

    /// The batches of an epoch of training, in order.
    ///
    /// # Errors
    /// Classes that cannot be drawn from.
    pub fn training(&self, epoch: u64) -> Result<Vec<Draft>> {
        self.epoch(Part::Train, epoch)
    }

    /// The batches on which a part is measured: every row once, in order, so many at once; or, where batches are drawn
    /// by class, one epoch's draw that is always the same. No random changes.
    ///
    /// # Errors
    /// Classes that cannot be drawn from.
    pub fn measuring(&self, part: Part, rows_at_once: usize) -> Result<Vec<Draft>> {
        if self.by_row() {
            let rows = self.rows(part).chunks(rows_at_once.max(1));
            return Ok(rows.map(|rows| Draft::plain(rows.to_vec())).collect());
        }
        let mut drafts = self.epoch(part, HELD_OUT)?;
        drafts.iter_mut().for_each(|draft| draft.epoch = None);
        Ok(drafts)
    }

    fn epoch(&self, part: Part, epoch: u64) -> Result<Vec<Draft>> {
        let rows = self.rows(part);
        let classes = || self.classes(rows);
        let drafts: Vec<Drawn> = match &self.draw {
            Draw::Rows => {
                let order = shuffled(rows, self.seed, epoch);
                order.chunks(self.batch).map(|rows| (vec![rows.to_vec()], None)).collect()
            }
            Draw::Triplets { per_epoch } => {
                let triplets = classes()?.triplets(*per_epoch, self.seed, epoch);
                let part =
                    |tuples: &[[usize; 3]], at: usize| tuples.iter().filter_map(|t| t.get(at)).copied().collect();
                triplets.chunks(self.batch).map(|t| ((0..3).map(|at| part(t, at)).collect(), None)).collect()
            }
            Draw::Pairs { per_epoch, .. } => {
                let pairs = classes()?.pairs(*per_epoch, self.seed, epoch);
                let split = |pairs: &[(usize, usize, bool)]| {
                    let same = pairs.iter().map(|&(_, _, same)| f32::from(u8::from(same))).collect();
                    (vec![pairs.iter().map(|p| p.0).collect(), pairs.iter().map(|p| p.1).collect()], Some(same))
                };
                pairs.chunks(self.batch).map(split).collect()
            }
            Draw::Classes(sampler) => {
                let mut sampler = *sampler;
                if part != Part::Train {
                    // Few held-out classes make smaller batches; too few training classes are a mistake.
                    sampler.classes = sampler.classes.min(self.class_count(rows));
                }
                let batches = classes()?.batches(sampler, self.seed, epoch).map_err(DataErrors::from)?;
                batches.into_iter().map(|rows| (vec![rows], None)).collect()
            }
        };
        let mut start = 0;
        Ok(drafts
            .into_iter()
            .map(|(rows, same)| {
                let draft = Draft { rows, same, start, epoch: Some(epoch) };
                start += draft.inputs() as u64;
                draft
            })
            .collect())
    }

    fn class_count(&self, rows: &[usize]) -> usize {
        let key = |&row: &usize| self.data.classes.as_ref()?.of_row.get(self.source_row(row)).copied();
        rows.iter().filter_map(key).collect::<std::collections::BTreeSet<_>>().len()
    }

    fn classes(&self, rows: &[usize]) -> Result<Classes> {
        let keys = self.data.classes.as_ref();
        let keys = keys.ok_or_else(|| TrainError::Refused("drawing by class needs `images: label`".into()))?;
        let key = |row: usize| keys.of_row.get(self.source_row(row)).copied().unwrap_or(0);
        Classes::new(rows, key).map_err(|error| DataErrors::from(error).into())
    }

    /// The row of the source (its table, its pictures) that a row is.
    pub fn source_row(&self, row: usize) -> usize {
        self.data.source_rows.get(row).copied().unwrap_or(row)
    }

    /// The numbers of a draft.
    pub fn batch(&self, draft: &Draft) -> Batch {
        let first = draft.rows.first().map(Vec::as_slice).unwrap_or_default();
        let gather = |values: &[f32], width: usize| {
            let row = |&row: &usize| values.get(row * width..(row + 1) * width).unwrap_or_default();
            first.iter().flat_map(row).copied().collect::<Vec<f32>>()
        };
        let mut columns: Vec<(String, usize, Vec<f32>)> =
            self.columns.iter().map(|c| (c.name.clone(), c.width, gather(&c.values, c.width))).collect();
        if let (Draw::Pairs { same, .. }, Some(values)) = (&self.draw, &draft.same) {
            columns.push((same.clone(), 1, values.clone()));
        }
        Batch {
            rows: first.len(),
            x: self.inputs(draft),
            columns,
            weights: self.weights.as_ref().map(|weights| gather(weights, 1)),
        }
    }

    /// The network's input rows of a draft, part after part.
    fn inputs(&self, draft: &Draft) -> Vec<f32> {
        let all: Vec<usize> = draft.rows.iter().flatten().copied().collect();
        match (&self.data.inputs, &self.view) {
            (Inputs::Matrix(matrix), _) => all.iter().flat_map(|&row| matrix.row(row)).copied().collect(),
            (Inputs::Images(set), Some(view)) => {
                let picture = |(at, &row): (usize, &usize)| {
                    let index = self.source_row(row);
                    let pixels = match draft.epoch {
                        Some(epoch) => view.varied(set, index, self.seed, epoch, draft.start + at as u64),
                        None => view.plain(set, index),
                    };
                    channels_first(&pixels, set.channels)
                };
                let pictures: Vec<Vec<f32>> = all.par_iter().enumerate().map(picture).collect();
                pictures.concat()
            }
            (Inputs::Images(_), None) => Vec::new(),
        }
    }
}

impl Draft {
    /// These rows as they are.
    pub fn plain(rows: Vec<usize>) -> Self {
        Draft { rows: vec![rows], same: None, start: 0, epoch: None }
    }

    /// Input rows, all parts counted.
    pub fn inputs(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

/// Height × width × channels as channels × height × width.
pub fn channels_first(pixels: &[f32], channels: usize) -> Vec<f32> {
    if channels == 1 {
        return pixels.to_vec();
    }
    (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels).copied()).collect()
}
