# `make repro` and `make test` need git, make and Python 3.11 or 3.12; everything else comes from the lock file.
SHELL := /bin/bash
UV_VERSION := tools/uv-requirements.txt
PYTHON := $(shell for p in python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --locked --no-sync
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE  # else every stage compiles TensorFlow at its start, which takes seconds

.PHONY: repro lint test test-all bench audit verify transfer listen environment
repro: environment
	$(RUN) python -m pipeline.side_by_side

lint: environment
	$(RUN) ruff check pipeline stages tests benchmarks
	$(RUN) ruff format --check pipeline stages tests benchmarks

test: lint
	$(RUN) pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0 -m "not slow"

test-all: environment
	$(RUN) pytest

bench: environment
	$(RUN) python -m benchmarks.preparation reports/benchmarks/preparation.csv
	UV=$(UV) $(RUN) python -m benchmarks.training reports/benchmarks/training.csv

audit: environment
	$(RUN) python -m stages.audit .scratch/audit.json

verify: environment
	$(RUN) python -m pipeline.verify

transfer: environment
	@test -n "$$AUDIO" || { echo "error: no recording; run make transfer AUDIO=path/to/recording.wav" >&2; exit 1; }
	$(RUN) python -m pipeline.transfer -- "$$AUDIO"

listen:  # on port 0, which is any that is free, or on PORT
	$(PYTHON) -u -m http.server --bind 127.0.0.1 --directory reports $(or $(PORT),0)

environment: .venv/.synced

.venv/.synced: pyproject.toml uv.lock $(if $(filter .tools/bin/uv,$(UV)),.tools/bin/uv)
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 on the PATH; install one" >&2; exit 1; }
	$(UV) sync --locked --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')"
	$(RUN) python -c "import librosa.core.audio, librosa.core.pitch, librosa.util.utils"  # two processes that compile them at once spoil numba's cache
	@touch $@

.tools/bin/uv: $(UV_VERSION)
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 on the PATH; install one" >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --require-hashes --no-deps -r $(UV_VERSION)
	@touch $@
