//! Messages about tables, numbers and arguments, as they are said on the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod shared;

use shared::lossc;
use std::fs;

/// Numbers are shown as they were written or with an exponent, sets with what is in them, and one mistake once.
#[test]
fn a_message_shows_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    for (program, table, expected) in [
        ("poisson(k | 3)", "k\n1e400\n", "found `1e400`, but `k` needs count: a whole number, 0 or more"),
        (
            "data x : nonneg; normal(x | 3, 1)",
            "x\n2\n-1e-320\n",
            "found -1e-320, but `x` needs nonneg: a number, 0 or more",
        ),
        ("data x : prob; normal(x | 3, 1)", "x\n2\n", "`x` needs prob: a number from 0 to 1"),
        ("data x : unit; normal(x | 3, 1)", "x\n1\n", "`x` needs unit: a number above 0 and below 1"),
        ("data x : real(-3, 4e-7]; normal(x | 3, 1)", "x\n1\n", "needs (-3, 4e-7]: a number above -3 and at most 4e-7"),
        ("data x : category(3); normal(x | 3, 1)", "x\n7\n", "needs category(3): a whole number from 0 to 2"),
        ("data x : bool; normal(x | 3, 1)", "x\n7\n", "needs bool: 0 or 1, false or true"),
        (
            "data x : simplex[2]; normal(sum(x) | 3, 1)",
            "x[0],x[1]\n1,2\n",
            "needs simplex: numbers, 0 or more, that add up to 1",
        ),
        (
            "data x : real; data w : real; exponential(x | 1) ^ w",
            "x,w\n-1,1\n",
            "error: table.csv: row 1 (line 2), column `x`: found -1, but `x` needs at least 0\n",
        ),
        ("const a = 1e-400\nnormal(x | a, 1)", "x\n1\n", "error[E0107]"),
        ("data x : real[1e400, inf]\nnormal(x | 0, 1)", "x\n1\n", "error[E0107]"),
    ] {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        let (status, _, said) = lossc(folder.path(), &["eval", "-e", program, "--data", "table.csv"]);
        assert!(status == 1 && said.contains(expected), "{program}: {said}");
        assert_eq!(said.matches("error").count(), 1, "{program}: {said}");
    }
}

/// What is no table, or not the table that the program wants, by what it is and how to mend it.
#[test]
fn a_table_that_does_not_fit_is_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let vector = "param w : real[2]; data x : real[2]; y ~ normal(dot(w, x), 1)";
    for (program, table, expected) in [
        ("poisson(k | 2)", &b"{\"k\": 1}\n"[..], "table.csv: JSON; a table is CSV text"),
        ("poisson(k | 2)", b"[{\"k\": 1}]", "JSON"),
        ("poisson(k | 2)", b"PAR1\x15\x04", "a Parquet file"),
        ("poisson(k | 2)", b"PK\x03\x04\x14\0\0\0\0\0[Content_Types].xml", "an Excel workbook"),
        ("poisson(k | 2)", b"<!doctype html>", "HTML or XML"),
        ("poisson(k | 2)", b"k\xff,j\n1,2\n", "is not UTF-8 text"),
        (
            "poisson(k | x)",
            b"k,X\n1,2\n",
            "`x`: nothing gives it a value: give it one with `--set x=\u{2026}`, or a column (there are `k`, `X`; did you mean `X`?)",
        ),
        ("poisson(k | 2)", b"k,j\n1\n", "row 1 (line 2): 1 cell where the header has 2"),
        (
            vector,
            b"y,x0,x1\n1,2,3\n",
            "in columns `x[0]`, `x[1]` \u{2026}, or one of lists such as `[1, 2]`: no column `x` (did you mean `x0`?)",
        ),
        (vector, b"y,x\n1,2\n", "`x`: the program has 2 values a row, the table 1 value; they stand in columns `x[0]`"),
        (vector, b"y,x[0],x[1],x[2]\n1,2,3,4\n", "`x`: the program has 2 values a row, the table 3 values"),
    ] {
        fs::write(folder.path().join("table.csv"), table).unwrap();
        let (status, _, said) = lossc(folder.path(), &["eval", "-e", program, "--data", "table.csv"]);
        assert!(status == 1 && said.contains(expected), "{program}: {said}");
        assert_eq!(said.matches("error").count(), 1, "{program}: {said}");
    }
    fs::write(folder.path().join("table.csv"), "[k],k\n1,2\n").unwrap();
    let (status, out, said) = lossc(folder.path(), &["eval", "-e", "poisson(k | 2)", "--data", "table.csv"]);
    assert!(status == 0 && out.contains("(mean of 1 row)"), "{out}{said}");
}

