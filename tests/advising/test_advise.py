"""Which network is named, why the others are not, and what would change it."""

import statistics
from dataclasses import replace

import numpy as np
import pytest

from lqjax.advising.advise import advise
from lqjax.advising.mixture import read_mixture
from lqjax.advising.needs import Needs
from lqjax.advising.turning import turns
from lqjax.advising.writing import on_screen, page
from lqjax.reporting.cost_summary import measured_costs
from lqjax.reporting.cost_tables import forward_table
from tests.advising.studies import LEVELLED, cost, study_of

N = 400


def share(right):
    """Answer rightly the first images: so many of `N`."""
    return np.arange(N) < right * N


def three(**choices):
    """Build a study: deep is best, wide second, tiny last; jpeg turns the first two round."""
    right = {
        "deep": {"clean": share(0.95), "jpeg@1": share(0.60), "jpeg@2": share(0.50)},
        "wide": {"clean": share(0.85), "jpeg@1": share(0.80), "jpeg@2": share(0.70)},
        "tiny": {"clean": share(0.70), "jpeg@1": share(0.60), "jpeg@2": share(0.50)},
    }
    costs = {"deep": cost("deep", 40, 900), "wide": cost("wide", 12, 300), "tiny": cost("tiny", 3)}
    return study_of(right, costs=costs, **choices)


def test_the_best_admissible_network_is_chosen():
    found = advise(three(), Needs(mixture="clean=1"))
    assert (found.model, found.runner_up, found.outcome) == ("deep", "wide", "chosen")
    assert found.margin.value == pytest.approx(0.10)
    assert found.probability > 0.99
    assert found.sentence.startswith("take deep: 95.0 [")


def test_without_a_floor_there_is_no_column_for_it():
    found = advise(three(), Needs(mixture="clean=1"))
    assert {standing.meets_floor for standing in found.standings} == {None}
    for text in (on_screen(found), page(found, Needs())):
        assert "meets floor" not in text and "accuracy %" in text
        assert ">0.999 " in text, "the probability of being the best stays"
    floored = advise(three(), Needs(mixture="clean=1", floor_accuracy=0.5))
    assert "meets floor" in on_screen(floored) and "meets floor" in page(floored, Needs())


def test_the_mixture_is_of_what_all_networks_finished():
    # What one network alone was tested under would leave the others out.
    right = {
        "deep": {"clean": share(0.9), "jpeg@1": share(0.8), "fog": share(0.1)},
        "wide": {"clean": share(0.9), "jpeg@1": share(0.6)},
    }
    found = advise(study_of(right), Needs())
    assert found.mixture == {"jpeg@1": 1.0} and found.model == "deep" and not found.excluded
    assert "Not in the mixture, since not every network was tested there: fog." in found.varies
    assert advise(study_of(right), Needs(mixture="fog=1")).excluded[0].model == "wide"


def test_a_network_without_any_degraded_condition_does_not_empty_the_mixture():
    right = {
        "deep": {"clean": share(0.9), "jpeg@1": share(0.8)},
        "wide": {"clean": share(0.9)},
    }
    found = advise(study_of(right), Needs())
    assert (found.model, found.mixture) == ("deep", {"jpeg@1": 1.0})
    assert found.excluded[0].reasons == ("it was not tested under jpeg@1",)


def test_nothing_in_common_is_refused():
    right = {"deep": {"jpeg@1": share(0.8)}, "wide": {"fog": share(0.6)}}
    with pytest.raises(ValueError, match="no degraded condition was finished by all of deep and w"):
        advise(study_of(right), Needs())


def test_of_several_learning_rates_one_stands_for_the_network():
    right = {
        "deep@0.1": {"clean": share(0.9), "jpeg@1": share(0.8)},
        "deep@0.01": {"clean": share(0.9), "jpeg@1": share(0.7)},
        "wide": {"clean": share(0.9), "jpeg@1": share(0.5)},
    }
    histories = {"deep@0.1": LEVELLED[:2], "deep@0.01": LEVELLED, "wide": LEVELLED}
    found = advise(study_of(right, histories=histories), Needs())
    # By validation, though the other one does better on the test images.
    assert [standing.model for standing in found.standings] == ["deep@0.01", "wide"]
    assert "best by validation is considered; deep@0.1 is not." in found.varies


def test_the_mixture_decides():
    assert advise(three(), Needs(mixture="clean=1,jpeg@*=3")).model == "wide"
    assert advise(three(), Needs()).model == "wide"


