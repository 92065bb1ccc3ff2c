"""Checkpoints that are made unasked, on the step before something that people want to take back.

They say why in a note, and are no reason to keep a step for ever: see `is_automatic`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepwell.store.engine.context import Context
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.milestone import milestone_facts
from stepwell.store.engine.references import refuse_pruned
from stepwell.store.engine.snapshots import Difference
from stepwell.store.model.ids import RandomBytes
from stepwell.store.model.paths import escape
from stepwell.store.model.steps import (
    ChangeCounts,
    Effect,
    Mark,
    MarkSet,
    Note,
    Step,
    StepKind,
    View,
)
from stepwell.store.model.text import one_line, plural

BY = "stepwell"
"""Who signs the notes."""

LARGE = "before-large-change"
DEPENDENCIES = "before-dependency-change"
RISKY = "before-command"
TAGS = frozenset({LARGE, DEPENDENCIES, RISKY})

MANY_FILES = 20
MANY_LINES = 200
"""A change of so many files, or that takes away so many lines, is a large one."""

_KINDS: frozenset[StepKind] = frozenset({"tool", "capture", "outside", "prompt"})
_NAMED = 3

_MANIFESTS = frozenset(
    b"""
    package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb
    deno.json deno.lock bower.json pyproject.toml setup.py setup.cfg Pipfile Pipfile.lock poetry.lock
    pdm.lock uv.lock environment.yml environment.yaml conda-lock.yml Cargo.toml Cargo.lock go.mod go.sum
    go.work go.work.sum Gemfile Gemfile.lock gems.rb gems.locked composer.json composer.lock pom.xml
    build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.lockfile build.sbt
    libs.versions.toml ivy.xml project.clj deps.edn packages.config packages.lock.json paket.dependencies
    paket.lock Directory.Packages.props Package.swift Package.resolved Podfile Podfile.lock Cartfile
    Cartfile.resolved pubspec.yaml pubspec.lock mix.exs mix.lock rebar.config rebar.lock gleam.toml
    stack.yaml stack.yaml.lock cabal.project cabal.project.freeze package.yaml elm.json opam dune-project
    shard.yml shard.lock Project.toml Manifest.toml renv.lock DESCRIPTION cpanfile cpanfile.snapshot
    Makefile.PL Build.PL conanfile.txt conanfile.py conan.lock vcpkg.json flake.nix flake.lock
    MODULE.bazel WORKSPACE WORKSPACE.bazel Chart.yaml Chart.lock .terraform.lock.hcl build.zig.zon
    nimble.lock dub.json dub.sdl rockspec Brewfile
    """.split()
)
_PATTERNS = re.compile(
    rb"(?:requirements|constraints)[^/]*\.(?:txt|in)|.+\.(?:csproj|fsproj|vbproj|gemspec|cabal|nimble|rockspec|podspec|opam)"
)


def is_manifest(path: bytes) -> bool:
    """Tells whether a file names, or pins, what a project depends on."""
    name = path.rpartition(b"/")[2]
    return name in _MANIFESTS or _PATTERNS.fullmatch(name) is not None


def before_step(
    context: Context, view: View, head: Step | None, step: Step, pairs: Iterable[Difference]
) -> Iterator[MarkSet]:
    """Yields the mark of the step before one that is about to be recorded; often none."""
    if head is None or step.kind not in _KINDS or not context.capture.checkpoints:
        return
    paths = [entry.path for a, b in pairs if (entry := b or a) is not None]
    mark = view.marks.get(head.id)
    marked = mark
    for tag, why in _reasons(step.changes, paths):
        marked = added(marked, tag, f"{why} follows", context.randomness, step.time_ns)
    if marked is not None and marked != mark:
        yield MarkSet(head.id, marked)


def added(mark: Mark | None, tag: str, why: str, randomness: RandomBytes, time_ns: int) -> Mark:
    """Returns a mark with an automatic tag and its reason; as it was when it has the tag already."""
    mark = mark or Mark()
    if tag in mark.tags:
        return mark
    note = Note(randomness(4).hex(), one_line(why, 300), BY, time_ns)
    return replace(mark, tags=(*mark.tags, tag), notes=(*mark.notes, note))


def mark_unasked(
    writer: JournalWriter,
    context: Context,
    step: Step,
    tag: str,
    why: str,
    milestone: Mapping[str, Any] | None = None,
) -> bool:
    """Marks a step, or makes it a milestone, as nobody asked for; tells whether anything is new.

    Undo passes such marks over: what it takes back is what a person did.
    """
    view = writer.view()
    refuse_pruned(view, step)
    old = view.marks.get(step.id)
    mark = added(old, tag, why, context.randomness, context.clock())
    if milestone is not None and mark.milestone is None:
        mark = replace(mark, milestone={**milestone_facts(writer, view, step), **milestone})
    if mark == old:
        return False
    word = "a milestone" if milestone is not None else "a checkpoint"
    summary = f"made #{step.seq} {word}: {one_line(why)}"
    writer.begin().commit("checkpoint", summary, [MarkSet(step.id, mark)], session=step.session)
    return True


def release(writer: JournalWriter, step: Step, tag: str) -> int:
    """Takes an automatic tag, with its reason, from what is before a step of its branch; how often."""
    effects: list[Effect] = []
    for marked, mark in writer.view().marks.items():
        if tag in mark.tags and is_automatic(mark):
            before = writer.step(marked)
            if before.branch == step.branch and before.seq < step.seq:
                effects.append(MarkSet(marked, _without(mark, tag)))
    if effects:
        summary = f"{plural(len(effects), 'checkpoint')} {tag} served: #{step.seq} is well"
        writer.begin().commit("checkpoint", summary, effects)
    return len(effects)


def _without(mark: Mark, tag: str) -> Mark | None:
    """Returns an automatic mark without a tag; the reasons of others stay with them."""
    tags = tuple(one for one in mark.tags if one != tag)
    reasons = zip(mark.tags, mark.notes, strict=False)
    notes = tuple(note for one, note in reasons if one != tag)
    return replace(mark, tags=tags, notes=notes) if tags else None


def is_automatic(mark: Mark) -> bool:
    """Tells whether nobody but us had a reason to mark the step."""
    others = mark.label is not None or mark.milestone is not None
    return not others and TAGS.issuperset(mark.tags) and all(n.by == BY for n in mark.notes)


def _reasons(counts: ChangeCounts, paths: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    if counts.files >= MANY_FILES or counts.deleted >= MANY_LINES:
        size = f"{plural(counts.files, 'file')}, +{counts.added} −{counts.deleted}"
        yield LARGE, f"a large change ({size})"
    manifests = sorted(path for path in paths if is_manifest(path))
    if manifests:
        named = ", ".join(escape(path) for path in manifests[:_NAMED])
        more = ", ..." if len(manifests) > _NAMED else ""
        yield DEPENDENCIES, f"a change of dependencies ({named}{more})"
