//! The law of one number from nothing but its log density: where it lies, its distribution function, its quantiles.
//!
//! The line is cut at the support's ends, at landmarks (the density's parameters), at powers of two around them and around
//! the peaks that a search of the log density finds; pieces without probability are left out. On what is left the density
//! is a Chebyshev series a piece, halved until the series ends; whole numbers are counted out. Many laws are built side by
//! side, so that one evaluation of a density serves all of them. Depends on `ir::support`; knows no programs.

use super::series::{NODES, Series, nodes};
use crate::ir::support::Interval;

/// Evaluates the log densities of all laws: for each its points, for each its values.
pub(super) type Evaluate<'e, E> = dyn FnMut(&[Vec<f64>]) -> Result<Vec<Vec<f64>>, E> + 'e;

/// Where a law may lie, and where to look.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    /// The support; whole numbers if it is integral.
    pub support: Interval,
    /// Where the density may peak, bend or end.
    pub landmarks: Vec<f64>,
    /// Single values may have a probability of their own inside the density.
    pub atoms: bool,
}

/// A law, ready to draw from.
#[derive(Clone, Debug)]
pub struct Law {
    pieces: Vec<Piece>,
    /// Probability of all pieces up to each, itself included.
    sums: Vec<f64>,
}

/// Why a density is no law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flaw {
    /// It has this probability in all, or in the part that was added up before it was too much.
    Total(f64),
    /// More whole numbers, or more bends, than are counted.
    Rough,
}

#[derive(Clone, Debug)]
enum Piece {
    Smooth(Series),
    /// Probabilities of whole numbers from the first on.
    Counted(f64, Vec<f64>),
    Tail(Tail),
}

/// A density that is a power of the distance from an end of the support.
#[derive(Clone, Debug)]
struct Tail {
    end: f64,
    /// To the inner end; negative at an upper end of the support.
    distance: f64,
    /// Of the probability within a distance.
    power: f64,
    mass: f64,
    support: Interval,
}

impl Tail {
    fn at(&self, mass: f64) -> f64 {
        let share = mass / self.mass;
        let inner = if self.distance < 0.0 { 1.0 - share } else { share };
        let x = self.end + self.distance * inner.powf(1.0 / self.power);
        match (self.support.contains(x), self.distance < 0.0) {
            (true, _) => x,
            (false, true) => self.end.next_down(),
            (false, false) => self.end.next_up(),
        }
    }
}

impl Piece {
    fn start(&self) -> f64 {
        match self {
            Piece::Smooth(series) => series.lo,
            Piece::Counted(first, _) => *first,
            Piece::Tail(tail) => tail.end.min(tail.end + tail.distance),
        }
    }

    fn mass(&self) -> f64 {
        match self {
            Piece::Smooth(series) => series.mass(),
            Piece::Counted(_, masses) => masses.iter().sum(),
            Piece::Tail(tail) => tail.mass,
        }
    }

    /// Where this much of the piece's probability lies below.
    fn at(&self, mut mass: f64) -> f64 {
        match self {
            Piece::Smooth(series) => series.at(mass),
            Piece::Tail(tail) => tail.at(mass),
            Piece::Counted(first, masses) => {
                let mut last = *first;
                for (steps, &own) in masses.iter().enumerate().filter(|(_, own)| **own > 0.0) {
                    last = first + steps as f64;
                    if mass < own {
                        break;
                    }
                    mass -= own;
                }
                last
            }
        }
    }
}

impl Law {
    /// The value below which the share `u` of the probability lies, for u in (0, 1).
    pub fn quantile(&self, u: f64) -> f64 {
        let target = u * self.sums.last().copied().unwrap_or(0.0);
        let at = self.sums.partition_point(|sum| *sum <= target).min(self.pieces.len().saturating_sub(1));
        let below = at.checked_sub(1).and_then(|before| self.sums.get(before)).copied().unwrap_or(0.0);
        self.pieces.get(at).map_or(f64::NAN, |piece| piece.at(target - below))
    }
}

