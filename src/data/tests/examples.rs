//! The data of the examples against numpy 2.4.6: integer division of the stored decimals for the bins,
//! `reshape(...).mean`, `np.interp`, `mean` and `std` (ddof 0).

use super::options::*;
use super::*;

fn specs(folder: &str) -> Folder {
    Folder::new(format!("{}/specs/{folder}/data", env!("CARGO_MANIFEST_DIR")))
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&item| item.to_owned()).collect()
}

fn ride(resample: Resample) -> DataOptions {
    let covariates = Covariates {
        tables: Files::All(vec![FileEntry::new("covariates_a.csv.gz"), FileEntry::new("covariates_b.csv.gz")]),
        clock: Clock::Rate { hz: 60.0, start_seconds: 0.0 },
        inputs: strings(&["speed..rpm"]),
        resample,
    };
    let events = Events {
        tables: Files::one("spikes.csv.gz"),
        time: "time_ms".into(),
        time_unit: TimeUnit::Milliseconds,
        unit: Some("unit".into()),
        units: None,
        name: "k".into(),
        covariates: Some(covariates),
        bin_seconds: 0.05,
        within: None,
        start_seconds: None,
        end_seconds: None,
    };
    let values = |list: &[f64]| Share::Values(list.iter().map(|&value| Value::Number(value)).collect());
    let minutes = Split {
        by: SplitBy::Time { column: None, every_seconds: 60.0 },
        valid: values(&[1.0, 11.0]),
        test: values(&[3.0, 8.0, 13.0]),
        seed: None,
    };
    DataOptions {
        inputs: strings(&["speed..rpm"]),
        lags: vec![Lags { columns: Vec::new(), past: 6, future: 2, every: 2, now: true, within: None }],
        standardize: Standardize::Inputs,
        split: Some(minutes),
        ..DataOptions::new(Source::Events(events))
    }
}

fn counts() -> Vec<Wanted> {
    vec![Wanted::array("k", vec![Dim::Named("N".into())], Support::count())]
}

#[test]
fn the_ride_is_binned_lagged_split_and_standardised_as_numpy_does() {
    let folder = specs("spikes");
    let prepared =
        prepare(&Intake::new(&folder), &ride(Resample::Average), &counts(), &BTreeMap::new(), 1, None).unwrap();
    let events = prepared.events.as_ref().unwrap();
    assert_eq!((prepared.table.rows, events.inside, events.outside), (18000, 184_080, 0));
    assert_eq!(
        events.of_unit,
        [
            6291, 5185, 2910, 2371, 1812, 5360, 3030, 2769, 4492, 3805, 4844, 6921, 15537, 4168, 1447, 765, 7010, 1392,
            6829, 3178, 3849, 7972, 2690, 6555, 3238, 11893, 7708, 4711, 1315, 4132, 9897, 5905, 4393, 2375, 2907,
            2944, 2573, 4034, 2044, 2829
        ]
    );
    assert_eq!(prepared.bound.axes["N"], 40);
    let k = &prepared.bound.columns[0];
    let bin = prepared.source_rows.iter().position(|&row| row == 1000).unwrap();
    let busy: Vec<(usize, f64)> = k.row(bin).iter().copied().enumerate().filter(|(_, count)| *count > 0.0).collect();
    let ones = [0, 3, 6, 12, 25, 26, 27, 39];
    assert!(busy.iter().all(|(unit, count)| if *unit == 18 {
        *count == 2.0
    } else {
        *count == 1.0 && ones.contains(unit)
    }));
    assert_eq!((busy.len(), k.values.iter().copied().fold(0.0, f64::max)), (9, 13.0));
    let test: f64 = prepared.parts.test.iter().flat_map(|&row| k.row(row)).sum();
    assert_eq!(test, 35_275.0);
    assert_eq!(prepared.summary.parts, [11_992, 2400, 3600]);
    assert_eq!((prepared.summary.dropped, prepared.summary.width), (8, 60));
    let Inputs::Matrix(matrix) = &prepared.inputs else { panic!("no matrix") };
    assert_eq!(matrix.names[..5], ["speed(-6)", "speed(-4)", "speed(-2)", "speed", "speed(+2)"]);
    let fitted = &prepared.fitted.standardizer;
    close(fitted.mean[0], 16.064_378_474_538_582);
    close(fitted.scale[0], 4.765_643_506_240_818);
    close(fitted.mean[4], 16.055_353_013_119_86);
    close(fitted.scale[4], 4.750_603_918_389_041);
    let expected = [
        -0.735_342_135_841_559_6,
        -0.735_442_202_758_516_8,
        -0.732_749_130_785_93,
        -0.728_650_919_802_856_7,
        -0.723_140_272_718_17,
    ];
    for (found, expected) in matrix.row(5000).iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} is not {expected}");
    }
    assert_eq!(prepared.files.len(), 3);
    assert_eq!(prepared.files[0].sha256, "3275a250c36dca0842a59c9f30240632664a45f9f50ad4bf66d3322d56bd701c");
}

