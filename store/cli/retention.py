"""`prune`: what of the history is kept, and what goes."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.output import Output, Styled, width
from stepwell.store.cli.shown import show
from stepwell.store.cli.words import size
from stepwell.store.model.ids import short
from stepwell.store.model.retention import Policy, Prune, PruneStep
from stepwell.store.model.text import one_line, plural, rfc3339
from stepwell.store.retention import read_policy

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_ENDS = 3
_NAMED = 3
_FAMILIES = {
    "the tip of branch ": "the tips of branches",
    "the newest of session ": "the newest of sessions",
    "where branch ": "where branches began",
    "a candidate of experiment ": "candidates of experiments",
    "the base of experiment ": "the bases of experiments",
}
_MANY = {
    "a milestone": "milestones",
    "undo needs it": "needed by undo",
    "among the newest of its session": "among the newest of their sessions",
    "the newest of its hour": "the newest of their hours",
    "the newest of its day": "the newest of their days",
}
"""How a reason is told of several steps, where that is not the same."""
_COLUMNS = 78
"""The timeline's pane for text is a little narrower than a terminal of 80."""
_REASON, _RULES = 11, 7
"""Where reasons and rules begin."""
_LISTED = 20
"""So many steps are listed one by one unless all are asked for."""


def _prune(call: Call) -> int:
    policy = read_policy(environment.default_config())
    policy = replace(policy, fold=call.arguments.fold)
    out, dry = call.out, call.arguments.dry_run
    with call.open() as workspace:
        done = _done(call, workspace, policy)
    if done is None:
        out.note("nothing was dropped")
        return DECLINED
    if out.json:
        out.document(_form(done))
        return 0
    if call.asks and done.dropped:
        out.line(Styled("dropped", "good"), f"  {plural(len(done.dropped), 'step')}")
    else:
        _tell_all(call, done, policy, dry)
    _tell_next(out, done, dry)
    return 0


def _done(call: Call, workspace: Workspace, policy: Policy) -> Prune | None:
    """Plans, asks where somebody can be asked, and prunes; None: it was not agreed to."""
    dry, agreed = call.arguments.dry_run, None
    if dry or call.asks or call.out.shown is not None:
        agreed = _planned(call, workspace, policy)
        if dry or not agreed.dropped:
            return agreed
        if call.asks:
            _tell_all(call, agreed, policy, True)
            if not call.out.ask("drop them? undo brings them back until gc takes their space"):
                return None
            workspace.refresh()
            agreed = _planned(call, workspace, policy)
    done = workspace.prune(policy, agreed=agreed, progress=call.out.progress)
    call.tell_recovery(workspace)
    return done


def _tell_all(call: Call, done: Prune, policy: Policy, dry: bool) -> None:
    _tell(call.out, done, dry, call.arguments.all)
    if not policy.fold:
        _tell_rules(call.out, policy)


def _planned(call: Call, workspace: Workspace, policy: Policy) -> Prune:
    planned = workspace.plan_prune(policy, progress=call.out.progress)
    show(call.out, (one.step for one in planned.dropped), "dropped")
    return planned


def _form(done: Prune) -> dict[str, Any]:
    return {
        "dropped": [
            {
                "step": one.step,
                "seq": one.seq,
                "time": rfc3339(one.time_ns),
                "title": one.title,
                "reason": one.reason,
                "into": one.into,
            }
            for one in done.dropped
        ],
        "kept": [{"reason": reason, "steps": count} for reason, count in done.kept],
        "bytes_freed": done.bytes_freed,
        "bytes_kept": done.bytes_kept,
        "bytes_other": done.bytes_other,
        "max_bytes": done.max_bytes,
        "over_bytes": done.over,
        "grace_minutes": done.grace_minutes,
        "folded": [{"seq": seq, "steps": count} for seq, count in done.folded],
        "applied": done.operation is not None,
        "undo": None if done.operation is None else f"stepwell undo {done.operation}",
    }


def _tell(out: Output, done: Prune, dry: bool, everything: bool) -> None:
    kept = sum(count for _, count in done.kept)
    _tell_dropped(out, done, kept, dry)
    if everything or len(done.dropped) <= _LISTED:
        for one in done.dropped:
            _tell_step(out, one)
    else:
        _tell_sums(out, done.dropped)
    stay = "would stay" if dry else "stay"
    out.line(Styled(stay, "good"), f"  {plural(kept, 'step')}, each counted for one reason:")
    for reason, count in grouped(done.kept):
        _tell_reason(out, count, _MANY.get(reason, reason) if count > 1 else reason)
    _tell_bytes(out, done, dry)


def _tell_reason(out: Output, count: int, reason: str) -> None:
    first, *rest = wrap(reason, _COLUMNS - _REASON)
    out.line(Styled(f"  {count:>7,}", "strong"), f"  {first}")
    for line in rest:
        out.line(" " * _REASON + line)


def _tell_dropped(out: Output, done: Prune, kept: int, dry: bool) -> None:
    if not done.dropped:
        out.line("nothing to drop: every step is kept by a rule")
        return
    count = f"{len(done.dropped):,} of {plural(kept + len(done.dropped), 'step')}"
    said = Styled("would drop", "mark") if dry else Styled("dropped", "good")
    first, last = _day(done.dropped[0]), _day(done.dropped[-1])
    when = f"of {first}" if first == last else f"from {first} to {last}"
    out.line(said, f"  {count}, {when}:")


