# Needs Python 3.11 or newer with venv and pip, and make; everything else is set up on first use, into .venv.
# Only demo needs more (Node 20 with npm), test-clients (Java 17 and Maven too), and compose-test (a container engine).

PYTHON ?= python3
UV_VERSION := 0.13.9
# By the pip of PYTHON; where there is none, by one of .venv, which takes twice as long to make as all the rest.
UV := install --quiet --disable-pip-version-check uv==$(UV_VERSION)
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
STAMP := .venv/.synced
# The demo needs no tools of development: it takes what `make serve` has made, else only what the server imports.
RUNTIME := $(if $(wildcard $(STAMP)),$(STAMP),.venv/.runtime)
PAGE := examples/web/node_modules
PAGE_RUNTIME := $(if $(wildcard $(PAGE)/.installed),$(PAGE)/.installed,$(PAGE)/.runtime)
ARGS ?=

# The settings of `check --deploy`: a deployment as compose.yaml makes it. No connection to these hosts is opened.
PRODUCTION := SECRET_KEY=an-example-of-fifty-characters-0123456789-abcdefghijklmnopqrstuvwxyz \
	DATABASE_URL=postgres://parley@db/parley REDIS_URL=redis://redis:6379/0 \
	ALLOWED_HOSTS=chat.example.com HTTPS=1 WORKERS=2

export UV_PYTHON_DOWNLOADS := never
# Kept bytecode lets a server start in a third of the time, and the tests start more than a hundred.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve demo docs test test-clients coverage check compose-test chaos schema bench bench-full attack drill fuzz audit clean
.DEFAULT_GOAL := serve

serve: $(STAMP)
	@exec $(MANAGE) serve $(ARGS)

# A server, a page, people who talk: prints two links. Needs Node 20 with npm. PORT and PAGE_PORT name other ports.
demo: $(RUNTIME) $(PAGE_RUNTIME)
	@PYTHON=$(BIN)/python exec node examples/web/demo.mjs

# With the compiler of types, for the tests; and what the page is made of, for the demo.
$(PAGE)/.installed $(PAGE)/.runtime: examples/web/package-lock.json
	@command -v npm >/dev/null || { echo "make demo needs Node 20 or newer, with npm."; exit 1; }
	@cd examples/web && npm ci $(if $(filter %.runtime,$@),--omit=dev) --ignore-scripts --no-audit --no-fund
	@touch $@

# Everything but tests/docs, tests/packaging and the tests of the contract documents, which `make check` runs, on SQLite
# with the in-memory layer and on PostgreSQL with Redis, at once, because most of it waits, and the faults on both. ARGS
# selects the tests of one run: make test ARGS="tests/api -x".
test: $(STAMP)
	@PYTEST="$(BIN)/python -m pytest" sh tests/run.sh $(ARGS)

# Branch coverage of the product on SQLite, servers included; fails below the floor in pyproject.toml. Not measured: the
# tests that judge time and memory, which the measuring would change, and those of documents and packages.
UNMEASURED := bench chaos conformance docs engine generated_clients lifecycle packaging proxy sim realtime/test_memory.py \
	realtime/test_robustness.py realtime/server/test_bounds.py settings/test_descriptors.py
coverage: $(STAMP)
	@mkdir -p .var/coverage && $(BIN)/coverage erase
	@PARLEY_TEST_STACK=sqlite $(BIN)/coverage run -m pytest -q $(or $(ARGS),$(UNMEASURED:%=--ignore=tests/%)); failed=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/coverage report && exit $$failed

# The TypeScript package and the page of examples/web, linted and tested (Chromium comes from Debian for root), the
# clients that code generators make of the contracts, the client in JavaScript, and all cases of clients/conformance for
# our own clients.
test-clients: $(STAMP)
	@for tool in node npm java mvn; do command -v $$tool >/dev/null || { \
		echo "make test-clients needs Node 20 with npm, Java 17 and Maven; $$tool is not installed."; exit 1; }; done
	@TEST_CLIENTS=1 $(BIN)/python -m pytest $(or $(ARGS),tests/typescript_client tests/conformance tests/web \
		tests/generated_clients tests/docs/test_clients.py tests/docs/test_client_merge.py \
		tests/docs/test_snippets.py tests/docs/test_backend.py tests/docs/test_site.py)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MANAGE) makemigrations --check --dry-run
	$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) contracts --check
	$(BIN)/python -m pytest -q tests/docs tests/packaging tests/contracts/test_documents.py tests/contracts/test_generators.py
	@sh tests/contracts/lint_openapi.sh

# compose.yaml on this machine's container engine, by the commands of docs/; about ten minutes. ARGS=upgrade runs a part.
compose-test: $(STAMP)
	@$(BIN)/python -m tests.engine $(ARGS)

# The documents as a site, in .var/docs/site; a broken link fails.
docs: $(STAMP)
	@$(BIN)/uv sync --quiet --frozen --inexact --all-extras --group docs
	@$(BIN)/sphinx-build -q -W --keep-going -b html -c docs/site -d .var/docs/cache . .var/docs/site
	@echo "The site is in .var/docs/site."

# Four minutes of faults on three servers, PostgreSQL and Valkey; ARGS="--seed 7 --stack sqlite", ARGS=--planted.
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos $(ARGS)

# Writes openapi.yaml, asyncapi.yaml and the types of clients/typescript from the code.
schema: $(STAMP)
	$(MANAGE) contracts

# Fan-out, durable sends, lone devices, history, beside Socket.IO (with Node) and Centrifugo (with Go, which builds it
# once in some minutes); else ten minutes at most. The table is printed and kept in .var/bench.
bench: $(STAMP)
	$(BIN)/python -m tests.bench $(ARGS)

# Everything, about an hour; ARGS="--only sockets" measures a part.
bench-full: $(STAMP)
	$(BIN)/python -m tests.bench --full $(ARGS)

# What each attack burns and what honest users feel beside it; about half an hour. ARGS="--only pings --seconds 20".
attack: $(STAMP)
	$(BIN)/python -m tests.attack $(ARGS)

# Breaks what an operator can lose, and checks that probes, metrics and doctor show it; three minutes.
drill: $(STAMP)
	$(BIN)/python -m tests.drill $(ARGS)

# 200,000 odd requests and frames against a live server; ARGS="--cases 5000 --seed 7".
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(ARGS)

# Asks the advisory databases about every locked dependency; needs a way to them, and fails without.
audit: $(STAMP)
	@mkdir -p .var && $(BIN)/uv export --frozen --quiet --all-extras --no-dev --no-emit-project --output-file .var/requirements.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement .var/requirements.txt $(ARGS)

clean:
	rm -rf .venv .var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf tests/generated_clients/node_modules tests/generated_clients/build
	rm -rf examples/web/node_modules examples/web/dist tests/web/node_modules
	rm -rf clients/typescript/node_modules clients/typescript/dist clients/typescript/.readme clients/typescript/.conformance
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made again only when the lock or the project file changes.
$(STAMP) .venv/.runtime: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Parley needs Python 3.11 or newer; \`$(PYTHON)\` is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.11"; exit 1; }
	@echo "Setting up .venv (once; about half a minute) ..."
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv --without-pip .venv
	@$(BIN)/uv --version 2>/dev/null | grep -q "^uv $(UV_VERSION)" || $(PYTHON) -m pip --python $(BIN)/python $(UV) 2>/dev/null || \
		{ $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip $(UV); }
	@$(BIN)/uv sync --quiet --frozen --inexact $(if $(filter %.runtime,$@),--no-dev,--all-extras)
	@touch $@
