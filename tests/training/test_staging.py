"""Growing files on a bucket, on fsspec's memory file system."""

from etils import epath

from lqjax.training.staging import PUBLISH_SECONDS, Staging
from tests.training.buckets import memory_bucket


def test_a_local_folder_is_written_in_place(tmp_path):
    staging = Staging(epath.Path(tmp_path / "new"))
    assert staging.local == tmp_path / "new"
    (staging.local / "a.txt").write_text("one")
    assert not staging.due()
    staging.close()
    assert (tmp_path / "new" / "a.txt").read_text() == "one"


def test_a_bucket_gets_whole_copies_when_they_are_due(monkeypatch):
    bucket = memory_bucket(monkeypatch)
    now = [0.0]
    staging = Staging(bucket, lambda: now[0])
    file = staging.local / "below" / "a.txt"
    file.parent.mkdir()
    file.write_text("one\n")
    assert not staging.due()
    now[0] += PUBLISH_SECONDS
    assert staging.due()
    staging.publish()
    assert (bucket / "below" / "a.txt").read_text() == "one\n"
    assert not staging.due()
    file.write_text("one\ntwo\n")
    staging.close()
    assert (bucket / "below" / "a.txt").read_text() == "one\ntwo\n"
    assert not staging.local.exists()
