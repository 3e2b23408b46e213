//! Every key of a spec: one row each. This is data, and the only place that lists them.

use super::schema::Absent::{Default, Nothing, Required};
use super::schema::{Absent, Group, Row, Ty};
use crate::ir::support::Interval;
use crate::train::metrics;

const fn row(key: &'static str, ty: Ty, absent: Absent, doc: &'static str) -> Row {
    Row { key, ty, absent, doc }
}

const SIZE: i128 = u32::MAX as i128;
const COLUMNS: Ty = Ty::Any(&[Ty::Text, Ty::List(&Ty::Text)]);
const FILE: Ty = Ty::Any(&[Ty::Path, Ty::Section(&FILE_WITH)]);
const SOME_FILES: Ty = Ty::Any(&[Ty::Path, Ty::List(&FILE), Ty::Section(&FILE_WITH)]);
const FILES: Ty = Ty::Any(&[Ty::Path, Ty::List(&FILE), Ty::Section(&PARTS), Ty::Section(&FILE_WITH)]);
const TIME_UNITS: Ty = Ty::Word(&["s", "ms", "us", "min"]);
const VALUES: Ty = Ty::Any(&[Ty::Scalar, Ty::List(&Ty::Scalar)]);

/// The whole spec.
pub static ROOT: Group = Group {
    name: "a spec",
    short: None,
    rows: &[
        row("loss", Ty::Path, Nothing, "The program: a `.loss` file beside the spec. This or `program`."),
        row("program", Ty::Text, Nothing, "The program itself, for short ones: `\"poisson(k | softplus(η))\"`."),
        row("name", Ty::Text, Nothing, "What the runs are called; by default the name of the spec's file."),
        row("notes", Ty::Text, Nothing, "Free text, kept with the run and shown in its report."),
        row("const", Ty::Names(&Ty::Any(&[NUMBER, Ty::List(&NUMBER)])), Nothing, "Values of the program's `const`s."),
        row("axes", Ty::Names(&Ty::Int(1, SIZE)), Nothing, "Sizes of axes that neither data nor program gives."),
        row("seed", Ty::Int(0, u64::MAX as i128), Default("1"), "Everything random is a function of this number."),
        row("dtype", Ty::Word(&["f32"]), Default("f32"), "Precision of network and loss; `lossc eval` has f64 too."),
        row("data", Ty::Section(&DATA), Required, "Where the rows come from and what is done to them."),
        row("network", Ty::List(&Ty::Choice(&LAYER)), Default("[]"), "The layers between the inputs and the heads."),
        row(
            "heads",
            Ty::Names(&Ty::Section(&HEAD)),
            Nothing,
            "The predicted names, each by default one linear layer on the network's output.",
        ),
        row("optimizer", Ty::Choice(&OPTIMIZER), Default("adamw"), "How the weights follow the gradient."),
        row("schedule", Ty::Choice(&SCHEDULE), Default("constant"), "How the learning rate changes over the steps."),
        row("train", Ty::Section(&TRAIN), Default("{}"), "How long, in what portions, and when to stop."),
        row(
            "metrics",
            Ty::List(&Ty::Word(metrics::NAMES)),
            Default("[nll]"),
            "What is measured on each part at the end.",
        ),
        row("evaluate", Ty::Section(&EVALUATE), Nothing, "What the last evaluation compares the network with."),
    ],
};

const NUMBER: Ty = Ty::Num(Interval::REAL);
/// [0, 1)
const BELOW_ONE: Interval = Interval::new(0.0, false, 1.0, true, false);

