use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use modem::Entry;
use tempfile::TempDir;

use super::*;

pub(super) const CAPACITY: u64 = 1000;

fn persist(text: &str) -> StoreRequest {
    StoreRequest::Persist { section: Section::Settings, bytes: text.into() }
}

pub(super) fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("m")).unwrap();
    (dir, store)
}

pub(super) fn visible(dir: &TempDir, name: &str) -> PathBuf {
    dir.path().join("m/files").join(name)
}

pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn replaces_and_appends_in_one_step() {
    let (dir, store) = store();
    files::create(&store.files, "a.txt").unwrap();
    store.write("a.txt", false, b"hello", CAPACITY).unwrap();
    store.write("a.txt", true, b" there", CAPACITY).unwrap();
    assert_eq!(fs::read(visible(&dir, "a.txt")).unwrap(), b"hello there");
    store.write("a.txt", false, b"x", CAPACITY).unwrap();
    assert_eq!(store.read_whole("a.txt").unwrap(), b"x");
    assert_eq!(names(&dir.path().join("m/tmp")), Vec::<String>::new());
}

#[test]
fn create_keeps_what_is_there() {
    let (_dir, store) = store();
    files::create(&store.files, "a").unwrap();
    store.write("a", false, b"kept", CAPACITY).unwrap();
    files::create(&store.files, "a").unwrap();
    assert_eq!(store.read_whole("a").unwrap(), b"kept");
}

#[test]
fn a_file_has_to_exist_before_it_is_written() {
    let (dir, store) = store();
    assert_eq!(store.write("a", false, b"x", CAPACITY), Err(StoreError::NotFound));
    assert_eq!(store.write("d/a", true, b"x", CAPACITY), Err(StoreError::NotFound));
    assert_eq!(names(&dir.path().join("m/tmp")), Vec::<String>::new());
}

#[test]
fn a_half_write_leaves_the_old_content_and_is_cleared_at_the_next_open() {
    let (dir, store) = store();
    files::create(&store.files, "a").unwrap();
    store.write("a", false, b"old", CAPACITY).unwrap();
    let mut staged = store.staging.begin().unwrap();
    staged.write(b"ne").unwrap();
    drop(staged);
    assert_eq!(store.read_whole("a").unwrap(), b"old");
    assert_eq!(names(&dir.path().join("m/tmp")), Vec::<String>::new());

    // A killed process runs no destructor.
    let mut staged = store.staging.begin().unwrap();
    staged.write(b"ne").unwrap();
    std::mem::forget(staged);
    assert_eq!(names(&dir.path().join("m/tmp")).len(), 1);
    drop(store);
    let store = Store::open(&dir.path().join("m")).unwrap();
    assert_eq!(names(&dir.path().join("m/tmp")), Vec::<String>::new());
    assert_eq!(store.read_whole("a").unwrap(), b"old");
}

#[test]
fn capacity_counts_all_files_and_frees_what_is_replaced() {
    let (dir, store) = store();
    files::create(&store.files, "a").unwrap();
    files::make_directory(&store.files, "d").unwrap();
    files::create(&store.files, "d/b").unwrap();
    store.write("a", false, &[1; 600], CAPACITY).unwrap();
    store.write("d/b", false, &[2; 400], CAPACITY).unwrap();
    assert_eq!(files::usage(&store.files), Ok(1000));
    assert_eq!(store.write("d/b", true, b"x", CAPACITY), Err(StoreError::Full));
    assert_eq!(store.write("d/b", false, &[3; 401], CAPACITY), Err(StoreError::Full));
    assert_eq!(store.read_whole("d/b").unwrap(), vec![2; 400]);
    store.write("a", false, &[4; 600], CAPACITY).unwrap();
    fs::remove_file(visible(&dir, "d/b")).unwrap();
    store.write("a", true, &[5; 400], CAPACITY).unwrap();
    assert_eq!(files::usage(&store.files), Ok(1000));
}

#[test]
fn reads_a_part_and_refuses_a_start_behind_the_end() {
    let (_dir, store) = store();
    files::create(&store.files, "a").unwrap();
    assert_eq!(files::read(&store.files, "a", 0, 10), Ok(vec![]));
    assert_eq!(files::read(&store.files, "a", 1, 10), Err(StoreError::BadOffset));
    store.write("a", false, b"0123456789", CAPACITY).unwrap();
    assert_eq!(files::read(&store.files, "a", 2, 3), Ok(b"234".to_vec()));
    assert_eq!(files::read(&store.files, "a", 8, usize::MAX), Ok(b"89".to_vec()));
    assert_eq!(files::read(&store.files, "a", 10, 1), Err(StoreError::BadOffset));
    assert_eq!(files::read(&store.files, "a", u64::MAX, 1), Err(StoreError::BadOffset));
    assert_eq!(files::size(&store.files, "a"), Ok(10));
}

