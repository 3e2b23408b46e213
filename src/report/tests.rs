//! Tests of the pages, on synthetic runs. `LOSSC_TEST_PAGES=DIR` keeps the pages to look at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::record::*;

/// SplitMix64 as a source of the draws these tests need.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Knuth's product method; fine for small means.
    fn poisson(&mut self, mean: f64) -> f64 {
        let (limit, mut product, mut k) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            k += 1.0;
        }
        k
    }
}

fn begin(notebook: &Notebook, name: &str, program: &str) -> RunHandle {
    let new = NewRun {
        name: name.to_owned(),
        spec_text: format!("loss: {name}.loss\nseed: 1\ntrain: {{epochs: 20}}\n"),
        program_text: program.to_owned(),
        program_name: format!("{name}.loss"),
        derivation_html: format!(
            "<p>From the density to the cost:</p>{}",
            mathml::block(r"L(\eta) = \sum_n \lambda_n - k_n \log \lambda_n").unwrap()
        ),
        data: vec![DataFile { path: "binned.csv.gz".into(), sha256: "ab".repeat(32), bytes: 123_456 }],
        versions: versions(),
        seed: 1,
        started: "2026-11-23T12:00:00Z".parse().unwrap(),
        files: Vec::new(),
    };
    let mut run = notebook.begin(&new).unwrap();
    let mut draws = Draws(3);
    for step in 1..=2000u64 {
        let (epoch, trend) = (1 + (step - 1) / 100, 1.2 + 0.8 * (-(step as f64) / 300.0).exp());
        run.log(step, epoch, "batch", &[("loss", trend + 0.06 * draws.normal()), ("term/spikes", trend - 0.1)])
            .unwrap();
        if step % 100 == 0 {
            run.log(step, epoch, "train", &[("loss", trend), ("term/spikes", trend - 0.1)]).unwrap();
            let valid = trend + 0.03 + 2e-5 * step as f64;
            run.log(step, epoch, "valid", &[("loss", valid), ("term/spikes", valid - 0.1)]).unwrap();
        }
    }
    run
}

/// Forty units, of which every fifth is driven by a hidden gain: over-dispersed by construction.
fn counts(family: CountFamily) -> CountDiagnostics {
    let mut draws = Draws(11);
    let (rows, width) = (4000, 40);
    let names: Vec<String> = (0..width).map(|u| format!("n{u:02}")).collect();
    let (mut observed, mut mean, mut variance) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        for unit in 0..width {
            let mu = (0.1 + 0.02 * unit as f64) * (0.8 * draws.normal()).exp();
            let gain = if unit % 5 == 4 { (0.9 * draws.normal()).exp() / (0.405f64).exp() } else { 1.0 };
            observed.push(draws.poisson(mu * gain));
            mean.push(mu);
            let over = if unit % 5 == 4 { (0.81f64).exp() - 1.0 } else { 1e-4 };
            variance.push(mu + over * mu * mu);
        }
    }
    let constant: Vec<f64> =
        (0..width).map(|u| mean.iter().skip(u).step_by(width).sum::<f64>() / rows as f64).collect();
    CountTable {
        split: "test",
        unit_names: &names,
        kinds: None,
        bin_seconds: Some(0.05),
        family,
        observed: &observed,
        mean: &mean,
        variance: (family == CountFamily::NegBinomial).then_some(variance.as_slice()),
        constant: &constant,
        truth: Some(&mean),
        unit_nll: None,
        expected: None,
        window: Some(20),
    }
    .diagnose(1)
    .unwrap()
}

fn calibration(wrong: f64) -> CalibrationDiagnostics {
    let mut draws = Draws(5);
    let (mut observed, mut mean, mut sd) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2000 {
        for _ in 0..3 {
            let (m, s) = (draws.normal(), 0.1 * (0.5 * draws.normal()).exp());
            observed.push((m + s * draws.normal()) as f32);
            mean.push(m as f32);
            sd.push((s * wrong) as f32);
        }
    }
    CalibrationDiagnostics {
        split: "test".into(),
        names: ["x", "y", "z"].map(str::to_owned).to_vec(),
        observed,
        mean,
        sd,
        cdf: Vec::new(),
    }
}

fn distances() -> DistanceDiagnostics {
    let mut draws = Draws(7);
    let mut sample =
        |n: usize, centre: f64| -> Vec<f32> { (0..n).map(|_| (centre + 0.2 * draws.normal()).abs() as f32).collect() };
    DistanceDiagnostics {
        split: "test".into(),
        classes: "identities".into(),
        same: sample(800, 0.5),
        different: sample(20_000, 1.1),
        ranks: [(1, 0.74), (5, 0.93), (10, 0.97)].map(|(rank, rate)| RankRate { rank, rate }).to_vec(),
        probes: 300,
        gallery: 60,
    }
}

