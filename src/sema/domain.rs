//! What set a name's values come from, and over which axes, as the language writes it: `positive[N]`, `category(3)`.

use std::fmt;

use super::{Hir, NameInfo, VectorKind};
use crate::ir::graph::{Axis, AxisId, ROWS};
use crate::ir::support::Interval;

/// The set of one value: an element, or for a structured vector or matrix the whole of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    /// Vectors or matrices with a structure; never [`VectorKind::Plain`].
    Vector(VectorKind),
    /// Codes 0 … size − 1; without a size as many as the data have.
    Category {
        /// The size that the program gives.
        size: Option<usize>,
        /// The axis whose members the codes stand for.
        axis: Option<AxisId>,
    },
    /// Numbers.
    Interval(Interval),
}

/// The values that a name can take: its set, and the axes that it has a value for each member of.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// The set of one value.
    pub set: Set,
    /// The axes, outermost first; the rows only where the program names them.
    pub axes: Vec<Axis>,
}

impl Hir {
    /// The values that a name of this program can take.
    pub fn domain(&self, info: &NameInfo) -> Domain {
        let axes = self.graph.input(info.input).axes.iter();
        let axes = axes.filter(|axis| **axis != ROWS || self.whole_batch).map(|&axis| self.graph.axis(axis).clone());
        Domain { set: self.set(info), axes: axes.collect() }
    }

    /// The set of one value of a name.
    pub fn set(&self, info: &NameInfo) -> Set {
        let support = self.graph.input(info.input).support;
        if info.vector != VectorKind::Plain {
            return Set::Vector(info.vector);
        }
        if let Some(axis) = info.indexes {
            return Set::Category { size: self.graph.axis(axis).size, axis: Some(axis) };
        }
        if info.category {
            // Whole by construction: `category(K)` is the whole numbers up to K − 1.
            return Set::Category { size: support.hi.is_finite().then(|| support.hi as usize + 1), axis: None };
        }
        Set::Interval(support)
    }
}

impl Set {
    /// One value in words.
    pub fn words(&self) -> String {
        match self {
            Set::Vector(kind) => kind.words().into(),
            Set::Category { size: Some(1), .. } => "0".into(),
            Set::Category { size: Some(size), .. } => format!("a whole number from 0 to {}", size - 1),
            Set::Category { size: None, .. } => "a whole number, 0 or more, or a word".into(),
            Set::Interval(interval) => interval.words(),
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Set::Vector(kind) => f.write_str(kind.name()),
            Set::Category { size: Some(size), .. } => write!(f, "category({size})"),
            Set::Category { size: None, .. } => f.write_str("category"),
            Set::Interval(interval) => interval.fmt(f),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.set.fmt(f)?;
        match self.axes.split_first() {
            None => Ok(()),
            Some((first, rest)) => {
                write!(f, "[{first}")?;
                rest.iter().try_for_each(|axis| write!(f, ", {axis}"))?;
                f.write_str("]")
            }
        }
    }
}