/// Log of a probability that no draw will miss.
const NOTHING: f64 = -34.0;
/// Error of a piece's probability that no draw will show.
const ACCURACY: f64 = 1e-9;
/// How far from 1 the probability of all values may be.
const WHOLE: f64 = 1e-6;
/// Of an end of the support: nearer to it, the distance has too few digits for a series.
const NEAR: f64 = 1.0 / (1u64 << 40) as f64;
/// Peaks looked for in one law.
const PEAKS: usize = 6;
/// A probability at which a density is known to be no law.
const TOO_MUCH: f64 = 2.0;
/// Points spent on one law; whole numbers are cheap.
const BUDGET: [usize; 2] = [1 << 16, 1 << 20];
/// Bends of a density are followed by halving pieces this often.
const ROUNDS: usize = 64;

/// A law that is being built.
struct Draft {
    ground: Ground,
    /// Cuts with their log densities, ascending.
    cuts: Vec<(f64, f64)>,
    peaks: Vec<Peak>,
    /// Pieces still to be looked at: from, to (for whole numbers the last one).
    open: Vec<(f64, f64)>,
    pieces: Vec<Piece>,
    spent: usize,
    /// Whether the density goes on to the lower and the upper end of the support.
    ends: [bool; 2],
}

/// An interval with a peak in it.
#[derive(Clone, Copy, Debug)]
struct Peak {
    lo: f64,
    hi: f64,
    best: (f64, f64),
    found: bool,
}

/// Builds the laws of densities on their grounds; each law or what is wrong with it.
///
/// # Errors
/// Those of the evaluation.
pub(super) fn laws<E>(grounds: Vec<Ground>, evaluate: &mut Evaluate<'_, E>) -> Result<Vec<Result<Law, Flaw>>, E> {
    let mut drafts: Vec<Draft> = grounds.into_iter().map(Draft::new).collect();
    let points: Vec<Vec<f64>> = drafts.iter().map(|draft| draft.grid()).collect();
    let values = evaluate(&points)?;
    for ((draft, points), values) in drafts.iter_mut().zip(points).zip(values) {
        draft.cuts = points.into_iter().zip(values).collect();
        draft.take_atoms();
        draft.find_peaks();
    }
    rounds(&mut drafts, evaluate, |draft| draft.near_peaks(), Draft::narrow_peaks)?;
    let points: Vec<Vec<f64>> = drafts.iter().map(Draft::around_peaks).collect();
    let values = evaluate(&points)?;
    for ((draft, points), values) in drafts.iter_mut().zip(points).zip(values) {
        draft.cuts.extend(points.into_iter().zip(values));
        draft.cut();
    }
    rounds(&mut drafts, evaluate, Draft::inside_pieces, Draft::settle)?;
    Ok(drafts.into_iter().map(Draft::finish).collect())
}

/// Evaluates what the drafts ask for and gives it to them, until none asks.
fn rounds<E>(
    drafts: &mut [Draft],
    evaluate: &mut Evaluate<'_, E>,
    ask: fn(&mut Draft) -> Vec<f64>,
    take: fn(&mut Draft, &[f64]),
) -> Result<(), E> {
    for _ in 0..ROUNDS {
        let points: Vec<Vec<f64>> = drafts.iter_mut().map(ask).collect();
        if points.iter().all(Vec::is_empty) {
            break;
        }
        let values = evaluate(&points)?;
        drafts.iter_mut().zip(values).for_each(|(draft, values)| take(draft, &values));
    }
    Ok(())
}

impl Draft {
    fn new(mut ground: Ground) -> Draft {
        if ground.support.integral {
            ground.landmarks = ground.landmarks.iter().flat_map(|mark| [mark.floor(), mark.ceil()]).collect();
        }
        Draft {
            ground,
            cuts: Vec::new(),
            peaks: Vec::new(),
            open: Vec::new(),
            pieces: Vec::new(),
            spent: 0,
            ends: [true; 2],
        }
    }

    fn counted(&self) -> bool {
        self.ground.support.integral
    }