def test_ceilings_leave_out_and_say_what_they_cost():
    found = advise(three(), Needs(mixture="clean=1", ceiling_latency_ms=20))
    assert found.model == "wide"
    (out,) = found.excluded
    assert out.reasons == ("its latency is 40.0 ms (ceiling 20.0 ms)",)
    assert any("without that it would be ahead of wide by 10.0 points" in c for c in found.changes)


def test_what_was_not_measured_is_left_out_by_name_only_if_asked():
    found = advise(three(), Needs(mixture="clean=1", ceiling_memory_mib=500))
    assert {e.model: e.reasons[0] for e in found.excluded} == {
        "deep": "its memory is 900 MiB (ceiling 500 MiB)",
        "tiny": "its memory was not measured (ceiling 500 MiB)",
    }
    assert advise(three(), Needs(mixture="clean=1")).excluded == ()


def test_nothing_admissible():
    found = advise(three(), Needs(ceiling_latency_ms=1))
    assert (found.outcome, found.model, len(found.excluded)) == ("none", "", 3)
    assert found.sentence.startswith("none: no network is admissible; deep: its latency")


def test_a_floor_that_nothing_meets():
    found = advise(three(), Needs(mixture="clean=1", floor_accuracy=0.99))
    assert found.outcome == "none" and "deep with 95.0" in found.sentence


def test_a_floor_that_may_or_may_not_be_met():
    found = advise(three(), Needs(mixture="clean=1", floor_accuracy=0.945))
    assert found.outcome == "not decided"
    assert found.standings[0].best > 0.99 and found.standings[0].meets_floor < 0.95
    assert found.probability <= found.standings[0].meets_floor


def test_a_network_that_was_not_tested_under_the_mixture():
    right = {"a": {"clean": share(0.8)}, "b": {"clean": share(0.9), "fog": share(0.7)}}
    found = advise(study_of(right), Needs(mixture="clean=1,fog=1"))
    assert found.model == "b" and "it was not tested under fog" in found.excluded[0].reasons[0]
    assert "the only admissible network" in found.sentence


def test_close_networks_are_not_decided_and_the_cheaper_is_named():
    deep = np.arange(N) < 320
    tiny = np.roll(deep, 10)  # ten images that only the one gets right, ten that only the other
    tiny[15] = False
    study = study_of(
        {"deep": {"clean": deep}, "tiny": {"clean": tiny}},
        costs={"deep": cost("deep", 40), "tiny": cost("tiny", 3)},
    )
    found = advise(study, Needs())
    assert (found.outcome, found.leader) == ("not decided", "deep")
    text = " ".join(found.changes)
    assert "tiny may be as good and needs less: latency 3.00 ms instead of 40.0 ms" in text


def test_the_number_of_images_that_would_decide():
    first = np.arange(N) < 330
    second = np.roll(first, 20)
    second[60:64] = False
    found = advise(study_of({"a": {"clean": first}, "b": {"clean": second}}), Needs())
    gaps = first * 1.0 - second
    times = (1.6449 * gaps.std() / np.sqrt(N) / gaps.mean()) ** 2
    (line,) = [c for c in found.changes if "test images would decide" in c]
    named = int(line.split("about ")[1].split()[0].replace(",", ""))
    assert found.outcome == "not decided"
    assert named == pytest.approx(N * times, rel=0.12)


def test_turns_against_a_scan_over_all_shares():
    study = three()
    mixture = read_mixture("clean=0.8,jpeg@1=0.1,jpeg@2=0.1", study.conditions)
    table = {
        m: np.array([study.correct(m, c).mean() for c in study.conditions]) for m in study.models
    }
    now = np.array([mixture.shares[c.name] for c in study.conditions])
    found = turns(study, mixture, "deep", ["wide", "tiny"])
    for i, c in enumerate(study.conditions):
        grid = np.linspace(0, 1, 2001)
        rest = np.delete(now, i) / np.delete(now, i).sum()
        mixes = np.insert(np.outer(1 - grid, rest), i, grid, axis=1)
        ahead = (mixes @ table["deep"]) >= np.max([mixes @ table[m] for m in ("wide", "tiny")], 0)
        crossings = grid[1:][ahead[1:] != ahead[:-1]]
        mine = [turn for turn in found if turn.name == c.name]
        assert [t.share for t in mine] == pytest.approx(crossings, abs=1e-3)
        assert all(t.model == "wide" and t.now == pytest.approx(now[i]) for t in mine)
    assert [t.name for t in found]  # there are some


