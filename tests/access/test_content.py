import hashlib
import os

from workbench.access.content import content_sha256


def test_the_hash_is_of_the_bytes_and_follows_a_change(project):
    path = project.root / "a.csv"
    path.write_bytes(b"a\n1\n")
    assert content_sha256(project, path) == hashlib.sha256(b"a\n1\n").hexdigest()
    path.write_bytes(b"a\n2\n")
    os.utime(path, ns=(1, 1))
    assert content_sha256(project, path) == hashlib.sha256(b"a\n2\n").hexdigest()


def test_an_unchanged_file_is_not_read_again(project):
    path = project.root / "a.csv"
    path.write_bytes(b"a\n1\n")
    before = path.stat()
    first = content_sha256(project, path)
    path.write_bytes(b"a\n2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the change is hidden, so the old hash shows the cache
    assert content_sha256(project, path) == first


def test_a_damaged_cache_counts_as_empty_and_lost_files_leave_it(project):
    cache = project.state / "cache" / "hashes.json"
    a, b = project.root / "a", project.root / "b"
    a.write_bytes(b"a")
    b.write_bytes(b"b")
    content_sha256(project, a)
    cache.write_bytes(b"{broken")
    assert content_sha256(project, a) == hashlib.sha256(b"a").hexdigest()
    a.unlink()
    content_sha256(project, b)
    assert str(a) not in cache.read_text()
