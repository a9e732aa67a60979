"""Recompute the permutation tests, Holm's correction and the verdicts of the ablations."""

from collections.abc import Iterator

from pipeline.audit.cells import (
    DIFFERENCE,
    PRIMARY,
    ablations_of,
    base_of,
    metric_values,
    read_cells,
)
from pipeline.audit.checks import Check, Project, same
from pipeline.audit.estimates import Values, paired_differences, permutation_p, weighted_mean

NAME = "ablation tests and verdicts follow from the rows"
TABLE = "reports/tables/ablations.csv"
SEEDS_FOR_VERDICT = 3
SIGNIFICANCE = 0.05


def check_tests(project: Project) -> Check:
    """Recompute p values, Holm's correction, each seed's difference and the verdicts."""
    path = project.root / TABLE
    ablations = ablations_of(project)
    if not path.exists():
        return Check(NAME, TABLE, 0, [], "" if ablations else "params.yaml has no ablations")
    lines = [line for line in read_cells(path) if line["metric"] == PRIMARY + DIFFERENCE]
    findings = []
    if {line["row"] for line in lines} != set(ablations):
        findings.append("ablations.csv: its rows are not the ablations of params.yaml")
    corrected = holm({line["row"]: float(line["p"]) for line in lines})
    for line in lines:
        row = line["row"]
        findings += [f"{row}: {text}" for text in _findings(project, line, corrected[row])]
    return Check(NAME, TABLE, len(lines), findings)


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Correct p values for multiple tests with Holm's method."""
    corrected = {}
    highest = 0.0
    for place, (row, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, p * (len(p_values) - place))
        corrected[row] = min(1.0, highest)
    return corrected


def _findings(project: Project, line: dict[str, str], p_holm: float) -> Iterator[str]:
    """Compare an ablation's line with its rows and with Holm's corrected p."""
    seeds = sorted(project.params["seeds"])
    base = base_of(project, line["row"])
    files = [f"{line['row']}-{seed}" for seed in seeds]
    base_files = [f"{base}-{seed}" for seed in seeds]
    if not all(name in project.rows for name in (*files, *base_files)):
        yield "rows are missing"
        return
    p = permutation_p(_differences(project, files, base_files))
    if p is not None and not same(float(line["p"]), p, 1e-6):
        yield f"p is {line['p']}, the rows give {p:.6g}"
    if not same(float(line["p_holm"]), p_holm):
        yield f"Holm's p is {line['p_holm']}, expected {p_holm:.6g}"
    by_seed = [
        weighted_mean(_differences(project, [file], [base]))
        for file, base in zip(files, base_files, strict=True)
    ]
    stated = [float(value) for value in line["per_seed"].split()]
    if len(stated) != len(by_seed) or not all(map(same, stated, by_seed)):
        yield f"the difference by seed is {line['per_seed']}, the rows give {by_seed}"
    expected = verdict(p_holm, by_seed)
    if line["verdict"] != expected:
        yield f"the verdict is {line['verdict']!r}, expected {expected!r}"


def _differences(project: Project, files: list[str], base_files: list[str]) -> Values:
    """Return the paired differences of the primary metric."""
    values = metric_values(project, files, PRIMARY)
    return paired_differences(values, metric_values(project, base_files, PRIMARY))


def verdict(p_holm: float, by_seed: list[float]) -> str:
    """Judge an ablation by its corrected p and the difference of each seed.

    A verdict needs three seeds; a change needs a significant p and seeds that all agree in sign.
    """
    if len(by_seed) == 1:
        return "none: one seed"
    if len(by_seed) < SEEDS_FOR_VERDICT:
        return f"none: {len(by_seed)} seeds"
    agree = min(by_seed) > 0 or max(by_seed) < 0
    if p_holm >= SIGNIFICANCE or not agree:
        return "no measurable change"
    return "worse" if by_seed[0] > 0 else "better"