#[test]
fn covariates_come_onto_bins_by_average_or_interpolation() {
    let folder = specs("spikes");
    let speed = |resample, bins: [usize; 3]| {
        let options = ride(resample);
        let Source::Events(events) = &options.source else { panic!("no events") };
        let binned = super::events::bin(&Intake::new(&folder), events, &[]).unwrap();
        let values = values(binned.table.column("speed").unwrap());
        bins.map(|bin| values[bin])
    };
    let average = speed(Resample::Average, [0, 1000, 17999]);
    let straight = speed(Resample::Interpolate, [0, 1000, 17999]);
    for (found, expected) in average.into_iter().zip([8.013_333_333_333_334, 15.78, 14.14]) {
        close(found, expected);
    }
    for (found, expected) in straight.into_iter().zip([8.02, 15.77, 14.14]) {
        close(found, expected);
    }
}

#[test]
fn a_prediction_uses_the_shift_and_scale_of_the_run() {
    let folder = specs("spikes");
    let mut options = ride(Resample::Average);
    let run = prepare(&Intake::new(&folder), &options, &counts(), &BTreeMap::new(), 1, None).unwrap();
    options.split = None;
    if let Source::Events(Events { covariates: Some(covariates), .. }) = &mut options.source {
        covariates.tables = Files::one("covariates_a.csv.gz");
    }
    let again = prepare(&Intake::new(&folder), &options, &[], &BTreeMap::new(), 1, Some(&run.fitted)).unwrap();
    let (Inputs::Matrix(one), Inputs::Matrix(two)) = (&run.inputs, &again.inputs) else { panic!("no matrix") };
    assert_eq!((again.table.rows, again.rows), (9000, 8992));
    assert_eq!(one.row(4321), two.row(4321));
    options.lags.clear();
    let error =
        prepare(&Intake::new(&folder), &options, &[], &BTreeMap::new(), 1, Some(&run.fitted)).unwrap_err().to_string();
    assert!(error.contains("trained on 60 inputs") && error.contains("gives 12"), "{error}");
    let kept = serde_json::to_string(&run.fitted).unwrap();
    assert_eq!(serde_json::from_str::<Fitted>(&kept).unwrap(), run.fitted);
}