static DATA: Group = Group {
    name: "the data",
    short: None,
    rows: &[
        row(
            "table",
            FILES,
            Nothing,
            "A table (csv, npy, npz; .gz), several that follow each other, or one a part: {train: …, test: …}.",
        ),
        row(
            "inputs",
            COLUMNS,
            Nothing,
            "Columns the network reads: names, globs (`\"d_*\"`), ranges (`n00..n30`); with `events`, by default the covariates.",
        ),
        row("bind", Ty::Names(&COLUMNS), Nothing, "The loss's data names and the columns each is made of."),
        row("log", COLUMNS, Nothing, "Inputs whose natural logarithm is taken first."),
        row("squares", COLUMNS, Nothing, "Inputs whose squares become inputs too."),
        row(
            "lags",
            Ty::Any(&[Ty::Section(&LAGS), Ty::List(&Ty::Section(&LAGS))]),
            Nothing,
            "Inputs of neighbouring rows.",
        ),
        row(
            "standardize",
            COLUMNS,
            Nothing,
            "`inputs`, `none`, or columns: shifted and scaled to mean 0 and standard deviation 1 of the training rows.",
        ),
        row("weight", Ty::Text, Nothing, "A column with a weight a row."),
        row("split", Ty::Section(&SPLIT), Nothing, "Which rows train, validate and test."),
        row("events", Ty::Section(&EVENTS), Nothing, "Times of events, counted in bins; `bin` says how wide."),
        row(
            "covariates",
            Ty::Section(&COVARIATES),
            Nothing,
            "Quantities on a clock of their own, brought onto the bins.",
        ),
        row("bin", Ty::Time, Nothing, "Width of a bin."),
        row("within", Ty::Text, Nothing, "A column that tells separate recordings apart."),
        row("start", Ty::Moment, Nothing, "First moment counted; by default where the covariates begin."),
        row("end", Ty::Moment, Nothing, "Last moment counted; by default where the covariates end."),
        row("images", Ty::Section(&IMAGES), Nothing, "Pictures with labels."),
        row("augment", Ty::Section(&AUGMENT), Nothing, "Random changes to training pictures, drawn anew each epoch."),
        row("tuples", Ty::Section(&TUPLES), Nothing, "Pairs or triplets of pictures drawn by label."),
        row("sampler", Ty::Section(&SAMPLER), Nothing, "Batches with equally many rows of some classes."),
        row(
            "on_invalid",
            Ty::Word(&["error", "inf"]),
            Default("error"),
            "What an observation of probability 0 does: stop, or be left out with its row, which is said and recorded (its loss is +∞).",
        ),
    ],
};

static FILE_WITH: Group = Group {
    name: "a file",
    short: None,
    rows: &[
        row("path", Ty::Path, Required, "The file."),
        row("with", Ty::Names(&Ty::Scalar), Required, "Columns added to each of its rows, with one value: {T: 300}."),
    ],
};

static PARTS: Group = Group {
    name: "the files of each part",
    short: None,
    rows: &[
        row("train", SOME_FILES, Required, "Files of the training rows."),
        row("valid", SOME_FILES, Nothing, "Files of the validation rows."),
        row("test", SOME_FILES, Nothing, "Files of the test rows."),
    ],
};

static LAGS: Group = Group {
    name: "a window of lags",
    short: None,
    rows: &[
        row("columns", COLUMNS, Nothing, "Which inputs; by default all."),
        row("past", Ty::Int(0, 100_000), Default("0"), "Rows back."),
        row("future", Ty::Int(0, 100_000), Default("0"), "Rows ahead."),
        row("every", Ty::Int(1, 100_000), Default("1"), "Take every n-th row of the window."),
        row("now", Ty::Bool, Default("true"), "Whether the present row belongs to the window."),
        row("within", Ty::Text, Nothing, "A column whose values are separate recordings; no window leaves one."),
    ],
};

static SPLIT: Group = Group {
    name: "a split",
    short: None,
    rows: &[
        row("random", Ty::Bool, Nothing, "Single rows at random: the default when nothing is to stay together."),
        row("blocks", Ty::Section(&BLOCKS), Nothing, "Stretches of neighbouring rows stay together."),
        row("column", Ty::Text, Nothing, "Rows that agree in this column stay together; say which of its values."),
        row("group", Ty::Text, Nothing, "Rows that agree in this column stay together."),
        row("time", Ty::Section(&STRETCHES), Nothing, "Stretches of time stay together."),
        row("valid", SHARE, Nothing, "What validates: a fraction, or a list of values or block numbers."),
        row("test", SHARE, Nothing, "What tests: a fraction, or a list of values or block numbers."),
        row("seed", Ty::Int(0, u64::MAX as i128), Nothing, "Seed of the choice; by default the run's."),
    ],
};

const SHARE: Ty = Ty::Any(&[Ty::Num(Interval::UNIT), Ty::List(&Ty::Scalar)]);

