//! One picture as the network sees it: cropped and normalised, in training also turned, scaled, shifted and lit at random.
//!
//! Every random picture has a stream of its own, named by seed, epoch and place in the epoch: batches may be made in any
//! order, on any number of threads.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::error::{DataError, DataErrors};
use super::images::ImageSet;
use super::options::{Augment, PixelNormalize};
use super::random::{Purpose, stream};

/// Shift and scale of pixels, fitted on the training pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PixelFit {
    /// Mean of the pixels.
    pub mean: f64,
    /// Their standard deviation; 1 where they are all the same.
    pub scale: f64,
    /// Each picture is normalised by its own mean and deviation instead.
    pub each: bool,
}

impl PixelFit {
    /// Fits over all pixels of the training pictures, before any change to them.
    #[must_use]
    pub fn fit(set: &ImageSet, train: &[usize], how: PixelNormalize) -> Self {
        match how {
            PixelNormalize::None => Self { mean: 0.0, scale: 1.0, each: false },
            PixelNormalize::Each => Self { mean: 0.0, scale: 1.0, each: true },
            PixelNormalize::Train => {
                let pixels = || train.iter().flat_map(|&index| set.image(index)).map(|&pixel| f64::from(pixel));
                let (mean, scale) = moments(pixels);
                Self { mean, scale, each: false }
            }
        }
    }

    fn apply(&self, pixels: &mut [f32]) {
        let (mean, scale) =
            if self.each { moments(|| pixels.iter().map(|&pixel| f64::from(pixel))) } else { (self.mean, self.scale) };
        for pixel in pixels {
            *pixel = ((f64::from(*pixel) - mean) / scale) as f32;
        }
    }
}

/// Mean and standard deviation (divided by n); a deviation of nothing counts as 1.
fn moments<I: Iterator<Item = f64>>(values: impl Fn() -> I) -> (f64, f64) {
    let count = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / count;
    let sd = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if sd > 1e-12 { sd } else { 1.0 })
}

/// Makes pictures for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    augment: Augment,
    fit: PixelFit,
    /// Rows of pixels of a finished picture.
    pub height: usize,
    /// Columns of pixels of a finished picture.
    pub width: usize,
}

impl View {
    /// Checks the ranges against the size of the pictures.
    ///
    /// # Errors
    /// Ranges that are empty, not positive or not finite; a crop larger than the pictures.
    pub fn new(set: &ImageSet, augment: Option<&Augment>, fit: PixelFit) -> Result<Self, DataErrors> {
        let augment = augment.cloned().unwrap_or_default();
        let mut errors = Vec::new();
        for (name, range) in [("scale", augment.scale), ("exposure", augment.exposure), ("contrast", augment.contrast)]
        {
            if range.is_some_and(|(low, high)| !(low > 0.0 && low <= high && high.is_finite())) {
                errors.push(DataError::option(
                    format!("augment: {name}"),
                    "needs two positive factors, the smaller first",
                ));
            }
        }
        let amounts = [
            ("rotate", augment.rotate),
            ("shift", augment.shift),
            ("brightness", augment.brightness),
            ("noise", augment.noise),
        ];
        for (name, amount) in amounts {
            if !(amount >= 0.0 && amount.is_finite()) {
                errors.push(DataError::option(format!("augment: {name}"), "must be 0 or more"));
            }
        }
        if augment.crop.is_some_and(|side| side == 0 || side > set.height || side > set.width) {
            let reason = format!("does not fit into pictures of {}×{}", set.width, set.height);
            errors.push(DataError::option("augment: crop", reason));
        }
        DataErrors::check(errors)?;
        let (height, width) = augment.crop.map_or((set.height, set.width), |side| (side, side));
        Ok(Self { augment, fit, height, width })
    }

    /// The picture without random changes: its centre, normalised. Height × width × channels.
    #[must_use]
    pub fn plain(&self, set: &ImageSet, index: usize) -> Vec<f32> {
        let (top, left) = ((set.height - self.height) / 2, (set.width - self.width) / 2);
        let image = set.image(index);
        let mut out = Vec::with_capacity(self.height * self.width * set.channels);
        for row in top..top + self.height {
            let start = (row * set.width + left) * set.channels;
            out.extend_from_slice(image.get(start..start + self.width * set.channels).unwrap_or(&[]));
        }
        self.fit.apply(&mut out);
        out
    }

