"""URLs against a real (local) S3 server. Google's store has no server to run here: of gs:// only what needs none is tested."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import project as projects
from workbench.errors import BadInput, MachineError, MissingExtra, UnknownName
from workbench.production import storage
from workbench.production.fetch import fetch
from workbench.production.launch import run
from workbench.production.mirror import mirror
from workbench.production.runs import runs
from workbench.records.files import sha256_file
from workbench.records.run import State

NAMES = st.from_regex(r"[A-Za-z0-9_ .-]{1,8}", fullmatch=True).filter(lambda name: name.strip("."))


def sha(content):
    return hashlib.sha256(content).hexdigest()


def test_a_plain_path_starts_at_the_root_and_a_file_url_is_absolute(tmp_path):
    assert storage.local("data/x.csv", tmp_path) == tmp_path / "data" / "x.csv"
    assert storage.local("/data/x.csv", tmp_path) == Path("/data/x.csv")
    assert storage.local("file:///data/x.csv", tmp_path) == Path("/data/x.csv")
    assert storage.local("file://localhost/data/x.csv", tmp_path) == Path("/data/x.csv")
    assert storage.local("s3://bucket/data/x.csv", tmp_path) is None


@given(parts=st.lists(NAMES, min_size=1, max_size=4))
def test_a_file_url_names_the_path_that_it_was_made_from(parts):
    path = Path("/", *parts)
    assert storage.local(path.as_uri(), Path("/elsewhere")) == path


@pytest.mark.parametrize("url", ["file://~/x.csv", "file://data/x.csv", "file://", "file://x.csv"])
def test_a_file_url_that_is_not_absolute_is_refused(url):
    with pytest.raises(BadInput, match="a file URL is absolute"):
        storage.local(url, Path("/"))


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:hush@bucket/key",
        "s3://AKIA:hu/sh@bucket/key",  # a secret key may hold a slash
        "s3://hush@bucket/key",
        "https://user:hush@example.org/key",
        "file://user:hush@host/key",
    ],
)
def test_a_url_with_credentials_is_refused_and_they_are_not_repeated(url):
    with pytest.raises(BadInput, match="holds credentials") as caught:
        storage.check_url(url)
    assert "hush" not in str(caught.value).replace("hu/sh", "hush")


@pytest.mark.parametrize(
    "url", ["s3://bucket/mail@example.org:8/k", "s3://arn:aws:s3:eu-west-1:1:accesspoint/a/k@b", "gs://b/k"]
)
def test_a_key_may_hold_any_sign(url):
    assert storage.check_url(url) is None


def test_a_url_that_another_program_took_is_recorded_without_its_credentials():
    assert storage.without_credentials("https://user:hush@example.org/x.ipynb?sig=hush") == "https://…@example.org/x.ipynb"
    assert storage.without_credentials("s3://AKIA:hu/sh@bucket/a@b") == "s3://…@bucket/a@b"
    for same in ("s3://bucket/a:b@c?versionId=1", "templates/x@y:z.ipynb", "s3://arn:aws:s3:eu-west-1:1:accesspoint/a/k@b"):
        assert storage.without_credentials(same) == same


@pytest.mark.parametrize("url", ["https://example.org/x?sig=hush", "S3://bucket/x", "simplecache::s3://bucket/x"])
def test_another_kind_of_url_is_refused_with_those_that_there_are(url):
    with pytest.raises(BadInput, match="s3://, gs://, file://") as caught:
        storage.check_url(url)
    assert "hush" not in str(caught.value)
    assert not storage.is_there(url, Path("/"))  # what is not looked at may be text that only looks like a URL


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "gs://-x/y"])
def test_a_url_names_a_bucket(url):
    with pytest.raises(BadInput, match="no bucket's name"):
        storage.check_url(url)


def test_what_is_there_is_found(store, tmp_path):
    url = store.put("data/x.csv", b"a,b")
    for there in (url, f"s3://{store.bucket}/data", f"s3://{store.bucket}/data/", f"s3://{store.bucket}"):
        assert storage.is_there(there, tmp_path)
    for absent in (f"{url}.gz", f"s3://{store.bucket}/dat", "s3://no-such-bucket/x", "s3://no-such-bucket"):
        assert not storage.is_there(absent, tmp_path)
    (tmp_path / "x.csv").write_text("a,b")
    assert storage.is_there("x.csv", tmp_path)
    assert storage.is_there((tmp_path / "x.csv").as_uri(), tmp_path)


def test_it_is_looked_for_anew_each_time(store, tmp_path):
    url = f"s3://{store.bucket}/data/late.csv"
    assert not storage.is_there(url, tmp_path)
    store.put("data/late.csv", b"1")
    assert storage.is_there(url, tmp_path)
    assert storage.sha256(url, tmp_path) == sha(b"1")
    store.put("data/late.csv", b"2")
    assert storage.sha256(url, tmp_path) == sha(b"2")


def test_a_letter_tells_an_object_that_is_not_there_from_a_bucket(store):
    with pytest.raises(UnknownName, match="no such object or folder"):
        storage.read(f"s3://{store.bucket}/my-bucket/none")
    with pytest.raises(UnknownName, match="no such bucket"):
        storage.look("s3://no-such-bucket/none")


def test_without_credentials_the_letter_says_how_to_get_some_and_then_it_works(store, monkeypatch):
    url = store.put("x", b"1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(BadInput, match="no credentials") as caught:
        storage.read(url)
    assert "aws configure" in caught.value.fix
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert storage.read(url) == b"1"


def test_a_profile_that_is_not_there_is_named(store, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadInput, match=r"no credentials: .*\(nobody\) could not be found"):
        storage.look(f"s3://{store.bucket}/x")


def test_a_store_that_refuses_is_told_with_its_reason(store):
    url = store.put("x", b"1")
    store.answer = lambda _request: 403
    with pytest.raises(BadInput, match="the store refuses: Forbidden"):
        storage.look(url)


def test_a_store_that_does_not_answer_is_no_mistake_of_the_person(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(MachineError, match="does not answer"):
        storage.is_there(f"s3://{store.bucket}/x", Path("/"))


def test_a_store_that_stumbles_is_asked_again(store):
    url = store.put("x", b"1")
    answers = iter([503, 500])
    store.answer = lambda _request: next(answers, None)
    assert storage.read(url) == b"1"


def test_an_object_that_is_replaced_while_it_is_read_has_no_hash(store, tmp_path):
    url = store.put("x", b"1" * (storage.BLOCK_BYTES * 3))
    reads = []

    def replaced(request):
        if request == f"GET /{store.bucket}/x":
            reads.append(request)
            if len(reads) == 2:
                store.put("x", b"2" * (storage.BLOCK_BYTES * 3))

    store.answer = replaced
    with pytest.raises(BadInput, match="replaced while it was read"):
        storage.sha256(url, tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("gcsfs") is not None, reason="gcsfs is installed")
def test_without_gcsfs_the_letter_names_the_command():
    with pytest.raises(MissingExtra) as caught:
        storage.look("gs://bucket/x")
    assert caught.value.fix == "pip install gcsfs"


def test_without_s3fs_the_letter_names_the_command():
    script = """
        import sys
        sys.modules["s3fs"] = None  # as if it were not installed
        from workbench.production import storage
        try:
            storage.look("s3://bucket/x")
        except storage.MissingExtra as error:
            print(error.fix)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert done.stdout == "pip install 'notebook-workbench[s3]'\n", done.stderr


