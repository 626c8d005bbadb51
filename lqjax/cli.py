"""The command line, to its exit code; the same for `launch.py`, `python -m lqjax` and `lqjax`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from lqjax.arguments import ALONE, RESULT_FLAGS, TOOL_FLAGS, Arguments, help_text, parse
from lqjax.config import Config
from lqjax.disk import NO_ROOM
from lqjax.displacing import RECIPE, WORKDIR, displaced
from lqjax.distributed import (
    is_first,
    lost_another,
    refuse_differences,
    several_processes,
    start_distributed,
    together,
)
from lqjax.overriding import override_all
from lqjax.recipes import DEFAULT_RECIPE, load_recipe
from lqjax.rows import Divergence, Row
from lqjax.signals import STOPS, silence, stop
from lqjax.stopping import Terminated

RUNS_FOLDER = "runs"
USER_ERROR, INTERRUPTED, TERMINATED = 2, 130, 143

LATE_ANSWER = "Event loop is closed"


def settings_of(arguments: Arguments) -> tuple[Config, str]:
    """Return the settings and the working directory that the arguments ask for.

    A working directory that is named without a recipe keeps its own settings. A mistake that one
    of several processes finds ends all of them.
    """
    config, workdir, _ = _changed(arguments)
    return config, workdir


def _changed(arguments: Arguments) -> tuple[Config, str, list[str]]:
    """Change the recipe as the flags say; add lines about what it had for single networks."""
    from lqjax.claiming import stored_config
    from lqjax.workdir import Workdir

    recipe = arguments.recipe or DEFAULT_RECIPE
    stored = None
    if arguments.workdir and not arguments.recipe:
        stored = stored_config(Workdir.at(arguments.workdir))

    def changed() -> tuple[Config, list[str]]:
        before = stored or load_recipe(recipe)
        config = override_all(before, arguments.overrides)
        return config, displaced(before, config, WORKDIR if stored else RECIPE)

    config, lines = together(changed)
    return config, arguments.workdir or default_workdir(recipe, config.run.smoke), lines


def default_workdir(recipe: str, smoke: bool) -> str:
    """Name the working directory of a recipe; a smoke run has one of its own."""
    return str(Path(RUNS_FOLDER) / (Path(recipe).stem + ("-smoke" if smoke else "")))


def _course(arguments: Arguments) -> dict[str, str]:
    """Sum up the flags that decide what several processes do in common, and in which order."""
    given = {"--config": arguments.recipe, "--workdir": arguments.workdir}
    shown = {flag: "given" if value else "not given" for flag, value in given.items()}
    return {"--mode": arguments.mode, **shown}


def run(arguments: Arguments) -> str:
    """Do what the arguments ask for; return the last lines for the screen."""
    if arguments.mode in TOOL_FLAGS:
        from lqjax.tools import run_tool

        return run_tool(arguments.mode, arguments.tool_flags)
    from lqjax import experiment
    from lqjax.progress import Progress

    start_distributed(arguments.coordinator, arguments.processes, arguments.process)
    refuse_differences("flags", lambda: _course(arguments))
    if arguments.mode in RESULT_FLAGS:
        return _from_results(arguments)
    config, workdir, lines = _changed(arguments)
    if arguments.mode == "audit":
        return _audited(config, workdir, lines)
    stages = experiment.count_stages(
        config, training=arguments.mode != "evaluate", testing=arguments.mode != "train"
    )
    progress = Progress(config.run.progress and is_first(), stages)
    for line in lines:
        progress.say(line)
    if arguments.mode == "train":
        trained = experiment.train(config, workdir=workdir, progress=progress)
        lines = [
            f"{t.title}: validation accuracy {t.best.validation_accuracy:.1%} in epoch"
            f" {t.best.epoch} of {t.history[-1].epoch}, weights in {t.folder}"
            for t in trained.models
        ]
        return "\n".join([*lines, *_ended(trained.diverged)])
    if arguments.mode == "evaluate":
        evaluated = experiment.evaluate(config, workdir=workdir, progress=progress)
        lines = [_accuracy(row.model, row) for row in evaluated.rows]
        lines += [_accuracy(f"{r.row.model}, {r.reading}", r.row) for r in evaluated.readings]
        return "\n".join([*lines, *_ended(evaluated.diverged)])
    result = experiment.compare(config, workdir=workdir, progress=progress)
    return _shown(result.table, result.verdict, result.cautions, result.report)


def _accuracy(name: str, row: Row) -> str:
    return (
        f"{name}  {row.condition}: {row.accuracy:.1%}"
        f" [{row.accuracy_low:.1%}, {row.accuracy_high:.1%}]"
    )


def _audited(config: Config, workdir: str, lines: Sequence[str]) -> str:
    from lqjax.data_audit import audit
    from lqjax.progress import Progress

    progress = Progress(config.run.progress)
    for line in lines:
        progress.say(line)
    found = audit(config, workdir=workdir, progress=progress)
    return "\n".join([*found.lines, f"audit: {found.page}"])


def _ended(diverged: Sequence[Divergence]) -> list[str]:
    return [f"{d.model} (seed {d.seed}, fold {d.fold}): diverged {d.where}" for d in diverged]


def _shown(table: str, verdict: str, cautions: Sequence[str], path: os.PathLike) -> str:
    return "\n\n".join([table, verdict, *cautions, f"report: {path}"])


def _from_results(arguments: Arguments) -> str:
    """Report or advise, from what was measured before."""
    from lqjax import answering
    from lqjax.advising.needs import needs_from_texts
    from lqjax.advising.writing import on_screen
    from lqjax.textlists import split_list

    texts = arguments.tool_flags
    predictions = split_list(texts.get("predictions", ""))
    if predictions and not arguments.workdir:
        raise ValueError(
            "--predictions needs --workdir: the results that they are put beside or, without any,"
            " a new folder for the report"
        )
    default = default_workdir(arguments.recipe or DEFAULT_RECIPE, smoke=False)
    workdirs = split_list(arguments.workdir or default)
    if arguments.mode == "report":
        written = answering.report(workdirs, predictions)
        return _shown(written.table, written.verdict, written.cautions, written.path)
    advice = answering.advise(workdirs, predictions, **asdict(needs_from_texts(texts)))
    return f"{on_screen(advice)}\n\nadvice: {advice.path}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 2 for a user's mistake, 130 when stopped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    mode = ""
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        mode = arguments.mode
        if arguments.show == "help":
            print(help_text())
        elif arguments.show == "version":
            from lqjax import __version__

            print(f"lqjax {__version__}")
        else:
            _quiet_logs()
            lines = run(arguments)
            if is_first():
                print(lines, flush=True)
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError) as error:
        if _says_another_is_gone(error):
            return 1
        if not _is_for_users(error):
            raise
        print(f"lqjax: {_one_line(error)}", file=sys.stderr)
        return USER_ERROR
    except RuntimeError as error:
        from lqjax.training.passage import DivergedError

        if _says_another_is_gone(error):
            return 1
        if not isinstance(error, DivergedError):
            raise
        print(f"lqjax: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Terminated) as request:
        silence()
        print(f"\nlqjax: stopped; {_after_stop(mode)}", file=sys.stderr)
        return TERMINATED if isinstance(request, Terminated) else INTERRUPTED
    return 0


def _after_stop(mode: str) -> str:
    """Say what the same command will do."""
    if mode in ALONE:
        return "the same command begins anew; its files are written at the end, each whole"
    return "the same command goes on from the last checkpoint, if there is one"


def _says_another_is_gone(error: Exception) -> bool:
    if not lost_another(error):
        return False
    print(
        "lqjax: another process of this run has ended, its output says why; started again, all of"
        " them go on from the last checkpoint",
        file=sys.stderr,
    )
    return True


def start() -> NoReturn:
    """Run the command line and end the process: the entry of `launch.py`, `-m` and `lqjax`."""
    sys.unraisablehook = _report_swallowed
    for number in STOPS:
        signal.signal(number, stop)
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if code in (INTERRUPTED, TERMINATED) or (code and several_processes()):
        # Compiler and checkpoint threads may still be at work; an orderly exit would crash in them,
        # and would wait for the other processes, which wait for this one.
        os._exit(code)
    sys.exit(code)


def _report_swallowed(swallowed: sys.UnraisableHookArgs) -> None:
    # A stop that a library's callback swallowed is sent again, and when Orbax has given up on a
    # damaged checkpoint, answers of TensorStore still come in: nothing for the user to read.
    late = swallowed.exc_type is RuntimeError and str(swallowed.exc_value) == LATE_ANSWER
    code = getattr(swallowed.object, "cr_code", None)  # of a coroutine that was not waited for
    late = late or (code is not None and "orbax" in Path(code.co_filename).parts)
    if swallowed.exc_type not in STOPS.values() and not late:
        sys.__unraisablehook__(swallowed)


def _quiet_logs() -> None:
    # Orbax and jax report their inner workings through these; users asked for results. What they
    # log as errors, with tracebacks, they raise too.
    import logging

    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.FATAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # tasks that Orbax began and dropped


def _is_for_users(error: Exception) -> bool:
    # A ValueError that lqjax raises itself explains a mistake; one from inside a library is a
    # bug, here or there, and needs its traceback.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = Path(trace.tb_frame.f_code.co_filename) if trace is not None else Path()
    return isinstance(error, OSError) or Path(__file__).parent in raised_in.parents


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        place = f"{error.filename}: " if error.filename else ""
        return (
            f"{place}{error.strerror}; what is finished is kept: make room and start the same"
            " command again"
        )
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
