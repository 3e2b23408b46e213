//! Event times counted in bins, with covariates brought from their own clock onto the bins.
//!
//! Bins start at multiples of their width (or at the start the spec gives); bin j holds the times in
//! [start + j·width, start + (j+1)·width). Without explicit ends the bins are those whose centre the covariates cover.

use super::error::{DataError, DataErrors, Violations};
use super::group::{Keys, finite, whole, words};
use super::load::Intake;
use super::options::{Clock, Covariates, Events, Resample};
use super::read::read_files;
use super::select::select;
use super::table::{Column, Segment, Table};

/// Bins as rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    /// One row a bin: the covariates, the counts, and the recording when there are several. One segment a recording.
    pub table: Table,
    /// Start of each bin in seconds.
    pub start_seconds: Vec<f64>,
    /// What was counted.
    pub events: Counted,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Width of a bin in seconds.
    pub bin_seconds: f64,
    /// Names of the units in the order of the counts' axis; empty for a single unit.
    pub units: Vec<String>,
    /// Events of each unit inside the bins.
    pub of_unit: Vec<u64>,
    /// Events inside the bins.
    pub inside: u64,
    /// Events before the first bin or after the last.
    pub outside: u64,
}

/// Reads and bins; `log` names covariates whose logarithm is taken sample by sample, before they come onto the bins.
///
/// # Errors
/// Missing columns; times that are no numbers or, of covariates, not ascending; logarithms of values that are not
/// positive; a width of bins that is not positive; recordings with events but without covariates.
pub fn bin(intake: &Intake<'_>, options: &Events, log: &[String]) -> Result<Binned, DataErrors> {
    if !(options.bin_seconds > 0.0 && options.bin_seconds.is_finite()) {
        return Err(DataError::option("bin", "the width of a bin must be positive").into());
    }
    let events = read_files(intake, &options.tables)?;
    let times = seconds(&events, &options.time, options.time_unit.per_second(), "events: time")?;
    let covariates = options
        .covariates
        .as_ref()
        .map(|covariates| Sampled::read(intake, covariates, options.within.as_ref(), log))
        .transpose()?;
    let recordings = Recordings::new(options, &events, covariates.as_ref())?;
    let units = Units::new(options, &events)?;
    let spans = spans(options, &recordings, covariates.as_ref(), &times)?;
    let total: f64 = spans.iter().map(|span| span.bins).sum::<f64>() * units.width() as f64;
    if total.is_nan() || total > intake.limits.cells as f64 {
        let reason = format!(
            "{total} counts are more than the {} that fit; use wider bins or give `start` and `end`",
            intake.limits.cells
        );
        return Err(DataError::option("bin", reason).into());
    }
    let (counts, counted) = count(options, &recordings, &units, &spans, &times);
    let mut table = empty(&recordings, &spans);
    if let Some(covariates) = &covariates {
        covariates.onto_bins(options, &recordings, &spans, &mut table);
    }
    let dims = if options.unit.is_some() { vec![units.width()] } else { Vec::new() };
    let mut column = Column::numbers(&options.name, dims, counts);
    column.parts = units.labels.iter().map(|label| format!("{}[{label}]", options.name)).collect();
    table.columns.push(column);
    if let Some(within) = &options.within {
        let label = |span: &Span| vec![recordings.labels.get(span.recording).cloned().unwrap_or_default(); span.rows()];
        table.columns.push(Column::text(within, spans.iter().flat_map(label).collect()));
    }
    let start_seconds = spans.iter().flat_map(|span| span.starts(options.bin_seconds)).collect();
    Ok(Binned { table, start_seconds, events: counted })
}

/// Times of a column in seconds.
fn seconds(table: &Table, column: &str, per_second: f64, wanted_by: &str) -> Result<Vec<f64>, DataErrors> {
    let raw = finite(table, column, wanted_by)?;
    Ok(raw.into_iter().map(|time| time / per_second).collect())
}

/// The recordings of both tables under common numbers.
struct Recordings {
    labels: Vec<String>,
    of_event: Vec<usize>,
    of_sample: Vec<usize>,
}

