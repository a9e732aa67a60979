"""DVC in places and ways that users have: a subfolder, odd paths, a worktree, CRLF, two at once."""

import subprocess
import sys
from time import sleep

import pytest
import yaml

from commands import ENVIRONMENT, copy_repository, run
from conftest import need_git

ODD = "a clone [of mine] für später"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A commit of this repository's files under an odd path. Tests share it."""
    need_git()
    folder = tmp_path_factory.mktemp("places") / ODD / "ddsp"
    copy_repository(folder)
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "all")
    return folder


def checks(folder, stage="check"):
    """Run stage `check`, which reads params.yaml and code, with DVC."""
    return run(folder, "dvc", "repro", "--force", "--single-item", stage).stdout


def test_a_path_with_spaces_brackets_and_umlauts(repository):
    assert "Running stage 'check'" in checks(repository)


def test_a_subfolder(repository):
    assert "Running stage '../dvc.yaml:check'" in checks(repository / "docs", "../dvc.yaml:check")


def test_a_worktree(repository):
    worktree = repository.parent / "work tree"
    run(repository, "git", "worktree", "add", "--quiet", "--detach", str(worktree))
    assert "Running stage 'check'" in checks(worktree)


def test_params_with_crlf(repository):
    params = repository / "params.yaml"
    unix = params.read_bytes()
    assert b"\r" not in unix
    try:
        params.write_bytes(unix.replace(b"\n", b"\r\n"))
        assert "Running stage 'check'" in checks(repository)
    finally:
        params.write_bytes(unix)


def test_a_second_repro_while_one_runs_ends_in_one_line_or_waits(tmp_path):
    """The first ends as if it were alone."""
    command = "touch begun && until test -e go; do sleep 0.1; done && echo done > out"
    stages = {"slow": {"cmd": command, "outs": ["out"]}}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    run(tmp_path, "git", "init", "--quiet")
    run(tmp_path, "dvc", "init", "--quiet")
    first = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    while first.poll() is None and not (tmp_path / "begun").exists():
        sleep(0.05)
    second = run(tmp_path, "dvc", "repro", check=False)
    (tmp_path / "go").touch()
    assert "Running stage 'slow'" in first.communicate()[0] and first.returncode == 0
    assert second.returncode != 0 and "Traceback" not in second.stderr
    assert "busy" in second.stderr or "lock" in second.stderr
    assert (tmp_path / "out").read_text() == "done\n"
    assert "up to date" in run(tmp_path, "dvc", "repro").stdout
