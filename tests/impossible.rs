//! Observations of probability 0, from the command line: in `eval` and in training.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod shared;

use serde_json::Value;
use shared::lossc;
use std::fs;
use std::path::Path;

fn evaluated(folder: &Path, program: &str, more: &[&str]) -> Value {
    let arguments = [&["eval", "-e", program, "--data", "table.csv", "--format", "json"], more].concat();
    let (_, out, said) = lossc(folder, &arguments);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}{said}"))
}

/// An impossible row is +∞ and still, whether or not another row is possible.
#[test]
fn impossible_rows_have_gradient_zero() {
    let folder = tempfile::tempdir().unwrap();
    let found = |table: &str, program: &str| {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        evaluated(folder.path(), program, &["--on-invalid", "inf", "--per-row", "--grad", "--hess"])
    };
    let none = found("x,a,b\n0,1,2\n", "gamma(x | a, b)");
    assert_eq!(none["per_row"], serde_json::json!(["Infinity"]));
    assert_eq!(none["grad"], serde_json::json!({"a": [0.0], "b": [0.0]}));
    assert_eq!(none["hess"], none["grad"]);
    let shared = found("x\n0\n", "param a : positive[2]; gamma(x | sum(a), 1)");
    assert_eq!(shared["grad"], serde_json::json!({"a": [0.0, 0.0]}), "{shared}");
    let classes = found("y,z[0],z[1]\n5,0,1\n0,0,0\n", "categorical(y | logits=z)");
    assert_eq!(classes["per_row"][0], "Infinity", "{classes}");
    // Softmax of equal logits: p − [y = k].
    assert_eq!(classes["grad"]["z"], serde_json::json!([[0.0, 0.0], [-0.5, 0.5]]));
}

/// Where terms are about all rows at once, an impossible row makes them +∞ and takes none away from the others: a mean
/// divides by all rows.
#[test]
fn impossible_rows_of_a_whole_batch_still_count() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "k,x,e\n2,2,1\n-1,-1,2\n3,3,4\n").unwrap();
    let found = |program: &str| {
        let all = ["--on-invalid", "inf", "--grad", "--hess", "--per-row"];
        evaluated(folder.path(), &format!("predict e : positive[batch]\nsmooth: mean[i] e[i]^2\n{program}"), &all)
    };
    let close = |found: &Value, expected: [f64; 3]| {
        let found: Vec<f64> = found.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}, not {expected:?}");
    };
    // (1 + 4 + 16)/3, with slope 2e/3. What lies outside its declared set makes its term +∞ whatever e is.
    let declared = found("data k : count[batch]\nfit: mean[i] nll(poisson(k[i] | e[i]))");
    assert_eq!(declared["terms"], serde_json::json!({"smooth": 7.0, "fit": "Infinity"}), "{declared}");
    assert_eq!((&declared["loss"], &declared["per_row"]), (&"Infinity".into(), &Value::Null));
    close(&declared["grad"]["e"], [2.0 / 3.0, 4.0 / 3.0, 8.0 / 3.0]);
    close(&declared["hess"]["e"], [2.0 / 3.0; 3]);
    // What its density excludes has gradient 0, beside (x − 1/e)/3 of the others.
    let excluded = found("data x : real[batch]\nfit: mean[i] nll(exponential(x[i] | e[i]))");
    assert_eq!(excluded["terms"], serde_json::json!({"smooth": 7.0, "fit": "Infinity"}), "{excluded}");
    close(&excluded["grad"]["e"], [2.0 / 3.0 + 1.0 / 3.0, 4.0 / 3.0, 8.0 / 3.0 + 2.75 / 3.0]);
    let alone = evaluated(
        folder.path(),
        "data k : count[batch]; predict e : positive[batch]; sum[i] nll(poisson(k[i] | e[i]))",
        &["--on-invalid", "inf", "--grad", "--hess"],
    );
    assert_eq!((&alone["loss"], &alone["grad"]["e"]), (&"Infinity".into(), &serde_json::json!([0.0, 0.0, 0.0])));
}