static BLOCKS: Group = Group {
    name: "blocks",
    short: Some("rows"),
    rows: &[row("rows", Ty::Int(1, SIZE), Required, "Rows a block; blocks are numbered from 0.")],
};

static STRETCHES: Group = Group {
    name: "stretches of time",
    short: Some("every"),
    rows: &[
        row("every", Ty::Time, Required, "Length of a stretch; they are numbered from 0 in each recording."),
        row("column", Ty::Text, Nothing, "Column of times in seconds; events bring their own."),
    ],
};

static EVENTS: Group = Group {
    name: "events",
    short: None,
    rows: &[
        row("table", FILES, Required, "Tables with one row an event."),
        row("time", Ty::Text, Required, "Column of the event's time."),
        row("time_unit", TIME_UNITS, Default("s"), "Unit of that column."),
        row("unit", Ty::Text, Nothing, "Column that says whose event it is; without it all events are of one unit."),
        row(
            "units",
            Ty::Int(1, SIZE),
            Nothing,
            "How many units, numbered from 0, so that a silent one keeps its place.",
        ),
        row("as", Ty::Text, Required, "Name of the column of counts."),
    ],
};

static COVARIATES: Group = Group {
    name: "covariates",
    short: None,
    rows: &[
        row("table", FILES, Required, "Tables with one row a sample."),
        row("time", Ty::Text, Nothing, "Column of times. This or `rate`."),
        row("time_unit", TIME_UNITS, Default("s"), "Unit of that column."),
        row("rate", Ty::Frequency, Nothing, "Samples a second, for tables without a column of times."),
        row("start", Ty::Moment, Default("0 s"), "Time of the first sample, with `rate`."),
        row("inputs", COLUMNS, Nothing, "Columns brought onto the bins; by default all but the times."),
        row(
            "resample",
            Ty::Word(&["average", "interpolate"]),
            Default("average"),
            "Mean of a bin's samples, or the straight line at its centre.",
        ),
    ],
};

static IMAGES: Group = Group {
    name: "images",
    short: None,
    rows: &[
        row("array", FILES, Nothing, "NPY arrays of [n, height, width] or [n, height, width, channels]."),
        row("folder", Ty::Path, Nothing, "A folder of PNG and JPEG files."),
        row("sheet", FILES, Nothing, "Pictures that are grids of tiles."),
        row(
            "tile",
            Ty::Any(&[Ty::Int(1, 65_536), Ty::Tuple(2, &Ty::Int(1, 65_536))]),
            Nothing,
            "Width and height of a tile of a sheet.",
        ),
        row("row", Ty::Text, Default("row"), "Name of the column that holds a tile's row, say `identity`."),
        row("column", Ty::Text, Default("column"), "Name of the column that holds a tile's column, say `view`."),
        row("color", Ty::Bool, Default("false"), "Keep three channels."),
        row("labels", FILES, Nothing, "Tables with one row a picture."),
        row("label", Ty::Text, Nothing, "Column that holds the class of a picture."),
        row(
            "normalize",
            Ty::Word(&["none", "train", "each"]),
            Default("train"),
            "Pixels to mean 0 and standard deviation 1: of all training pixels, of each picture, or not.",
        ),
    ],
};

const FACTORS: Ty = Ty::Tuple(2, &Ty::Num(Interval::POSITIVE));

static AUGMENT: Group = Group {
    name: "augmentation",
    short: None,
    rows: &[
        row("rotate", Ty::Num(Interval::closed(0.0, 180.0)), Default("0"), "Largest rotation either way, in degrees."),
        row("scale", FACTORS, Nothing, "Range of the factor of size: [0.85, 1.15]."),
        row("shift", Ty::Num(Interval::NONNEG), Default("0"), "Largest shift along each side, in pixels."),
        row(
            "crop",
            Ty::Int(1, 65_536),
            Nothing,
            "Side of the square kept from the centre, in training and evaluation.",
        ),
        row("mirror", Ty::Bool, Default("false"), "Exchange left and right for half of the pictures."),
        row("exposure", FACTORS, Nothing, "Range of the factor that multiplies the pixels."),
        row("brightness", Ty::Num(Interval::PROB), Default("0"), "Largest amount added to the pixels, of 1."),
        row("contrast", FACTORS, Nothing, "Range of the factor that stretches the pixels about their mean."),
        row("noise", Ty::Num(Interval::PROB), Default("0"), "Standard deviation of normal noise a pixel, of 1."),
    ],
};

