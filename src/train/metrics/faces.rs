//! Recognition: distances of embeddings, ranks, and how well they tell same from different.

use super::counts::split_name;
use super::scene::Scene;
use super::{Figure, Result};
use crate::data::options::{Part, Value};
use crate::data::{Inputs, Prepared};
use crate::record::{DistanceDiagnostics, RankRate};
use crate::train::errors::TrainError;
use crate::train::feed::{Feed, channels_first};
use crate::train::network::Network;
use crate::train::spec::Recognition;
use crate::train::step::StepError;

/// Pictures embedded at once.
const AT_ONCE: usize = 256;
/// Most distances of a kind that the record keeps.
const KEPT: usize = 50_000;

/// Embedded pictures of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Faces {
    /// Numbers of an embedding.
    width: usize,
    /// Pictures × width.
    values: Vec<f32>,
    /// Class of each picture.
    class: Vec<usize>,
    /// Positions of the known pictures.
    gallery: Vec<usize>,
    /// Positions of those to be recognised.
    probes: Vec<usize>,
    /// What the classes are called.
    what: String,
}

/// How pictures become vectors.
pub enum Embed<'a> {
    /// By the network's first head.
    Network(&'a Network),
    /// As they are: what recognition without learning does.
    Pixels,
}

impl Faces {
    /// Embeds the pictures of `rows` and sorts out who is known and who is to be recognised.
    ///
    /// # Errors
    /// Columns that are not there; data without pictures or classes.
    pub fn new(feed: &Feed, embed: &Embed<'_>, options: &Recognition, rows: &[usize]) -> Result<Faces> {
        let data = feed.data();
        let classes = data.classes.as_ref();
        let classes = classes.ok_or_else(|| TrainError::Refused("recognition needs `images: label`".into()))?;
        let (width, values) = embeddings(feed, embed, rows, options.mirror)?;
        let gallery_rows = matching(data, &options.gallery)?;
        let probe_rows = if options.probes.is_empty() { None } else { Some(matching(data, &options.probes)?) };
        let source = |at: usize| rows.get(at).map_or(0, |&row| feed.source_row(row));
        let is_known = |at: &usize| gallery_rows.get(source(*at)) == Some(&true);
        let is_probe = |at: &usize| match &probe_rows {
            Some(probes) => probes.get(source(*at)) == Some(&true),
            None => !is_known(at),
        };
        Ok(Faces {
            width,
            values,
            class: (0..rows.len()).map(|at| classes.of_row.get(source(at)).copied().unwrap_or(0)).collect(),
            gallery: (0..rows.len()).filter(is_known).collect(),
            probes: (0..rows.len()).filter(is_probe).collect(),
            what: "classes".into(),
        })
    }

    fn embedding(&self, at: usize) -> &[f32] {
        self.values.get(at * self.width..(at + 1) * self.width).unwrap_or_default()
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let pairs = self.embedding(a).iter().zip(self.embedding(b));
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
    }

    /// Whether anybody can be recognised: a probe whose class the gallery has.
    pub fn any(&self) -> bool {
        let known = |at: &usize| self.gallery.iter().any(|g| self.class.get(*g) == self.class.get(*at));
        self.gallery.len() > 1 && self.probes.iter().any(known)
    }

    /// Share of probes with their own class among the `rank` nearest classes; a class is as near as its nearest gallery
    /// picture, and ties count against the probe.
    pub fn rank(&self, rank: usize) -> f64 {
        let hit = |&&probe: &&usize| {
            let own = self.class.get(probe);
            let mut nearest: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
            for &known in &self.gallery {
                let distance = self.distance(probe, known);
                let slot = nearest.entry(self.class.get(known).copied().unwrap_or(0)).or_insert(f64::INFINITY);
                *slot = slot.min(distance);
            }
            let Some(mine) = own.and_then(|own| nearest.get(own)).copied() else { return false };
            nearest.iter().filter(|(class, d)| Some(*class) != own && **d <= mine).count() < rank
        };
        self.probes.iter().filter(hit).count() as f64 / self.probes.len().max(1) as f64
    }

    /// Distances of all pairs: of one class, and of two.
    pub fn pairs(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for a in 0..self.class.len() {
            for b in 0..a {
                let one_class = self.class.get(a) == self.class.get(b);
                if one_class { &mut same } else { &mut different }.push(self.distance(a, b));
            }
        }
        (same, different)
    }
}

