#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::source::NoFiles;

fn check(text: &str) -> Analysis {
    analyze(&Source::new("-e", text), &NoFiles, &Options::default())
}

fn codes(text: &str) -> Vec<&'static str> {
    check(text).diagnostics.iter().map(|diagnostic| diagnostic.code.0).collect()
}

#[test]
fn the_three_programs_compile() {
    for text in ["poisson(k | λ)", "normal(x | μ, softplus(s))", "hinge(d(a,p) - d(a,n) + α)"] {
        let analysis = check(text);
        assert!(analysis.diagnostics.is_empty(), "{text}: {:?}", analysis.diagnostics);
    }
}

#[test]
fn a_raw_scale_is_an_error_with_two_edits() {
    let analysis = check("normal(x | μ, s)");
    assert_eq!(analysis.diagnostics.len(), 1, "{:?}", analysis.diagnostics);
    let diagnostic = &analysis.diagnostics[0];
    assert_eq!(diagnostic.code.0, "E0203");
    let edits: Vec<&str> =
        diagnostic.helps.iter().filter_map(|help| help.edit.as_ref()).map(|edit| edit.text.as_str()).collect();
    assert_eq!(edits, ["softplus(s)", "exp(s)"]);
    for edit in diagnostic.helps.iter().filter_map(|help| help.edit.as_ref()) {
        let mut text = String::from("normal(x | μ, s)");
        text.replace_range(edit.span.range(), &edit.text);
        assert!(codes(&text).is_empty(), "{text}");
    }
}

#[test]
fn whole_batch_mining_compiles() {
    let text = "predict z : real[batch, m]\ndata y : category[batch]\nconst α = 0.2\nmean[i] hinge(max[p where y[p] == y[i] and p != i] d(z[i], z[p])\n            - min[q where y[q] != y[i]] d(z[i], z[q]) + α)";
    let analysis = check(text);
    let codes: Vec<&str> = analysis.diagnostics.iter().map(|found| found.code.0).collect();
    assert_eq!(codes, ["W0104"], "{:?}", analysis.diagnostics);
    assert!(analysis.hir.whole_batch);
}

#[test]
fn programs_that_compile() {
    for text in [
        "data k : count[N]\npredict η : real[N]\nparam φ : positive[N] = 1\nconst w = 1e-3\nλ = softplus(η)\nspikes: k ~ neg_binomial(mean = λ, dispersion = φ)\nsmooth: w * mean[i] η[i]²",
        "k ~ zero_inflated(sigmoid(z), poisson(softplus(η)))",
        "0.3 * normal(x | 0, 1) + 0.7 * normal(x | 2, 3)",
        "p = sigmoid(z)\np * normal(x | 0, 1) + (1 - p) * normal(x | 2, 3)",
        "predict v : real[K]\npredict m : real[K]\n∑[k] softmax(v)[k] * normal(x | m[k], 1)",
        "param w : simplex[K]\npredict m : real[K]\n∑[k] w[k] * normal(x | m[k], 1)",
        "categorical(y | softmax(z))",
        "categorical(y | logits = z)",
        "gamma(x | mean = exp(m), cv = softplus(c))",
        "minimize huber(x - y | 1)",
        "data x : real[T]\nsum[t where t > 0] (x[t] - x[t - 1])²",
        "data t : nonneg\ndata event : bool\npredict s : real\nif event == 1 then exponential(t | exp(s)) else exponential(t | exp(s))",
        "nll(normal(x | μ, 1)) + 0.1 * μ²",
        "predict s : real\nlog(if s > 0 then s else 1)",
        "mixture([0.2, 0.8], poisson(k | 1), poisson(k | 9))",
    ] {
        let analysis = check(text);
        assert!(analysis.diagnostics.is_empty(), "{text}: {:#?}", analysis.diagnostics);
    }
}

#[test]
fn mistakes_have_their_code() {
    for (text, expected) in [
        ("posson(k | λ)", "E0301"),
        ("normal(x | μ, 1) + 0.1 * μ²", "E0501"),
        ("log(s)", "E0202"),
        ("x / y", "E0202"),
        ("normal(x | μ)", "E0303"),
        ("normal(x | μ, sigm = 1)", "E0302"),
        ("poisson(λ)", "E0304"),
        ("a: x²\na: y²", "E0306"),
        ("data x : real[N]\nx²", "E0403"),
        ("data x : real\nsum(x)", "E0401"),
        ("a = b + 1\nb = a\na²", "E0601"),
        ("fn f(x) = f(x)\nf(1)", "E0602"),
        ("0.3 * poisson(k | 1) + 0.3 * poisson(k | 9)", "E0503"),
        ("poisson(k | 1) + poisson(k | 9)", "E0502"),
        ("data x : real\npoisson(x | 2)", "E0201"),
        ("predict k : count\npoisson(j | k)", "E0206"),
        ("data x : real\nx > 0", "E0504"),
        ("data x : real[T]\nsum[t] x[t - 1]", "E0405"),
        ("predict η : real", "E0606"),
        ("bernoulli(y | z)", "E0203"),
    ] {
        assert_eq!(codes(text), [expected], "{text}: {:#?}", check(text).diagnostics);
    }
}
