"""Rows of three made-up experiments: `base`, `worse`, which is worse by 1, and `same`, which
differs by chance.
"""

import itertools

import pandas as pd

from pipeline.reporting.columns import METRICS

COLUMNS = sorted({c for metric in METRICS for c in (metric.column, metric.denominator) if c})


def make_rows(random, seeds):
    shared, found = random.normal(size=(40, len(COLUMNS))), []
    for name, seed in itertools.product(("base", "worse", "same"), seeds):
        values = shared + 0.1 * random.normal(size=shared.shape) + (1.0 if name == "worse" else 0.0)
        for example in range(40):
            row = dict(zip(COLUMNS, values[example])) | {
                "frames_pitched": 20,
                "frames_outlier_paper": 1,
                "frames_outlier_code": 0,
                "outlier_clips_paper": 0.0,
                "outlier_clips_code": 0.0,
            }
            found.append(
                {
                    "data": "notes",
                    "experiment": name,
                    "seed": seed,
                    "example_id": f"{example}@0",
                    "group": f"z{example % 10}",
                }
                | row
            )
    return pd.DataFrame(found)
