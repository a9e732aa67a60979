"""Aggregate the rows into tables, beside the paper's figures, and into metrics.json."""

from pathlib import Path

import pandas as pd

from pipeline.common.cli import run_stage
from pipeline.common.settings import Settings
from pipeline.reporting.ablations import ablation_cells, write_ablation_table
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.checks import check_bases, check_rows
from pipeline.reporting.parameters import both_scales, write_parameter_table
from pipeline.reporting.remarks import table_remarks
from pipeline.reporting.study_tables import write_study_tables
from pipeline.reporting.table_1 import (
    read_paper,
    resynthesis_cells,
    write_metrics,
    write_resynthesis_table,
)
from pipeline.reporting.tiny import TINY, write_tiny_table
from pipeline.reporting.trainings import read_trainings, write_training_table


def main(
    rows: Path,
    studies: Path,
    trainings: Path,
    counts: Path,
    paper: Path,
    tables: Path,
    metrics: Path,
    params: Path = Path("params.yaml"),
) -> None:
    """Read ROWS/*.parquet, STUDIES/*.parquet, TRAININGS/*.{csv,json}, COUNTS (CSV), PAPER (YAML)
    and `tabulate`.

    Write METRICS (JSON) and TABLES/NAME.{csv,md,tex}: resynthesis (Table 1 of the paper),
    parameters and training, and if params.yaml has them ablations, tiny and the studies.
    """
    settings = Settings.read(params)
    config = settings.section("tabulate", TabulateConfig)
    found = pd.concat(
        [pd.read_parquet(path) for path in sorted(rows.glob("*.parquet"))], ignore_index=True
    )
    order = settings.row_names()
    published = read_paper(paper)
    ablations = settings.ablations
    check_bases(config.bases, order, params)
    check_rows(found, order, settings.seeds)
    models = {
        data: [name for name in names if name not in {each.name for each in ablations}]
        for data, names in order.items()
    }
    cells = resynthesis_cells(found, models, config)
    write_resynthesis_table(
        cells, models, config.bases, published, table_remarks(settings, found), tables
    )
    compared = [ablation_cells(found, ablations, config)] if ablations else []
    for table in compared:
        write_ablation_table(table, ablations, tables)
    write_metrics(
        pd.concat([cells, *compared, *write_study_tables(studies, settings, config, tables)]),
        metrics,
    )
    experiments = [each.name for each in settings.experiments]
    parameters = both_scales(pd.read_csv(counts), trainings, experiments, settings.seeds[0])
    write_parameter_table(parameters, published, tables)
    write_training_table(read_trainings(trainings, experiments, settings.seeds), tables)
    if TINY in experiments and settings.experiment(TINY).data in config.bases:
        write_tiny_table(cells, parameters, config.bases[settings.experiment(TINY).data], tables)


if __name__ == "__main__":
    run_stage(main)
