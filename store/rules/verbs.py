"""The facade's verbs for rules, above those for experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.checkpoints import DEPENDENCIES
from stepwell.store.engine.travel import steps_between
from stepwell.store.environment import default_config
from stepwell.store.model.errors import NotFoundError, StepwellError
from stepwell.store.model.rules import Rule, RuleSet, RuleVerdict
from stepwell.store.model.steps import Step
from stepwell.store.rules import trusting
from stepwell.store.rules.bisectverbs import BisectVerbs, never
from stepwell.store.rules.copies import Copies
from stepwell.store.rules.deciding import GOING_BACK, against, fired_before, wanted_action
from stepwell.store.rules.judging import Judge, Judged, key_of
from stepwell.store.rules.milestones import measured
from stepwell.store.rules.passing import PASSED, passes, timed, verdicts_at
from stepwell.store.rules.reading import effective_rules
from stepwell.store.rules.wording import detail, facts


class RuleVerbs(BisectVerbs):
    """Looks at rules, and does what they say where the person allowed it."""

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
        is_stopped: Callable[[], bool] = never,
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
        if act and self.conclude(step, rules):
            verdicts = [_milestone_made(one, rules) for one in verdicts]
        return tuple(verdicts)

    def conclude(self, step: Step, rules: RuleSet) -> bool:
        """Makes a step a milestone when its tests pass and nothing fails; tells whether it did.

        Checkpoints that waited for that, before changes of dependencies, are taken away. Files that
        are a milestone's already do not become another one.
        """
        self.refresh()
        view = self.view()
        found = verdicts_at(step, rules, view.verdicts)
        passed = passes(rules, found)
        if passed is None:
            return False
        self.release_marks(DEPENDENCIES, step)
        milestones = (self._journal.step(i) for i, m in view.marks.items() if m.milestone)
        if any(one.snapshot == step.snapshot for one in milestones):
            return False
        why = f"{passed.detail}, and nothing fails to compile"
        told = measured(self, step)
        told["baseline"] = timed(rules, found) or told["baseline"]
        tested = self._journal.step(passed.step)
        return self.mark_unasked(PASSED, why, step=tested, milestone=told)

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
        is_stopped: Callable[[], bool] = never,
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
            self.mark_unasked(f"rule:{rule.name}", verdict.detail, step=step)
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
        except StepwellError as error:
            return _only_suggested(verdict, error.message)
        begun = replace(verdict, action="suggest", facts={**verdict.facts, GOING_BACK: True})
        self.record_verdict(
            replace(begun, detail=f"{verdict.detail}; going back"), session=step.session
        )
        try:
            done = self.apply(plan)
        except StepwellError as error:
            begun = replace(verdict, facts={**verdict.facts, GOING_BACK: False})
            return _only_suggested(begun, error.message)
        told = {"operation": done.operation, "safety_step": done.safety_step.id}
        return replace(
            verdict,
            detail=f"{verdict.detail}; went back to #{target.seq}, undo: stepwell undo {done.operation}",
            facts={**verdict.facts, **told},
        )


def _named(rules: RuleSet, name: str) -> Rule:
    found = next((rule for rule in rules.rules if rule.name == name), None)
    if found is None:
        known = ", ".join(rule.name for rule in rules.rules) or "none"
        raise NotFoundError(f"there is no rule {name}", hint=f"the rules are: {known}", rule=name)
    return found


def _milestone_made(verdict: RuleVerdict, rules: RuleSet) -> RuleVerdict:
    rule = _named(rules, verdict.rule)
    made = rule.kind == "tests" and rule.milestone and verdict.ok
    return replace(verdict, action="milestone") if made else verdict


def _only_suggested(verdict: RuleVerdict, why: str) -> RuleVerdict:
    return replace(verdict, action="suggest", detail=f"{verdict.detail}; not gone back: {why}")
