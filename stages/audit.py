"""Audit the reports by recomputing them independently; fail if a check fails."""

from pathlib import Path

from pipeline.audit.report import audit, failed, write_report
from pipeline.common.cli import UserError, run_stage


def main(out: Path, root: Path = Path(".")) -> None:
    """Read the reports under ROOT; write OUT (JSON) and a Markdown file beside it."""
    checks = audit(root)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_report(checks, out)
    for check in checks:
        print(f"{check.verdict:8} {check.name} ({check.count})")
    failures = failed(checks)
    if failures:
        names = ", ".join(check.name for check in failures)
        raise UserError(f"audit: {names}: see {out.with_suffix('.md')}")


if __name__ == "__main__":
    run_stage(main)