def test_a_folder_and_its_copy_in_a_bucket_have_one_hash(store, tmp_path):
    names = ["b.txt", "a/z.txt", "a.txt", "a/b/c d?e#f.txt", "a-b.txt", ".hidden"]
    for name in names:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
        store.put(f"data/{name}", name.encode())
    store.put("data/empty/", b"")  # how a console keeps an empty folder
    store.put("data2/x", b"of another prefix")
    url = f"s3://{store.bucket}/data"
    assert storage.sha256(url, tmp_path) == storage.sha256(f"{url}/", tmp_path) == sha256_file(tmp_path / "data")
    assert (
        storage.sha256("data", tmp_path)
        == storage.sha256((tmp_path / "data").as_uri(), tmp_path)
        == sha256_file(tmp_path / "data")
    )


def test_the_hash_of_an_objects_version_is_kept_and_that_of_a_name_is_not(store, project):
    store.client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    url = store.put("x", b"1")
    for _ in range(2):
        assert storage.sha256(url, project.root) == sha(b"1")
    assert store.asked.count(f"GET /{store.bucket}/x") == 1
    store.put("x", b"2")
    assert storage.sha256(url, project.root) == sha(b"2")


def test_a_version_is_read_by_its_id(store, tmp_path):
    store.client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    first = store.client.put_object(Bucket=store.bucket, Key="x", Body=b"1")["VersionId"]
    store.put("x", b"2")
    url = f"s3://{store.bucket}/x?versionId={first}"
    assert (storage.read(url), storage.sha256(url, tmp_path)) == (b"1", sha(b"1"))


