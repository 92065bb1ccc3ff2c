"""The page that a run leaves: what was measured, how, and where others are quicker."""

from __future__ import annotations

from collections.abc import Sequence

import goals
import keeping
import trees
from alone import MERGE
from commands import Stepwell
from contest import FIRST, FLOOR, UNCHANGED, after_restore_of, capture_of, restore_of
from machine import PACKAGES
from ours import DAEMON, HOOK, INSIDE, SCAN, Disk
from rivals import RIVALS, Cline, GeminiCli, OpenCode, TunedGit
from table import CAP_S, Cell, Results, markdown, milliseconds, ratio, shown

OURS = (INSIDE, DAEMON, HOOK, SCAN, Stepwell.name)
COMMANDS = "commands"
"""Stands for the tree in the results of command-line tools."""

HOW = f"""## How it was measured

- **In one run, in turn.** Every contestant has its own copy of the same tree and gets the same edits; in each round all of them run one after the other, each round
  beginning with another one. Three captures come first that are not timed. Caches are warm; other work on the machine meets all alike.
- **The others' git processes are replayed one by one** with the git named above, from their published sources: *{OpenCode.name}* (`rev-parse`, `diff-files` beside `ls-files`,
  `check-ignore`, `add --pathspec-from-file`, `write-tree`, on a shadow that begins with the project's index and objects; its undo is `ls-tree` and `checkout` of the changed paths),
  *{OpenCode.whole_name}* (its whole restore: `read-tree`, `checkout-index -a -f`), *{GeminiCli.name}* (`add`, `status`, `commit`; `restore`, `clean`), *{Cline.name}* (`add`, `commit`; `reset --hard`),
  *{TunedGit.name}* (`add -A`, `write-tree`; `read-tree -m -u`; with `feature.manyFiles`, index version 4, the untracked cache). Starting the processes counts; the tools' own runtime
  does not, nor Cline's walks for nested repositories, and git's automatic clean-up is off: the real tools are slower than this.
- **Stepwell's forms told apart.** *{INSIDE}*: what the daemon itself works on a call. *{DAEMON}*: the same call as a program sees it, through the socket, from asking to the answer.
  *{HOOK}*: what an agent waits for, from the start of the hook's process to its exit. *{SCAN}*: the library in process, looking at every file. All of them are durable: `fdatasync` before the answer. None of the others asks for that.
- A restore of Stepwell's is the whole rollback: safety step, plan, intent, files, comparison, record.
  Before each restore, of any tool, what is unwritten is written, so that none waits for another's data: Stepwell's rollback of many files syncs the whole file system.
- A run of another tool that takes more than {CAP_S:.0f} s is stopped and shown as `> {CAP_S:.0f} s`. Times are medians, in milliseconds where nothing else is said; in brackets the 99th percentile, which with few runs is the slowest.
- **Everything is checked in the run**: all contestants must store the same git tree; after a restore the edited files, and in the last round of the widest all files, must be byte for byte what
  they were, and a file that came after must be gone. What was not so stands in bold in its cell.
"""


