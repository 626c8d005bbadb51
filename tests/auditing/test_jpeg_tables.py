import io

import numpy as np
import pytest
from PIL import Image

from lqjax.auditing.jpeg_tables import nearest_quality


def tables(mode, **options):
    written = io.BytesIO()
    Image.new(mode, (16, 16), 128).save(written, "JPEG", **options)
    return Image.open(written).quantization


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_quality_is_read_back_from_pillow(mode):
    for quality in range(1, 101):
        assert nearest_quality(tables(mode, quality=quality)) == (quality, True)


@pytest.mark.parametrize("quality", [10, 40, 60, 90])
def test_other_tables_get_the_nearest_quality_and_are_marked(quality):
    standard = tables("RGB", quality=quality)
    random = np.random.default_rng(quality)
    other = {
        number: np.clip(np.rint(np.asarray(table) * random.uniform(0.8, 1.25, 64)), 1, 255)
        for number, table in standard.items()
    }
    found = nearest_quality(other)
    assert not found.exact
    assert abs(found.quality - quality) <= 3


def test_tables_of_pillows_presets_are_not_standard():
    """Those are Photoshop's; "web_high" divides about as finely as quality 77 and above."""
    found = nearest_quality(tables("RGB", qtables="web_high"))
    assert not found.exact
    assert 75 <= found.quality <= 95


def test_the_number_of_a_table_does_not_matter():
    only = {2: tables("L", quality=33)[0]}
    assert nearest_quality(only) == (33, True)
