//! The command line as its users meet it: exit status, what goes to stdout and what to stderr, what is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod shared;

use serde_json::Value;
use shared::lossc;
use std::fs;
use std::path::Path;

#[test]
fn looking_for_a_run_creates_nothing_and_names_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "u\n1\n").unwrap();
    for arguments in [
        &["runs", "show", "tuesday"][..],
        &["runs", "diff", "tuesday", "x"],
        &["runs", "rm", "tuesday"],
        &["report", "tuesday"],
        &["predict", "tuesday", "--data", "table.csv", "-o", "out.csv"],
        &["train", "--resume", "tuesday"],
    ] {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--runs", "none"]].concat());
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}");
        assert_eq!(said, "error: no run `tuesday` in none\n", "{arguments:?}");
        assert!(!folder.path().join("none").exists(), "{arguments:?} creates a store");
    }
}

#[test]
fn a_file_is_no_folder_of_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "u\n1\n").unwrap();
    for arguments in [&["runs", "list"][..], &["runs", "show", "x"], &["report", "x"], &["train", "--resume", "x"]] {
        let (status, _, said) = lossc(folder.path(), &[arguments, &["--runs", "table.csv"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        let expected = "error: table.csv is a file: the runs are kept in a folder, so give --runs the folder\n";
        assert_eq!(said, expected, "{arguments:?}");
    }
}

/// Whatever is wrong, `--format json` says so in an object on stdout.
#[test]
fn every_fault_is_json_where_json_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "k\n1\n").unwrap();
    fs::write(folder.path().join("binary.loss"), b"normal(x | \xff, 1)").unwrap();
    fs::write(folder.path().join("wrong.yaml"), "progam: x\n").unwrap();
    let plain = [
        &["check", "missing.loss"][..],
        &["eval", "missing.loss", "--data", "table.csv"],
        &["eval", "-e", "poisson(k | 1)", "--data", "missing.csv"],
        &["eval", "-e", "poisson(k | 1)", "--data", "table.csv", "--set", "z=1"],
        &["train", "missing.yaml"],
        &["runs", "show", "x"],
        &["report", "x"],
        &["predict", "x", "--data", "table.csv", "-o", "out.csv"],
    ];
    for arguments in plain {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"));
        assert_eq!(value["ok"], Value::Bool(false), "{arguments:?}");
        assert_eq!(said, format!("error: {}\n", value["error"].as_str().unwrap()), "{arguments:?}");
    }
    let placed = [
        (&["check", "binary.loss"][..], "E0101"),
        (&["check", "-e", "poisson(k | )"], "E0303"),
        (&["eval", "-e", "normal(k | 0, -1)", "--data", "table.csv"], "E0203"),
        (&["train", "wrong.yaml"], "S0001"),
    ];
    for (arguments, code) in placed {
        let (status, out, said) = lossc(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!((status, said.as_str()), (1, ""), "{arguments:?}");
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"));
        assert_eq!(value["ok"], Value::Bool(false), "{arguments:?}");
        assert_eq!(value["diagnostics"][0]["code"], code, "{arguments:?}: {out}");
    }
}

/// Predictions and pages replace their own kind, never the input table, other files only when told to.
#[test]
fn no_file_of_somebody_else_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let table: String =
        std::iter::once("u,x\n".to_owned()).chain((0..60).map(|i| format!("{i},{}\n", i % 7))).collect();
    fs::write(at("t.csv"), &table).unwrap();
    let spec = "program: \"predict μ : real; normal(x | μ, 1)\"\nname: ok\n\
                data: {table: t.csv, inputs: u, standardize: inputs, split: {valid: 0.2, test: 0.2}}\n\
                network: [{dense: 4}]\noptimizer: {adamw: {lr: 1e-3}}\ntrain: {epochs: 1, batch: 16}\nmetrics: [nll]\n";
    fs::write(at("ok.yaml"), spec).unwrap();
    let (status, _, said) = lossc(folder.path(), &["train", "ok.yaml", "-q"]);
    assert_eq!(status, 0, "{said}");
    let predict = |out: &str, more: &[&str]| {
        let (status, _, said) =
            lossc(folder.path(), &[&["predict", "ok", "--data", "t.csv", "-q", "-o", out], more].concat());
        (status, said)
    };
    for force in [&[][..], &["--force"]] {
        let (status, said) = predict("./t.csv", force);
        assert!(status == 1 && said.contains("is the table itself"), "{said}");
    }
    let report = |out: &str, more: &[&str]| {
        let (status, _, said) = lossc(folder.path(), &[&["report", "ok", "-o", out], more].concat());
        (status, said)
    };
    let (status, said) = report("t.csv", &[]);
    assert!(status == 1 && said.contains("holds no page of lossc") && said.contains("--force"), "{said}");
    assert_eq!(fs::read_to_string(at("t.csv")).unwrap(), table);

    fs::write(at("notes.csv"), "row,thoughts\n").unwrap();
    let (status, said) = predict("notes.csv", &[]);
    assert!(status == 1 && said.contains("holds no predictions"), "{said}");
    assert_eq!(fs::read_to_string(at("notes.csv")).unwrap(), "row,thoughts\n");
    for (out, more) in [("notes.csv", &["--force"][..]), ("notes.csv", &[]), ("new.csv", &[]), ("new.csv", &[])] {
        assert_eq!(predict(out, more), (0, String::new()), "{out} {more:?}");
    }
    for (out, more) in [("page.html", &[][..]), ("page.html", &[]), ("notes.csv", &["--force"])] {
        assert_eq!(report(out, more), (0, String::new()), "{out} {more:?}");
    }
}