def page(results: Results) -> str:
    """Returns the whole page as Markdown."""
    parts = [
        "# Benchmarks\n\nWritten by `make bench`; every figure is from one run of it. On another machine: another page.\n",
        "## Machine\n\n" + _machine(results),
        "## What the project holds itself to\n\n" + goals.table(results),
        "How many of the runs kept within a limit:\n\n" + goals.rates(results),
        *filter(None, [keeping.page(results)]),
        *(
            _tree(results, tree)
            for tree in dict.fromkeys(
                t for t, _, _ in results.cells if t and t not in (COMMANDS, keeping.PLACE)
            )
        ),
        *([_commands(results)] if _columns(results, COMMANDS) else []),
        "## Where others are quicker\n\n" + _losses(results),
        "## Store, memory, long histories\n\n" + _alone(results),
        HOW.rstrip(),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _machine(results: Results) -> str:
    system = ("date", "cores", "memory", "system", "file system", "Python", "git")
    names = (*system, *PACKAGES, "other work at the start", "other work at the end")
    return markdown(["", ""], [[name, results.facts[name]] for name in names])


def _tree(results: Results, tree: str) -> str:
    counts = sorted(
        {_count(m) for t, m, _ in results.cells if t == tree and m.startswith("restore")}
    )
    widths = sorted(
        {
            _count(m)
            for t, m, _ in results.cells
            if t == tree and m.startswith("capture, ") and m != UNCHANGED
        }
    )
    captures = [FIRST, *map(capture_of, widths), UNCHANGED]
    restores = [m for n in counts for m in (restore_of(n), after_restore_of(n))]
    floor = results.look(tree, FLOOR, Disk.name)
    return "\n\n".join(
        [
            f"## Tree {tree}: {results.facts[f'files {tree}']} files\n\n{trees.ABOUT.get(tree, 'generated')}.",
            _table(results, tree, captures),
            f"An append of {results.facts[f'append {tree}']} bytes and one `fdatasync`, the floor for what is durable, in the same rounds: {shown(floor, tail=True)}.",
            _table(results, tree, restores),
            f"Each further file of a rollback costs the daemon {goals.per_file(results, tree, counts[0], counts[-1])}.",
            _ratios(results, tree, [*captures, *restores]),
        ]
    )


def _commands(results: Results) -> str:
    """Whole processes of command-line tools, beside our command."""
    measures = [FIRST, capture_of(1), restore_of(1), restore_of(10)]
    return (
        f"## Command-line tools, tree {results.facts['tree of the commands']}\n\n"
        "Published packages, each in an environment of its own, beside the `stepwell` command without a daemon; whole processes, interpreter start and all.\n\n"
        + _table(results, COMMANDS, measures)
    )


def _count(measure: str) -> int:
    return int(measure.split()[1].replace(",", ""))


def _table(results: Results, tree: str, measures: Sequence[str]) -> str:
    columns = _columns(results, tree, measures)
    rows = []
    for measure in measures:
        cells = [results.look(tree, measure, who) for who in columns]
        runs = "/".join(str(n) for n in dict.fromkeys(len(c.times) + c.stopped for c in cells))
        texts = [shown(c, tail=who in OURS) for c, who in zip(cells, columns, strict=True)]
        rows.append([measure, *texts, runs])
    return markdown(["", *columns, "n"], rows)


def _columns(results: Results, tree: str, measures: Sequence[str] = ()) -> list[str]:
    """Returns who took part in any of the measures (none given: in anything), ours first."""
    took_part = [
        who for t, measure, who in results.cells if t == tree and measure in (measures or [measure])
    ]
    known = (*OURS, OpenCode.name, OpenCode.whole_name, *(r.name for r in RIVALS), *took_part)
    return [who for who in dict.fromkeys(known) if who in took_part]


def _ratios(results: Results, tree: str, measures: Sequence[str]) -> str:
    """How many times slower others are; in restores OpenCode's is its undo."""
    ours = [who for who in OURS if who in _columns(results, tree, measures)]
    pairs = [*((OpenCode.name, mine) for mine in ours), (TunedGit.name, SCAN)]
    rows = []
    for measure in measures:
        medians = {who: results.look(tree, measure, who).median for pair in pairs for who in pair}
        rows.append([measure, *(ratio(medians[rival], medians[mine]) for rival, mine in pairs)])
    head = ["", *(f"{rival} / {mine.removeprefix('Stepwell, ')}" for rival, mine in pairs)]
    return markdown(head, rows)


def _losses(results: Results) -> str:
    """Lists every cell of ours that somebody's median is below."""
    lines = []
    for (tree, measure, mine), cell in results.cells.items():
        if mine not in OURS:
            continue
        others = [
            (c.median, who)
            for (t, m, who), c in results.cells.items()
            if (t, m) == (tree, measure)
            and who not in OURS
            and not c.wrong
            and c.median < cell.median
        ]
        if others:
            best, who = min(others)
            times = f"{milliseconds(best)} against {milliseconds(cell.median)}"
            lines.append([tree, measure, mine, who, times, ratio(cell.median, best)])
    if not lines:
        return "Nowhere in this run."
    return markdown(["tree", "what", "ours", "quickest", "", "ours / theirs"], lines)


def _alone(results: Results) -> str:
    facts, rows = results.facts, []
    if "captures" in facts:
        raw = int(facts["raw bytes"])
        rows.append(["raw copies of the edited files", f"{raw / 1e6:,.1f} MB"])
        for form in ("unsealed", "sealed", "sealed with the first capture"):
            if f"{form} bytes" in facts:
                size = int(facts[f"{form} bytes"])
                share = 100 * (1 - size / raw)
                saved = (
                    f"{size / 1e6:,.1f} MB, {abs(share):.0f} % {'less' if share >= 0 else 'more'}"
                )
                rows.append([f"store, {form}, after {int(facts['captures']):,} captures", saved])
        rows.append(["the sealing of them", f"{facts['sealing seconds']} s"])
    for name, value in facts.items():
        if name.startswith("memory "):
            _, tree, who = name.split(" ", 2)
            rows.append([f"memory, {who}, {tree}", f"{float(value):.0f} MB"])
    for (tree, measure, _), cell in results.cells.items():
        if not tree:
            over = "" if measure == MERGE or "50 MB" in measure else f", {facts['steps']} steps"
            rows.append([f"{measure}{over}", _spread(cell)])
    return markdown(["", ""], rows)


_MANY = 1_000
"""Runs from which on the 99th percentile says something."""


def _spread(cell: Cell) -> str:
    median, p95 = milliseconds(cell.median), milliseconds(cell.percentile(0.95))
    wrong = f", **{cell.wrong}**" if cell.wrong else ""
    p99 = f", p99 {milliseconds(cell.percentile(0.99))}" if len(cell.times) >= _MANY else ""
    return f"{median}, p95 {p95}{p99}, n {len(cell.times)}{wrong}"
