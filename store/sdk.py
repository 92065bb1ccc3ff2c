"""The Workspace that the library offers: the facade with everything above it."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from stepwell.store.agents.adapters.common import command, title
from stepwell.store.agents.secrets import fit
from stepwell.store.model.steps import Step
from stepwell.store.model.text import one_line
from stepwell.store.rules.milestones import measured
from stepwell.store.rules.verbs import RuleVerbs

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Workspace(RuleVerbs):
    """A folder under care and its private store; use as a context manager, or call `close`."""

    def recorded(
        self, *, tool: str = "", session: str | None = None
    ) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
        """Returns a decorator that makes each call of a function a step, as `step` does.

        The step has the arguments and what came back, as text with well-known secrets masked; an
        exception is its failure, and goes on. `tool` is the function's name when empty, `session` is
        `AGENT:ID`. Of a coroutine function the whole call counts; calls that run at the same time
        cannot be told apart, so await one before the next.
        """

        def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
            name = tool or getattr(function, "__name__", "call")
            signature = inspect.signature(function)

            @contextmanager
            def recording(*args: Any, **kwargs: Any) -> Iterator[Callable[[object], None]]:
                given = dict(signature.bind(*args, **kwargs).arguments)
                with self._call(name, given, session) as tell:
                    yield tell

            @wraps(function)
            def called(*args: _P.args, **kwargs: _P.kwargs) -> _R:
                with recording(*args, **kwargs) as tell:
                    found = function(*args, **kwargs)
                    tell(found)
                    return found

            @wraps(function)
            async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> Any:
                with recording(*args, **kwargs) as tell:
                    found = await cast(Any, function)(*args, **kwargs)
                    tell(found)
                    return found

            if inspect.iscoroutinefunction(function):
                return cast("Callable[_P, _R]", awaited)
            return called

        return decorate

    def mark_milestone(
        self, step: Step, *, label: str | None = None, note: str | None = None, by: str = ""
    ) -> Step:
        """Makes the step a checkpoint that is kept for ever, and returns it marked.

        It holds the state of the project, its history since the milestone before, the complexity
        of the sources that changed since then, and what the checks said that ran at the step.
        """
        return self.mark(step, label=label, note=note, milestone=measured(self, step), by=by)

    @contextmanager
    def _call(
        self, tool: str, given: dict[str, Any], session: str | None
    ) -> Iterator[Callable[[object], None]]:
        line = title(tool, given, os.fsdecode(self.root), {tool: tool})
        text = command(given) or json.dumps(given, ensure_ascii=False, default=repr)
        shown = one_line(fit(line) or "")
        with self.step(tool=tool, title=shown, session=session, input=fit(text)) as told:
            try:
                yield lambda found: told(_as_text(found))
            except BaseException as error:
                told(_as_text(f"{type(error).__name__}: {error}"))
                raise


def _as_text(found: object) -> str:
    if isinstance(found, str):
        return fit(found) or ""
    return fit(json.dumps(found, ensure_ascii=False, default=repr)) or ""