#[test]
fn lists_sorted_with_kinds() {
    let (_dir, store) = store();
    files::create(&store.files, "b").unwrap();
    files::make_directory(&store.files, "a").unwrap();
    files::create(&store.files, "C").unwrap();
    let entry = |name: &str, directory| Entry { name: name.into(), directory };
    let expected = vec![entry("C", false), entry("a", true), entry("b", false)];
    assert_eq!(files::list(&store.files, None), Ok(expected));
    assert_eq!(files::list(&store.files, Some("a")), Ok(vec![]));
    assert_eq!(files::list(&store.files, Some("b")), Err(StoreError::WrongKind));
    assert_eq!(files::list(&store.files, Some("nope")), Err(StoreError::NotFound));
}

#[test]
fn files_and_directories_do_not_stand_in_for_each_other() {
    let (_dir, store) = store();
    let f = &store.files;
    files::create(f, "file").unwrap();
    files::make_directory(f, "dir").unwrap();
    files::create(f, "dir/x").unwrap();
    assert_eq!(files::create(f, "dir"), Err(StoreError::WrongKind));
    assert_eq!(files::create(f, "file/x"), Err(StoreError::WrongKind));
    assert_eq!(files::create(f, "none/x"), Err(StoreError::NotFound));
    assert_eq!(files::make_directory(f, "dir"), Err(StoreError::Exists));
    assert_eq!(files::make_directory(f, "file"), Err(StoreError::Exists));
    assert_eq!(files::make_directory(f, "none/x"), Err(StoreError::NotFound));
    assert_eq!(files::delete(f, "dir"), Err(StoreError::WrongKind));
    assert_eq!(files::delete(f, "none"), Err(StoreError::NotFound));
    assert_eq!(files::remove_directory(f, "file"), Err(StoreError::WrongKind));
    assert_eq!(files::remove_directory(f, "dir"), Err(StoreError::NotEmpty));
    assert_eq!(store.write("dir", false, b"x", CAPACITY), Err(StoreError::WrongKind));
    assert_eq!(files::size(f, "dir"), Err(StoreError::WrongKind));
    files::delete(f, "dir/x").unwrap();
    files::remove_directory(f, "dir").unwrap();
    assert_eq!(files::list(f, Some("dir")), Err(StoreError::NotFound));
}

#[test]
fn planted_links_are_never_followed() {
    let (dir, store) = store();
    let f = &store.files;
    let secret = dir.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    fs::create_dir(dir.path().join("outside")).unwrap();
    fs::write(visible(&dir, "inside"), b"inside").unwrap();
    symlink(&secret, visible(&dir, "abs")).unwrap();
    symlink("../../secret", visible(&dir, "rel")).unwrap();
    symlink("../settings", visible(&dir, "settings")).unwrap();
    symlink("inside", visible(&dir, "alias")).unwrap();
    symlink(dir.path().join("outside"), visible(&dir, "dir")).unwrap();
    symlink("nowhere", visible(&dir, "dangling")).unwrap();
    for name in ["abs", "rel", "settings", "alias", "dangling"] {
        assert_eq!(files::read(f, name, 0, 100), Err(StoreError::WrongKind), "{name}");
        assert_eq!(store.read_whole(name), Err(StoreError::WrongKind), "{name}");
        assert_eq!(store.write(name, false, b"x", CAPACITY), Err(StoreError::WrongKind), "{name}");
        assert_eq!(store.write(name, true, b"x", CAPACITY), Err(StoreError::WrongKind), "{name}");
        assert_eq!(files::create(f, name), Err(StoreError::WrongKind), "{name}");
        assert_eq!(files::delete(f, name), Err(StoreError::WrongKind), "{name}");
        assert_eq!(files::size(f, name), Err(StoreError::WrongKind), "{name}");
    }
    assert_eq!(files::create(f, "dir/x"), Err(StoreError::WrongKind));
    assert_eq!(files::make_directory(f, "dir/x"), Err(StoreError::WrongKind));
    assert_eq!(files::list(f, Some("dir")), Err(StoreError::WrongKind));
    assert_eq!(files::remove_directory(f, "dir"), Err(StoreError::WrongKind));
    assert_eq!(files::list(f, None).unwrap(), vec![Entry { name: "inside".into(), directory: false }]);
    assert_eq!(files::usage(f), Ok(6));
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(names(&dir.path().join("outside")), Vec::<String>::new());
}

