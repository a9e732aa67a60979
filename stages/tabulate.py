"""Aggregate the rows into Table 1's layout, beside the paper's figures, and into metrics.json."""

from pathlib import Path

import pandas as pd

from pipeline.command import UserError, run_stage
from pipeline.config import read_params, read_section, row_names
from pipeline.remarks import table_remarks
from pipeline.tables import TabulateConfig, check_rows, read_paper, write_resynthesis_table


def main(rows: Path, paper: Path, tables: Path, metrics: Path, params: Path = Path("params.yaml")) -> None:
    """Reads ROWS/*.parquet, PAPER (YAML) and `tabulate`; writes TABLES/resynthesis.{csv,md,tex} and METRICS (JSON)."""
    values = read_params(params)
    config = read_section(params, "tabulate", TabulateConfig)
    found = pd.concat([pd.read_parquet(path) for path in sorted(rows.glob("*.parquet"))], ignore_index=True)
    if config.base not in values["experiments"]:
        raise UserError(f"{params}: tabulate.base: '{config.base}' is no experiment; known: {', '.join(values['experiments'])}")
    order = row_names(values, params)
    check_rows(found, order, values["seeds"])
    write_resynthesis_table(found, order, config, read_paper(paper), table_remarks(values, found), tables, metrics)


if __name__ == "__main__":
    run_stage(main)
