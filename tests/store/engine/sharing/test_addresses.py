"""Addresses: the user's own work is refused under every name that it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sharing import Make, git

from stepwell.store import RefusedError

_PERSON = ("-c", "user.name=a", "-c", "user.email=a@localhost")


def _repository(folder: Path) -> Path:
    git("init", "--quiet", folder)
    git("-C", folder, *_PERSON, "commit", "--quiet", "--allow-empty", "-m", "x")
    return folder


def _all_files(folder: Path) -> list[tuple[Path, bytes]]:
    return sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def test_the_repositories_of_a_workspace_are_refused(make: Make, tmp_path: Path) -> None:
    """Its own, the one it is a linked worktree of, its siblings, and what holds any of them."""
    main = _repository(tmp_path / "main")
    git("-C", main, "worktree", "add", "--quiet", tmp_path / "ann")
    git("-C", main, "worktree", "add", "--quiet", tmp_path / "sibling")
    ann = make("ann")
    (tmp_path / "link").symlink_to(main / ".git")
    (tmp_path / "bare.git").symlink_to(main / ".git")
    before = _all_files(main)
    for address in (
        tmp_path / "ann",
        tmp_path / "ann" / "below",
        tmp_path / "ann" / ".git",
        main,
        main / ".git",
        main / ".git" / "worktrees" / "ann",
        tmp_path / "sibling",
        tmp_path / "sibling" / ".git",
        tmp_path / "link",
        tmp_path / "bare",
        tmp_path,
        tmp_path / "home of ann",
        ann.store / "repo.git",
    ):
        for form in (str(address), f"file://{address}"):
            with pytest.raises(RefusedError, match="cannot be a remote"):
                ann.add_remote("x", form)
    assert [one.name for one in ann.remotes()] == ["origin"]
    assert _all_files(main) == before


def test_a_repository_above_the_workspace_is_refused(make: Make, tmp_path: Path) -> None:
    """Though the workspace is in a repository of its own, such as a submodule."""
    above = _repository(tmp_path / "above")
    _repository(above / "ann")
    (tmp_path / "ann").symlink_to(above / "ann")
    ann = make("ann")
    with pytest.raises(RefusedError, match="cannot be a remote"):
        ann.add_remote("x", str(above / ".git"))
    git("init", "--quiet", "--bare", tmp_path / "other.git")
    assert ann.add_remote("x", str(tmp_path / "other.git")).url == str(tmp_path / "other.git")


def test_links_and_rules_that_come_later_are_refused(
    make: Make, tmp_path: Path, server: Path
) -> None:
    """By push and pull, before git goes there."""
    own = _repository(tmp_path / "ann")
    ann = make("ann")
    ann.add_remote("web", "https://example.org/app")
    (tmp_path / "gitconfig").write_text(f'[url "{own}"]\n\tinsteadOf = https://example.org/app\n')
    server.rename(tmp_path / "moved.git")
    server.symlink_to(own / ".git")
    before = _all_files(own)
    for name in ("origin", "web"):
        for act in (ann.push, ann.pull):
            with pytest.raises(RefusedError, match="belongs to the workspace itself"):
                act(name)
        with pytest.raises(RefusedError, match="belongs to the workspace itself"):
            ann.push(name, dry_run=True)
    assert _all_files(own) == before
