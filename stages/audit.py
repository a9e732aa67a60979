"""Audit the reports: what they say, found out again by another way. Exits with a status when a
check fails.
"""

from pathlib import Path

from pipeline.audit.report import audit, failed, write_report
from pipeline.common.cli import UserError, run_stage


def main(out: Path, root: Path = Path(".")) -> None:
    """Reads the whole of ROOT; writes OUT (JSON) and a Markdown file beside it."""
    checks = audit(root)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_report(checks, out)
    for check in checks:
        print(f"{check.verdict:8} {check.name} ({check.count})")
    wrong = failed(checks)
    if wrong:
        raise UserError(
            f"audit: {', '.join(check.name for check in wrong)}: see {out.with_suffix('.md')}"
        )


if __name__ == "__main__":
    run_stage(main)
