"""A gs:// bucket whose objects lie in memory."""

import fsspec
from etils import epath
from etils.epath import backend, gpath


def memory_bucket(monkeypatch):
    """Put gs:// on an empty memory file system of fsspec; return a folder there."""
    monkeypatch.setattr(gpath, "_is_tf_installed", lambda: False)  # it would ask Google
    files = fsspec.filesystem("memory", skip_instance_cache=True)
    monkeypatch.setattr(files, "store", {})
    monkeypatch.setattr(files, "pseudo_dirs", [""])
    monkeypatch.setattr(type(backend.fsspec_backend), "fs", lambda self, path: files)
    return epath.Path("gs://bucket/work")
