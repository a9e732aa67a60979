"""The README's table and pictures are what the pipeline wrote."""

import re

from conftest import ROOT

README = (ROOT / "README.md").read_text()


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_its_table_is_the_reports_table():
    report = (ROOT / "reports" / "tables" / "resynthesis.md").read_text()
    wanted = table_lines(report.split("## Every metric")[0])
    assert len(wanted) > 6
    position = README.index(wanted[0])
    assert table_lines(README[position:])[: len(wanted)] == wanted


def test_its_links_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_commands_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target
