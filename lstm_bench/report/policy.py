"""What a page may load: nothing but its own style and its own script, named by their hashes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from markupsafe import Markup


def content_policy(style: str, script: str = "") -> str:
    """The page's Content-Security-Policy: this text of a style, this text of a script, no network.

    Whatever slips through escaping is refused by the browser, which knows both texts by SHA-256.
    """
    rules = [
        "default-src 'none'",
        "img-src data:",
        f"style-src {_source(style)}",
        *([f"script-src {_source(script)}"] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def inert_json(value: Any) -> Markup:
    """JSON that can end no element and starts no other, wherever it stands in a page."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
