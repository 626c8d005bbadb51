"""The log for TensorBoard, without TensorFlow."""

from __future__ import annotations

import importlib.util
import itertools
import socket
import struct
import time
from typing import Any, BinaryIO

from lqjax.disk import named
from lqjax.training.staging import Staging
from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

FOLDER_NAME = "tensorboard"
FILE_VERSION = "brain.Event:2"  # with it TensorBoard heeds the start of a session


@WRITERS.register("tensorboard")
class TensorBoard:
    """Writes event files below `tensorboard/` in the run's folder; each point is there at once.

    The messages are tensorboardX's, its writer is not: that one writes in a thread, and when the
    thread dies of a full disk, whoever hands it a value waits for ever.

    Raises:
      ValueError: tensorboardX is not installed.
    """

    def __init__(self, say: Say) -> None:
        if importlib.util.find_spec("tensorboardX") is None:
            raise ValueError(
                "the writer tensorboard needs tensorboardX, which is not installed; run"
                " pip install tensorboardX, or leave tensorboard out of run.writers"
            )
        self._staging: Staging | None = None

    def start(self, run: Run, step: int) -> None:
        """Open a new event file, which tells TensorBoard to drop what later steps had left."""
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        folder = run.root / FOLDER_NAME
        self._staging = Staging(folder)
        path = self._staging.local / _new_name(folder)
        self._file: BinaryIO = path.open("xb", buffering=0)
        self._add(Event(wall_time=time.time(), file_version=FILE_VERSION))
        begin = SessionLog(status=SessionLog.START)
        self._add(Event(wall_time=time.time(), step=step + 1, session_log=begin))

    def write(self, step: int, values: Values) -> None:
        """Add a point to the curve of each value.

        Raises:
          OSError: the disk is full, or refuses for another reason.
        """
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import Summary, scalar

        points = [scalar(name, value).value[0] for name, value in values.items()]
        self._add(Event(wall_time=time.time(), step=step, summary=Summary(value=points)))
        if self._staging and self._staging.due():
            self._staging.publish()

    def close(self) -> None:
        """Close the event file."""
        if self._staging:
            self._file.close()
            self._staging.close()
            self._staging = None

    def _add(self, event: Any) -> None:
        rest = _record(event.SerializeToString())
        with named(self._file.name):
            while rest:  # a disk that is nearly full takes a part
                rest = rest[self._file.write(rest) :]


def _new_name(folder: Any) -> str:
    """Name a file behind those that are there, as TensorBoard reads them: in alphabetical order."""
    names = (
        f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{number}"
        for number in itertools.count()
    )
    return next(name for name in names if not (folder / name).exists())


def _record(message: bytes) -> bytes:
    """Wrap a message as event files have it: length, its checksum, message, its checksum.

    Source: TensorFlow, "TFRecord and tf.train.Example", TFRecords format details.
    """
    from tensorboardX.record_writer import masked_crc32c

    length = struct.pack("<Q", len(message))
    checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, message)]
    return length + checksums[0] + message + checksums[1]