#[test]
fn recordings_have_clocks_of_their_own() {
    let folder = Folder::new(format!("{}/specs/spikes/data/grasshopper", env!("CARGO_MANIFEST_DIR")));
    let stimulus = |recording: u8| FileEntry {
        path: format!("stimulus{recording}_4khz.csv.gz"),
        with: vec![("recording".into(), Value::Number(f64::from(recording)))],
    };
    let covariates = Covariates {
        tables: Files::All(vec![stimulus(1), stimulus(2)]),
        clock: Clock::Rate { hz: 4000.0, start_seconds: 0.0 },
        inputs: strings(&["am"]),
        resample: Resample::Average,
    };
    let events = Events {
        tables: Files::one("spikes.csv.gz"),
        time: "time_us".into(),
        time_unit: TimeUnit::Microseconds,
        unit: None,
        units: None,
        name: "k".into(),
        covariates: Some(covariates),
        bin_seconds: 0.001,
        within: Some("recording".into()),
        start_seconds: None,
        end_seconds: None,
    };
    let values = |list: &[f64]| Share::Values(list.iter().map(|&value| Value::Number(value)).collect());
    let by = SplitBy::Time { column: None, every_seconds: 1.0 };
    let history = Lags { columns: strings(&["k"]), past: 12, future: 0, every: 1, now: false, within: None };
    let sound = Lags { columns: strings(&["am", "am_squared"]), past: 19, now: true, ..history.clone() };
    let options = DataOptions {
        inputs: strings(&["am"]),
        log: strings(&["am"]),
        squares: strings(&["am"]),
        lags: vec![sound, history],
        split: Some(Split { by, valid: values(&[2.0]), test: values(&[4.0, 9.0]), seed: None }),
        ..DataOptions::new(Source::Events(events))
    };
    let wanted = [Wanted::scalar("k", Support::count())];
    let prepared = prepare(&Intake::new(&folder), &options, &wanted, &BTreeMap::new(), 1, None).unwrap();
    assert_eq!((prepared.table.rows, prepared.rows), (20_000, 19_962));
    assert_eq!(prepared.summary.parts, [20_000 - 38 - 6000, 2000, 4000]);
    let k = super::tests::values(prepared.table.column("k").unwrap());
    assert_eq!((k[..10_000].iter().sum::<f64>(), k[10_000..].iter().sum::<f64>()), (929.0, 868.0));
    let at = |from: usize| (from..).filter(|&row| k[row] > 0.0).take(4).map(|row| row - from).collect::<Vec<_>>();
    assert_eq!((at(0), at(10_000)), (vec![6, 9, 13, 20], vec![7, 12, 17, 22]));
    let am = super::tests::values(prepared.table.column("am").unwrap());
    for (row, expected) in [
        (0, -1.350_103_575_245_460_7),
        (1234, -1.267_766_467_297_073_2),
        (9999, -1.573_619_525_584_370_3),
        (10_000, -1.537_228_500_861_932_6),
        (11_234, -2.563_319_910_524_476_6),
    ] {
        close(am[row], expected);
    }
    let Inputs::Matrix(matrix) = &prepared.inputs else { panic!("no matrix") };
    assert_eq!(
        (matrix.width(), matrix.names[20].as_str(), matrix.names[51].as_str()),
        (52, "am_squared(-19)", "k(-1)")
    );
    // The first kept row of recording 2 is its bin 19: spikes at 7, 12 and 17 are 12, 7 and 2 bins back.
    let second = prepared.source_rows.iter().position(|&row| row == 10_019).unwrap();
    let history: Vec<usize> = (1..=12).filter(|back| matrix.row(second)[52 - back] > 0.0).collect();
    assert_eq!(history, [2, 7, 12]);
    assert!(prepared.summary.warnings.is_empty());
}

