"""Rows of invented experiments: `base`, `worse` (by 1), and `same`, which differs by chance."""

import itertools

import pandas as pd

from pipeline.reporting.columns import METRICS

COLUMNS = sorted(
    {column for metric in METRICS for column in (metric.column, metric.denominator) if column}
)


def make_rows(random, seeds):
    """Return rows of 40 examples in ten groups for every experiment and seed."""
    shared = random.normal(size=(40, len(COLUMNS)))
    rows = []
    for name, seed in itertools.product(("base", "worse", "same"), seeds):
        values = shared + 0.1 * random.normal(size=shared.shape) + (1.0 if name == "worse" else 0.0)
        for example in range(40):
            row = dict(zip(COLUMNS, values[example])) | {
                "frames_pitched": 20,
                "frames_outlier_paper": 1,
                "outlier_clips_0_0_6": 0.0,
                "outlier_clips_3_7": 0.0,
            }
            rows.append(
                {
                    "data": "notes",
                    "experiment": name,
                    "seed": seed,
                    "example_id": f"{example}@0",
                    "group": f"z{example % 10}",
                }
                | row
            )
    return pd.DataFrame(rows)
