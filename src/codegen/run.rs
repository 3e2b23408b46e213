//! Running a compiled schedule over a batch: memory, tiles, chunks, threads, and the sums over rows.
//!
//! Rows are cut into *chunks* whose size depends on the schedule and the number of rows only. Each chunk sums its rows in
//! f64 and the chunks' sums are added in pairs in chunk order, so the bits do not depend on the number of threads.
#![allow(unsafe_code)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::EvalError;
use super::frame;
use super::layout::Extent;
use super::native::Native;
use super::real::Real;
use super::schedule::{Place, Schedule, Term};
use super::stream;
use crate::ir::program::{Bindings, Outputs};

/// Most bytes of intermediate values an evaluation may take.
pub(super) const MEMORY_BOUND: usize = 4 << 30;
/// Rows a chunk when rows are narrow.
const CHUNK_ROWS: usize = 4096;
/// Elements a chunk when rows are wide.
const CHUNK_ELEMENTS: usize = 65_536;
/// Most partial sums kept.
const PARTIAL_SUMS: usize = 1 << 22;
/// Elements below which more threads cost more than they give.
const PARALLEL_ELEMENTS: usize = 32_768;

/// Cache-line aligned memory.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u64; 8]);

/// Memory for the regions of one phase.
#[derive(Debug, Default)]
struct Workspace {
    lines: Vec<Line>,
    offsets: Vec<usize>,
}

impl Workspace {
    /// Makes room for these regions.
    fn fit<T>(&mut self, regions: impl Iterator<Item = Extent>, rows: usize) {
        self.offsets.clear();
        let mut lines = 0;
        for region in regions {
            self.offsets.push(lines * size_of::<Line>());
            lines += bytes::<T>(region, rows).div_ceil(size_of::<Line>());
        }
        if self.lines.len() < lines {
            self.lines.resize(lines, Line::default());
        }
    }

    fn address(&mut self, region: usize) -> usize {
        self.lines.as_mut_ptr() as usize + self.offsets.get(region).copied().unwrap_or(0)
    }
}

fn bytes<T>(region: Extent, rows: usize) -> usize {
    region.at(rows).saturating_mul(size_of::<T>())
}

/// Workspaces of earlier calls, to be used again.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Workspace>>);

impl Spare {
    fn take(&self) -> Workspace {
        self.0.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default()
    }

    fn put(&self, workspace: Workspace) {
        if let Ok(mut spare) = self.0.lock() {
            spare.push(workspace);
        }
    }
}

/// A gradient too large for the caches: tiles of it are made in the workspace and streamed to the caller's array.
struct Streamed {
    /// The word of its slot.
    word: usize,
    /// Address of the caller's array.
    target: usize,
    /// What a row has of it.
    row: Extent,
}

/// One evaluation under way.
struct Call<'a, T> {
    native: &'a Native,
    spare: &'a Spare,
    rows: usize,
    tile_rows: usize,
    chunk_rows: usize,
    /// The frame but for what belongs to a tile, a chunk or a thread.
    frame: Vec<usize>,
    streamed: Vec<Streamed>,
    /// Address of the row weights; 0 when all rows weigh the same.
    seed: usize,
    /// Address of the weight of every row.
    weight: usize,
    sums: usize,
    per_row: usize,
    next_chunk: AtomicUsize,
    element: std::marker::PhantomData<T>,
}

/// Evaluates; lengths have been checked. `weight` is that of every row, for kernels made for equal weights.
pub(super) fn run<T: Real>(
    native: &Native,
    spare: &Spare,
    bindings: &Bindings<'_, T>,
    weight: Option<f64>,
    per_row: bool,
    threads: usize,
    out: &mut Outputs<T>,
) -> Result<(), EvalError> {
    let schedule = &*native.schedule;
    let rows = bindings.rows;
    let tile_rows = schedule.tile_rows.unwrap_or(rows).min(rows);
    let per_row = per_row && schedule.per_row.is_some();
    out.per_row.resize(if per_row { rows } else { 0 }, T::ZERO);
    let chunk_rows = if schedule.tile_rows.is_some() { chunk_rows(schedule, tile_rows, rows) } else { rows };
    let chunks = rows.div_ceil(chunk_rows);
    check_memory::<T>(schedule, tile_rows, threads.min(chunks))?;
    let mut sums = vec![0.0f64; chunks * schedule.sums];
    let element_weight = T::from_f64(weight.unwrap_or(f64::NAN));
    let mut held = spare.take();
    held.fit::<T>(schedule.held.iter().copied(), tile_rows);
    let mut call = Call::<T> {
        native,
        spare,
        rows,
        tile_rows,
        chunk_rows,
        frame: Vec::new(),
        streamed: Vec::new(),
        seed: if weight.is_some() { 0 } else { bindings.seed.as_ptr() as usize },
        weight: std::ptr::from_ref(&element_weight) as usize,
        sums: sums.as_mut_ptr() as usize,
        per_row: if per_row { out.per_row.as_mut_ptr() as usize } else { 0 },
        next_chunk: AtomicUsize::new(0),
        element: std::marker::PhantomData,
    };
    call.frame = call.base_frame(bindings, &mut held, out);
    call.streamed = call.streamed();
    // SAFETY: the frame has every address that `once` and `after` use: inputs, gradients and held regions.
    unsafe { native.once(&call.frame) };
    call.tiles(chunks, threads);
    pairwise(&mut sums, schedule.sums, chunks);
    call.set(frame::SUMS, sums.as_ptr() as usize);
    // SAFETY: as for `once`; the sums of all chunks are in the first chunk's.
    unsafe { native.after(&call.frame) };
    call.read_terms(schedule, &sums, weight.unwrap_or(1.0), out);
    spare.put(held);
    Ok(())
}