    /// The picture with the random changes of its place in an epoch (places below 2³², epochs below 2²⁴).
    #[must_use]
    pub fn varied(&self, set: &ImageSet, index: usize, seed: u64, epoch: u64, place: u64) -> Vec<f32> {
        let mut random = stream(seed, Purpose::Augment, (epoch << 32) | (place & 0xffff_ffff));
        let draw = Draw::new(&self.augment, &mut random);
        let mut out = self.warp(set, index, &draw);
        let mean = out.iter().sum::<f32>() / out.len().max(1) as f32;
        for pixel in &mut out {
            let lit = ((*pixel - mean) * draw.contrast + mean) * draw.exposure + draw.brightness;
            let noise = if self.augment.noise > 0.0 { normal(&mut random) * self.augment.noise as f32 } else { 0.0 };
            *pixel = (lit + noise).clamp(0.0, 1.0);
        }
        self.fit.apply(&mut out);
        out
    }

    /// Turns, scales, shifts and mirrors about the centre; between pixels the value is bilinear, beyond the edge it is the
    /// edge's.
    fn warp(&self, set: &ImageSet, index: usize, draw: &Draw) -> Vec<f32> {
        let image = set.image(index);
        let (sin, cos) = draw.angle.sin_cos();
        let centre = |size: usize| (size as f32 - 1.0) / 2.0;
        let mut out = Vec::with_capacity(self.height * self.width * set.channels);
        for row in 0..self.height {
            for column in 0..self.width {
                let (mut x, y) = (column as f32 - centre(self.width), row as f32 - centre(self.height));
                if draw.mirror {
                    x = -x;
                }
                let (x, y) = (x - draw.shift.0, y - draw.shift.1);
                let (x, y) = ((cos * x + sin * y) / draw.scale, (cos * y - sin * x) / draw.scale);
                let (x, y) = (x + centre(set.width), y + centre(set.height));
                for channel in 0..set.channels {
                    out.push(bilinear(image, (set.height, set.width, set.channels), x, y, channel));
                }
            }
        }
        out
    }
}

/// Value at (x, y) in pixels, edges continued.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bilinear(image: &[f32], (height, width, channels): (usize, usize, usize), x: f32, y: f32, channel: usize) -> f32 {
    let x = x.clamp(0.0, width.saturating_sub(1) as f32);
    let y = y.clamp(0.0, height.saturating_sub(1) as f32);
    let (left, top) = (x.floor() as usize, y.floor() as usize);
    let (right, below) = ((left + 1).min(width.saturating_sub(1)), (top + 1).min(height.saturating_sub(1)));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |row: usize, column: usize| image.get((row * width + column) * channels + channel).copied().unwrap_or(0.0);
    let above = at(top, left) * (1.0 - fx) + at(top, right) * fx;
    let under = at(below, left) * (1.0 - fx) + at(below, right) * fx;
    above * (1.0 - fy) + under * fy
}

/// One draw of all the changes. Every number is drawn whether used or not, so that one option does not change another's.
struct Draw {
    angle: f32,
    scale: f32,
    shift: (f32, f32),
    mirror: bool,
    exposure: f32,
    contrast: f32,
    brightness: f32,
}

impl Draw {
    fn new(augment: &Augment, random: &mut impl Rng) -> Self {
        let mut between = |low: f64, high: f64| (low + (high - low) * random.random::<f64>()) as f32;
        let either = |amount: f64| (-amount, amount);
        let factor = |range: Option<(f64, f64)>| range.unwrap_or((1.0, 1.0));
        let (low, high) = either(augment.rotate.to_radians());
        let angle = between(low, high);
        let (low, high) = factor(augment.scale);
        let scale = between(low, high);
        let (low, high) = either(augment.shift);
        let shift = (between(low, high), between(low, high));
        let mirror = between(0.0, 1.0) < 0.5 && augment.mirror;
        let (low, high) = factor(augment.exposure);
        let exposure = between(low, high);
        let (low, high) = factor(augment.contrast);
        let contrast = between(low, high);
        let (low, high) = either(augment.brightness);
        let brightness = between(low, high);
        Self { angle, scale, shift, mirror, exposure, contrast, brightness }
    }
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut impl Rng) -> f32 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}
