"""Write the page: the tables and figures of the reports, with the sounds of stage `sounds`."""

import json
from pathlib import Path

import pandas as pd

from pipeline.common.cli import run_stage
from pipeline.common.files import atomic_folder, write_text
from pipeline.common.settings import Settings
from pipeline.page.listing import PageConfig, read_listing
from pipeline.page.render import STYLE, check_weight, render, source
from pipeline.page.sections import (
    Reports,
    ablations_section,
    audit_table,
    models_section,
    opening,
    opening_sound,
    seeds_of,
    study_sections,
    tiny_section,
)
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.remarks import table_remarks
from pipeline.reporting.table_1 import read_paper


def main(
    tables: Path,
    figures: Path,
    rows: Path,
    audit: Path,
    paper: Path,
    sounds: Path,
    page: Path,
    style: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read TABLES/*.csv, FIGURES, ROWS, AUDIT (JSON), PAPER (YAML), SOUNDS and `page`; write PAGE
    (HTML) and the folder STYLE.
    """
    settings = Settings.read(params)
    config = settings.section("page", PageConfig)
    bases = settings.section("tabulate", TabulateConfig).bases
    reports = Reports(tables, figures, read_listing(sounds))
    metric_rows = pd.concat(map(pd.read_parquet, sorted(rows.glob("*.parquet"))), ignore_index=True)
    content = {
        **_opening(reports, bases),
        "remarks": table_remarks(settings, metric_rows),
        "tables": tables,
        "sections": [
            models_section(reports, read_paper(paper), settings.ablations),
            *ablations_section(reports, settings.ablations),
            *study_sections(reports),
            *tiny_section(reports),
        ],
        **_audit(json.loads(audit.read_text())),
    }
    with atomic_folder(style) as folder:
        for name in STYLE:
            write_text(folder / name, source(name))
    write_text(page, render(content, page, sounds, style))
    print(f"{page}: {check_weight(page, config.megabytes):.2f} MB with all files it refers to")


def _opening(reports: Reports, bases: dict[str, str]) -> dict:
    """Gather the summary and the sounds at the top of the page."""
    table_1, differences = opening(reports, bases)
    return {
        "table_1": table_1,
        "differences": differences,
        "seeds": seeds_of(reports),
        "heard": opening_sound(reports, bases),
    }


def _audit(checks: list[dict]) -> dict:
    """Gather the audit's table and its numbers of checks and failures."""
    return {
        "audit": audit_table(checks),
        "checks": len(checks),
        "failed": sum(check["verdict"] == "fails" for check in checks),
    }


if __name__ == "__main__":
    run_stage(main)
