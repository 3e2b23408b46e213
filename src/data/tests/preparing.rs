use super::options::*;
use super::*;

fn run(options: &DataOptions, text: &str) -> Result<Prepared, DataErrors> {
    let memory = Memory::with(&[("t.csv", text)]);
    prepare(&Intake::new(&memory), options, &[], &BTreeMap::new(), 7, None)
}

fn options(inputs: &[&str]) -> DataOptions {
    let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
    DataOptions { inputs, ..DataOptions::new(Source::Table(Files::one("t.csv"))) }
}

fn matrix(prepared: &Prepared) -> &Matrix {
    match &prepared.inputs {
        Inputs::Matrix(matrix) => matrix,
        Inputs::Images(_) => panic!("images"),
    }
}

fn lags(past: usize, future: usize) -> Lags {
    Lags { columns: Vec::new(), past, future, every: 1, now: true, within: None }
}

#[test]
fn windows_stay_within_a_recording() {
    let mut options = options(&["x"]);
    options.lags = vec![Lags { within: Some("s".into()), ..lags(1, 1) }];
    let prepared = run(&options, "s,x\na,1\na,2\na,3\nb,10\nb,20\nb,30\na,5\na,6\n").unwrap();
    // Only the middles of a and of b have both neighbours; the second stretch of a is too short.
    assert_eq!(prepared.source_rows, [1, 4]);
    assert_eq!(matrix(&prepared).values, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    assert_eq!(matrix(&prepared).names, ["x(-1)", "x", "x(+1)"]);
    assert_eq!(
        prepared.summary.to_string(),
        "2 rows: 2 train, 0 valid, 0 test; 6 dropped for want of neighbours; 3 inputs"
    );
}

#[test]
fn windows_that_never_fit_are_refused() {
    let mut options = options(&["x"]);
    options.lags = vec![lags(3, 0)];
    let error = run(&options, "x\n1\n2\n3\n").unwrap_err().to_string();
    assert_eq!(error, "lags: no row has 3 rows before and 0 after it in its recording");
    options.lags = vec![Lags { now: false, ..lags(0, 0) }];
    assert!(run(&options, "x\n1\n2\n").unwrap_err().to_string().contains("the window is empty"));
}

#[test]
fn some_columns_are_lagged_and_the_others_are_not() {
    let mut options = options(&["x", "y"]);
    options.lags = vec![Lags { columns: vec!["y".into()], every: 2, ..lags(3, 0) }];
    let prepared = run(&options, "x,y\n1,10\n2,20\n3,30\n4,40\n").unwrap();
    // Multiples of two within three rows back: −2 and 0.
    assert_eq!(matrix(&prepared).names, ["x", "y(-2)", "y"]);
    assert_eq!(matrix(&prepared).values, [3.0, 10.0, 30.0, 4.0, 20.0, 40.0]);
}

#[test]
fn standardising_sees_training_rows_only_and_leaves_constants_alone() {
    let mut options = options(&["x", "c", "raw"]);
    options.standardize = Standardize::Columns(vec!["x".into(), "c".into()]);
    let values = |value: f64| Share::Values(vec![Value::Number(value)]);
    options.split = Some(Split {
        by: SplitBy::Column { column: "fold".into() },
        valid: Share::None,
        test: values(1.0),
        seed: None,
    });
    let prepared = run(&options, "fold,x,c,raw\n0,1,7,4\n0,3,7,5\n1,100,8,6\n").unwrap();
    // Training x is {1, 3}: mean 2, deviation 1.
    assert_eq!(prepared.fitted.standardizer, Standardizer { mean: vec![2.0, 7.0, 0.0], scale: vec![1.0, 1.0, 1.0] });
    assert_eq!(matrix(&prepared).values, [-1.0, 0.0, 4.0, 1.0, 0.0, 5.0, 98.0, 1.0, 6.0]);
}

#[test]
fn logarithms_and_squares_come_before_windows() {
    let mut options = options(&["x"]);
    options.log = vec!["x".into()];
    options.squares = vec!["x".into()];
    let prepared = run(&options, "x\n1\n2.718281828459045\n").unwrap();
    assert_eq!(matrix(&prepared).names, ["x", "x_squared"]);
    assert_eq!(matrix(&prepared).values, [0.0, 0.0, 1.0, 1.0]);
    let error = run(&options, "x\n1\n0\n").unwrap_err().to_string();
    assert_eq!(error, "t.csv: row 2 (line 3), column `x`: found 0, but `x` needs a positive number, for its logarithm");
}

#[test]
fn globs_leave_out_what_is_bound_and_names_warn_of_leaks() {
    let mut options = options(&["*"]);
    options.bind = vec![Bind { name: "k".into(), columns: vec!["k".into()] }];
    options.weight = Some("w".into());
    let memory = Memory::with(&[("t.csv", "k,x,w\n1,2,0.5\n0,3,2\n")]);
    let wanted = [Wanted::scalar("k", Support::count())];
    let prepare = |options: &DataOptions| prepare(&Intake::new(&memory), options, &wanted, &BTreeMap::new(), 1, None);
    let prepared = prepare(&options).unwrap();
    assert_eq!(matrix(&prepared).names, ["x"]);
    assert_eq!(prepared.weights, Some(vec![0.5, 2.0]));
    assert!(prepared.summary.warnings.is_empty());
    options.inputs = vec!["k".into(), "x".into()];
    assert_eq!(prepare(&options).unwrap().summary.warnings.len(), 1);
}

#[test]
fn inputs_must_be_finite_numbers() {
    let error = run(&options(&["x", "y", "zz"]), "x,y\n1,2\nNaN,word\n,3\n").unwrap_err().to_string();
    assert!(error.contains("inputs: no column `zz`"), "{error}");
    let error = run(&options(&["x", "y"]), "x,y\n1,2\nNaN,word\n,3\n").unwrap_err().to_string();
    for part in [
        "row 2 (line 3), column `x`: found NaN",
        "row 3 (line 4), column `x`: found an empty cell",
        "row 2 (line 3), column `y`: found `word`",
    ] {
        assert!(error.contains(part), "{part}\nis not in\n{error}");
    }
}

#[test]
fn mistakes_in_a_split_are_named() {
    let mut options = options(&["x"]);
    let mut fails = |by: SplitBy, valid: Share, test: Share| {
        options.split = Some(Split { by, valid, test, seed: None });
        run(&options, "x,fold\n1,0\n2,0\n3,1\n").unwrap_err().to_string()
    };
    let fold = || SplitBy::Column { column: "fold".into() };
    let value = |value: f64| Share::Values(vec![Value::Number(value)]);
    assert_eq!(fails(fold(), Share::None, value(3.0)), "split: test: nothing has the value 3; there are `0`, `1`");
    assert_eq!(fails(fold(), value(1.0), value(1.0)), "split: valid: 1 is named twice");
    assert_eq!(fails(fold(), value(0.0), value(1.0)), "split: no row is left to train on");
    assert!(fails(SplitBy::Rows, Share::None, Share::Fraction(1.5)).contains("not between 0 and 1"));
    assert!(
        fails(SplitBy::Column { column: "flod".into() }, Share::None, Share::None).contains("did you mean `fold`?")
    );
    assert!(
        fails(SplitBy::Time { column: None, every_seconds: 1.0 }, Share::None, Share::None)
            .contains("needs the column of its times")
    );
    assert!(fails(SplitBy::Blocks { rows: 0 }, Share::None, Share::None).contains("at least one row"));
}

fn events(bin_seconds: f64) -> Events {
    Events {
        tables: Files::one("e.csv"),
        time: "t".into(),
        time_unit: TimeUnit::Seconds,
        unit: Some("u".into()),
        units: None,
        name: "k".into(),
        covariates: None,
        bin_seconds,
        within: None,
        start_seconds: None,
        end_seconds: None,
    }
}

fn binned(events: &Events, text: &str, covariates: &str) -> Result<super::events::Binned, DataErrors> {
    let memory = Memory::with(&[("e.csv", text), ("c.csv", covariates)]);
    super::events::bin(&Intake::new(&memory), events, &[])
}

#[test]
fn an_event_on_the_edge_belongs_to_the_bin_that_starts_there() {
    // 0.15 / 0.05 rounds to 2.9999999999999996.
    let found = binned(&events(0.05), "t,u\n0,b\n0.15,b\n0.1499,a\n0.3,a\n", "").unwrap();
    let k = found.table.column("k").unwrap();
    assert_eq!(k.dims, [2]);
    assert_eq!(values(k), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!((found.events.units, found.events.of_unit), (vec!["a".to_owned(), "b".to_owned()], vec![2, 2]));
    assert_eq!(found.start_seconds[3], 0.05 * 3.0);
}

#[test]
fn silent_units_keep_their_place_and_unknown_ones_are_named() {
    let mut events = events(1.0);
    events.units = Some(3);
    events.start_seconds = Some(1.0);
    events.end_seconds = Some(3.0);
    let found = binned(&events, "t,u\n0.5,0\n1.5,2\n2.5,2\n3,1\n", "").unwrap();
    assert_eq!(values(found.table.column("k").unwrap()), [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!((found.events.inside, found.events.outside), (2, 2));
    let error = binned(&events, "t,u\n1,3\n", "").unwrap_err().to_string();
    assert_eq!(error, "e.csv: row 1 (line 2), column `u`: found 3, but `u` needs a unit's number, 0 to 2");
}

#[test]
fn bins_whose_centre_the_covariates_cover_are_kept() {
    let mut events = events(1.0);
    events.unit = None;
    let clock = Clock::Column { time: "t".into(), unit: TimeUnit::Milliseconds };
    let tables = Files::one("c.csv");
    events.covariates = Some(Covariates { tables, clock, inputs: vec!["x".into()], resample: Resample::Average });
    // Samples from 0.4 s to 3.6 s: centres 0.5, 1.5, 2.5, 3.5 are covered. No sample lies in [1, 2): the line from (0.8, 8) to (2.2, 22) is 15 at 1.5.
    let samples = "t,x\n400,4\n800,8\n2200,22\n2600,26\n3600,36\n";
    let found = binned(&events, "t,u\n0.1,0\n3.9,0\n4.1,0\n", samples).unwrap();
    let average = values(found.table.column("x").unwrap());
    assert!((average[1] - 15.0).abs() < 1e-12);
    assert_eq!((average[0], average[2], average[3]), (6.0, 24.0, 36.0));
    assert_eq!((values(found.table.column("k").unwrap()), found.events.outside), (vec![1.0, 0.0, 0.0, 1.0], 1));
}

#[test]
fn impossible_bins_are_refused() {
    assert!(binned(&events(0.0), "t,u\n1,0\n", "").is_err());
    assert!(binned(&events(1e-12), "t,u\n1000,0\n", "").unwrap_err().to_string().contains("more than"));
    assert!(binned(&events(1.0), "t,u\nsoon,0\n", "").unwrap_err().to_string().contains("found `soon`"));
}

#[test]
fn an_input_that_f32_cannot_hold_is_named_once() {
    let mut options = options(&["x"]);
    options.standardize = Standardize::None;
    let found = "t.csv: row 2 (line 3), column `x`: found 1000000000000000000000000000000000000000, but `inputs` needs a \
                 number that f32 holds: scale the column";
    assert_eq!(run(&options, "x\n1\n1e39\n3\n").unwrap_err().to_string(), found);
    options.lags = vec![lags(1, 0)];
    assert_eq!(run(&options, "x\n1\n1e39\n3\n").unwrap_err().to_string(), found);
    // Standardised it fits, as long as its square fits in f64.
    options.lags.clear();
    options.standardize = Standardize::Inputs;
    assert!(run(&options, "x\n1\n1e39\n3\n").is_ok());
    let error = run(&options, "x\n1\n1e200\n3\n").unwrap_err().to_string();
    assert!(error.starts_with("t.csv: row 2 (line 3), column `x`") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_target_and_a_weight_are_checked_as_f32_too() {
    let memory = Memory::with(&[("t.csv", "x,y,w\n1,1e39,1\n2,2,1e39\n")]);
    let options = DataOptions { weight: Some("w".into()), ..options(&["x"]) };
    let wanted = [Wanted::scalar("y", Support::real())];
    let error = prepare(&Intake::new(&memory), &options, &wanted, &BTreeMap::new(), 7, None).unwrap_err().to_string();
    assert!(error.contains("row 1 (line 2), column `y`") && error.contains("row 2 (line 3), column `w`"), "{error}");
}
