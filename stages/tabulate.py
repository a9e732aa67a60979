"""Aggregate the rows into Table 1's layout, beside the paper's figures, into the tables of ablations and studies, and into metrics.json."""

from pathlib import Path

import pandas as pd

from pipeline.ablations import ablation_cells, write_ablation_table
from pipeline.cells import TabulateConfig, check_bases, check_rows
from pipeline.command import run_stage
from pipeline.common.settings import Settings
from pipeline.model_tables import both_scales, read_trainings, write_parameter_table, write_training_table
from pipeline.remarks import table_remarks
from pipeline.studies.tables import write_study_tables
from pipeline.tables import read_paper, resynthesis_cells, write_metrics, write_resynthesis_table
from pipeline.tiny import TINY, write_tiny_table


def main(
    rows: Path, studies: Path, trainings: Path, counts: Path, paper: Path, tables: Path, metrics: Path, params: Path = Path("params.yaml")
) -> None:
    """Reads ROWS/*.parquet, STUDIES/*.parquet, TRAININGS/*.{csv,json}, COUNTS (CSV), PAPER (YAML) and `tabulate`; writes TABLES/NAME.{csv,md,tex}
    (resynthesis, parameters, training; where params.yaml has them ablations, tiny and the studies) and METRICS (JSON)."""
    settings = Settings.read(params)
    config = settings.section("tabulate", TabulateConfig)
    found = pd.concat([pd.read_parquet(path) for path in sorted(rows.glob("*.parquet"))], ignore_index=True)
    order = settings.row_names()
    published = read_paper(paper)
    ablations = settings.ablations
    check_bases(config.bases, order, params)
    check_rows(found, order, settings.seeds)
    models = {data: [name for name in names if name not in {each.name for each in ablations}] for data, names in order.items()}
    cells = resynthesis_cells(found, models, config)
    write_resynthesis_table(cells, models, config.bases, published, table_remarks(settings, found), tables)
    compared = [ablation_cells(found, ablations, config)] if ablations else []
    for table in compared:
        write_ablation_table(table, ablations, tables)
    write_metrics(pd.concat([cells, *compared, *write_study_tables(studies, settings, config, tables)]), metrics)
    experiments = [each.name for each in settings.experiments]
    parameters = both_scales(pd.read_csv(counts), trainings, experiments, settings.seeds[0])
    write_parameter_table(parameters, published, tables)
    write_training_table(read_trainings(trainings, experiments, settings.seeds), tables)
    if TINY in experiments and settings.experiment(TINY).data in config.bases:
        write_tiny_table(cells, parameters, config.bases[settings.experiment(TINY).data], tables)


if __name__ == "__main__":
    run_stage(main)
