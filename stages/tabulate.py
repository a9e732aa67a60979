"""Aggregate the rows into Table 1's layout, beside the paper's figures, into the tables of ablations and studies, and into metrics.json."""

from pathlib import Path

import pandas as pd

from pipeline.ablations import ablation_cells, read_ablations, write_ablation_table
from pipeline.cells import TabulateConfig, check_bases, check_rows
from pipeline.command import run_stage
from pipeline.config import experiment_data, read_params, read_section, row_names
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
    values = read_params(params)
    config = read_section(params, "tabulate", TabulateConfig)
    found = pd.concat([pd.read_parquet(path) for path in sorted(rows.glob("*.parquet"))], ignore_index=True)
    order, published, ablations = row_names(values, params), read_paper(paper), read_ablations(values, params)
    check_bases(config.bases, order, params)
    check_rows(found, order, values["seeds"])
    models = {data: [name for name in names if name not in {each.name for each in ablations}] for data, names in order.items()}
    cells = resynthesis_cells(found, models, config)
    write_resynthesis_table(cells, models, config.bases, published, table_remarks(values, found), tables)
    compared = [ablation_cells(found, ablations, config)] if ablations else []
    for table in compared:
        write_ablation_table(table, ablations, tables)
    write_metrics(pd.concat([cells, *compared, *write_study_tables(studies, values, config, tables)]), metrics)
    experiments, seeds = list(values["experiments"]), values["seeds"]
    parameters = both_scales(pd.read_csv(counts), trainings, experiments, seeds[0])
    write_parameter_table(parameters, published, tables)
    write_training_table(read_trainings(trainings, experiments, seeds), tables)
    if TINY in experiments and experiment_data(values, TINY, params) in config.bases:
        write_tiny_table(cells, parameters, config.bases[experiment_data(values, TINY, params)], tables)


if __name__ == "__main__":
    run_stage(main)