static TUPLES: Group = Group {
    name: "tuples",
    short: None,
    rows: &[
        row("anchor", Ty::Text, Nothing, "The loss's name for the embedding of a picture …"),
        row("positive", Ty::Text, Nothing, "… of another of the same class …"),
        row("negative", Ty::Text, Nothing, "… and of one of another class."),
        row("first", Ty::Text, Nothing, "For pairs: the first picture's embedding …"),
        row("second", Ty::Text, Nothing, "… the second's …"),
        row("same", Ty::Text, Nothing, "… and the data that says whether they are of one class."),
        row("per_epoch", Ty::Int(1, SIZE), Nothing, "Tuples an epoch; by default one a training picture."),
    ],
};

static SAMPLER: Group = Group {
    name: "a sampler",
    short: None,
    rows: &[
        row("classes", Ty::Int(1, SIZE), Required, "Classes a batch."),
        row("per_class", Ty::Int(1, SIZE), Required, "Rows of each."),
    ],
};

static NO_OPTIONS: Group = Group { name: "no options", short: None, rows: &[] };
const PLAIN: Ty = Ty::Section(&NO_OPTIONS);

static LAYER: Group = Group {
    name: "a layer",
    short: None,
    rows: &[
        row("dense", Ty::Section(&DENSE), Nothing, "A linear map to so many numbers."),
        row("conv", Ty::Section(&CONV), Nothing, "A square convolution over a picture."),
        row("max_pool", Ty::Section(&MAX_POOL), Nothing, "The largest value of each window."),
        row("flatten", PLAIN, Nothing, "A picture as a vector."),
        row("dropout", Ty::Section(&DROPOUT), Nothing, "In training, zeroes each number with this probability."),
        row("layer_norm", PLAIN, Nothing, "Each row to mean 0 and variance 1, then a learned scale and shift."),
        row("residual", Ty::List(&Ty::Choice(&LAYER)), Nothing, "x + layers(x)."),
        row("l2_normalize", PLAIN, Nothing, "Each row divided by its Euclidean length."),
        row("relu", PLAIN, Nothing, "max(x, 0)."),
        row("gelu", PLAIN, Nothing, "x·Φ(x)."),
        row("silu", PLAIN, Nothing, "x·sigmoid(x)."),
        row("tanh", PLAIN, Nothing, "tanh x."),
        row("sigmoid", PLAIN, Nothing, "1 / (1 + exp(−x))."),
        row("softplus", PLAIN, Nothing, "log(1 + exp x)."),
        row("elu", PLAIN, Nothing, "x above 0, exp(x) − 1 below."),
        row("leaky_relu", Ty::Section(&LEAKY), Nothing, "x above 0, `slope` times x below."),
    ],
};

static DENSE: Group = Group {
    name: "a dense layer",
    short: Some("units"),
    rows: &[
        row("units", Ty::Int(1, 1 << 20), Required, "Outputs."),
        row("bias", Ty::Bool, Default("true"), "Whether a bias is added."),
        row("init", Ty::Word(&["uniform", "he", "xavier", "zero"]), Default("uniform"), "How the weights start."),
    ],
};

static CONV: Group = Group {
    name: "a convolution",
    short: None,
    rows: &[
        row("channels", Ty::Int(1, 1 << 16), Required, "Output channels."),
        row("kernel", Ty::Int(1, 1024), Default("3"), "Side of the kernel in pixels."),
        row("stride", Ty::Int(1, 1024), Default("1"), "Pixels between two applications."),
        row(
            "padding",
            Ty::Any(&[Ty::Int(0, 1024), Ty::Word(&["same"])]),
            Default("0"),
            "Zeros added on each side; `same` keeps the size at stride 1 (odd kernels).",
        ),
    ],
};

static MAX_POOL: Group = Group {
    name: "a pooling layer",
    short: Some("size"),
    rows: &[
        row("size", Ty::Int(1, 1024), Required, "Side of the window in pixels."),
        row("stride", Ty::Int(1, 1024), Nothing, "Pixels between two windows; by default `size`."),
    ],
};