#[test]
fn quiet_keeps_errors_alone_and_verbose_adds_the_pages() {
    let folder = tempfile::tempdir().unwrap();
    let warned = ["check", "-e", "param a : real\nnormal(x | 0, 1)"];
    let (status, _, said) = lossc(folder.path(), &warned);
    assert!(status == 0 && said.contains("warning[W"), "{said}");
    let page = "Wrong:\n";
    assert!(!said.contains(page), "{said}");
    let (status, _, quiet) = lossc(folder.path(), &[&warned[..], &["-q"]].concat());
    assert_eq!((status, quiet.as_str()), (0, ""));
    let (_, _, verbose) = lossc(folder.path(), &[&warned[..], &["-v"]].concat());
    assert!(verbose.starts_with(&said) && verbose.contains(page), "{verbose}");
    let (status, _, quiet) = lossc(folder.path(), &["check", "-q", "-e", "normal(x | 0, -1)"]);
    assert!(status == 1 && quiet.contains("error[E0203]"), "{quiet}");
    fs::write(folder.path().join("a.loss"), "normal(x | 0, 1)\n").unwrap();
    let (_, _, said) = lossc(folder.path(), &["check", "--fix", "a.loss"]);
    assert_eq!(said, "a.loss: 0 edits applied\n");
    let (_, _, quiet) = lossc(folder.path(), &["check", "--fix", "a.loss", "-q"]);
    assert_eq!(quiet, "");
}

fn evaluated(folder: &Path, program: &str, more: &[&str]) -> Value {
    let arguments = [&["eval", "-e", program, "--data", "table.csv", "--format", "json"], more].concat();
    let (_, out, said) = lossc(folder, &arguments);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}{said}"))
}

