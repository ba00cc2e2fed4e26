from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from livesync_pipelines.engine.desired import SYNCS_PER_CAPSULE, load
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    FieldMapping,
    Limits,
    Mode,
    Notify,
    NotifyOn,
    Priority,
    SyncConfig,
)
from livesync_pipelines_tests.engine.fake_platforms import REGISTRY

ENVIRON = {"LEDGER_URL": "postgresql://someone:hunter2@db/crm", "WHERE": "guides", "EMPTY": ""}

WHOLE = """\
project: demo
capsules:
  handbook: {language: german}
  plain:
connections:
  docs: {platform: shelf, path: /srv/docs}
  crm:
    platform: ledger
    url: ${LEDGER_URL}
syncs:
  handbook-docs:
    connection: docs
    select: {include: ["**/*.md"], prefix: "${WHERE}/${DEPTH:-deep}"}
    target: {capsule: handbook}
    mode: pull
    schedule: every_30_minutes
    priority: critical
    limits: {delete_items: 5, delete_share: 0.5, item_bytes: 1_000}
    notify: {on: [error, conflict], to: ["mailto:ops@example.com", "https://${WHERE}.example"]}
    mapping:
      - {from: full_name, to: name}
      - {to: kind, value: no}
  crm-back: {connection: crm, target: plain, mode: bidirectional}
"""

MEANT = Desired(
    connections=(
        Connection(name="docs", project_id="demo", platform="shelf", options={"path": "/srv/docs"}),
        Connection(
            name="crm", project_id="demo", platform="ledger", options={"url": "${LEDGER_URL}"}
        ),
    ),
    capsules=(
        Capsule(name="handbook", project_id="demo", language="german"),
        Capsule(name="plain", project_id="demo", language="english"),
    ),
    syncs=(
        SyncConfig(
            sync_id="handbook-docs",
            project_id="demo",
            connection="docs",
            capsule="handbook",
            schedule="every_30_minutes",
            select={"include": ["**/*.md"], "prefix": "${WHERE}/${DEPTH:-deep}"},
            priority=Priority.CRITICAL,
            limits=Limits(delete_items=5, delete_share=0.5, item_bytes=1_000),
            mapping=(
                FieldMapping("name", source="full_name"),
                FieldMapping("kind", None, "no"),
            ),
            notify=Notify(
                (NotifyOn.ERROR, NotifyOn.CONFLICT),
                ("mailto:ops@example.com", "https://${WHERE}.example"),
            ),
        ),
        SyncConfig(
            sync_id="crm-back",
            project_id="demo",
            connection="crm",
            capsule="plain",
            schedule="every_15_minutes",
            mode=Mode.BIDIRECTIONAL,
        ),
    ),
)

Load = Callable[..., Desired]


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def loaded(*texts: str, known: Desired | None = None) -> Desired:
        files = []
        for n, text in enumerate(texts):
            files.append(Path(f"{'abc'[n]}.yaml"))
            files[-1].write_text(dedent(text))
        return load(files, REGISTRY, ENVIRON, known=known)

    return loaded


def refusal(load_text: Load, *texts: str, known: Desired | None = None) -> BadInput:
    with pytest.raises(BadInput) as refused:
        load_text(*texts, known=known)
    return refused.value


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


def test_a_whole_file_is_read_and_its_words_are_kept(load_text: Load) -> None:
    assert load_text(WHOLE) == MEANT


def test_an_empty_file_asks_for_nothing(load_text: Load) -> None:
    assert load_text("", "# nothing yet\n", "capsules:\n") == Desired()


def test_a_directory_is_all_its_yaml_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("capsules: {b: }")
    (tmp_path / "a.yaml").write_text("capsules: {a: }")
    (tmp_path / ".draft.yaml").write_text("nonsense: true")
    (tmp_path / "notes.txt").write_text("nonsense: true")
    wanted = load([tmp_path, tmp_path / "a.yaml"], REGISTRY, {})
    assert [capsule.name for capsule in wanted.capsules] == ["a", "b"]


def test_a_file_may_refer_to_a_later_one(load_text: Load) -> None:
    sync = "syncs: {s: {connection: docs, target: {capsule: c}}}"
    rest = "connections: {docs: {platform: shelf, path: /d}}\ncapsules: {c: }"
    assert [one.sync_id for one in load_text(sync, rest).syncs] == ["s"]


