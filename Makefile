# The README's two commands. They need Python >= 3.11 and make, and use no other Python environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test

# The bundled models as three ways to a map, each beside the same with the wrong phrase.
DEMO := --method random --method center-prior --method whole-image --method class-mean-box --method text-prior --method oracle \
	--method clip-phantom --method clip-phantom-shuffled=shuffled-phrase \
	--set clip-phantom-shuffled.method=clip-phantom \
	--method ldm-phantom --method ldm-phantom-shuffled=shuffled-phrase \
	--set ldm-phantom-shuffled.method=ldm-phantom \
	--method noise-once=ldm-phantom --set noise-once.extraction=noise-once \
	--method noise-difference=ldm-phantom --set noise-difference.extraction=noise-difference \
	--method noise-difference-shuffled=shuffled-phrase --set noise-difference-shuffled.method=ldm-phantom \
	--set noise-difference-shuffled.settings=extraction=noise-difference

demo: $(VENV)/.installed
	$(BIN)/groundcxr evaluate --dataset phantom --protocol v1 --out results $(DEMO)
	@echo "Look at these results in a browser: $(BIN)/groundcxr leaderboard"

test: $(VENV)/.installed
	$(BIN)/pytest tests -n auto --dist loadgroup

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[models,leaderboard,dev]"
	touch $@