    /// Points inside the support, ascending, each once.
    fn inside(&self, points: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let support = self.ground.support;
        let fit = |x: f64| if self.counted() { x.round() } else { x };
        let end = |x: f64| !self.counted() && !self.ground.atoms && (x == support.lo || x == support.hi);
        let fits = |x: &f64| x.is_finite() && support.contains(*x) && !end(*x);
        let mut points: Vec<f64> = points.into_iter().map(fit).filter(fits).map(|x| x + 0.0).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        points
    }

    /// Landmarks and powers of two around them.
    fn grid(&self) -> Vec<f64> {
        let support = self.ground.support;
        let ends = [support.lo, support.hi];
        let marks = self.ground.landmarks.iter().chain(&ends).copied().filter(|mark| mark.is_finite() && *mark != 0.0);
        let far = (-1020..-64).step_by(32).chain((-64..64).step_by(4)).chain((64..=1020).step_by(32));
        let around_zero = far.map(|power| 2f64.powi(power)).flat_map(|x| [-x, x]).chain([0.0]);
        let around = |mark: f64| {
            let offsets = (0..=52).step_by(4).map(move |power| mark * 2f64.powi(-power));
            offsets.flat_map(move |offset| [mark - offset, mark + offset]).chain([mark])
        };
        let mut points: Vec<f64> = around_zero.chain(marks.flat_map(around)).collect();
        if self.counted() {
            points.retain(|x| x.abs() <= 2f64.powi(53));
            points.extend(ends.into_iter().filter(|end| end.is_finite()));
        }
        self.inside(points)
    }

    /// The probabilities of single values, which are counted and no longer part of the density.
    fn take_atoms(&mut self) {
        if !self.ground.atoms {
            return;
        }
        for upper in [false, true] {
            if upper {
                self.cuts.reverse();
            }
            self.take_bound(upper);
            if upper {
                self.cuts.reverse();
            }
        }
        if !self.counted() {
            self.take_points();
        }
    }

    /// Of a bound, where the density stays the same from there to an end of the support (the first cut), as none does.
    fn take_bound(&mut self, upper: bool) {
        let outer = self.cuts.first().map_or(f64::NAN, |(_, value)| *value);
        let same = self.cuts.iter().take_while(|(_, value)| *value == outer).count();
        let bound = same.checked_sub(1).and_then(|at| self.cuts.get(at)).map_or(f64::NAN, |(x, _)| *x);
        let least = if self.counted() { 2 } else { 3 };
        let censored = outer.is_finite() && same >= least && self.ground.landmarks.contains(&bound);
        let Some(inner) = self.cuts.get(same).map(|(_, value)| *value).filter(|_| censored) else { return };
        self.cuts.drain(..same - 1);
        let Some(cut) = self.cuts.first_mut() else { return };
        // A whole number is counted with the others.
        if !self.ground.support.integral {
            self.pieces.push(Piece::Counted(bound, vec![outer.exp()]));
            cut.1 = inner;
        }
        let (support, [lower_end, upper_end]) = (&mut self.ground.support, &mut self.ends);
        let (limit, end) = if upper { (&mut support.hi, upper_end) } else { (&mut support.lo, lower_end) };
        (*limit, *end) = (bound, false);
    }

    /// Of a landmark, 0 or an end, where the density is another than on both sides.
    fn take_points(&mut self) {
        let support = self.ground.support;
        let known = |x: f64| x == 0.0 || x == support.lo || x == support.hi || self.ground.landmarks.contains(&x);
        let value =
            |at: Option<usize>| at.and_then(|at| self.cuts.get(at)).map_or(f64::NEG_INFINITY, |(_, value)| *value);
        let apart = |at: usize, other: Option<usize>| {
            let difference = (value(Some(at)) - value(other)).abs();
            difference.is_nan() || difference > 1e-6
        };
        let alone = |at: &usize| {
            let (x, own) = self.cuts.get(*at).copied().unwrap_or((f64::NAN, f64::NAN));
            known(x) && own.is_finite() && apart(*at, at.checked_sub(1)) && apart(*at, Some(at + 1))
        };
        let found: Vec<usize> = (0..self.cuts.len()).filter(alone).collect();
        for at in found.into_iter().rev() {
            let (x, log) = self.cuts.remove(at);
            self.pieces.push(Piece::Counted(x, vec![log.exp()]));
        }
    }

