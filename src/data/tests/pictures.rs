use super::options::*;
use super::*;

fn picture(width: u32, height: u32, level: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let image = image::GrayImage::from_fn(width, height, |x, y| image::Luma([level(x, y)]));
    let mut bytes = io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn read(memory: &Memory, source: ImageSource, labels: Option<Files>) -> Result<(ImageSet, Table), DataErrors> {
    let images = Images { source, labels, label: None, normalize: PixelNormalize::None };
    super::images::read_images(&Intake::new(memory), &images)
}

fn sheet(files: &[&str], tile: (usize, usize)) -> ImageSource {
    let files = Files::All(files.iter().map(|&file| FileEntry::new(file)).collect());
    ImageSource::Sheet { files, tile, row: "id".into(), column: "view".into(), color: false }
}

#[test]
fn a_sheet_is_cut_row_by_row_and_counts_on_over_files() {
    let memory = Memory::default()
        .add("a.png", picture(4, 2, |x, y| (10 * y + x) as u8))
        .add("b.png", picture(4, 2, |x, y| (100 + 10 * y + x) as u8));
    let (set, table) = read(&memory, sheet(&["a.png", "b.png"], (2, 1)), None).unwrap();
    assert_eq!((set.count, set.height, set.width), (8, 1, 2));
    let levels: Vec<f32> =
        (0..8).flat_map(|index| set.image(index)[..1].to_vec()).map(|level| (level * 255.0).round()).collect();
    assert_eq!(levels, [0.0, 2.0, 10.0, 12.0, 100.0, 102.0, 110.0, 112.0]);
    assert_eq!(values(table.column("id").unwrap()), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    assert_eq!(values(table.column("view").unwrap()), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let error = read(&memory, sheet(&["a.png"], (3, 1)), None).unwrap_err().to_string();
    assert_eq!(error, "a.png: 4×2 pixels do not divide into tiles of 3×1");
}

#[test]
fn a_folder_names_its_pictures_and_a_table_labels_them() {
    let memory = Memory::with(&[("l.csv", "y\n3\n4\n"), ("short.csv", "y\n3\n")])
        .add("p/ann/1.png", picture(2, 2, |_, _| 255))
        .add("p/bob/1.png", picture(2, 2, |_, _| 51))
        .add("p/notes.txt", b"no picture".to_vec());
    let folder = || ImageSource::Folder { path: "p".into(), color: false };
    let (set, table) = read(&memory, folder(), Some(Files::one("l.csv"))).unwrap();
    assert_eq!((set.image(0)[0], set.image(1)[3]), (1.0, 0.2));
    assert_eq!(table.column("folder").unwrap().cells, Cells::Text(vec!["ann".into(), "bob".into()]));
    assert_eq!(values(table.column("y").unwrap()), [3.0, 4.0]);
    assert!(
        read(&memory, folder(), Some(Files::one("short.csv")))
            .unwrap_err()
            .to_string()
            .contains("1 rows of labels for 2 pictures")
    );
    let broken = Memory::default().add("p/a.png", b"\x89PNG\r\n\x1a\nrest".to_vec());
    assert!(read(&broken, folder(), None).unwrap_err().to_string().starts_with("p/a.png: not a PNG or JPEG"));
}

/// Two pictures of 5×5 whose level is the column, and the row, over ten.
fn ramps() -> ImageSet {
    let ramp = |along: fn(usize) -> usize| (0..25).map(move |at| along(at) as f32 / 10.0);
    let pixels = ramp(|at| at % 5).chain(ramp(|at| at / 5)).collect();
    ImageSet { count: 2, height: 5, width: 5, channels: 1, pixels }
}

fn raw() -> PixelFit {
    PixelFit { mean: 0.0, scale: 1.0, each: false }
}

#[test]
fn the_plain_view_is_the_centre_normalised() {
    let augment = Augment { crop: Some(3), rotate: 20.0, ..Augment::default() };
    let view = View::new(&ramps(), Some(&augment), raw()).unwrap();
    assert_eq!(view.plain(&ramps(), 0), [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3]);
    let fit = PixelFit::fit(&ramps(), &[0], PixelNormalize::Train);
    // Levels 0, 0.1 … 0.4 five times each: mean 0.2, deviation √0.02.
    assert!((fit.mean - 0.2).abs() < 1e-8 && (fit.scale - 0.02_f64.sqrt()).abs() < 1e-8);
    let each = View::new(&ramps(), None, PixelFit { each: true, ..raw() }).unwrap().plain(&ramps(), 1);
    assert!(
        each.iter().sum::<f32>().abs() < 1e-5 && (each.iter().map(|z| z * z).sum::<f32>() / 25.0 - 1.0).abs() < 1e-5
    );
}

#[test]
fn without_ranges_a_varied_view_is_the_plain_one() {
    let view = View::new(&ramps(), Some(&Augment::default()), raw()).unwrap();
    for (one, two) in view.varied(&ramps(), 0, 1, 2, 3).iter().zip(view.plain(&ramps(), 0)) {
        assert!((one - two).abs() < 1e-6);
    }
}

#[test]
fn changes_are_decided_by_seed_epoch_and_place() {
    let augment = Augment {
        rotate: 30.0,
        scale: Some((0.8, 1.2)),
        shift: 1.0,
        mirror: true,
        exposure: Some((0.7, 1.3)),
        noise: 0.1,
        ..Augment::default()
    };
    let view = View::new(&ramps(), Some(&augment), raw()).unwrap();
    let one = view.varied(&ramps(), 0, 1, 2, 3);
    assert_eq!(one, view.varied(&ramps(), 0, 1, 2, 3));
    for other in
        [view.varied(&ramps(), 0, 2, 2, 3), view.varied(&ramps(), 0, 1, 3, 3), view.varied(&ramps(), 0, 1, 2, 4)]
    {
        assert_ne!(one, other);
    }
}

#[test]
fn a_mirror_reverses_about_half_of_the_pictures() {
    let view = View::new(&ramps(), Some(&Augment { mirror: true, ..Augment::default() }), raw()).unwrap();
    let mirrored = (0..1000).filter(|&place| view.varied(&ramps(), 0, 1, 0, place)[0] > 0.3).count();
    // Binomial(1000, ½): five deviations are 79.
    assert!(mirrored.abs_diff(500) < 79, "{mirrored}");
    assert!((0..50).all(|place| view.varied(&ramps(), 1, 1, 0, place)[0] == 0.0));
}

#[test]
fn a_shift_of_a_ramp_adds_the_shift_and_stays_in_range() {
    let view = View::new(&ramps(), Some(&Augment { shift: 1.0, ..Augment::default() }), raw()).unwrap();
    let centres: Vec<f32> = (0..500).map(|place| view.varied(&ramps(), 0, 1, 0, place)[12]).collect();
    let (low, high) = (centres.iter().copied().fold(1.0, f32::min), centres.iter().copied().fold(0.0, f32::max));
    // The centre's level is 0.2 and a pixel is 0.1: uniform on [0.1, 0.3].
    assert!((0.1..0.105).contains(&low) && (0.295..0.3001).contains(&high), "{low} {high}");
    let mean = centres.iter().sum::<f32>() / 500.0;
    assert!((mean - 0.2).abs() < 0.015, "{mean}");
}

#[test]
fn a_quarter_turn_exchanges_the_ramps() {
    // Of ±90 degrees, only the ends are quarter turns; the centre row of the turned horizontal ramp is then vertical. Any
    // angle θ gives at the pixel right of the centre 0.2 + 0.1·cos θ, below it 0.2 + 0.1·sin θ: their squares add up.
    let view = View::new(&ramps(), Some(&Augment { rotate: 90.0, ..Augment::default() }), raw()).unwrap();
    for place in 0..100 {
        let turned = view.varied(&ramps(), 0, 1, 0, place);
        let (cos, sin) = ((turned[13] - 0.2) / 0.1, (turned[17] - 0.2) / 0.1);
        assert!((cos * cos + sin * sin - 1.0).abs() < 1e-3 && cos > -1e-3, "{cos} {sin}");
    }
}

#[test]
fn impossible_changes_are_all_named() {
    let augment =
        Augment { crop: Some(9), rotate: -1.0, scale: Some((1.2, 0.8)), noise: f64::NAN, ..Augment::default() };
    let errors = View::new(&ramps(), Some(&augment), raw()).unwrap_err().0;
    assert_eq!(errors.len(), 4);
    assert!(errors.iter().any(|error| error.to_string() == "augment: crop: does not fit into pictures of 5×5"));
}

#[test]
fn arrays_of_pictures_scale_integers_to_one() {
    let npy = |shape: &str, descr: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    let memory = Memory::default()
        .add("a.npy", npy("2, 1, 2", "|u1", &[0, 255, 51, 102]))
        .add("flat.npy", npy("4,", "|u1", &[0; 4]));
    let (set, _) = read(&memory, ImageSource::Array(Files::one("a.npy")), None).unwrap();
    assert_eq!((set.count, set.pixels), (2, vec![0.0, 1.0, 0.2, 0.4]));
    assert!(read(&memory, ImageSource::Array(Files::one("flat.npy")), None).is_err());
}
