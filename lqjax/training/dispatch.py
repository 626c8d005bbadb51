"""Handing steps to the devices: several at once from resident images, one by one from a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.stages import Compiled

from lqjax.compiling import jit
from lqjax.data.batch import Batch, Placed, to_devices
from lqjax.data.resident import Resident, gather
from lqjax.runtime import batch_sharded, replicated
from lqjax.training.room import check_room
from lqjax.training.scales import Scales
from lqjax.training.step import Update
from lqjax.typing import Tree

STEPS_ON_ACCELERATORS = 10
"""Steps a dispatch where none is given: the host's part, some milliseconds, is then hidden even
behind the steps of a small network."""


@dataclass(frozen=True)
class Dispatch:
    """Steps ready to be handed to the devices.

    Attributes:
      steps: how many.
      run: `(state, factor) -> (state, mean loss)`; the state is donated. Nothing is copied from
        the host by a call of resident steps.
    """

    steps: int
    run: Callable[[Tree, jax.Array], tuple[Tree, jax.Array]]


def steps_per_dispatch(asked: int) -> int:
    """Choose how many steps are handed over at once: as asked, or by the platform if 0.

    On a CPU it is always one: a compiled loop there runs its convolutions on one core.
    """
    if jax.default_backend() == "cpu":
        return 1
    return asked or STEPS_ON_ACCELERATORS


def unheeded_steps(asked: int, batches: Placed) -> str:
    """Say why steps are handed over one by one though several were asked for; "" if they are not.

    Args:
      asked: `training.steps_per_dispatch`.
      batches: the images, resident or streamed.
    """
    if asked <= 1:
        return ""
    why = ""
    if steps_per_dispatch(asked) == 1:
        why = "on a CPU a compiled loop of steps would run on one core"
    elif not isinstance(batches, Resident):
        why = "the images are streamed (data.residency), and each batch is sent by itself"
    return why and f"training.steps_per_dispatch={asked} is taken as 1: {why}"


class Dispatcher:
    """Cuts epochs into dispatches and compiles what they run.

    Args:
      update: the step, from `make_update`.
      batches: images that the training split has its rows of, resident or streamed.
      steps_per_epoch, batch_size: shape of an epoch; the order has their product of rows.
      steps: steps a dispatch at most; the last of an epoch may have fewer.
      runs: how many runs are trained as one program, on resident images and one device; state,
        factor, order and scales then have a leading axis of that length.
    """

    def __init__(
        self,
        update: Update,
        batches: Placed,
        mesh: Mesh,
        steps_per_epoch: int,
        batch_size: int,
        steps: int,
        runs: int = 1,
    ) -> None:
        self._batches, self._mesh, self._update, self._runs = batches, mesh, update, runs
        self._shape = (steps_per_epoch, batch_size)
        self._steps = steps if isinstance(batches, Resident) else 1
        whole, split = replicated(mesh), batch_sharded(mesh)
        self._program: Any
        if isinstance(batches, Resident):
            self._program = jit(
                self._resident(update),
                donate_argnums=0,
                in_shardings=(whole, whole, whole, batches.shardings, whole),
                out_shardings=(whole, whole),
            )
        else:
            self._program = jit(
                update,
                donate_argnums=0,
                in_shardings=(whole, whole, whole, split, split, split, split),
                out_shardings=(whole, whole),
            )

    def of_several(self, runs: int) -> Dispatcher:
        """Return a dispatcher of the same steps for so many runs; itself where that is so."""
        if runs == self._runs:
            return self
        return Dispatcher(self._update, self._batches, self._mesh, *self._shape, self._steps, runs)

    def check_room(self, state: Tree, factor: jax.Array, scales: Scales) -> None:
        """Compile the steps of resident images, and refuse them where they do not fit the device.

        What is measured is what the dispatches run from then on: it is not compiled twice.

        Args:
          state, factor, scales: as the dispatches will get them.

        Raises:
          TooLargeError: the device has too little memory; its program is not run.
        """
        if not isinstance(self._batches, Resident):
            return
        if not isinstance(self._program, Compiled):
            order = jax.ShapeDtypeStruct((*factor.shape, *self._shape), np.int32)
            arguments = state, factor, scales, self._batches.arrays, order
            self._program = self._program.lower(*arguments).compile()
        in_place = state, self._batches.arrays
        check_room(self._program, in_place, self._mesh.local_devices[0])

    def dispatches(self, order: np.ndarray, first: int, scales: Scales) -> Iterator[Dispatch]:
        """Cut an epoch into dispatches.

        Args:
          order: rows of the images in the order of the epoch, (examples,), for several runs
            (runs, examples); what fills no batch is left out.
          first: the step of the epoch to begin with, 0 for a whole epoch.
          scales: of the split that these rows make up; for several runs stacked.
        """
        count, size = self._shape
        rows = order[..., : count * size].reshape(*order.shape[:-1], count, size).astype(np.int32)
        if isinstance(self._batches, Resident):
            yield from self._from_resident(self._batches, rows, first, scales)
        else:
            yield from self._from_stream(rows[first:], scales)

    def _from_resident(
        self, batches: Resident, rows: np.ndarray, first: int, scales: Scales
    ) -> Iterator[Dispatch]:
        placed = to_devices(rows, replicated(self._mesh))

        def run(state: Tree, factor: jax.Array) -> tuple[Tree, jax.Array]:
            return self._program(state, factor, scales, batches.arrays, placed)

        count = self._shape[0]
        for start in range(first, count, self._steps):
            yield Dispatch(min(self._steps, count - start), run)

    def _from_stream(self, rows: np.ndarray, scales: Scales) -> Iterator[Dispatch]:
        for batch in self._batches.batches(rows):
            yield Dispatch(1, partial(self._on_batch, batch, scales))

    def _on_batch(
        self, batch: Batch, scales: Scales, state: Tree, factor: jax.Array
    ) -> tuple[Tree, jax.Array]:
        return self._program(state, factor, scales, *batch)

    def _resident(self, update: Update) -> Callable[..., tuple[Tree, jax.Array]]:
        count, most = self._shape[0], self._steps

        def one(
            state: Tree, factor: jax.Array, scales: Scales, arrays: Tree, order: jax.Array
        ) -> Tree:
            place = state["step"] % count
            rows = jax.lax.dynamic_index_in_dim(order, place, keepdims=False)
            return update(state, factor, scales, *gather(arrays, rows, self._mesh))

        step = jax.vmap(one, in_axes=(0, 0, 0, None, 0)) if self._runs > 1 else one

        def several(state: Tree, *given: Any) -> Tree:
            if most == 1:
                return step(state, *given)
            done = state["step"] if self._runs == 1 else state["step"][0]
            steps = jnp.minimum(most, count - done % count)

            def body(_: jax.Array, carry: tuple[Tree, jax.Array]) -> tuple[Tree, jax.Array]:
                state, total = carry
                state, loss = step(state, *given)
                return state, total + loss

            zero = jax.eval_shape(step, state, *given)[1]
            start = (state, jnp.zeros(zero.shape, zero.dtype))
            state, total = jax.lax.fori_loop(0, steps, body, start)
            return state, total / steps

        return several
