"""JSON values, of hypothesis and of an agent at work."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["", "a", "b", "/", "~", "~1", "a/b", "0", "-", "é", "\ud800"]) | st.text(
    max_size=5
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.sampled_from([0, 1, 0.0, 1.0, -0.0, 1e308, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


class AgentState:
    """A state of about `kilobytes` that changes a little with each step, as an agent's does."""

    def __init__(self, kilobytes: int, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._words = [self._word() for _ in range(2000)]
        self.value: dict[str, Any] = {
            "agents": {},
            "tasks": {},
            "messages": [],
            "metrics": {f"counter_{number}": 0 for number in range(50)},
        }
        for number in range(kilobytes):
            self._grow(number)

    def _word(self) -> str:
        return "".join(self._chance.choices("abcdefghijklmnoprstuvw", k=self._chance.randint(2, 9)))

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choices(self._words, k=words))

    def _grow(self, number: int) -> None:
        if number % 10 == 0:
            self.value["agents"][f"agent-{number}"] = {
                "name": self._text(2),
                "status": "idle",
                "tokens": self._chance.randrange(10**6),
                "memory": [self._text(6) for _ in range(4)],
            }
        self.value["tasks"][f"task-{number}"] = {
            "title": self._text(8),
            "state": "open",
            "done": False,
            "score": self._chance.random(),
            "depends_on": [self._chance.randrange(number + 1) for _ in range(3)],
            "files": [f"src/{self._text(1)}/{self._text(1)}.py" for _ in range(4)],
        }
        self._say()

    def _say(self) -> None:
        messages = self.value["messages"]
        role = self._chance.choice(["user", "assistant", "tool"])
        messages.append({"role": role, "text": self._text(80), "number": len(messages)})

    def step(self) -> dict[str, Any]:
        """Changes a few things; returns the state, which goes on changing."""
        agents, tasks = self.value["agents"], self.value["tasks"]
        agents[self._chance.choice(sorted(agents))]["tokens"] += self._chance.randrange(2000)
        for name in self._chance.sample(sorted(tasks), min(3, len(tasks))):
            tasks[name]["state"] = self._chance.choice(["open", "running", "closed"])
            tasks[name]["score"] = self._chance.random()
        self._say()
        del self.value["messages"][0]
        self.value["metrics"][f"counter_{self._chance.randrange(50)}"] += 1
        return self.value
