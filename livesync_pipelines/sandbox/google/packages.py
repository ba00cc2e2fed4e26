"""Office Open XML: files of parts, zipped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

OFFICE = "http://schemas.openxmlformats.org"

_DATED = (2026, 1, 5, 9, 0, 0)


def package(
    main: str, kind: str, parts: Mapping[str, str], more: Mapping[str, str] | None = None
) -> bytes:
    """An Office Open XML file whose main part is of this kind; the same parts, the same bytes."""
    kinds = {main: kind, **(more or {})}
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{of}"/>' for name, of in kinds.items()
    )
    types = (
        f'<Types xmlns="{OFFICE}/package/2006/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    whole = {
        "[Content_Types].xml": types,
        "_rels/.rels": relations("officeDocument", main),
        **parts,
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in whole.items():
            words = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{text}'
            archive.writestr(zipfile.ZipInfo(name, _DATED), words)
    return made.getvalue()


def relations(kind: str, target: str) -> str:
    space = f"{OFFICE}/package/2006/relationships"
    of = f"{OFFICE}/officeDocument/2006/relationships/{kind}"
    one = f'<Relationship Id="rId1" Type="{of}" Target="{target}"/>'
    return f'<Relationships xmlns="{space}">{one}</Relationships>'