/// A name that nobody declared is differentiated by whether a column or the command line gives its value.
#[test]
fn a_free_name_set_by_hand_has_a_gradient() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "x\n1\n3\n").unwrap();
    let program = "normal(x | 0, σ)";
    let found = evaluated(folder.path(), program, &["--set", "σ=2", "--grad", "--hess"]);
    // ∂/∂σ of x²/(2σ²) + log σ: the mean over rows of 1/σ − x²/σ³, which is 1/2 − 5/8; its derivative −1/4 + 15/16.
    assert_eq!(found["grad"], serde_json::json!({"σ": -0.125}));
    assert!((found["hess"]["σ"].as_f64().unwrap() - 0.6875).abs() < 1e-7, "{found}");
    let without = evaluated(folder.path(), program, &["--set", "σ=2"]);
    assert_eq!(found["loss"], without["loss"]);
    // The observation is data, however it comes.
    let found = evaluated(folder.path(), program, &["--set", "x=1", "--set", "σ=2", "--grad"]);
    assert_eq!(found["grad"], serde_json::json!({"σ": 0.375}));
    // What only the value allows: ∂/∂s of x²/(8s²) + log s, the mean of 1 − x²/4, which is 1 − 5/4, and −1 + 15/4 once
    // more; of (x − μ)²/8 the mean of −x/4, and ¼.
    let found = evaluated(folder.path(), "normal(x | μ, 2·s)", &["--set", "s=1", "--set", "μ=0", "--grad", "--hess"]);
    assert_eq!(found["grad"], serde_json::json!({"s": -0.25, "μ": -0.5}));
    let second = |name: &str| found["hess"][name].as_f64().unwrap();
    assert!((second("s") - 2.75).abs() < 1e-7 && (second("μ") - 0.25).abs() < 1e-7, "{found}");
    // A value on the border of what is allowed has no derivative: it stays a constant.
    let found = evaluated(folder.path(), "x² + sqrt(s − 1)", &["--set", "s=1", "--grad"]);
    assert!(found["loss"] == 5.0 && found["grad"]["s"].is_null(), "{found}");
    // The weight of a mixture: with densities f and g, the mean of −(f − g)/(½f + ½g), where f/g is e^(½ − x).
    let mixture = "x ~ w*normal(0, 1) + (1 − w)*normal(1, 1)";
    let found = evaluated(folder.path(), mixture, &["--set", "w=0.5", "--grad"])["grad"]["w"].as_f64().unwrap();
    let slope = |x: f64| -2.0 * ((0.5 - x).exp() - 1.0) / ((0.5 - x).exp() + 1.0);
    assert!((found - (slope(1.0) + slope(3.0)) / 2.0).abs() < 1e-14, "{found}");
    let found = evaluated(folder.path(), mixture, &["--set", "w=1.5", "--grad"]);
    assert!(
        found["diagnostics"][0]["help"][0]["message"].as_str().unwrap().contains("`w` has its value 1.5"),
        "{found}"
    );
    let found = evaluated(folder.path(), program, &["--set", "σ=-2", "--grad"]);
    assert_eq!(found["diagnostics"][0]["code"], "E0203", "{found}");
    let found = evaluated(folder.path(), "const w = 2; w·x²", &["--wrt", "w", "--grad"]);
    assert!(found["error"].as_str().unwrap().contains("`w` is a constant"), "{found}");
}

/// A number given by hand is in the unit of its declaration, and in the set of its name.
#[test]
fn a_constant_set_by_hand_is_in_its_own_unit() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "k,rate\n2,20\n").unwrap();
    let program = "const bin = 50 ms; const two = 2*bin; data rate : positive in Hz; poisson(k | rate * bin + 0*two)";
    // 20 Hz · 0.1 s = 2: 2 − 2 log 2 + log 2.
    let found = evaluated(folder.path(), program, &["--set", "bin=100"])["loss"].as_f64().unwrap();
    assert!((found - (2.0 - std::f64::consts::LN_2)).abs() < 1e-14, "{found}");
    let twice = program.replace("rate * bin + 0*two", "rate * two");
    // 20 Hz · 0.2 s = 4: 4 − 2 log 4 + log 2.
    let found = evaluated(folder.path(), &twice, &["--set", "bin=100"])["loss"].as_f64().unwrap();
    assert!((found - (4.0 - 3.0 * std::f64::consts::LN_2)).abs() < 1e-14, "{found}");
    for (program, set, expected) in [
        ("const a = 1; normal(k | a, 1)", "a=inf", "`a` is given the value inf, which is outside real"),
        ("param a : positive = 1; normal(k | a, 1)", "a=-2", "`a` is given the value -2, which is outside positive"),
        ("normal(k | a, 1)", "a=-inf", "`a` is given the value -inf, which is outside real"),
    ] {
        let found = evaluated(folder.path(), program, &["--set", set]);
        assert_eq!(found["diagnostics"][0]["code"], "E0203", "{found}");
        assert_eq!(found["diagnostics"][0]["message"], expected);
    }
    for program in ["const a = 1e39; normal(k | a, 1)", "normal(k | 1e39, 1)"] {
        let found = evaluated(folder.path(), program, &["--dtype", "f32"])["error"].to_string();
        assert!(found.contains("1e39") && found.contains("--dtype f64"), "{found}");
        assert!(evaluated(folder.path(), program, &[])["loss"].is_number());
    }
}