impl Recordings {
    fn new(options: &Events, events: &Table, covariates: Option<&Sampled>) -> Result<Self, DataErrors> {
        let Some(within) = &options.within else {
            let of_sample = vec![0; covariates.map_or(0, |sampled| sampled.table.rows)];
            return Ok(Self { labels: vec![String::new()], of_event: vec![0; events.rows], of_sample });
        };
        let of_event = words(events, within, "within")?;
        let of_sample = match covariates {
            Some(sampled) => words(&sampled.table, within, "within")?,
            None => Vec::new(),
        };
        let keys = Keys::of_words(&[of_sample.clone(), of_event.clone()].concat());
        let sampled: std::collections::HashSet<&String> = of_sample.iter().collect();
        if let Some(lost) = of_event.iter().find(|word| covariates.is_some() && !sampled.contains(word)) {
            let reason =
                format!("recording {lost} has events but no covariates; add its table or leave its events out");
            return Err(DataError::option("within", reason).into());
        }
        let (samples, events) = keys.of_row.split_at(of_sample.len());
        Ok(Self { labels: keys.labels, of_event: events.to_vec(), of_sample: samples.to_vec() })
    }
}

/// Which unit each event is of.
struct Units {
    labels: Vec<String>,
    of_event: Option<Vec<usize>>,
}

impl Units {
    fn new(options: &Events, events: &Table) -> Result<Self, DataErrors> {
        let Some(column) = &options.unit else { return Ok(Self { labels: Vec::new(), of_event: None }) };
        let Some(count) = options.units else {
            let keys = Keys::of_column(events, column, "events: unit")?;
            return Ok(Self { labels: keys.labels, of_event: Some(keys.of_row) });
        };
        let numbers = finite(events, column, "events: unit")?;
        let mut bad = Violations::new(column, format!("a unit's number, 0 to {}", count.saturating_sub(1)));
        let mut of_event = Vec::with_capacity(numbers.len());
        for (row, number) in numbers.into_iter().enumerate() {
            let outside = number < 0.0 || number >= count as f64 || number.fract() != 0.0;
            if let Some(found) = events.column(column).filter(|_| outside) {
                bad.add(|| events.violation(found, row));
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            of_event.push(number.max(0.0) as usize);
        }
        let mut errors = Vec::new();
        bad.finish(&mut errors);
        DataErrors::check(errors)?;
        Ok(Self { labels: (0..count).map(|unit| unit.to_string()).collect(), of_event: Some(of_event) })
    }

    fn width(&self) -> usize {
        if self.of_event.is_some() { self.labels.len() } else { 1 }
    }
}

/// The bins of one recording.
struct Span {
    recording: usize,
    start: f64,
    bins: f64,
}

impl Span {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn rows(&self) -> usize {
        self.bins.max(0.0) as usize
    }

    fn starts(&self, width: f64) -> impl Iterator<Item = f64> + '_ {
        (0..self.rows()).map(move |bin| self.start + bin as f64 * width)
    }

    /// The bin that a time falls into.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn bin(&self, time: f64, width: f64) -> Option<usize> {
        let bin = whole((time - self.start) / width);
        (bin >= 0.0 && bin < self.bins).then_some(bin as usize)
    }
}

/// First bin and number of bins of each recording.
fn spans(
    options: &Events,
    recordings: &Recordings,
    covariates: Option<&Sampled>,
    times: &[f64],
) -> Result<Vec<Span>, DataErrors> {
    let width = options.bin_seconds;
    let mut spans = Vec::new();
    for (recording, label) in recordings.labels.iter().enumerate() {
        let covered = covariates.and_then(|sampled| sampled.covers(recordings, recording));
        let own = times.iter().zip(&recordings.of_event).filter(|(_, of)| **of == recording);
        let last = own.map(|(time, _)| *time).fold(f64::NEG_INFINITY, f64::max);
        // Bins whose centre is covered: (j + ½)·width from the first covered moment to before the last.
        let up = |x: f64| -whole(-x);
        let start =
            options.start_seconds.unwrap_or_else(|| covered.map_or(0.0, |(from, _)| up(from / width - 0.5) * width));
        let bins = match (options.end_seconds, covered) {
            (Some(end), _) => whole((end - start) / width),
            (None, Some((_, to))) => up((to - start) / width - 0.5),
            (None, None) => whole((last - start) / width) + 1.0,
        };
        if bins.is_nan() || bins < 1.0 {
            let name = if label.is_empty() { String::new() } else { format!(" of recording {label}") };
            return Err(DataError::option("bin", format!("no bin of {width} s fits into the time{name}")).into());
        }
        spans.push(Span { recording, start, bins });
    }
    Ok(spans)
}

