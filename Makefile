# `make repro` and `make test` need git, make and a Python from 3.11 to 3.13; everything else comes from the lock file.
SHELL := /bin/bash
UV_VERSION := tools/uv-requirements.txt
# 3.13 comes last: tinysoundfont has no wheel for it and is built from source
PYTHON := $(shell for p in python3.12 python3.11 python3 python python3.13; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
# enough to install uv, and to serve the page
ANY_PYTHON := $(or $(PYTHON),$(shell command -v python3 || command -v python))
NO_PYTHON := error: no Python 3.11, 3.12 or 3.13 on the PATH; install one
NOT_BUILT := error: Python 3.13 needs CMake and a C++ compiler for tinysoundfont, which has no wheel; install them, or Python 3.12
# uv of the PATH only in the pinned version: others read the lock file and build packages in other ways
UV := $(shell pinned=$$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' $(UV_VERSION)); \
	[ "$$(uv --version 2>/dev/null | cut -d' ' -f2)" = "$$pinned" ] && command -v uv || echo .tools/bin/uv)
RUN := $(UV) run --locked --no-sync
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport UV_PYTHON  # else uv run looks for the Python that a user named there
unexport PYTHONDONTWRITEBYTECODE  # else every stage compiles TensorFlow at its start, which takes seconds

.PHONY: repro lint test test-all bench conformance audit verify transfer listen environment
repro: environment
	$(RUN) python -m pipeline.side_by_side

lint: environment
	$(RUN) ruff check pipeline stages tests benchmarks conformance tools
	$(RUN) ruff format --check pipeline stages tests benchmarks conformance tools

test: lint
	$(RUN) pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0 -m "not slow"

test-all: environment
	$(RUN) pytest

bench: environment
	$(RUN) python -m benchmarks.preparation reports/benchmarks/preparation.csv
	UV=$(UV) $(RUN) python -m benchmarks.training reports/benchmarks/training.csv

conformance: environment
	UV=$(UV) $(RUN) python -m conformance.table reports/conformance.csv

audit: environment
	$(RUN) python -m stages.audit .scratch/audit.json

verify: environment
	$(RUN) python -m pipeline.verify

transfer: environment
	@test -n "$$AUDIO" || { echo "error: no recording; run make transfer AUDIO=path/to/recording.wav" >&2; exit 1; }
	$(RUN) python -m pipeline.transfer $${OUT:+--out="$$OUT"} -- "$$AUDIO"

listen:  # on port 0, which is any that is free, or on PORT
	@test -n "$(ANY_PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@$(ANY_PYTHON) tools/serve.py reports --port "$(or $(PORT),0)"

environment: .venv/.synced

.venv/.synced: pyproject.toml uv.lock $(if $(filter .tools/bin/uv,$(UV)),.tools/bin/uv)
	@test -n "$(PYTHON)" || $(UV) python find --quiet 3.12 >/dev/null 2>&1 || { \
		echo "no Python 3.11, 3.12 or 3.13 on the PATH; uv downloads 3.12 (30 MB) into its own folder" >&2; \
		UV_PYTHON_DOWNLOADS=manual $(UV) python install --quiet 3.12 2>/dev/null || { echo "$(NO_PYTHON)" >&2; exit 1; }; }
	$(UV) sync --locked --python "$(or $(shell "$(PYTHON)" -c 'import sys; print(sys.executable)' 2>/dev/null),3.12)" || { \
		"$(or $(PYTHON),false)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$(NOT_BUILT)" >&2; exit 1; }
	$(RUN) python -c "import librosa.core.audio, librosa.core.pitch, librosa.util.utils"  # two processes that compile them at once spoil numba's cache
	@touch $@

.tools/bin/uv: $(UV_VERSION)
	@test -n "$(ANY_PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	$(ANY_PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --require-hashes --no-deps -r $(UV_VERSION)
	@touch $@
