"""The LaTeX tables: complete, and compiled if pdflatex is installed."""

import re
import shutil
import subprocess

import pytest

from conftest import ROOT

TABLES = sorted((ROOT / "reports" / "tables").glob("*.tex"))
DOCUMENT = (
    "\\documentclass{article}\\usepackage{booktabs}\\usepackage[landscape]{geometry}\\begin{document}\\scriptsize\n"
    "%s\n"
    "\\end{document}\n"
)


def test_every_table_has_a_latex_file():
    assert {path.stem for path in TABLES} == {
        path.stem for path in (ROOT / "reports" / "tables").glob("*.csv")
    }


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_line_has_a_cell_per_column(path):
    text = path.read_text()
    columns = re.sub(
        r"\{[^}]*\}", "", re.search(r"\\begin\{tabular\}\{((?:[a-z]|\{[^}]*\})+)\}", text)[1]
    )
    lines = [
        line
        for line in text.split("\\begin{tabular}")[1].split("\\end{tabular}")[0].splitlines()
        if line.endswith("\\\\")
    ]
    assert len(lines) > 1
    assert {len(re.split(r"(?<!\\)&", line)) for line in lines} == {len(columns)}
    assert not re.search(r"(?<!\\)[#$_]", text)
    for rule in ("toprule", "midrule", "bottomrule"):
        assert f"\\{rule}" in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex on the PATH")
@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_the_table_compiles(path, tmp_path):
    (tmp_path / "table.tex").write_text(DOCUMENT % path.read_text())
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "table.tex"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and (tmp_path / "table.pdf").exists(), done.stdout[-2000:]
