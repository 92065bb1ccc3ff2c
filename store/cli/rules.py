"""`check`, `rules` and `trust`: what is looked at as work goes on, and whose word counts."""

from __future__ import annotations

import argparse

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Output, Piece, Styled, padded, width
from stepwell.store.cli.signals import stopping
from stepwell.store.model.errors import UsageError
from stepwell.store.model.rules import Rule, RuleSet, RuleVerdict
from stepwell.store.model.text import plural, printable
from stepwell.store.ruleforms import rule_form, verdict_form

_UNTRUSTED = "stepwell.toml is not trusted as it is now: look at it, then run `stepwell trust`"


def _check(call: Call) -> int:
    given = call.arguments
    with call.open_whole() as workspace:
        rules = workspace.rules()
        names = [plain_text(name) or "" for name in given.names]
        if not rules.rules:
            raise _nothing(rules)
        with stopping(call.stop) as stopped:
            verdicts = workspace.check(
                names,
                at=plain_text(given.at),
                act=not given.dry_run,
                environment=environment.process_environment(),
                is_stopped=stopped.is_set,
            )
        call.tell_recovery(workspace)
        if call.out.json:
            forms = [verdict_form(one) for one in verdicts]
            call.out.document({"verdicts": forms, "mode": rules.mode, "untrusted": rules.untrusted})
            return 0
        _tell_verdicts(call.out, verdicts)
        if rules.untrusted:
            call.out.note(_UNTRUSTED)
    return 0


def _nothing(rules: RuleSet) -> UsageError:
    if rules.untrusted:
        return UsageError("there is no rule that may run", hint=_UNTRUSTED)
    return UsageError(
        "there is no rule",
        hint='write one into stepwell.toml: [rules.tests] and below it run = "python -m pytest -q"',
    )


def _tell_verdicts(out: Output, verdicts: tuple[RuleVerdict, ...]) -> None:
    cells = max((width(printable(one.rule)) for one in verdicts), default=0)
    for one in verdicts:
        out.line(sign(one), " ", Styled(padded(one.rule, cells), "name"), "  ", one.detail)
        if one.action == "suggest" and one.target is not None:
            hint = f"go back to where it was well: stepwell rollback {one.target[:10]}"
            out.line(" " * (cells + 4), Styled(hint, "dim"))


def sign(verdict: RuleVerdict) -> Piece:
    """Returns the sign of a verdict."""
    if verdict.ok is None:
        return Styled("?", "dim")
    return Styled("✓", "good") if verdict.ok else Styled("✗", "bad")


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="RULE", help="only these; else all")
    parser.add_argument("--at", metavar="STEP", help="look at that step, and do nothing about it")
    parser.add_argument("--dry-run", action="store_true", help="only tell, record and do nothing")


def _rules(call: Call) -> int:
    with call.open_whole() as workspace:
        rules = workspace.rules()
        last = {one.rule: one for one in workspace.view().verdicts}
    if call.out.json:
        forms = [
            {
                **rule_form(rule),
                "last": verdict_form(last[rule.name]) if rule.name in last else None,
            }
            for rule in rules.rules
        ]
        call.out.document({"rules": forms, "mode": rules.mode, "untrusted": rules.untrusted})
        return 0
    for rule in rules.rules:
        _tell_rule(call.out, rule, last.get(rule.name))
    if rules.rules:
        call.out.line(Styled(f"mode {rules.mode}", "dim"))
    elif not rules.untrusted:
        call.out.note("there is no rule")
    if rules.untrusted:
        call.out.note(_UNTRUSTED)
    return 0


def _tell_rule(out: Output, rule: Rule, last: RuleVerdict | None) -> None:
    then = f" → {rule.action}, after each {rule.when}"
    out.line(Styled(rule.name, "strong"), "  if ", rule.condition.text, Styled(then, "dim"))
    if rule.command:
        out.line("    runs ", Styled(_command(rule), "name"))
    if last is not None:
        out.line("    ", sign(last), " ", last.detail)


def _command(rule: Rule) -> str:
    import shlex

    return shlex.join(rule.command)


def _rules_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", metavar="ACTION", nargs="?", choices=("list",), default="list", help="list"
    )


def _trust(call: Call) -> int:
    from stepwell.store.rules.reading import preview_rules

    with call.open_whole() as workspace:
        if call.arguments.remove:
            had = workspace.distrust()
            if call.out.json:
                call.out.document({"trusted": False, "had": had})
            else:
                call.out.line("it is trusted no more" if had else "it was not trusted")
            return 0
        file = workspace.rule_file()
        # What makes no sense is refused before it is trusted.
        rules = preview_rules(file.content) if file is not None else RuleSet()
        trusted = workspace.trust()
    if call.out.json:
        forms = [rule_form(rule) for rule in rules.rules]
        call.out.document({"trusted": True, "sha256": trusted.digest, "rules": forms})
        return 0
    call.out.line(
        Styled("trusted", "good"), f", until it changes: {plural(len(rules.rules), 'rule')}"
    )
    for rule in rules.rules:
        _tell_rule(call.out, rule, None)
    return 0


def _trust_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--remove", action="store_true", help="take the trust away")


COMMANDS = (
    Command(
        name="check",
        summary="Look at the rules now, in a scratch copy, and say what they find.",
        details=(
            "The folder is captured first. A rule that finds something too bad says since which step,\n"
            "and which step was the last one that was well. It only goes back by itself where\n"
            'mode = "auto" says so; `stepwell undo` takes that back. docs/rules.md explains rules.'
        ),
        examples=("stepwell check", "stepwell check tests --at '#40'", "stepwell check --json"),
        configure=_check_options,
        run=_check,
    ),
    Command(
        name="rules",
        summary="List the rules that hold here, and what they found last.",
        examples=("stepwell rules list",),
        configure=_rules_options,
        run=_rules,
    ),
    Command(
        name="trust",
        summary="Let the rules in this workspace's stepwell.toml run, until the file changes.",
        details="Before that nothing in it has any effect: whoever wrote the file could run commands.",
        examples=("stepwell trust", "stepwell trust --remove"),
        configure=_trust_options,
        run=_trust,
    ),
)
