//! What the files do, without a server.

use proptest::prelude::*;

use super::*;

#[test]
fn a_path_never_leaves_the_root() {
    for (directory, path, whole) in [
        ("/", "a", "/a"),
        ("/a/b", "../c", "/a/c"),
        ("/a", "/b/./c//", "/b/c"),
        ("/a", "../../../..", "/"),
        ("/", "", "/"),
        ("/a", "~root", "/a/~root"),
    ] {
        assert_eq!(resolve(directory, path).as_deref(), Some(whole));
    }
    assert_eq!(resolve("/", "a\rb"), None);
    assert_eq!(resolve("/", &"x/".repeat(600)), None);
}

proptest! {
    #[test]
    fn whatever_is_asked_for_is_a_plain_path(directory in "(/[a-c.]{0,4}){0,5}", path in "[a-c./~\\\\]{0,40}") {
        let whole = resolve(&directory, &path).unwrap();
        prop_assert!(whole.starts_with('/'));
        prop_assert!(whole == "/" || whole.split('/').skip(1).all(|name| !["", ".", ".."].contains(&name)));
    }
}

#[test]
fn room_is_counted_and_comes_back() {
    let files = Files::new();
    let before = files.with(|state| state.used);
    let big = files.create("/big", Some(0)).unwrap();
    let portion = vec![7; 1 << 20];
    let mut written = 0;
    let refusal = loop {
        match files.write(&big, &portion) {
            Ok(()) => written += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((refusal, written), (Refusal::Full, 31));
    files.take_back(&big);
    assert_eq!(files.look("/big"), None);
    assert_eq!(files.with(|state| state.used), before);
    // What was there before an unsuccessful append is there after it.
    let small = files.create("/small", None).unwrap();
    files.write(&small, b"abc").unwrap();
    let more = files.create("/small", None).unwrap();
    assert_eq!(files.write(&small, b"x"), Err(Refusal::Replaced));
    files.write(&more, b"def").unwrap();
    files.take_back(&more);
    let (open, length) = files.open("/small", 1).unwrap();
    assert_eq!((length, files.read(&open, 1, 100).unwrap()), (3, b"bc".to_vec()));
    files.delete("/small").unwrap();
    assert_eq!(files.with(|state| state.used), before);
    assert_eq!(files.read(&open, 1, 100), Err(Refusal::Replaced));
}

#[test]
fn there_are_only_so_many_entries() {
    let files = Files::new();
    let made = (0..2 * ENTRIES).take_while(|number| files.make(&format!("/{number}")).is_ok()).count();
    assert!(made < ENTRIES);
    assert_eq!(files.make("/more"), Err(Refusal::Full));
    assert_eq!(files.create("/more", Some(0)).map(|_| ()), Err(Refusal::Full));
}

#[test]
fn directories_are_not_files() {
    let files = Files::new();
    assert_eq!(files.delete("/upload"), Err(Refusal::Directory));
    assert_eq!(files.remove("/hello.txt"), Err(Refusal::NoDirectory));
    assert_eq!(files.remove("/"), Err(Refusal::InUse));
    assert_eq!(files.make("/none/a"), Err(Refusal::NoDirectory));
    assert_eq!(files.make("/hello.txt/a"), Err(Refusal::NoDirectory));
    files.make("/upload/a").unwrap();
    assert_eq!(files.remove("/upload"), Err(Refusal::InUse));
    assert_eq!(files.create("/upload", Some(0)).map(|_| ()), Err(Refusal::Directory));
    assert_eq!(files.create("/text-4000.txt", None).map(|_| ()), Err(Refusal::Fixed));
    files.create("/text-4000.txt", Some(0)).unwrap();
    assert_eq!(files.look("/text-4000.txt").unwrap().length, Some(0));
}
