"""Render the page as HTML and check its size."""

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from pipeline.common.cli import UserError

STYLE = ("page.css", "page.js")  # stored with the template


def render(content: dict[str, Any], page: Path, sounds: Path, style: Path) -> str:
    """Render the HTML of the page; its links are relative.

    Args:
        content: variables of the template.
        page: path of the page.
        sounds: folder of the sounds.
        style: folder of the style sheet and the script.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def link(path: Path) -> str:
        """Return a path relative to the page."""
        return Path(os.path.relpath(path, page.parent)).as_posix()

    environment.filters |= {"code": with_code, "link": link, "breakable": breakable}
    return environment.from_string(source("page.html")).render(
        content | {"sounds": sounds, "style": style}
    )


def source(name: str) -> str:
    """Read a text file of this package."""
    return (files("pipeline.page") / name).read_text()


def with_code(text: str) -> Markup:
    """Escape text and set what is between backticks as code; a single backtick is text."""
    parts = [escape(part) for part in re.split("`([^`]+)`", text)]
    return Markup(
        "".join(
            f"<code>{part}</code>" if number % 2 else str(part) for number, part in enumerate(parts)
        )
    )


def breakable(text: str) -> Markup:
    """Escape a name and allow line breaks after its underscores."""
    return Markup(escape(text).replace("_", Markup("_<wbr>")))


def referred(html: str) -> set[str]:
    """Return the files that a page refers to, relative to it."""
    return {
        name
        for name in re.findall(r'(?:src|href)="([^"]+)"', html)
        if not name.startswith(("#", "data:", "https:"))
    }


def check_weight(page: Path, megabytes: float) -> float:
    """Return the size in megabytes of a page with everything it refers to.

    Raises:
        UserError: if a file is missing or the size exceeds `megabytes`.
    """
    names = {page, *(page.parent / name for name in referred(page.read_text()))}
    missing = sorted(str(path) for path in names if not path.exists())
    if missing:
        raise UserError(
            f"{page}: refers to {missing[0]}, which does not exist; run `dvc repro sounds figures`"
        )
    size = sum(path.stat().st_size for path in names) / 1e6
    if size > megabytes:
        raise UserError(
            f"{page}: has {size:.1f} MB with everything it refers to, but page.megabytes is "
            f"{megabytes:g}; lower page.quality or name fewer metrics in page.worst_by"
        )
    return size
