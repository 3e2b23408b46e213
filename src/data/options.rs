//! What a spec says under `data:`, as plain values.
//!
//! The spec's parser builds these; [`super::prepare()`] carries them out. Names are those of the spec, lengths are rows or
//! bins unless a field says seconds. Nothing here reads a file, and nothing is checked beyond what the types say: columns
//! are looked up, and complained about, when the tables are known.

/// Everything under `data:` in a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct DataOptions {
    /// Where the rows come from: a table, raw events, or images.
    pub source: Source,
    /// Columns that the network reads: names, globs (`"d_*"`), ranges (`n00..n30`). Empty for images.
    pub inputs: Vec<String>,
    /// The loss's data names and the columns each is made of: `bind: {k: n00..n30}`. A name left out binds to the
    /// column, or the indexed columns `x[0] x[1] …`, of its own name.
    pub bind: Vec<Bind>,
    /// Input columns (patterns) whose natural logarithm is taken, in place, before anything else: `log: [am]`.
    pub log: Vec<String>,
    /// Input columns (patterns, after `log`) whose square is added as a further input `NAME_squared`.
    pub squares: Vec<String>,
    /// Inputs at neighbouring rows. Several entries may give different columns different windows.
    pub lags: Vec<Lags>,
    /// Inputs that are shifted and scaled to mean 0 and standard deviation 1 of the training rows.
    pub standardize: Standardize,
    /// Column that holds a weight a row.
    pub weight: Option<String>,
    /// Which rows train, validate and test.
    pub split: Option<Split>,
    /// Random changes to training images.
    pub augment: Option<Augment>,
    /// Pairs or triplets of images drawn by class.
    pub tuples: Option<Tuples>,
    /// Batches with the same number of rows of each of some classes.
    pub sampler: Option<ClassSampler>,
    /// What an observation outside its support does.
    pub on_invalid: OnInvalid,
}

impl DataOptions {
    /// Options that read `source` and nothing else: no inputs, no split, nothing standardised.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            inputs: Vec::new(),
            bind: Vec::new(),
            log: Vec::new(),
            squares: Vec::new(),
            lags: Vec::new(),
            standardize: Standardize::None,
            weight: None,
            split: None,
            augment: None,
            tuples: None,
            sampler: None,
            on_invalid: OnInvalid::Error,
        }
    }
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `table:` one row of the table is one row of the batch.
    Table(Files),
    /// `events:` with `bin:`: one time bin is one row.
    Events(Events),
    /// `images:` one picture is one row.
    Images(Images),
}

/// The files of a table or an image set, paths relative to the spec's folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Files {
    /// One file, or several that follow each other.
    All(Vec<FileEntry>),
    /// `{train: …, valid: …, test: …}`: the files say which part a row belongs to.
    Parts {
        /// Files of the training rows.
        train: Vec<FileEntry>,
        /// Files of the validation rows; may be empty.
        valid: Vec<FileEntry>,
        /// Files of the test rows; may be empty.
        test: Vec<FileEntry>,
    },
}

impl Files {
    /// One file without constants.
    #[must_use]
    pub fn one(path: impl Into<String>) -> Self {
        Self::All(vec![FileEntry::new(path)])
    }

    /// Every entry with the part it is bound to, in the order train, valid, test.
    #[must_use]
    pub fn entries(&self) -> Vec<(Option<Part>, &FileEntry)> {
        match self {
            Self::All(all) => all.iter().map(|entry| (None, entry)).collect(),
            Self::Parts { train, valid, test } => [(Part::Train, train), (Part::Valid, valid), (Part::Test, test)]
                .into_iter()
                .flat_map(|(part, entries)| entries.iter().map(move |entry| (Some(part), entry)))
                .collect(),
        }
    }
}

/// One file: `t300.csv.gz`, or `{path: t300.csv.gz, with: {T: 300}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEntry {
    /// Path relative to the spec's folder; `-` is standard input.
    pub path: String,
    /// Columns added to every row of this file, each with one value.
    pub with: Vec<(String, Value)>,
}

impl FileEntry {
    /// A file as it is.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), with: Vec::new() }
    }
}

/// A constant in a spec: a number or a word. Compared with cells by value, so that `3` finds `3.0` and `"3"`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
}

/// Train, validation or test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Rows that the network learns from, and the only ones that standardisation sees.
    Train,
    /// Rows that choose when to stop.
    Valid,
    /// Rows that only the last evaluation sees.
    Test,
}