def test_nothing_is_kept_outside_a_project(store, tmp_path):
    store.client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    storage.sha256(store.put("x", b"1"), tmp_path)
    assert list(tmp_path.iterdir()) == []


HASH = """
import resource, sys
from pathlib import Path
from workbench.production import storage
storage.sha256(sys.argv[1], Path("/"))  # what the libraries take
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(storage.sha256(sys.argv[2], Path("/")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_large_object_is_hashed_in_little_memory(store):
    content = bytes(range(256)) * (1 << 19)  # 128 MiB
    small, large = store.put("small", b"1"), store.put("large", content)
    done = subprocess.run([sys.executable, "-c", HASH, small, large], capture_output=True, text=True, check=True)
    digest, more_kib = done.stdout.split()
    assert digest == sha(content)
    assert int(more_kib) < 64 * 1024


READS = """
from workbench import production
import pandas as pd
production.seed_everything(seed)
table = pd.read_csv(data)
production.record("units", int(table["units"].sum()), headline=True)
table.to_csv(production.folder() / "table.csv")
production.artifact("table", production.folder() / "table.csv")
"""


@pytest.mark.slow
def test_a_template_from_a_bucket_reads_an_object_and_its_run_comes_back_from_the_mirror(project, template, store, tmp_path):
    path = template(
        "sums", "from pathlib import Path\ndata: Path = None  # what to add up\nseed: int = 0  # random seed", READS
    )
    raw = path.read_bytes()
    path.unlink()
    url, data = store.put("templates/sums.ipynb", raw), store.put("data/sales.csv", b"id,units\n1,2\n2,3\n")
    config = project.root / "workbench.toml"
    config.write_text(f'{config.read_text()}\nmirror = "s3://{store.bucket}/runs"\n')
    project = projects.open_project(project.root)

    record = run(project, url, parameter={"data": data})
    assert (record.state, record.template, record.source, record.git_commit) == (State.DONE, "sums", url, None)
    assert (record.parameters["data"], record.headline.value) == (data, 5)
    assert [(read.name, read.sha256) for read in record.inputs] == [(data, sha(b"id,units\n1,2\n2,3\n"))]
    folder = project.runs / record.run_id
    assert (folder / "input.ipynb").read_bytes() == raw

    mirror(project)
    projects.init(tmp_path / "other")
    other = projects.open_project(tmp_path / "other")
    fetch(other, f"s3://{store.bucket}/runs/{record.run_id}")
    assert whole(other.runs / record.run_id) == whole(folder)


def whole(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_papermill_reads_and_writes_a_bucket_with_our_engine_and_the_record_lies_in_the_project(project, template, store):
    path = template("hello", "weeks: int = 8  # how many", "print(weeks)")
    url, out = store.put("hello.ipynb", path.read_bytes()), f"s3://{store.bucket}/out/hello.ipynb"
    command = [sys.executable, "-m", "papermill", "--engine", "workbench", "--no-progress-bar", url, out, "-p", "weeks", "9"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (record,) = runs(project).runs
    assert (record.state, record.template, record.parameters, record.source) == (State.DONE, "hello", {"weeks": 9}, url)
    cells = json.loads(store.get("out/hello.ipynb"))["cells"]
    assert cells[-1]["outputs"][0]["text"] in ("9\n", ["9\n"])