/// Rows × units counts.
fn count(
    options: &Events,
    recordings: &Recordings,
    units: &Units,
    spans: &[Span],
    times: &[f64],
) -> (Vec<f64>, Counted) {
    let width = units.width();
    let mut first_row = Vec::new();
    let mut rows = 0;
    for span in spans {
        first_row.push(rows);
        rows += span.rows();
    }
    let mut counts = vec![0.0; rows * width];
    let mut counted = Counted {
        bin_seconds: options.bin_seconds,
        units: units.labels.clone(),
        of_unit: vec![0; width],
        inside: 0,
        outside: 0,
    };
    for (event, (&time, &recording)) in times.iter().zip(&recordings.of_event).enumerate() {
        let unit = units.of_event.as_ref().and_then(|of| of.get(event).copied()).unwrap_or(0);
        let bin = spans.get(recording).and_then(|span| span.bin(time, options.bin_seconds));
        let row = bin.zip(first_row.get(recording)).map(|(bin, first)| first + bin);
        match row.and_then(|row| counts.get_mut(row * width + unit)) {
            Some(cell) => {
                *cell += 1.0;
                counted.inside += 1;
                if let Some(total) = counted.of_unit.get_mut(unit) {
                    *total += 1;
                }
            }
            None => counted.outside += 1,
        }
    }
    (counts, counted)
}

/// A table of the right rows without columns.
fn empty(recordings: &Recordings, spans: &[Span]) -> Table {
    let mut table = Table::default();
    for span in spans {
        let label = recordings.labels.get(span.recording).map_or("", String::as_str);
        let file = if label.is_empty() { "bins".to_owned() } else { format!("bins of recording {label}") };
        let segment =
            Segment { file: file.into(), start: table.rows, rows: span.rows(), part: None, lines: Vec::new() };
        table.rows += span.rows();
        table.segments.push(segment);
    }
    table
}

/// Covariates as they were sampled.
struct Sampled {
    table: Table,
    /// Name and values of each, logarithms taken.
    columns: Vec<(String, Vec<f64>)>,
    /// Times in seconds, for a clock that is a column.
    times: Option<Vec<f64>>,
    clock: Clock,
    resample: Resample,
}

impl Sampled {
    fn read(
        intake: &Intake<'_>,
        options: &Covariates,
        within: Option<&String>,
        log: &[String],
    ) -> Result<Self, DataErrors> {
        let table = read_files(intake, &options.tables)?;
        let names = table.names();
        let times = match &options.clock {
            Clock::Column { time, unit } => Some(seconds(&table, time, unit.per_second(), "covariates: time")?),
            Clock::Rate { hz, .. } if *hz > 0.0 && hz.is_finite() => None,
            Clock::Rate { .. } => return Err(DataError::option("covariates: rate", "must be positive").into()),
        };
        let chosen = if options.inputs.is_empty() {
            let time = if let Clock::Column { time, .. } = &options.clock { Some(time) } else { None };
            (0..names.len())
                .filter(|at| !names.get(*at).is_some_and(|name| [time, within].contains(&Some(name))))
                .collect()
        } else {
            select(&names, &options.inputs, "covariates: inputs").map_err(DataErrors)?
        };
        let logged = select(&names, log, "log").map_err(DataErrors)?;
        let mut errors = Vec::new();
        let mut columns = Vec::new();
        for at in chosen {
            let Some(name) = names.get(at) else { continue };
            match finite(&table, name, "covariates: inputs") {
                Ok(values) if logged.contains(&at) => match logarithm(&table, name, values) {
                    Ok(values) => columns.push((name.clone(), values)),
                    Err(error) => errors.push(error),
                },
                Ok(values) => columns.push((name.clone(), values)),
                Err(error) => errors.push(error),
            }
        }
        DataErrors::check(errors)?;
        Ok(Self { table, columns, times, clock: options.clock.clone(), resample: options.resample })
    }