/// What f32 rounds to 0 or to infinity is no value of the support any more.
#[test]
fn f32_is_told_what_it_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let single = |table: &str, more: &[&str]| {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        evaluated(folder.path(), "normal(x | 0, σ)", &[&["--dtype", "f32"], more].concat())["error"].to_string()
    };
    let error = single("x,σ\n1,1\n1e39,1\n", &[]);
    assert!(error.contains("table.csv: row 2 (line 3), column `x`") && error.contains("--dtype f64"), "{error}");
    let error = single("x,σ\n1,1\n1,1e-50\n", &[]);
    assert!(error.contains("row 2 (line 3), column `σ`") && error.contains("when rounded to f32"), "{error}");
    let error = single("x\n1\n", &["--set", "σ=1e-50"]);
    assert!(error.contains("`σ` is 1e-50") && error.contains("--dtype f64"), "{error}");
    assert_eq!(single("x,σ\n1e39,1e-50\n", &["--engine", "interpret"]), "null");
}

#[test]
fn structures_are_checked_where_they_come_from_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let loss = |table: &str, program: &str| {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        evaluated(folder.path(), program, &[])
    };
    let factor = "data L : cholesky[2, 2]; sum[i, j] L[i, j]²";
    let head = "L[0][0],L[0][1],L[1][0],L[1][1]\n";
    assert_eq!(loss(&format!("{head}1,0,2,3\n"), factor)["loss"], 14.0);
    for wrong in ["1,1,2,3", "1,0,2,-3", "0,0,2,3"] {
        let found = loss(&format!("{head}{wrong}\n"), factor);
        assert!(found["error"].as_str().is_some_and(|text| text.contains("cholesky")), "{wrong}: {found}");
    }
    let shares = "data p : simplex[3]; sum(p²)";
    assert!(loss("p[0],p[1],p[2]\n0.333,0.333,0.334\n", shares)["loss"].is_number());
    assert!(loss("p[0],p[1],p[2]\n0.333,0.333,0.333\n", shares)["error"].is_string());
}

/// `check`, `explain` and the notebook say in the same words what a name can be.
#[test]
fn a_domain_reads_the_same_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let program = "data c : category(3); predict p : simplex[3]; categorical(c | p)";
    let (_, checked, _) = lossc(folder.path(), &["check", "-e", program]);
    let (_, explained, _) = lossc(folder.path(), &["explain", "-e", program]);
    for domain in ["c : category(3)", "p : simplex[3]"] {
        assert!(checked.contains(domain), "{checked}");
        assert!(explained.contains(domain), "{explained}");
    }
    let (_, json, _) = lossc(folder.path(), &["check", "--format", "json", "-e", program]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["names"][1]["axes"], serde_json::json!([3]));
    assert_eq!(json["names"][1]["support"], "simplex");
}

