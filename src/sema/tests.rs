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
        "dot(l2_normalize(a), b)",
        "dot(exp(a), 2 * softmax(b))",
        "sum[k] a[k] * b[k]",
        "param c : simplex[3]\n∑[k] c[k] * normal(x | μ[k], 1)",
        "data x : real[T]\nsum[t where t > 0] (x[t] - x[t - 1])²",
        "data t : nonneg\ndata event : bool\npredict s : real\nif event == 1 then exponential(t | exp(s)) else exponential(t | exp(s))",
        "nll(normal(x | μ, 1)) + 0.1 * μ²",
        "predict s : real\nlog(if s > 0 then s else 1)",
        "mixture([0.2, 0.8], poisson(k | 1), poisson(k | 9))",
        "param w : real\nnormal(x | w, 1)\nnormal(w | 0, 1) ^ (1/rows)",
        "n = rows - 1\nx² / rows + 0.1 * n * μ²",
        "data rows : count\npoisson(rows | λ)",
        "param c : ordered[2]\nordered_logistic(y | η, c)",
        "param L : cholesky[m, m]\ndata x : real\n(sum[i] log(L[i, i])) * x²",
        "const c : real[4] = 3\nsum[i] c[i] * x²",
    ] {
        let analysis = check(text);
        assert!(analysis.diagnostics.is_empty(), "{text}: {:#?}", analysis.diagnostics);
    }
}

/// Files by name.
struct Files(&'static [(&'static str, &'static str)]);

impl Loader for Files {
    fn load(&self, path: &str, _: &str) -> Result<Source, String> {
        let found = self.0.iter().find(|(name, _)| *name == path).ok_or("there is none")?;
        Ok(Source::new(path, found.1))
    }
}

#[test]
fn files_are_used_through_files_and_not_in_circles() {
    let check = |files: &'static [(&'static str, &'static str)], text: &str| {
        let diagnostics = analyze(&Source::new("p.loss", text), &Files(files), &Options::default()).diagnostics;
        diagnostics.into_iter().map(|found| (found.code.0, found.message)).collect::<Vec<_>>()
    };
    let program = "use \"a.loss\"\nuse \"b.loss\"\nf(x)²";
    let chain = &[("a.loss", "use \"b.loss\"\nfn f(x) = g(x)"), ("b.loss", "fn g(x) = x")];
    assert_eq!(check(chain, program), []);
    let found = check(&[("a.loss", "use \"c.loss\"\nfn f(x) = x"), ("b.loss", "fn g(x) = x")], program);
    assert_eq!(found, [("E0605", "`a.loss` uses it: there is none".to_owned())]);
    let ours: &[_] = &[("a.loss", "use \"b.loss\"\nfn f(x) = x"), ("b.loss", "use \"a.loss\"")];
    let back: &[_] = &[("a.loss", "use \"p.loss\"\nfn f(x) = x"), ("b.loss", ""), ("p.loss", "")];
    for (files, circle) in [(ours, "`a.loss` → `b.loss` → `a.loss`"), (back, "`p.loss` → `a.loss` → `p.loss`")]
    {
        let found = check(files, program);
        assert!(found.iter().any(|(code, message)| *code == "E0605" && message.contains(circle)), "{found:?}");
        assert!(found.len() <= 2, "{found:?}");
    }
}

/// One file beside the program.
struct Beside(&'static str);

impl Loader for Beside {
    fn load(&self, path: &str, _: &str) -> Result<Source, String> {
        Ok(Source::new(path, self.0))
    }
}

#[test]
fn numbers_of_a_used_file_are_read_there() {
    let diagnostics = |library: &'static str, text: &str| {
        let diagnostics = analyze(&Source::new("-e", text), &Beside(library), &Options::default()).diagnostics;
        diagnostics.into_iter().map(|found| (found.code.0, found.span.range(), found.message)).collect::<Vec<_>>()
    };
    let used = "use \"f.loss\"\nbernoulli(y | f(0.25))";
    assert_eq!(diagnostics("fn f(x : real(0, 1/2)) = x", used), []);
    // A support of a variate, too: 2 lies outside.
    let half = "distribution half(x : real(0, 1/2) | a : real)\n  log density a * x\n";
    assert_eq!(diagnostics(half, "use \"f.loss\"\nconst c = 0.25\nhalf(c | a)"), []);
    let found = diagnostics(half, "use \"f.loss\"\nconst c = 2\nhalf(c | a)");
    assert_eq!(found.iter().map(|(code, ..)| *code).collect::<Vec<_>>(), ["E0203", "E0201"], "{found:?}");
    let found = diagnostics("fn nll(x) = x", used);
    assert_eq!((found[0].0, found[0].1.clone()), ("E0605", 4..12), "{found:?}");
    // What is wrong with the file is said where it is brought in.
    let found = diagnostics("fn f(x : real(1, 0)) = x", used);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1.clone()), ("E0605", 4..12));
    assert!(found[0].2.contains("1:10: the ends of an interval"), "{}", found[0].2);
}

