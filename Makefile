# Targets with one line of help each: make help. PYTHON names the interpreter to build with.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
bin := Scripts
else
PYTHON ?= python3
bin := bin
endif

venv := .venv/$(bin)
wheel_venv := .wheel-venv/$(bin)
# Viewer tests need a screen with OpenGL; without xvfb-run they use the one that is there.
screen := $(if $(shell command -v xvfb-run 2>/dev/null),xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX")
old_python := Python 3.11 or newer is needed, this is %s; name another one with PYTHON=...

.NOTPARALLEL:
.PHONY: help demo test check suite wheel clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1@/p' $(firstword $(MAKEFILE_LIST)) | tr '@' '\t'

demo: .venv/.all ## Run the tour of the sample studies: sentences, tables and pictures
	$(venv)/latentattr demo --view

test: check suite wheel ## Everything that a change must pass

check: .venv/.dev ## Format, lint, types and import directions
	$(venv)/ruff format --check .
	$(venv)/ruff check .
	$(venv)/mypy
	$(venv)/lint-imports

# The tests' networks are tiny: threads that wait for each other cost ten times what they gain.
suite: export OMP_NUM_THREADS := 1
suite: .venv/.dev ## All tests
	$(screen) $(venv)/python -m pytest

wheel: .venv/.dev ## Build the wheel and check it in an empty environment
	rm -rf build dist
	$(venv)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv --clear .wheel-venv
	$(wheel_venv)/python -m pip install --quiet -c constraints.txt "$$(echo dist/*.whl)[all]"
	cd dist && ../$(wheel_venv)/python -I ../scripts/check_wheel.py

clean: ## Remove everything that was built or installed here
	rm -rf .venv .wheel-venv build dist latentattr-demo src/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The extra `dev` holds everything that `all` does, so it makes both stamps.
.venv/.dev: extra := dev
.venv/.all: extra := all
.venv/.dev .venv/.all: pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('$(old_python)' % sys.version.split()[0])"
	@echo "Installing into .venv; the first time takes a few minutes ..."
	$(PYTHON) -m venv .venv
	$(venv)/python -m pip install --quiet -c constraints.txt -e ".[$(extra)]"
	@touch .venv/.all $@
