use super::*;
use std::io::Write;

fn csv_error(text: &str) -> String {
    csv::read("t.csv", text.as_bytes(), Limits::default()).unwrap_err().to_string()
}

#[test]
fn numbers_words_and_empty_cells_are_told_apart() {
    let table = table("\u{feff}a, b ,c\r\n1,x,2.5e3\r\n-0.5,,\r\n\"3\",\"y, z\",7\r\n");
    assert_eq!(table.names(), ["a", "b", "c"]);
    assert_eq!(values(&table.columns[0]), [1.0, -0.5, 3.0]);
    assert_eq!(table.columns[1].cells, Cells::Text(vec!["x".into(), String::new(), "y, z".into()]));
    assert_eq!(table.columns[1].missing, [1]);
    assert_eq!((values(&table.columns[2])[0], table.columns[2].missing.clone()), (2500.0, vec![1]));
}

#[test]
fn broken_tables_say_what_and_where() {
    assert_eq!(
        csv_error("a;b\n1;2\n"),
        "t.csv: semicolons part the columns in the first row; a .csv has commas (a .tsv tabs)"
    );
    assert_eq!(csv_error("a,b\n1,2\n3\n"), "t.csv: row 2 (line 3): 1 cell where the header has 2");
    assert_eq!(csv_error("a,b,a\n1,2,3\n"), "t.csv: column `a` appears twice; every column needs a name of its own");
    assert!(csv_error("1,2\n3,4\n").contains("first row holds numbers"));
    assert!(csv_error("").contains("empty"));
}

#[test]
fn rows_keep_their_line_when_cells_span_lines() {
    let table = table("a,b\n\"one\ntwo\",1\nthree,2\n");
    assert_eq!(table.place(1).to_string(), "t.csv: row 2 (line 4)");
}

#[test]
fn files_follow_each_other_with_their_constants() {
    let memory = Memory::with(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "b,a\n4,3\n6,5\n")]);
    let intake = Intake::new(&memory);
    let entry = |path: &str, t: f64| options::FileEntry {
        with: vec![("T".into(), options::Value::Number(t))],
        ..options::FileEntry::new(path)
    };
    let files =
        options::Files::Parts { train: vec![entry("1.csv", 300.0)], valid: vec![], test: vec![entry("2.csv", 600.0)] };
    let table = read_files(&intake, &files).unwrap();
    assert_eq!(values(table.column("a").unwrap()), [1.0, 3.0, 5.0]);
    assert_eq!(values(table.column("T").unwrap()), [300.0, 600.0, 600.0]);
    assert_eq!(table.place(2).to_string(), "2.csv: row 2 (line 3)");
    assert_eq!(table.segments[1].part, Some(options::Part::Test));
    // printf 'a,b\n1,2\n' | sha256sum
    assert_eq!(intake.hashes()[0].sha256, "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470");
}