fn keep(name: &str, html: &str) {
    if let Some(dir) = std::env::var_os("LOSSC_TEST_PAGES") {
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(std::path::Path::new(&dir).join(name), html).unwrap();
    }
}

/// Whether every tag is closed in order, every attribute quoted, and no stray `<` or `&` is left.
fn well_formed(xml: &str) -> std::result::Result<(), String> {
    let (mut open, mut rest) = (Vec::new(), xml);
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        for (at, _) in text.match_indices('&') {
            let entity = text[at..].split_inclusive(';').next().unwrap_or("");
            if !["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;"].contains(&entity) {
                return Err(format!("a stray & before {entity:?}"));
            }
        }
        let end = start + rest[start..].find('>').ok_or("a tag without end")?;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop().ok_or_else(|| format!("</{name}> closes nothing"))?;
            if last != name {
                return Err(format!("</{name}> closes <{last}>"));
            }
            continue;
        }
        let pieces: Vec<&str> = tag.trim_end_matches('/').split('"').collect();
        if pieces.len().is_multiple_of(2) || tag.contains('<') {
            return Err(format!("broken attributes: <{tag}>"));
        }
        if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or("").to_owned());
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) }
}

fn pictures(html: &str) -> Vec<&str> {
    html.match_indices("<svg ").map(|(at, _)| &html[at..at + html[at..].find("</svg>").unwrap() + 6]).collect()
}

#[test]
fn a_page_of_counts_answers_which_units_are_not_poisson() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let poisson = begin(&notebook, "spikes", "# η: the network's output\nk ~ poisson(softplus(η))\n");
    poisson.artifact("test", &counts(CountFamily::Poisson)).unwrap();
    let baseline =
        |value| Baseline { name: "lagged GLM".into(), split: "test".into(), metric: "bits_per_spike".into(), value };
    poisson.artifact("baselines", &Baselines(vec![baseline(0.3583)])).unwrap();
    let mut scores = Scores::new();
    scores.set("train", "nll", 1.234_567);
    scores.set("test", "nll", 1.25);
    scores.set("test", "bits_per_spike", 0.4123);
    let a = poisson.finish(Status::Done, &scores, None).unwrap();
    let nb = begin(&notebook, "spikes_nb", "k ~ neg_binomial(softplus(η), size = exp(ρ))\n");
    nb.artifact("test", &counts(CountFamily::NegBinomial)).unwrap();
    let b = nb.finish(Status::Done, &scores, None).unwrap();

    let one = page(&[notebook.show(&a.id).unwrap()]).unwrap();
    keep("counts.html", &one);
    let over = one.split("<p><b>Over-dispersed").nth(1).unwrap().split("</p>").next().unwrap();
    let named: Vec<&str> = over.split("</b>").nth(1).unwrap().trim().trim_end_matches('.').split(", ").collect();
    assert_eq!(named, ["n04", "n09", "n14", "n19", "n24", "n29", "n34", "n39"], "the units with a hidden gain");
    assert!(one.contains("test: lagged GLM") && one.contains("0.3583") && one.contains("<math"));
    assert!(!one.contains("src=\"http") && !one.contains("<script") && !one.contains("href="), "self-contained");
    for picture in pictures(&one) {
        well_formed(picture).unwrap();
    }
    assert_eq!(pictures(&one).len(), 2 + 4);

    let both = page(&[notebook.show(&a.id).unwrap(), notebook.show(&b.id).unwrap()]).unwrap();
    keep("compare.html", &both);
    assert!(both.contains("Gain unit by unit") && both.contains(&a.id) && both.contains(&b.id));
    pictures(&both).into_iter().for_each(|picture| well_formed(picture).unwrap());
}

#[test]
fn the_gain_of_each_kind_of_unit_is_its_mean() {
    let mut before = counts(CountFamily::Poisson);
    before.units.truncate(3);
    for (unit, kind) in before.units.iter_mut().zip(["bursts", "bursts", "regular"]) {
        unit.kind = Some(kind.into());
    }
    let mut after = before.clone();
    for (unit, gain) in after.units.iter_mut().zip([0.125, -0.375, 0.25]) {
        unit.nll -= gain * unit.events as f64 * std::f64::consts::LN_2 / unit.rows as f64;
    }
    let html = super::counts::gains(("a", &before), ("b", &after)).unwrap().unwrap();
    let row = |kind: &str, share: &str, mean: f64| {
        format!("<th scope=\"row\">{kind}</th><td>{share}</td><td>{}</td>", super::html::number(mean))
    };
    assert!(html.contains(&row("bursts", "1 of 2", -0.125)), "{html}");
    assert!(html.contains(&row("regular", "1 of 1", 0.25)), "{html}");
}