/// One entry of `bind:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Bind {
    /// The loss's data name, in either spelling.
    pub name: String,
    /// Column patterns; several columns become the elements of one vector a row.
    pub columns: Vec<String>,
}

/// `events:` — times at which something happened, counted in bins, with covariates on a clock of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// Tables with one row an event.
    pub tables: Files,
    /// Column of the event's time.
    pub time: String,
    /// Unit of that column.
    pub time_unit: TimeUnit,
    /// Column that says which unit (neuron) the event belongs to; without it all events are of one unit and the count is
    /// a scalar.
    pub unit: Option<String>,
    /// Number of units when they are numbered from 0, so that a silent one keeps its place. Without it the units are the
    /// values met, sorted.
    pub units: Option<usize>,
    /// `as:` the name of the column of counts, with dims `[units]`.
    pub name: String,
    /// Covariates to be brought onto the bins.
    pub covariates: Option<Covariates>,
    /// `bin:` width of a bin in seconds.
    pub bin_seconds: f64,
    /// Column, present in every table, whose values are separate recordings, each with a clock that starts again.
    pub within: Option<String>,
    /// First moment counted, in seconds; without it, where the covariates begin, or 0.
    pub start_seconds: Option<f64>,
    /// Last moment counted, in seconds; without it, where the covariates end, or the last event's bin.
    pub end_seconds: Option<f64>,
}

/// `covariates:` — quantities sampled on a clock of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariates {
    /// Tables with one row a sample. Files follow each other on one clock within a recording.
    pub tables: Files,
    /// When a sample was taken.
    pub clock: Clock,
    /// Columns brought onto the bins; empty: every one but the times and the recordings.
    pub inputs: Vec<String>,
    /// How.
    pub resample: Resample,
}

/// When the samples of a table were taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Clock {
    /// `time: t_s`
    Column {
        /// Column of times.
        time: String,
        /// Its unit.
        unit: TimeUnit,
    },
    /// `rate: 60 Hz`: sample b (counted within a recording, over its files) was taken at start + b / rate.
    Rate {
        /// Samples a second.
        hz: f64,
        /// Time of sample 0 in seconds.
        start_seconds: f64,
    },
}

/// How samples come onto bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resample {
    /// `average`: mean of the samples taken at or after the bin's start and before its end; a bin without a sample takes
    /// the linear interpolation at its centre.
    #[default]
    Average,
    /// `interpolate`: straight line between the two samples around the bin's centre.
    Interpolate,
}

/// Unit of a column of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Minutes.
    Minutes,
}

impl TimeUnit {
    /// How many of this unit make a second. Times are divided by it: exact for the decimals met in practice.
    #[must_use]
    pub fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1e6,
            Self::Minutes => 1.0 / 60.0,
        }
    }
}

/// `images:`
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// Where the pixels are.
    pub source: ImageSource,
    /// `labels:` tables with one row an image, in the order of the images.
    pub labels: Option<Files>,
    /// `label:` column that holds the class of an image: of the labels' table, or one that the source makes.
    pub label: Option<String>,
    /// Shift and scale of the pixels after everything else.
    pub normalize: PixelNormalize,
}

/// Where pixels are.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageSource {
    /// `array:` NPY of `[n, h, w]` or `[n, h, w, c]`; integers are divided by their type's largest value.
    Array(Files),
    /// `folder:` every PNG and JPEG below the folder in the order of their paths; columns `file` (the name) and `folder`
    /// (the folder that holds it). Grey unless `color`.
    Folder {
        /// Path relative to the spec's folder.
        path: String,
        /// Keep three channels.
        color: bool,
    },
    /// `sheet:` pictures that are grids of tiles. Makes two columns: the row of tiles (counted on over the files) and the
    /// column of tiles.
    Sheet {
        /// The pictures.
        files: Files,
        /// Width and height of a tile in pixels.
        tile: (usize, usize),
        /// Name of the column that holds a tile's row, say `identity`.
        row: String,
        /// Name of the column that holds a tile's column, say `view`.
        column: String,
        /// Keep three channels.
        color: bool,
    },
}

/// What happens to pixels last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PixelNormalize {
    /// Nothing: values stay in 0..1.
    None,
    /// `train`: minus the mean, over the standard deviation, of all training pixels. The default.
    #[default]
    Train,
    /// `each`: every image to mean 0 and standard deviation 1.
    Each,
}

