//! Convolution with bias and activation as one op, by im2col and one matrix product an image; and
//! max pooling.
//!
//! The columns of an image fit in the cache and are made again for the backward pass, which costs
//! less than keeping those of a whole batch.

// Proven: all offsets are bounded by the geometry, which `layers::infer` has checked.
#![allow(clippy::indexing_slicing)]

use std::sync::Arc;

use super::layers::Activation;
use super::math::{self, Bias};
use super::matmul::{Matrix, matmul};
use super::tape::{Pass, Value};

/// A square window that slides over images of channels × height × width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Windows {
    fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.size) / self.stride + 1
    }

    fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.size) / self.stride + 1
    }

    /// Numbers an image.
    fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Pixels of one output channel.
    fn pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Numbers under one window.
    fn depth(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// The output columns whose pixel `kx` of the window lies inside the picture.
    fn inside(&self, offset: usize, extent: usize, outputs: usize) -> std::ops::Range<usize> {
        let first = self.padding.saturating_sub(offset).div_ceil(self.stride);
        // The last output o has o·stride + offset − padding ≤ extent − 1.
        let end = match (extent + self.padding).checked_sub(offset + 1) {
            Some(room) => room / self.stride + 1,
            None => 0,
        };
        first.min(outputs)..end.min(outputs).max(first.min(outputs))
    }

    /// Calls `f` with (row of the column matrix, output row, output columns, index in the image of
    /// the first of them) for every run of pixels inside the picture.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(usize, usize, std::ops::Range<usize>, usize)) {
        let (rows, columns) = (self.out_height(), self.out_width());
        for c in 0..self.channels {
            for ky in 0..self.size {
                for kx in 0..self.size {
                    let depth = (c * self.size + ky) * self.size + kx;
                    let across = self.inside(kx, self.width, columns);
                    if across.is_empty() {
                        continue;
                    }
                    let x = across.start * self.stride + kx - self.padding;
                    for oy in self.inside(ky, self.height, rows) {
                        let y = oy * self.stride + ky - self.padding;
                        f(depth, oy, across.clone(), (c * self.height + y) * self.width + x);
                    }
                }
            }
        }
    }

    /// The windows of an image as columns: depth × pixels, row by row.
    fn gather(&self, image: &[f32], columns: &mut [f32]) {
        if self.padding > 0 {
            columns.fill(0.0);
        }
        let (pixels, width) = (self.pixels(), self.out_width());
        self.runs(|depth, oy, across, from| {
            let at = depth * pixels + oy * width;
            let to = &mut columns[at + across.start..at + across.end];
            if self.stride == 1 {
                to.copy_from_slice(&image[from..from + to.len()]);
            } else {
                for (t, &v) in to.iter_mut().zip(image[from..].iter().step_by(self.stride)) {
                    *t = v;
                }
            }
        });
    }

    /// Adds the gradient of the columns to that of the image.
    fn scatter(&self, columns: &[f32], image: &mut [f32]) {
        let (pixels, width) = (self.pixels(), self.out_width());
        self.runs(|depth, oy, across, to| {
            let at = depth * pixels + oy * width;
            let from = &columns[at + across.start..at + across.end];
            if self.stride == 1 {
                for (t, &v) in image[to..to + from.len()].iter_mut().zip(from) {
                    *t += v;
                }
            } else {
                for (t, &v) in image[to..].iter_mut().step_by(self.stride).zip(from) {
                    *t += v;
                }
            }
        });
    }
}

/// A convolution; `weight` ([outputs, channels, size, size]) and `bias` index the parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv {
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) windows: Windows,
    pub(super) outputs: usize,
    pub(super) activation: Option<Activation>,
}