    /// The highest points with lower neighbours on both sides.
    fn find_peaks(&mut self) {
        let mut peaks: Vec<Peak> = Vec::new();
        for window in self.cuts.windows(3) {
            if let [(lo, left), (x, top), (hi, right)] = *window
                && top > f64::NEG_INFINITY
                && (left <= top || left.is_nan())
                && (right < top || right.is_nan())
            {
                peaks.push(Peak { lo, hi, best: (x, top), found: false });
            }
        }
        peaks.sort_by(|a, b| b.best.1.total_cmp(&a.best.1));
        peaks.truncate(PEAKS);
        self.peaks = peaks;
    }

    fn near_peaks(&self) -> Vec<f64> {
        self.peaks.iter().filter(|peak| !peak.found).flat_map(|peak| self.across(peak)).collect()
    }

    /// Points evenly across a peak's interval.
    fn across(&self, peak: &Peak) -> Vec<f64> {
        let step = peak.hi / (NODES + 1) as f64 - peak.lo / (NODES + 1) as f64;
        let points = (1..=NODES).map(|at| peak.lo + step * at as f64);
        if self.counted() { points.map(f64::round).collect() } else { points.collect() }
    }

    fn narrow_peaks(&mut self, values: &[f64]) {
        let counted = self.counted();
        let across: Vec<Vec<f64>> = self.peaks.iter().map(|peak| self.across(peak)).collect();
        let mut values = values.chunks(NODES);
        for (peak, points) in self.peaks.iter_mut().zip(across).filter(|(peak, _)| !peak.found) {
            let Some(values) = values.next() else { break };
            let mut seen: Vec<(f64, f64)> = points.into_iter().zip(values.iter().copied()).collect();
            seen.push(peak.best);
            let finite = || seen.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
            let spread = finite().fold(f64::MIN, f64::max) - finite().fold(f64::MAX, f64::min);
            let Some(best) = seen.iter().copied().filter(|(_, v)| !v.is_nan()).max_by(|a, b| a.1.total_cmp(&b.1))
            else {
                continue;
            };
            peak.best = best;
            let below = seen.iter().map(|(x, _)| *x).filter(|x| *x < best.0).fold(peak.lo, f64::max);
            let above = seen.iter().map(|(x, _)| *x).filter(|x| *x > best.0).fold(peak.hi, f64::min);
            let narrow = above - below <= if counted { 16.0 } else { 8.0 * f64::EPSILON * best.0.abs() };
            peak.found = spread < 1.0 || narrow || (below, above) == (peak.lo, peak.hi);
            (peak.lo, peak.hi) = (below, above);
        }
    }

    /// Peaks, and powers of two of their width around them.
    fn around_peaks(&self) -> Vec<f64> {
        let around = |peak: &Peak| {
            let width = peak.hi - peak.lo;
            let offsets = (0..7).map(move |power| width * 4f64.powi(power));
            let top = peak.best.0;
            [top, peak.lo, peak.hi].into_iter().chain(offsets.flat_map(move |by| [top - by, top + by]))
        };
        let known = |x: &f64| self.cuts.binary_search_by(|(cut, _)| cut.total_cmp(x)).is_ok();
        let mut points = self.inside(self.peaks.iter().flat_map(around));
        points.retain(|x| !known(x));
        points
    }

    /// The pieces between cuts that may have any probability.
    fn cut(&mut self) {
        self.cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.tails();
        let log = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
        for window in self.cuts.windows(2) {
            let [(lo, left), (hi, right)] = *window else { continue };
            if log(left).max(log(right)) + (hi - lo).ln() > NOTHING {
                self.open.push(if self.ground.support.integral { (lo, hi - 1.0) } else { (lo, hi) });
            }
        }
        if let Some(&(last, _)) = self.cuts.last().filter(|_| self.ground.support.integral) {
            self.open.push((last, last));
        }
    }

