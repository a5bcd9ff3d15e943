# Every target first installs what it needs into .venv; Python 3.11, make and a package index are enough.
PYTHON ?= python3
TOOLS := .tools
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN := $(UV) run --frozen --no-sync
READY := .venv/.ready
# MovieLens-100K as one package of the index carries it: read by a few tests, never installed, never committed.
ML100K := $(TOOLS)/data/recbole-1.2.1-py3-none-any.whl
PYTEST := $(RUN) env MATINEE_TEST_ML100K=$(abspath $(ML100K)) pytest -n 2
LANE_NOTES := $(abspath $(TOOLS)/tests-that-meet-the-lane)
SOAKED := tests/operations/backups tests/operations/test_killed_processes.py tests/api/test_what_i_did.py \
	tests/recommendations/test_damaged_models.py tests/operations/test_rolling_restart.py \
	tests/operations/test_sessions_in_service.py tests/operations/test_crowd.py tests/accounts/test_sessions.py \
	tests/core/jobs/test_killed_workers.py tests/tmdb/test_two_runs.py tests/search/test_killed_indexers.py \
	tests/operations/test_fuzzing.py tests/operations/test_upgrade.py tests/core/jobs/test_two_nodes.py \
	tests/api/test_idempotency.py
# Those that assert times, or that nobody is refused: nothing else runs beside them.
SOAKED_ALONE := tests/operations/test_outages.py tests/operations/test_database_away.py tests/operations/test_overload.py \
	tests/operations/test_hostile_connections.py tests/operations/test_found_soon.py \
	tests/operations/test_migrations_of_many_rows.py \
	tests/accounts/test_sign_in_times.py tests/accounts/test_export_times.py
# What must not be wrong: who somebody is and may, what is encrypted, erased and taken in. Every branch of it is covered.
COVERED_WHOLE := src/matinee/accounts/*,src/matinee/api/authentication.py,src/matinee/core/ciphers.py,src/matinee/operations/access.py,src/matinee/transfer/*
# Whatever the environment says of it: else each of the many processes that tests start compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(abspath $(TOOLS)/bytecode)

.PHONY: setup demo serve test test-spark test-upgrade soak check mutants bench bench-recommender bench-serving bench-scale bench-scale-spark bench-nodes bench-search clean

setup: $(READY) ## install everything, developers' tools included

$(UV):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv

$(READY): pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --frozen --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

$(ML100K):
	-$(PYTHON) -m pip download --quiet --no-deps --dest $(@D) recbole==1.2.1

demo: $(READY) ## real films, community ratings, a trained model, and the API on http://127.0.0.1:8000; PORT=8001 for another port
	$(RUN) matinee demo $(if $(PORT),--port $(PORT))

serve: $(READY) ## web workers, job worker and schedule in one process tree
	$(RUN) matinee serve

check: $(READY) ## style, types, layers, and that migrations are there and stand a rolling restart
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	test "$$(uname)" != Linux || $(RUN) hadolint Dockerfile
	$(RUN) env MATINEE_DATA_DIR=$$(mktemp -d) matinee makemigrations --check --dry-run
	$(RUN) python scripts/lint_migrations.py

test: check $(ML100K) ## everything, on SQLite and on a real PostgreSQL
	$(RUN) coverage erase
	rm -f $(LANE_NOTES)
	MATINEE_TEST_DATABASE=sqlite MATINEE_TEST_LANE_NOTES=$(LANE_NOTES) $(PYTEST) --cov --cov-report=
	MATINEE_TEST_DATABASE=postgresql MATINEE_TEST_MEASURED=1 $(PYTEST) -m database
	MATINEE_TEST_FAST_LANE=off MATINEE_TEST_LANE_NOTES=$(LANE_NOTES) $(PYTEST) tests/api
	$(RUN) coverage combine --quiet --append
	$(RUN) coverage report --fail-under=95
	$(RUN) coverage report --fail-under=100 --include="$(COVERED_WHOLE)"

test-spark: $(READY) $(UV) ## training counted by Spark, in an environment of its own; needs Java, brings 500 MB
	UV_PROJECT_ENVIRONMENT=$(TOOLS)/spark $(UV) run --frozen --extra spark pytest tests/recommendations/test_on_spark.py

test-upgrade: $(READY) ## an older program on the present schema, and its data under the present one; FROM=<tag or commit>
	MATINEE_TEST_UPGRADE_FROM=$(or $(FROM),before-the-last-migration) MATINEE_TEST_DATABASE=sqlite $(RUN) pytest tests/operations/test_upgrade.py
	MATINEE_TEST_UPGRADE_FROM=$(or $(FROM),before-the-last-migration) MATINEE_TEST_DATABASE=postgresql $(RUN) pytest tests/operations/test_upgrade.py

soak: soak-sqlite soak-postgresql ## tests of chance ten times as often: kills, drills; TIMES=100 for more

soak-%: $(READY)
	MATINEE_TEST_ROUNDS=$(or $(TIMES),10) MATINEE_TEST_DATABASE=$* $(PYTEST) $(SOAKED)
	MATINEE_TEST_ROUNDS=$(or $(TIMES),10) MATINEE_TEST_DATABASE=$* $(PYTEST) -n 0 $(SOAKED_ALONE)

mutants: $(READY) ## what small changes to the code that must not be wrong the tests notice: half an hour; ONLY="tokens erase" for some groups
	$(RUN) python scripts/mutants.py $(ONLY)

bench: $(READY) ## the measured tables; see benchmarks/README.md
	$(RUN) python -m benchmarks.http

bench-recommender: $(READY) $(ML100K) ## the recommender beside its peers: an hour, and 3 GB of their packages
	$(RUN) env MATINEE_TEST_ML100K=$(abspath $(ML100K)) python -m benchmarks.recommender

bench-serving: $(READY) ## what one answer of the recommender costs, beside implicit and LensKit
	$(RUN) python -m benchmarks.recommender.serving

bench-scale: $(READY) ## how its training grows up to 25 million made-up ratings, beside implicit's ALS
	$(RUN) python -m benchmarks.recommender.scale

bench-scale-spark: $(READY) $(UV) ## the same fit, its ratings counted by Spark: needs Java, brings 500 MB
	UV_PROJECT_ENVIRONMENT=$(TOOLS)/spark $(UV) run --frozen --extra spark python -m benchmarks.recommender.scale --engine spark

bench-nodes: $(READY) ## one node beside two, and what a row takes
	$(RUN) python -m benchmarks.scale

bench-search: $(READY) ## search beside FTS5, PostgreSQL and rapidfuzz on questions whose answer is known
	$(RUN) python -m benchmarks.search --fit

clean:
	rm -rf .venv $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
