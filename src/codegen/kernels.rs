//! The precompiled steps: broadcast, gather, reductions, counting, sums over rows, and the slow road of primitives that
//! have neither a vector instruction nor block math.
//!
//! Compiled code calls [`run`] with the step and the frame. Buffers are dense; their lengths follow from the schedule and
//! the tile's rows.
#![allow(unsafe_code)]

use super::frame;
use super::layout::Extent;
use super::real::Real;
use super::schedule::{Copy, SlotId, Step};
use super::vmath::{Level, level};
use crate::ir::op::{Op, ReduceOp};

/// Partial sums kept side by side: enough for one 512-bit register four times over, so that the order of addition does
/// not depend on the machine.
const LANES: usize = 64;

/// The frame of the tile at hand.
#[derive(Clone, Copy)]
struct Frame {
    words: *const usize,
    rows: usize,
}

impl Frame {
    fn word(self, at: usize) -> usize {
        // SAFETY: a frame has its header words and one word for every slot of the schedule.
        unsafe { *self.words.add(at) }
    }

    fn read<'a, T>(self, slot: SlotId, len: usize) -> &'a [T] {
        // SAFETY: the slot's word is the address of at least `len` elements for this tile (checked before the call), and
        // no step writes a buffer it reads.
        unsafe { slice(self.word(frame::slot_word(slot)), len) }
    }

    fn write<'a, T>(self, slot: SlotId, len: usize) -> &'a mut [T] {
        // SAFETY: as in `read`; the buffer belongs to this thread's tile alone.
        unsafe { slice_mut(self.word(frame::slot_word(slot)), len) }
    }

    fn sums<'a>(self, at: usize, len: usize) -> &'a mut [f64] {
        // SAFETY: the sums word is the address of this chunk's row of the table of sums, `Schedule::sums` long.
        unsafe { slice_mut(self.word(frame::SUMS) + at * size_of::<f64>(), len) }
    }
}

/// # Safety
/// `address` is that of `len` initialised elements that nobody writes meanwhile.
unsafe fn slice<'a, T>(address: usize, len: usize) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(address as *const T, len) }
}

/// # Safety
/// `address` is that of `len` initialised elements that nobody else uses meanwhile.
unsafe fn slice_mut<'a, T>(address: usize, len: usize) -> &'a mut [T] {
    if len == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(address as *mut T, len) }
}

/// Runs a kernel step on a frame.
///
/// # Safety
/// `step` is a step of the schedule the frame was made for, and every address in the frame is valid for the tile.
pub(super) unsafe extern "C" fn run<T: Real>(step: *const Step, words: *const usize) {
    // SAFETY: the caller's promise.
    let (step, rows) = unsafe { (&*step, *words.add(frame::TILE_ROWS)) };
    let frame = Frame { words, rows };
    match step {
        Step::Eval { op, out, ins, extent } => eval::<T>(frame, *op, *out, ins, *extent),
        Step::Copy(step) => copy::<T>(frame, step),
        Step::Reduce { op, out, body, cond, outer, size, inner } => {
            let (outer, size, inner) = (outer.at(rows), size.at(rows), inner.at(rows));
            let body = frame.read::<T>(*body, outer * size * inner);
            let cond = cond.map(|cond| frame.read::<T>(cond, outer * size * inner));
            reduce(*op, frame.write::<T>(*out, outer * inner), body, cond, size, inner);
        }
        Step::Count { out, extent, rows: of_rows } => {
            let first = if *of_rows { frame.word(frame::FIRST_ROW) } else { 0 };
            for (at, out) in frame.write::<T>(*out, extent.at(rows)).iter_mut().enumerate() {
                *out = T::from_f64((first + at) as f64);
            }
        }
        Step::Rows { out } => frame.write::<T>(*out, 1).fill(T::from_f64(frame.word(frame::ROWS) as f64)),
        Step::RowSum { body, width, sum } => {
            row_sum(frame.sums(*sum, *width), frame.read::<T>(*body, rows * width));
        }
        Step::TermSum { body, sum } => term_sum::<T>(frame, *body, *sum),
        Step::Total { out, width, sum } => {
            for (out, &sum) in frame.write::<T>(*out, *width).iter_mut().zip(&*frame.sums(*sum, *width)) {
                *out = T::from_f64(sum);
            }
        }
        // Compiled code does these itself.
        Step::Map(_) | Step::Math { .. } => debug_assert!(false, "not a kernel step"),
    }
}

/// Most arguments of a primitive.
pub(super) const MAX_ARITY: usize = 8;