    /// What lies nearer to an end of the support than numbers tell apart, or than there are numbers: the density goes on
    /// there as the power of the distance that it is between the last two cuts.
    fn tails(&mut self) {
        let support = self.ground.support;
        let ends = [support.lo, support.hi].into_iter().zip(self.ends).filter(|(_, open)| *open);
        for end in ends.map(|(end, _)| end).filter(|end| end.is_finite() && !support.integral) {
            self.cuts.retain(|(x, _)| (x - end).abs() >= NEAR * end.abs());
            let upper = end == support.hi;
            let nearest = |at: usize| if upper { self.cuts.iter().nth_back(at) } else { self.cuts.get(at) };
            let (Some(&(x, near)), Some(&(next, far))) = (nearest(0), nearest(1)) else { continue };
            let (distance, further) = ((x - end).abs(), (next - end).abs());
            let power = 1.0 + (far - near) / (further.ln() - distance.ln());
            let mass = (near + distance.ln()).exp() / power;
            if power > 0.0 && mass > 0.0 {
                self.pieces.push(Piece::Tail(Tail { end, distance: x - end, power, mass, support }));
            }
        }
    }

    fn inside_pieces(&mut self) -> Vec<f64> {
        let counted = self.counted();
        let points: Vec<f64> = self.open.iter().flat_map(|&(lo, hi)| points(counted, lo, hi)).collect();
        self.spent += points.len();
        let total: f64 = self.pieces.iter().map(Piece::mass).sum();
        let over = total > TOO_MUCH || self.spent > BUDGET.get(usize::from(counted)).copied().unwrap_or(0);
        if over { Vec::new() } else { points }
    }

    /// Keeps the pieces whose density is known now, halves the others.
    fn settle(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let counted = self.counted();
        let mut values = values.iter().copied();
        for (lo, hi) in std::mem::take(&mut self.open) {
            let points = points(counted, lo, hi);
            let logs: Vec<f64> = values.by_ref().take(points.len()).collect();
            let share = if counted { 0.0 } else { (hi / 2.0 - lo / 2.0).ln() };
            let masses: Vec<f64> =
                logs.iter().map(|log| (log + share).exp()).map(|p| if p.is_nan() { 0.0 } else { p }).collect();
            let middle = if counted { (lo / 2.0 + hi / 2.0).floor() } else { lo / 2.0 + hi / 2.0 };
            if counted && hi - lo < NODES as f64 {
                self.pieces.push(Piece::Counted(lo, masses));
            } else if counted {
                if masses.iter().copied().fold(0.0, f64::max) * (hi - lo) > NOTHING.exp() {
                    self.open.extend([(lo, middle), (middle + 1.0, hi)]);
                }
            } else {
                let series = Series::new(lo, hi, &masses);
                let sure = series.error() <= ACCURACY;
                match sure || !(lo < middle && middle < hi) {
                    true if series.mass() > 0.0 => self.pieces.push(Piece::Smooth(series)),
                    true => {}
                    false => self.open.extend([(lo, middle), (middle, hi)]),
                }
            }
        }
    }

    fn finish(mut self) -> Result<Law, Flaw> {
        self.pieces.sort_by(|a, b| a.start().total_cmp(&b.start()));
        let mut total = 0.0;
        let sum = |piece: &Piece| {
            total += piece.mass();
            total
        };
        let sums: Vec<f64> = self.pieces.iter().map(sum).collect();
        if !self.open.is_empty() && total <= TOO_MUCH {
            return Err(Flaw::Rough);
        }
        let whole = (total - 1.0).abs() <= WHOLE;
        if whole { Ok(Law { pieces: self.pieces, sums }) } else { Err(Flaw::Total(total)) }
    }
}

/// Where a piece is looked at: at the nodes of its series; at every whole number, or some of many.
fn points(counted: bool, lo: f64, hi: f64) -> Vec<f64> {
    if !counted {
        return nodes().map(|node| lo / 2.0 + hi / 2.0 + node * (hi / 2.0 - lo / 2.0)).collect();
    }
    let many = (hi - lo + 1.0).min(NODES as f64);
    let step = if hi - lo < NODES as f64 { 1.0 } else { (hi - lo) / (NODES - 1) as f64 };
    (0..many as usize).map(|at| (lo + step * at as f64).round()).collect()
}
