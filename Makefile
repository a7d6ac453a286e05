# naclc: `make demo` shows it work, `make test` proves it. Both set up what they need, once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
FUZZ_SECONDS ?= 19
CXX_SOURCES = git ls-files '*.cpp' '*.hpp' ':!tests/golden'

.PHONY: demo test check format fuzz soak bench bench-rules packages clean help

help:           ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.user  ## compile, boot and test examples/firewall
	$(BIN)/naclc test examples/firewall/firewall.nacl --boot

test: $(VENV)/.dev   ## the whole test suite
	$(BIN)/python -m pytest -n 2 -q

check: $(VENV)/.dev  ## style, types, layers
	$(BIN)/ruff check naclc tests bench
	$(BIN)/ruff format --check naclc tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(CXX_SOURCES) | xargs $(BIN)/clang-format --dry-run --Werror

format: $(VENV)/.dev ## bring all code into its form
	$(BIN)/ruff check --fix-only -q naclc tests bench
	$(BIN)/ruff format -q naclc tests bench
	$(CXX_SOURCES) | xargs $(BIN)/clang-format -i

bench: $(VENV)/.dev  ## the figures: start-up, large policies, image, boot, forwarding
	$(BIN)/python -m bench

bench-rules: $(VENV)/.dev ## our decisions against DPDK's and others': table, bench-rules.json, pictures
	@.ci/system-packages peers
	$(BIN)/python -m bench.rules --json bench-rules.json --plots bench-rules

# atheris is installed where there is a wheel of it; the targets say so where there is none, and run without.
fuzz: $(VENV)/.dev   ## eleven targets, FUZZ_SECONDS=19 each: ten minutes at most
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --only-binary atheris -e '.[fuzz]' || true
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

soak: $(VENV)/.dev   ## a million random packets through a VM of each kind of NIC: three to ten minutes
	$(BIN)/python -m tests.soak

# The system packages are looked for each time (that takes a moment only); the virtual environment is made once.
packages:
	@.ci/system-packages

$(VENV)/.user: pyproject.toml | packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml | packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.user

clean:          ## remove what these commands made here
	rm -rf $(VENV) build dist bench-rules bench-rules.json .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