static DROPOUT: Group = Group {
    name: "dropout",
    short: Some("p"),
    rows: &[row("p", Ty::Num(BELOW_ONE), Required, "Probability of a zero.")],
};

static LEAKY: Group = Group {
    name: "a leaky relu",
    short: Some("slope"),
    rows: &[row("slope", NUMBER, Default("0.01"), "Slope below 0.")],
};

static HEAD: Group = Group {
    name: "a head",
    short: Some("init"),
    rows: &[row(
        "init",
        Ty::Any(&[Ty::Word(&["default", "zero", "mean", "identity"]), NUMBER, Ty::List(&NUMBER)]),
        Default("default"),
        "How it starts: `zero`; `mean`: at the mean of the data; numbers: that bias, one a unit. `identity`: no layer.",
    )],
};

const LR: Ty = Ty::Num(Interval::POSITIVE);
const DECAY: Ty = Ty::Num(Interval::NONNEG);
const BETA: Ty = Ty::Num(BELOW_ONE);

static OPTIMIZER: Group = Group {
    name: "an optimizer",
    short: None,
    rows: &[
        row("adam", Ty::Section(&ADAM), Nothing, "Adam (Kingma & Ba 2015); `weight_decay` adds to the gradient."),
        row("adamw", Ty::Section(&ADAMW), Nothing, "Adam with decoupled weight decay (Loshchilov & Hutter 2019)."),
        row("sgd", Ty::Section(&SGD), Nothing, "Stochastic gradient descent."),
        row("rmsprop", Ty::Section(&RMSPROP), Nothing, "RMSprop (Tieleman & Hinton 2012)."),
    ],
};

static ADAM: Group = Group {
    name: "options of adam",
    short: Some("lr"),
    rows: &[
        row("lr", LR, Default("1e-3"), "Learning rate."),
        row("beta1", BETA, Default("0.9"), "Memory of the mean gradient."),
        row("beta2", BETA, Default("0.999"), "Memory of the mean squared gradient."),
        row("eps", LR, Default("1e-8"), "Added to the denominator."),
        row("weight_decay", DECAY, Default("0"), "Times the weight, added to the gradient."),
    ],
};

static ADAMW: Group = Group {
    name: "options of adamw",
    short: Some("lr"),
    rows: &[
        row("lr", LR, Default("1e-3"), "Learning rate."),
        row("beta1", BETA, Default("0.9"), "Memory of the mean gradient."),
        row("beta2", BETA, Default("0.999"), "Memory of the mean squared gradient."),
        row("eps", LR, Default("1e-8"), "Added to the denominator."),
        row("weight_decay", DECAY, Default("1e-2"), "Times the weight and the learning rate, taken off the weight."),
    ],
};

static SGD: Group = Group {
    name: "options of sgd",
    short: Some("lr"),
    rows: &[
        row("lr", LR, Default("1e-2"), "Learning rate."),
        row("momentum", BETA, Default("0"), "Memory of the step."),
        row("nesterov", Ty::Bool, Default("false"), "Nesterov's momentum."),
        row("weight_decay", DECAY, Default("0"), "Times the weight, added to the gradient."),
    ],
};

static RMSPROP: Group = Group {
    name: "options of rmsprop",
    short: Some("lr"),
    rows: &[
        row("lr", LR, Default("1e-2"), "Learning rate."),
        row("alpha", BETA, Default("0.9"), "Memory of the mean squared gradient."),
        row("eps", LR, Default("1e-8"), "Added to the denominator."),
        row("momentum", BETA, Default("0"), "Memory of the step."),
        row("centered", Ty::Bool, Default("false"), "Divide by the variance of the gradient instead."),
        row("weight_decay", DECAY, Default("0"), "Times the weight, added to the gradient."),
    ],
};

static SCHEDULE: Group = Group {
    name: "a schedule",
    short: None,
    rows: &[
        row("constant", Ty::Section(&CONSTANT), Nothing, "The same learning rate throughout."),
        row("cosine", Ty::Section(&COSINE), Nothing, "Half a cosine from the learning rate down."),
    ],
};

static CONSTANT: Group = Group {
    name: "options of constant",
    short: None,
    rows: &[row("warmup", Ty::Int(0, SIZE), Default("0"), "Steps over which the rate rises from 0.")],
};