/// P(a distance of one class < one of two), ties counting half: the area under the ROC curve (Hanley & McNeil 1982).
pub fn area(same: &[f64], different: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        same.iter().map(|&d| (d, true)).chain(different.iter().map(|&d| (d, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Sum of mid-ranks of the distances of two classes.
    let (mut ranks, mut at) = (0.0, 0);
    while let Some(&(value, _)) = all.get(at) {
        let ties = all.iter().skip(at).take_while(|(d, _)| *d == value);
        let (count, of_different) = ties.fold((0usize, 0usize), |(n, d), (_, one)| (n + 1, d + usize::from(!one)));
        ranks += of_different as f64 * (at as f64 + (count as f64 + 1.0) / 2.0);
        at += count;
    }
    let (n, m) = (different.len() as f64, same.len() as f64);
    (ranks - n * (n + 1.0) / 2.0) / (n * m)
}

fn embeddings(feed: &Feed, embed: &Embed<'_>, rows: &[usize], mirror: bool) -> Result<(usize, Vec<f32>)> {
    let (Inputs::Images(set), Some(view)) = (&feed.data().inputs, feed.view()) else {
        return Err(TrainError::Refused("recognition needs `images`".into()));
    };
    let mut width = 0;
    let mut values = Vec::new();
    for chunk in rows.chunks(AT_ONCE) {
        let plain: Vec<Vec<f32>> = chunk.iter().map(|&row| view.plain(set, feed.source_row(row))).collect();
        let run = |mirrored: bool| -> Result<Vec<Vec<f32>>> {
            let pictures = plain.iter().map(|p| if mirrored { flip(p, view.width, set.channels) } else { p.clone() });
            let x: Vec<f32> = pictures.flat_map(|p| channels_first(&p, set.channels)).collect();
            let Embed::Network(network) = embed else {
                return Ok(x.chunks(x.len() / chunk.len().max(1)).map(<[f32]>::to_vec).collect());
            };
            let outputs = network.predict(&x).map_err(StepError::from)?;
            let head = outputs.first().ok_or_else(|| TrainError::Internal("the network has no head".into()))?;
            Ok(head.values.chunks(head.units.max(1)).map(<[f32]>::to_vec).collect())
        };
        let mut found = run(false)?;
        if mirror && matches!(embed, Embed::Network(_)) {
            for (one, other) in found.iter_mut().zip(run(true)?) {
                one.iter_mut().zip(&other).for_each(|(a, b)| *a += b);
                let length = one.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                one.iter_mut().for_each(|x| *x /= length);
            }
        }
        width = found.first().map_or(width, Vec::len);
        values.extend(found.into_iter().flatten());
    }
    Ok((width, values))
}

/// Left and right exchanged; height × width × channels.
fn flip(pixels: &[f32], width: usize, channels: usize) -> Vec<f32> {
    pixels.chunks(width * channels).flat_map(|row| row.chunks(channels).rev().flatten().copied()).collect()
}

/// For each row of the source, whether it has one of the values in each of the columns.
fn matching(data: &Prepared, wanted: &[(String, Vec<Value>)]) -> Result<Vec<bool>> {
    use crate::data::group::{Keys, word};
    let mut fits = vec![true; data.table.rows];
    for (column, values) in wanted {
        let keys =
            Keys::of_column(&data.table, column, "evaluate: recognition").map_err(crate::data::DataErrors::from)?;
        let words: Vec<String> = values.iter().map(word).collect();
        for (fits, key) in fits.iter_mut().zip(&keys.of_row) {
            *fits &= keys.labels.get(*key).is_some_and(|label| words.contains(label));
        }
    }
    Ok(fits)
}

fn of<'a>(scene: &'a Scene<'_>) -> Option<&'a Faces> {
    scene.faces.as_ref().filter(|faces| faces.any())
}

/// Rank-1.
pub fn rank1(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    Ok(of(scene).map(|faces| ("rank1".to_owned(), faces.rank(1))).into_iter().collect())
}

/// Rank-5.
pub fn rank5(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    Ok(of(scene).map(|faces| ("rank5".to_owned(), faces.rank(5))).into_iter().collect())
}

/// Area under the ROC curve.
pub fn auc(scene: &Scene<'_>) -> Result<Vec<Figure>> {
    let figure = |faces: &Faces| {
        let (same, different) = faces.pairs();
        ("auc".to_owned(), area(&same, &different))
    };
    Ok(of(scene).map(figure).into_iter().collect())
}

/// What the report needs.
pub fn diagnostics(faces: &Faces, part: Part) -> DistanceDiagnostics {
    let (same, different) = faces.pairs();
    let thin = |distances: &[f64]| {
        let every = distances.len().div_ceil(KEPT).max(1);
        distances.iter().step_by(every).map(|&d| d as f32).collect()
    };
    let ranks = [1usize, 2, 3, 5, 10].map(|rank| RankRate { rank: rank as u64, rate: faces.rank(rank) });
    DistanceDiagnostics {
        split: split_name(part).to_owned(),
        classes: faces.what.clone(),
        same: thin(&same),
        different: thin(&different),
        ranks: ranks.to_vec(),
        probes: faces.probes.len() as u64,
        gallery: faces.gallery.len() as u64,
    }
}
