"""`verify`: is everything that was stored whole, and can what is not be mended?"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.output import Output, Styled
from stepwell.store.model.errors import IntegrityError, UsageError
from stepwell.store.model.ids import short
from stepwell.store.model.reports import Repaired, VerifyReport
from stepwell.store.model.text import plural

DAMAGED = IntegrityError.exit_code
_SHOWN = 5
_QUESTION = "mend what is damaged, as far as it is found again? what can be read stays"


def _verify(call: Call) -> int:
    given, out = call.arguments, call.out
    repaired = None
    if given.bundle is not None and not given.repair:
        raise UsageError(
            "--from goes with --repair", hint="as in stepwell verify --repair --from X"
        )
    with call.open() as workspace:
        if given.repair and call.asks and not out.ask(_QUESTION):
            out.note("nothing was mended")
            return DECLINED
        if given.repair:
            from stepwell.store.bundling import repair_from

            bundle = _bundle(call)
            repaired = repair_from(workspace, bundle, progress=out.progress)
            call.tell_recovery(workspace)
        full = given.full or given.repair
        report = workspace.verify(full=full, sample_percent=given.sample, progress=out.progress)
        near = (step for step in report.nearest.values() if step is not None)
        seqs = {step: workspace.get_step(step).seq for step in near}
    if out.json:
        out.document(_form(report, repaired))
    else:
        _tell_repaired(out, repaired)
        _tell(out, report, seqs, sampled=given.sample is not None)
    return 0 if report.ok else DAMAGED


def _bundle(call: Call) -> Path | None:
    name = call.arguments.bundle
    return None if name is None else Path(os.fsdecode(call.folder), name)


def _form(report: VerifyReport, repaired: Repaired | None) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "checked": report.checked,
        "damaged": [
            {"kind": one.kind, "id": one.id, "affects": list(one.affects)} for one in report.damaged
        ],
        "repaired": 0 if repaired is None else repaired.mended,
        "sources": {} if repaired is None else dict(repaired.sources),
        "full": report.full,
        "nearest": dict(report.nearest),
    }


def _tell_repaired(out: Output, repaired: Repaired | None) -> None:
    if repaired is None or not repaired.before:
        return
    sources = (f"{plural(n, 'object')} from the {name}" for name, n in repaired.sources.items())
    found = ", ".join(sources)
    done = Styled(f"repaired {repaired.mended:,}", "good" if repaired.mended else "bad")
    out.line(done, f" of {len(repaired.before):,} damaged{f': {found}' if found else ''}")


def _tell(out: Output, report: VerifyReport, seqs: Mapping[str, int], *, sampled: bool) -> None:
    for one in report.damaged:
        shown = ", ".join(short(step) for step in one.affects[:_SHOWN])
        more = f" and {len(one.affects) - _SHOWN} more" if len(one.affects) > _SHOWN else ""
        needed = f"  needed by {plural(len(one.affects), 'step')}: {shown}{more}" if shown else ""
        out.line(Styled(f"damaged {one.kind}", "bad"), f" {one.id}{needed}")
    for step, near in report.nearest.items():
        instead = f"#{seqs[near]} {short(near)}" if near else "there is none"
        out.line(f"  whole, and nearest to {short(step)}: ", Styled(instead, "strong"))
    rest = "" if report.full or sampled else " (--full reads every object too)"
    checked = f"{report.checked:,} checked{rest}"
    if report.ok:
        out.line(Styled("whole", "good"), f": {checked}")
    else:
        out.line(Styled(f"{len(report.damaged):,} damaged", "bad"), f", {checked}")


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--full", action="store_true", help="also every object's bytes")
    parser.add_argument(
        "--sample",
        metavar="PERCENT",
        type=_percent,
        help="also so many of the objects' bytes, each day others",
    )
    parser.add_argument(
        "--repair", action="store_true", help="mend what is damaged, as far as it is found again"
    )
    parser.add_argument(
        "--from", dest="bundle", metavar="BUNDLE", help="with --repair: an exported file to look in"
    )


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise UsageError(f"{text} is no percentage", hint="above 0, and up to 100")
    return value


COMMANDS = (
    Command(
        name="verify",
        takes_yes=True,
        summary="Check that everything stored is whole; exit code 5 when it is not.",
        details="Frames, indexes, refs and configuration are always checked by checksums. Damage is\n"
        "named with the steps that need it, and the nearest step that is whole. --repair looks\n"
        "for the same bytes in the store, in the folder as it is now and in a bundle, stores\n"
        "them again, and writes damaged packs, indexes, refs and segments anew. What is found\n"
        "nowhere stays damaged; nothing that can be read is lost by trying. On a terminal\n"
        "--repair asks first.",
        examples=("stepwell verify --full", "stepwell verify --repair --from history.stepwell"),
        configure=_options,
        run=_verify,
    ),
)