/// `lags:` inputs of neighbouring rows, from the same recording only.
#[derive(Debug, Clone, PartialEq)]
pub struct Lags {
    /// Input columns (patterns); empty: all inputs. A column of events (the loss's own count) may stand here with
    /// `now: false` and `future: 0`.
    pub columns: Vec<String>,
    /// Rows back.
    pub past: usize,
    /// Rows ahead.
    pub future: usize,
    /// Take every n-th row of the window, counted from the present one. 1 is all of them.
    pub every: usize,
    /// Whether the present row belongs to the window.
    pub now: bool,
    /// Column whose values are separate recordings; a window never leaves one. Files and the `within` of events separate
    /// too.
    pub within: Option<String>,
}

/// Which inputs are standardised.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Standardize {
    /// None.
    #[default]
    None,
    /// `standardize: inputs`.
    Inputs,
    /// Those that match a pattern.
    Columns(Vec<String>),
}

/// `split:`
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What is kept together.
    pub by: SplitBy,
    /// What validates.
    pub valid: Share,
    /// What tests. Must be [`Share::None`] when the files themselves say which rows test.
    pub test: Share,
    /// Seed of the random choice; without it the run's seed.
    pub seed: Option<u64>,
}

/// What a split keeps together.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitBy {
    /// Single rows.
    Rows,
    /// `{blocks: {rows: 200}}`: stretches of neighbouring rows; a block never spans two files or recordings. Blocks are
    /// numbered from 0.
    Blocks {
        /// Rows a block.
        rows: usize,
    },
    /// `{column: fold, …}` or `{group: identity, …}`: rows that agree in a column.
    Column {
        /// The column.
        column: String,
    },
    /// `{time: {every: 60 s}, test: [3, 8, 13], valid: [1, 11]}`: stretches of time, numbered from 0 in each recording.
    Time {
        /// Column of times in seconds; events bring their own (`None`).
        column: Option<String>,
        /// Length of a stretch in seconds.
        every_seconds: f64,
    },
}

/// How much, or which, of what a split keeps together.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Share {
    /// Nothing.
    #[default]
    None,
    /// A fraction in (0, 1) of the rows, blocks, groups or stretches, drawn with the seed.
    Fraction(f64),
    /// These values of the column, numbers of blocks, or numbers of stretches.
    Values(Vec<Value>),
}

/// `augment:` random changes, drawn anew for each training image and epoch. Each is uniform over the range given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Augment {
    /// Rotation of up to this many degrees either way.
    pub rotate: f64,
    /// Range of the factor of size; `(1, 1)` or `None` leaves it.
    pub scale: Option<(f64, f64)>,
    /// Shift of up to this many pixels along each side.
    pub shift: f64,
    /// Side of the square kept from the centre, in training (after the changes) and in evaluation alike.
    pub crop: Option<usize>,
    /// Left and right exchanged for half of the images.
    pub mirror: bool,
    /// Range of the factor that multiplies the pixels.
    pub exposure: Option<(f64, f64)>,
    /// Largest amount, on the scale 0..1, added to the pixels either way.
    pub brightness: f64,
    /// Range of the factor that stretches the pixels about the image's mean.
    pub contrast: Option<(f64, f64)>,
    /// Standard deviation of normal noise a pixel, on the scale 0..1.
    pub noise: f64,
}

/// `tuples:` rows of a batch that are several images each, drawn by their label.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuples {
    /// Which images, and the loss's names for them.
    pub kind: TupleKind,
    /// Tuples an epoch; without it, one for each training image that has a partner.
    pub per_epoch: Option<usize>,
}

/// The kinds of tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TupleKind {
    /// `{anchor: a, positive: p, negative: n}`: two images of one class, one of another.
    Triplet {
        /// Name of the anchor's embedding in the loss.
        anchor: String,
        /// Name of the embedding of another image of the anchor's class.
        positive: String,
        /// Name of the embedding of an image of another class.
        negative: String,
    },
    /// `{first: a, second: b, same: y}`: two images, of one class half of the time; `same` is data, 1 or 0.
    Pair {
        /// Name of the first image's embedding.
        first: String,
        /// Name of the second image's embedding.
        second: String,
        /// Name of the data that says whether they are of one class.
        same: String,
    },
}

/// `sampler: {classes: 16, per_class: 2}`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassSampler {
    /// Classes a batch.
    pub classes: usize,
    /// Images of each.
    pub per_class: usize,
}

/// What an observation outside its support does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// It is an error.
    #[default]
    Error,
    /// It has probability 0 and so loss +∞; training leaves its row out. NaN and missing cells stay errors.
    Inf,
}
