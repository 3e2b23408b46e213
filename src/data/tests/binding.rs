use super::*;
use crate::ir::support::Interval;
use options::{Bind, OnInvalid};

fn bound(table: &Table, wanted: &[Wanted], binds: &[(&str, &str)]) -> Result<Bound, DataErrors> {
    let binds: Vec<Bind> = binds
        .iter()
        .map(|(name, columns)| Bind { name: (*name).into(), columns: columns.split(' ').map(Into::into).collect() })
        .collect();
    bind(table, wanted, &binds, &BTreeMap::new(), OnInvalid::Error)
}

fn named(name: &str) -> Vec<Dim> {
    vec![Dim::Named(name.into())]
}

#[test]
fn scalars_indexed_columns_lists_and_globs_bind() {
    let table = table("k,x[1],x[0],v,n0,n1\n1,10,20,\"[1, 2, 3]\",5,6\n0,30,40,\"[4,5,6]\",7,8\n");
    let wanted = [
        Wanted::scalar("k", Support::count()),
        Wanted::array("x", named("K"), Support::real()),
        Wanted::array("v", vec![Dim::Size(3)], Support::real()),
        Wanted::array("c", vec![Dim::Any], Support::count()),
    ];
    let bound = bound(&table, &wanted, &[("c", "n*")]).unwrap();
    let found: Vec<_> = bound.columns.iter().map(|column| (column.dims.clone(), column.values.clone())).collect();
    assert_eq!(found[0], (vec![], vec![1.0, 0.0]));
    assert_eq!(found[1], (vec![2], vec![20.0, 10.0, 40.0, 30.0]));
    assert_eq!(found[2], (vec![3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(found[3], (vec![2], vec![5.0, 6.0, 7.0, 8.0]));
    assert_eq!(bound.axes, BTreeMap::from([("K".to_owned(), 2)]));
    assert_eq!(bound.columns[3].row(1), [7.0, 8.0]);
}

#[test]
fn two_subscripts_make_a_matrix() {
    let table = table("w[0][0],w[1][0],w[0][1],w[1][1],w[0][2],w[1][2]\n1,4,2,5,3,6\n");
    let wanted = [Wanted::array("w", vec![Dim::Size(2), Dim::Any], Support::real())];
    let bound = bound(&table, &wanted, &[]).unwrap();
    assert_eq!(
        (bound.columns[0].dims.clone(), bound.columns[0].values.clone()),
        (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    );
}

#[test]
fn greek_and_ascii_spellings_are_one_name() {
    let table = table("lambda\n2\n");
    assert_eq!(bound(&table, &[Wanted::scalar("λ", Support::positive())], &[]).unwrap().columns[0].values, [2.0]);
}

#[test]
fn every_value_outside_its_support_is_named() {
    let table = table("k,s\n3,1\n-1,0\n3.5,\n,NaN\n");
    let wanted = [Wanted::scalar("k", Support::count()), Wanted::scalar("s", Support::positive())];
    let text = bound(&table, &wanted, &[]).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "t.csv: row 2 (line 3), column `k`: found -1, but `k` needs count: a whole number, 0 or more",
            "t.csv: row 3 (line 4), column `k`: found 3.5, but `k` needs count: a whole number, 0 or more",
            "t.csv: row 4 (line 5), column `k`: found an empty cell, but `k` needs count: a whole number, 0 or more",
            "t.csv: row 2 (line 3), column `s`: found 0, but `s` needs positive: a number above 0",
            "t.csv: row 3 (line 4), column `s`: found an empty cell, but `s` needs positive: a number above 0",
            "t.csv: row 4 (line 5), column `s`: found NaN, but `s` needs positive: a number above 0",
        ]
    );
}

#[test]
fn words_where_numbers_belong_are_named_and_counted() {
    let rows: String = (0..25).map(|row| if row == 3 { "7\n".to_owned() } else { format!("bad{row}\n") }).collect();
    let text =
        bound(&table(&format!("k\n{rows}")), &[Wanted::scalar("k", Support::count())], &[]).unwrap_err().to_string();
    assert!(
        text.starts_with(
            "t.csv: row 1 (line 2), column `k`: found `bad0`, but `k` needs count: a whole number, 0 or more"
        ),
        "{text}"
    );
    assert!(text.ends_with("… and 14 more values of `k` like these"), "{text}");
}

#[test]
fn a_column_without_a_number_is_one_mistake() {
    let text = bound(&table("k\nfew\nmany\nnone\n"), &[Wanted::scalar("k", Support::count())], &[]).unwrap_err();
    let lines = "t.csv: row 1 (line 2), column `k`: found `few`, but `k` needs count: a whole number, 0 or more\n… and 2 more values of `k` like these";
    assert_eq!(text.to_string(), lines);
    // Lists of different lengths are no array.
    let text = bound(&table("k\n\"[1, 2]\"\n[3]\n"), &[Wanted::scalar("k", Support::count())], &[]).unwrap_err();
    assert!(text.to_string().ends_with("… and 1 more value of `k` like this"), "{text}");
}

#[test]
fn an_element_of_a_vector_is_named_by_its_column() {
    let table = table("n0,n1\n1,2\n3,-4\n");
    let text =
        bound(&table, &[Wanted::array("k", named("N"), Support::count())], &[("k", "n0..n1")]).unwrap_err().to_string();
    assert_eq!(text, "t.csv: row 2 (line 3), column `n1`: found -4, but `k` needs count: a whole number, 0 or more");
}

#[test]
fn an_observation_outside_may_pass_as_infinitely_improbable_but_nan_never() {
    let wanted = [Wanted::scalar("k", Support::count())];
    let lenient = |text: &str| bind(&table(text), &wanted, &[], &BTreeMap::new(), OnInvalid::Inf);
    let bound = lenient("k\n1\n-1\n2.5\n").unwrap();
    assert_eq!((bound.columns[0].values.clone(), bound.columns[0].outside.clone()), (vec![1.0, -1.0, 2.5], vec![1, 2]));
    assert!(lenient("k\n1\nNaN\n").is_err());
    let parameter = [Wanted { observation: false, ..Wanted::scalar("s", Support::positive()) }];
    assert!(bind(&table("s\n-1\n"), &parameter, &[], &BTreeMap::new(), OnInvalid::Inf).is_err());
}

#[test]
fn words_are_coded_in_sorted_order_and_codes_are_checked() {
    let any = |size| Wanted::scalar("y", Support::new("category", "codes", Values::Category(size)));
    let words = bound(&table("y\nrose\nash\nrose\noak\n"), &[any(Dim::Named("K".into()))], &[]).unwrap();
    assert_eq!(words.columns[0].values, [2.0, 0.0, 2.0, 1.0]);
    assert_eq!(words.columns[0].labels.as_deref().unwrap(), ["ash", "oak", "rose"]);
    assert_eq!(words.axes["K"], 3);
    let fixed = Wanted { labels: Some(vec!["oak".into(), "ash".into(), "rose".into(), "fir".into()]), ..any(Dim::Any) };
    assert_eq!(bound(&table("y\nrose\nash\n"), &[fixed], &[]).unwrap().columns[0].values, [2.0, 1.0]);
    let text = bound(&table("y\n0\n3\n"), &[any(Dim::Size(3))], &[]).unwrap_err().to_string();
    assert!(text.contains("row 2") && text.contains("found 3"), "{text}");
    assert!(bound(&table("y\n0\nrose\n"), &[any(Dim::Any)], &[]).is_err());
    let lenient = |text: &str| bind(&table(text), &[any(Dim::Size(3))], &[], &BTreeMap::new(), OnInvalid::Inf);
    assert_eq!(lenient("y\n0\n3\n").unwrap().columns[0].outside, [1]);
    assert!(lenient("y\n0\nNaN\n").is_err());
}

#[test]
fn missing_cells_are_named_however_they_are_spelt() {
    let wanted = [Wanted::scalar("s", Support::positive())];
    let said = |text: &str| bound(&table(text), &wanted, &[]).unwrap_err().to_string();
    let text = said("k,s\n1,NaN\n2,NA\n3,\n4,-1\n5,1\n");
    for (row, found) in [(1, "`NaN`"), (2, "`NA`"), (3, "an empty cell"), (4, "`-1`")] {
        let line = format!(
            "t.csv: row {row} (line {}), column `s`: found {found}, but `s` needs positive: a number above 0",
            row + 1
        );
        assert!(text.contains(&line), "{line}: {text}");
    }
    assert_eq!(text.lines().count(), 4, "{text}");
    // A column of words is one mistake.
    assert_eq!(said("k,s\n1,a\n2,b\n3,\n").lines().count(), 2);
}

#[test]
fn truth_is_spelt_in_words_or_digits() {
    let wanted = [Wanted::scalar("b", Support::numbers(Interval::BOOL))];
    assert_eq!(bound(&table("b\ntrue\n0\nFalse\n1\n"), &wanted, &[]).unwrap().columns[0].values, [1.0, 0.0, 0.0, 1.0]);
    assert!(bound(&table("b\ntrue\n2\n"), &wanted, &[]).is_err());
}

#[test]
fn shapes_and_names_that_do_not_fit_are_all_reported() {
    let table = table("km,n0,n1,x[0],x[2]\n1,2,3,4,5\n");
    let wanted = [
        Wanted::array("a", named("N"), Support::real()),
        Wanted::array("b", named("N"), Support::real()),
        Wanted::scalar("c", Support::real()),
        Wanted::scalar("kk", Support::real()),
        Wanted::array("x", vec![Dim::Any], Support::real()),
    ];
    let text = bound(&table, &wanted, &[("a", "n0 n1"), ("b", "km n0 n1"), ("c", "n*"), ("zz", "km")])
        .unwrap_err()
        .to_string();
    for part in [
        "`b`: the program has N values a row (axis N is 2), the table 3 values",
        "`c`: the program has 1 value a row, the table 2 values; declare it with an axis, `c[N]`, or bind one column",
        "the loss's data `kk`: no column `kk` (did you mean `km`?)",
        "`x`: its columns reach up to 3 values but there are 2",
        "bind: zz: the loss has no data of this name",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

#[test]
fn a_simplex_is_tested_row_by_row() {
    let simplex = |row: &[f64]| row.iter().all(|&p| p >= 0.0) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-9;
    let support = Support::new("simplex", "shares", Values::Vector(1, std::sync::Arc::new(simplex)));
    let wanted = [Wanted::array("p", vec![Dim::Any], support)];
    let text = bound(&table("p[0],p[1]\n0.5,0.5\n0.5,0.6\n"), &wanted, &[]).unwrap_err().to_string();
    assert!(text.starts_with("t.csv: row 2 (line 3), column `p[0]`"), "{text}");
}

#[test]
fn one_bad_cell_does_not_take_the_truth_values_with_it() {
    let blamed =
        |text: &str, support| match &bound(&table(text), &[Wanted::scalar("b", Support::numbers(support))], &[])
            .unwrap_err()
            .0[0]
        {
            DataError::Values(bad) => bad.first.iter().map(|bad| bad.value.clone()).collect::<Vec<_>>(),
            other => panic!("{other}"),
        };
    assert_eq!(blamed("b\nTrue\nyes\n2\n", Interval::BOOL), ["`yes`", "`2`"]);
    // Among numbers it is the truth value that does not belong.
    assert_eq!(blamed("b\n1.5\nTrue\n2.5\n", Interval::REAL), ["`True`"]);
}

#[test]
fn a_value_that_rounding_to_f32_takes_out_of_its_support_is_named() {
    // The largest f32 is 3.4e38 and the smallest above zero 1.4e-45; the f32 nearest to π is above π.
    let narrow = |support, text: &str| {
        let wanted = [Wanted { narrow: Some("scale the column"), ..Wanted::scalar("x", support) }];
        bound(&table(text), &wanted, &[]).map_err(|error| error.to_string())
    };
    let found = "t.csv: row 2 (line 3), column `x`: found 1e39, but `x` needs real \
                 when rounded to f32: scale the column";
    assert_eq!(narrow(Support::real(), "x\n1\n1e39\n").unwrap_err(), found);
    let error = narrow(Support::positive(), "x\n1e-40\n1e-50\n").unwrap_err();
    assert!(error.starts_with("t.csv: row 2 ") && error.contains("needs positive when rounded to f32"), "{error}");
    assert!(narrow(Support::numbers(Interval::UNIT), "x\n0.99999999999\n").is_err());
    assert!(narrow(Support::numbers(Interval::ANGLE), "x\n3.141592653589793\n").is_ok());
    assert!(narrow(Support::nonneg(), "x\n1e-50\n3e38\n").is_ok());
    assert!(bound(&table("x\n1e39\n"), &[Wanted::scalar("x", Support::real())], &[]).is_ok());
}