/// The likelihood is printed as it was written: names, weights, and in LaTeX the notation that the library gives.
#[test]
fn explain_keeps_the_spelling_and_uses_the_notation() {
    let folder = tempfile::tempdir().unwrap();
    let explained = |program: &str, to: &str| lossc(folder.path(), &["explain", "-e", program, "--to", to]).1;
    for (program, likelihood) in [
        ("poisson(k | softplus(η))", "k ~ poisson(λ = softplus(η))"),
        ("poisson(k | softplus(eta))", "k ~ poisson(lambda = softplus(eta))"),
        ("predict λ : positive; poisson(k | λ)", "k ~ poisson(λ)"),
        ("0.3·normal(x | 0, 1) + 0.7·normal(x | μ, 2)", "x ~ 0.3 · normal(μ = 0, σ = 1) + 0.7 · normal(μ, σ = 2)"),
        ("normal(x | 0, 1) ^ 0.5", "x ~ (normal(mu = 0, sigma = 1))^0.5"),
        ("param π : simplex[K]; ∑[k] π[k]·normal(y | μ[k], 1)", "y ~ ∑[k] π[k] · normal(μ = μ[k], σ = 1)"),
        ("data k : count[3]; predict λ : positive[3]; ∏[n] poisson(k[n] | λ[n])", "k[n] ~ ∏[n] poisson(λ = λ[n])"),
    ] {
        let text = explained(program, "text");
        assert!(text.contains(&format!("{likelihood}\n")), "{program}: {text}");
    }
    for (program, likelihood) in [
        ("param s : positive; normal(x | μ, s)", r"x \sim \mathcal{N}(\mu, s^2)"),
        ("param s : positive; normal(x | μ, 2·s)", r"x \sim \mathcal{N}(\mu, \left(2\,s\right)^2)"),
        ("param v : positive; normal(x | μ, variance = v)", r"x \sim \operatorname{normal}\left("),
        ("gamma(x | 2, 3)", r"x \sim \mathrm{Gamma}(2, 3)"),
        ("hurdle(sigmoid(z), poisson(k | 2))", r"\mathrm{Poisson}(2))"),
        ("param w : simplex[K]; ∑[k] w[k]·normal(y | μ[k], 1)", r"y \sim \sum_{k} w_{k}\, \mathcal{N}(\mu _{k}, 1^2)"),
    ] {
        let latex = explained(program, "latex");
        assert!(latex.contains(likelihood), "{program}: {latex}");
    }
}

#[test]
fn corners_of_tables_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text, expected) in [
        ("both.csv", "k,λ,lambda\n1,2,3\n", "both.csv: the columns `λ` and `lambda` are one name to a program"),
        ("quote.csv", "k,note\n1,\"a \"\"b\"\"\"\n2,\"open\n3,c\n", "quote.csv: line 3: a quote opens here"),
        ("text.npz", "k\n1\n", "text.npz: it is text, and its name says NPZ"),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
        let (status, _, said) = lossc(folder.path(), &["eval", "-e", "poisson(k | 1)", "--data", file]);
        assert!(status == 1 && said.contains(expected), "{said}");
    }
    let closed = "k,note\n1,\"a \"\"b\"\"\n c\"\n2,5\" disk\n";
    fs::write(folder.path().join("closed.csv"), closed).unwrap();
    let (status, _, said) = lossc(folder.path(), &["eval", "-e", "poisson(k | 1)", "--data", "closed.csv"]);
    assert_eq!((status, said.as_str()), (0, ""));
}

/// A prior under the mean: the rows' mean plus −log p(w)/rows, and the table may be a part of all rows.
#[test]
fn the_number_of_rows_is_the_tables_unless_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "x\n1\n2\n3\n4\n").unwrap();
    let program = "data x : real; param w : real = 2; (x - w)²; exponential(1 | 1) ^ (1/rows)";
    let loss = |more: &[&str]| {
        let arguments = ["eval", "-e", program, "--data", "table.csv", "--format", "json"];
        let (status, out, said) = lossc(folder.path(), &[&arguments, more].concat());
        assert_eq!(status, 0, "{said}");
        serde_json::from_str::<Value>(&out).unwrap()["loss"].as_f64().unwrap()
    };
    // (1 + 0 + 1 + 4)/4 = 1.5, and −log e⁻¹ = 1 over the rows.
    assert!((loss(&[]) - 1.75).abs() < 1e-12);
    assert!((loss(&["--set", "rows=100"]) - 1.51).abs() < 1e-12);
}

