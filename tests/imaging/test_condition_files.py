import pytest

from lqjax.config import Config
from lqjax.imaging.conditions import expand
from lqjax.overriding import override


def names(text):
    return [condition.name for condition in expand(text)]


def test_a_file_stands_for_its_lines(tmp_path):
    path = tmp_path / "my conditions.txt"
    path.write_text("# mine\n\ngaussian_noise(sigma=0.03)  # median\nlow_quality/jpeg\n clean\n")
    jpeg = [f"low_quality/jpeg@{level}" for level in ("low", "medium", "high")]
    assert names([f"@{path}"]) == ["gaussian_noise(sigma=0.03)", *jpeg, "clean"]
    assert names(f"clean, @{path}, jpeg(quality=9)") == [
        "clean", "gaussian_noise(sigma=0.03)", *jpeg, "jpeg(quality=9)"
    ]  # fmt: skip
    config = override(Config(), "evaluation.conditions", f"clean,@{path}")
    assert names(config.evaluation.conditions) == ["clean", "gaussian_noise(sigma=0.03)", *jpeg]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"# nothing\n", "has no condition"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"@other.txt\n", "names a file, '@other.txt'"),
        (b"gausian_noise(sigma=1)\n", "gaussian_noise"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "conditions.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        expand([f"@{path}"])
    assert "\n" not in str(caught.value)
