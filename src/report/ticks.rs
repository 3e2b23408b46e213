//! Where an axis has its ticks, and what stands there. Pure arithmetic and text.

/// Round numbers for the ticks of a logarithmic axis: powers of ten over many decades, 1–2–5 over few, evenly spaced
/// numbers within less than half a decade.
pub(super) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    if decades < 0.5 {
        let rough = (high - low) / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|m| m * power).into_iter().find(|s| *s >= rough).unwrap_or(10.0 * power);
        return (0..12).map(|i| ((low / step).ceil() + f64::from(i)) * step).filter(|t| *t <= high).collect();
    }
    let (mantissas, stride): (&[f64], usize) = match decades {
        d if d < 1.0 => (&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], 1),
        d if d < 3.0 => (&[1.0, 2.0, 5.0], 1),
        d => (&[1.0], (d / 8.0).ceil() as usize),
    };
    let powers = (low.log10().floor() as i32..=high.log10().ceil() as i32).step_by(stride);
    powers.flat_map(|p| mantissas.iter().map(move |m| m * 10f64.powi(p))).filter(|t| *t >= low && *t <= high).collect()
}

/// A number at a tick: short, without the noise of binary fractions.
pub(super) fn tick(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e5).contains(&size) {
        let text = format!("{value:.2e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!("{mantissa}e{exponent}").replace('-', "−");
    }
    let decimals = if size >= 100.0 { 1 } else { 5 };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(log_ticks(0.9, 130.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(log_ticks(1.0, 2.0), [1.0, 1.5, 2.0]);
        assert_eq!(log_ticks(0.05, 2e5), [0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0]);
        for (value, text) in
            [(0.0, "0"), (-0.25, "−0.25"), (0.1 + 0.2, "0.3"), (2e5, "2e5"), (1.5e-7, "1.5e−7"), (1234.5, "1234.5")]
        {
            assert_eq!(tick(value), text);
        }
    }
}
