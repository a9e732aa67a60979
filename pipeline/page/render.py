"""The page as HTML, and what it weighs."""

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from pipeline.common.cli import UserError

STYLE = ("page.css", "page.js")  # beside the template, and written beside the page


def render(content: dict[str, Any], page: Path, sounds: Path, style: Path) -> str:
    """The HTML of `page`, which refers to the folders `sounds` and `style` by relative paths."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def link(path: Path) -> str:
        """A path as the page refers to it."""
        return Path(os.path.relpath(path, page.parent)).as_posix()

    environment.filters |= {"code": with_code, "link": link, "breakable": breakable}
    return environment.from_string(source("page.html")).render(
        content | {"sounds": sounds, "style": style}
    )


def source(name: str) -> str:
    """The text of a file beside this module."""
    return (files("pipeline.page") / name).read_text()


def with_code(text: str) -> Markup:
    """Text in which `names` are code."""
    return Markup(
        "".join(
            f"<code>{escape(part)}</code>" if odd else str(escape(part))
            for number, part in enumerate(text.split("`"))
            for odd in [number % 2]
        )
    )


def breakable(text: str) -> Markup:
    """A name that may be broken after its underscores."""
    return Markup(escape(text).replace("_", Markup("_<wbr>")))


def referred(html: str) -> set[str]:
    """The files that a page refers to, relative to itself."""
    return {
        name
        for name in re.findall(r'(?:src|href)="([^"]+)"', html)
        if not name.startswith(("#", "data:", "https:"))
    }


def check_weight(page: Path, megabytes: float) -> float:
    """Stop if a page with all that it refers to weighs more; returns its size in megabytes."""
    names = {page, *(page.parent / name for name in referred(page.read_text()))}
    missing = sorted(str(path) for path in names if not path.exists())
    if missing:
        raise UserError(
            f"{page}: refers to {missing[0]}, which is not there; run `dvc repro sounds figures`"
        )
    size = sum(path.stat().st_size for path in names) / 1e6
    if size > megabytes:
        raise UserError(
            f"{page}: weighs {size:.1f} MB with what it refers to, page.megabytes allows "
            f"{megabytes:g}; lower page.quality or name fewer metrics in page.worst_by"
        )
    return size