/// Draws of a program on a table: what is drawn is left of a bar, and the rest is handed on.
#[test]
fn draws_are_a_table_that_can_be_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..400).map(|at| format!("{}\n", -1.0 + f64::from(at) / 200.0)).collect();
    fs::write(folder.path().join("t.csv"), format!("eta\n{rows}")).unwrap();
    let program = "poisson(k | log_rate = η)";
    let sample = |more: &[&str]| {
        let (status, out, said) = lossc(folder.path(), &[&["sample", "-e", program, "--data", "t.csv"], more].concat());
        assert_eq!(status, 0, "{said}");
        out
    };
    let drawn = sample(&["--seed", "7"]);
    assert!(drawn.starts_with("row,draw,k,η\n1,1,") && drawn.lines().count() == 401, "{drawn}");
    assert_eq!(drawn, sample(&["--seed", "7"]));
    assert_ne!(drawn, sample(&["--seed", "8"]));
    // A row's draws do not depend on how many others there are.
    let three = sample(&["--seed", "7", "--draws", "3"]);
    assert!(drawn.lines().all(|line| three.lines().any(|other| other == line)));
    assert_eq!(sample(&["--seed", "7", "-o", "k.csv"]), "");
    assert_eq!(fs::read_to_string(folder.path().join("k.csv")).unwrap(), drawn);
    let arguments = ["eval", "-e", program, "--data", "k.csv", "--format", "json"];
    let (status, out, said) = lossc(folder.path(), &arguments);
    assert_eq!(status, 0, "{said}");
    // The mean entropy of these Poisson laws, as the sum of −p·log p: 1.3114; ± 5 standard errors.
    let loss = serde_json::from_str::<Value>(&out).unwrap()["loss"].as_f64().unwrap();
    assert!((loss - 1.3114).abs() < 0.2, "{loss}");
    let json: Value = serde_json::from_str(&sample(&["--format", "json", "--draws", "2"])).unwrap();
    assert_eq!(json["rows"], 400);
    assert_eq!(json["samples"].as_array().unwrap().len(), 800);
    assert_eq!(json["samples"][1]["draw"], 2.0);
}

/// What cannot be drawn is refused at its place, before anything is written.
#[test]
fn what_is_no_law_is_not_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (program, code, expected) in [
        ("normal(x | 0, 1) * normal(x | 1, 1)", "E0801", "more than one density"),
        ("data x : positive; normal(log(x) | 0, 1)", "E0801", "is an expression"),
        ("poisson(k | 2); (k − 2)²", "E0801", "this cost is about `k`"),
        ("normal(a | b, 1); normal(b | a, 1)", "E0801", "neither can be drawn first"),
        ("normal(x | 0, 1) / normal(x | 0, 2)", "E0801", "a ratio of densities"),
        ("data k : count; normal(k | 5, 2)", "E0801", "whole numbers only"),
        ("x²", "E0801", "nothing stands left of a bar"),
        ("interval(normal(_ | 0, 1), a, b)", "E0801", "the probability of a range"),
        ("data x : real[2]; normal(x[0] | 0, 1)", "E0801", "only some of the elements"),
        ("data x : unit; normal(x | 0, 1)", "E0802", "adds up to 0.341345, not to 1"),
        ("poisson(k | 1e13)", "E0802", "too many whole numbers"),
        ("posson(k | 1)", "E0301", "poisson"),
        ("poisson(k | 3) ^ 2", "E0801", "how much an observation counts"),
        ("data w : nonneg; poisson(k | 3) ^ w", "E0801", "how much an observation counts"),
    ] {
        let (status, out, said) = lossc(folder.path(), &["sample", "-e", program]);
        assert_eq!((status, out.as_str()), (1, ""), "{program}: {said}");
        assert!(said.contains(code) && said.contains(expected), "{program}: {said}");
        let (_, out, _) = lossc(folder.path(), &["sample", "-e", program, "--format", "json"]);
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["diagnostics"][0]["code"], code, "{program}");
    }
    let (status, _, said) = lossc(folder.path(), &["sample", "-e", "poisson(k | 1)", "--draws", "0"]);
    assert!(status == 2 && said.contains("--draws"), "{said}");
    let (status, _, said) = lossc(folder.path(), &["sample", "-e", "poisson(k | λ)"]);
    assert!(status == 1 && said.contains("give it one with `--set λ=…`"), "{said}");
}

