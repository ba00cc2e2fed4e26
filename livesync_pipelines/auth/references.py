"""Secrets that are held elsewhere, by reference: what `${...}` stands for, at the moment of use.

`${NAME}` or `${env:NAME}` is a variable of the environment, `${file:/absolute/path}` a file (read
each time: whoever replaces it has replaced the secret), `${vault:mount/path#field}` a field in the
key-value store (version 2) of the HashiCorp Vault that VAULT_ADDR and VAULT_TOKEN lead to.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and hvac 2.4's documentation, read
2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_FILE = r"file:(?P<file>/[^{}]+)"
_VAULT = r"vault:(?P<mount>[^{}#/]+)/(?P<path>[^{}#]+)#(?P<field>[^{}#]+)"
_INNER = re.compile(
    rf"(?:env:)?(?P<name>{_NAME})(?::-(?P<default>.*))?|{_FILE}|{_VAULT}", re.DOTALL
)

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
"""Where a text refers to something, or means to, or says that it does not (`$${`)."""

BARE = re.compile(
    rf"\$\{{(?:(?:env:)?{_NAME}|file:/[^{{}}]+|vault:[^{{}}#/]+/[^{{}}#]+#[^{{}}#]+)\}}"
)
"""A text that is one reference and nothing else, as that to a secret must be."""

NO_LITERALS = (
    "Put it into the environment and write ${NAME} here, with the variable's name; or into a file,"
    " and write ${file:/absolute/path}; or into HashiCorp Vault, and write"
    " ${vault:mount/path#field}."
)
HOW_TO_REFER = (
    "Write ${NAME} or ${NAME:-default}, ${file:/absolute/path} or ${vault:mount/path#field}; "
    "$${ stands for the two characters ${."
)
_LONGEST_CHARS = 64_000
_TIMEOUT_S = 5


class _Unresolved(Exception):
    """What is wrong with a reference, and what to do; never what it stands for."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def expand_text(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, str] | None]:
    """One text filled in, and what is wrong with it: a message and a hint, never a secret."""
    wrong: list[tuple[str, str]] = []

    def answer(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        try:
            return _resolved(match[1] or "", environ)
        except _Unresolved as error:
            wrong.append((error.message, error.hint))
            return ""

    filled = _REFERENCE.sub(answer, text)
    return filled, wrong[0] if wrong else None


def _resolved(inner: str, environ: Mapping[str, str]) -> str:
    """What stands for the words between the braces. A variable that is empty counts as not set.

    Raises `_Unresolved`."""
    found = _INNER.fullmatch(inner)
    if found is None:
        raise _Unresolved("a ${...} that is no reference to a variable", HOW_TO_REFER)
    if found["file"] is not None:
        return _of_file(found["file"])
    if found["mount"] is not None:
        return _of_vault(found["mount"], found["path"], found["field"], environ)
    value = environ.get(found["name"]) or found["default"]
    if value is None:
        raise _Unresolved(
            f"the environment variable {found['name']} is not set",
            f"Set {found['name']}. {HOW_TO_REFER}",
        )
    return value


def _of_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_LONGEST_CHARS).strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "It must be there and hold the secret, for the user of every process to read."
        said = f"the file {path} cannot be read: {type(error).__name__}"
        raise _Unresolved(said, hint) from error


def _of_vault(mount: str, path: str, field: str, environ: Mapping[str, str]) -> str:
    address, token = environ.get("VAULT_ADDR"), environ.get("VAULT_TOKEN")
    if not address or not token:
        raise _Unresolved(
            f"{mount}/{path} is in HashiCorp Vault, and VAULT_ADDR or VAULT_TOKEN is not set",
            "Set both: the address of the server, and a token that may read there.",
        )
    import hvac  # noqa: PLC0415 - with what it brings, half a second that few installations need

    client = hvac.Client(
        url=address,
        token=token,
        namespace=environ.get("VAULT_NAMESPACE"),
        timeout=_TIMEOUT_S,
        verify=environ.get("VAULT_CACERT") or True,
    )
    try:
        answer = client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )
        return str(answer["data"]["data"][field])
    except KeyError as error:
        said = f"{mount}/{path} in HashiCorp Vault has no field {field!r}"
        raise _Unresolved(said, "Write the field's name behind the #.") from error
    except (hvac.exceptions.VaultError, OSError) as error:  # requests' errors are OSErrors
        said = f"{mount}/{path} cannot be read from HashiCorp Vault: {type(error).__name__}"
        raise _Unresolved(
            said, "It must answer, know VAULT_TOKEN, and let it read there."
        ) from None
    finally:
        client.adapter.close()
