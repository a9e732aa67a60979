"""Pick the examples that the page plays: best, median, and worst by each metric."""

import pandas as pd

from pipeline.common.cli import UserError
from pipeline.page.listing import MODELS
from pipeline.reporting.cells import example_values
from pipeline.reporting.columns import METRICS, Metric
from pipeline.reporting.studies import TABLES


def pick(
    rows: pd.DataFrame, metrics: tuple[Metric, ...], worst_by: list[str], best: bool = True
) -> dict[str, list[str]]:
    """Pick examples by their metrics.

    A metric in which all examples are equal picks none. If none is picked, the first example is.

    Args:
        rows: of one experiment, at least one per example.
        metrics: that `worst_by` may name.
        worst_by: names of metrics; lower is better unless a minus sign precedes the name. The
            first one also picks the best and the median example.
        best: whether to pick the best example.

    Returns:
        The reasons by example id.
    """
    reasons: dict[str, list[str]] = {}
    for number, name in enumerate(worst_by):
        metric = _named(metrics, name.removeprefix("-"))
        order = _ordered(rows, metric, descending=name.startswith("-"))
        if not len(order) or order.iloc[0] == order.iloc[-1]:
            continue
        if not number:
            places = [("best", 0)] if best else []
            for rank, position in (*places, ("median", (len(order) - 1) // 2)):
                reasons.setdefault(order.index[position], []).append(f"{rank} {_short(metric)}")
        reasons.setdefault(order.index[-1], []).append(f"worst {_short(metric)}")
    return reasons or {name: ["first"] for name in sorted(rows.example_id)[:1]}


def _named(metrics: tuple[Metric, ...], name: str) -> Metric:
    for metric in metrics:
        if metric.name == name:
            return metric
    raise UserError(
        f"params.yaml: page.worst_by: no metric '{name}'; known: "
        f"{', '.join(metric.name for metric in metrics)}"
    )


def check_worst_by(worst_by: dict[str, list[str]]) -> None:
    """Raise a UserError unless `page.worst_by` names tables and their metrics.

    Args:
        worst_by: metrics by table, or by `models`; see `pick`.
    """
    tables = {MODELS: METRICS} | {table.name: table.metrics for table in TABLES}
    for table, names in worst_by.items():
        if table not in tables:
            raise UserError(
                f"params.yaml: page.worst_by.{table}: neither the models nor a study's table; "
                f"known: {', '.join(tables)}"
            )
        for name in names:
            _named(tables[table], name.removeprefix("-"))


def _short(metric: Metric) -> str:
    """Return a metric's label for use within a sentence, without its parentheses."""
    label = metric.label.partition(" (")[0]
    return label[0].lower() + label[1:] if label[1].islower() else label


def _ordered(rows: pd.DataFrame, metric: Metric, descending: bool) -> pd.Series:
    """Return a metric by example id, from best to worst."""
    values = example_values(rows, metric).sort_values("example_id").set_index("example_id")
    shown = values.value / values.weight if metric.denominator else values.value
    return shown.sort_values(ascending=not descending, kind="stable")
