"""Which examples the page lets one hear: the best, the middle one, and the worst by each metric."""

import pandas as pd

from pipeline.common.cli import UserError
from pipeline.reporting.cells import example_values
from pipeline.reporting.columns import Metric


def pick(
    rows: pd.DataFrame, metrics: tuple[Metric, ...], worst_by: list[str], best: bool = True
) -> dict[str, list[str]]:
    """Example ids with the reasons for which they were picked, each once.

    Best and median are by the first metric of `worst_by`. Lower is better, but for names with a
    minus sign before them. A metric in which all examples are equal picks none.
    """
    found: dict[str, list[str]] = {}
    for number, name in enumerate(worst_by):
        metric = _named(metrics, name.removeprefix("-"))
        order = _ordered(rows, metric, descending=name.startswith("-"))
        if not len(order) or order.iloc[0] == order.iloc[-1]:
            continue
        if not number:
            wanted = [("best", 0)] if best else []
            for word, position in (*wanted, ("median", (len(order) - 1) // 2)):
                found.setdefault(order.index[position], []).append(f"{word} {_short(metric)}")
        found.setdefault(order.index[-1], []).append(f"worst {_short(metric)}")
    return found or {name: ["first"] for name in sorted(rows.example_id)[:1]}


def _named(metrics: tuple[Metric, ...], name: str) -> Metric:
    for metric in metrics:
        if metric.name == name:
            return metric
    raise UserError(
        f"params.yaml: page.worst_by: no metric '{name}'; known: "
        f"{', '.join(metric.name for metric in metrics)}"
    )


def _short(metric: Metric) -> str:
    """A metric's label within a sentence, without what stands in brackets."""
    label = metric.label.partition(" (")[0]
    return label[0].lower() + label[1:] if label[1].islower() else label


def _ordered(rows: pd.DataFrame, metric: Metric, descending: bool) -> pd.Series:
    """A metric by example id, from the best to the worst."""
    values = example_values(rows, metric).sort_values("example_id").set_index("example_id")
    shown = values.value / values.weight if metric.denominator else values.value
    return shown.sort_values(ascending=not descending, kind="stable")