def _tell_sums(out: Output, dropped: Sequence[PruneStep]) -> None:
    """Tells why how many go, and the first and the last of them, so that one knows what they are."""
    for reason, count in Counter(one.reason for one in dropped).most_common():
        _tell_reason(out, count, reason)
    shown = [*dropped[:_ENDS], *dropped[-_ENDS:]]
    for place, one in enumerate(shown):
        if place == _ENDS:
            more = len(dropped) - len(shown)
            out.line(Styled(f"      … {more:,} more between: --all lists them one by one", "dim"))
        out.line("    ", _row(one))


def grouped(kept: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yields reasons with how many stay for them; those of many branches or sessions in one line."""
    families: dict[str, list[str]] = {}
    sums: Counter[str] = Counter()
    for reason, count in kept:
        prefix = next((one for one in _FAMILIES if reason.startswith(one)), reason)
        families.setdefault(prefix, []).append(reason.removeprefix(prefix))
        sums[prefix] += count
    for prefix, count in sums.most_common():
        names = [name for name in families[prefix] if name]
        if len(names) < 2:
            yield prefix + "".join(names), count
        else:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            shown = ", ".join(name.removesuffix(" began") for name in names[:_NAMED])
            yield f"{_FAMILIES[prefix]}: {shown}{more}", count


def _tell_bytes(out: Output, done: Prune, dry: bool) -> None:
    if done.dropped:
        come = "would come free with `stepwell gc`" if dry else "comes free with `stepwell gc`"
        shared = "" if done.bytes_freed else ": steps that stay hold it, too"
        out.line(Styled("space", "dim"), f"  {size(done.bytes_freed)} of content {come}{shared}")
    out.line(f"       {size(done.bytes_kept)} of content stays")
    if done.bytes_other:
        beside = f"{size(done.bytes_other)} are operations and indexes"
        out.line(f"       {beside}, which no prune removes")
    if done.over:
        out.line(
            Styled("over the limit", "bad"),
            f" of {size(done.max_bytes or 0)} by {size(done.over)}: what must stay is larger; "
            "`stepwell gc` packs what is not sealed yet",
        )


def _tell_rules(out: Output, policy: Policy) -> None:
    """Tells by which rules it was decided, so that one knows what to change."""
    limit = "no size limit" if policy.max_bytes is None else f"at most {size(policy.max_bytes)}"
    counts = [
        f"the newest {max(policy.keep_last, 1):,}",
        f"{max(policy.per_session, 1):,} of each session",
    ]
    if policy.hourly:
        counts.append(f"the last of {plural(policy.hourly, 'hour')}")
    if policy.daily:
        counts.append(f"the last of {plural(policy.daily, 'day')}")
    counts.append(f"{plural(policy.safety_days, 'day')} of safety steps")
    told = f"{', '.join(counts)}; {limit}; [retention] of the settings has them"
    first, *rest = wrap(told, _COLUMNS - _RULES)
    out.line(Styled("rules", "dim"), f"  {first}")
    for line in rest:
        out.line(" " * _RULES + line)


def _day(one: PruneStep) -> str:
    return rfc3339(one.time_ns)[:10]


def _tell_step(out: Output, one: PruneStep) -> None:
    row = _row(one)
    into = "" if one.into is None else f"; #{one.into} stands for it"
    why = f"  {one.reason}{into}"
    if width(row + why) <= _COLUMNS:
        out.line(row, Styled(why, "dim"))
    else:
        out.line(row)
        out.line(Styled(f"   {why}", "dim"))


def _row(one: PruneStep) -> str:
    when = rfc3339(one.time_ns)[:16].replace("T", " ")
    return f"  #{one.seq} {short(one.step)} {when}  {one_line(one.title, 40)}"


def _tell_next(out: Output, done: Prune, dry: bool) -> None:
    if dry and not done.dropped:
        out.line("nothing was changed")
    elif dry:
        out.line("nothing was changed; without --dry-run, `stepwell undo` would bring them back")
    elif done.operation is not None:
        out.line(f"`stepwell undo {done.operation}` brings them back, until `stepwell gc` takes")
        out.line(f"their space: after {done.grace_minutes} minutes, or at once with --now")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only tell what would go, and why")
    parser.add_argument(
        "--fold", action="store_true", help="only steps that the next one of their turn supersedes"
    )
    parser.add_argument("--all", action="store_true", help="list each step that goes")


COMMANDS = (
    Command(
        name="prune",
        summary="Drop old steps by the retention policy; undo brings them back until gc.",
        details="The policy is the table [retention] of the settings (STEPWELL_CONFIG, else\n"
        "config.toml in your config folder):\n"
        "  keep_last = 200      the newest steps\n"
        "  hourly = 72          the newest step of each of so many hours that have any\n"
        "  daily = 60           the same of days\n"
        "  per_session = 20     the newest steps of each session\n"
        "  safety_days = 14     safety steps, and what undo needs\n"
        "  imported = true      imported steps\n"
        '  max_size = "2 GB"    beyond it, the oldest of these go; no limit by default\n'
        "  grace_minutes = 120  so long gc leaves dropped steps in place\n"
        "Always kept: the newest step, marked steps and milestones, tips of branches, branch\n"
        "points, merges, the newest step of each session, and what is under way.\n"
        "--fold drops only, within one turn, edits of a file that was edited again within five\n"
        "seconds, cycles that left nothing, chains of formatting, and edits of which nothing is\n"
        "left; first and last steps of a turn stay.\n"
        "On a terminal it shows what would go, and asks first; --yes goes on at once.",
        examples=("stepwell prune --dry-run", "stepwell prune"),
        configure=_options,
        run=_prune,
        takes_yes=True,
    ),
)
