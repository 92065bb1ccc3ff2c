"""Asks what a person thinks of a candidate: one key each."""

from __future__ import annotations

from textual.app import ComposeResult

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import actions_for
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.keys.names import spelled
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import ChangeDone
from stepwell.tui.screens.form import Form
from stepwell.tui.screens.marking import Mended
from stepwell.tui.source import Source
from stepwell.tui.values import Verdict, one_line
from stepwell.tui.widgets.sentence import Sentence


class VerdictForm(Form["Mended | None"]):
    """Keeps a verdict as a tag of the candidate's newest step; its result is that step."""

    BINDINGS = bindings_for("verdict", priority=True)

    def __init__(self, gateway: Gateway, glyphs: Glyphs, experiment: str, label: str) -> None:
        super().__init__(gateway, glyphs, f"Verdict on {one_line(label, 40)}")
        self._experiment = experiment
        self._label = label
        self._say = Sentence(id="verdict-what")

    def body(self) -> ComposeResult:
        yield self._say

    def on_mount(self) -> None:
        """Says what it does."""
        self._say.say("It is a tag of the candidate's newest step; u takes it back.", "dim")
        keys = [(spelled(one.keys[0]), one.title) for one in actions_for("verdict")]
        self.tell_keys([*keys[:-1], (keys[-1][0], "leave")])

    def action_judge(self, word: str) -> None:
        """Sends the verdict."""
        name, label = self._experiment, self._label
        verdict: Verdict | None = "accepted" if word == "accepted" else None
        verdict = "rejected" if word == "rejected" else verdict

        def call(source: Source) -> ChangeDone:
            step = source.judge(name, label, verdict)
            said = verdict or "without a verdict"
            return ChangeDone(f"{one_line(label, 40)} is {said}; u takes it back", step)

        self.send("keep the verdict", call)

    def done(self, message: ChangeDone) -> None:
        assert message.step is not None
        self.dismiss(Mended(message.step, message.sentence))
