"""A store of a test's own: moto's S3 over HTTP on this machine, which can be made to fail, and tells what it was asked."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

_buckets = itertools.count()


@dataclass
class Store:
    """An S3 server. `asked`: method and path of each request; `answer`: may give one a status instead of moto's answer."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    answer: Callable[[str], int | None] = lambda _request: None
    bucket: str = ""

    def start(self) -> Any:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.moto = DomainDispatcherApplication(create_backend_app)
        server = make_server("127.0.0.1", 0, self.serve, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        return server

    def serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        from werkzeug.wsgi import get_input_stream

        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.asked.append(request)
        status = self.answer(request)
        if status is None:
            return self.moto(environ, start_response)
        get_input_stream(environ).read()  # a server that does not read what it is sent breaks the connection
        start_response(f"{status} no", [("Content-Length", "0")])
        return [b""]

    @property
    def client(self) -> Any:
        """Another library's way to it, so that ours is not tested by itself."""
        import boto3

        return boto3.client("s3", endpoint_url=self.url)

    def put(self, key: str, content: bytes) -> str:
        """Put an object into the test's bucket; gives its URL."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket)
        return [one["Key"] for one in found.get("Contents", ())]


@pytest.fixture(scope="session")
def _server() -> Iterator[Store]:
    store = Store()
    server = store.start()
    yield store
    server.shutdown()


@pytest.fixture
def store(_server: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The server with an empty bucket. This process and its children find it as any S3 is found: by the environment."""
    from s3fs import S3FileSystem

    settings = {
        "AWS_ENDPOINT_URL": _server.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "none",
        "AWS_SHARED_CREDENTIALS_FILE": "none",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # clients of the test before
    _server.bucket = f"bucket-{next(_buckets)}"
    _server.answer = lambda _request: None
    _server.client.create_bucket(Bucket=_server.bucket)
    _server.asked.clear()
    return _server
