"""A selection means what its globs say."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from livesync_pipelines.connectors._globs import Glob, Globs, Named

_GLOB = TypeAdapter(list[Glob])

KEPT = [
    ("**/*.md", "a.md"),
    ("**/*.md", "x/y/a.md"),
    ("**/*", "a"),
    ("**", "a/b/c"),
    ("docs/**", "docs/a/b"),
    ("docs", "docs/a/b"),
    ("docs/", "docs/a/b"),
    ("./docs/**", "docs/a"),
    ("docs", "docs"),
    ("**/docs", "x/docs/a"),
    ("a/**/b.md", "a/b.md"),
    ("a/**/b.md", "a/x/y/b.md"),
    ("*.{md,txt}", "a.txt"),
    ("{a,b/c}/*.md", "b/c/x.md"),
    ("[a-c]?.md", "bx.md"),
    ("[!a]*", "b"),
    ("[]]*", "]x"),
    ("[[]*", "[x"),
    ("[^a]*", "b"),
    ("a\\*b", "a*b"),
    ("**/*", "a//b"),
    ("**/*", "../a"),
    ("**/*", "two\nlines/a"),
    ("a.b", "a.b"),
    ("a,b", "a,b"),
    ("a}b", "a}b"),
]
LEFT_OUT = [
    ("**/*.md", "a.mdx"),
    ("*.md", "x/a.md"),
    ("docs/**", "docs2/a"),
    ("docs/*", "docs/a/b"),
    ("a/**/b.md", "ab.md"),
    ("[!a]*", "a"),
    ("[!a]b", "/b"),
    ("a\\*b", "axb"),
    ("a.b", "axb"),
    ("?", "/"),
    ("*.MD", "a.md"),
]


def globs(include: list[str], exclude: list[str] | None = None) -> Globs:
    return Globs(_GLOB.validate_python(include), _GLOB.validate_python(exclude or []))


@pytest.mark.parametrize(("pattern", "key"), KEPT)
def test_a_pattern_keeps(pattern: str, key: str) -> None:
    assert globs([pattern]).keeps(key)


@pytest.mark.parametrize(("pattern", "key"), LEFT_OUT)
def test_a_pattern_leaves_out(pattern: str, key: str) -> None:
    assert not globs([pattern]).keeps(key)


@pytest.mark.parametrize("pattern", ["", "/etc/**", "../x", "a/../b", "{a,b", "./", "[z-a]"])
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        _GLOB.validate_python([pattern])


def test_an_exclusion_wins_over_an_inclusion() -> None:
    selection = globs(["**/*.md"], ["drafts/**", "**/node_modules", "x.md"])
    keys = ["a.md", "drafts/a.md", "y/drafts/a.md", "p/node_modules/q/a.md", "x.md", "y/x.md"]
    assert [k for k in keys if selection.keeps(k)] == ["a.md", "y/drafts/a.md", "y/x.md"]


def test_folders_that_cannot_hold_a_match_are_not_entered() -> None:
    selection = globs(["docs/api/**/*.md", "notes/*"], ["**/.git/**", "docs/api/old"])
    entered = ["docs/", "docs/api/", "docs/api/v1/", "notes/"]
    shut = ["src/", "docs/web/", "docs/api/old/", "docs/api/.git/", "docs/api/x/.git/"]
    assert [f for f in entered + shut if selection.enters(f)] == entered


@pytest.mark.parametrize(
    ("include", "prefix"),
    [
        (["**/*"], ""),
        (["docs/api/**"], "docs/api/"),
        (["docs/a*/**", "docs/b/**"], "docs/"),
        (["docs/api/**", "docs/apps/**"], "docs/ap"),
        (["docs"], ""),
    ],
)
def test_the_common_prefix_narrows_a_listing(include: list[str], prefix: str) -> None:
    assert globs(include).prefix() == prefix


def _means(pattern: list[str], parts: list[str]) -> bool:
    """The meaning of a glob, part by part, in the plainest words."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(parts)
        return any(_means(pattern[1:], parts[i:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _means(pattern[1:], parts[1:])


_part = st.text("ab.", min_size=1, max_size=3).filter(lambda part: part not in (".", ".."))
_wild = st.text("ab.*?", min_size=1, max_size=4).filter(lambda p: not re.fullmatch(r"\.+|\**", p))


@given(
    st.lists(st.one_of(_wild, st.just("**")), min_size=1, max_size=4),
    st.lists(_part, min_size=1, max_size=5),
)
def test_a_regex_means_what_the_plainest_matcher_means(
    pattern: list[str], parts: list[str]
) -> None:
    """Patterns with a wildcard in their last part, so that none is a folder's name."""
    pattern = [*pattern, "*"]
    assert globs(["/".join(pattern)]).keeps("/".join(parts)) is _means(pattern, parts)


@given(
    st.lists(st.one_of(_wild, st.just("**")), min_size=1, max_size=4),
    st.lists(_part, min_size=1, max_size=5),
)
def test_what_is_kept_lies_in_folders_that_are_entered(
    pattern: list[str], parts: list[str]
) -> None:
    selection = globs(["/".join(pattern)], ["a/**", "**/b.b"])
    if selection.keeps("/".join(parts)):
        assert all(selection.enters("/".join(parts[:i]) + "/") for i in range(1, len(parts)))
        assert "/".join(parts).startswith(selection.prefix())


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        (["**"], [], True),
        (["a/**"], [], True),
        (["top/**"], [], True),
        (["other/**"], [], False),
        (["**"], ["a/**"], False),
        (["**"], ["top/**"], False),
        (["top/**"], ["a/*.md"], False),
        (["a/**"], ["a/a/**"], True),
    ],
)
def test_of_several_paths_one_includes_and_one_excludes(
    include: list[str], exclude: list[str], *, kept: bool
) -> None:
    assert Named(include, exclude).keeps(["a/x.md", "top/a/x.md"]) is kept
    assert not Named(include, exclude).keeps([])
