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
    heard_first,
    models_section,
    opening,
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
    ablations = settings.ablations
    first, differences = opening(reports, bases)
    found = pd.concat(
        [pd.read_parquet(path) for path in sorted(rows.glob("*.parquet"))], ignore_index=True
    )
    checks = json.loads(audit.read_text())
    content = {
        "table_1": first,
        "differences": differences,
        "seeds": seeds_of(reports),
        "remarks": table_remarks(settings, found),
        "tables": tables,
        "sections": [
            models_section(reports, read_paper(paper), ablations),
            *ablations_section(reports, ablations),
            *study_sections(reports),
            *tiny_section(reports),
        ],
        "heard": heard_first(reports, bases),
        "audit": audit_table(checks),
        "checks": len(checks),
        "failed": sum(check["verdict"] == "fails" for check in checks),
    }
    with atomic_folder(style) as folder:
        for name in STYLE:
            write_text(folder / name, source(name))
    write_text(page, render(content, page, sounds, style))
    print(f"{page}: {check_weight(page, config.megabytes):.2f} MB with what it refers to")


if __name__ == "__main__":
    run_stage(main)
