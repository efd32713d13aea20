use super::*;

#[test]
fn what_is_put_is_there_in_order_and_private() {
    use std::os::unix::fs::PermissionsExt;

    let state = tempfile::tempdir().unwrap();
    for number in 0..3u8 {
        put(state.path(), &[vec![number, 4], vec![5]]).unwrap();
    }
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory(state.path())).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let contents: Vec<_> = paths.iter().map(|path| read(path).unwrap()).collect();
    assert_eq!(contents, [[vec![0, 4], vec![5]], [vec![1, 4], vec![5]], [vec![2, 4], vec![5]]]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&paths[0]), mode(&directory(state.path()))), (0o600, 0o700));
}

#[test]
fn what_is_no_message_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.sms");
    for bytes in [&b"xyz\n"[..], b"040\n", &vec![b'0'; 200_000]] {
        fs::write(&path, bytes).unwrap();
        assert!(read(&path).is_err());
    }
    fs::write(&path, "\n 0405 \r\n").unwrap();
    assert_eq!(read(&path).unwrap(), [[4, 5]]);
    let link = directory.path().join("b.sms");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(read(&link).is_err());
    assert!(read(directory.path()).is_err());
}
