"""The records of a prepared TFDS data set by number, in whatever format its files are."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from lqjax.data.pictures import open_picture
from lqjax.data.source import one_line
from lqjax.data.tfds_array_record import CheckedRecords
from lqjax.data.tfds_builder import WITH_TENSORFLOW, version_of
from lqjax.data.tfds_parquet import ParquetRecords
from lqjax.data.tfrecord import TfRecordFiles, checksum

TFRECORD, PARQUET, ARRAY_RECORD = "tfrecord", "parquet", "array_record"
"""The format that TFDS itself cannot read by number, the one that it reads whole, and its own."""


@dataclass(frozen=True)
class Opened:
    """One split: its name in TFDS, and its records with the images left encoded.

    And of the data set: its name, its folder, and what tells its versions apart.
    """

    split_name: str
    undecoded: Sequence[Any]
    dataset: str
    folder: str
    version: str

    def labels(self, label_key: str, rows: Sequence[int]) -> list[int]:
        """Read labels; the records come with their pictures, which stay encoded.

        Raises:
          ValueError: damaged records; one line.
        """
        try:
            return [int(self.undecoded[row][label_key]) for row in rows]
        except Exception as error:  # damaged records fail in many ways
            raise damaged(f"{self.folder}, split {self.split_name}", error) from error

    def picture(self, row: int, image_key: str, size: int) -> Image.Image:
        """Decode a picture by the rules of `lqjax.data.pictures.open_picture`.

        TFDS would hand the bytes to any decoder that there is, which may start other programs.

        Args:
          size: side in px that it will be resized to.

        Raises:
          Exception: whatever damaged records and pictures make decoders raise.
        """
        return open_picture(io.BytesIO(self.undecoded[row][image_key]), size)


class _Parsed(Sequence[Any]):
    """Records as the features of a data set make them from bytes."""

    def __init__(self, raw: TfRecordFiles | ParquetRecords, features: Any, decoders: Any) -> None:
        self._raw, self._features, self._decoders = raw, features, decoders

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, row: Any) -> Any:
        return self._features.deserialize_example_np(self._raw[row], decoders=self._decoders)


def open_records(builder: Any, names: Mapping[str, str], image_key: str) -> dict[str, Opened]:
    """Open splits for random access.

    Args:
      builder: of a data set that is prepared.
      names: of the splits in TFDS, by what they are here called.
      image_key: the feature that `undecoded` leaves as bytes.

    Raises:
      ValueError: files of a format without random access, or missing or damaged ones; one line.
    """
    import tensorflow_datasets as tfds

    skip = {image_key: tfds.decode.SkipDecoding()}
    try:
        undecoded = _sources(builder, names, skip)
    except NotImplementedError as error:
        kind, version = builder.info.file_format.value, shlex.quote(str(builder.data_dir))
        raise ValueError(
            f"{builder.data_dir}: its {kind} files need TensorFlow and allow no random access; "
            f"convert them once with: {WITH_TENSORFLOW} && tfds convert_format "
            f"--dataset_version_dir={version} --out_file_format=array_record"
        ) from error
    except Exception as error:  # missing or damaged shards
        raise damaged(str(builder.data_dir), error) from error
    common = builder.info.name, str(builder.data_dir), version_of(builder)
    return {
        part: Opened(split_name, undecoded[part], *common) for part, split_name in names.items()
    }


def _sources(builder: Any, names: Mapping[str, str], decoders: Any) -> Mapping[str, Sequence[Any]]:
    read = _reader(builder)
    if read is None:
        opened = builder.as_data_source(split=dict(names), decoders=decoders)
        return {part: _checked(builder, name, opened[part]) for part, name in names.items()}
    found = {}
    for part, name in names.items():
        split = builder.info.splits[name]
        raw = read(split.filepaths, split.shard_lengths)
        found[part] = _Parsed(raw, builder.info.features, decoders)
    return found


def _checked(builder: Any, name: str, records: Sequence[Any]) -> Sequence[Any]:
    """Let no record of a split unpack to more than memory holds."""
    if builder.info.file_format.value != ARRAY_RECORD:
        return records
    files = builder.info.splits[name].file_instructions
    return CheckedRecords(records, [file.filename for file in files], [file.take for file in files])


def _reader(builder: Any) -> type[TfRecordFiles] | type[ParquetRecords] | None:
    """Choose what gives the records by number; none where TFDS does so without reading all."""
    if in_tfrecords(builder):
        return TfRecordFiles
    form = builder.info.file_format
    return ParquetRecords if form is not None and form.value == PARQUET else None


def in_tfrecords(builder: Any) -> bool:
    """Tell whether TFRecord is the only format that the data set is there in."""
    return {form.value for form in builder.info.available_file_formats()} == {TFRECORD}


def notes_of(builder: Any) -> tuple[str, ...]:
    """Say what a reader should know of how the records are read."""
    if not in_tfrecords(builder) or checksum is not None:
        return ()
    return (
        "the checksums of the TFRecord files are not verified; for that: pip install google-crc32c",
    )


def damaged(folder: str, error: Exception) -> ValueError:
    """Make one line of whatever another library says of damaged files."""
    return ValueError(f"{folder}: cannot be read ({one_line(error)}); prepare or copy it again")
