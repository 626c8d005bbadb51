"""Files that grow, for folders in which files cannot."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from etils import epath

from lqjax.training.meters import Clock

PUBLISH_SECONDS = 60.0  # a killed run loses at most so much of its log on a bucket


class Staging:
    """A local folder to write in: the folder itself, or one that is copied to a bucket.

    The objects of a bucket are replaced whole, never appended to: growing files are written here
    and copied there now and then.

    Args:
      folder: where the files belong; it is made.
      clock: seconds; `time.monotonic` unless given.
    """

    def __init__(self, folder: epath.Path, clock: Clock = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._remote = "://" in str(folder)
        self._published = clock()
        folder.mkdir(parents=True, exist_ok=True)
        self.local = Path(tempfile.mkdtemp(prefix="lqjax-")) if self._remote else Path(folder)

    def due(self) -> bool:
        """Tell whether there is a bucket and its copy has become old."""
        return self._remote and self._clock() - self._published >= PUBLISH_SECONDS

    def publish(self) -> None:
        """Copy the files to the bucket; nothing to do where the folder is local."""
        if not self._remote:
            return
        for file in sorted(path for path in self.local.rglob("*") if path.is_file()):
            target = self._folder / file.relative_to(self.local).as_posix()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        self._published = self._clock()

    def close(self) -> None:
        """Copy the files a last time and drop the local ones."""
        self.publish()
        if self._remote:
            shutil.rmtree(self.local)
