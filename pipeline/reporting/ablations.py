"""Ablations against their bases: paired differences, corrected for how many are asked, and verdicts
only where seeds allow them.
Conventions: a difference is the ablation's metric minus its base's on the same test examples, seeds
    averaged first; 95 % intervals are
bootstraps over clusters (recorded samples, pieces). Significance is asked of one primary metric,
the multi-scale spectral loss, in which lower is better: a paired permutation test that exchanges
whole clusters, Holm's correction over all ablations. Every other metric is descriptive. A verdict
needs three seeds that agree in sign: intervals over examples say nothing about training anew.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import permutation_test

from pipeline.common.experiments import Ablation
from pipeline.common.files import write_text
from pipeline.reporting.cells import (
    TabulateConfig,
    aggregate,
    format_cell,
    paired_difference,
    paired_values,
    row_files,
)
from pipeline.reporting.columns import METRICS, Metric, difference_name

PRIMARY = "spectral_loss"
# shown in Markdown; the CSV has every metric
DESCRIPTIVE = ("loudness_l1_db_sounding", "f0_l1", "outlier_frames_paper", "rpa_true")
SEEDS_FOR_A_VERDICT, SIGNIFICANT = 3, 0.05
EXACT = 100_000  # exchanges of clusters; so many are drawn where there are more
ABOUT = (
    "Each line is trained like its base but for one difference, on the same data with the same "
    "seeds, and scored on the same test examples. Differences are ablation minus base, paired by "
    "example, with 95 % intervals from a bootstrap over clusters (recorded samples, pieces); "
    "above 0 the ablation's spectral loss is higher, which is worse. p: permutation test over "
    "clusters, Holm's correction over all lines; with few clusters it cannot be small. A verdict "
    "needs three seeds that agree in sign; intervals say nothing about training anew."
)


def ablation_cells(
    rows: pd.DataFrame, ablations: list[Ablation], config: TabulateConfig
) -> pd.DataFrame:
    """Long table: per ablation and metric the value and the paired difference; test and verdict
    with the primary one.
    """
    table = pd.DataFrame(
        [cell for ablation in ablations for cell in _cells(rows, ablation, config)]
    )
    tested = table.metric == difference_name(PRIMARY)
    table.loc[tested, "p_holm"] = holm(table.p[tested].to_numpy())
    table.loc[tested, "verdict"] = [
        verdict(cell.p_holm, cell.per_seed) for cell in table[tested].itertuples()
    ]
    return table.assign(per_seed=[" ".join(map(str, values)) for values in table.per_seed])


def _cells(rows: pd.DataFrame, ablation: Ablation, config: TabulateConfig) -> list[dict]:
    mine, base = (rows[rows.experiment == name] for name in (ablation.name, ablation.base))
    of_row = {
        "data": mine.data.iloc[0],
        "row": ablation.name,
        "base": ablation.base,
        "seeds": mine.seed.nunique(),
    }
    values = [
        of_row
        | {"metric": metric.name}
        | aggregate(mine, metric, config)
        | {"per_seed": [], "rows": row_files(mine)}
        for metric in METRICS
    ]
    both = pd.concat([mine, base])
    differences = [
        of_row
        | {"metric": difference_name(metric.name)}
        | paired_difference(mine, base, metric, config)
        | {"per_seed": per_seed(mine, base, metric), "rows": row_files(both)}
        for metric in METRICS
    ]
    primary = next(cell for cell in differences if cell["metric"] == difference_name(PRIMARY))
    primary["p"] = permutation_p(paired_values(mine, base, _metric(PRIMARY)), config.seed)
    return values + differences


def per_seed(mine: pd.DataFrame, base: pd.DataFrame, metric: Metric) -> list[float]:
    """The paired difference of each seed on its own, in the order of the seeds."""
    pairs = [
        paired_values(mine[mine.seed == seed], base[base.seed == seed], metric)
        for seed in sorted(mine.seed.unique())
    ]
    return [
        float(values.value.sum() / values.weight.sum()) if len(values) else np.nan
        for values in pairs
    ]


def permutation_p(differences: pd.DataFrame, seed: int) -> float:
    """Two-sided p of no difference: ablation and base are exchanged for whole clusters, in every
    way where that can be done.
    """
    sums = differences.groupby("group").value.sum().to_numpy()
    if len(sums) < 2:
        return 1.0
    return float(
        permutation_test(
            (sums, np.zeros_like(sums)),
            lambda one, other, axis: np.sum(one - other, axis=axis),
            vectorized=True,
            permutation_type="samples",
            n_resamples=EXACT,
            rng=seed,
        ).pvalue
    )


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (Holm 1979) of [n] p values: the k-th smallest times n - k +
    1, never falling, at most 1.
    """
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def verdict(p_holm: float, differences: list[float]) -> str:
    """What may be said of an ablation, from the corrected p and each seed's difference."""
    if len(differences) < SEEDS_FOR_A_VERDICT:
        return "none: one seed" if len(differences) == 1 else f"none: {len(differences)} seeds"
    agree = len(set(np.sign(differences))) == 1
    if p_holm >= SIGNIFICANT or not agree:
        return "no measurable change"
    return "worse" if differences[0] > 0 else "better"


def write_ablation_table(cells: pd.DataFrame, ablations: list[Ablation], folder: Path) -> None:
    """Write ablations.csv (full precision), .md and .tex (rounded)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "ablations.csv", cells.to_csv(index=False))
    main, others = (
        pd.DataFrame(
            [line(cells[cells["row"] == each.name].set_index("metric"), each) for each in ablations]
        )
        for line in (_primary_line, _descriptive_line)
    )
    write_text(
        folder / "ablations.md",
        (
            "# Ablations\n"
            "\n"
            f"{ABOUT}\n"
            "\n"
            f"{main.to_markdown(index=False, disable_numparse=True)}\n"
            "\n"
            "## Descriptive: differences in other metrics\n"
            "\n"
            f"{others.to_markdown(index=False, disable_numparse=True)}\n"
            "\n"
            "Every metric, each seed's difference and the rows behind each cell: ablations.csv. "
            "Picture: ../figures/ablations.png.\n"
        ),
    )
    write_text(
        folder / "ablations.tex",
        main.to_latex(index=False, escape=True, column_format="llp{5cm}rrlrl"),
    )


def _primary_line(cells: pd.DataFrame, ablation: Ablation) -> dict[str, str]:
    difference, label = cells.loc[difference_name(PRIMARY)], _metric(PRIMARY).label
    seeds = [float(value) for value in difference.per_seed.split()]
    return {
        "Ablation": ablation.name,
        "Of": ablation.base,
        "Question": ablation.question,
        label: format_cell(cells.loc[PRIMARY]),
        f"{label} minus base": format_cell(difference),
        "Each seed": " ".join(f"{value:.3g}" for value in seeds),
        "p (Holm)": f"{difference.p_holm:.2g}",
        "Verdict": difference.verdict,
    }


def _descriptive_line(cells: pd.DataFrame, ablation: Ablation) -> dict[str, str]:
    return {"Ablation": ablation.name} | {
        f"{_metric(name).label} minus base": format_cell(cells.loc[difference_name(name)])
        for name in DESCRIPTIVE
    }


def _metric(name: str) -> Metric:
    return next(metric for metric in METRICS if metric.name == name)
