"""The scans of JPEG files: many are refused whatever hides them, honest files are read."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from lqjax.data import jpeg_scans
from lqjax.data.jpeg_scans import MOST_SCANS, has_too_many_scans, is_behind_a_whole_scan
from lqjax.data.pictures import open_picture
from tests.data.making import noise, save

SIDE = 32
BLOCKS = (SIDE // 8) ** 2
TOO_MANY = "it has more than 100 scans; save it with fewer"

START_OF_SCAN = b"\xff\xda"
END = b"\xff\xd9"


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


def scan(component):
    """Write a baseline scan of one component in which nothing differs from middle grey.

    Source: ITU-T T.81, K.3: luminance "no difference" 00 and end of block 1010, others 00 and 00.
    """
    bits = ("001010" if component == 1 else "0000") * BLOCKS
    table = 0 if component == 1 else 0x11
    head = bytes([0, 8, 1, component, table, 0, 63, 0])
    return START_OF_SCAN + head + int(bits, 2).to_bytes(len(bits) // 8, "big")


def apart(scans, between=b"", after=b""):
    """Write a baseline file whose colours have scans of their own; more go over the third again."""
    whole = encoded(np.full((SIDE, SIDE, 3), 128, np.uint8), subsampling=0)
    head = whole[: whole.index(START_OF_SCAN)]
    components = [1, 2, *[3] * (scans - 2)]
    return head + between.join(map(scan, components)) + after + END


def stored(folder, data):
    path = folder / "a.jpg"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("scans", [3, 4, MOST_SCANS])
def test_a_baseline_file_may_have_a_scan_for_each_colour(tmp_path, scans):
    pixels = np.asarray(open_picture(str(stored(tmp_path, apart(scans))), SIDE))
    np.testing.assert_array_equal(pixels, np.full((SIDE, SIDE, 3), 128))


def test_many_scans_of_a_baseline_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"^{TOO_MANY}$"):
        open_picture(str(stored(tmp_path, apart(MOST_SCANS + 1))), SIDE)


@pytest.mark.parametrize("marker", [0x00, 0x01, 0x02, 0xBF, 0xD0, 0xD7])
def test_markers_without_a_length_hide_no_scans(marker):
    hiding = bytes([0xFF, marker, 0x40, 0x00])  # as a length, it would reach to the end
    data = apart(300)
    place = data.index(scan(3))
    assert has_too_many_scans(io.BytesIO(data[:place] + hiding + data[place:]))


@pytest.mark.parametrize("between", [b"\xff", b"\xff\xff", b"\x00", b"\xff\xfe\x00\x04\xff\xd9"])
def test_fill_and_comments_between_scans_hide_none(between):
    assert has_too_many_scans(io.BytesIO(apart(MOST_SCANS + 1, between)))
    assert not has_too_many_scans(io.BytesIO(apart(MOST_SCANS, between)))


def test_what_only_looks_like_scans_is_read(tmp_path):
    many = scan(1) * 200
    comment = b"\xff\xfe" + (2 + len(many)).to_bytes(2, "big") + many
    plain = encoded(noise(0, SIDE, SIDE, 3), quality=90)
    expected = np.asarray(open_picture(str(stored(tmp_path, plain)), SIDE))
    for data in (plain[:2] + comment + plain[2:], plain + many, apart(3, comment)):
        pixels = np.asarray(open_picture(str(stored(tmp_path, data)), SIDE))
        if data.endswith(many) or data.startswith(plain[:2] + comment):
            np.testing.assert_array_equal(pixels, expected)


def test_scans_behind_one_of_all_colours_are_not_decoded(tmp_path):
    plain = encoded(noise(0, SIDE, SIDE, 3), quality=90)
    more = plain[:-2] + scan(1) * 20_000 + END
    with stored(tmp_path, more).open("rb") as file, Image.open(file) as picture:
        assert is_behind_a_whole_scan(file, 3)
        with pytest.raises(OSError, match="broken data stream"):
            picture.load()
    with stored(tmp_path, apart(3)).open("rb") as file, Image.open(file):
        assert not is_behind_a_whole_scan(file, 3)


def test_files_as_they_are_written_have_few_scans(tmp_path):
    pixels = noise(0, 90, 70, 3)
    for data in (encoded(pixels), encoded(pixels, progressive=True), encoded(pixels[..., 0])):
        file = io.BytesIO(data)
        assert sum(found == 0xDA for found in jpeg_scans.markers(file)) in (1, 10)
        open_picture(str(stored(tmp_path, data)), SIDE)
    first, second = (Image.fromarray(noise(seed, SIDE, SIDE, 3)) for seed in range(2))
    path = save(tmp_path / "b.jpg", first, format="MPO", save_all=True, append_images=[second])
    open_picture(str(path), SIDE)


def plain_markers(data):
    """Walk through a whole file byte by byte, by T.81 B.1.1.2 and B.1.1.4."""
    place, found = 0, []
    while place + 3 < len(data):
        marker = data[place + 1]
        if data[place] != 0xFF or marker < 0xC0 or marker == 0xFF or 0xD0 <= marker <= 0xD7:
            place += 1
            continue
        found.append(marker)
        place += 2
        if marker not in (0xD8, 0xD9):
            place += data[place] * 256 + data[place + 1]
    return found


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1000])
def test_pieces_are_joined(monkeypatch, piece):
    monkeypatch.setattr(jpeg_scans, "PIECE_BYTES", piece)
    draw = np.random.default_rng(piece)
    for _ in range(20):
        kinds = np.array([0xFF, 0xFF, 0xD8, 0xDA, 0xD9, 0xFE, 0xC4, 0, 1, 5, 0xD3], np.uint8)
        data = draw.choice(kinds, 400).tobytes().replace(b"\xfe\xff", b"\xfe\x00")
        assert list(jpeg_scans.markers(io.BytesIO(data))) == plain_markers(data)
    for scans in (MOST_SCANS, MOST_SCANS + 1):
        assert has_too_many_scans(io.BytesIO(apart(scans))) == (scans > MOST_SCANS)


def test_a_long_file_is_not_held_in_memory(tmp_path):
    path = stored(tmp_path, apart(3) + scan(3) * 200)
    with path.open("r+b") as file:
        file.truncate(2**28)
    open_picture(str(path), SIDE)
    tracemalloc.start()
    try:
        open_picture(str(path), SIDE)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