/// What a density excludes by the other values of a row is an error in that row, and with `--on-invalid inf` a loss of
/// +∞ with gradient 0; a probability of 0 inside the support is neither.
#[test]
fn what_the_row_excludes_is_named_with_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let found = |table: &str, program: &str, more: &[&str]| {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        evaluated(folder.path(), program, &[&["--per-row", "--grad"], more].concat())
    };
    let uniform = "data a : real\ndata w : positive\ndistribution uniform(x : real | a : real, w : positive)\n  log density if x >= a and \
                   x <= a + w then -log(w) else -inf\nuniform(x | a, w)";
    for (program, table, expected) in [
        (
            "truncated(normal(x | 0, 1), lower = 0)",
            "x\n-1\n2\n",
            "row 1 (line 2), column `x`: found -1, but `x` needs at least 0",
        ),
        ("binomial(k | 5, p)", "k,p\n2,0.5\n6,0.5\n", "row 2 (line 3), column `k`: found 6, but `k` needs at most 5"),
        (
            "binomial(k | n, p)",
            "k,n,p\n6,5,0.5\n7,4,0.5\n",
            "needs at most 5 (`n`)\ntable.csv: row 2 (line 3), column `k`: found 7, but `k` needs at most 4 (`n`)",
        ),
        (uniform, "x,a,w\n2,0,1\n", "column `x`: found 2, but `x` needs at most 1 (`a + w`)"),
        (
            "data x : real; gamma(2·x - 1 | 2, 1)",
            "x\n0.25\n",
            "column `x`: found 0.25, but `x` needs `2·x - 1` above 0",
        ),
        (
            "data x : real[2]; lognormal(x | 0, 1)",
            "x[0],x[1]\n1,-3\n",
            "column `x[1]`: found -3, but `x` needs above 0",
        ),
        (
            "data k : real; hurdle(k | 0.3, poisson(2))",
            "k\n0\n2.5\n",
            "row 2 (line 3), column `k`: found 2.5, but `k` needs to be 0 or a whole number",
        ),
        (
            "data a : real; data b : real; truncated(normal(x | 0, 1), lower = a, upper = b)",
            "x,a,b\n2,3,1\n",
            "column `x`: found 2, but `x` needs at least 3 (`a`) and at most 1 (`b`)",
        ),
        (
            "ordered_logistic(y | 0.5, [-1, 0, 2])",
            "y\n3\n4\n",
            "row 2 (line 3), column `y`: found 4, but `y` needs at most 3",
        ),
        (
            "data b : real; nll(truncated(normal(x | 0, 1), upper = b)) + 1",
            "x,b\n2,1\n",
            "found 2, but `x` needs at most 1 (`b`)",
        ),
    ] {
        let error = found(table, program, &[])["error"].to_string().replace("\\n", "\n");
        assert!(error.contains(expected), "{program}: {error}");
        let lenient = found(table, program, &["--on-invalid", "inf"]);
        assert_eq!(lenient["loss"], "Infinity", "{program}: {lenient}");
    }
    // What a prediction excludes is no mistake of the data: +∞ with gradient 0 in that row, and said.
    let predicted = found("x,b\n2,1\n0,1\n", "predict b : real; truncated(normal(x | 0, 1), upper = b)", &[]);
    assert_eq!((&predicted["loss"], &predicted["per_row"][0]), (&"Infinity".into(), &"Infinity".into()), "{predicted}");
    assert_eq!(predicted["grad"]["b"][0], 0.0, "{predicted}");
    // The terms that cannot be are infinite, of whatever kind, and no others: half a square and log √2π is the prior's.
    let mixed = "param mu = 1\nprior: normal(mu | 0, 1)\nseen: nll(truncated(normal(x | mu, 1), lower = 0))";
    let lenient = found("x\n-1\n2\n", mixed, &["--on-invalid", "inf"]);
    assert_eq!(lenient["terms"]["seen"], "Infinity", "{lenient}");
    assert!((lenient["terms"]["prior"].as_f64().unwrap() - 1.418_938_533_204_672_7).abs() < 1e-14, "{lenient}");
    // 2 of 5 at p = 1/2: log(32/10), and its slope −(2/p − 3/(1 − p)); the mean with the impossible row is +∞.
    let lenient = found("k,p\n6,0.5\n2,0.5\n", "binomial(k | 5, p)", &["--on-invalid", "inf"]);
    assert_eq!((&lenient["grad"]["p"], &lenient["per_row"][0]), (&serde_json::json!([0.0, 2.0]), &"Infinity".into()));
    assert!((lenient["per_row"][1].as_f64().unwrap() - 3.2f64.ln()).abs() < 1e-14, "{lenient}");
    assert_eq!(found("k,λ\n3,0\n", "poisson(k | λ)", &[])["loss"], "Infinity");
    assert_eq!(found("x\n0\n", "data x : real; hurdle(x | 0.5, lognormal(0, 1))", &[])["error"], Value::Null);
}

