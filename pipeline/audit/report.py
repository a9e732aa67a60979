"""All checks, and the report of them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.audit import (
    cells,
    hashes,
    known_answers,
    models,
    printed,
    replayed,
    resynthesis,
    rows,
    settings,
    studies,
)
from pipeline.audit.checks import FAILS, NOT_RUN, SHOWN, Check, Project, read_project

CHECKS: tuple[Callable[[Project], Check], ...] = (
    rows.check_complete,
    rows.check_test_split,
    rows.check_undefined,
    rows.check_splits,
    cells.check_cells,
    cells.check_tests,
    cells.check_metrics,
    printed.check_resynthesis,
    printed.check_ablations,
    studies.check_rows,
    studies.check_ways,
    studies.check_cells,
    studies.check_printed,
    studies.check_tiny,
    settings.check_settings,
    settings.check_versions,
    settings.check_trainings,
    settings.check_paper,
    hashes.check_stages,
    hashes.check_params,
    hashes.check_inputs,
    hashes.check_sources,
    hashes.check_outputs,
    models.check_parameters,
    models.check_statistics,
    known_answers.check_metrics,
    resynthesis.check_resynthesis,
    replayed.check_played,
)


def audit(root: Path, checks: Iterable[Callable[[Project], Check]] = CHECKS) -> list[Check]:
    """Make every check; one that stumbles over what it reads fails with what it stumbled over,
    and the others are made.
    """
    project, done = read_project(root), []
    for check in checks:
        try:
            done.append(check(project))
        except Exception as error:  # a broken file must not hide what the other checks find
            done.append(
                Check(
                    f"{check.__module__.split('.')[-1]}.{check.__name__}",
                    "",
                    0,
                    [f"{type(error).__name__}: {error}"],
                )
            )
    return done


def failed(checks: list[Check]) -> list[Check]:
    """Those that do not hold."""
    return [check for check in checks if check.verdict == FAILS]


def write_report(checks: list[Check], data: Path) -> None:
    """Write DATA (JSON) and a Markdown file beside it."""
    values = [check._asdict() | {"verdict": check.verdict} for check in checks]
    data.write_text(json.dumps(values, indent=2) + "\n")
    lines = [
        f"| {check.name} | {check.looked_at} | {check.count} | {_verdict(check)} |"
        for check in checks
    ]
    findings = [f"- **{check.name}**: {text}" for check in failed(checks) for text in _shown(check)]
    outcome = (
        f"{len(failed(checks))} of {len(checks)} checks fail."
        if failed(checks)
        else "No check fails."
    )
    data.with_suffix(".md").write_text(
        "\n".join(
            [
                "# Audit",
                "",
                (
                    f"{outcome} Made without the code that made the reports, but for the models, "
                    "the tracker and the metrics where they are what is looked into "
                    "(pipeline/audit)."
                ),
                "",
                "| check | looked at | how many | verdict |",
                "| --- | --- | --- | --- |",
                *lines,
                *(["", "## What does not hold", "", *findings] if findings else []),
                "",
            ]
        )
    )


def _verdict(check: Check) -> str:
    return f"not run: {check.not_run}" if check.verdict == NOT_RUN else check.verdict


def _shown(check: Check) -> list[str]:
    more = len(check.findings) - SHOWN
    return [*check.findings[:SHOWN], *([f"and {more} more"] if more > 0 else [])] or [
        "looked at nothing"
    ]