def test_a_family_outside_the_mixture_can_turn_the_choice():
    found = advise(three(), Needs(mixture="clean=1"))
    (turn,) = found.turns
    assert (turn.name, turn.model, turn.now) == ("jpeg", "wide", 0.0)
    assert turn.share == pytest.approx(1 / 3)  # 0.10 ahead on clean, 0.20 behind on JPEG
    assert any(
        "where jpeg is more than 33.3 % of the images (here 0.0 %)" in c for c in found.changes
    )


def test_the_rest_of_a_family_does_not_go_by_its_name():
    # All images are jpeg@1: "where jpeg is more than x % (here 0.0 %)" would be false.
    found = advise(three(), Needs(mixture="jpeg@1=1"))
    assert found.model == "wide"
    (turn,) = found.turns
    assert (turn.name, turn.model, turn.now) == ("clean", "deep", 0.0)
    mixture = {"clean": 3, "jpeg@1": 1}  # deep leads: 0.3 - 0.2 = 0.1 of 4
    named = {turn.name: turn for turn in advise(three(), Needs(mixture=mixture)).turns}
    assert set(named) == {"clean", "jpeg@1", "jpeg@2"} and named["jpeg@2"].now == 0.0
    # 0.025 (1 - s) = 0.20 s
    assert named["jpeg@2"].share == pytest.approx(0.025 / 0.225)


def test_the_latency_is_that_of_the_report():
    study = three()
    runs = study.networks["deep"] * 5
    times = (22.3, 16.1, 16.4, 18.0, 15.9)  # the first was measured beside other work
    runs = [replace(r, cost=cost("deep", t, 900)) for r, t in zip(runs, times, strict=True)]
    study = replace(study, networks={**study.networks, "deep": runs})
    standing = advise(study, Needs(mixture="clean=1")).standings[0]
    assert (standing.model, standing.latency_ms) == ("deep", statistics.median(times))
    row = next(r for r in forward_table(study).rows if r.cells[0].startswith("latency"))
    assert row.cells[1].startswith("16.4 [")
    wide = [replace(study.networks["wide"][0], cost=cost("wide", t)) for t in (12, 9)]
    study = replace(study, networks={**study.networks, "wide": wide})
    assert measured_costs(study)["wide"].latency_ms == 9


def test_undertrained_networks_are_marked():
    study = three(histories={"deep": (0.3, 0.5, 0.6, 0.7), "wide": LEVELLED})
    found = advise(study, Needs(mixture="clean=1"))
    assert found.model == "deep"
    assert found.sentence.startswith(
        "Undertrained: training accuracy has not levelled off for deep"
    )
    assert "As they stand, take deep" in found.sentence


def test_a_network_that_knows_nothing_is_not_chosen():
    study = study_of({"a": {"clean": share(0.5)}, "b": {"clean": share(0.3)}})
    found = advise(study, Needs())
    assert (found.outcome, found.model, found.leader) == ("not decided", "", "a")
    assert found.sentence.startswith("Not trained: clean images do not show a")
    assert found.sentence.endswith("but is not shown to have learned anything.")


def test_what_varies_is_said():
    assert (
        "What another training of deep, wide and tiny would give" in advise(three(), Needs()).varies
    )
    seeds = {"a": {"clean": np.stack([share(0.9)] * 3)}, "b": {"clean": share(0.8)}}
    text = advise(study_of(seeds), Needs()).varies
    assert "the training runs of a" in text and "another training of b" in text
    folds = study_of({"a": {"clean": share(0.9)}, "b": {"clean": share(0.8)}}, folds=4)
    assert "spread over folds" in advise(folds, Needs()).varies


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"floor_accuracy": 90}, "floor_accuracy=90 is not possible; allowed: a share"),
        ({"certainty": 0.3}, "certainty=0.3 is not possible"),
        ({"ceiling_latency_ms": -1}, "ceiling_latency_ms=-1 is not possible"),
        ({"ceiling_memory_mib": float("nan")}, "ceiling_memory_mib=nan is not possible"),
    ],
)
def test_needs_that_cannot_be_asked_for(needs, message):
    with pytest.raises(ValueError) as caught:
        Needs(**needs)
    assert message in str(caught.value)
