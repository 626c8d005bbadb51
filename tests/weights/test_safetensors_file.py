"""Files of safetensors that are cut off: the first tensor that is not there is named."""

import numpy as np
import pytest

from lqjax.weights.reading import read_tensors
from lqjax.weights.safetensors_file import write_safetensors

ARRAYS = {
    "conv1.weight": np.arange(12, dtype=np.float32),
    "fc.bias": np.arange(3, dtype=np.float32),
    "fc.weight": np.arange(6, dtype=np.float32).reshape(3, 2),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(ARRAYS, path, {"format": "pt"})
    return path


def test_a_whole_file_is_read(path):
    found = read_tensors(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    ("kept", "first"), [(-1, "fc.weight"), (-25, "fc.bias"), (-37, "conv1.weight")]
)
def test_a_file_that_is_cut_off_names_the_first_tensor_that_is(path, kept, first):
    # The library puts 4-byte numbers in the order of their names: 48, 12 and 24 bytes.
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=f"cut off or damaged .{first} does not lie in it"):
        read_tensors(path)


@pytest.mark.parametrize("kept", [9, 30])
def test_a_header_that_is_cut_off_is_one_line_too(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="cut off or damaged") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


def test_a_name_of_several_lines_is_said_in_one(path):
    write_safetensors({"a\nb": ARRAYS["fc.bias"]}, path, {})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off or damaged") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)