impl Conv {
    pub(super) fn forward(&self, pass: &mut Pass<'_>, x: &Value) -> Value {
        let (weight, bias) = (pass.parameter(self.weight), pass.parameter(self.bias));
        let (windows, outputs) = (self.windows, self.outputs);
        let (pixels, depth) = (windows.pixels(), windows.depth());
        let mut y = pass.pool.buffer(pass.rows * outputs * pixels);
        let mut columns = pass.pool.buffer(depth * pixels);
        let mut kept = match self.activation {
            Some(a) if pass.tape.is_some() && math::keeps_derivative(a) => Some(pass.pool.buffer(y.len())),
            _ => None,
        };
        let filters = Matrix::new(weight.values(), outputs, depth);
        let mut slopes = kept.as_deref_mut().map(|k| k.chunks_exact_mut(outputs * pixels));
        for (image, out) in x.data.chunks_exact(windows.image()).zip(y.chunks_exact_mut(outputs * pixels)) {
            windows.gather(image, &mut columns);
            matmul(out, filters, Matrix::new(&columns, depth, pixels), false);
            let slope = slopes.as_mut().and_then(Iterator::next);
            math::forward(self.activation, out, Bias::Planes(bias.values(), pixels), slope);
        }
        drop(columns);
        let (y, layer, x) = (Arc::new(y), *self, x.clone());
        let (result, w) = (y.clone(), weight.values().clone());
        let (weight, bias) = (weight.tensor.clone(), bias.tensor.clone());
        pass.push_shared(y, move |back, dy| {
            if let Some(activation) = layer.activation {
                math::backward(activation, dy, &result, kept.as_deref());
            }
            let d_bias = back.parameter(&bias)?;
            for out in dy.chunks_exact(outputs * pixels) {
                for (d, plane) in d_bias.iter_mut().zip(out.chunks_exact(pixels)) {
                    *d += math::sum(plane);
                }
            }
            let mut columns = back.pool.buffer(depth * pixels);
            let d_weight = back.parameter(&weight)?;
            for (image, out) in x.data.chunks_exact(windows.image()).zip(dy.chunks_exact(outputs * pixels)) {
                windows.gather(image, &mut columns);
                let columns = Matrix::new(&columns, depth, pixels);
                matmul(d_weight, Matrix::new(out, outputs, pixels), columns.t(), true);
            }
            let Some(node) = &x.node else { return Ok(()) };
            back.input(node, x.data.len(), |dx, accumulate| {
                if !accumulate {
                    dx.fill(0.0);
                }
                let filters = Matrix::new(&w, outputs, depth);
                for (image, out) in dx.chunks_exact_mut(windows.image()).zip(dy.chunks_exact(outputs * pixels)) {
                    matmul(&mut columns, filters.t(), Matrix::new(out, outputs, pixels), false);
                    windows.scatter(&columns, image);
                }
            })
        })
    }
}

/// The largest value of each window of each channel. A NaN in a window is its result; of equal
/// values the first gets the gradient.
pub(super) fn max_pool(pass: &mut Pass<'_>, x: &Value, windows: Windows) -> Value {
    let planes = pass.rows * windows.channels;
    let mut y = pass.pool.buffer(planes * windows.pixels());
    let area = windows.height * windows.width;
    let data = &x.data;
    math::widest(
        #[inline(always)]
        || {
            for (plane, out) in data.chunks_exact(area).zip(y.chunks_exact_mut(windows.pixels())) {
                pool_plane(windows, plane, out);
            }
        },
    );
    let (y, x) = (Arc::new(y), x.clone());
    let largest = y.clone();
    pass.push_shared(y, move |back, dy| {
        let Some(node) = &x.node else { return Ok(()) };
        back.input(node, x.data.len(), |dx, accumulate| {
            if !accumulate {
                dx.fill(0.0);
            }
            let outs = largest.chunks_exact(windows.pixels()).zip(dy.chunks_exact(windows.pixels()));
            math::widest(
                #[inline(always)]
                || {
                    for ((plane, dx), (out, dy)) in x.data.chunks_exact(area).zip(dx.chunks_exact_mut(area)).zip(outs) {
                        unpool_plane(windows, plane, out, dy, dx);
                    }
                },
            );
        })
    })
}