#[allow(clippy::indexing_slicing)] // Proven: a test checks that no primitive has more arguments than the bound.
fn eval<T: Real>(frame: Frame, op: Op, out: SlotId, ins: &[SlotId], extent: Extent) {
    let count = extent.at(frame.rows);
    let function = op.info().eval;
    let mut args = [0.0; MAX_ARITY];
    let out = frame.write::<T>(out, count);
    let ins: [&[T]; MAX_ARITY] =
        std::array::from_fn(|at| ins.get(at).map_or(&[][..], |&slot| frame.read::<T>(slot, count)));
    for (at, out) in out.iter_mut().enumerate() {
        for (arg, values) in args.iter_mut().zip(&ins) {
            *arg = values.get(at).map_or(0.0, |value| value.to_f64());
        }
        *out = T::from_f64(function(&args[..op.info().arity]));
    }
}

fn copy<T: Real>(frame: Frame, step: &Copy) {
    let count = step.dims.iter().fold(1usize, |count, dim| count * dim.0.at(frame.rows));
    let source = frame.word(frame::slot_word(step.source)) as *const T;
    let computed: Vec<(&[T], usize, usize)> = step
        .computed
        .iter()
        .map(|&(slot, size, stride)| (frame.read::<T>(slot, count), size.at(frame.rows), stride.at(frame.rows)))
        .collect();
    let out = frame.write::<T>(step.out, count);
    Copier { source, computed: &computed, rows: frame.rows, out, next: 0 }.dims(&step.dims, 0);
}

struct Copier<'a, T> {
    source: *const T,
    computed: &'a [(&'a [T], usize, usize)],
    rows: usize,
    out: &'a mut [T],
    next: usize,
}

#[allow(clippy::indexing_slicing)] // Proven: `next` counts the elements of the destination, at most its length.
impl<T: Real> Copier<'_, T> {
    fn dims(&mut self, dims: &[(Extent, Vec<Extent>)], offset: usize) {
        let Some(((extent, strides), inner)) = dims.split_first() else {
            self.run(offset, 1, 0);
            return;
        };
        let count = extent.at(self.rows);
        let stride = strides.iter().map(|stride| stride.at(self.rows)).sum();
        if inner.is_empty() {
            self.run(offset, count, stride);
            return;
        }
        for at in 0..count {
            self.dims(inner, offset + at * stride);
        }
    }

    /// One innermost run.
    fn run(&mut self, offset: usize, count: usize, stride: usize) {
        let from = self.next;
        self.next += count;
        if !self.computed.is_empty() {
            for at in 0..count {
                let element = from + at;
                let offset = self.computed.iter().fold(offset + at * stride, |offset, (index, size, stride)| {
                    offset + clamped(index[element], *size) * stride
                });
                // SAFETY: subscripts are within their axes or clamped to them.
                self.out[element] = unsafe { *self.source.add(offset) };
            }
            return;
        }
        let out = &mut self.out[from..from + count];
        // SAFETY: the destination's dimensions times the source's strides stay inside the source.
        unsafe {
            match stride {
                0 if count > 0 => out.fill(*self.source.add(offset)),
                1 => std::ptr::copy_nonoverlapping(self.source.add(offset), out.as_mut_ptr(), count),
                _ => {
                    for (at, out) in out.iter_mut().enumerate() {
                        *out = *self.source.add(offset + at * stride);
                    }
                }
            }
        }
    }
}

/// A computed subscript as an index inside its axis; NaN is 0.
fn clamped<T: Real>(index: T, size: usize) -> usize {
    (index.to_f64() as usize).min(size.saturating_sub(1))
}

#[allow(clippy::indexing_slicing)] // Proven: `out` has one element a block of `size · inner` of `body`.
fn reduce<T: Real>(op: ReduceOp, out: &mut [T], body: &[T], cond: Option<&[T]>, size: usize, inner: usize) {
    if size == 0 {
        out.fill(T::from_f64(op.identity()));
        return;
    }
    let block = size * inner;
    if inner == 1 && cond.is_none() {
        for (out, body) in out.iter_mut().zip(body.chunks_exact(block)) {
            *out = reduce_run(op, body);
        }
        return;
    }
    if op == ReduceOp::Sum {
        for (out, body) in out.chunks_exact_mut(inner).zip(body.chunks_exact(block)) {
            out.fill(T::ZERO);
            for row in body.chunks_exact(inner) {
                out.iter_mut().zip(row).for_each(|(sum, &x)| *sum = sum.plus(x));
            }
        }
        return;
    }
    for (at, out) in out.iter_mut().enumerate() {
        let start = at / inner * block + at % inner;
        let mut values =
            (0..size).map(|k| start + k * inner).map(|at| (body[at], cond.is_none_or(|cond| cond[at] != T::ZERO)));
        *out = reduce_values(op, &mut values);
    }
}

/// A reduction of contiguous values.
fn reduce_run<T: Real>(op: ReduceOp, body: &[T]) -> T {
    match op {
        ReduceOp::Sum => total(body),
        ReduceOp::Norm => {
            let squares = sum_of_squares(body);
            let (low, high) = T::SAFE_SQUARES;
            if squares > low && squares < high {
                return squares.root();
            }
            reduce_values(op, &mut body.iter().map(|&x| (x, true)))
        }
        _ => reduce_values(op, &mut body.iter().map(|&x| (x, true))),
    }
}