/// What the arguments leave open or say twice.
#[test]
fn arguments_that_do_not_go_together_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("table.csv"), "k\n1\n2\n").unwrap();
    let table = ["--data", "table.csv"];
    for (arguments, status, expected) in [
        (&["eval", "-", "--data", "-"][..], 2, "program and table cannot both be standard input"),
        (&["sample", "-", "--data", "-"], 2, "program and table cannot both be standard input"),
        (
            &["eval", "-e", "poisson(k|λ)", "--set", "λ=1", "--set", "lambda=2"],
            2,
            "--set lambda: the name has two values, 1 and 2",
        ),
        (
            &["eval", "-e", "poisson(k|λ)"],
            1,
            "`λ`: nothing gives it a value: give it one with `--set λ=…`, or a column",
        ),
        (
            &["eval", "-e", "poisson(k|2)", "--engine", "interpret", "--dtype", "f32"],
            0,
            "the interpreter computes in f64",
        ),
    ] {
        let more: &[&str] = if arguments.contains(&"-") { &[] } else { &table };
        let (found, _, said) = lossc(folder.path(), &[arguments, more].concat());
        assert!(found == status && said.contains(expected), "{arguments:?}: {found}: {said}");
    }
}

/// A missing table is told beside what else is wrong with the spec, once.
#[test]
fn a_missing_file_is_one_of_all_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let told = |program: &str, layer: &str| {
        let spec = format!(
            "program: \"{program}\"\ndata: {{table: {{train: none.csv, valid: [nor.csv]}}, inputs: u}}\nnetwork: [{{{layer}: 4}}]\n\
             heads: {{z: {{}}}}\noptimizer: adam\ntrain: {{epochs: 1}}\n"
        );
        fs::write(folder.path().join("s.yaml"), spec).unwrap();
        let (status, _, said) = lossc(folder.path(), &["train", "s.yaml"]);
        assert_eq!(status, 1, "{said}");
        said
    };
    let said = told("normal(x | z, 1)", "dens");
    for expected in ["`dens` is unknown here", "s.yaml:2:23", "none.csv: no such file", "nor.csv: no such file"] {
        assert_eq!(said.matches(expected).count(), 1, "{expected}: {said}");
    }
    let said = told("normal(x | z + q, 1)", "dense");
    assert!(said.contains("`q` of the program is bound to nothing") && said.contains("none.csv"), "{said}");
    let said = told("normal(x | z, 1)", "dense");
    assert_eq!(said.matches("none.csv: no such file").count(), 1, "{said}");
}

/// A training says what is odd about its program, and where a column that the program asks for is looked for.
#[test]
fn a_training_says_what_is_odd_and_what_to_bind() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..20).map(|at| format!("{at},1\n")).collect();
    fs::write(folder.path().join("t.csv"), format!("u,y\n{rows}")).unwrap();
    let train = |program: &str| {
        let spec =
            format!("program: \"{program}\"\ndata: {{table: t.csv, inputs: u}}\ntrain: {{steps: 1, batch: 4}}\n");
        fs::write(folder.path().join("s.yaml"), spec).unwrap();
        let (status, out, said) = lossc(folder.path(), &["train", "s.yaml"]);
        (status, format!("{out}{said}"))
    };
    let (status, said) = train("predict m : real; param q : real; normal(y | m, 1)");
    assert!(status == 0 && said.contains("warning[W0101]") && said.contains("1 step, 1 epoch,"), "{said}");
    let (status, said) = train("predict m : real; normal(u | m, 1)");
    assert!(status == 0 && said.contains("warning: input `u` is also what the loss observes"), "{said}");
    let (status, said) = train("predict m : real; normal(z | m, 1)");
    assert!(status == 1 && said.contains("s.yaml:2:1"), "{said}");
    assert!(said.contains("`bind: {z: column}` under `data` says which column it is"), "{said}");
    fs::write(folder.path().join("s.yaml"), "hello\n").unwrap();
    let (_, _, said) = lossc(folder.path(), &["train", "s.yaml"]);
    assert!(said.contains("error[S0002]: this is a spec (a mapping with"), "{said}");
}