#[inline(always)]
fn pool_plane(windows: Windows, plane: &[f32], out: &mut [f32]) {
    for (oy, out) in out.chunks_exact_mut(windows.out_width()).enumerate() {
        let row = |ky: usize| &plane[(oy * windows.stride + ky) * windows.width..][..windows.width];
        if (windows.size, windows.stride) == (2, 2) {
            let pairs = row(0).as_chunks::<2>().0.iter().zip(row(1).as_chunks::<2>().0);
            for (o, (a, b)) in out.iter_mut().zip(pairs) {
                *o = larger(larger(a[0], a[1]), larger(b[0], b[1]));
            }
            continue;
        }
        out.fill(f32::NEG_INFINITY);
        for ky in 0..windows.size {
            for kx in 0..windows.size {
                for (o, &v) in out.iter_mut().zip(row(ky)[kx..].iter().step_by(windows.stride)) {
                    *o = larger(*o, v);
                }
            }
        }
    }
}

/// The larger number, or NaN if either is.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    // False comparisons keep a NaN in `a`; the last clause takes one from `b`.
    if b > a || b.is_nan() { b } else { a }
}

#[inline(always)]
fn unpool_plane(windows: Windows, plane: &[f32], out: &[f32], dy: &[f32], dx: &mut [f32]) {
    let (width, across) = (windows.width, windows.out_width());
    for (oy, (out, dy)) in out.chunks_exact(across).zip(dy.chunks_exact(across)).enumerate() {
        let corner = oy * windows.stride * width;
        if (windows.size, windows.stride) == (2, 2) {
            let (top, bottom) = dx[corner..corner + 2 * width].split_at_mut(width);
            unpool_pairs(&plane[corner..], width, out, dy, top, bottom);
            continue;
        }
        for (ox, (&largest, &d)) in out.iter().zip(dy).enumerate() {
            let corner = corner + ox * windows.stride;
            let mut places = (0..windows.size).flat_map(|ky| (0..windows.size).map(move |kx| corner + ky * width + kx));
            if let Some(at) = places.find(|&at| plane[at] == largest) {
                dx[at] += d;
            }
        }
    }
}

/// One row of 2×2 windows, without branches.
#[inline(always)]
fn unpool_pairs(plane: &[f32], width: usize, out: &[f32], dy: &[f32], top: &mut [f32], bottom: &mut [f32]) {
    let (above, below) = (plane[..width].as_chunks::<2>().0, plane[width..2 * width].as_chunks::<2>().0);
    let targets = top.as_chunks_mut::<2>().0.iter_mut().zip(bottom.as_chunks_mut::<2>().0);
    for (((&largest, &d), (a, b)), (top, bottom)) in out.iter().zip(dy).zip(above.iter().zip(below)).zip(targets) {
        let first = a[0] == largest;
        let second = !first & (a[1] == largest);
        let third = !(first | second) & (b[0] == largest);
        let fourth = !(first | second | third) & (b[1] == largest);
        top[0] += if first { d } else { 0.0 };
        top[1] += if second { d } else { 0.0 };
        bottom[0] += if third { d } else { 0.0 };
        bottom[1] += if fourth { d } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(size: usize, stride: usize) -> Windows {
        Windows { channels: 1, height: 3, width: 3, size, stride, padding: 0 }
    }

    #[test]
    fn the_first_of_equal_values_gets_the_gradient() {
        let plane = [5.0, 5.0, 1.0, 5.0, 2.0, 7.0, 0.0, 0.0, 7.0];
        for (windows, out, dx) in [
            (windows(2, 2), vec![5.0], [3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            (windows(2, 1), vec![5.0, 7.0, 5.0, 7.0], [3.0, 0.0, 0.0, 3.0, 0.0, 6.0, 0.0, 0.0, 0.0]),
            (windows(3, 1), vec![7.0], [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0]),
        ] {
            let mut got = vec![0.0; out.len()];
            pool_plane(windows, &plane, &mut got);
            assert_eq!(got, out);
            let mut back = [0.0; 9];
            unpool_plane(windows, &plane, &out, &vec![3.0; out.len()], &mut back);
            assert_eq!(back, dx);
        }
    }

    #[test]
    fn a_nan_in_a_window_is_its_result() {
        for at in [0, 1, 3, 4] {
            let mut plane = [1.0; 9];
            plane[at] = f32::NAN;
            for windows in [windows(2, 2), windows(3, 1)] {
                let mut out = [0.0];
                pool_plane(windows, &plane, &mut out);
                assert!(out[0].is_nan(), "{at} {windows:?}");
            }
        }
    }
}
