//! What is read, and what is refused.

use super::*;

#[test]
fn checksums_are_those_of_zip() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    assert_eq!(crc32(b""), 0);
}

fn good() -> Vec<u8> {
    archive(&[("a.json", b"{}"), ("b/c.h5", &[7; 100])]).unwrap()
}

#[test]
fn entries_survive_the_round_trip() {
    let bytes = good();
    let entries = entries(&bytes).unwrap();
    assert_eq!(entries[0], ("a.json".to_owned(), Cow::Borrowed(&b"{}"[..])));
    assert_eq!(entries[1], ("b/c.h5".to_owned(), Cow::Borrowed(&[7; 100][..])));
}

#[test]
fn small_entries_of_a_large_archive_are_read_alone() {
    let large = vec![7; 3 << 20];
    let bytes = archive(&[("large", &large), ("a.json", b"{}"), ("b", b"12")]).unwrap();
    let read = |names: &[&str]| {
        let file = std::io::Cursor::new(&bytes);
        let (found, held) = crate::memory::most(|| small_entries(file, bytes.len() as u64, names).unwrap());
        assert!(held < 4 << 20, "{held}");
        found
    };
    assert_eq!(read(&["b", "a.json"]).unwrap(), [b"12".to_vec(), b"{}".to_vec()]);
    assert!(read(&["c"]).unwrap_err().to_string().contains("an entry c"));
    let mut damaged = bytes.clone();
    let at = bytes.windows(2).position(|two| two == b"{}").unwrap();
    damaged[at] = b'[';
    let found = small_entries(std::io::Cursor::new(&damaged), damaged.len() as u64, &["a.json"]).unwrap();
    assert!(found.unwrap_err().to_string().contains("checksum"));
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    writer.start_file("a", options).unwrap();
    std::io::Write::write_all(&mut writer, data).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn deflated_entries_are_unpacked_within_bounds() {
    let data: Vec<u8> = (0..10_000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
    assert_eq!(entries(&deflated(&data)).unwrap(), [("a".to_owned(), Cow::Owned::<[u8]>(data.clone()))]);
    let bomb = deflated(&vec![0; 50 << 20]);
    assert!(error(&bomb).contains("when it is unpacked"), "{}", error(&bomb));
    let mut damaged = deflated(&data);
    damaged[100] ^= 1;
    assert!(entries(&damaged).is_err());
}

fn error(bytes: &[u8]) -> String {
    entries(bytes).unwrap_err().to_string()
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["../up", "/root", "a/../b", "a//b", "c:d", "a\\b", "./a", "a/", ""] {
        assert!(error(&archive(&[(name, b"")]).unwrap()).contains("plain relative names"), "{name}");
    }
    assert!(error(&archive(&[("a", b"1"), ("a", b"2")]).unwrap()).contains("one entry of this name"));
    let mut link = good();
    let directory = link.windows(4).position(|four| four == CENTRAL.to_le_bytes()).unwrap();
    link[directory + 41] = 0xa1; // a symbolic link
    assert!(error(&link).contains("an ordinary file"), "{}", error(&link));
}

#[test]
fn packed_and_overlapping_entries_are_refused() {
    let bytes = good();
    let directory = bytes.windows(4).position(|four| four == CENTRAL.to_le_bytes()).unwrap();
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[directory + at] = to;
        error(&bytes)
    };
    assert!(changed(10, 8).contains("the entry that the directory names"));
    assert!(changed(10, 9).contains("stored as it is"));
    assert!(changed(27, 0xff).contains("stored as it is"));
    assert!(changed(8, 1).contains("not encrypted"));
    assert!(changed(16, 1).contains("checksum"));
    let second = directory + 46 + "a.json".len();
    let mut overlap = bytes.clone();
    overlap[second + 42] = 0;
    assert!(error(&overlap).contains("the entry that the directory names"));
}

#[test]
fn no_prefix_and_no_flipped_bit_passes_unseen() {
    let bytes = good();
    let want = entries(&bytes).unwrap();
    for cut in 0..bytes.len() {
        assert!(entries(&bytes[..cut]).is_err(), "{cut}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(got) = entries(&bytes) {
            let data =
                |entries: &[(String, Cow<'_, [u8]>)]| entries.iter().map(|(_, data)| data.to_vec()).collect::<Vec<_>>();
            assert_eq!(data(&got), data(&want), "{bit}");
        }
    }
}
