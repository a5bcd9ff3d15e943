# Every target first installs what it needs into .venv; Python 3.11, make and a package index are enough.
PYTHON ?= python3
TOOLS := .tools
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN := $(UV) run --frozen --no-sync
READY := .venv/.ready

.PHONY: setup demo serve test check types bench clean

setup: $(READY) ## install everything, developers' tools included

$(UV):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv

$(READY): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

demo: $(READY) ## real films, community ratings, a trained model, and the API on http://127.0.0.1:8000
	$(RUN) matinee demo

serve: $(READY) ## web workers, job worker and schedule in one process tree
	$(RUN) matinee serve

check: $(READY) ## style, types, layers, migrations
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) env MATINEE_DATA_DIR=$$(mktemp -d) matinee makemigrations --check --dry-run

test: check ## everything, on SQLite and on a real PostgreSQL
	$(RUN) coverage erase
	MATINEE_TEST_DATABASE=sqlite $(RUN) pytest -n 2 --cov --cov-report=
	MATINEE_TEST_DATABASE=postgresql $(RUN) pytest -n 2 --cov --cov-append --cov-report=
	$(RUN) coverage report --fail-under=95

bench: $(READY) ## the measured tables; see benchmarks/README.md
	$(RUN) python -m benchmarks.http

clean:
	rm -rf .venv $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
