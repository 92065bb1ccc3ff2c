"""Looking at rules while an agent works: in a process of its own, one rule after the other.

It follows the journal as any reader does, and writes as any client of the daemon does. So no
capture ever waits for it, and whatever kills it leaves nothing but a scratch folder, which is swept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from stepwell.store.model.errors import BusyError, StepwellError
from stepwell.store.model.rules import Rule, RuleSet
from stepwell.store.model.steps import Step, StepRecorded
from stepwell.store.rules.judging import key_of
from stepwell.store.rules.pending import TURN_S, Pending
from stepwell.store.rules.verbs import RuleVerbs

LOOK_S = 0.2
"""How often it looks for new steps."""
_BUSY_S = 30.0
"""Until the next look when the store was written for long."""
_GIVEN_UP = 3
"""So many times in a row a look is cancelled by newer work; then it is seen through."""


@dataclass(slots=True)
class Background:
    """Rules of one workspace; `tick` does what is due. Used by one thread."""

    workspace: RuleVerbs
    config: Path | None
    environment: Mapping[str, str]
    is_ended: Callable[[], bool]
    """Tells whether to end; asked often, also while a command runs."""
    tell: Callable[[str], None] = lambda _line: None
    """Is told what went wrong, and has no other way to be seen."""
    now: Callable[[], float] = time.monotonic
    pending: Pending = field(default_factory=Pending)
    _seen: int = 0
    _looked: float = 0.0
    _recorded: float = 0.0
    _turn_over: bool = False
    _concluded: bool = True
    _cancelled: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Begins with what is there: the newest step waits for every rule that never saw it."""
        self.workspace.refresh()
        view = self.workspace.view()
        self._seen = view.number
        rules = self._rules()
        judged = {(one.rule, one.step) for one in view.verdicts}
        head = self.workspace.head()
        paths = list(self.workspace.changed_paths(head))
        # What nobody looked at was recorded while no rule did.
        fresh = [rule for rule in rules.rules if (rule.name, head.id) not in judged]
        self.pending.recorded(fresh, head, paths, self.now())

    def tick(self) -> None:
        """Takes in what was recorded, and looks at what is due."""
        idle = not self.workspace.refresh() and not self.pending.waiting
        if idle and not self._is_turn_over():
            return
        rules = self._rules()
        self._take_in(rules)
        named = {rule.name: rule for rule in rules.rules}
        for rule in self.pending.due(named, self.now()):
            if self.is_ended():
                return
            self._look(rule, rules)
        if self._is_turn_over() and not self.pending.waiting:
            self._conclude(rules)

    def _is_turn_over(self) -> bool:
        """Tells whether a turn ended of which nothing was concluded: somebody said so, or it is long ago."""
        if self._concluded:
            return False
        return self._turn_over or self.now() - self._recorded >= TURN_S

    def _conclude(self, rules: RuleSet) -> None:
        self._turn_over, self._concluded = False, True
        try:
            self.workspace.conclude(self.workspace.head(), rules)
        except StepwellError as error:
            self.tell(error.message)

    def turn_ended(self) -> None:
        """Takes in that an agent ended its turn, whose steps are recorded."""
        self.workspace.refresh()
        self._take_in(self._rules())
        self.pending.turn_ended()
        self._turn_over = True

    def _rules(self) -> RuleSet:
        """Returns the rules as they are now: trust counts at the moment of use."""
        try:
            rules = self.workspace.rules(config=self.config)
        except StepwellError as error:
            self.tell(error.message)
            return RuleSet()
        return rules if rules.mode != "off" else RuleSet()

    def _take_in(self, rules: RuleSet) -> None:
        for operation in self.workspace.objects.operations(self._seen):
            self._seen = operation.number
            for effect in operation.effects:
                if isinstance(effect, StepRecorded) and self._is_here(effect.step):
                    self._take(rules, effect.step)

    def _take(self, rules: RuleSet, step: Step) -> None:
        paths = list(self.workspace.changed_paths(step))
        self.pending.recorded(rules.rules, step, paths, self.now())
        self._recorded = self.now()
        self._turn_over = step.kind == "prompt"
        self._concluded = self._concluded and not paths

    def _is_here(self, step: Step) -> bool:
        return step.branch == self.workspace.view().current

    def _look(self, rule: Rule, rules: RuleSet) -> None:
        waiting = self.pending.waiting.pop(rule.name)
        if self._is_known(rule, rules, waiting.step):
            return
        try:
            with self.workspace.copies("rules", rules.extras, self.environment) as copies:
                self.workspace.check_rule(
                    rule,
                    rules,
                    waiting.step,
                    copies,
                    True,
                    lambda: self._is_superseded(rule, rules),
                )
            self._cancelled.pop(rule.name, None)
        except KeyboardInterrupt:
            self._cancelled[rule.name] = self._cancelled.get(rule.name, 0) + 1
        except BusyError:
            later = replace(waiting, since=self.now() + _BUSY_S)
            self.pending.waiting.setdefault(rule.name, later)
        except StepwellError as error:
            self.tell(error.message)

    def _is_known(self, rule: Rule, rules: RuleSet, step: Step) -> bool:
        """Tells whether the same files were found well by the same rule already."""
        key, tree = key_of(rule, rules), step.snapshot.tree.hex()
        verdicts = self.workspace.view().verdicts
        return any(one.ok and one.key == key and one.facts.get("tree") == tree for one in verdicts)

    def _is_superseded(self, rule: Rule, rules: RuleSet) -> bool:
        """Tells whether the look is to be given up: for newer work, or because all ends."""
        if self.is_ended():
            return True
        if self.now() - self._looked < LOOK_S:
            return rule.name in self.pending.waiting and self._may_be_cancelled(rule)
        self._looked = self.now()
        with suppress(StepwellError):
            self.workspace.refresh()
            self._take_in(rules)
        return rule.name in self.pending.waiting and self._may_be_cancelled(rule)

    def _may_be_cancelled(self, rule: Rule) -> bool:
        return self._cancelled.get(rule.name, 0) < _GIVEN_UP
