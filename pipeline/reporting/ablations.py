"""Compare ablations with their bases by paired differences and corrected significance tests.

A difference is the ablation's metric minus its base's on the same test examples, averaged over
seeds first. Its 95 % interval is a bootstrap over clusters (recorded samples, pieces).
Only the primary metric is tested: the multi-scale spectral loss (lower is better). The
test is a paired permutation test that exchanges whole clusters, with Holm's correction over all
ablations. All other metrics are descriptive. A verdict needs three seeds that agree in sign,
because intervals over examples say nothing about the variation between trainings.
"""

from collections.abc import Callable
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
from pipeline.reporting.layout import latex_table, markdown_table

PRIMARY = "spectral_loss"
# the metrics that the Markdown shows; the CSV has all
DESCRIPTIVE = ("loudness_l1_db_sounding", "f0_l1", "outlier_clips_0_0_6", "rpa_true")
SEEDS_FOR_A_VERDICT = 3
SIGNIFICANT = 0.05
EXACT = 100_000  # try all exchanges of clusters up to this number, draw this many beyond
ABOUT = (
    "Each ablation is trained like its base except for one difference, on the same data with the "
    "same seeds, and scored on the same test examples. Differences are ablation minus base, paired "
    "by example, with 95 % intervals from a bootstrap over clusters (recorded samples, pieces). A "
    "positive difference means that the ablation has the higher spectral loss, which is worse. "
    "Each seed: the difference of each seed's trainings. p: permutation test over clusters with "
    "Holm's correction over all ablations; it cannot be small when there are few clusters. A "
    "verdict needs three seeds that agree in sign, because intervals say nothing about the "
    "variation between trainings."
)


def ablation_cells(
    rows: pd.DataFrame, ablations: list[Ablation], config: TabulateConfig
) -> pd.DataFrame:
    """Build the long table of ablations.

    Args:
        rows: of all experiments and seeds.
        ablations: with their bases.
        config: the `tabulate` section.

    Returns:
        Per ablation and metric a row with the value and a row with the paired difference; the
        primary metric's difference also has p_holm and verdict.
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
    ablated = rows[rows.experiment == ablation.name]
    base = rows[rows.experiment == ablation.base]
    keys = {
        "data": ablated.data.iloc[0],
        "row": ablation.name,
        "base": ablation.base,
        "seeds": ablated.seed.nunique(),
    }
    values = [
        keys
        | {"metric": metric.name}
        | aggregate(ablated, metric, config)
        | {"per_seed": [], "rows": row_files(ablated)}
        for metric in METRICS
    ]
    compared = pd.concat([ablated, base])
    differences = [
        keys
        | {"metric": difference_name(metric.name)}
        | paired_difference(ablated, base, metric, config)
        | {"per_seed": per_seed(ablated, base, metric), "rows": row_files(compared)}
        for metric in METRICS
    ]
    primary = next(cell for cell in differences if cell["metric"] == difference_name(PRIMARY))
    primary["p"] = permutation_p(paired_values(ablated, base, _metric(PRIMARY)), config.seed)
    return values + differences


def per_seed(ablated: pd.DataFrame, base: pd.DataFrame, metric: Metric) -> list[float]:
    """Return the paired difference of each seed, in the order of the seeds."""
    pairs = [
        paired_values(ablated[ablated.seed == seed], base[base.seed == seed], metric)
        for seed in sorted(ablated.seed.unique())
    ]
    return [
        float(values.value.sum() / values.weight.sum()) if len(values) else np.nan
        for values in pairs
    ]


def permutation_p(differences: pd.DataFrame, seed: int) -> float:
    """Return the two-sided p of no difference.

    Exchange ablation and base for whole clusters: in every combination if there are at most
    `EXACT`, else in as many random ones.

    Args:
        differences: with the columns group and value.
        seed: of the random combinations.
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
    """Apply Holm's step-down correction (Holm 1979) to [n] p values.

    The k-th smallest is multiplied by n - k + 1; results are non-decreasing and at most 1.
    """
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected


def verdict(p_holm: float, differences: list[float]) -> str:
    """Return the verdict that the corrected p and the seeds' differences allow."""
    if len(differences) < SEEDS_FOR_A_VERDICT:
        return "none: one seed" if len(differences) == 1 else f"none: {len(differences)} seeds"
    agree = len(set(np.sign(differences))) == 1
    if p_holm >= SIGNIFICANT or not agree:
        return "no measurable change"
    return "worse" if differences[0] > 0 else "better"


def write_ablation_table(cells: pd.DataFrame, ablations: list[Ablation], folder: Path) -> None:
    """Write ablations.csv (full precision), ablations.md and ablations.tex (rounded)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "ablations.csv", cells.to_csv(index=False))
    primary = _layout(cells, ablations, _primary_line)
    descriptive = _layout(cells, ablations, _descriptive_line)
    write_text(
        folder / "ablations.md",
        (
            "# Ablations\n"
            "\n"
            f"{ABOUT}\n"
            "\n"
            f"{markdown_table(primary)}\n"
            "\n"
            "## Descriptive: differences in other metrics\n"
            "\n"
            f"{markdown_table(descriptive)}\n"
            "\n"
            "All metrics, each seed's difference and the rows behind each cell: ablations.csv. "
            "Figure: ../figures/ablations.png.\n"
        ),
    )
    write_text(
        folder / "ablations.tex",
        latex_table(primary, "llp{5cm}rrlrl"),
    )


def _layout(
    cells: pd.DataFrame,
    ablations: list[Ablation],
    line: Callable[[pd.DataFrame, Ablation], dict[str, str]],
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            line(cells[cells["row"] == ablation.name].set_index("metric"), ablation)
            for ablation in ablations
        ]
    )


def _primary_line(cells: pd.DataFrame, ablation: Ablation) -> dict[str, str]:
    difference = cells.loc[difference_name(PRIMARY)]
    label = _metric(PRIMARY).label
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