/// Any reduction, value by value; those whose condition is false are left out.
fn reduce_values<T: Real>(op: ReduceOp, values: &mut (impl Iterator<Item = (T, bool)> + Clone)) -> T {
    let kept = values.clone().filter(|value| value.1).map(|value| value.0);
    match op {
        ReduceOp::Sum => kept.fold(T::ZERO, T::plus),
        ReduceOp::Prod => kept.fold(T::ONE, T::times),
        ReduceOp::Max => kept.fold(T::from_f64(op.identity()), |a, b| if a >= b || is_nan(a) { a } else { b }),
        ReduceOp::Min => kept.fold(T::from_f64(op.identity()), |a, b| if a <= b || is_nan(a) { a } else { b }),
        ReduceOp::Norm => T::from_f64(norm(kept.map(T::to_f64))),
        ReduceOp::LogSumExp => {
            let max =
                kept.clone().fold(f64::NEG_INFINITY, |a, b| if a >= b.to_f64() || a.is_nan() { a } else { b.to_f64() });
            let shift = if max.is_infinite() { 0.0 } else { max };
            T::from_f64(shift + kept.map(|x| (x.to_f64() - shift).exp()).sum::<f64>().ln())
        }
        ReduceOp::ArgMax => best(values, |x, best| x > best),
        ReduceOp::ArgMin => best(values, |x, best| x < best),
    }
}

/// √Σx² without overflow or underflow on the way.
fn norm(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let scale = values.clone().fold(0.0f64, |a, b| if a >= b.abs() || a.is_nan() { a } else { b.abs() });
    if scale == 0.0 || !scale.is_finite() {
        return scale;
    }
    let squares: f64 = values.map(|x| (x / scale) * (x / scale)).sum();
    scale * squares.sqrt()
}

/// The lowest index of the best value, of the first NaN when there is one; −1 when every one is left out.
fn best<T: Real>(values: &mut impl Iterator<Item = (T, bool)>, better: impl Fn(T, T) -> bool) -> T {
    let mut best: Option<(usize, T)> = None;
    for (at, (value, kept)) in values.enumerate() {
        let replaces = |so_far: T| better(value, so_far) || (is_nan(value) && !is_nan(so_far));
        if kept && best.is_none_or(|(_, so_far)| replaces(so_far)) {
            best = Some((at, value));
        }
    }
    T::from_f64(best.map_or(-1.0, |(at, _)| at as f64))
}

#[allow(clippy::eq_op)] // NaN is the only value that differs from itself.
fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

/// A loop compiled for each instruction set; no contraction, so that all give the same bits.
macro_rules! by_level {
    ($(#[$doc:meta])* $name:ident, $body:expr) => {
        $(#[$doc])*
        fn $name<T: Real>(values: &[T]) -> T {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
                fn avx512<T: Real>(values: &[T]) -> T {
                    sum_of(values, $body)
                }
                #[target_feature(enable = "avx2")]
                fn avx2<T: Real>(values: &[T]) -> T {
                    sum_of(values, $body)
                }
                match level() {
                    // SAFETY: the machine has the instructions.
                    Level::Avx512 => return unsafe { avx512(values) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2(values) },
                    Level::Baseline => {}
                }
            }
            sum_of(values, $body)
        }
    };
}

by_level!(
    /// Σ x
    total, |x: T| x
);
by_level!(
    /// Σ x²
    sum_of_squares, |x: T| x.times(x)
);

/// Σ f(x) with [`LANES`] partial sums, added in pairs.
#[allow(clippy::indexing_slicing)] // Proven: halves of an array.
#[inline(always)]
fn sum_of<T: Real>(values: &[T], f: impl Fn(T) -> T + std::marker::Copy) -> T {
    let mut lanes = [T::ZERO; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, &x)| *lane = lane.plus(f(x)));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane = lane.plus(f(x)));
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = lanes[lane].plus(lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Adds the rows of a tile to their sums.
fn row_sum<T: Real>(sums: &mut [f64], body: &[T]) {
    match sums {
        [] => {}
        [sum] => *sum += total(body).to_f64(),
        _ => {
            for row in body.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
            }
        }
    }
}

fn term_sum<T: Real>(frame: Frame, body: SlotId, sum: usize) {
    let body = frame.read::<T>(body, frame.rows);
    let sums = frame.sums(sum, 1);
    let tile = match frame.word(frame::SEED) {
        0 => total(body).to_f64(),
        seed => {
            // SAFETY: a weight a row of this tile.
            let seed = unsafe { slice::<T>(seed, frame.rows) };
            // A row of weight 0 does not count, whatever its loss.
            let weighted = body.iter().zip(seed).filter(|(_, weight)| **weight != T::ZERO);
            weighted.map(|(loss, weight)| loss.to_f64() * weight.to_f64()).sum()
        }
    };
    sums.iter_mut().for_each(|sum| *sum += tile);
}