#[test]
fn the_proton_has_its_temperature_from_the_spec_and_tests_on_its_own_files() {
    let folder = specs("atom");
    let entry = |t: u16, part: &str| FileEntry {
        path: format!("t{t}_{part}.csv.gz"),
        with: vec![("T".into(), Value::Number(f64::from(t)))],
    };
    let files = Files::Parts {
        train: vec![entry(300, "train"), entry(600, "train")],
        valid: Vec::new(),
        test: vec![entry(300, "test"), entry(600, "test")],
    };
    let mut options = DataOptions {
        inputs: strings(&["d_*", "T"]),
        bind: vec![Bind { name: "h".into(), columns: strings(&["h_x", "h_y", "h_z"]) }],
        standardize: Standardize::Inputs,
        ..DataOptions::new(Source::Table(files))
    };
    let wanted = [Wanted::array("h", vec![Dim::Size(3)], Support::real())];
    let whole = prepare(&Intake::new(&folder), &options, &wanted, &BTreeMap::new(), 1, None).unwrap();
    assert_eq!(whole.summary.parts, [4000, 0, 4000]);
    close(whole.fitted.standardizer.mean[0], 1.407_502_75);
    close(whole.fitted.standardizer.scale[0], 0.052_505_596_534_440_97);
    assert_eq!((whole.fitted.standardizer.mean[10], whole.fitted.standardizer.scale[10]), (450.0, 150.0));
    assert_eq!(whole.bound.columns[0].row(4000)[0], -0.5832);
    options.split =
        Some(Split { by: SplitBy::Blocks { rows: 200 }, valid: Share::Fraction(0.1), test: Share::None, seed: None });
    let parts = prepare(&Intake::new(&folder), &options, &wanted, &BTreeMap::new(), 1, None).unwrap().parts;
    assert_eq!((parts.train.len(), parts.valid.len(), parts.test.len()), (3600, 400, 4000));
    assert!(
        parts.valid.chunks(200).all(|block| block[0] % 200 == 0 && block[199] == block[0] + 199 && block[199] < 4000)
    );
    options.split = Some(Split { by: SplitBy::Rows, valid: Share::None, test: Share::Fraction(0.2), seed: None });
    let error = prepare(&Intake::new(&folder), &options, &wanted, &BTreeMap::new(), 1, None).unwrap_err().to_string();
    assert!(error.contains("split: test: the files already say which rows are `test`"), "{error}");
}

#[test]
fn faces_are_cut_into_tiles_with_whole_identities_held_out() {
    let folder = specs("faces");
    let files = Files::Parts {
        train: vec![FileEntry::new("train_a.png"), FileEntry::new("train_b.png")],
        valid: Vec::new(),
        test: vec![FileEntry::new("test.png")],
    };
    let source =
        ImageSource::Sheet { files, tile: (64, 64), row: "identity".into(), column: "view".into(), color: false };
    let images = Images { source, labels: None, label: Some("identity".into()), normalize: PixelNormalize::Train };
    let mut options = DataOptions::new(Source::Images(images));
    let whole = prepare(&Intake::new(&folder), &options, &[], &BTreeMap::new(), 1, None).unwrap();
    let pixels = whole.fitted.pixels.unwrap();
    assert!(
        (pixels.mean - 0.582_071_492_034_313_7).abs() < 1e-7 && (pixels.scale - 0.182_856_705_585_640_88).abs() < 1e-7
    );
    let Inputs::Images(set) = &whole.inputs else { panic!("no images") };
    assert_eq!((set.count, set.height, set.width, set.channels), (1900, 64, 64, 1));
    // Third row, seventh column of tiles of test.png: identity 153, view 7.
    let index = (150 + 3) * 10 + 7;
    assert_eq!(set.image(index)[10 * 64 + 20], 68.0 / 255.0);
    assert_eq!(values(whole.table.column("identity").unwrap())[index], 153.0);
    assert_eq!(values(whole.table.column("view").unwrap())[index], 7.0);
    assert_eq!(whole.table.place(index).to_string(), "test.png: row 38");
    let by = SplitBy::Column { column: "identity".into() };
    options.split = Some(Split { by, valid: Share::Fraction(0.1), test: Share::None, seed: Some(3) });
    let held = prepare(&Intake::new(&folder), &options, &[], &BTreeMap::new(), 1, None).unwrap();
    assert_eq!(held.summary.parts, [1350, 150, 400]);
    let classes = held.classes.unwrap();
    let of = |rows: &[usize]| rows.iter().map(|&row| classes.of_row[row]).collect::<std::collections::BTreeSet<_>>();
    assert!(of(&held.parts.train).is_disjoint(&of(&held.parts.valid)));
    assert!(held.parts.test.iter().all(|&row| row >= 1500));
}
