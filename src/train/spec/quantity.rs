//! Numbers with a unit: `50 ms`, `60 Hz`.

/// Names of units and how many of the base unit each is.
pub type Units = &'static [(&'static str, f64)];

/// Lengths of time in seconds.
pub const TIME: Units =
    &[("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("h", 3600.0)];
/// Frequencies in Hz.
pub const FREQUENCY: Units = &[("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6)];

/// What is wrong with a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It does not start with a finite number.
    NoNumber,
    /// Nothing follows the number.
    NoUnit,
    /// What follows is none of the units.
    UnknownUnit(String),
}

/// `text` in the base unit of `units`.
///
/// # Errors
/// See [`Fault`].
pub fn parse(text: &str, units: Units) -> Result<f64, Fault> {
    let text = text.trim();
    // A unit never starts with a digit, dot, sign, or `e` before a digit.
    let split = text
        .char_indices()
        .find(|&(at, c)| {
            let exponent = matches!(c, 'e' | 'E')
                && text.get(at + 1..).is_some_and(|rest| rest.starts_with(|n: char| n.is_ascii_digit() || n == '-'));
            !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-') || exponent)
        })
        .map_or(text.len(), |(at, _)| at);
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| Fault::NoNumber)?;
    if !number.is_finite() {
        return Err(Fault::NoNumber);
    }
    let unit = unit.trim();
    if unit.is_empty() {
        return Err(Fault::NoUnit);
    }
    match units.iter().find(|(name, _)| *name == unit) {
        // Dividing by the exact inverse rounds once: 50 ms is 50 / 1000 = 0.05, the nearest double.
        Some((_, factor)) if *factor < 1.0 => Ok(number / (1.0 / factor).round()),
        Some((_, factor)) => Ok(number * factor),
        None => Err(Fault::UnknownUnit(unit.to_owned())),
    }
}

/// `x` as a whole number when it is one (`1e6` is).
pub fn whole(x: f64) -> Option<i128> {
    #[allow(clippy::cast_possible_truncation)]
    (x.fract() == 0.0 && x.abs() < 9e15).then_some(x as i128)
}