#[test]
fn climbing_paths_stay_inside() {
    // The module never makes such names; the store holds even if it did.
    let (dir, store) = store();
    for name in ["../x", "../../x", "/x", "a/../../../x"] {
        assert!(files::create(&store.files, name).is_err(), "{name}");
        assert!(files::make_directory(&store.files, name).is_err(), "{name}");
    }
    assert_eq!(names(dir.path()), ["m"]);
    assert_eq!(names(&dir.path().join("m")), ["files", "lock", "tmp"]);
}

#[test]
fn a_fifo_is_not_a_file() {
    let (dir, store) = store();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        visible(&dir, "pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(store.read_whole("pipe"), Err(StoreError::WrongKind));
    assert_eq!(files::read(&store.files, "pipe", 0, 1), Err(StoreError::WrongKind));
}

#[test]
fn settings_survive_and_stay_out_of_sight() {
    let (dir, store) = store();
    assert_eq!(store.kept(Section::Settings).unwrap(), None);
    assert_eq!(store.perform(&persist("one")), Ok(StoreReply::Done));
    assert_eq!(store.perform(&persist("two")), Ok(StoreReply::Done));
    drop(store);
    let store = Store::open(&dir.path().join("m")).unwrap();
    assert_eq!(store.kept(Section::Settings).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(store.perform(&StoreRequest::List(None)), Ok(StoreReply::Entries(vec![])));
    assert_eq!(store.perform(&StoreRequest::Usage), Ok(StoreReply::Size(0)));
}

#[test]
fn a_twin_that_is_just_ending_is_waited_for() {
    let (dir, store) = store();
    let path = dir.path().join("m");
    let root = Dir::open_ambient_dir(&path, ambient_authority()).unwrap();
    let mut store = Some(store);
    let waited = Lock::take_with(&root, &path, || store.take().is_some());
    assert!(store.is_none(), "it was in use at first");
    waited.unwrap();
}

#[test]
fn two_twins_never_share_a_directory() {
    let (dir, store) = store();
    let second = Store::open(&dir.path().join("m")).unwrap_err();
    assert!(matches!(second, OpenError::InUse(_)));
    for part in ["in use by another modemtwin", "--state DIR", "--first-instance N"] {
        assert!(second.to_string().contains(part), "{second}");
    }
    drop(store);
    Store::open(&dir.path().join("m")).unwrap();
}

#[test]
fn a_link_in_place_of_the_files_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("m")).unwrap();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", dir.path().join("m/files")).unwrap();
    let error = Store::open(&dir.path().join("m")).unwrap_err();
    assert!(error.to_string().contains("files"), "{error}");
}

#[test]
fn an_overlong_file_is_not_loaded() {
    let (dir, store) = store();
    let file = fs::File::create(visible(&dir, "big")).unwrap();
    file.set_len(WHOLE_LIMIT + 1).unwrap();
    assert_eq!(store.read_whole("big"), Err(StoreError::Io));
    assert_eq!(files::size(&store.files, "big"), Ok(WHOLE_LIMIT + 1));
}

#[test]
fn more_files_than_a_line_takes_are_not_listed() {
    let (dir, store) = store();
    for number in 0..3000 {
        fs::File::create(visible(&dir, &format!("{number:060}"))).unwrap();
    }
    assert_eq!(files::list(&store.files, None), Err(StoreError::Io));
    assert_eq!(files::usage(&store.files), Ok(0));
    for number in 2000..3000 {
        files::delete(&store.files, &format!("{number:060}")).unwrap();
    }
    assert_eq!(files::list(&store.files, None).unwrap().len(), 2000);
}

#[test]
fn planted_names_do_not_look_like_answers() {
    let (dir, store) = store();
    for name in ["good", "a\r\nOK\r", "b\x1b[2J", "c\\d"] {
        fs::File::create(visible(&dir, name)).unwrap();
    }
    fs::create_dir(visible(&dir, "e\nf")).unwrap();
    assert_eq!(files::list(&store.files, None), Ok(vec![Entry { name: "good".into(), directory: false }]));
}
