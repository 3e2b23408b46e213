//! What other tools call the things of this language: for suggestions only.

/// Functions and distributions under other names.
const CALLS: &[(&str, &str)] = &[
    ("bce", "bernoulli"),
    ("binom", "binomial"),
    ("dist", "d"),
    ("distance", "d"),
    ("euclidean", "d"),
    ("expit", "sigmoid"),
    ("expon", "exponential"),
    ("gauss", "normal"),
    ("gaussian", "normal"),
    ("inv_logit", "sigmoid"),
    ("l1", "manhattan"),
    ("l2", "d"),
    ("ln", "log"),
    ("lognorm", "lognormal"),
    ("mae", "absolute_error"),
    ("mse", "squared_error"),
    ("nbinom", "neg_binomial"),
    ("negative_binomial", "neg_binomial"),
    ("nll_loss", "nll"),
    ("smooth_l1", "huber"),
    ("t", "student_t"),
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
