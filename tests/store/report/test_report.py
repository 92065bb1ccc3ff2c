"""The report of a session that went wrong once, in each of its forms."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stepwell.store import Act, NotFoundError, StepResult, Workspace
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.report import form, markdown, page
from stepwell.store.report.facts import Report, gather

EVIL = "</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) \x1b]52;c;aGk=\x07 \u202e"


@pytest.fixture
def report(ws: Workspace, project: Path) -> Report:
    """Two turns: an attempt that failed and was rolled back, then one that is kept."""
    app = project / "src" / "app.py"

    def act(title: str, turn: int, ok: bool, **more: str) -> None:
        result = StepResult(ok, exit_code=0 if ok else 2)
        ws.record(act=Act(title, "tool", session="claude:s", turn=turn, result=result, **more))

    start = ws.head()
    ws.record(act=Act("ask", "prompt", session="claude:s", turn=1, prompt=f"try it\n{EVIL}"))
    app.write_text("broken\n")
    act(f"break {EVIL}", 1, True, tool="Edit")
    act("run the tests", 1, False, tool="Bash")
    ws.apply(ws.plan_rollback(start), force=True)
    ws.record(act=Act("again", "prompt", session="claude:s", turn=2, prompt="once more"))
    app.write_text("def run():\n    return 2\n")
    act("mend", 2, True, tool="Edit")
    ws.mark(ws.head(), label="mended", note="it <works>")
    detail = f"2 of 6 tests fail {EVIL}"
    ws.record_verdict(RuleVerdict("tests", ws.head().id, False, "suggest", detail, 1, facts={}))
    return gather(ws, "claude:s")


def test_what_was_given_up_is_told_apart_from_what_is_kept(report: Report) -> None:
    """The failed attempt counts as touched, but not as left."""
    assert [(turn.number, turn.commands, len(turn.failed)) for turn in report.turns] == [
        (1, 2, 1),
        (2, 1, 0),
    ]
    assert [told.kept for told in report.steps] == [False, False, False, True, True, True]
    assert [(c.path, c.added, c.deleted) for c in report.net] == [(b"src/app.py", 1, 1)]
    assert report.turns[0].churn == (1, 2)
    assert [step.checkpoint.label for step in report.checkpoints if step.checkpoint] == ["mended"]


def test_an_unknown_session_is_not_found(ws: Workspace, report: Report) -> None:
    """And those that there are get named."""
    with pytest.raises(NotFoundError) as caught:
        gather(ws, "claude:none")
    assert "claude:s" in caught.value.hint


class _Page(HTMLParser):
    """Collects tags, attributes and whether every element was closed."""

    void = frozenset({"meta", "img", "br", "hr", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_hostile_text_stays_text(report: Report) -> None:
    """No script, no link to anywhere, every element closed, and the prompt readable."""
    parsed = _Page()
    parsed.feed(page.told(report))
    parsed.close()
    assert parsed.open == []
    assert not parsed.tags & {"script", "img", "link", "a", "iframe", "object"}
    assert not {name for name in parsed.attributes if name.startswith("on")} & {"onerror", "onload"}
    assert not parsed.attributes & {"src", "href"}
    assert "<img src=x onerror=alert(1)>" in parsed.text
    assert {"html", "head", "title", "body", "main", "svg", "rect", "table"} <= parsed.tags
    assert "What rules found" in parsed.text and "2 of 6 tests fail" in parsed.text
    assert "\x1b" not in parsed.text and "\u202e" not in parsed.text
    assert "http" not in page.told(report).replace("http-equiv", "")


def test_markdown_cannot_be_broken_out_of(report: Report) -> None:
    """Links, tags and rules in content are escaped; what was given up is struck through."""
    text = markdown.told(report)
    assert "\\[x\\](javascript" in text
    assert "**too bad**, tests: 2 of 6 tests fail" in text
    assert "\\<img" in text
    assert "<img" not in text.replace("\\<img", "")
    assert "(given up)" in text
    assert "**mended · it \\<works\\>**" in text
    assert text.count("## Turn") == 2


def test_the_json_form_has_ids_and_sums(report: Report) -> None:
    """It survives a round trip and says which steps failed and were given up."""
    told = json.loads(json.dumps(form.told(report)))
    assert [one["rule"] for one in told["verdicts"]] == ["tests"]
    assert told["touched"] == {"added": 2, "deleted": 3}
    assert len(told["failed"]) == 1 and told["failed"][0] in told["given_up"]
    assert [step["kept"] for turn in told["turns"] for step in turn["steps"]].count(True) == 3


def test_a_steps_tier_is_where_it_lies_now(report: Report, ws: Workspace, project: Path) -> None:
    """As in every other answer: sealed steps are in L3, those that came since in L2."""
    ws.gc()
    (project / "README.md").write_text("more\n")
    ws.record(act=Act("more", "tool", session="claude:s", turn=3))
    told = form.told(gather(ws, "claude:s"))
    tiers = [step["tier"] for turn in told["turns"] for step in turn["steps"]]
    assert tiers == ["L3"] * (len(tiers) - 1) + ["L2"]
