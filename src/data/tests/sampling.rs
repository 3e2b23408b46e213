use super::options::*;
use super::split::{Rows, split};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn whole(rows: usize) -> Table {
    let fold = (0..rows).map(|row| (row * 7 % 5) as f64).collect();
    Table::new("t.csv", rows, vec![Column::numbers("fold", Vec::new(), fold)], Vec::new())
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![Just(Share::None), (0.01..0.4_f64).prop_map(Share::Fraction)]
}

fn by() -> impl Strategy<Value = SplitBy> {
    prop_oneof![
        Just(SplitBy::Rows),
        (1..20_usize).prop_map(|rows| SplitBy::Blocks { rows }),
        Just(SplitBy::Column { column: "fold".into() }),
        (0.5..9.0_f64).prop_map(|every_seconds| SplitBy::Time { column: None, every_seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_row_is_in_one_part_and_nothing_kept_together_is_torn(
        rows in 60..200_usize, by in by(), valid in share(), test in share(), seed in any::<u64>(),
    ) {
        let table = whole(rows);
        let stretch: Vec<usize> = (0..rows).map(|row| row / 37).collect();
        let seconds: Vec<f64> = (0..rows).map(|row| row as f64 * 0.25).collect();
        let kept: Vec<usize> = (0..rows).filter(|row| row % 11 != 3).collect();
        let source = Rows { table: &table, stretch: &stretch, seconds: Some(&seconds), kept: &kept };
        let options = Split { by: by.clone(), valid: valid.clone(), test: test.clone(), seed: Some(seed) };
        let parts = match split(&source, Some(&options), 0) {
            Ok(parts) => parts,
            // Few large pieces may all be held out; that is refused in these words.
            Err(error) => {
                prop_assert!(error.to_string().contains("no row is left"), "{error}");
                return Ok(());
            }
        };
        let mut all: Vec<usize> = [&parts.train, &parts.valid, &parts.test].into_iter().flatten().copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..kept.len()).collect::<Vec<_>>());
        prop_assert_eq!(parts.valid.is_empty(), valid == Share::None);
        prop_assert_eq!(parts.test.is_empty(), test == Share::None);
        let unit = |at: &usize| {
            let row = kept[*at];
            match &by {
                SplitBy::Rows => row,
                SplitBy::Blocks { rows } => (row / 37) * 1000 + (row % 37) / rows,
                SplitBy::Column { .. } => row * 7 % 5,
                SplitBy::Time { every_seconds, .. } => (row as f64 * 0.25 / every_seconds).floor() as usize,
            }
        };
        let units = |rows: &[usize]| rows.iter().map(unit).collect::<BTreeSet<_>>();
        let (train, valid, test) = (units(&parts.train), units(&parts.valid), units(&parts.test));
        prop_assert!(train.is_disjoint(&valid) && train.is_disjoint(&test) && valid.is_disjoint(&test));
        prop_assert_eq!(split(&source, Some(&options), 1).unwrap(), parts);
    }

    #[test]
    fn hostile_text_never_panics(text in "[a-c0-9,.\\[\\]\"\n \t-]{0,200}", patterns in proptest::collection::vec("[a-c0-9.*?\\[\\]]{0,8}", 0..4)) {
        if let Ok(table) = csv::read("t.csv", text.as_bytes(), Limits::default()) {
            let _ = super::select::select(&table.names(), &patterns, "inputs");
            let wanted = [Wanted::scalar("a", Support::count()), Wanted::array("b", vec![Dim::Any], Support::real())];
            let _ = bind(&table, &wanted, &[], &BTreeMap::new(), OnInvalid::Error);
        }
        let _ = npy::read_array("a.npy", text.as_bytes());
        let mut array = b"\x93NUMPY\x01\x00\x40\x00".to_vec();
        array.extend(text.as_bytes());
        let _ = npy::read_array("a.npy", &array);
    }
}

#[test]
fn fractions_are_of_what_is_kept_together() {
    let table = whole(100);
    let kept: Vec<usize> = (0..100).collect();
    let source = Rows { table: &table, stretch: &[0; 100], seconds: None, kept: &kept };
    let blocks =
        Split { by: SplitBy::Blocks { rows: 10 }, valid: Share::Fraction(0.2), test: Share::Fraction(0.3), seed: None };
    let parts = split(&source, Some(&blocks), 5).unwrap();
    assert_eq!((parts.train.len(), parts.valid.len(), parts.test.len()), (50, 20, 30));
    assert_ne!(split(&source, Some(&blocks), 6).unwrap(), parts);
}

fn classes() -> Classes {
    // Class 0 has three rows, class 1 two, class 2 one.
    Classes::new(&[10, 11, 12, 13, 14, 15], |row| [0, 0, 0, 1, 1, 2][row - 10]).unwrap()
}

#[test]
fn triplets_are_of_two_classes_and_every_able_row_is_an_anchor() {
    let class = |row: usize| [0, 0, 0, 1, 1, 2][row - 10];
    let triplets = classes().triplets(None, 1, 0);
    assert_eq!(triplets.iter().map(|t| t[0]).collect::<BTreeSet<_>>(), BTreeSet::from([10, 11, 12, 13, 14]));
    assert_eq!(triplets.len(), 5);
    for [anchor, positive, negative] in classes().triplets(Some(1000), 1, 1) {
        assert!(anchor != positive && class(anchor) == class(positive) && class(anchor) != class(negative));
    }
    assert_eq!(classes().triplets(Some(50), 3, 4), classes().triplets(Some(50), 3, 4));
    assert_ne!(classes().triplets(Some(50), 3, 4), classes().triplets(Some(50), 3, 5));
}

#[test]
fn pairs_are_half_of_one_class() {
    let class = |row: usize| [0, 0, 0, 1, 1, 2][row - 10];
    let pairs = classes().pairs(Some(1000), 2, 0);
    assert_eq!(pairs.iter().filter(|pair| pair.2).count(), 500);
    assert!(pairs.iter().all(|(a, b, same)| a != b && (class(*a) == class(*b)) == *same));
}

#[test]
fn balanced_batches_have_so_many_rows_of_so_many_classes() {
    let class = |row: usize| [0, 0, 0, 1, 1, 2][row - 10];
    let batches = classes().batches(ClassSampler { classes: 2, per_class: 2 }, 1, 0).unwrap();
    assert_eq!(batches.len(), 2);
    for batch in batches {
        let seen: Vec<usize> = batch.iter().map(|&row| class(row)).collect();
        assert!(batch.len() == 4 && seen[0] == seen[1] && seen[2] == seen[3] && seen[0] != seen[2]);
    }
    assert!(classes().batches(ClassSampler { classes: 4, per_class: 2 }, 1, 0).is_err());
    assert!(Classes::new(&[1, 2], |row| row).is_err());
}

#[test]
fn a_shuffle_is_a_permutation_that_seed_and_epoch_decide() {
    let rows: Vec<usize> = (0..100).collect();
    let one = shuffled(&rows, 1, 1);
    assert_eq!(one, shuffled(&rows, 1, 1));
    assert_ne!(one, shuffled(&rows, 1, 2));
    assert_eq!(one.into_iter().collect::<BTreeSet<_>>().len(), 100);
}
