# The README's two commands. They need Python >= 3.11 and make, and use no other Python environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test

demo: $(VENV)/.installed
	$(BIN)/groundcxr evaluate --dataset phantom --protocol v1 --out results \
		--method random --method center-prior --method whole-image --method class-mean-box --method oracle
	@echo "Look at these results in a browser: $(BIN)/groundcxr leaderboard"

test: $(VENV)/.installed
	$(BIN)/pytest tests -n auto --dist loadgroup

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[models,leaderboard,dev]"
	touch $@
