"""Which one should I take? The answer from a study and a user's needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etils import epath

from lqjax.advising.advice import CHOSEN, NONE, UNDECIDED, Advice
from lqjax.advising.changing import changes
from lqjax.advising.deciding import decide
from lqjax.advising.drawing import draw
from lqjax.advising.in_common import in_common, left_out, standing_in
from lqjax.advising.mixture import Mixture, read_mixture
from lqjax.advising.needs import Needs
from lqjax.advising.screening import Exclusion, prices, screen
from lqjax.advising.turning import turns
from lqjax.advising.wording import answer, coverage, nothing_left
from lqjax.advising.writing import write
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.opening import opened_study
from lqjax.reporting.study import Study
from lqjax.reporting.verdict import undertrained, untrained
from lqjax.workdir import Workdir


def write_advice(
    workdirs: Sequence[Workdir], needs: Needs, predictions: Sequence[epath.PathLike] = ()
) -> Advice:
    """Answer from working directories, and write advice.md and advice.json beside the report.

    Args:
      workdirs, predictions: as for `lqjax.reporting.report.write_report`.

    Raises:
      ValueError: as there, or a mixture that does not fit what was measured.
    """
    return write(advise_on(workdirs, needs, predictions), needs, workdirs[0].report)


def advise_on(
    workdirs: Sequence[Workdir], needs: Needs, predictions: Sequence[epath.PathLike] = ()
) -> Advice:
    """Answer as `write_advice` does, and write nothing."""
    with opened_study(workdirs, predictions) as study:
        return advise(study, needs)


def advise(study: Study, needs: Needs) -> Advice:
    """Answer from a study.

    Of a network with several learning rates the one that is best by validation is advised on, as
    in the report.

    Raises:
      ValueError: a mixture that does not fit what was measured.
    """
    chosen_rates = standing_in(study)
    study = _part(study, contenders(study))
    common = in_common(study)
    mixture = read_mixture(needs.mixture, study.conditions if needs.mixture else common)
    aside = ". ".join(
        filter(None, [chosen_rates, "" if needs.mixture else left_out(study, common)])
    )
    excluded = screen(study, mixture, needs)
    out = {exclusion.model for exclusion in excluded}
    admissible = tuple(model for model in study.models if model not in out)
    if not admissible:
        return _nothing(mixture, excluded, needs, aside)
    others = [exclusion.model for exclusion in excluded if exclusion.tested]
    draws = draw(study, mixture, (*admissible, *others))
    decision = decide(draws, admissible, needs, prices(study))
    rivals = [standing.model for standing in decision.standings[1:]]
    turning = turns(study, mixture, decision.leader, rivals)
    caveats = _caveats(study, admissible, needs)
    if decision.outcome == CHOSEN and _untrained(study, [decision.leader]):
        decision = replace(decision, outcome=UNDECIDED)
    chosen = decision.leader if decision.outcome == CHOSEN else ""
    return Advice(
        outcome=decision.outcome,
        model=chosen,
        sentence=answer(decision, needs, caveats),
        leader=decision.leader,
        runner_up=decision.runner_up,
        margin=decision.margin,
        probability=decision.probability,
        certainty=needs.certainty,
        standings=decision.standings,
        excluded=tuple(excluded),
        changes=tuple(changes(study, decision, draws, needs, excluded, turning)),
        turns=tuple(turning),
        caveats=caveats,
        varies=" ".join(filter(None, [coverage(study, draws), f"{aside}." if aside else ""])),
        mixture=mixture.shares,
    )


def _caveats(study: Study, admissible: Sequence[str], needs: Needs) -> str:
    """Say which of the admissible networks are not trained to the end, as the verdict does."""
    found = [_untrained(study, admissible), undertrained(_part(study, admissible))]
    devices = {device for model in admissible for device in prices(study)[model].devices}
    if needs.ceiling_latency_ms and len(devices) > 1:
        found.append(f"Latencies are from different devices ({'; '.join(sorted(devices))})")
    return ". ".join(filter(None, found))


def _untrained(study: Study, models: Sequence[str]) -> str:
    """Name those that are not shown to do better on clean images than the commonest class."""
    part = _part(study, models)
    clean = replace(part, conditions=tuple(c for c in part.conditions if not c.degraded))
    return untrained(clean, compare_models(clean)) if clean.conditions else ""


def _part(study: Study, models: Sequence[str]) -> Study:
    return replace(study, networks={model: study.networks[model] for model in models})


def _nothing(mixture: Mixture, excluded: Sequence[Exclusion], needs: Needs, aside: str) -> Advice:
    return Advice(
        outcome=NONE,
        model="",
        sentence=nothing_left(excluded),
        leader="",
        runner_up="",
        margin=None,
        probability=1.0,
        certainty=needs.certainty,
        standings=(),
        excluded=tuple(excluded),
        changes=(),
        turns=(),
        caveats="",
        varies=f"{aside}." if aside else "",
        mixture=mixture.shares,
    )
