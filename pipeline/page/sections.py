"""The sections of the page. A section is there where its table is: a project without violins has
none on reverberation.
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
from pipeline.reporting.parameters import parameter_table
from pipeline.reporting.studies import TABLES, Study
from pipeline.reporting.trainings import training_table

VALUES = "Value, [95 % interval] and number of examples in which it is defined"


class Figure(NamedTuple):
    """A picture of reports/figures."""

    path: Path
    text: str  # what it shows
    width: int  # pixels
    height: int


class Block(NamedTuple):
    """A table, what it is and how its figures came about."""

    table: Table
    caption: str
    about: str = ""
    folded: bool = False  # even if it is short


class Section(NamedTuple):
    """A part of the page with a heading of its own."""

    name: str
    title: str
    tables: list[Block]
    figures: list[Figure]
    pickers: list[Picker]

    @property
    def shown(self) -> list[Block]:
        """The tables that stand open."""
        return [block for block in self.tables if not (block.folded or block.table.folded)]

    @property
    def folded(self) -> list[Block]:
        """The others: long ones, and differences."""
        return [block for block in self.tables if block.folded or block.table.folded]


class Reports(NamedTuple):
    """Where the stages before left what the page shows."""

    tables: Path
    figures: Path
    pickers: list[Picker]

    def cells(self, name: str) -> pd.DataFrame | None:
        """A table of reports/tables at full precision; None where there is none."""
        path = self.tables / f"{name}.csv"
        return pd.read_csv(path) if path.exists() else None

    def figure(self, name: str, text: str) -> list[Figure]:
        """A figure, if there is one of that name."""
        path = self.figures / f"{name}.png"
        if not path.exists():
            return []
        with Image.open(path) as image:
            return [Figure(path, text, *image.size)]

    def heard(self, section: str) -> list[Picker]:
        """What can be heard in a section."""
        return [picker for picker in self.pickers if picker.section == section]


def opening(reports: Reports, bases: dict[str, str]) -> tuple[Table, dict[str, Table]]:
    """Table 1 and, per base that has rows, what the others differ by from it."""
    cells = reports.cells("resynthesis")
    known = [base for base in bases.values() if (cells["row"] == base).any()]
    return table_1(cells), {base: difference_table(cells, base) for base in known}


def seeds_of(reports: Reports) -> int:
    """How many trainings every experiment's figures are of."""
    return int(reports.cells("resynthesis").seeds.max())


def heard_first(reports: Reports, bases: dict[str, str]) -> Picker | None:
    """The middle example of the first base, with its modules: what the page opens with."""
    for picker in reports.heard("models"):
        if picker.kind == "modules" and picker.experiment in bases.values():
            middle = [
                example
                for example in picker.examples
                if any(why.startswith("median") for why in example.why)
            ]
            return picker.model_copy(update={"examples": middle or picker.examples[:1]})
    return None


def models_section(reports: Reports, paper: dict, ablations: list[Ablation]) -> Section:
    """Every model by itself: size, training, sound."""
    left_out = {each.name for each in ablations}
    counts = reports.cells("parameters")
    sizes = parameter_table(counts[~counts.experiment.isin(left_out)], paper)
    trainings = reports.cells("training")
    trainings = trainings[~trainings.experiment.isin(left_out)].assign(
        valid=lambda frame: frame.valid.map(json.loads)
    )
    tables = [
        Block(
            plain_table("parameters", sizes.drop(columns="Why")),
            "Parameters, the paper's beside ours",
        ),
        Block(
            plain_table("training", training_table(trainings)),
            "How each was trained; one that is still falling is not at its best",
        ),
    ]
    figures = reports.figure(
        "training", "Training and validation loss against steps, a panel per experiment"
    )
    return Section("models", "The models", tables, figures, reports.heard("models"))


def ablations_section(reports: Reports, ablations: list[Ablation]) -> list[Section]:
    """The ablations on the same notes, if there are any."""
    cells = reports.cells("ablations")
    if cells is None:
        return []
    table = ablation_table(cells, {each.name: each.question for each in ablations})
    figures = reports.figure("ablations", "Each ablation's differences to its base, with intervals")
    blocks = [
        Block(
            table, "Each ablation minus its base on the same test examples; above 0 is worse", ABOUT
        )
    ]
    return [Section("ablations", "Ablations", blocks, figures, reports.heard("ablations"))]


def study_sections(reports: Reports) -> list[Section]:
    """A section per study that has a table, with all of its tables."""
    found = []
    for stage in dict.fromkeys(study.stage for study in TABLES):
        tables = {study: reports.cells(study.name) for study in TABLES if study.stage == stage}
        title = next(study.title for study in tables)
        blocks = [
            block
            for study, cells in tables.items()
            if cells is not None
            for block in _blocks(study, cells, title)
        ]
        if blocks:
            figures = [
                figure for study in tables for figure in reports.figure(study.name, study.title)
            ]
            found.append(Section(stage, title, blocks, figures, reports.heard(stage)))
    return found


def _blocks(study: Study, cells: pd.DataFrame, title: str) -> list[Block]:
    """A study's table, and folded below it what its lines differ by from its base."""
    caption = VALUES if study.title == title else f"{study.title}. {VALUES}"
    differences = study_differences(cells, study)
    below = (
        []
        if differences is None
        else [
            Block(
                differences,
                f"{study.title}: differences to {study.base}. {VALUES}, paired by example",
                "",
                True,
            )
        ]
    )
    return [Block(study_table(cells, study), caption, study.about), *below]


def tiny_section(reports: Reports) -> list[Section]:
    """The tiny model beside the full one, if there is such a table."""
    cells = reports.cells(tiny.TINY)
    if cells is None:
        return []
    blocks = [
        Block(
            metrics_table(tiny.TINY, cells), f"{VALUES}; both on the same test examples", tiny.ABOUT
        )
    ]
    return [Section(tiny.TINY, "The tiny model", blocks, [], reports.heard(tiny.TINY))]


def audit_table(checks: list[dict]) -> Table:
    """The audit's checks and what came of them."""
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
