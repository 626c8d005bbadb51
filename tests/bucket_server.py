"""A bucket on this machine: gs:// for epath in memory, and the same objects over HTTP.

Orbax writes arrays through TensorStore, which speaks Google's JSON interface by itself and can be
told another address: https://cloud.google.com/storage/docs/json_api/v1/objects.
"""

import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from etils import epath
from etils.epath import backend
from fsspec.implementations.memory import MemoryFileSystem
from orbax.checkpoint._src.path import gcs_utils

OBJECT = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)")
LISTING = re.compile(r"/storage/v1/b/([^/]+)/o")
UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")


class Bucket(MemoryFileSystem):
    """Names objects without the protocol, as gcsfs does, and has no folders: only names with /."""

    cachable = False

    def __init__(self):
        super().__init__()
        self.store, self.pseudo_dirs = {}, [""]

    def mkdir(self, path, create_parents=True, **_):
        pass

    def makedirs(self, path, exist_ok=False):
        pass

    def exists(self, path, **_):
        name = self._strip_protocol(path)
        return any(found == name or found.startswith(f"{name}/") for found in list(self.store))

    def cp_file(self, path1, path2, **_):
        if self.isfile(path1):
            super().cp_file(path1, path2)

    def rm(self, path, recursive=False, maxdepth=None):
        name = self._strip_protocol(path)
        for found in list(self.store):
            if found == name or (recursive and found.startswith(f"{name}/")):
                del self.store[found]

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("gs://"))

    def glob(self, path, **options):
        return [found.lstrip("/") for found in super().glob(path, **options)]


class Objects(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files = None

    def do_GET(self):
        url, query = self._asked()
        if found := OBJECT.fullmatch(url):
            self._read(self._path(*found.groups()), query)
        elif found := LISTING.fullmatch(url):
            self._list(found[1], query)
        else:
            self._answer(404)

    def do_POST(self):
        url, query = self._asked()
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self._path(UPLOAD.fullmatch(url)[1], query["name"])
        if query.get("ifGenerationMatch") == "0" and self.files.exists(path):
            self._answer(412)
            return
        self.files.pipe(path, body)
        self._answer(200, json.dumps(self._record(path)).encode())

    def do_DELETE(self):
        path = self._path(*OBJECT.fullmatch(self._asked()[0]).groups())
        there = self.files.exists(path)
        if there:
            self.files.rm(path)
        self._answer(204 if there else 404)

    def log_message(self, *_):
        pass

    def _asked(self):
        url, _, query = self.path.partition("?")
        return url, dict(urllib.parse.parse_qsl(query))

    @staticmethod
    def _path(bucket, name):
        return f"/{bucket}/{urllib.parse.unquote(name)}"

    def _record(self, path):
        return {
            "kind": "storage#object",
            "name": path.split("/", 2)[2],
            "bucket": path.split("/", 2)[1],
            "generation": "1",
            "metageneration": "1",
            "size": str(self.files.size(path)),
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
        }

    def _read(self, path, query):
        if not self.files.isfile(path):
            self._answer(404)
        elif query.get("alt") != "media":
            self._answer(200, json.dumps(self._record(path)).encode())
        else:
            self._send(self.files.cat_file(path))

    def _send(self, body):
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range") or "")
        if not wanted:
            self._answer(200, body)
            return
        first, last = wanted.groups()
        start = int(first) if first else len(body) - int(last)
        stop = min(int(last) + 1 if first and last else len(body), len(body))
        where = f"bytes {start}-{stop - 1}/{len(body)}"
        self._answer(206, body[start:stop], {"content-range": where})

    def _list(self, bucket, query):
        root = f"/{bucket}/"
        names = sorted(
            path.removeprefix(root) for path in list(self.files.store) if path.startswith(root)
        )
        start, end = query.get("startOffset", ""), query.get("endOffset", "\U0010ffff")
        prefix = query.get("prefix", "")
        listed = [n for n in names if start <= n < end and n.startswith(prefix)]
        items = [self._record(root + name) for name in listed]
        self._answer(200, json.dumps({"kind": "storage#objects", "items": items}).encode())

    def _answer(self, code, body=b"", headers=None):
        self.send_response(code)
        for name, value in {"x-goog-generation": "1", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def served_bucket(monkeypatch):
    """Put gs:// on an empty bucket that is served over HTTP; return a folder in it."""
    files = Bucket()
    monkeypatch.setattr(type(backend.fsspec_backend), "fs", lambda self, path: files)
    monkeypatch.setattr(gcs_utils, "get_bucket", lambda name: None)  # has no folders of its own
    monkeypatch.setattr(Objects, "files", files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Objects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TENSORSTORE_GCS_HTTP_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "none")
    return epath.Path("gs://bucket/work"), server
