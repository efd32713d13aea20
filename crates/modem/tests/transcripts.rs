//! Every transcript below this folder, as written, byte by byte and in random portions.

#[test]
fn transcripts() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    match testkit::check_dir(directory) {
        Ok(count) => assert!(count > 0, "there is no transcript in {directory}"),
        Err(failures) => panic!("{failures}"),
    }
}
