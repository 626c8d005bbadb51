"""Pictures of files decoded in processes: one for each thread that asks.

Python threads take turns outside Pillow's decoders, so that more than two to four of them gain
little with small pictures (docs/benchmarks.md). The processes are started afresh (never forked:
JAX has threads), do not import the program that uses them, and end when their input is closed,
so that they outlive nobody. A process that dies in a decoder costs its picture, not the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from lqjax.data.decoder_worker import limits
from lqjax.data.picture_rows import BadPicture, ColourFoundError, Form

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from lqjax.data.decoder_worker import serve; serve()"
)
PIPE_BYTES = 2**20
"""Linux allows as much without privileges; fewer changes between the processes."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of the processes, whose libraries would make threads for every core."""

GRACE_SECONDS = 5.0
"""After closing their input, until they are killed."""


CRASHES = tuple(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL")
    if hasattr(signal, name)
)
"""Signals by which a decoder ends that a picture has led astray."""


class DecoderDiedError(Exception):
    """A process ended without an answer.

    Attributes:
      crashed: by a mistake of its own, not by somebody's signal.
    """

    def __init__(self, message: str, crashed: bool = False) -> None:
        super().__init__(message)
        self.crashed = crashed


class Decoders:
    """Decoding processes, each started by the first request of a thread, and ended together.

    As a context it ends them: at once where it is left by an exception, and threads that wait for
    an answer then get a ValueError.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._lock = threading.Lock()
        self._started: list[_Decoder] = []
        self._impossible: DecoderDiedError | None = None
        self._closed = False

    def __enter__(self) -> Decoders:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        with self._lock:
            self._closed = True
        for decoder in self._started:
            decoder.close_input() if error is None else decoder.kill()
        for decoder in self._started:
            decoder.end()

    def decode(
        self, paths: Sequence[str], form: Form, stop_at_bad: bool
    ) -> tuple[np.ndarray, list[BadPicture]]:
        """Decode files; result and errors as for `decode_rows`, rows counted from 0.

        Raises:
          DecoderDiedError: processes cannot be started here.
          ValueError: somebody killed a process twice, or the context was left.
        """
        try:
            return self._decoder().decode(paths, form, stop_at_bad)
        except DecoderDiedError:
            self._forget()
        return self._one_by_one(paths, form, stop_at_bad)

    def _one_by_one(
        self, paths: Sequence[str], form: Form, stop_at_bad: bool
    ) -> tuple[np.ndarray, list[BadPicture]]:
        """Find which picture it was that a process died of."""
        found, bad = [], []
        for row, path in enumerate(paths):
            decoder = self._decoder()
            try:
                pixels, own = decoder.decode([path], form, stop_at_bad)
            except DecoderDiedError as error:
                self._forget()
                if not error.crashed:
                    raise ValueError(
                        f"{path}: {error}; if it was killed for lack of memory, lower data.workers"
                        " or set data.decoder=threads"
                    ) from error
                pixels, own = np.empty((0, *form.image_shape), np.uint8), [(0, error)]
            found.append(pixels)
            bad += [(row, reason) for _, reason in own]
            if bad and stop_at_bad:
                break
        return np.concatenate(found), bad

    def _decoder(self) -> _Decoder:
        if getattr(self._own, "decoder", None) is None:
            self._own.decoder = self._start()
        return self._own.decoder

    def _start(self) -> _Decoder:
        if self._impossible:
            raise self._impossible
        try:
            with self._lock:
                if self._closed:
                    raise ValueError("decoding was stopped")
                decoder = _Decoder()
                self._started.append(decoder)
            decoder.wait_for_start()
        except DecoderDiedError as error:  # it would be tried again for every picture
            self._impossible = DecoderDiedError(f"processes cannot be started: {error}")
            raise self._impossible from error
        return decoder

    def _forget(self) -> None:
        self._own.decoder = None


class _Decoder:
    """One process."""

    def __init__(self) -> None:
        if not sys.executable:  # Python within another program
            raise DecoderDiedError("the Python program is not known")
        command = [sys.executable, "-c", START, json.dumps([os.path.abspath(p) for p in sys.path])]  # noqa: PTH100
        own_group: Any = {"process_group": 0} if os.name == "posix" else {}  # Ctrl-C is for us
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **ONE_THREAD},
                pipesize=PIPE_BYTES,
                **own_group,
            )
        except OSError as error:
            raise DecoderDiedError(str(error)) from None

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None  # a pipe, see above
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def wait_for_start(self) -> None:
        self._ask(limits())

    def decode(
        self, paths: Sequence[str], form: Form, stop_at_bad: bool
    ) -> tuple[np.ndarray, list[BadPicture]]:
        request = {"paths": list(paths), "form": asdict(form), "stop_at_bad": stop_at_bad}
        answer = self._ask(request)
        if "colour" in answer:
            raise ColourFoundError
        pixels = np.empty((answer["good"], *form.image_shape), np.uint8)
        rest = pixels.reshape(-1).data
        while rest:
            count = self._output.readinto(rest)  # type: ignore[attr-defined]
            if not count:
                raise self._death()
            rest = rest[count:]
        return pixels, [(row, ValueError(reason)) for row, reason in answer["bad"]]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
            self._input.flush()
        except OSError:
            raise self._death() from None
        line = self._output.readline()
        if not line.endswith(b"\n"):
            raise self._death()
        return json.loads(line)

    def _death(self) -> DecoderDiedError:
        self.end()
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return DecoderDiedError(f"the process that decodes it died, {how}", -code in CRASHES)

    def close_input(self) -> None:
        with contextlib.suppress(OSError):  # it is gone already, with a request half written
            self._input.close()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Wait until it is gone; kill it if it stays."""
        self.close_input()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
