"""A real browser for the pages: what it was refused, what it asked for, what it drew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Tab:
    """A page with everything that went wrong in it."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: Path, fragment: str = "") -> None:
        self.page.goto(f"{path.as_uri()}{'#' if fragment else ''}{fragment}")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def require_clean(self, folder: Path) -> None:
        """Nothing refused, nothing complained of, nothing loaded from outside the folder."""
        assert self.page.evaluate("window.refused") == []
        assert self.complaints == []
        outside = [url for url in self.requests if not url.startswith(folder.as_uri())]
        assert [url for url in outside if not url.startswith("data:image/")] == []


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips the test, with the reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        except api.Error as error:
            pytest.skip(f"no Chromium starts here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@contextmanager
def tab(browser: Any, width: int = 1200) -> Iterator[Tab]:
    page = browser.new_page(viewport={"width": width, "height": 900})
    opened = Tab(page)
    page.set_default_timeout(120_000)  # on a busy machine too
    page.add_init_script(WATCH)
    page.on("console", lambda m: m.type == "error" and opened.complaints.append(m.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (opened.complaints.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda request: opened.requests.append(request.url))
    yield opened
    page.close()
