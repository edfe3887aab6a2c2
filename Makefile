# The README's two commands. They need Python >= 3.11 and make, and use no other Python environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check

# Controls, the bundled models, and three ways of one of them to a map. What the diffusion model makes of the wrong phrase
# is in docs/phantom.md: it takes as long as all of this.
DEMO := --method random --method center-prior --method whole-image --method class-mean-box --method text-prior --method oracle \
	--method clip-phantom --method clip-phantom-shuffled=shuffled-phrase \
	--set clip-phantom-shuffled.method=clip-phantom \
	--method ldm-phantom \
	--method noise-once=ldm-phantom --set noise-once.extraction=noise-once \
	--method noise-difference=ldm-phantom --set noise-difference.extraction=noise-difference

demo: $(VENV)/.installed
	$(BIN)/groundcxr evaluate --dataset phantom --protocol v1 --out results $(DEMO)
	@echo "Look at these results in a browser: $(BIN)/groundcxr leaderboard"

test: $(VENV)/.installed
	$(BIN)/pytest tests -n auto --dist loadgroup

# What is too slow for every change, or needs the package index: kills of runs at 200 moments, the fuzz with 20,000
# inputs (GROUNDCXR_FUZZ=N for others), environments made by uv; some minutes.
check: $(VENV)/.installed
	$(BIN)/pytest tests -m "slow or network" -n auto --dist loadgroup

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[models,leaderboard,dev]"
	touch $@
