"""Run all checks and write their report."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.audit import (
    ablation_tests,
    cells,
    conformance,
    hashes,
    known_answers,
    models,
    printed,
    replay_checks,
    resynthesis,
    rows,
    settings,
    study_cells,
    study_rows,
)
from pipeline.audit.checks import FAILS, NOT_RUN, SHOWN, Check, Project, read_project

CHECKS: tuple[Callable[[Project], Check], ...] = (
    rows.check_complete,
    rows.check_test_split,
    rows.check_undefined,
    rows.check_splits,
    cells.check_cells,
    ablation_tests.check_tests,
    cells.check_metrics,
    printed.check_resynthesis,
    printed.check_ablations,
    study_rows.check_rows,
    study_rows.check_trajectories,
    study_cells.check_cells,
    study_cells.check_printed,
    study_cells.check_tiny,
    settings.check_settings,
    settings.check_versions,
    settings.check_trainings,
    settings.check_paper,
    hashes.check_stages,
    hashes.check_params,
    hashes.check_inputs,
    hashes.check_sources,
    hashes.check_outputs,
    conformance.check_conformance,
    models.check_parameters,
    models.check_statistics,
    known_answers.check_metrics,
    resynthesis.check_resynthesis,
    replay_checks.check_replays,
)
METHOD = (
    "The checks do not use the code that made the reports, except for the models, the f0 tracker, "
    "the metrics and the studies' playing where these are what is checked (pipeline/audit)."
)


def audit(root: Path, checks: Iterable[Callable[[Project], Check]] = CHECKS) -> list[Check]:
    """Run every check on a clone.

    A check that cannot read a file fails with that error; the others still run.
    """
    project = read_project(root)
    return [_run(check, project) for check in checks]


def _run(check: Callable[[Project], Check], project: Project) -> Check:
    try:
        return check(project)
    except Exception as error:  # a broken file must not hide what the other checks find
        name = f"{check.__module__.split('.')[-1]}.{check.__name__}"
        return Check(name, "", 0, [f"{type(error).__name__}: {error}"])


def failed(checks: list[Check]) -> list[Check]:
    """Return the checks that fail."""
    return [check for check in checks if check.verdict == FAILS]


def write_report(checks: list[Check], data: Path) -> None:
    """Write `data` (JSON) and a Markdown file of the same name."""
    values = [check._asdict() | {"verdict": check.verdict} for check in checks]
    data.write_text(json.dumps(values, indent=2) + "\n")
    data.with_suffix(".md").write_text(_markdown(checks))


def _markdown(checks: list[Check]) -> str:
    failures = failed(checks)
    outcome = f"{len(failures)} of {len(checks)} checks fail." if failures else "No check fails."
    lines = [
        "# Audit",
        "",
        f"{outcome} {METHOD}",
        "",
        "| check | looked at | count | verdict |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {check.name} | {check.looked_at} | {check.count} | {_verdict(check)} |"
        for check in checks
    ]
    if failures:
        lines += ["", "## What does not hold", ""]
        lines += [
            f"- **{check.name}**: {_plain(text)}" for check in failures for text in _shown(check)
        ]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Keep a finding, which may quote a user's text, on one line and free of markup."""
    return re.sub(r"[\\*`<~]", r"\\\g<0>", " ".join(text.split()))


def _verdict(check: Check) -> str:
    return f"not run: {check.not_run}" if check.verdict == NOT_RUN else check.verdict


def _shown(check: Check) -> list[str]:
    """Return the findings that the report lists."""
    if not check.findings:
        return ["looked at nothing"]
    more = len(check.findings) - SHOWN
    return [*check.findings[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