def test_a_file_may_refer_to_what_was_applied_before(load_text: Load) -> None:
    first = load_text("connections: {docs: {platform: shelf, path: /d}}\ncapsules: {c: }")
    sync = "syncs: {s: {connection: docs, target: c}}"
    assert load_text(sync, known=first).connections == ()
    assert load_text(sync, known=first).syncs[0].connection == "docs"


def test_a_relative_folder_is_kept_as_an_absolute_one(load_text: Load, tmp_path: Path) -> None:
    wanted = load_text(
        """\
        connections:
          plain: {platform: shelf, path: ./docs, archive: ../old}
          home: {platform: shelf, path: ~/docs}
          rooted: {platform: shelf, path: "${ROOT:-/srv}/docs"}
          below: {platform: shelf, path: "./${WHERE}"}
        """
    )
    paths = {one.name: one.options["path"] for one in wanted.connections}
    assert paths == {
        "plain": str(tmp_path / "docs"),
        "home": str(Path.home() / "docs"),
        "rooted": "${ROOT:-/srv}/docs",
        "below": str(tmp_path) + "/./${WHERE}",
    }
    assert wanted.connections[0].options["archive"] == str(tmp_path.parent / "old")


@pytest.mark.parametrize(
    ("old", "new", "where", "message", "hint"),
    [
        ("project: demo", "projects: demo", "1: projects", "unknown key", "Did you mean project?"),
        ("project: demo", "project: Demo!", "1: project", "no name", "lower-case"),
        ("german", "germen", "3: capsules.handbook.language", "not allowed", "mean german?"),
        ("plain:", "Plain:", "4: capsules.Plain", "no name", "lower-case"),
        ("plain:", "plain: [a]", "4: capsules.plain", "a mapping", ""),
        ("plain:", "handbook:", "4", "capsules.handbook is given twice", "First at line 3."),
        ("shelf", "self", "6: connections.docs.platform", "unknown platform 'self'", "mean shelf?"),
        ("path:", "pth:", "6: connections.docs", "", ""),
        (
            "platform: ledger",
            "# none",
            "7: connections.crm.platform",
            "missing",
            "ledger, notion, s3, shelf, sql",
        ),
        ("${LEDGER_URL}", "${LEDGR_URL}", "9: connections.crm.url", "LEDGR_URL is not set", "Set"),
        ("${LEDGER_URL}", "${EMPTY}", "9: connections.crm.url", "EMPTY is not set", "Set EMPTY"),
        ("${LEDGER_URL}", "$ {A} ${A", "9: connections.crm.url", "no reference", "${NAME}"),
        ("connection: docs", "connection: dcs", "12: ~.connection", "no connec", "mean docs?"),
        ("connection: docs", "# none", "11: ~.connection", "missing", ""),
        ("include:", "includes:", "13: ~.select.includes", "unknown", "include?"),
        ("{capsule: handbook}", "hanbook", "14: ~.target.capsule", "no capsule", "handbook?"),
        (
            "{capsule: handbook}",
            "{connection: crm, table: t}",
            "12: ~.connection",
            "shelf has no rows",
            "sql_table",
        ),
        ("mode: pull", "mode: pul", "15: ~.mode", "not allowed", "mean pull?"),
        ("mode: pull", "mode: push", "15: ~.mode", "only be pulled into", "mode: pull"),
        (
            "every_30_minutes",
            "every_5_minutes",
            "16: ~.schedule",
            "out of range",
            "every_15_minutes",
        ),
        ("every_30_minutes", "12:30", "16: ~.schedule", "no schedule", "daily"),
        ("critical", "urgent", "17: ~.priority", "not allowed", "critical, low, normal"),
        ("delete_items: 5", "delete_items: -5", "18: ~.limits.delete_items", "greater", ""),
        ("delete_share: 0.5", "delete_share: 30", "18: ~.limits.delete_share", "less", ""),
        (
            "delete_items",
            "deleteitems",
            "18: ~.limits.deleteitems",
            "unknown",
            "delete_items?",
        ),
        ("[error, conflict]", "[eror]", "19: ~.notify.on.0", "not allowed", "mean error?"),
        ("mailto:ops", "ops", "19: ~.notify.to.0", "no address", "mailto:"),
        ("https://${WHERE}", "https://${NOWHERE}", "19: ~.notify.to.1", "NOWHERE", "Set"),
        ("from: full_name, to", "form: full_name, to", "21: ~.mapping.0", "", ""),
        ("{to: kind, value: no}", "{to: kind}", "22: ~.mapping.1", "either 'from' or 'value'", ""),
        ("to: kind", "to: name", "20: ~.mapping", "more than one line writes name", ""),
        ("crm-back:", "handbook-docs:", "23", "given twice", "line 11"),
        ("select: {", "select: [a] # {", "13: ~.select", "mapping of keys", ""),
        ("delete_items: 5", "delete_items: x", "18: ~.limits.delete_items", "an integer", ""),
        ("project: demo", "project: *demo", "1", "not YAML", "in quotes"),
        ("project: demo", "project: !!python/name:os.system x", "1: project", "tag", ""),
        ("project: demo", "<<: {a: b}", "1: <<", "merge keys", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    load_text: Load, old: str, new: str, where: str, message: str, hint: str
) -> None:
    refused = refusal(load_text, changed(old, new))
    assert refused.where.startswith("a.yaml:" + where.replace("~", "syncs.handbook-docs"))
    assert message in refused.message
    assert hint in refused.message + refused.hint


def test_everything_wrong_is_said_at_once_in_the_order_of_lines(load_text: Load) -> None:
    text = changed("mode: pull", "mode: pul").replace("shelf", "self").replace(": docs", ": dcs")
    refused = refusal(load_text, text, "colour: red")
    assert refused.message.splitlines() == [
        "4 problems:",
        "a.yaml:6: connections.docs.platform: unknown platform 'self'"
        " (Did you mean shelf? Allowed: folder, google_drive, json_api, ledger, notion, s3, shelf,"
        " sql_table.)",
        "a.yaml:12: syncs.handbook-docs.connection: there is no connection 'dcs' here"
        " (Did you mean docs? Allowed: crm, docs.)",
        "a.yaml:15: syncs.handbook-docs.mode: this value is not allowed"
        " (Did you mean pull? Allowed: bidirectional, pull, push.)",
        "b.yaml:1: colour: unknown key 'colour' (Allowed: capsules, connections, project, syncs.)",
    ]
    assert refused.where == "a.yaml:6: connections.docs.platform"


def test_no_more_than_twenty_problems_are_listed(load_text: Load) -> None:
    refused = refusal(load_text, "\n".join(f"key{n}: 1" for n in range(25)))
    lines = refused.message.splitlines()
    assert lines[0] == "25 problems:"
    assert len(lines) == 22
    assert lines[-1] == "and 5 more"


def test_a_name_is_defined_in_one_file_only(load_text: Load) -> None:
    refused = refusal(load_text, "capsules: {c: }", "capsules:\n  c:\n")
    assert refused.where == "b.yaml:2: capsules.c"
    assert refused.hint == "First at a.yaml:1: capsules.c."


def test_of_very_many_allowed_words_some_are_told(load_text: Load) -> None:
    many = ", ".join(f"c{n}: {{platform: shelf, path: /d}}" for n in range(100, 160))
    mine = f"connections: {{{many}}}\ncapsules: {{c: }}\nsyncs: {{s: {{connection: d, target: c}}}}"
    hint = refusal(load_text, mine).hint
    assert hint.startswith("Allowed: c100, c101,")
    assert hint.endswith("c139 and 20 more.")


def test_a_project_does_not_see_the_connections_of_another(load_text: Load) -> None:
    theirs = "project: theirs\nconnections: {docs: {platform: shelf, path: /d}}"
    mine = "project: mine\ncapsules: {c: }\nsyncs: {s: {connection: docs, target: c}}"
    refused = refusal(load_text, theirs, mine)
    assert refused.where == "b.yaml:3: syncs.s.connection"
    assert refused.hint == "Allowed: nothing."


def test_a_project_does_not_take_over_the_names_of_another(load_text: Load) -> None:
    known = load_text("project: theirs\ncapsules: {c: }")
    refused = refusal(load_text, "project: mine\ncapsules: {c: }", known=known)
    assert "taken by another project" in refused.message


def test_a_capsule_has_fifty_syncs_at_most(load_text: Load) -> None:
    base = "connections: {docs: {platform: shelf, path: /d}}\ncapsules: {c: }\nsyncs:\n"
    line = "  s{}: {{connection: docs, target: c}}\n"
    full = load_text(base + "".join(line.format(n) for n in range(SYNCS_PER_CAPSULE)))
    assert len(full.syncs) == SYNCS_PER_CAPSULE
    assert load_text("syncs:\n" + line.format(0), known=full).syncs
    refused = refusal(load_text, "syncs:\n" + line.format("-one-more"), known=full)
    assert "would have 51 syncs, and 50 are the most" in refused.message
