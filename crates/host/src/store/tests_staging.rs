//! Downloads: nothing to be seen before the commit, everything safe behind it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::tests::{CAPACITY, names, store, visible};
use super::*;

const AREA: Area = Area::Ftp;

/// As [`Store::perform`] does it.
fn stage(store: &Store, path: &str, offset: u64, bytes: &[u8]) -> Result<StoreReply, StoreError> {
    store.or_discard(AREA, store.stage(AREA, path, offset, bytes, CAPACITY))
}

fn commit(store: &Store, path: &str) -> Result<StoreReply, StoreError> {
    store.or_discard(AREA, store.commit(AREA, path, CAPACITY))
}

fn staged(dir: &TempDir) -> Vec<String> {
    names(&dir.path().join("m/tmp"))
}

#[test]
fn a_download_appears_with_its_commit_and_not_before() {
    let (dir, store) = store();
    files::create(&store.files, "old").unwrap();
    store.write("old", false, b"old", CAPACITY).unwrap();
    for path in ["new", "old"] {
        assert_eq!(stage(&store, path, 0, b"first "), Ok(StoreReply::Done));
        assert_eq!(stage(&store, path, 6, b"second"), Ok(StoreReply::Done));
        assert_eq!(store.read_whole("old").unwrap(), b"old");
        assert_eq!(files::usage(&store.files).unwrap(), if path == "new" { 3 } else { 15 });
        assert_eq!(staged(&dir), ["download-ftp"]);
        assert_eq!(commit(&store, path), Ok(StoreReply::Done));
        assert_eq!(store.read_whole(path).unwrap(), b"first second");
        assert_eq!(staged(&dir), Vec::<String>::new());
        assert_eq!(commit(&store, path), Err(StoreError::NotFound));
        assert_eq!(store.read_whole(path).unwrap(), b"first second");
    }
    stage(&store, "empty", 0, b"").unwrap();
    commit(&store, "empty").unwrap();
    assert_eq!(store.read_whole("empty").unwrap(), b"");
}

#[test]
fn areas_do_not_mix_and_a_new_beginning_forgets_the_old() {
    let (dir, store) = store();
    store.stage(Area::Http, "h", 0, b"http", CAPACITY).unwrap();
    stage(&store, "f", 0, b"a failed download").unwrap();
    stage(&store, "f", 0, b"ftp").unwrap();
    store.commit(Area::Http, "h", CAPACITY).unwrap();
    commit(&store, "f").unwrap();
    assert_eq!(
        (store.read_whole("h").unwrap(), store.read_whole("f").unwrap()),
        (b"http".to_vec(), b"ftp".to_vec())
    );
    stage(&store, "f", 0, b"unwanted").unwrap();
    for _ in 0..2 {
        store.staging.discard(AREA).unwrap();
        assert_eq!(staged(&dir), Vec::<String>::new());
    }
    assert_eq!(commit(&store, "f"), Err(StoreError::NotFound));
    assert_eq!(stage(&store, "f", 8, b"more"), Err(StoreError::BadOffset));
    stage(&store, "f", 0, b"1234").unwrap();
    assert_eq!(stage(&store, "f", 5, b"more"), Err(StoreError::BadOffset));
    assert_eq!(staged(&dir), Vec::<String>::new());
}

#[test]
fn capacity_is_that_after_the_commit_and_full_leaves_nothing() {
    let (dir, store) = store();
    for (name, size) in [("a", 600), ("b", 100)] {
        files::create(&store.files, name).unwrap();
        store.write(name, false, &vec![1; size], CAPACITY).unwrap();
    }
    // In place of the 600 bytes, 900 fit.
    stage(&store, "a", 0, &[2; 500]).unwrap();
    stage(&store, "a", 500, &[3; 400]).unwrap();
    assert_eq!(stage(&store, "a", 900, b"x"), Err(StoreError::Full));
    assert_eq!(staged(&dir), Vec::<String>::new());
    assert_eq!(store.read_whole("a").unwrap(), vec![1; 600]);
    assert_eq!(stage(&store, "c", 0, &[2; 301]), Err(StoreError::Full));
    // It fitted until another file grew.
    stage(&store, "c", 0, &[2; 300]).unwrap();
    store.write("b", true, b"x", CAPACITY).unwrap();
    assert_eq!(commit(&store, "c"), Err(StoreError::Full));
    assert_eq!(names(&dir.path().join("m/files")), ["a", "b"]);
    assert_eq!(staged(&dir), Vec::<String>::new());
    stage(&store, "a", 0, &[4; 899]).unwrap();
    commit(&store, "a").unwrap();
    assert_eq!(files::usage(&store.files), Ok(1000));
}

#[test]
fn what_cannot_become_a_file_is_refused_at_once() {
    let (dir, store) = store();
    files::make_directory(&store.files, "d").unwrap();
    fs::write(dir.path().join("secret"), b"secret").unwrap();
    symlink("../../secret", visible(&dir, "link")).unwrap();
    for (path, error) in [
        ("d", StoreError::WrongKind),
        ("link", StoreError::WrongKind),
        ("link/x", StoreError::WrongKind),
        ("none/x", StoreError::NotFound),
    ] {
        assert_eq!(stage(&store, path, 0, b"x"), Err(error), "{path}");
        stage(&store, "good", 0, b"x").unwrap();
        assert_eq!(commit(&store, path), Err(error), "{path}");
        assert_eq!(staged(&dir), Vec::<String>::new());
    }
    stage(&store, "d/x", 0, b"x").unwrap();
    // A link planted in the area's place is not followed either.
    fs::remove_file(dir.path().join("m/tmp/download-ftp")).unwrap();
    symlink("../../secret", dir.path().join("m/tmp/download-ftp")).unwrap();
    stage(&store, "d/x", 0, b"y").unwrap();
    commit(&store, "d/x").unwrap();
    assert_eq!(fs::read(dir.path().join("secret")).unwrap(), b"secret");
    assert_eq!(store.read_whole("d/x").unwrap(), b"y");
}

/// The content of the download number `round`.
fn content(round: u64) -> Vec<u8> {
    (0..300 + round % 600).map(|at| (at.wrapping_mul(round) % 251) as u8).collect()
}

const DIRECTORY: &str = "MODEMTWIN_TEST_STAGING";

/// The other half of the test below, in a process of its own.
#[test]
fn downloads_until_it_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let store = Store::open(Path::new(&directory)).unwrap();
    for round in 1.. {
        let content = content(round);
        for (part, bytes) in content.chunks(100).enumerate() {
            stage(&store, "f", part as u64 * 100, bytes).unwrap();
        }
        commit(&store, "f").unwrap();
        println!("round={round}");
    }
}

#[test]
fn a_killed_program_leaves_whole_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m");
    for rounds in [1, 2, 3, 5, 8, 13] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests_staging::downloads_until_it_is_killed", "--nocapture"])
            .env(DIRECTORY, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let answered = lines
            .filter_map(|line| line.unwrap().split_once("round=").and_then(|(_, round)| round.parse().ok()))
            .find(|round: &u64| *round >= rounds);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&path).unwrap();
        let found = store.read_whole("f").unwrap();
        // What was answered is there, or something newer; nothing half.
        let from = answered.unwrap();
        assert!((from..from + 1_000).any(|round| content(round) == found), "{} bytes", found.len());
        assert_eq!(names(&path.join("files")), ["f"]);
        assert_eq!(names(&path.join("tmp")), Vec::<String>::new());
    }
}
