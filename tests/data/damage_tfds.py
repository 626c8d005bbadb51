"""Prepared TFDS data sets: damaged metadata, files, records, and pictures in records."""

import io
import json
import shutil
import struct

from lqjax.config import DataConfig
from lqjax.data.loading import load_dataset
from lqjax.data.riegeli_chunks import BLOCK_BYTES, BLOCK_HEADER_BYTES, read_chunks
from tests.data.array_records import (
    DATA_SIZE,
    KIND_AND_RECORDS,
    UNPACKED,
    array_record_of,
    with_a_header,
)
from tests.data.damage_checks import SIZE, check_dataset
from tests.data.damage_child import outcome
from tests.data.damage_pictures import whole_pictures
from tests.data.damaging import damaged, damaged_picture, extreme, generator
from tests.data.tfrecords import framed, masked

DATA_SET = "lqjax_tiny"
VALUES = (
    None, True, -1, 0, 2**31, 2**63, 2**70, 1.5, 1e308, "", "x", "-1", "99999999999999999999",
    "9223372036854775807", "../../../etc/passwd", "/etc/passwd", "os.path.X", "{SPLIT}", [], {},
    [[]], ["0"], ["-5"], ["1"] * 9, {"a": {}}, "\n", "\ud800", "tfrecord", "parquet", "1.0.0",
)  # fmt: skip


def changed_json(draws, text):
    """Set something in a JSON file to something else, or leave it out."""
    top = json.loads(text)
    for _ in range(draws.integers(1, 3)):
        places = [(top, key) for key in top]
        for holder, key in places:
            inner = holder[key]
            if isinstance(inner, dict | list):
                keys = inner if isinstance(inner, dict) else range(len(inner))
                places += [(inner, k) for k in keys]
        if not places:
            break
        holder, key = places[draws.integers(len(places))]
        if draws.integers(5):
            holder[key] = VALUES[draws.integers(len(VALUES))]
        elif isinstance(holder, dict):
            del holder[key]
        else:
            holder.append(holder[key])
    return json.dumps(top).encode()


class Prepared:
    """A prepared TFDS data set, whatever its files are."""

    def __init__(self, folder, file_format):
        from tests.data.test_tfds import as_tfrecords, prepare

        splits, plain = (
            {"train": 10, "test": 4},
            "parquet" if file_format == "parquet" else "array_record",
        )
        self._folder, self._format = folder / "data", file_format
        version = prepare(folder / "whole", splits=splits, file_format=plain)
        if file_format == "tfrecord":
            as_tfrecords(version)
        self._whole = {path.name: path.read_bytes() for path in sorted(version.iterdir())}
        self._version = self._folder / DATA_SET / version.name
        self._records = self._read() if plain != "parquet" else {}
        self._pictures = whole_pictures()

    def _read(self):
        """Give the records of the shards by their names."""
        found = {}
        for name, data in self._whole.items():
            if "array_record" in name:
                import array_record.python.array_record_data_source as source

                path = self._folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
                records = source.ArrayRecordDataSource([str(path)])
                found[name] = [records[row] for row in range(len(records))]
            elif "tfrecord" in name:
                found[name], place = [], 0
                while place < len(data):
                    (length,) = struct.unpack("<Q", data[place : place + 8])
                    found[name].append(data[place + 12 : place + 12 + length])
                    place += length + 16
        return found

    def __call__(self, seed):
        files = self._whole if seed is None else self._damaged(generator(seed, 5))
        shutil.rmtree(self._folder, ignore_errors=True)
        self._version.mkdir(parents=True)
        for name, data in files.items():
            (self._version / name).write_bytes(data)
        settings = DataConfig(
            source="tfds", path=f"{DATA_SET}@{self._folder}", image_size=SIZE, workers=1
        )
        return outcome(lambda: load_dataset(settings), check_dataset, [str(self._folder), DATA_SET])

    def _damaged(self, draws):
        files = dict(self._whole)
        name = list(files)[draws.integers(len(files))]
        other = files[list(files)[draws.integers(len(files))]]
        way = draws.integers(3)
        if name.endswith(".json") and way:
            files[name] = changed_json(draws, files[name])
        elif name in self._records and way:
            files[name] = self._with_a_damaged_record(draws, list(self._records[name]))
        elif draws.integers(12):
            files[name] = damaged(draws, files[name], other)
        else:
            del files[name]
        return files

    def _with_a_damaged_record(self, draws, records):
        """Damage a record, or the picture in it; framing and checksums are right."""
        row = draws.integers(len(records))
        record = records[row]
        if draws.integers(2):
            records[row] = damaged(draws, record, b"")
        else:
            start = record.find(b"\x89PNG")
            stop = record.find(b"IEND", start) + 8
            form = tuple(self._pictures)[draws.integers(len(self._pictures))]
            picture = self._pictures[form][0] if draws.integers(2) else record[start:stop]
            form = form if picture is not record[start:stop] else "PNG"
            picture = damaged_picture(draws, picture, record, form)
            records[row] = with_picture(picture, int(draws.choice([0, 1, -1, 2**40])))
        if self._format == "tfrecord":
            whole = framed(records)
            return with_a_length(draws, whole, records) if draws.integers(3) == 0 else whole
        whole = array_record_of(*records)
        return with_a_chunk(draws, whole) if draws.integers(3) == 0 else whole


def with_a_length(draws, data, records):
    """Let a record claim to be of another length, with the right checksum of that length."""
    row = len(records) - 1 if draws.integers(2) else draws.integers(len(records))
    place = sum(len(record) + 16 for record in records[:row])
    length = struct.pack("<Q", extreme(draws, 8))
    return data[:place] + length + struct.pack("<I", masked(length)) + data[place + 12 :]


def with_a_chunk(draws, data):
    """Let a chunk claim to be of another size or kind, with the right hash of that."""
    place, number = draws.choice([DATA_SIZE, KIND_AND_RECORDS, UNPACKED]), extreme(draws, 8)
    chunks = list(read_chunks(io.BytesIO(data), "made"))[1:]
    chunk = chunks[draws.integers(len(chunks))]
    if place == KIND_AND_RECORDS and draws.integers(2):
        number = number << 8 | chunk.kind
    start = chunk.start + (0 if chunk.start % BLOCK_BYTES else BLOCK_HEADER_BYTES)
    return with_a_header(data, place, number, start)


def with_picture(picture, label):
    """Write an example as TFDS does."""
    from tensorflow_datasets.proto import tf_example_pb2

    example = tf_example_pb2.Example()
    example.features.feature["image"].bytes_list.value.append(picture)
    example.features.feature["label"].int64_list.value.append(label)
    return example.SerializeToString()
