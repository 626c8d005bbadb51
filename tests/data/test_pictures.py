"""Every mode and size of picture, against arithmetic done here."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile

from lqjax.data import pictures
from lqjax.data.pictures import from_array, is_grey, open_picture, to_eight_bit, to_pixels
from tests.data.making import noise, save


def mode_of(path):
    with Image.open(path) as picture:
        return picture.mode, picture.format, is_grey(picture)


def read(path, size=28, channels=3):
    return to_pixels(open_picture(str(path), size), size, channels)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "tif", "gif", "webp"])
def test_lossless_grey_files_keep_their_pixels(tmp_path, suffix):
    pixels = noise(0, 28, 28)
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", pixels, **options)
    np.testing.assert_array_equal(read(path, channels=1)[..., 0], pixels)


def test_lossless_colour_files_keep_their_pixels(tmp_path):
    pixels = noise(0, 28, 28, 3)
    np.testing.assert_array_equal(read(save(tmp_path / "a.png", pixels)), pixels)


def test_jpeg_is_decoded_as_pillow_decodes_it(tmp_path):
    path = save(tmp_path / "a.jpg", noise(0, 28, 28, 3), quality=90)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read(path), picture)


def test_a_large_jpeg_decoded_small_is_close_to_one_decoded_whole(tmp_path):
    ramp = np.add.outer(np.arange(512), np.arange(600)) // 5
    path = save(tmp_path / "a.jpg", ramp.astype(np.uint8), quality=95)
    with Image.open(path) as picture:
        whole = np.asarray(
            picture.crop((44, 0, 556, 512)).resize((28, 28), Image.Resampling.BICUBIC)
        )
    assert open_picture(str(path), 28).size == (75, 64)
    assert open_picture(str(path), 100).size == (300, 256)
    assert np.abs(read(path, channels=1)[..., 0].astype(int) - whole).max() <= 2


def test_the_centre_square_is_resized_once(tmp_path):
    pixels = noise(0, 50, 90)
    square = np.ascontiguousarray(pixels[:, 20:70])
    expected = Image.fromarray(square).resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(to_pixels(from_array(pixels), 32, 1)[..., 0], expected)


def test_a_square_of_the_right_size_is_cut_without_resampling():
    pixels = noise(0, 28, 40)
    np.testing.assert_array_equal(to_pixels(from_array(pixels), 28, 1)[..., 0], pixels[:, 6:34])


def test_sixteen_bits_are_scaled_by_the_full_range(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (28, 28)).astype(np.uint16)
    expected = np.rint(values / 65535 * 255).astype(np.uint8)
    for name in ("a.png", "a.tiff"):
        np.testing.assert_array_equal(
            read(save(tmp_path / name, values), channels=1)[..., 0], expected
        )
    np.testing.assert_array_equal(to_pixels(from_array(values), 28, 1)[..., 0], expected)


def test_twelve_declared_bits_are_scaled_by_4095():
    picture = Image.fromarray(np.full((28, 28), 4095, np.uint16))
    assert np.asarray(to_eight_bit(picture)).max() == 16
    picture.info["bits"] = 12
    assert np.asarray(to_eight_bit(picture)).min() == 255


def test_floats_in_the_unit_range_are_scaled_and_others_refused(tmp_path):
    path = save(tmp_path / "a.tiff", np.full((28, 28), 0.5, np.float32))
    assert (read(path, channels=1) == 128).all()
    for bad in (1.5, -0.1, np.nan):
        path = save(tmp_path / "a.tiff", np.full((28, 28), bad, np.float32))
        with pytest.raises(ValueError, match=r"floats outside \[0, 1\]"):
            read(path)


def test_32_bit_integers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="32-bit integers"):
        read(save(tmp_path / "a.tiff", np.full((28, 28), 7, np.int32)))


def test_transparent_pixels_are_laid_over_white(tmp_path):
    pixels = np.zeros((28, 28, 4), np.uint8)
    pixels[:, :14, 3] = 255
    pixels[:, 14:, 3] = 51
    seen = read(save(tmp_path / "a.png", pixels))
    assert (seen[:, :14] == 0).all()
    assert (seen[:, 14:] == 204).all()
    grey = save(tmp_path / "b.png", pixels[..., 2:])  # LA
    assert (read(grey, channels=1)[:, 14:] == 204).all()


def test_palettes_give_their_colours(tmp_path):
    pixels = noise(0, 28, 28, 3) // 128 * 255
    path = save(tmp_path / "a.png", Image.fromarray(pixels).quantize(8))
    assert mode_of(path) == ("P", "PNG", False)
    np.testing.assert_array_equal(read(path), pixels)


def test_a_palette_of_greys_and_bilevel_images_are_grey(tmp_path):
    pixels = noise(0, 28, 28) // 64 * 80
    path = save(tmp_path / "a.png", Image.fromarray(pixels).convert("P"))
    assert mode_of(path) == ("P", "PNG", True)
    np.testing.assert_array_equal(read(path, channels=1)[..., 0], pixels)
    bilevel = Image.fromarray(pixels > 100)
    assert is_grey(bilevel)
    np.testing.assert_array_equal(to_pixels(bilevel, 28, 1)[..., 0], np.uint8(pixels > 100) * 255)


def test_a_transparent_palette_is_laid_over_white(tmp_path):
    picture = Image.new("P", (28, 28), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    path = save(tmp_path / "a.png", picture, transparency=1)
    assert (read(path) == 255).all()


def test_cmyk_and_grey_conversions(tmp_path):
    red = Image.new("RGB", (28, 28), (200, 0, 0))
    seen = read(save(tmp_path / "a.tiff", red.convert("CMYK")))
    assert np.abs(seen[0, 0].astype(int) - (200, 0, 0)).max() <= 2
    assert (to_pixels(red, 28, 1) == round(0.299 * 200)).all()
    assert (to_pixels(Image.new("L", (28, 28), 9), 28, 3) == 9).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(tmp_path, orientation):
    upright = noise(0, 28, 28)
    stored = {  # how a camera must have stored it, by the EXIF standard
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(read(path, channels=1)[..., 0], upright)


def test_several_pages_are_refused_without_counting_them(tmp_path, monkeypatch):
    for kind in (TiffImageFile, GifImageFile):
        monkeypatch.setattr(kind, "n_frames", property(lambda _: pytest.fail("counted")))
    pages = [Image.fromarray(noise(i, 28, 28)) for i in range(3)]
    for name in ("a.tiff", "a.gif"):
        save(tmp_path / name, pages[0], save_all=True, append_images=pages[1:])
        with pytest.raises(ValueError, match="several pages"):
            read(tmp_path / name)


def test_a_phone_picture_with_a_preview_behind_it_is_read(tmp_path):
    first, second = (Image.fromarray(noise(i, 28, 28, 3)) for i in range(2))
    path = save(tmp_path / "a.jpg", first, format="MPO", save_all=True, append_images=[second])
    assert mode_of(path)[1] == "MPO"
    first.save(tmp_path / "b.jpg")
    np.testing.assert_array_equal(read(path), read(tmp_path / "b.jpg"))


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 28 * 28)
    read(save(tmp_path / "a.png", noise(0, 28, 28)))
    with pytest.raises(ValueError, match="28 x 29 px are more than"):
        read(save(tmp_path / "b.png", noise(0, 29, 28)))


def tiff(path, values, photometric, sample_format):
    """Write a plain TIFF file byte by byte; Source: TIFF 6.0, sections 2 and 3."""
    data, (height, width) = values.tobytes(), values.shape
    bits = values.dtype.itemsize * 8
    tags = [
        *((256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric)),
        *((273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(data)), (339, 3, sample_format)),
    ]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(tags)) + directory + bytes(4))
    return path


@pytest.mark.parametrize("white", [0, 1])
@pytest.mark.parametrize(
    ("kind", "sample_format", "full"), [("u1", 1, 255), ("<u2", 1, 65535), ("<f4", 3, 1.0)]
)
def test_tiff_files_in_which_0_is_white_become_positives(
    tmp_path, kind, sample_format, full, white
):
    levels = np.arange(784).reshape(28, 28) % 256
    stored = (levels / 255 * full).astype(kind) if kind == "<f4" else (levels * (full // 255))
    path = tiff(tmp_path / "a.tif", stored.astype(kind), white, sample_format)
    expected = levels if white else 255 - levels  # tag 262: 0 is WhiteIsZero, 1 BlackIsZero
    np.testing.assert_array_equal(read(path, channels=1)[..., 0], expected)


def test_files_that_no_picture_fills_are_refused_unread(tmp_path):
    path = save(tmp_path / "a.webp", noise(0, 28, 28, 3))
    with path.open("r+b") as file:
        file.truncate(2**30)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^it has 1,073,741,824 bytes, more than the 715,"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def twelve_bits(path, values, photometric, order="<"):
    """Write a TIFF file of 12 bits a pixel, which are packed, each row from a whole byte on.

    Source: TIFF 6.0, section 3 and FillOrder 1.
    """
    rows = ["".join(f"{value:012b}" for value in row) for row in values.tolist()]
    rows = [row + "0" * (-len(row) % 8) for row in rows]
    data = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    height, width = values.shape
    tags = [
        *((256, width), (257, height), (258, 12), (259, 1), (262, photometric), (273, 8)),
        *((277, 1), (278, height), (279, len(data))),
    ]
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + len(data))
    path.write_bytes(head + data + struct.pack(f"{order}H", len(tags)) + directory + bytes(4))
    return path


@pytest.mark.parametrize("width", [28, 29])
def test_twelve_bits_are_scaled_by_4095(tmp_path, width):
    values = np.random.default_rng(width).integers(0, 4096, (28, width))
    values[0, :2] = 0, 4095
    path = twelve_bits(tmp_path / "a.tif", values, photometric=1)
    expected = np.rint(values[:, :28] / 4095 * 255).astype(np.uint8)
    np.testing.assert_array_equal(read(path, channels=1)[..., 0], expected)


@pytest.mark.parametrize(("photometric", "order"), [(0, "<"), (1, ">")])
def test_kinds_of_tiff_that_are_not_read_are_refused(tmp_path, photometric, order):
    """Twelve bits in which 0 is white, or of the other byte order."""
    path = twelve_bits(tmp_path / "a.tif", np.full((28, 28), 7), photometric, order)
    with pytest.raises(ValueError, match="or of a kind of them that is not read; save it as PNG"):
        read(path)


def test_signed_tiff_files_are_refused(tmp_path):
    for kind in ("i1", "<i2"):
        path = tiff(tmp_path / "a.tif", np.full((28, 28), -3).astype(kind), 1, 2)
        with pytest.raises(ValueError, match="signed"):
            read(path)


def test_sixteen_bit_colour_is_cut_to_the_upper_bits(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (28, 28, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 28, 28, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), values >> 8)


@pytest.mark.parametrize("values", [np.zeros((28, 28, 2), np.uint8), np.zeros((28, 28), np.int64)])
def test_arrays_that_are_no_pictures_are_refused(values):
    with pytest.raises(ValueError, match="expected uint8"):
        from_array(values)
