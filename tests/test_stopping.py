"""Requests to stop: when they are answered, and that they are never lost."""

import pytest

from lqjax import stopping
from lqjax.stopping import Terminated, asked_to_stop, patiently, raise_if_asked, request_stop


@pytest.fixture(autouse=True)
def nothing_left_over():
    yield
    assert not asked_to_stop()
    assert not stopping._requests.patient


def test_without_patience_the_request_is_answered_at_once():
    with pytest.raises(KeyboardInterrupt):
        request_stop(KeyboardInterrupt)


def test_with_patience_it_waits_until_someone_asks():
    reached = []
    with pytest.raises(Terminated), patiently():
        assert not asked_to_stop()
        raise_if_asked()  # nothing to raise
        assert request_stop(Terminated)
        assert asked_to_stop()
        reached.append("went on")
        raise_if_asked()
        reached.append("not here")
    assert reached == ["went on"]


def test_with_patience_it_waits_for_the_end_of_the_block_at_most():
    reached = []
    with pytest.raises(Terminated):
        with patiently():
            request_stop(Terminated)
            reached.append("the end")
        reached.append("not here")
    assert reached == ["the end"]


def test_an_instance_is_raised_as_it_is():
    stop = KeyboardInterrupt("twice")
    with pytest.raises(KeyboardInterrupt) as caught, patiently():
        request_stop(stop)
    assert caught.value is stop


def test_nested_blocks_wait_for_the_outermost():
    reached = []
    with pytest.raises(Terminated), patiently():
        with patiently():
            request_stop(Terminated)
        reached.append("between")
        assert asked_to_stop()
    assert reached == ["between"]


def test_patience_goes_on_after_an_inner_block():
    reached = []
    with pytest.raises(Terminated), patiently():
        with patiently():
            pass
        request_stop(Terminated)
        reached.append("still patient")
    assert reached


def test_the_second_request_is_answered_at_once():
    reached = []
    with pytest.raises(KeyboardInterrupt), patiently():
        request_stop(Terminated)
        request_stop(KeyboardInterrupt)
        reached.append("not here")
    assert reached == []


def test_an_error_on_its_way_is_not_masked():
    with pytest.raises(ValueError, match="the real one"), patiently():
        request_stop(Terminated)
        raise ValueError("the real one")
    with patiently():
        assert not asked_to_stop(), "the request ended with the block"


def test_an_answered_request_is_not_answered_again():
    with patiently():
        request_stop(Terminated)
        with pytest.raises(Terminated):
            raise_if_asked()
        assert not asked_to_stop()
        raise_if_asked()


def test_terminated_is_not_caught_as_an_error():
    assert not issubclass(Terminated, Exception)