fn check_memory<T>(schedule: &Schedule, tile_rows: usize, threads: usize) -> Result<(), EvalError> {
    let size = |regions: &[Extent]| {
        regions.iter().fold(0usize, |sum, &region| sum.saturating_add(bytes::<T>(region, tile_rows)))
    };
    let needed = size(&schedule.held).saturating_add(size(&schedule.temp).saturating_mul(threads));
    let needed = needed.saturating_add(schedule.sums.saturating_mul(size_of::<f64>()));
    if needed > MEMORY_BOUND { Err(EvalError::Memory { needed, bound: MEMORY_BOUND }) } else { Ok(()) }
}

/// Rows a chunk: whole tiles; fewer when rows are wide, more when many sums over many chunks would be kept.
fn chunk_rows(schedule: &Schedule, tile_rows: usize, rows: usize) -> usize {
    let tile_elements = schedule.width.saturating_mul(tile_rows).max(1);
    let tiles = (CHUNK_ELEMENTS / tile_elements).clamp(1, (CHUNK_ROWS / tile_rows).max(1));
    let fewest = rows.saturating_mul(schedule.sums).div_ceil(PARTIAL_SUMS).div_ceil(tile_rows);
    tiles.max(fewest) * tile_rows
}

/// Adds the chunks' sums in pairs; the first chunk's hold the total.
#[allow(clippy::indexing_slicing)] // Proven: `step + at < chunks`, each chunk has `width` sums.
fn pairwise(sums: &mut [f64], width: usize, chunks: usize) {
    let mut step = 1;
    while step < chunks {
        for at in (0..chunks - step).step_by(2 * step) {
            for sum in 0..width {
                sums[at * width + sum] += sums[(at + step) * width + sum];
            }
        }
        step *= 2;
    }
}