    /// Rows of a recording with their times, in seconds.
    fn timed(&self, recordings: &Recordings, recording: usize) -> Vec<(f64, usize)> {
        let own = recordings.of_sample.iter().enumerate().filter(|(_, of)| **of == recording);
        let time = |sample: usize, row: usize| match (&self.times, &self.clock) {
            (Some(times), _) => times.get(row).copied().unwrap_or(f64::NAN),
            (None, Clock::Rate { hz, start_seconds }) => start_seconds + sample as f64 / hz,
            (None, Clock::Column { .. }) => f64::NAN,
        };
        let mut timed: Vec<(f64, usize)> = own.enumerate().map(|(sample, (row, _))| (time(sample, row), row)).collect();
        timed.sort_by(|a, b| a.0.total_cmp(&b.0));
        timed
    }

    /// From the first sample to the last; with a rate, to the end of the last sample's interval.
    fn covers(&self, recordings: &Recordings, recording: usize) -> Option<(f64, f64)> {
        let timed = self.timed(recordings, recording);
        let ((from, _), (to, _)) = (timed.first()?, timed.last()?);
        let more = if let Clock::Rate { hz, .. } = &self.clock { 1.0 / hz } else { 0.0 };
        Some((*from, to + more))
    }

    fn onto_bins(&self, options: &Events, recordings: &Recordings, spans: &[Span], table: &mut Table) {
        let mut columns: Vec<Vec<f64>> = self.columns.iter().map(|_| Vec::with_capacity(table.rows)).collect();
        for span in spans {
            let timed = self.timed(recordings, span.recording);
            let of_bin: Vec<Option<usize>> =
                timed.iter().map(|(time, _)| span.bin(*time, options.bin_seconds)).collect();
            for ((_, values), out) in self.columns.iter().zip(&mut columns) {
                let samples: Vec<(f64, f64)> =
                    timed.iter().map(|(time, row)| (*time, values.get(*row).copied().unwrap_or(f64::NAN))).collect();
                let centres: Vec<f64> =
                    span.starts(options.bin_seconds).map(|start| start + 0.5 * options.bin_seconds).collect();
                let mut onto = interpolate(&samples, &centres);
                if self.resample == Resample::Average {
                    average(&samples, &of_bin, &mut onto);
                }
                out.extend(onto);
            }
        }
        for ((name, _), values) in self.columns.iter().zip(columns) {
            table.columns.push(Column::numbers(name, Vec::new(), values));
        }
    }
}

/// Natural logarithms of a column of positive numbers.
pub(crate) fn logarithm(table: &Table, name: &str, values: Vec<f64>) -> Result<Vec<f64>, DataError> {
    let mut bad = Violations::new(name, "a positive number, for its logarithm");
    for (row, _) in values.iter().enumerate().filter(|(_, value)| **value <= 0.0) {
        if let Some(column) = table.column(name) {
            bad.add(|| table.violation(column, row));
        }
    }
    if bad.count > 0 { Err(DataError::Values(bad)) } else { Ok(values.into_iter().map(f64::ln).collect()) }
}

/// Straight lines between samples sorted by time; constant beyond the first and the last.
fn interpolate(samples: &[(f64, f64)], at: &[f64]) -> Vec<f64> {
    let value = |time: f64| {
        let after = samples.partition_point(|(sample, _)| *sample <= time);
        let left = after.checked_sub(1).and_then(|before| samples.get(before));
        match (left, samples.get(after)) {
            (Some((t0, v0)), Some((t1, v1))) => v0 + (v1 - v0) * ((time - t0) / (t1 - t0)),
            (Some((_, value)), None) | (None, Some((_, value))) => *value,
            (None, None) => f64::NAN,
        }
    };
    at.iter().map(|&time| value(time)).collect()
}

/// Replaces the value of each bin that has samples by their mean.
fn average(samples: &[(f64, f64)], of_bin: &[Option<usize>], onto: &mut [f64]) {
    let mut sums = vec![(0.0, 0_u32); onto.len()];
    for ((_, value), bin) in samples.iter().zip(of_bin) {
        if let Some((sum, count)) = bin.and_then(|bin| sums.get_mut(bin)) {
            *sum += value;
            *count += 1;
        }
    }
    for (value, (sum, count)) in onto.iter_mut().zip(sums).filter(|(_, (_, count))| *count > 0) {
        *value = sum / f64::from(count);
    }
}
