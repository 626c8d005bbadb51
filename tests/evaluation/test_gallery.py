import numpy as np

from lqjax.evaluation.gallery import EXAMPLES, make_gallery
from lqjax.imaging.conditions import expand
from lqjax.typing import Dataset, Split


def test_classes_take_turns_and_clean_is_the_image_itself():
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
    split = Split(images, np.array([0, 0, 0, 1, 1, 1], np.int32), np.arange(6).astype(str))
    dataset = Dataset("made", split, split, split, ("cat", "dog"))
    gallery = make_gallery(dataset, expand(("clean", "jpeg(quality=10)")), seed=0)
    assert gallery["captions"].tolist() == ["cat", "dog", "cat", "dog", "cat"][:EXAMPLES]
    np.testing.assert_array_equal(gallery["images"][0], images[[0, 3, 1, 4, 2]][:EXAMPLES])
    assert gallery["conditions"].tolist() == ["clean", "jpeg(quality=10)"]
    assert not np.array_equal(gallery["images"][0], gallery["images"][1])
