"""Whether a program fits: against sizes counted by hand, at the exact byte."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.training.room import TooLargeError, bytes_needed, check_room, in_one_line

COUNT = 1000
BYTES = 4 * COUNT


class Device:
    def __init__(self, **account):
        self.account = account

    def memory_stats(self):
        return self.account or None


def sum_of_two(**options):
    form = jax.ShapeDtypeStruct((COUNT,), np.float32)
    return jax.jit(lambda one, two: one + two, **options).lower(form, form).compile()


def test_arguments_and_results_count_and_a_result_in_place_counts_once():
    assert bytes_needed(sum_of_two()) == 3 * BYTES
    assert bytes_needed(sum_of_two(donate_argnums=0)) == 2 * BYTES


def test_temporaries_count():
    form = jax.ShapeDtypeStruct((COUNT, 1), np.float32)
    program = jax.jit(lambda a: jnp.sort((a * a.T).ravel())[:1]).lower(form).compile()
    assert bytes_needed(program) > 4 * COUNT**2


def test_it_fits_to_the_byte():
    program, in_place = sum_of_two(), [jnp.zeros(COUNT, jnp.float32)]
    others = 12345
    limit = 3 * BYTES + others
    check_room(program, in_place, Device(bytes_limit=limit, bytes_in_use=others + BYTES))
    with pytest.raises(TooLargeError, match=r"needs 0\.0 GiB, the device has 0\.0 GiB for it"):
        check_room(program, in_place, Device(bytes_limit=limit - 1, bytes_in_use=others + BYTES))


def test_the_message_counts_in_gibibytes():
    class Program:
        def memory_analysis(self):
            sizes = {"argument": 9, "temp": 40, "output": 9, "alias": 8}
            names = {f"{name}_size_in_bytes": size * 2**30 for name, size in sizes.items()}
            return type("Sizes", (), names)

    with pytest.raises(TooLargeError, match=r"needs 50\.0 GiB, the device has 20\.0 GiB for it"):
        check_room(Program(), [], Device(bytes_limit=60 * 2**30, bytes_in_use=40 * 2**30))


@pytest.mark.parametrize("account", [{}, {"bytes_in_use": 5}, {"bytes_limit": 5}])
def test_a_device_without_an_account_refuses_nothing(account):
    program = sum_of_two()
    with pytest.raises(TooLargeError):
        check_room(program, [], Device(bytes_in_use=5, bytes_limit=5))
    assert check_room(program, [], Device(**account)) is None


@pytest.mark.parametrize("error", [NotImplementedError, None])
def test_a_program_that_does_not_tell_is_not_refused(error):
    class Program:
        def memory_analysis(self):
            if error:
                raise error

    assert bytes_needed(Program()) is None
    check_room(Program(), [], Device(bytes_limit=1, bytes_in_use=1))


def test_where_the_status_stands_in_a_message_does_not_matter():
    words = "Error loading program: RESOURCE_EXHAUSTED: Attempting to reserve 9.26G.\nMore"
    wanted = r"^no memory for the first step: Attempting to reserve 9\.26G$"
    with pytest.raises(TooLargeError, match=wanted), in_one_line():
        raise jax.errors.JaxRuntimeError(words)
