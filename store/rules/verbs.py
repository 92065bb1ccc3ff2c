"""The facade's verbs for rules, above those for experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.scratch import scratch_folder
from stepwell.store.engine.travel import steps_between
from stepwell.store.environment import default_config, process_environment
from stepwell.store.experiments.roots import check_extra
from stepwell.store.experiments.trial import Words, words_of
from stepwell.store.experiments.verbs import ExperimentVerbs
from stepwell.store.model.errors import NotFoundError, StepwellError, UsageError
from stepwell.store.model.ids import StepId
from stepwell.store.model.paths import TrackedPath, unescape
from stepwell.store.model.reports import Bisected
from stepwell.store.model.rules import Rule, RuleSet, RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.rules import trusting
from stepwell.store.rules.bisecting import Tries, by_status, require, way
from stepwell.store.rules.copies import Copies
from stepwell.store.rules.deciding import against, fired_before, wanted_action
from stepwell.store.rules.halving import first_bad
from stepwell.store.rules.judging import Judge, Judged, key_of
from stepwell.store.rules.reading import effective_rules
from stepwell.store.rules.wording import detail, facts


def _never() -> bool:
    return False


class RuleVerbs(ExperimentVerbs):
    """Looks at rules, goes back where they say so, and finds the step that broke something."""

    def rules(self, *, config: Path | None = None) -> RuleSet:
        """Returns the rules that hold here: the person's, and those of a trusted `stepwell.toml`.

        `config` None: the person's own configuration file.

        Raises:
            UsageError: a file that counts cannot be read, or makes no sense.
        """
        return effective_rules(self.root, self.store, config or default_config())

    def rule_file(self) -> trusting.RuleFile | None:
        """Returns the workspace's `stepwell.toml`; None when there is none."""
        return trusting.rule_file(self.root, self.store)

    def trust(self) -> trusting.RuleFile:
        """Trusts the workspace's `stepwell.toml` as it is now; when it changes, it is trusted no more.

        Raises:
            NotFoundError: there is none.
        """
        return trusting.trust(self.root, self.store)

    def distrust(self) -> bool:
        """Takes that trust away; tells whether there was any."""
        return trusting.distrust(self.store)

    def check(
        self,
        names: Sequence[str] = (),
        *,
        at: Step | str | None = None,
        act: bool = True,
        config: Path | None = None,
        environment: Mapping[str, str] | None = None,
        is_stopped: Callable[[], bool] = _never,
    ) -> tuple[RuleVerdict, ...]:
        """Looks at rules now, in scratch copies, and does what they and the mode say.

        `names` none: all of them. `at` None: the disk as it is, captured first; of any other step
        it is only told. The first rule that goes back ends it. `environment` None: the process's
        own.

        Raises:
            NotFoundError: there is no such rule.
            UsageError: the rules make no sense.
            KeyboardInterrupt: `is_stopped` said so.
        """
        rules = self.rules(config=config)
        chosen = [_named(rules, name) for name in names] or list(rules.rules)
        step = self._step_to_check(at)
        act = act and at is None
        verdicts: list[RuleVerdict] = []
        with self.copies("rules", rules.extras, environment) as copies:
            for rule in chosen:
                verdicts.append(self.check_rule(rule, rules, step, copies, act, is_stopped))
                if verdicts[-1].action == "rollback":
                    break
        return tuple(verdicts)

    def _step_to_check(self, at: Step | str | None) -> Step:
        if at is None:
            return self.capture("before a check")
        return self.get_step(at) if isinstance(at, str) else at

    def check_rule(
        self,
        rule: Rule,
        rules: RuleSet,
        step: Step,
        copies: Copies,
        act: bool,
        is_stopped: Callable[[], bool] = _never,
    ) -> RuleVerdict:
        """Looks at one rule, does what it says when `act`, and records the verdict.

        Raises:
            KeyboardInterrupt: `is_stopped` said so; nothing was recorded.
        """
        judge = Judge(self._journal, self._finder(), self.view(), copies, rules, is_stopped)
        verdict = RuleVerdict(
            rule.name, step.id, None, "none", "", self._context.clock(), key_of(rule, rules)
        )
        try:
            judged = judge.judge(rule, step)
        except StepwellError as error:
            verdict = replace(verdict, detail=f"it cannot be told: {error.message}")
        else:
            verdict = self._acted(rule, rules, step, judged, verdict, act)
        if act:
            self.record_verdict(verdict, session=step.session)
        return verdict

    def _acted(
        self,
        rule: Rule,
        rules: RuleSet,
        step: Step,
        judged: Judged,
        verdict: RuleVerdict,
        act: bool,
    ) -> RuleVerdict:
        verdict = replace(
            verdict,
            ok=judged.ok,
            action=wanted_action(rule, judged, rules.mode if act else "suggest"),
            detail=detail(rule, judged),
            target=judged.target.id if judged.target else None,
            since=judged.since.id if judged.since else None,
            facts={**facts(judged), "tree": step.snapshot.tree.hex()},
        )
        if verdict.action == "mark" and act:
            self.mark(step, note=verdict.detail, tags=(f"rule:{rule.name}",), by="stepwell")
        if verdict.action != "rollback" or judged.target is None:
            return verdict
        return self._gone_back(rule, step, judged, verdict, judged.target)

    def _gone_back(
        self, rule: Rule, step: Step, judged: Judged, verdict: RuleVerdict, target: Step
    ) -> RuleVerdict:
        """Goes back to where it was well, unless something speaks against doing so unasked."""
        self.refresh()
        before = fired_before(rule, step, judged, self.view().verdicts)
        if before is not None:
            return _only_suggested(verdict, "it went back for this once already")
        try:
            cause = judged.since or step
            plan = self.plan_rollback(target, session=cause.session).plan
            undone = steps_between(self._journal, plan.head, target)
            reason = against(plan, step, cause, undone)
            if reason:
                return _only_suggested(verdict, reason)
            done = self.apply(plan)
        except StepwellError as error:
            return _only_suggested(verdict, error.message)
        told = {"operation": done.operation, "safety_step": done.safety_step.id}
        return replace(
            verdict,
            detail=f"{verdict.detail}; went back to #{target.seq}, undo: stepwell undo {done.operation}",
            facts={**verdict.facts, **told},
        )

    def bisect(
        self,
        good: Step | str,
        bad: Step | str,
        command: Words,
        *,
        jobs: int = 1,
        limit_s: float | None = None,
        extras: Sequence[bytes] = (),
        environment: Mapping[str, str] | None = None,
        report: Callable[[Step, bool | None], None] = lambda _step, _good: None,
        is_stopped: Callable[[], bool] = _never,
    ) -> Bisected:
        """Returns the step with which a command began to fail, trying it in scratch copies.

        Exit status 0 is good, 125 (or no end of its own) cannot be told, anything else is bad. Both
        ends are tried first. `extras` are ignored folders that each copy gets; `report` is called
        with each step that was tried.

        Raises:
            UsageError: `good` does not come before `bad`, or a number makes no sense.
            FailedError: an end is not what it was given as.
            KeyboardInterrupt: `is_stopped` said so.
        """
        if jobs < 1 or (limit_s is not None and limit_s <= 0):
            raise UsageError("jobs and limits are above 0", hint="leave the option out")
        first, last = (self.get_step(s) if isinstance(s, str) else s for s in (good, bad))
        steps = way(self._finder(), first, last)
        for path in extras:
            check_extra(self.root, TrackedPath(path))
        with self.copies("bisect", (), environment, tuple(map(TrackedPath, extras))) as copies:
            tries = Tries(
                copies, words_of(command), limit_s, by_status, is_stopped, report, known={}
            )
            require(tries, last, False)
            require(tries, first, True)
            found = first_bad(0, len(steps) - 1, tries.at(steps), jobs)
        step = self._marked(steps[found.first_bad])
        from stepwell.store import finding  # as in reader.py: it loads the catalogue

        return Bisected(
            step,
            steps[found.last_good],
            tries.count,
            found.skipped,
            tuple(steps[found.last_good + 1 : found.first_bad]),
            finding.prompt_of(self._journal, self.catalogue(), step),
        )

    # --- what both need --------------------------------------------------------------------------

    def _finder(self) -> Callable[[StepId], Step]:
        shown = Shown(self._journal, self.view().dropped)
        return lambda step: shown.linked(self._journal.step(step))

    @contextmanager
    def copies(
        self,
        purpose: str,
        named: Sequence[str],
        environment: Mapping[str, str] | None,
        extras: Sequence[TrackedPath] = (),
    ) -> Iterator[Copies]:
        """Gives a place for scratch copies, for as long as they are needed.

        `named` are ignored folders that each gets, escaped as in a rule file.

        Raises:
            FailedError: it cannot be made.
        """
        process = process_environment() if environment is None else environment
        paths = (*extras, *(TrackedPath(unescape(name)) for name in named))
        with scratch_folder(self.store, purpose, self._context.randomness) as scratch:
            yield Copies(self._journal, self.root, scratch, process, paths)


def _named(rules: RuleSet, name: str) -> Rule:
    found = next((rule for rule in rules.rules if rule.name == name), None)
    if found is None:
        known = ", ".join(rule.name for rule in rules.rules) or "none"
        raise NotFoundError(f"there is no rule {name}", hint=f"the rules are: {known}", rule=name)
    return found


def _only_suggested(verdict: RuleVerdict, why: str) -> RuleVerdict:
    return replace(verdict, action="suggest", detail=f"{verdict.detail}; not gone back: {why}")
