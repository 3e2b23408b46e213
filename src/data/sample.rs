//! Which rows meet in a batch: shuffles, triplets and pairs by class, batches with the same number of rows of each class.
//!
//! All of it is a function of seed and epoch. Rows are the numbers that the caller gives; classes are keys.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::error::DataError;
use super::options::ClassSampler;
use super::random::{Purpose, stream};

/// The rows in the order of an epoch.
#[must_use]
pub fn shuffled(rows: &[usize], seed: u64, epoch: u64) -> Vec<usize> {
    let mut order = rows.to_vec();
    order.shuffle(&mut stream(seed, Purpose::Order, epoch));
    order
}

/// Rows by their class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    rows: Vec<(usize, usize)>,
    members: BTreeMap<usize, Vec<usize>>,
}

impl Classes {
    /// Groups `rows` by `class_of(row)`.
    ///
    /// # Errors
    /// Fewer than two classes, or no class with two rows: then there is nothing to compare.
    pub fn new(rows: &[usize], class_of: impl Fn(usize) -> usize) -> Result<Self, DataError> {
        let rows: Vec<(usize, usize)> = rows.iter().map(|&row| (row, class_of(row))).collect();
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &(row, class) in &rows {
            members.entry(class).or_default().push(row);
        }
        if members.len() < 2 || members.values().all(|rows| rows.len() < 2) {
            let most = members.values().map(Vec::len).max().unwrap_or(0);
            let reason = format!(
                "need two classes and two rows of one of them; there are {} classes of at most {most} rows",
                members.len()
            );
            return Err(DataError::option("tuples", reason));
        }
        Ok(Self { rows, members })
    }

    /// Anchor, positive, negative: each row with a partner is the anchor equally often, in random order; its positive is
    /// another row of its class, its negative a row of another class.
    #[must_use]
    pub fn triplets(&self, count: Option<usize>, seed: u64, epoch: u64) -> Vec<[usize; 3]> {
        let mut random = stream(seed, Purpose::Tuples, epoch);
        let mut triplets = Vec::new();
        for (anchor, class) in self.anchors(count, &mut random) {
            if let (Some(positive), Some(negative)) =
                (self.partner(anchor, class, &mut random), self.stranger(class, &mut random))
            {
                triplets.push([anchor, positive, negative]);
            }
        }
        triplets
    }

    /// Two rows and whether they are of one class, which they are for every other pair.
    #[must_use]
    pub fn pairs(&self, count: Option<usize>, seed: u64, epoch: u64) -> Vec<(usize, usize, bool)> {
        let mut random = stream(seed, Purpose::Tuples, epoch);
        let mut pairs = Vec::new();
        for (index, (first, class)) in self.anchors(count, &mut random).into_iter().enumerate() {
            let same = index % 2 == 0;
            let second = if same { self.partner(first, class, &mut random) } else { self.stranger(class, &mut random) };
            pairs.extend(second.map(|second| (first, second, same)));
        }
        pairs
    }

    /// Batches of `classes` classes with `per_class` rows each, as many as give one epoch's worth of rows. A class with
    /// too few rows gives each of them, then repeats.
    ///
    /// # Errors
    /// More classes asked for than there are; zero of either.
    pub fn batches(&self, sampler: ClassSampler, seed: u64, epoch: u64) -> Result<Vec<Vec<usize>>, DataError> {
        let ClassSampler { classes, per_class } = sampler;
        if classes == 0 || per_class == 0 || classes > self.members.len() {
            let reason = format!(
                "asks for {classes} classes of {per_class} rows, but training has {} classes",
                self.members.len()
            );
            return Err(DataError::option("sampler", reason));
        }
        let mut random = stream(seed, Purpose::Classes, epoch);
        let size = classes.saturating_mul(per_class);
        let all: Vec<&Vec<usize>> = self.members.values().collect();
        let batch = |_| {
            let mut batch = Vec::with_capacity(size.min(self.rows.len()));
            for rows in all.choose_multiple(&mut random, classes) {
                let mut order: Vec<usize> = (*rows).clone();
                order.shuffle(&mut random);
                batch.extend(order.iter().cycle().take(per_class));
            }
            batch
        };
        Ok((0..self.rows.len().div_ceil(size)).map(batch).collect())
    }

    fn anchors(&self, count: Option<usize>, random: &mut impl Rng) -> Vec<(usize, usize)> {
        let partnered = |(_, class): &&(usize, usize)| self.members.get(class).is_some_and(|rows| rows.len() > 1);
        let able: Vec<(usize, usize)> = self.rows.iter().filter(partnered).copied().collect();
        let count = count.unwrap_or(able.len());
        let mut anchors = Vec::new();
        while anchors.len() < count && !able.is_empty() {
            let mut round = able.clone();
            round.shuffle(random);
            round.truncate(count - anchors.len());
            anchors.extend(round);
        }
        anchors
    }

    fn partner(&self, row: usize, class: usize, random: &mut impl Rng) -> Option<usize> {
        let others: Vec<usize> = self.members.get(&class)?.iter().copied().filter(|&other| other != row).collect();
        others.choose(random).copied()
    }

    /// A row of another class, every such row equally likely.
    fn stranger(&self, class: usize, random: &mut impl Rng) -> Option<usize> {
        let others = self.rows.len() - self.members.get(&class).map_or(0, Vec::len);
        if others == 0 {
            return None;
        }
        loop {
            let (row, of) = self.rows.choose(random)?;
            if *of != class {
                return Some(*row);
            }
        }
    }
}