#[test]
fn the_elements_of_a_simplex_are_the_weights_of_a_mixture() {
    let mixture = "w[0] * normal(x | 0, 1) + w[1] * normal(x | 1, 1) + w[2] * normal(x | μ, 2)";
    let others = "w[2] * normal(x | 0, 1) + (w[0] * normal(x | 1, 1) + w[1] * normal(x | μ, 2))";
    for raw in [false, true] {
        for (declared, mixture) in [
            ("predict z : real[3]\nw = softmax(z)", mixture),
            ("param w : simplex[3]", mixture),
            ("param w : simplex[3]", others),
            ("param v : simplex[4, 3]\nw = v[1]", mixture),
        ] {
            let text = format!("{declared}\n{mixture}");
            let analysis = analyze(&Source::new("-e", text.as_str()), &NoFiles, &Options { raw, ..Options::default() });
            assert!(analysis.diagnostics.is_empty(), "{text}: {:?}", analysis.diagnostics);
        }
    }
    let helps = |text: &str| {
        let found = check(text).diagnostics;
        assert_eq!(found.iter().map(|found| found.code.0).collect::<Vec<_>>(), ["E0503"], "{text}: {found:?}");
        found[0].helps[0].message.clone()
    };
    let missing = helps("param w : simplex[3]\nw[0] * normal(x | 0, 1) + w[2] * normal(x | μ, 1)");
    assert!(missing.ends_with("use element 1 too"), "{missing}");
    for wrong in [
        "param w : simplex[3]\nw[0] * normal(x | 0, 1) + w[1] * normal(x | 1, 1) + w[1] * normal(x | μ, 1)",
        "param w : simplex[2]\nparam v : simplex[2]\nw[0] * normal(x | 0, 1) + v[1] * normal(x | μ, 1)",
        "param w : simplex[K]\nw[0] * normal(x | 0, 1) + w[1] * normal(x | μ, 1)",
    ] {
        let help = helps(wrong);
        assert!(help.starts_with("use all elements of one simplex vector of known size"), "{help}");
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
        ("fn f(a) = a²\nfn f(b) = b\nf(x)", "E0306"),
        ("x ~ zero_inflated(0.4, censored(normal(0, 1), lower = 0))", "E0305"),
        ("x ~ hurdle(0.4, zero_inflated(0.5, exponential(1)))", "E0305"),
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
        ("fn sum(a, b) = a + b\nsum(x, y)²", "E0306"),
        ("fn nll(a) = a\nnll(x)²", "E0306"),
        ("distribution crps(x : real | a : real)\n  log density a\ncrps(x | a)", "E0306"),
        ("sum(x, y)²", "E0303"),
        ("poisson(rows | 3)", "E0304"),
        ("sum(rows) * x²", "E0401"),
        ("rows[1] * x²", "E0401"),
        ("x² / (rows - 1)", "E0202"),
        ("crsp(x)²", "E0301"),
        ("const c : real[3] = [10, 20]\nsum[i] c[i] * x²", "E0402"),
        ("param a : positive[3] = [1, 2]\nsum[i] a[i] * x²", "E0402"),
        ("param w : simplex[3] = 0.2\ncategorical(y | w)", "E0402"),
        ("param w : simplex[3] = [0.2, 0.2, 0.2]\ncategorical(y | w)", "E0203"),
        ("param c : ordered[2] = [1, 0]\nordered_logistic(y | η, c)", "E0203"),
        ("param L : cholesky[2, 2] = [1, 1, 0, 1]\nL[1, 0] * x²", "E0203"),
        ("param L : cholesky[2]\nL[1] * x²", "E0401"),
        ("param L : cholesky[2, 3]\nL[1, 0] * x²", "E0401"),
        ("param w : simplex\nw * x²", "E0401"),
        ("param L : cholesky[2, 2]\nlog(L[1, 0]) * x²", "E0202"),
    ] {
        assert_eq!(codes(text), [expected], "{text}: {:#?}", check(text).diagnostics);
    }
}

/// Each condition of a chain knows those before it, and none after it.
#[test]
fn conditions_of_a_chain_know_what_stands_before_them() {
    let text = "predict x : real\nif x > 1 and log(x) > 1 and log(log(x)) > 1 and log(log(log(x))) > 0 then x else 0";
    assert_eq!(codes(text), [""; 0]);
    let text = "predict x : real\nif log(x) > 1 and x > 0 then x else 0";
    assert_eq!(codes(text), ["E0202"]);
    // What follows an `or` knows nothing of the chain before it.
    let text = "predict x : real\nif x > 0 and x < 9 or log(x) > 1 and x < 5 then x else 0";
    assert_eq!(codes(text), ["E0202"]);
}

#[test]
fn a_value_from_outside_is_blamed_on_where_it_comes_from() {
    let options = Options { set: HashMap::from([("a".into(), 1.0)]), set_by: "`--set`", ..Options::default() };
    for (text, found) in [("normal(x | 0, a - 2)", "`a - 2` is -1"), ("normal(x | 0, -a)", "`-a` is -1")] {
        let program = format!("const a = 9\n{text}");
        let said = analyze(&Source::new("-e", program), &NoFiles, &options).diagnostics;
        assert!(said[0].message.ends_with(found), "{said:?}");
        assert_eq!(said[0].helps[0].message, "`a` has its value 1 from `--set`: give it another");
    }
}

#[test]
fn of_very_many_mistakes_the_first_are_shown() {
    let said = check(&"poisson(k | -1)\n".repeat(10_000)).diagnostics;
    assert_eq!(said.len(), 101);
    assert_eq!(said[100].message, "and 9900 more mistakes, which are not shown");
    assert_eq!(said[99].span.start, 99 * 16 + 12);
}
