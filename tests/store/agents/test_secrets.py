"""Texts are stored without well-known secrets, and not without end."""

from __future__ import annotations

import time

import pytest

from stepwell.store.agents.secrets import LONGEST, MASK, fit, mask

LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gI3kM5oQ7sU9wY1"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "ABCDEFGH12345678",
        "ghp_" + LETTERS[:36],
        "github_pat_" + LETTERS[:30],
        "glpat-" + LETTERS[:20],
        "sk-ant-" + LETTERS[:40],
        "sk-" + LETTERS[:40],
        "xoxb-" + "1234567890-abcdef",
        "AIza" + LETTERS[:35],
        "sk_live_" + LETTERS[:24],
        "npm_" + LETTERS[:36],
        "hf_" + LETTERS[:34],
        "eyJ" + LETTERS[:12] + ".eyJ" + LETTERS[:20] + "." + LETTERS[:20],
    ],
)
def test_tokens_of_known_shapes_are_masked(secret: str) -> None:
    """Wherever they stand; what is around them stays."""
    for around in ("use {} now", "'{}'", "x={}\n", "{}"):
        assert mask(around.format(secret)) == around.format(MASK)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DB_PASSWORD=hunter22222 make", f"DB_PASSWORD={MASK} make"),
        ('{"api_key": "0123456789abcdef"}', f'{{"api_key": "{MASK}"}}'),
        ("Authorization: Bearer abcdefgh12345678", f"Authorization: Bearer {MASK}"),
        ("postgres://ana:s3cr3t@db/x", f"postgres://ana:{MASK}@db/x"),
    ],
)
def test_assigned_secrets_are_masked(text: str, masked: str) -> None:
    """The name that they go by stays readable."""
    assert mask(text) == masked


def test_a_private_key_is_masked_between_its_lines() -> None:
    """Its first and last line say what it was."""
    begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    assert mask(f"{begin}\n{LETTERS}\n{LETTERS}\n{end}\nrest") == f"{begin}{MASK}{end}\nrest"


@pytest.mark.parametrize(
    "text",
    [
        "rename token_count to tokens",
        "password: yes",
        "the secret of https://example.org/a:b",
        "def api_key(self): return None",
        "skip-this-and-that-and-everything",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    """A mask that hides what is no secret would be turned off."""
    assert mask(text) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    """None stays None."""
    kept = fit("é" * (LONGEST + 5))
    assert kept is not None and kept.startswith("é" * LONGEST)
    assert kept.endswith("[5 more characters were not kept]")
    assert fit("short") == "short" and fit(None) is None


@pytest.mark.parametrize(
    "text",
    ["password=" * 20_000, "eyJ" * 60_000, "-----BEGIN PRIVATE KEY-----" * 6_000, "a://" * 40_000],
    ids=["names", "tokens", "keys", "addresses"],
)
def test_hostile_texts_take_no_time(text: str) -> None:
    """Time is bounded by the length, with patience for a busy machine."""
    started = time.process_time()
    fit(text)
    assert time.process_time() - started < 2
