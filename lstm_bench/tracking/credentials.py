"""What may be printed of MLflow's address, and of messages that quote it."""

from __future__ import annotations

import os
import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from lstm_bench.errors import BenchError

VARIABLE = "MLFLOW_TRACKING_URI"
USERNAME, PASSWORD, TOKEN = (
    f"MLFLOW_TRACKING_{each}" for each in ("USERNAME", "PASSWORD", "TOKEN")
)
HIDDEN = "***"


def parsed(uri: str) -> SplitResult:
    """The parts of an address. Raises BenchError where it is none, without showing it."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise BenchError(
            f"{VARIABLE} is not allowed: it is no address; it must look like "
            "http://host:5000, postgresql://host/database or sqlite:///file."
        ) from None
    return parts


def without_credentials(uri: str) -> str:
    """The URI as it may be printed: no user, password, token or query."""
    parts = parsed(uri)
    if parts.netloc:
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    # user:password@host without its slashes is a path to urlsplit
    return uri.partition("?")[0] if "@" not in uri else f"{parts.scheme or HIDDEN}:{HIDDEN}"


def credentials(uri: str) -> tuple[str, str]:
    """User and password: those of the URI, or those of the environment."""
    parts = parsed(uri)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user or password:
        return user, password
    return os.environ.get(USERNAME, ""), os.environ.get(PASSWORD, "")


def scrubbed(text: str, uri: str) -> str:
    """The text without anything secret: MLflow, SQLAlchemy and urllib3 quote what they were given.

    Hidden are the URI's user, password and query, the environment's password and token, decoded
    or not.
    """
    parts = parsed(uri)
    given = parts.netloc.rpartition("@")[0]
    secrets = {given, parts.password or "", credentials(uri)[1], os.environ.get(TOKEN, "")}
    secrets |= {value for _, _, value in (p.partition("=") for p in parts.query.split("&"))}
    # a password with an @ or an address without its slashes: whatever stands before the last @
    pieces = re.split(r"[:/@]+", uri.rpartition("@")[0])
    secrets |= {piece for piece in pieces if len(piece) > 3 and piece != parts.scheme}
    text = text.replace(uri, without_credentials(uri))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN).replace(unquote(secret), HIDDEN)
    if parts.username:
        text = re.sub(rf"(?<!\w){re.escape(unquote(parts.username))}(?!\w)", HIDDEN, text)
    return re.sub(r"//[^/@\s]*@", "//", text)