/// Training leaves rows out whose loss is infinite whatever is predicted; it says and records how many.
#[test]
fn rows_of_probability_zero_are_left_out_of_training() {
    let folder = tempfile::tempdir().unwrap();
    let spec = |program: &str, more: &str| {
        let text = format!(
            "program: \"{program}\"\ndata:\n  table: table.csv\n  inputs: [u]\n{more}  split: {{blocks: {{rows: 10}}, \
             valid: 0.2, test: 0.2}}\nheads: {{z: {{}}}}\noptimizer: {{adam: {{lr: 1e-2}}}}\ntrain: {{epochs: 1, batch: 16}}\n"
        );
        fs::write(folder.path().join("a.yaml"), text).unwrap();
        lossc(folder.path(), &["train", "a.yaml", "--format", "json"])
    };
    let table = |bad: &str, rows: &[usize]| {
        let row = |at: usize| format!("0.{at:02},{},4\n", if rows.contains(&at) { bad } else { "1" });
        let rows: String = (0..60).map(row).collect();
        fs::write(folder.path().join("table.csv"), format!("u,k,n\n{rows}")).unwrap();
    };
    for (program, bad) in
        [("data k : count; poisson(k | softplus(z))", "-1"), ("data n : count; binomial(k | n, logit = z)", "9")]
    {
        table(bad, &[3, 41, 59]);
        let (code, _, said) = spec(program, "");
        assert!(code == 1 && said.contains("row 42 (line 43), column `k`"), "{said}");
        let (code, out, said) = spec(program, "  on_invalid: inf\n");
        assert_eq!(code, 0, "{said}");
        let left_out = said.split_once("of probability 0: ").unwrap().1.split(';').next().unwrap();
        let count = |text: &str| -> usize { text.split_once(' ').unwrap().0.parse().unwrap() };
        assert_eq!(left_out.split(", ").map(count).sum::<usize>(), 3, "{said}");
        let run: Value = serde_json::from_str(&out).unwrap();
        assert!(run["final"]["train"]["nll"].is_number(), "{run}");
        let (_, shown, _) = lossc(folder.path(), &["runs", "show", run["run"].as_str().unwrap(), "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["versions"]["rows left out"], left_out, "{shown}");
    }
    table("-1", &(0..60).collect::<Vec<_>>());
    let (code, out, said) = spec("data k : count; poisson(k | softplus(z))", "  on_invalid: inf\n");
    let placed = out.contains("no row is left to train on") && out.contains("\"line\":5,\"column\":3");
    assert!(code == 1 && placed, "{out}{said}");
}

/// At an end of what is possible there is one side to differentiate on.
#[test]
fn second_derivatives_at_a_bound_are_those_inside() {
    let folder = tempfile::tempdir().unwrap();
    for (table, program, name, expected) in [
        // λ and, from the second row, −3·log λ with λ⁻²·3 at λ = 0.
        ("k,λ\n0,0\n", "predict λ : nonneg\npoisson(k | λ)", "λ", [Some(0.0)].as_slice()),
        ("k,λ\n0,0\n3,0\n3,2\n", "predict λ : nonneg\nreduce sum\npoisson(k | λ)", "λ", &[Some(0.0), None, Some(0.75)]),
        // −4·log(1 − p) and −log p.
        ("k,p\n0,0\n", "predict p : prob\nbinomial(k | 4, p)", "p", &[Some(4.0)]),
        ("y,p\n1,1\n", "predict p : prob\nbernoulli(y | p)", "p", &[Some(1.0)]),
        // φ·log(1 + μ/φ) at μ = 0 has −1/φ.
        ("k,μ\n0,0\n", "predict μ : nonneg\nneg_binomial(k | mean = μ, size = 2)", "μ", &[Some(-0.5)]),
        // The bound where the observation is: log(1 − Φ(b)) at b = 1, by mpmath; beyond it the observation cannot be.
        (
            "x,b\n1,1\n3,1\n",
            "predict b : real\nreduce sum\ntruncated(normal(x | 0, 1), lower = b)",
            "b",
            &[Some(-0.800_902_334_429_651); 2],
        ),
    ] {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        for engine in ["jit", "interpret"] {
            let found = evaluated(folder.path(), program, &["--hess", "--engine", engine]);
            let hess = found["hess"][name].as_array().unwrap_or_else(|| panic!("{program}: {found}"));
            assert_eq!(hess.len(), expected.len(), "{program}: {found}");
            for (found, expected) in hess.iter().zip(expected) {
                match expected {
                    Some(expected) => assert!((found.as_f64().unwrap() - expected).abs() < 1e-8, "{program}: {hess:?}"),
                    None => assert_eq!(found, "Infinity", "{program}: {hess:?}"),
                }
            }
        }
    }
}