/// What is drawn first is what another density depends on; elements and parameters have their own draws.
#[test]
fn names_are_drawn_in_the_order_of_their_densities() {
    let folder = tempfile::tempdir().unwrap();
    let program = "data x : real[2]\nparam μ : real\nx ~ normal(μ, 1e-9)\nnormal(μ | 0, 10) ^ (1/rows)";
    let (status, out, said) = lossc(folder.path(), &["sample", "-e", program, "--rows", "2", "--draws", "2"]);
    assert_eq!(status, 0, "{said}");
    let lines: Vec<Vec<f64>> =
        out.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    assert!(out.starts_with("row,draw,x[0],x[1],μ\n") && lines.len() == 4, "{out}");
    for line in &lines {
        assert!((line[2] - line[4]).abs() < 1e-7 && (line[3] - line[4]).abs() < 1e-7, "{out}");
        assert!(line[2] != line[3], "{out}");
    }
    assert!(lines[0][4] == lines[2][4] && lines[1][4] == lines[3][4] && lines[0][4] != lines[1][4], "{out}");
    let (_, given, _) = lossc(folder.path(), &["sample", "-e", program, "--set", "μ=3"]);
    assert!(
        given.starts_with("row,draw,x[0],x[1]\n1,1,3.0") || given.starts_with("row,draw,x[0],x[1]\n1,1,2.99"),
        "{given}"
    );
}

/// What is wrong with a spec or with a file that it names is shown in the spec, with line and key.
#[test]
fn mistakes_of_a_spec_have_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|i| format!("{},{}\n", f64::from(i) / 10.0, i % 7)).collect();
    fs::write(folder.path().join("t.csv"), format!("u,x\n{rows}")).unwrap();
    fs::write(folder.path().join("empty.csv"), "").unwrap();
    // The end record of a ZIP archive without entries.
    fs::write(folder.path().join("empty.npz"), [&b"PK\x05\x06"[..], &[0; 18]].concat()).unwrap();
    let spec = |seed: &str, table: &str, warmup: u32| {
        let text = format!(
            "program: \"predict m : real; param s : positive; normal(x | m, s)\"\nseed: {seed}\n\
             data: {{table: {table}, inputs: u}}\nnetwork: [{{dense: 2}}]\noptimizer: {{adamw: {{lr: 0.01}}}}\n\
             schedule: {{cosine: {{warmup: {warmup}}}}}\ntrain: {{steps: 2, batch: 32}}\n"
        );
        fs::write(folder.path().join("s.yaml"), text).unwrap();
        lossc(folder.path(), &["train", "s.yaml"])
    };
    for (seed, table, place, message) in [
        ("1", "none.csv", "s.yaml:3:15", "none.csv: no such file"),
        ("1", "empty.csv", "s.yaml:3:15", "empty.csv: empty"),
        ("1", "empty.npz", "s.yaml:3:15", "empty.npz: an archive without a single array"),
        ("99999999999999999999", "t.csv", "s.yaml:2:7", "the number of `seed` is too large"),
    ] {
        let (status, _, said) = spec(seed, table, 0);
        assert!(status == 1 && said.contains(place) && said.contains(message), "{said}");
    }
    let (status, out, said) = spec("1", "t.csv", 1000);
    let all = format!("{out}{said}");
    assert_eq!(status, 0, "{all}");
    assert!(all.contains("s.yaml:6:21: warning: `warmup` is 1000 steps, and the run has 2"), "{all}");
    let (_, shown, _) = lossc(folder.path(), &["runs", "show", "latest"]);
    assert!(shown.lines().any(|line| line.starts_with("  s = ")), "{shown}");
}
