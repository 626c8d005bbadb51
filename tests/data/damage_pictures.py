"""Pictures of all formats, damaged."""

import io

import numpy as np
from PIL import Image

from lqjax.auditing.reading import read_picture
from lqjax.config import DataConfig
from lqjax.data.decoding import decode
from lqjax.data.source import SOURCES
from tests.data.damage_checks import SIZE, check_split
from tests.data.damage_child import OUT_OF_MEMORY, FaultError, outcome
from tests.data.damaging import FIELDS, damaged_picture, generator
from tests.data.making import class_folders, noise


def saved(pixels, form, **options):
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, form, **options)
    return file.getvalue()


def whole_pictures():
    """Undamaged files of all formats, modes and compressions."""
    colour, grey = noise(1, 24, 30, 3), noise(2, 30, 24)
    smooth = Image.fromarray(np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8) * 2)
    wide = (grey.astype(np.uint16) << 8) + 7
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = Image.fromarray(noise(3, 20, 20, 4), "RGBA")
    palette = Image.fromarray(colour).quantize(16)
    floats = Image.fromarray((grey / 255).astype(np.float32))
    animated = [Image.fromarray(noise(n, 20, 20)) for n in (5, 6)]
    return {
        "JPEG": [
            saved(colour, "JPEG", exif=turned),
            saved(grey, "JPEG", progressive=True),
            saved(Image.fromarray(colour).convert("CMYK"), "JPEG", restart_marker_blocks=1),
            saved(smooth, "JPEG", optimize=True),
        ],
        "PNG": [
            saved(colour, "PNG"),
            saved(palette, "PNG", transparency=3),
            saved(wide, "PNG"),
            saved(clear, "PNG"),
            saved(smooth.convert("1"), "PNG"),
        ],
        "TIFF": [
            saved(colour, "TIFF"),
            saved(wide, "TIFF", compression="tiff_deflate"),
            saved(floats, "TIFF", compression="tiff_lzw"),
            saved(grey, "TIFF", compression="packbits"),
            saved(colour, "TIFF", compression="jpeg"),
            saved(smooth.convert("1"), "TIFF", compression="group4"),
            saved(wide, "TIFF"),
        ],
        "BMP": [saved(colour, "BMP"), saved(palette, "BMP"), saved(smooth.convert("1"), "BMP")],
        "GIF": [
            saved(palette, "GIF", transparency=2),
            saved(smooth, "GIF", interlace=1),
            saved(animated[0], "GIF", save_all=True, append_images=animated[1:]),
        ],
        "WEBP": [
            saved(colour, "WEBP"),
            saved(clear, "WEBP", lossless=True),
            saved(smooth, "WEBP", exif=turned),
        ],
    }


class Pictures:
    """A picture in a folder, of each format in turn; read by the loader, and by the audit."""

    def __init__(self, folder):
        class_folders(folder, 2)
        self._whole = whole_pictures()
        self._paths = {form: folder / "cat" / f"{form}.img.png" for form in FIELDS}
        for form, path in self._paths.items():
            path.write_bytes(self._whole[form][0])
        settings = DataConfig(source="folder", path=str(folder), image_size=SIZE, workers=1)
        self._settings = settings
        self._listing = SOURCES["folder"](settings).splits["train"]
        self._rows = {form: self._listing.names.index(str(p)) for form, p in self._paths.items()}

    def __call__(self, seed):
        if seed is None:
            said = {self._read(form, 3) for form in FIELDS}
            return ", ".join(said)
        draws = generator(seed, 1)
        form = tuple(FIELDS)[seed % len(FIELDS)]
        files = self._whole[form]
        others = self._whole[tuple(FIELDS)[draws.integers(len(FIELDS))]]
        data = files[draws.integers(len(files))]
        data = damaged_picture(draws, data, others[draws.integers(len(others))], form)
        self._paths[form].write_bytes(data)
        return self._read(form, int(draws.choice([1, 3])))

    def _read(self, form, channels):
        row, path = self._rows[form], str(self._paths[form])
        one = self._listing.pick(np.asarray([row]))
        said = outcome(
            lambda: decode(one, self._settings, channels, "images")[0],
            lambda split: check_split(split, 2),
            [path],
        )
        try:
            read_picture(self._listing, row, SIZE)
        except Exception as error:
            if OUT_OF_MEMORY.search(repr(error)):
                raise FaultError("the audit asked for more memory than there was") from error
        return said
