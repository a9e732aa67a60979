"""A user's text in every format that shows it: Markdown, LaTeX, HTML, pictures, the audit."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT
from made_rows import make_rows
from pipeline.audit import printed
from pipeline.audit.checks import Check
from pipeline.audit.report import audit, write_report
from pipeline.common.cli import UserError
from pipeline.common.params import validate
from pipeline.common.settings import Settings
from pipeline.data.notes import NotesConfig
from pipeline.page.render import with_code
from pipeline.page.table_cells import Cell
from pipeline.reporting.ablations import ablation_cells, write_ablation_table
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.data_summary import write_summary
from pipeline.reporting.drawing import literal, panel
from pipeline.reporting.layout import latex_table, latex_text, markdown_table, markdown_text
from pipeline.reporting.studies import PHASE
from pipeline.reporting.study_tables import study_cells, write_study_table
from pipeline.reporting.table_1 import write_resynthesis_table

TABLES = ROOT / "reports" / "tables"
QUESTIONS = {
    "pipes": "Does z carry what |f0| and p(z|x) do not?",
    "two lines": "Is one FFT size\n  enough?\n",
    "code": "What is `a|b` for, and what is a single ` for?",
    "a backslash before a pipe": "Is it \\| or `\\|` or \\\\?",
    "a link": "Is [this](http://example.org) *needed*, ~~or not~~?",
    "a tag": "Is <b>z</b> > 0 &amp; needed?",
    "LaTeX": "Is 50 % of {$x_1$} & #2 ~ ^ \\alpha?",
    "an interval": "Is z in [0.1, 0.2] n=3 needed?",
    "a bracket": "[z] alone?",
    "emphasis": "Is _this_ or no_z __that__?",
    "other letters": "Fragt „Größe“ – 多少?",
}
CONFIG = TabulateConfig(bases={}, resamples=50, seed=0)


@pytest.fixture(params=QUESTIONS.values(), ids=QUESTIONS)
def question(request):
    return request.param


def one_line(text):
    return " ".join(text.split())


def test_an_ablations_question_leaves_its_tables_whole(question, tmp_path, random):
    params = {
        "seeds": [0],
        "tabulate": {"bases": {}, "resamples": 50, "seed": 0},
        "data": {"notes": {"source": "notes"}},
        "experiments": {"base": {"data": "notes"}, "same": {"ablates": "base", "asks": question}},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    ablations = Settings(tmp_path, params).ablations
    cells = ablation_cells(make_rows(random, [0]), ablations, CONFIG)
    write_ablation_table(cells, ablations, tmp_path / "reports" / "tables")
    (check,) = audit(tmp_path, [printed.check_ablations])
    assert (check.findings, check.count) == ([], 8 + 5 + 8)
    markdown = printed.markdown_tables(tmp_path / "reports" / "tables" / "ablations.md")
    assert markdown[0][0][2] == one_line(question) and len(markdown[0][0]) == 8


def test_a_text_is_the_same_after_markdown_and_latex(question, tmp_path):
    table = pd.DataFrame({"First": [question, "x"], "Last, no_z": ["1.2 [1.0, 1.4] n=3", question]})
    (tmp_path / "t.md").write_text(markdown_table(table))
    (tmp_path / "t.tex").write_text(latex_table(table, "ll"))
    expected = [[one_line(text) for text in line] for line in table.to_numpy()]
    assert printed.markdown_tables(tmp_path / "t.md") == [expected]
    latex = printed.latex_table(tmp_path / "t.tex")
    assert printed.unescape(latex) == expected
    for cell in latex[0]:
        bare = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}|\{\[\}", "", cell)
        assert not re.search(r"[\\&%$#_{}~^|<>]", bare)


def test_a_text_on_the_page_is_escaped_and_whole(question):
    html = str(with_code(question))
    assert re.findall(r"<(?!/?code>)", html) == []
    assert html.count("<code>") == html.count("</code>") == len(re.findall("`[^`]+`", question))
    assert (Cell(question).value, Cell(question).interval) == (question, "")


def study_rows(instrument, random):
    """Return rows of a study whose lines are named by an instrument."""
    return pd.DataFrame(
        {
            "experiment": "own",
            "seed": 0,
            "example_id": [f"{number}@0" for number in range(6)],
            "group": [f"g{number % 3}" for number in range(6)],
            "version": instrument,
        }
        | {metric.column: random.uniform(size=6) for metric in PHASE.metrics}
    )


def test_an_instruments_name_in_a_studys_table(question, tmp_path, random):
    cells = study_cells(study_rows(question, random), PHASE, CONFIG)
    write_study_table(cells, PHASE, tmp_path)
    (markdown,) = printed.markdown_tables(tmp_path / "phase.md")
    (latex,) = printed.unescape(printed.latex_table(tmp_path / "phase.tex"))
    assert markdown[0] == latex and latex[:2] == ["own", one_line(question)] and len(latex) == 5


def test_names_and_reasons_in_a_data_sets_summary(question, tmp_path):
    summary = {
        "recordings": 1,
        "seconds": 4.0,
        "rejected": {"number": 1, "reasons": {"take-1": f"same content as {question}"}},
        "f0_coverage": 0.5,
        "loudness_db": {"lowest": -80.0, "highest": -20.0, "percentiles_5_50_95": [-60, -40, -30]},
        "examples": {"train": 1, "valid": 0, "test": 0},
        "instruments": {question: {"recordings": 1, "error_median": None}},
    }
    write_summary(summary, "mine", tmp_path / "summary")
    (table,) = printed.markdown_tables(tmp_path / "summary.md")
    assert table == [[one_line(question), "1", "unknown"]]
    last = (tmp_path / "summary.md").read_text().splitlines()[-1]
    assert last == f"- `take-1`: {markdown_text(f'same content as {question}')}"


def test_remarks_that_name_a_users_file(question, tmp_path):
    paper = {"table_1": {"rows": [], "source": ""}}
    cells = pd.DataFrame({"row": [], "metric": []})
    write_resynthesis_table(cells, {}, {}, paper, [f"from {question}, `no_z`"], tmp_path)
    last = (tmp_path / "resynthesis.md").read_text().splitlines()[-1]
    assert last == f"- {markdown_text(f'from {question}, `no_z`')}"
    assert f"\\item {latex_text(f'from {question}')}" in (tmp_path / "resynthesis.tex").read_text()


def test_a_label_in_a_picture_is_literal(question, tmp_path):
    for text in (question, f"$\\frac{{$ {question} $x^$"):
        with panel(tmp_path / "label.png", 1) as axis:
            axis.boxplot([np.ones(3)], orientation="horizontal", tick_labels=[literal(text)])
    assert (tmp_path / "label.png").stat().st_size > 500


def test_a_finding_of_the_audit_stays_in_its_line(question, tmp_path):
    write_report([Check("name", "looked at", 1, [f"prints {question}"])], tmp_path / "audit.json")
    assert (tmp_path / "audit.md").read_text().splitlines()[-1].startswith("- **name**: prints ")


@pytest.mark.parametrize("name", ["a/b", "a@0", "../x", "", "a|b", "a\nb"])
def test_an_instrument_that_names_files_is_refused(name, tmp_path):
    values = yaml.safe_load((ROOT / "params.yaml").read_text())["data"]["notes"]
    values["instruments"] = {name: {"program": 73, "family": "flute", "low": 60, "high": 84}}
    with pytest.raises(UserError, match="files are named after it: use letters"):
        validate(values, NotesConfig, tmp_path / "params.yaml", "data.notes")


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.md")), ids=lambda path: path.stem)
def test_the_default_tables_hold_nothing_to_escape(path):
    for line in path.read_text().splitlines():
        if line.startswith("|") and "---" not in line and ":-" not in line:
            for cell in line.strip("|").split("|"):
                assert markdown_text(cell) == cell.strip()
        elif line.startswith("- "):
            assert markdown_text(line) == line
    for line in path.with_suffix(".tex").read_text().splitlines():
        if line.endswith("\\\\"):
            for cell in re.split(r"(?<!\\)&", line.removesuffix("\\\\")):
                plain = re.sub(r"\\([&%$#_{}])", r"\1", cell.strip())
                assert latex_text(plain) == cell.strip()
