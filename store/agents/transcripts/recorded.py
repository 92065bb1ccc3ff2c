"""Recording an old session: its steps one after another, on a branch of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepwell.store.agents.events import AgentEvent
from stepwell.store.agents.secrets import fit
from stepwell.store.agents.transcripts.rebuilt import Scene
from stepwell.store.agents.transcripts.told import Told
from stepwell.store.engine.context import Context
from stepwell.store.engine.coverage import count_coverage, encode_coverage
from stepwell.store.engine.diff import changes, counts
from stepwell.store.engine.extras import Extras, encode
from stepwell.store.engine.importing import (
    IMPORTED,
    PARTIAL,
    SOME_FILES,
    WITHOUT_FILES,
    free_name,
)
from stepwell.store.engine.journal import JournalWriter, Transaction
from stepwell.store.engine.objects import (
    BLOB,
    MODE_FILE,
    MODE_TREE,
    TREE,
    TreeEntry,
    encode_tree,
)
from stepwell.store.model.errors import BusyError
from stepwell.store.model.ids import Oid, mint_step_id
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    ChangeCounts,
    Covered,
    Effect,
    Snapshot,
    Step,
    StepRecorded,
    StepResult,
    View,
)
from stepwell.store.model.text import one_line, plural


class SessionImport:
    """One import under way; `known` are the session's steps, `first` the files at its beginning."""

    def __init__(
        self,
        session: str,
        agent: str,
        known: Sequence[Step],
        first: Mapping[TrackedPath, bytes],
    ) -> None:
        self.count = 0
        """Steps recorded here."""
        self.branch = known[-1].branch if known else ""
        self._known = {step.source for step in known}
        self._session = session
        self._agent = agent
        self._head = known[-1].id if known else None
        self._snapshot = known[-1].snapshot if known else None
        self._turn = known[-1].turn if known else None
        self._files = _Files(first)

    def is_new(self, scene: Scene) -> bool:
        """Tells whether the scene is no step yet."""
        return self._source(scene) not in self._known

    def pass_over(self, scenes: Iterable[Scene]) -> None:
        """Takes in what scenes did to files, without recording them."""
        for scene in scenes:
            self._files.take(scene)

    def record(self, writer: JournalWriter, context: Context, drafts: Sequence[Scene]) -> int:
        """Records those of the scenes that are new as one operation; returns how many it was given."""
        view = writer.view()
        if view.sessions.get(self._session) != self._head:
            raise BusyError(
                f"the import of {self._session} was stopped: the session went on meanwhile",
                hint="run it again; what was imported stays",
                pid=None,
            )
        self.branch = self.branch or self._free_branch(view)
        with writer.begin() as transaction:
            batch = _Batch(transaction, context, view.last_seq)
            steps = []
            for scene in drafts:
                self._files.take(scene)
                if self.is_new(scene):
                    steps.append(self._step(scene, batch))
            base = view.branches.get(self.branch, Branch(self.branch, steps[0].id, None))
            effects: list[Effect] = [*map(StepRecorded, steps)]
            effects.append(BranchSet(Branch(self.branch, steps[-1].id, base.base)))
            summary = f"imported {plural(len(steps), 'step')} of {self._session}"
            transaction.commit("import", summary, effects, session=self._session)
        self.count += len(steps)
        return len(drafts)

    def finish(self, writer: JournalWriter, tips: None) -> None:
        """Does nothing: the branch ends at the newest step already."""

    def _free_branch(self, view: View) -> str:
        wanted = re.sub(r"[^0-9A-Za-z-]", "-", self._session.partition(":")[2])[:13].strip("-")
        return free_name(self._agent, wanted or "session", view, lambda branch: False)

    def _source(self, scene: Scene) -> str:
        return f"{self._session}:{scene.told.id}"

    def _step(self, scene: Scene, batch: _Batch) -> Step:
        event = scene.told.event
        prompt = event.kind == "prompt"
        if prompt:
            self._turn = (self._turn or 0) + 1
        snapshot = self._files.snapshot(batch.transaction, batch.context.capture.cap_bytes)
        changed = batch.counts(self._snapshot, snapshot)
        texts = (None,) * 3 if scene.outside else (event.prompt, event.input, event.result)
        kept = [batch.kept(text) for text in texts]
        coverage = tuple(Covered(path, "unstable") for path in sorted(scene.doubtful))
        step = Step(
            id=mint_step_id(batch.context.randomness),
            seq=batch.next_seq(),
            branch=self.branch,
            parents=() if self._head is None else (self._head,),
            kind="outside" if scene.outside else "prompt" if prompt else "tool",
            title=one_line(fit(event.title) or "") or "(no title)",
            time_ns=scene.told.time_ns,
            snapshot=snapshot,
            session=self._session,
            agent=self._agent,
            turn=self._turn,
            tool=event.tool and one_line(event.tool),
            changes=changed,
            coverage=count_coverage(coverage, len(self._files)),
            coverage_blob=batch.transaction.add(BLOB, encode_coverage(coverage))
            if coverage
            else None,
            prompt=kept[0],
            input=kept[1],
            result_text=kept[2],
            result=None if prompt or scene.outside else _result(event),
            model=_model(scene.told),
            flags=self._flags(scene),
            source=self._source(scene),
            call=None if scene.outside else scene.told.id,
            tokens=scene.told.tokens,
            said=batch.kept(scene.told.said or None),
        )
        self._head, self._snapshot = step.id, snapshot
        return step

    def _flags(self, scene: Scene) -> tuple[str, ...]:
        files = SOME_FILES if len(self._files) else WITHOUT_FILES
        return (IMPORTED, PARTIAL, files, *(("outside",) if scene.outside else ()))


