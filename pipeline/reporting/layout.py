"""Lay out tables as Markdown and LaTeX, in which any text stays text.

A user's text, such as an ablation's question or an instrument's name, may hold characters that mean
something in these formats. White space, line breaks included, is joined: a cell is one line.
"""

import re

import pandas as pd

# what Markdown takes for markup, with GitHub's tables, strikethrough and formulas; underscores
# within a word, as in `no_z`, are text
MARKUP = re.compile(r"[\\|*~$<`]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)|(?<=\])\((?=\S)")
CODE = re.compile(r"(`[^`\\]+`)")  # between backticks; a backslash could not be told from an escape
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
} | {special: f"\\{special}" for special in "&%$#_{}"}


def markdown_text(text: str) -> str:
    """Escape text for Markdown, on one line; what is between backticks stays code.

    A `|` is escaped there too: it would end a table's cell.
    """
    parts = CODE.split(" ".join(text.split()))
    return "".join(
        part.replace("|", r"\|") if number % 2 else MARKUP.sub(r"\\\g<0>", part)
        for number, part in enumerate(parts)
    )


def latex_text(text: str) -> str:
    """Escape text for LaTeX, on one line."""
    joined = " ".join(text.split())
    escaped = "".join(LATEX.get(character, character) for character in joined)
    # a bracket after the end of a table's line would be that command's option
    return f"{{[}}{escaped[1:]}" if escaped.startswith("[") else escaped


def markdown_table(table: pd.DataFrame) -> str:
    """Lay out a table of texts as Markdown, without its index."""
    return table.map(markdown_text).to_markdown(index=False, disable_numparse=True)


def latex_table(table: pd.DataFrame, column_format: str | None = None) -> str:
    """Lay out a table of texts as a LaTeX tabular, without its index."""
    escaped = table.map(latex_text).set_axis([latex_text(head) for head in table.columns], axis=1)
    return escaped.to_latex(index=False, escape=False, column_format=column_format)
