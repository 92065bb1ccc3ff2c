"""`experiment`: tries approaches side by side, ranks them, promotes one."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stepwell.store import environment
from stepwell.store.cli import reviewing
from stepwell.store.cli.board import Board
from stepwell.store.cli.command import Call, Command, plain_text, seconds
from stepwell.store.cli.going import Verb, refuse_dry_run, travel
from stepwell.store.cli.output import Output, Piece, Styled, cells_of, padded, width
from stepwell.store.cli.signals import stopping
from stepwell.store.cli.words import counts, named
from stepwell.store.experimentforms import experiment_form
from stepwell.store.mergeforms import merge_form
from stepwell.store.model.errors import UsageError
from stepwell.store.model.text import plural, printable

if TYPE_CHECKING:
    from stepwell.store.model.experiments import Experiment, Ranked
    from stepwell.store.model.plans import PlannedChanges
    from stepwell.store.sdk import Workspace
    from stepwell.store.workspace import Workspace as Facade

_NAMES = {
    "run": ("NAME",),
    "list": (),
    "show": ("NAME",),
    "rank": ("NAME",),
    "promote": ("NAME", "LABEL"),
    "pick": ("NAME", "LABEL:PATH..."),
    "judge": ("NAME", "LABEL", "VERDICT"),
    "drop": ("NAME",),
}
"""What each action is given."""


def _experiment(call: Call) -> int:
    given = call.arguments
    wanted = _NAMES[given.action]
    if given.action == "pick" and given.names:
        return reviewing.pick(call, _opened)
    if len(given.names) != len(wanted):
        usage = " ".join(["stepwell experiment", given.action, *wanted])
        raise UsageError(
            f"experiment {given.action} takes {plural(len(wanted), 'name')}, "
            f"not {len(given.names)}",
            hint=f"write {usage}",
        )
    if given.action == "promote":
        return _promote(call)
    refuse_dry_run(call, f"experiment {given.action}")
    if given.action == "judge":
        return reviewing.judge(call)
    with _opened(call) as workspace:
        if given.action == "run":
            return _run(call, workspace)
        if given.action == "list":
            return _list(call, workspace)
        if given.action == "drop":
            return _drop(call, workspace)
        experiment = workspace.experiment(_name(call))
        _tell(call, workspace, experiment)
    return 0


def _opened(call: Call) -> Workspace:
    return call.open_whole()


def _name(call: Call, at: int = 0) -> str:
    return plain_text(call.arguments.names[at]) or ""


def _run(call: Call, workspace: Workspace) -> int:
    from stepwell.store.experiments.ranking import check_weights

    given = call.arguments
    if not given.tries:
        raise UsageError(
            "experiment run needs something to try", hint='as in --try "lru=python apply.py lru"'
        )
    numbers = dict(_pair(text, "--metric") for text in given.metrics or ())
    check_weights(_weights(call), numbers)
    _usual()  # settings that make no sense are told before anything is begun
    approaches = [_labelled(text) for text in given.tries]
    board = Board(call.out, [label for label, _ in approaches])
    with stopping(call.stop) as stopped:

        def is_stopped() -> bool:
            board.tick()  # this is asked many times a second
            return stopped.is_set()

        experiment = workspace.try_approaches(
            approaches,
            name=_name(call),
            base=plain_text(given.base),
            check=given.check or (),
            jobs=given.jobs,
            limit_s=given.timeout,
            every_s=given.every,
            extras=[call.path(workspace, path) for path in given.extras or ()],
            junit=given.junit or "",
            numbers=numbers,
            environment=environment.process_environment(),
            is_stopped=is_stopped,
            report=board.report,
        )
    call.out.live(())
    call.tell_recovery(workspace)
    _tell(call, workspace, experiment)
    return 0


def _labelled(text: str) -> tuple[str, str]:
    label, command = _pair(text, "--try")
    return plain_text(label) or "", command


def _pair(text: str, option: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise UsageError(
            f"{option} takes NAME=..., not {text}", hint="see stepwell experiment --help"
        )
    return name, value


def _weights(call: Call) -> dict[str, float]:
    weights = {}
    for text in call.arguments.weights or ():
        name, value = _pair(text, "--weight")
        try:
            weights[name] = float(value)
        except ValueError:
            raise UsageError(f"the weight {value} of {name} is no number") from None
    return weights


def _usual() -> Mapping[str, float]:
    from stepwell.store.experiments.weights import read_weights

    return read_weights(environment.default_config())


def _tell(call: Call, workspace: Workspace, experiment: Experiment) -> None:
    ranked = workspace.rank(experiment, _weights(call), usual=_usual())
    conflicts = {
        c.label: workspace.candidate_conflicts(experiment, c) for c in experiment.candidates
    }
    if call.out.json:
        call.out.document(experiment_form(experiment, ranked, conflicts, workspace.view().marks))
        return
    out = call.out
    base = workspace.get_step(experiment.base)
    state = "" if experiment.state == "done" else f"  ({experiment.state})"
    out.line(Styled(experiment.name, "strong"), " from ", *named(base), Styled(state, "bad"))
    cells = max(width(printable(one.candidate.label)) for one in ranked)
    for one in ranked:
        _tell_candidate(out, one, cells, len(conflicts[one.candidate.label]))
        mark = workspace.view().marks.get(one.candidate.head)
        if mark is not None:
            reviewing.tell_opinion(out, mark)
    best = ranked[0].candidate
    if best.passed:
        words = ["stepwell", "experiment", "promote", experiment.name, best.label]
        out.line(Styled(f"take the first over: {shlex.join(words)}", "dim"))


def _tell_candidate(out: Output, ranked: Ranked, cells: int, conflicts: int) -> None:
    candidate = ranked.candidate
    sign = Styled("✓", "good") if candidate.passed else Styled("✗", "bad")
    facts: list[Piece] = [plural(candidate.files, "file")]
    size = counts(candidate.added, candidate.deleted)
    facts += [" ", *size] if size else []
    if candidate.complexity:
        facts.append(f", complexity {candidate.complexity:+d}")
    if conflicts:
        facts += [", ", Styled(plural(conflicts, "conflict"), "bad")]
    out.line(
        f"{ranked.rank:>3} ",
        sign,
        " ",
        Styled(padded(candidate.label, cells), "name"),
        f"  {ranked.score:.2f}  ",
        *facts,
    )
    out.line("      ", Styled(ranked.why, "dim"))
    for name in candidate.check.failures if candidate.check else ():
        out.line("      ", Styled("failed: ", "bad"), name)
    if candidate.check and not candidate.check.ok and not candidate.check.failures:
        for text in reviewing.last_lines(candidate.check.said):
            out.line("      ", Styled(text, "dim"))


def _list(call: Call, workspace: Workspace) -> int:
    found = workspace.experiments()
    if call.out.json:
        forms = [
            experiment_form(one, workspace.rank(one, usual=_usual()), {}, workspace.view().marks)
            for one in found
        ]
        call.out.document({"experiments": forms})
        return 0
    _tell_list(call.out, workspace, found)
    if not found:
        call.out.note("there is no experiment")
    return 0


def _tell_list(out: Output, workspace: Workspace, found: Sequence[Experiment]) -> None:
    """Writes a row an experiment, in columns."""
    rows = [(one.name, _passed(one), workspace.get_step(one.base)) for one in found]
    names = max((cells_of([name]) for name, _, _ in rows), default=0)
    facts = max((cells_of([fact]) for _, fact, _ in rows), default=0)
    for name, fact, base in rows:
        left = (Styled(padded(name, names), "strong"), "  ", Styled(padded(fact, facts), "dim"))
        out.line(*left, "  from ", *named(base))


def _passed(one: Experiment) -> str:
    passed = sum(candidate.passed for candidate in one.candidates)
    return f"{passed} of {plural(len(one.candidates), 'candidate')} passed, {one.state}"


def _drop(call: Call, workspace: Workspace) -> int:
    gone = workspace.drop_experiment(_name(call))
    call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(
            experiment_form(gone, workspace.rank(gone, usual=_usual()), {}, workspace.view().marks)
        )
    else:
        call.out.line(f"dropped {gone.name}; its steps stay; bring it back: stepwell undo")
    return 0


def _promote(call: Call) -> int:
    from stepwell.store.sdk import Workspace

    def plan(workspace: Facade) -> PlannedChanges:
        assert isinstance(workspace, Workspace), "opened by `_opened`"
        name, label = _name(call), _name(call, 1)
        return workspace.plan_promote(name, label, prefer=call.arguments.prefer)

    return travel(call, Verb("promote?", plan, form=merge_form, open=_opened))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=tuple(_NAMES),
        metavar="ACTION",
        help="run, list, show, rank, promote, pick, judge, drop",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="of promote: NAME LABEL; of pick: NAME LABEL:PATH...; "
        "of judge: NAME LABEL accepted, rejected or none",
    )
    add = parser.add_argument
    add("--base", metavar="STEP", help="of run: where all begin (the disk as it is, captured)")
    add(
        "--try",
        dest="tries",
        metavar="LABEL=COMMAND",
        action="append",
        help="of run: an approach; its command is split as a shell does, and given no shell",
    )
    add("--check", metavar="COMMAND", help="of run: what judges each candidate")
    add("--jobs", metavar="N", type=int, default=1, help="of run: so many at once (1)")
    add("--timeout", metavar="S", type=seconds, help="of run: for each command and each check")
    add(
        "--every",
        metavar="S",
        type=seconds,
        default=2.0,
        help="of run: capture this often while a command runs (2)",
    )
    add(
        "--with",
        dest="extras",
        metavar="FOLDER",
        action="append",
        help="of run: an ignored folder that each candidate gets a copy of, such as .venv",
    )
    add("--junit", metavar="PATH", help="of run: a JUnit report that the check writes")
    add(
        "--metric",
        dest="metrics",
        metavar="NAME=PATTERN",
        action="append",
        help="of run: a number in the check's output, by a regular expression",
    )
    add(
        "--weight",
        dest="weights",
        metavar="NAME=W",
        action="append",
        help="checks (10), size, complexity, duration (1), or a metric; below 0: less is better",
    )
    reviewing.add_options(parser)


COMMANDS = (
    Command(
        name="experiment",
        summary="Try approaches side by side, check and rank them, and promote one.",
        details=(
            "Each approach's command runs in a copy of the base step, on a branch NAME/LABEL of its\n"
            "own; your folder is not touched. What it does is captured while it runs, then the check\n"
            "runs there, too. Candidates that pass come first; tests, size of the change, complexity\n"
            "and duration decide among them, by --weight or your settings' [experiments.weights]. promote merges one into the branch that it came from,\n"
            "pick merges files and hunks of several. stepwell undo takes either back. Ctrl-C ends all commands and keeps what was captured."
        ),
        examples=(
            "stepwell experiment run cache --try lru=./lru --try ttl=./ttl --check pytest",
            "stepwell experiment rank cache --weight size=5",
            "stepwell experiment promote cache lru",
            "stepwell experiment pick cache lru:app/cache.py ttl:tests",
            'stepwell experiment judge cache ttl rejected --note "too clever"',
        ),
        configure=_options,
        run=_experiment,
        takes_yes=True,
        after_dashes="names",
    ),
)