#[test]
fn files_with_other_columns_are_refused() {
    let memory = Memory::with(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,c\n4,3\n")]);
    let files = options::Files::All(vec![options::FileEntry::new("1.csv"), options::FileEntry::new("2.csv")]);
    let text = read_files(&Intake::new(&memory), &files).unwrap_err().to_string();
    assert!(text.contains("`b`: 1.csv has this column and 2.csv has not"), "{text}");
    assert!(text.contains("`c`: 2.csv has this column and 1.csv has not"), "{text}");
}

#[test]
fn gzip_is_unpacked_and_bombs_are_not() {
    let pack = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let memory = Memory::default().add("a.csv.gz", pack(b"a\n1\n")).add("bomb.csv.gz", pack(&vec![b'0'; 1 << 22]));
    let mut intake = Intake::new(&memory);
    assert_eq!(read_table(&intake, "a.csv.gz").unwrap().rows, 1);
    intake.limits.unpacked = 1 << 20;
    let error = read_table(&intake, "bomb.csv.gz").unwrap_err();
    assert_eq!(error.0, [DataError::TooLarge { file: "bomb.csv.gz".into(), limit: 1 << 20 }]);
    let error = read_table(&intake, "none.csv").unwrap_err().to_string();
    assert!(error.starts_with("none.csv: no such file"), "{error}");
}

/// A version 1.0 NPY file, put together by the format's description.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn arrays_of_every_type_and_order_are_read() {
    let read = |descr: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}\n");
        npy::read_array("a.npy", &npy(&header, data)).unwrap().cells
    };
    assert_eq!(read("<i2", &[0xfe, 0xff, 1, 1]), Cells::Numbers(vec![-2.0, 257.0]));
    assert_eq!(read(">i2", &[0xff, 0xfe, 1, 1]), Cells::Numbers(vec![-2.0, 257.0]));
    assert_eq!(read("|u1", &[255, 3]), Cells::Numbers(vec![255.0, 3.0]));
    assert_eq!(read("|b1", &[0, 1]), Cells::Numbers(vec![0.0, 1.0]));
    // Half precision: 0x3c00 is 1, 0xc400 is -4; 0x0001 is 2^-24, 0x7c00 is infinity.
    assert_eq!(read("<f2", &[0x00, 0x3c, 0x00, 0xc4]), Cells::Numbers(vec![1.0, -4.0]));
    assert_eq!(read("<f2", &[0x01, 0x00, 0x00, 0x7c]), Cells::Numbers(vec![2_f64.powi(-24), f64::INFINITY]));
    assert_eq!(read("<f4", &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]), Cells::Numbers(vec![1.0, -2.0]));
    assert_eq!(read("|S2", b"ab\0\0"), Cells::Text(vec!["ab".into(), String::new()]));
    assert_eq!(read("<U1", &[0xbb, 3, 0, 0, 0x61, 0, 0, 0]), Cells::Text(vec!["λ".into(), "a".into()]));
    let fortran = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", &[1, 4, 2, 5, 3, 6]);
    assert_eq!(npy::read_array("f.npy", &fortran).unwrap().cells, Cells::Numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

#[test]
fn hostile_arrays_are_refused_before_anything_is_allocated() {
    let read = |shape: &str, data: &[u8]| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
        npy::read_array("a.npy", &npy(&header, data)).unwrap_err().to_string()
    };
    assert!(read("1000000000000,", &[0; 8]).contains("8 bytes follow"));
    assert!(read("10000000000, 10000000000", &[]).contains("more than can exist"));
    assert!(read("2,", &[0; 24]).contains("24 bytes follow"));
    assert!(read("-1,", &[0; 8]).contains("not understood"));
    let deep = npy(&"(".repeat(60_000), &[]);
    assert!(npy::read_array("a.npy", &deep).is_err());
    assert!(npy::read_array("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
    assert!(npy::read_array("a.npy", b"hello").is_err());
}

#[test]
fn an_archive_is_a_table_and_a_lone_array_a_column() {
    let mut bytes = Vec::new();
    {
        use npyz::WriterBuilder;
        let mut archive = npyz::npz::NpzWriter::new(io::Cursor::new(&mut bytes));
        for (name, shape) in [("x", vec![2, 2]), ("k", vec![2])] {
            let count = shape.iter().product::<u64>();
            let mut writer = archive
                .array::<f64>(name, Default::default())
                .unwrap()
                .default_dtype()
                .shape(&shape)
                .begin_nd()
                .unwrap();
            writer.extend((0..count).map(|value| value as f64)).unwrap();
            writer.finish().unwrap();
        }
    }
    let one = npy("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", &[7, 0, 0, 0]);
    let memory = Memory::default().add("d/a.npz", bytes).add("d/b.npy", one);
    let intake = Intake::new(&memory);
    let table = read_table(&intake, "d/a.npz").unwrap();
    assert_eq!((table.rows, table.names()), (2, vec!["k".to_owned(), "x".to_owned()]));
    assert_eq!((table.columns[1].dims.clone(), values(&table.columns[1])), (vec![2], vec![0.0, 1.0, 2.0, 3.0]));
    let table = read_table(&intake, "d/b.npy").unwrap();
    assert_eq!((table.names(), values(&table.columns[0])), (vec!["b".to_owned()], vec![7.0]));
}