def _model(told: Told) -> str | None:
    model = told.event.model or told.model
    return model and one_line(model)


def _result(event: AgentEvent) -> StepResult:
    return StepResult(event.ok, event.exit_code, event.duration_ms)


@dataclass(slots=True)
class _Batch:
    """What the steps of one operation share."""

    transaction: Transaction
    context: Context
    last_seq: int

    def next_seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    def kept(self, text: str | None) -> Oid | None:
        fitted = fit(text)
        return (
            None
            if fitted is None
            else self.transaction.add(BLOB, fitted.encode("utf-8", "replace"))
        )

    def counts(self, old: Snapshot | None, new: Snapshot) -> ChangeCounts:
        if old == new:
            return ChangeCounts()
        return counts(changes(self.transaction, old, new, hunks=False))


class _Files:
    """The files as the scenes leave them, and the objects that were made of them."""

    def __init__(self, first: Mapping[TrackedPath, bytes]) -> None:
        self._contents: dict[TrackedPath, bytes] = dict(first)
        self._objects: dict[TrackedPath, Oid] = {}
        self._made: Snapshot | None = None

    def __len__(self) -> int:
        return len(self._contents)

    def take(self, scene: Scene) -> None:
        for path, content in scene.contents.items():
            self._objects.pop(path, None)
            self._made = None
            if content is None:
                self._contents.pop(path, None)
            else:
                self._contents[path] = content

    def snapshot(self, transaction: Transaction, cap_bytes: int) -> Snapshot:
        """Returns the files as a snapshot; those over the cap are left out."""
        if self._made is None:
            for path in [p for p, content in self._contents.items() if len(content) > cap_bytes]:
                del self._contents[path]
            for path in self._contents.keys() - self._objects.keys():
                self._objects[path] = transaction.add(BLOB, self._contents[path])
            tree = _tree(
                transaction, [(path.split(b"/"), oid) for path, oid in self._objects.items()]
            )
            self._made = Snapshot(tree, transaction.add(BLOB, encode(Extras())))
        return self._made


def _tree(transaction: Transaction, files: Iterable[tuple[list[bytes], Oid]]) -> Oid:
    """Adds the trees over files, which are told by their names; a file that is a folder, too, goes."""
    entries: dict[bytes, TreeEntry] = {}
    below: dict[bytes, list[tuple[list[bytes], Oid]]] = {}
    for names, oid in files:
        if len(names) == 1:
            entries[names[0]] = TreeEntry(names[0], MODE_FILE, oid)
        else:
            below.setdefault(names[0], []).append((names[1:], oid))
    for name, inner in below.items():
        entries[name] = TreeEntry(name, MODE_TREE, _tree(transaction, inner))
    return transaction.add(TREE, encode_tree(entries.values()))
