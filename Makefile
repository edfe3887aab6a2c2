# The README's two commands. They need Python >= 3.11 and make, and use no other Python environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo tables test check

# Quick ones first, so that there is something to read; what learns from the train split comes last.
DEMO := --method random --method center-prior --method whole-image --method oracle --method clip-phantom \
	--method ldm-phantom --set ldm-phantom.steps=5 \
	--method clip-phantom-shuffled=shuffled-phrase --set clip-phantom-shuffled.method=clip-phantom \
	--method class-mean-box --method text-prior

# The extractions of the diffusion model in full, each beside the same asked about the wrong phrase; and with tuned words.
LDM := --method ldm-phantom-30-steps=ldm-phantom --method ldm-phantom-tuned \
	--method noise-once=ldm-phantom --set noise-once.extraction=noise-once \
	--method noise-difference=ldm-phantom --set noise-difference.extraction=noise-difference \
	--method otsu=ldm-phantom --set otsu.otsu=true \
	--method otsu-difference=ldm-phantom --set otsu-difference.extraction=noise-difference --set otsu-difference.otsu=true \
	--method wrong=shuffled-phrase --set wrong.method=ldm-phantom \
	--method wrong-once=shuffled-phrase --set wrong-once.method=ldm-phantom --set wrong-once.settings=extraction=noise-once \
	--method wrong-difference=shuffled-phrase --set wrong-difference.method=ldm-phantom \
	--set wrong-difference.settings=extraction=noise-difference

demo: $(VENV)/.installed
	$(BIN)/groundcxr evaluate --dataset phantom --out results $(DEMO)
	@echo "Look at these results in a browser: $(BIN)/groundcxr leaderboard"

# All of docs/phantom.md's first table: half an hour or so on two cores. What the demo has made is not made again.
tables: $(VENV)/.installed
	$(BIN)/groundcxr evaluate --dataset phantom --out results $(DEMO) $(LDM)

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
