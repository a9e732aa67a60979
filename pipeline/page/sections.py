"""Make the sections of the page.

A section exists only if its table does: a project without violins has none on reverberation.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image

from pipeline.common.experiments import Ablation
from pipeline.page.listing import Picker
from pipeline.page.table_cells import Head, Table, text_cells
from pipeline.page.tables import (
    ablation_table,
    difference_table,
    metrics_table,
    plain_table,
    study_differences,
    study_table,
    table_1,
)
from pipeline.reporting import tiny
from pipeline.reporting.ablations import ABOUT
from pipeline.reporting.columns import StudyTable
from pipeline.reporting.parameters import parameter_table
from pipeline.reporting.studies import TABLES
from pipeline.reporting.trainings import training_table

VALUES = "Value, [95 % interval] and number of examples in which the measure is defined"


class Figure(NamedTuple):
    """A figure of reports/figures."""

    path: Path
    text: str  # what it shows
    width: int  # pixels
    height: int


class Block(NamedTuple):
    """A table with its caption and an explanation of its measures."""

    table: Table
    caption: str
    about: str = ""  # blank lines separate paragraphs
    folded: bool = False  # even if the table is short


class Section(NamedTuple):
    """A part of the page with a heading."""

    name: str
    title: str
    tables: list[Block]
    figures: list[Figure]
    pickers: list[Picker]

    @property
    def shown(self) -> list[Block]:
        """The tables that are open."""
        return [block for block in self.tables if not (block.folded or block.table.folded)]

    @property
    def folded(self) -> list[Block]:
        """The tables that are folded: long ones, and differences."""
        return [block for block in self.tables if block.folded or block.table.folded]


class Reports(NamedTuple):
    """Folders and sounds that the page shows."""

    tables: Path
    figures: Path
    pickers: list[Picker]

    def cells(self, name: str) -> pd.DataFrame | None:
        """Read a table at full precision; return None if it does not exist."""
        path = self.tables / f"{name}.csv"
        return pd.read_csv(path) if path.exists() else None

    def figure(self, name: str, text: str) -> list[Figure]:
        """Return the figure of that name with its caption, or nothing if there is none."""
        path = self.figures / f"{name}.png"
        if not path.exists():
            return []
        with Image.open(path) as image:
            return [Figure(path, text, *image.size)]

    def pickers_in(self, section: str) -> list[Picker]:
        """Return the pickers of a section."""
        return [picker for picker in self.pickers if picker.section == section]


def opening(reports: Reports, bases: dict[str, str]) -> tuple[Table, dict[str, Table]]:
    """Return Table 1 and, by base that has rows, the differences of the other rows from it."""
    cells = reports.cells("resynthesis")
    present = [base for base in bases.values() if (cells["row"] == base).any()]
    return table_1(cells), {base: difference_table(cells, base) for base in present}


def seeds_of(reports: Reports) -> int:
    """Return the number of trainings per experiment."""
    return int(reports.cells("resynthesis").seeds.max())


def opening_sound(reports: Reports, bases: dict[str, str]) -> Picker | None:
    """Return the first base's median example with its modules; the page opens with it."""
    for picker in reports.pickers_in("models"):
        if picker.kind == "modules" and picker.experiment in bases.values():
            median = [
                example
                for example in picker.examples
                if any(why.startswith("median") for why in example.why)
            ]
            return picker.model_copy(update={"examples": median or picker.examples[:1]})
    return None


def models_section(reports: Reports, paper: dict, ablations: list[Ablation]) -> Section:
    """Make the section on the models: size, training, sound."""
    ablated = {ablation.name for ablation in ablations}
    counts = reports.cells("parameters")
    sizes = parameter_table(counts[~counts.experiment.isin(ablated)], paper)
    trainings = reports.cells("training")
    trainings = trainings[~trainings.experiment.isin(ablated)].assign(
        valid=lambda frame: frame.valid.map(json.loads)
    )
    tables = [
        Block(
            plain_table("parameters", sizes.drop(columns="Why")),
            "Number of parameters: the paper's models and ours",
        ),
        Block(
            plain_table("training", training_table(trainings)),
            "Training; a model whose validation loss is still falling is not at its best",
        ),
    ]
    figures = reports.figure(
        "training", "Training and validation loss against steps, a panel per experiment"
    )
    return Section("models", "The models", tables, figures, reports.pickers_in("models"))


def ablations_section(reports: Reports, ablations: list[Ablation]) -> list[Section]:
    """Make the section on the ablations, if there are any."""
    cells = reports.cells("ablations")
    if cells is None:
        return []
    table = ablation_table(cells, {ablation.name: ablation.question for ablation in ablations})
    figures = reports.figure(
        "ablations", "Each ablation's differences from its base, with intervals"
    )
    blocks = [
        Block(
            table,
            "Each ablation minus its base on the same test examples; positive is worse",
            ABOUT,
        )
    ]
    return [Section("ablations", "Ablations", blocks, figures, reports.pickers_in("ablations"))]


def study_sections(reports: Reports) -> list[Section]:
    """Make a section per study that has a table."""
    sections = []
    for stage in dict.fromkeys(table.stage for table in TABLES):
        tables = [table for table in TABLES if table.stage == stage]
        title = tables[0].title
        blocks = []
        for table in tables:
            cells = reports.cells(table.name)
            if cells is not None:
                blocks += _blocks(table, cells, title)
        if blocks:
            figures = [
                figure for table in tables for figure in reports.figure(table.name, table.title)
            ]
            sections.append(Section(stage, title, blocks, figures, reports.pickers_in(stage)))
    return sections


def _blocks(study: StudyTable, cells: pd.DataFrame, title: str) -> list[Block]:
    """Return a study's table and, folded, the differences from its base."""
    caption = VALUES if study.title == title else f"{study.title}. {VALUES}"
    blocks = [Block(study_table(cells, study), caption, study.about)]
    differences = study_differences(cells, study)
    if differences is not None:
        caption = f"{study.title}: differences from {study.base}. {VALUES}, paired by example"
        blocks.append(Block(differences, caption, folded=True))
    return blocks


def tiny_section(reports: Reports) -> list[Section]:
    """Make the section that compares the tiny model with the full one, if it was trained."""
    cells = reports.cells(tiny.TINY)
    if cells is None:
        return []
    blocks = [
        Block(
            metrics_table(tiny.TINY, cells), f"{VALUES}; both on the same test examples", tiny.ABOUT
        )
    ]
    return [Section(tiny.TINY, "The tiny model", blocks, [], reports.pickers_in(tiny.TINY))]


def audit_table(checks: list[dict]) -> Table:
    """Lay out the audit's checks with their verdicts."""
    verdicts = [
        f"not run: {check['not_run']}" if check["verdict"] == "not run" else check["verdict"]
        for check in checks
    ]
    lines = [
        text_cells(check["name"], verdict, str(check["count"]), check["looked_at"])
        for check, verdict in zip(checks, verdicts)
    ]
    return Table(
        "audit", [Head(text) for text in ("Check", "Verdict", "How many", "Looked at")], lines
    )
