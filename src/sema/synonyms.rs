//! What other tools call the things of this language: for suggestions only.

/// Functions and distributions under other names.
const CALLS: &[(&str, &str)] = &[
    ("N", "normal"),
    ("bce", "bernoulli"),
    ("bce_loss", "bernoulli"),
    ("bce_with_logits", "bernoulli"),
    ("bern", "bernoulli"),
    ("binary_cross_entropy", "bernoulli"),
    ("binary_crossentropy", "bernoulli"),
    ("binom", "binomial"),
    ("categorical_cross_entropy", "categorical"),
    ("categorical_crossentropy", "categorical"),
    ("cat", "categorical"),
    ("dist", "d"),
    ("distance", "d"),
    ("euclidean", "d"),
    ("expit", "sigmoid"),
    ("expon", "exponential"),
    ("gauss", "normal"),
    ("gaussian", "normal"),
    ("inv_logit", "sigmoid"),
    ("kl_div", "kl"),
    ("kl_divergence", "kl"),
    ("l1", "manhattan"),
    ("l1_loss", "absolute_error"),
    ("l2_loss", "squared_error"),
    ("l2", "d"),
    ("ln", "log"),
    ("lognorm", "lognormal"),
    ("log_loss", "bernoulli"),
    ("mae", "absolute_error"),
    ("mae_loss", "absolute_error"),
    ("mean_absolute_error", "absolute_error"),
    ("mean_squared_error", "squared_error"),
    ("minimise", "minimize"),
    ("mse", "squared_error"),
    ("mse_loss", "squared_error"),
    ("nbinom", "neg_binomial"),
    ("negative_binomial", "neg_binomial"),
    ("nll_loss", "nll"),
    ("smooth_l1", "huber"),
    ("softmax_cross_entropy", "categorical"),
    ("t", "student_t"),
    ("triplet_margin_loss", "triplet"),
    ("triplet_loss", "triplet"),
];

/// Parameters under other names; which one is meant depends on what the distribution has.
const PARAMETERS: &[(&str, &str)] = &[
    ("alpha", "shape"),
    ("beta", "rate"),
    ("df", "nu"),
    ("disp", "dispersion"),
    ("loc", "mu"),
    ("logit", "logits"),
    ("logits", "logit"),
    ("mean", "mu"),
    ("mean", "lambda"),
    ("phi", "dispersion"),
    ("prob", "p"),
    ("probs", "p"),
    ("rate", "lambda"),
    ("scale", "sigma"),
    ("scale", "b"),
    ("sd", "sigma"),
    ("std", "sigma"),
    ("stddev", "sigma"),
    ("theta", "scale"),
    ("var", "variance"),
];

/// Sets under other names.
const SETS: &[(&str, &str)] = &[
    ("binary", "bool"),
    ("boolean", "bool"),
    ("categorical", "category"),
    ("class", "category"),
    ("double", "real"),
    ("float", "real"),
    ("float32", "real"),
    ("float64", "real"),
    ("index", "category"),
    ("int32", "int"),
    ("int64", "int"),
    ("integer", "int"),
    ("label", "category"),
    ("nat", "count"),
    ("natural", "count"),
    ("nonnegative", "nonneg"),
    ("number", "real"),
    ("positive_real", "positive"),
    ("probability", "prob"),
    ("probabilities", "simplex"),
    ("uint", "count"),
    ("vector", "real"),
];

/// The set that is spelled or meant nearly so.
pub(super) fn set<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    meant(SETS, wanted, known)
}

/// The known name that is spelled or meant nearly so.
pub(super) fn call<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    meant(CALLS, wanted, known)
}

/// The parameter that is spelled or meant nearly so.
pub(super) fn parameter<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    meant(PARAMETERS, wanted, known)
}

fn meant<'a>(table: &[(&str, &str)], wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    let mut synonyms = table.iter().filter(|(other, _)| *other == wanted).map(|&(_, name)| name);
    let synonym = synonyms.find_map(|name| known.iter().copied().find(|known| *known == name));
    synonym.or_else(|| crate::diag::nearest(wanted, known.iter().copied()))
}