#[test]
fn calibrated_sigmas_are_covered_and_halved_ones_are_not() {
    let right = calibration::section(&calibration(1.0)).unwrap();
    let narrow = calibration::section(&calibration(0.5)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let run = begin(&notebook, "atom", "x ~ normal(μ, softplus(s))\n");
    run.artifact("test", &calibration(1.0)).unwrap();
    run.artifact("test, half", &calibration(0.5)).unwrap();
    let run = run.finish(Status::Interrupted, &Scores::new(), Some("stopped by Ctrl-C")).unwrap();
    let html = page(&[notebook.show(&run.id).unwrap()]).unwrap();
    keep("calibration.html", &html);
    assert!(html.contains("stopped by Ctrl-C"));
    let inside = |page: &str| -> Vec<f64> {
        page.split(" %</td></tr>")
            .map(|row| row.rsplit("<td>").next().unwrap().parse().unwrap_or(f64::NAN))
            .take(3)
            .collect()
    };
    assert!(inside(&right).iter().all(|share| (share - 95.0).abs() < 1.6), "{:?}", inside(&right));
    // Φ(0.98) − Φ(−0.98) = 0.673: the 95 % interval of a σ that is half of the true one.
    assert!(inside(&narrow).iter().all(|share| (share - 67.3).abs() < 3.2), "{:?}", inside(&narrow));
    pictures(&html).into_iter().for_each(|picture| well_formed(picture).unwrap());
}

#[test]
fn distances_show_the_area_under_the_roc() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let run = begin(&notebook, "faces", "hinge(d(a,p) - d(a,n) + α)\n");
    run.artifact("test", &distances()).unwrap();
    let run = run.finish(Status::Done, &Scores::new(), None).unwrap();
    let html = page(&[notebook.show(&run.id).unwrap()]).unwrap();
    keep("distances.html", &html);
    // Two normals 0.6 apart with σ = 0.2: Φ(0.6 / (0.2 √2)) = Φ(2.1213) = 0.98305.
    let area: f64 = html.split("area 0").nth(1).unwrap()[..4].parse().unwrap();
    assert!((area - 0.983).abs() < 0.006, "{area}");
}

#[test]
fn hostile_text_stays_text() {
    let dir = tempfile::tempdir().unwrap();
    let notebook = Notebook::open(dir.path()).unwrap();
    let evil = "<script>alert(1)</script>\u{0}\"'&\n</code></ol>";
    let mut run = notebook
        .begin(&NewRun {
            name: "a".into(),
            program_text: evil.into(),
            spec_text: evil.into(),
            program_name: evil.into(),
            ..NewRun::default()
        })
        .unwrap();
    run.log(1, 1, evil, &[(evil, 1.0)]).unwrap();
    run.log(2, 1, evil, &[(evil, 2.0)]).unwrap();
    let mut scores = Scores::new();
    scores.set(evil, evil, 1.0);
    let mut hostile = distances();
    hostile.classes = evil.into();
    run.artifact("d", &hostile).unwrap();
    let run = run.finish(Status::Failed, &scores, Some(evil)).unwrap();
    let html = page(&[notebook.show(&run.id).unwrap()]).unwrap();
    assert!(!html.contains("<script") && !html.contains('\u{0}') && html.contains("&lt;script&gt;alert(1)"));
    pictures(&html).into_iter().for_each(|picture| well_formed(picture).unwrap());
}

#[test]
fn nothing_and_nan_can_be_drawn() {
    let nan = vec![(0.0, f64::NAN), (f64::INFINITY, 1.0)];
    for log in [false, true] {
        for points in
            [vec![], nan.clone(), vec![(1.0, 1.0)], vec![(1.0, 0.0), (2.0, -1.0)], vec![(-1e300, 1e299), (1e300, 1.0)]]
        {
            let chart =
                Chart::new("t", "x", "y").log_x(log).log_y(log).line("a", points.clone()).dots("b", points.clone());
            let svg = chart.measured("c", points.clone(), vec![f64::NAN; 2]).diagonal("d").svg().unwrap();
            well_formed(svg.as_str()).unwrap();
        }
    }
    let empty = CountDiagnostics {
        observed: vec![],
        mean: vec![],
        variance: vec![],
        histogram: vec![],
        units: vec![],
        ..counts(CountFamily::Other)
    };
    counts::section(&empty).unwrap();
    let mut broken = calibration(1.0);
    broken.sd.fill(f32::NAN);
    assert!(calibration::section(&broken).unwrap().contains("x has no finite observation"));
    broken.names.clear();
    calibration::section(&broken).unwrap();
    distances::section(&DistanceDiagnostics { same: vec![], different: vec![f32::NAN], ranks: vec![], ..distances() })
        .unwrap();
    assert!(matches!(page(&[]), Err(ReportError::Empty)));
}

#[test]
fn a_formula_that_is_wrong_is_said_so() {
    assert!(mathml::inline(r"\frac{a}{b}").unwrap().contains("<mfrac>"));
    let Err(ReportError::Formula { latex, .. }) = mathml::block(r"\frac{a") else { panic!("unbalanced") };
    assert_eq!(latex, r"\frac{a");
}
