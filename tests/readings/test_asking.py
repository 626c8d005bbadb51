"""What users write in `evaluation.readings`, and what is refused before anything is computed."""

import pytest

from lqjax.config import Config
from lqjax.overriding import from_arguments
from lqjax.readings.base import READINGS, expand_readings
from lqjax.workbench import check_names


@pytest.mark.parametrize(
    ("text", "name", "prior"),
    [
        ("batch_norm", "batch_norm", 0),
        ("batch_norm(prior=16)", "batch_norm(prior=16)", 16),
        (" batch_norm( prior = 16 ) ", "batch_norm(prior=16)", 16),
        ("batch_norm()", "batch_norm", 0),
        ("batch_norm(prior=0)", "batch_norm", 0),
        ("batch_norm(prior=16.0)", "batch_norm(prior=16)", 16),
    ],
)
def test_a_reading_has_one_name_however_it_is_written(text, name, prior):
    (asked,) = expand_readings([text])
    assert (asked.name, asked.parameters) == (name, {"prior": prior})


def test_readings_stay_in_order_and_count_once():
    texts = ["batch_norm(prior=16)", "batch_norm", "batch_norm(prior=16)"]
    assert [a.name for a in expand_readings(texts)] == ["batch_norm(prior=16)", "batch_norm"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchnorm", "unknown reading 'batchnorm'; allowed: batch_norm"),
        ("", "unknown reading ''; allowed: "),
        ("batch_norm(priors=3)", "unknown parameter of batch_norm 'priors'; allowed: prior"),
        ("batch_norm(16)", "parameters are named; write batch_norm(prior=16)"),
        ("batch_norm(prior=-1)", "prior must lie in [0, inf] (images)"),
        ("batch_norm(prior=0.5)", "prior must be a whole number (images)"),
        ("batch_norm(prior=many)", "prior must be a number, not 'many'"),
        ("batch_norm(prior=inf)", "prior must be a finite number"),
        ("batch_norm(prior=1)x", "nothing may follow the closing bracket"),
        ("batch_norm(prior=1", "nothing may follow the closing bracket"),
    ],
)
def test_what_is_not_there_is_refused_in_a_line_before_anything_is_loaded(text, message):
    config = from_arguments(Config(), {"readings": (text,)})
    with pytest.raises(ValueError) as error:
        check_names(config)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_every_reading_says_what_it_is_and_whose():
    for name in READINGS:
        found = READINGS[name]
        assert found.name == name and found.source
        assert found.about[0].isupper() and found.about.endswith(".")
        for parameter in found.parameters:
            assert parameter.meaning and parameter.default is not None