impl<T: Real> Call<'_, T> {
    fn set(&mut self, word: usize, value: usize) {
        if let Some(entry) = self.frame.get_mut(word) {
            *entry = value;
        }
    }

    fn base_frame(&self, bindings: &Bindings<'_, T>, held: &mut Workspace, out: &mut Outputs<T>) -> Vec<usize> {
        let mut words = vec![0; frame::HEADER];
        for (word, value) in [
            (frame::TILE_ROWS, self.tile_rows),
            (frame::ROWS, self.rows),
            (frame::SEED, self.seed),
            (frame::SUMS, self.sums),
        ] {
            if let Some(entry) = words.get_mut(word) {
                *entry = value;
            }
        }
        words.extend(self.native.schedule.slots.iter().map(|slot| match slot.place {
            Place::Input(input) => bindings.inputs.get(input.index()).map_or(0, |values| values.as_ptr() as usize),
            Place::Seed if slot.row_stride == 0 => self.weight,
            Place::Seed => self.seed,
            Place::Gradient(position) => {
                out.gradients.get_mut(position).map_or(0, |values| values.as_mut_ptr() as usize)
            }
            Place::Held(region) => held.address(region),
            Place::Temp(_) => 0,
        }));
        words
    }

    /// The gradients that advance with the tiles, when together they are too large for the caches.
    fn streamed(&self) -> Vec<Streamed> {
        let slots = self.native.schedule.slots.iter().zip(self.frame.iter().enumerate().skip(frame::HEADER));
        let streamed: Vec<Streamed> = slots
            .filter(|(slot, _)| matches!(slot.place, Place::Gradient(_)) && slot.row_stride > 0)
            .map(|(slot, (word, &target))| Streamed { word, target, row: Extent { fixed: slot.row_stride, rows: 1 } })
            .collect();
        let bytes = streamed.iter().fold(0usize, |sum, of| sum.saturating_add(bytes::<T>(of.row, self.rows)));
        if stream::pays(bytes) { streamed } else { Vec::new() }
    }

    /// All chunks, on this thread or several.
    fn tiles(&self, chunks: usize, threads: usize) {
        let elements = self.rows.saturating_mul(self.native.schedule.width);
        let workers = if elements < PARALLEL_ELEMENTS { 1 } else { threads.min(chunks) };
        if workers <= 1 {
            self.work(chunks);
            return;
        }
        rayon::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| self.work(chunks));
            }
        });
    }

    /// Claims chunks until none is left.
    fn work(&self, chunks: usize) {
        let mut workspace = self.spare.take();
        let temp = &self.native.schedule.temp;
        workspace.fit::<T>(temp.iter().copied().chain(self.streamed.iter().map(|of| of.row)), self.tile_rows);
        let staged: Vec<usize> = (temp.len()..).take(self.streamed.len()).map(|at| workspace.address(at)).collect();
        let mut words = self.frame.clone();
        for (word, slot) in words.iter_mut().skip(frame::HEADER).zip(&self.native.schedule.slots) {
            if let Place::Temp(region) = slot.place {
                *word = workspace.address(region);
            }
        }
        loop {
            let chunk = self.next_chunk.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                break;
            }
            self.chunk(chunk, &mut words, &staged);
        }
        stream::fence();
        self.spare.put(workspace);
    }

    /// The tiles of a chunk; `staged` are the addresses at which this thread makes what is streamed.
    fn chunk(&self, chunk: usize, words: &mut [usize], staged: &[usize]) {
        let sums = self.sums + chunk * self.native.schedule.sums * size_of::<f64>();
        let end = ((chunk + 1) * self.chunk_rows).min(self.rows);
        let mut first = chunk * self.chunk_rows;
        while first < end {
            let rows = self.tile_rows.min(end - first);
            self.advance(words, first, rows, sums);
            for (of, &stage) in self.streamed.iter().zip(staged) {
                if let Some(word) = words.get_mut(of.word) {
                    *word = stage;
                }
            }
            // SAFETY: every slot has the address of its rows of this tile: inputs and gradients were checked to hold all
            // rows, regions fit a tile, and no other thread has this chunk.
            unsafe { self.native.tile(words) };
            for (of, &stage) in self.streamed.iter().zip(staged) {
                let target = of.target + bytes::<T>(of.row, first);
                // SAFETY: the stage holds the tile's rows, the target all rows, and they are different memory.
                unsafe { stream::copy(stage as *const u8, target as *mut u8, bytes::<T>(of.row, rows)) };
            }
            self.copy_per_row(words, first, rows);
            first += rows;
        }
    }

    /// Points the frame at a tile.
    fn advance(&self, words: &mut [usize], first: usize, rows: usize, sums: usize) {
        let (header, slots) = words.split_at_mut(frame::HEADER.min(words.len()));
        if let [tile_rows, first_row, _, seed, chunk_sums, ..] = header {
            *tile_rows = rows;
            *first_row = first;
            *seed = if self.seed == 0 { 0 } else { self.seed + first * size_of::<T>() };
            *chunk_sums = sums;
        }
        let base = self.frame.get(frame::HEADER..).unwrap_or_default();
        for ((word, &base), slot) in slots.iter_mut().zip(base).zip(&self.native.schedule.slots) {
            if slot.row_stride > 0 {
                *word = base + first * slot.row_stride * size_of::<T>();
            }
        }
    }

    fn copy_per_row(&self, words: &[usize], first: usize, rows: usize) {
        let Some(slot) = self.native.schedule.per_row.filter(|_| self.per_row != 0) else { return };
        let Some(&source) = words.get(frame::slot_word(slot)) else { return };
        let target = self.per_row + first * size_of::<T>();
        // SAFETY: the slot holds the tile's row losses, the target has room for all rows, and they are different memory.
        unsafe { std::ptr::copy_nonoverlapping(source as *const T, target as *mut T, rows) };
    }

    fn read_terms(&self, schedule: &Schedule, sums: &[f64], scale: f64, out: &mut Outputs<T>) {
        out.terms.clear();
        out.terms.extend(schedule.terms.iter().map(|term| match *term {
            Term::Sum(sum) => sums.get(sum).copied().unwrap_or(f64::NAN) * scale,
            Term::Scalar(slot) => {
                let address = self.frame.get(frame::slot_word(slot)).copied().unwrap_or(0);
                if address == 0 {
                    return f64::NAN;
                }
                // SAFETY: a scalar's slot: one element in an input or in a region that outlives this call.
                unsafe { (*(address as *const T)).to_f64() }
            }
        }));
    }
}
