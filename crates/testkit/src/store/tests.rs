use modem::{
    Area, Input, LineId, Modem, ModulePath, Output, Setup, StoreError, StoreReply, StoreRequest, Time,
};

use super::MemoryStore;

/// A module's own name for a file; only the module makes such names.
fn path(name: &str) -> ModulePath {
    let mut modem = Modem::new(Setup::new(0, 1, 0));
    let command = format!("AT+FSCREATE=\"{name}\"\r");
    modem.handle(Time(60_000), Input::Line { line: LineId(0), bytes: command.as_bytes() });
    while let Some(output) = modem.poll_output() {
        if let Output::Store { request: StoreRequest::Create(path), .. } = output {
            return path;
        }
    }
    panic!("no path came of {name}")
}

fn stage(store: &mut MemoryStore, name: &str, offset: u64, bytes: &[u8]) -> Result<StoreReply, StoreError> {
    let (path, bytes) = (path(name), bytes.to_vec());
    store.handle(&StoreRequest::Stage { area: Area::Ftp, path, offset, bytes, capacity: 10 })
}

fn commit(store: &mut MemoryStore, name: &str) -> Result<StoreReply, StoreError> {
    store.handle(&StoreRequest::Commit { area: Area::Ftp, path: path(name), capacity: 10 })
}

#[test]
fn a_download_appears_with_its_commit_and_not_before() {
    let mut store = MemoryStore::default();
    store.put("a", b"12345678".to_vec());
    stage(&mut store, "a", 0, b"ignored").unwrap();
    stage(&mut store, "a", 0, b"hello").unwrap();
    stage(&mut store, "a", 5, b"there").unwrap();
    assert_eq!(store.file("a"), Some(&b"12345678"[..]));
    assert_eq!(store.staged().collect::<Vec<_>>(), [(Area::Ftp, &b"hellothere"[..])]);
    commit(&mut store, "a").unwrap();
    assert_eq!(store.file("a"), Some(&b"hellothere"[..]));
    assert_eq!((store.staged().count(), commit(&mut store, "a")), (0, Err(StoreError::NotFound)));
}

#[test]
fn a_failure_leaves_nothing_staged() {
    let mut store = MemoryStore::default();
    store.put("d/a", b"1234".to_vec());
    let begin = |store: &mut MemoryStore| stage(store, "b", 0, b"123456").unwrap();
    for (name, offset, bytes, error) in [
        ("b", 6, &b"7"[..], StoreError::Full),
        ("b", 5, b"", StoreError::BadOffset),
        ("d", 6, b"", StoreError::WrongKind),
        ("none/b", 6, b"", StoreError::NotFound),
    ] {
        begin(&mut store);
        assert_eq!(stage(&mut store, name, offset, bytes), Err(error), "{name}");
        assert_eq!(store.staged().count(), 0);
    }
    begin(&mut store);
    store.put("c", vec![1]);
    assert_eq!(commit(&mut store, "b"), Err(StoreError::Full));
    assert_eq!(store.staged().count(), 0);
    store.put("c", vec![]);
    begin(&mut store);
    store.failing = true;
    assert_eq!(stage(&mut store, "b", 6, b""), Err(StoreError::Io));
    assert_eq!(store.staged().count(), 0);
    store.failing = false;
    begin(&mut store);
    store.handle(&StoreRequest::Discard(Area::Ftp)).unwrap();
    begin(&mut store);
    store.killed();
    assert_eq!(commit(&mut store, "b"), Err(StoreError::NotFound));
}
