"""What S3 and boto say went wrong, named for what comes next.

botocore 1.44.5, `botocore/exceptions.py` and the S3 service model, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    ItemFailure,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)

_KEYS = "Give `access_key_id` and `secret_access_key`, or credentials that boto3 finds by itself."
_HINTS: dict[str, tuple[type[LiveSyncError], str]] = {
    "InvalidAccessKeyId": (Reauthorise, _KEYS),
    "SignatureDoesNotMatch": (Reauthorise, "The secret key does not belong to the access key."),
    "ExpiredToken": (Reauthorise, "The session token ran out: give new credentials."),
    "InvalidToken": (Reauthorise, "The session token does not belong to these keys."),
    "AccessDenied": (
        Reauthorise,
        "These keys need s3:ListBucket and s3:GetObject on the bucket; to write, s3:PutObject and "
        "s3:DeleteObject too.",
    ),
    "AllAccessDisabled": (Reauthorise, "The owner of the bucket has shut it."),
    "NoSuchBucket": (BadInput, "Mend `bucket`, `region` or `endpoint_url`."),
    "InvalidBucketName": (BadInput, "Mend `bucket`: only its name, without s3:// or a path."),
    "PermanentRedirect": (BadInput, "The bucket is in another region: mend `region`."),
    "AuthorizationHeaderMalformed": (BadInput, "Mend `region`."),
    "RequestTimeTooSkewed": (Broken, "The clock of this machine is wrong."),
}
_BUSY = frozenset({"SlowDown", "Throttling", "RequestLimitExceeded", "RequestTimeout"})
_NO_LOGIN = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.LoginError,
)
_WRONG = (
    boto.ParamValidationError,
    boto.InvalidDNSNameError,
    boto.InvalidRegionError,
    boto.NoRegionError,
    boto.UnsupportedS3ArnError,
    boto.UnsupportedS3ConfigurationError,
    boto.EndpointProviderError,
    boto.ProfileNotFound,
)
_ITEM: dict[str, tuple[str, str]] = {
    "NoSuchKey": ("vanished", "it went away after it was listed"),
    "404": ("vanished", "it went away after it was listed"),
    "InvalidObjectState": ("archived", "it is in an archive: restore it to have it read"),
    "AccessDenied": ("unreadable", "these keys may not read it (s3:GetObject, or its KMS key)"),
    "InvalidRequest": ("unreadable", "it is encrypted with a key of the owner's (SSE-C)"),
}


def code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status_of(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def item_failure(key: str, error: ClientError) -> ItemFailure | None:
    """What is wrong with this one object; None where the whole source is to blame."""
    if code_of(error) not in _ITEM:
        return None
    code, reason = _ITEM[code_of(error)]
    return ItemFailure(key, code, reason)


@contextmanager
def named(where: str) -> Iterator[None]:
    """Errors of boto become ours; none of their words travel, they may quote what was sent."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, where) from error
    except _NO_LOGIN as error:
        raise Reauthorise(f"there are no keys for {where}", hint=_KEYS, where=where) from error
    except (*_WRONG, ValueError) as error:
        raise BadInput(
            f"{where} cannot be called: {type(error).__name__}",
            hint="Mend `bucket`, `region` or `endpoint_url` of the connection.",
            where=where,
        ) from error
    except BotoCoreError as error:
        raise Unavailable(f"{where} failed: {type(error).__name__}", where=where) from error


def _answered(error: ClientError, where: str) -> LiveSyncError:
    code, status = code_of(error), _status_of(error)
    request = error.response.get("ResponseMetadata", {}).get("RequestId", "")
    said = f"{where} answered {code} ({status})" + (f", request {request}" if request else "")
    if code in _BUSY or status >= 500 or status == 429:
        return Unavailable(said, where=where)
    kind, hint = _HINTS.get(code, (Broken, ""))
    return kind(said, hint=hint, where=where)
