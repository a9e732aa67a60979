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
    order = settings.row_names()
    experiments = [experiment.name for experiment in settings.experiments]
    published = read_paper(paper)
    metric_rows = pd.concat(map(pd.read_parquet, sorted(rows.glob("*.parquet"))), ignore_index=True)
    check_bases(config.bases, order, params)
    check_rows(metric_rows, order, settings.seeds)
    cells = _tabulate_resyntheses(settings, config, metric_rows, published, tables)
    ablation_tables = _tabulate_ablations(settings, config, metric_rows, tables)
    study_tables = write_study_tables(studies, settings, config, tables)
    write_metrics(pd.concat([cells, *ablation_tables, *study_tables]), metrics)
    parameters = both_scales(pd.read_csv(counts), trainings, experiments, settings.seeds[0])
    write_parameter_table(parameters, published, tables)
    write_training_table(read_trainings(trainings, experiments, settings.seeds), tables)
    if TINY in experiments and settings.experiment(TINY).data in config.bases:
        write_tiny_table(cells, parameters, config.bases[settings.experiment(TINY).data], tables)


def _tabulate_resyntheses(
    settings: Settings, config: TabulateConfig, rows: pd.DataFrame, published: dict, tables: Path
) -> pd.DataFrame:
    """Write Table 1, which leaves out ablations; return its cells."""
    ablations = {ablation.name for ablation in settings.ablations}
    models = {
        data: [name for name in names if name not in ablations]
        for data, names in settings.row_names().items()
    }
    cells = resynthesis_cells(rows, models, config)
    remarks = table_remarks(settings, rows)
    write_resynthesis_table(cells, models, config.bases, published, remarks, tables)
    return cells


def _tabulate_ablations(
    settings: Settings, config: TabulateConfig, rows: pd.DataFrame, tables: Path
) -> list[pd.DataFrame]:
    """Write the table of ablations, if there are any; return its cells."""
    if not settings.ablations:
        return []
    cells = ablation_cells(rows, settings.ablations, config)
    write_ablation_table(cells, settings.ablations, tables)
    return [cells]


if __name__ == "__main__":
    run_stage(main)
