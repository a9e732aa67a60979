"""The audit of the smoke project: what passes, what cannot run, what fails, what it reports."""

import json
import shutil
from functools import partial

import pytest

from commands import error_line, run
from pipeline.audit import cells, known_answers, models, replay_checks, resynthesis, rows
from pipeline.audit.checks import Check, read_project
from pipeline.audit.report import CHECKS, audit, failed
from tampering import edit_table, edit_values

SLOW = (
    known_answers.check_metrics,
    resynthesis.check_resynthesis,
    replay_checks.check_replays,
)
# holds or is not run, by whether the sources changed since `make conformance`
CONFORMANCE = "every module agrees or departs by name"
# checks of what the smoke size does not have
ABSENT = {"the tiny model's table agrees with resynthesis.csv"}
NEED_CHECKPOINTS_OR_EXAMPLES = {
    "parameter counts match the checkpoints",
    "loudness statistics come from the training split",
    "checkpoints reproduce the rows",
    "checkpoints reproduce the study rows",
}


def test_the_untouched_report_passes(smoke_project):
    outcomes = json.loads((smoke_project / "reports" / "audit.json").read_text())
    assert len(outcomes) == len(CHECKS)
    open_checks = {check["name"] for check in outcomes if check["verdict"] != "holds"}
    assert open_checks - {CONFORMANCE} == ABSENT
    markdown = (smoke_project / "reports" / "audit.md").read_text()
    assert "No check fails." in markdown
    assert all(check["name"] in markdown for check in outcomes)


def test_an_untouched_clone_passes(clone):
    checks = [check for check in CHECKS if check not in SLOW]
    assert [check.name for check in failed(audit(clone, checks))] == []


def test_without_checkpoints_only_the_checks_that_need_them_do_not_run(clone):
    shutil.rmtree(clone / "models")
    shutil.rmtree(clone / "data")
    checks = [check for check in CHECKS if check is not known_answers.check_metrics]
    verdicts = {check.name: check.verdict for check in audit(clone, checks)}
    assert verdicts.pop(CONFORMANCE) != "fails"
    not_run = NEED_CHECKPOINTS_OR_EXAMPLES | ABSENT
    assert {name for name, verdict in verdicts.items() if verdict == "not run"} == not_run
    assert {verdict for name, verdict in verdicts.items() if name not in not_run} == {"holds"}


def test_a_check_that_could_run_only_in_part_still_reports_its_findings(clone):
    shutil.rmtree(clone / "models")
    edit_table("reports/tables/parameters.csv", lambda t: t.assign(parameters="7"))(clone)
    (check,) = audit(clone, [models.check_parameters])
    assert check.verdict == "fails" and check.findings


def increase(metric, rows):
    return rows.assign(**{metric: rows[metric] * 1.1 + 0.1})


def test_study_rows_that_the_checkpoints_do_not_give_are_found(clone):
    edited = {
        "control-supervised-0": "loudness_l1_db",
        "phase-supervised-0": "spectral_loss_to_original",
        "extrapolation-no_z-0": "loudness_l1_db",
        "timbre_transfer-supervised-0": "f0_l1",
    }
    for name, metric in edited.items():
        edit_table(f"reports/studies/{name}.parquet", partial(increase, metric))(clone)
    (check,) = audit(clone, [replay_checks.check_replays])
    assert {finding.split(".parquet")[0] for finding in check.findings} == set(edited)
    for metric in edited.values():
        assert any(f"{metric} is " in finding for finding in check.findings)


def test_a_broken_metric_is_found(monkeypatch, smoke_project):
    honest = known_answers.evaluate

    def broken(*arguments):
        row = honest(*arguments)
        return row | {"f0_l1": row["f0_l1"] * 0.9}

    monkeypatch.setattr(known_answers, "evaluate", broken)
    check = known_answers.check_metrics(read_project(smoke_project))
    assert check.verdict == "fails"
    assert all("f0_l1" in finding for finding in check.findings)


def test_a_file_that_cannot_be_read_fails_its_check_and_no_other(clone):
    (clone / "reports" / "metrics.json").write_text("{")
    metrics, complete = audit(clone, [cells.check_metrics, rows.check_complete])
    assert (metrics.verdict, complete.verdict) == ("fails", "holds")
    assert "JSONDecodeError" in metrics.findings[0]


@pytest.mark.parametrize(
    ("findings", "not_run", "verdict"),
    [
        ([], "", "fails"),
        ([], "no checkpoints", "not run"),
        (["wrong"], "no checkpoints", "fails"),
    ],
)
def test_a_check_that_looked_at_nothing_does_not_hold(findings, not_run, verdict):
    assert Check("", "", 0, findings, not_run).verdict == verdict


def test_the_command_names_the_checks_that_fail_and_exits_with_1(clone):
    edit_values("reports/metrics.json", lambda v: v["supervised"].update(f0_l1=0.01))(clone)
    shutil.rmtree(clone / "models")
    shutil.rmtree(clone / "data")
    done = run(clone, "python", "-m", "stages.audit", "out/audit.json", check=False)
    line = error_line(done)
    assert done.returncode == 1
    assert line.startswith("error: audit: ")
    assert "metrics.json agrees with the tables" in line
    assert "0.01" in (clone / "out" / "audit.md").read_text()
