"""The page without a browser: sections, tables, size, and agreement with the committed reports."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commands import hashes, stage
from conftest import ROOT
from made_rows import make_rows
from pipeline.common.cli import UserError
from pipeline.common.params import validate
from pipeline.page.listing import PageConfig
from pipeline.page.render import check_weight, referred, with_code
from pipeline.page.sections import Reports, study_sections
from pipeline.page.table_cells import Cell
from pipeline.page.tables import difference_table, reading, table_1
from pipeline.reporting.cells import TabulateConfig, format_cell
from pipeline.reporting.studies import CONTROL, EXTRAPOLATION, PHASE
from pipeline.reporting.study_tables import study_cells, write_study_table
from pipeline.reporting.table_1 import (
    read_paper,
    resynthesis_cells,
    write_resynthesis_table,
)

CONFIG = TabulateConfig(bases={"notes": "base"}, resamples=200, seed=0)


@pytest.mark.parametrize("study", [CONTROL, EXTRAPOLATION, PHASE], ids=lambda study: study.name)
def test_a_study_has_a_section_if_it_has_a_table(tmp_path, random, study):
    columns = sorted(
        {c for metric in study.metrics for c in (metric.column, metric.denominator) if c}
    )
    rows = pd.DataFrame(
        [
            {
                "experiment": "x",
                "seed": 0,
                "example_id": f"{n}@0",
                "group": f"g{n % 4}",
                study.lines[0]: line,
            }
            | dict(zip(columns, random.uniform(0, 1, len(columns))))
            for n in range(12)
            for line in ("one", "two")
        ]
    )
    rows = rows.assign(**{metric.denominator: 2 for metric in study.metrics if metric.denominator})
    cells = study_cells(rows, study, CONFIG)
    reports = Reports(tmp_path / "tables", tmp_path / "figures", [])
    assert study_sections(reports) == []
    write_study_table(cells, study, tmp_path / "tables")
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "figures" / f"{study.name}.png")
    (section,) = study_sections(reports)
    assert (section.name, section.title, section.tables[0].about) == (
        study.stage,
        study.title,
        study.about,
    )
    assert [(figure.width, figure.height) for figure in section.figures] == [(30, 20)]
    texts = [[cell.text for cell in line] for line in section.tables[0].table.lines]
    by_line = dict(list(cells.groupby(study.lines[0], sort=False)))
    assert texts == [
        ["x", line, *(format_cell(cell) for _, cell in mine.iterrows())]
        for line, mine in by_line.items()
    ]
    markdown = (tmp_path / "tables" / f"{study.name}.md").read_text()
    assert all(text in markdown for line in texts for text in line)


def test_table_1_pairs_our_figures_with_the_papers(tmp_path, random):
    rows = make_rows(random, [0]).replace({"experiment": {"base": "supervised"}})
    order = {"notes": ["supervised", "worse"]}
    made = resynthesis_cells(rows, order, CONFIG)
    paper = read_paper(ROOT / "pipeline" / "reporting" / "paper.yaml")
    write_resynthesis_table(made, order, CONFIG.bases, paper, [], tmp_path)
    table = table_1(pd.read_csv(tmp_path / "resynthesis.csv"))
    supervised, worse = table.lines
    metrics = [cell.source.get("metric", "") for cell in supervised[2:]]
    assert metrics == [
        *["loudness_l1_std_0_0_6"] * 2,
        "loudness_l1_std",
        *["f0_l1"] * 2,
        *["outlier_clips_0_0_6"] * 2,
    ]
    figures = [cell.text for cell in supervised if cell.source.get("row") == "paper_supervised"]
    assert figures == ["0.07", "0.02", "0.003"]
    assert [cell.text for cell in (worse[2], worse[5], worse[7])] == ["", "", ""]
    assert sum(head.columns for head in table.groups) == len(table.heads) == len(supervised)


def test_only_an_interval_that_excludes_zero_is_read():
    assert [
        reading(pd.Series({"low": low, "high": high}))
        for low, high in ((0.1, 2), (-2, -0.1), (-1, 1), (0, 1), (np.nan, np.nan))
    ] == ["worse", "better", "undecided", "undecided", "undecided"]


def test_made_up_differences_are_read(random):
    cells = resynthesis_cells(make_rows(random, [0]), {"notes": ["base", "worse", "same"]}, CONFIG)
    lines = {
        line[0].text: [cell.text for cell in line[2::2]]
        for line in difference_table(cells, "base").lines
    }
    assert lines == {"worse": ["worse", "worse"], "same": ["undecided", "undecided"]}


def test_a_cell_is_split_where_its_interval_begins():
    cell = Cell("1.23 [1.10, 1.40] n=9")
    assert (cell.value, cell.interval) == ("1.23", "[1.10, 1.40] n=9") and (
        Cell("undefined").value,
        Cell("undefined").interval,
    ) == ("undefined", "")


def test_names_in_backticks_are_code_and_nothing_else_is_markup():
    assert with_code("a `b` <c>") == "a <code>b</code> &lt;c&gt;"


def test_the_page_needs_a_metric_that_picks_models():
    with pytest.raises(UserError, match="worst_by.models must name at least one metric"):
        validate(
            {"worst_by": {"control": ["f0_l1"]}, "quality": 0.4, "megabytes": 6.0},
            PageConfig,
            ROOT / "params.yaml",
            "page",
        )


def test_a_page_that_is_too_large_or_refers_to_a_missing_file_is_rejected(tmp_path):
    page = tmp_path / "index.html"
    page.write_text('<img src="a/b.webp"><a href="#x">x</a><link href="data:,">')
    with pytest.raises(UserError, match="refers to .*b.webp, which does not exist"):
        check_weight(page, 1)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.webp").write_bytes(bytes(1_500_000))
    assert referred(page.read_text()) == {"a/b.webp"} and check_weight(page, 2) == pytest.approx(
        1.5, abs=0.01
    )
    with pytest.raises(
        UserError,
        match="has 1.5 MB with everything it refers to, but page.megabytes is 1; lower",
    ):
        check_weight(page, 1)


def test_the_committed_page_is_small_and_needs_no_network(committed):
    html = (committed / "reports" / "index.html").read_text()
    assert check_weight(committed / "reports" / "index.html", 6) > 1
    assert (
        sum(
            path.stat().st_size
            for path in (committed / "reports" / "page").rglob("*")
            if path.is_file()
        )
        < 6e6
    )
    assert (
        all(not name.startswith(("/", "..", "http")) for name in referred(html))
        and "://" not in html
    )
    # sounds play without the script, too
    assert html.count("<audio controls") == html.count("<audio") > 50
    assert "fetch" not in (committed / "reports" / "page" / "style" / "page.js").read_text()


def test_the_committed_page_matches_the_committed_reports(tmp_path, committed):
    reports = tmp_path / "reports"
    shutil.copytree(
        committed / "reports",
        reports,
        ignore=shutil.ignore_patterns("index.html", "style", "benchmarks", "data", "long"),
    )
    folders = [reports / name for name in ("tables", "figures", "rows", "audit.json")]
    stage(
        "page",
        *folders,
        ROOT / "pipeline" / "reporting" / "paper.yaml",
        reports / "page" / "sounds",
        reports / "index.html",
        reports / "page" / "style",
        check=True,
    )
    assert (reports / "index.html").read_bytes() == (
        committed / "reports" / "index.html"
    ).read_bytes()
    assert hashes(reports / "page" / "style") == hashes(committed / "reports" / "page" / "style")
    named = set(
        re.findall(r'"name": "(\w+)"', (reports / "page" / "sounds" / "sounds.json").read_text())
    )
    assert {
        path.stem for path in (committed / "reports" / "page" / "sounds").glob("*.mp3")
    } == named
