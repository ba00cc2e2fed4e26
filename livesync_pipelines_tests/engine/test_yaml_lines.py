from __future__ import annotations

from pathlib import Path

import pytest

from livesync_pipelines.engine._yaml_lines import read
from livesync_pipelines.engine.desired import load
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines_tests.engine.fake_platforms import REGISTRY

ALIASES = b"a: &a [x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in b"bcdefgh"
)
"""Small on disk, ten million values when unfolded."""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("007", "007"),
        ("0x10", "0x10"),
        ("1e3", "1e3"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-5", -5),
        ("50_000_000", 50_000_000),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("[a, 1, [b]]", ["a", 1, ["b"]]),
    ],
)
def test_a_value_is_what_a_person_would_take_it_for(
    tmp_path: Path, written: str, meant: object
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"key: {written}\n")
    document = read(file)
    assert document.data == {"key": meant}
    assert document.problems == []


def test_a_key_is_the_text_that_was_written(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("on: 1\n5: 2\n~: 3\n")
    assert list(read(file).data) == ["on", "5", "~"]


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# first\na:\n  b:\n    - c\n    - d: 1\n")
    document = read(file)
    assert document.where(("a", "b", 1, "d")) == f"{file}:5: a.b.1.d"
    assert document.where(("a", "b", 0)) == f"{file}:4: a.b.0"
    assert document.where(("a", "x", "y")) == f"{file}:2: a.x.y"


def test_an_anchor_is_read_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: &same [1, 2]\nb: *same\n")
    assert read(file).data == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(file).data == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"- a\n- b\n", "a mapping of keys"),
        (b"a: &a [*a]", "without end"),
        (b"[" * 5_000, "nested too deeply"),
        (b"#" * 1_000_001, "larger than"),
        (b"a: 1\n---\nb: 2\n", "not YAML"),
        (b"a: b: c\n", "not YAML"),
        (b"? [a, b]\n: c\n", "plain text"),
        (b"project: !!int abc\n", "no number"),
        (ALIASES, "without end"),
    ],
    ids=range(10),
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "livesync.yaml"
    file.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        load([file], REGISTRY, {})
    assert message in refused.value.message
    assert str(file) in refused.value.where


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        load([tmp_path / "none.yaml"], REGISTRY, {})
    assert refused.value.where == str(tmp_path / "none.yaml")
    assert "No such file" in refused.value.message


def test_a_directory_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no") as refused:
        load([tmp_path], REGISTRY, {})
    assert refused.value.where == str(tmp_path)