static COSINE: Group = Group {
    name: "options of cosine",
    short: None,
    rows: &[
        row("warmup", Ty::Int(0, SIZE), Default("0"), "Steps over which the rate rises from 0."),
        row("final", Ty::Num(Interval::PROB), Default("0"), "Where it ends, as a fraction of the learning rate."),
    ],
};

static TRAIN: Group = Group {
    name: "the training",
    short: None,
    rows: &[
        row("epochs", Ty::Int(1, 1_000_000), Nothing, "Passes over the training rows; 20 when `steps` is not given."),
        row("steps", Ty::Int(1, SIZE), Nothing, "Gradient steps, instead of `epochs`."),
        row("batch", Ty::Int(1, 1 << 24), Default("256"), "Rows (or tuples) a step."),
        row("clip_norm", LR, Nothing, "Largest Euclidean length of the whole gradient."),
        row("ema", Ty::Num(Interval::UNIT), Nothing, "Memory of a running mean of the weights, which is what is kept."),
        row("early_stop", Ty::Section(&EARLY_STOP), Nothing, "Stop when validation no longer gets better."),
        row("validate_every", Ty::Int(1, SIZE), Nothing, "Steps between validations; by default an epoch."),
        row("checkpoint", Ty::Section(&CHECKPOINT), Default("{every: 1}"), "What `--resume` starts from."),
        row("time_limit", Ty::Time, Nothing, "Stop cleanly after so long; such a run is not reproducible bit by bit."),
    ],
};

static EARLY_STOP: Group = Group {
    name: "early stopping",
    short: Some("patience"),
    rows: &[
        row("patience", Ty::Int(1, 1_000_000), Default("10"), "Validations without improvement until it stops."),
        row("metric", Ty::Word(&["nll"]), Default("nll"), "What must improve: the validation loss."),
        row("min_delta", DECAY, Default("0"), "Smallest improvement that counts."),
    ],
};

static CHECKPOINT: Group = Group {
    name: "checkpoints",
    short: Some("every"),
    rows: &[row("every", Ty::Int(1, 1_000_000), Default("1"), "Epochs between two checkpoints.")],
};

static EVALUATE: Group = Group {
    name: "the evaluation",
    short: None,
    rows: &[
        row("oracle", Ty::Section(&ORACLE), Nothing, "The true expected counts, where they are known (simulations)."),
        row("units", Ty::Section(&UNITS), Nothing, "What is known of each unit, for tables and pictures."),
        row("recognition", Ty::Section(&RECOGNITION), Nothing, "Identification of classes that training never saw."),
        row(
            "levels",
            Ty::List(&Ty::Num(Interval::UNIT)),
            Default("[0.5, 0.8, 0.9, 0.95]"),
            "Central intervals whose coverage `calibration` reports.",
        ),
    ],
};

static ORACLE: Group = Group {
    name: "an oracle",
    short: None,
    rows: &[
        row("table", SOME_FILES, Required, "Tables with one row a bin: a column of times and one a unit."),
        row("time", Ty::Text, Required, "Column of the bin's start, in seconds; rows are matched by it."),
        row("columns", COLUMNS, Required, "The units' columns, in the order of the units."),
        row("per", Ty::Word(&["bin", "second"]), Default("bin"), "Expected events a bin, or a second."),
    ],
};

static UNITS: Group = Group {
    name: "the table of units",
    short: None,
    rows: &[
        row("table", SOME_FILES, Required, "A table with one row a unit, in the order of the units."),
        row("label", Ty::Text, Required, "Column with a word on each, say how it was made to fire."),
    ],
};

static RECOGNITION: Group = Group {
    name: "recognition",
    short: None,
    rows: &[
        row("gallery", Ty::Names(&VALUES), Required, "Columns and values of the known pictures: {view: 0}."),
        row("probes", Ty::Names(&VALUES), Nothing, "Those to be recognised; by default all others."),
        row("mirror", Ty::Bool, Default("false"), "Average the embeddings of a picture and its mirror image."),
    ],
};

/// The group of one window of lags: `lags` takes one or a list of them.
pub fn lags() -> &'static Group {
    &LAGS
}
