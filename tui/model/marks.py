"""What a person says of steps: label and tags as words, and steps picked to be compared. Pure."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.values import Step, StepId

_LABEL = "label:"


class Marks:
    """Up to two picked steps, and a base that others are compared with."""

    def __init__(self) -> None:
        self.picked: list[Step] = []
        """The one picked last stands last."""
        self.base: Step | None = None

    def pick(self, step: Step) -> None:
        """Picks a step, or lets go of it; a third one takes the place of the oldest."""
        others = [one for one in self.picked if one.id != step.id]
        self.picked = others if len(others) < len(self.picked) else [*others, step][-2:]

    def set_base(self, step: Step) -> None:
        """Makes a step the base, or takes the base away when it is that one."""
        self.base = None if self.base is not None and self.base.id == step.id else step

    def clear(self) -> bool:
        """Lets go of everything; tells whether there was something."""
        had = bool(self.picked or self.base)
        self.picked, self.base = [], None
        return had

    def has(self, step: StepId) -> tuple[bool, bool]:
        """Tells whether a step is picked, and whether it is the base."""
        return any(one.id == step for one in self.picked), bool(
            self.base is not None and self.base.id == step
        )

    def sign(self, step: StepId, glyphs: Glyphs) -> str:
        """Returns what stands before the step's text; empty: nothing."""
        picked, is_base = self.has(step)
        return glyphs.base if is_base else glyphs.picked if picked else ""

    def pair(self, selected: Step | None) -> tuple[Step, Step | None] | None:
        """Returns what is to be compared, older first: the two picked, or base and selected.

        With the disk selected (None) the base, or the one picked, is compared with the disk.
        """
        chosen = [self.base] if self.base is not None else self.picked
        if len(chosen) == 2:
            older, newer = sorted(chosen, key=lambda step: step.seq)
            return older, newer
        if not chosen or (selected is not None and selected.id == chosen[0].id):
            return None
        if self.base is not None or selected is None:
            return chosen[0], selected
        older, newer = sorted((chosen[0], selected), key=lambda step: step.seq)
        return older, newer


class MarkWords(NamedTuple):
    """What is said of a step besides notes."""

    label: str | None
    tags: tuple[str, ...]


def spell_words(words: MarkWords) -> str:
    """Returns `label:v1 green flaky`."""
    label = [f"{_LABEL}{words.label}"] if words.label else []
    return " ".join([*label, *words.tags])


def read_words(text: str) -> MarkWords:
    """Returns what a line spells; `#` before a tag is no part of it, and commas are spaces.

    Raises:
        ValueError: with a sentence: two labels, or one without a name.
    """
    label: str | None = None
    tags: list[str] = []
    for word in text.replace(",", " ").split():
        if not word.startswith(_LABEL):
            tags.append(word.lstrip("#") or word)
        elif label is not None:
            raise ValueError("a step has one label, and there are two")
        elif word == _LABEL:
            raise ValueError("label: needs a name right after it, as in label:v1")
        else:
            label = word.removeprefix(_LABEL)
    return MarkWords(label, tuple(dict.fromkeys(tags)))
