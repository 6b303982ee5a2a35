# `make` alone lists the targets.

SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.10; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
ARGS ?=
DATA ?=
VERSION ?=
MINUTES ?= 30
PORT ?= 8000
INTERPRETER ?=
INTERPRETER_OPTION := $(if $(INTERPRETER),--interpreter $(INTERPRETER))
DATA_OPTION := $(if $(DATA),--data $(DATA))
VERSION_OPTION := $(if $(VERSION),--version $(VERSION))

.PHONY: help demo serve test check zip verify-relink verify-zip deploy bench fuzz soak screenshots train export evaluate clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/runtime ## run the example events and pictures through the function
	@$(BIN)/python -m mnist_infer demo

serve: .venv/serve ## the page and the function on this machine; PORT=8000
	@$(BIN)/python -m mnist_infer serve --port $(PORT)

test: .venv/development .cache/tensorflow ## run the tests
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: .venv/development ## lint, and check the types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/hadolint Dockerfile

zip: .venv/relink ## build dist/mnist_infer.zip for the cloud; INTERPRETER=a Python 3.10, where none is on the PATH
	@$(BIN)/python build_zip.py $(INTERPRETER_OPTION)

verify-relink: .venv/development .venv/relink ## hold the zip's TensorFlow against the wheel's, bit for bit; twenty minutes
	@$(BIN)/python -m tests.verify_relink

verify-zip: .venv/development ## run the zip in a sandbox like the cloud's
	@$(BIN)/python -m tests.verify_zip $(INTERPRETER_OPTION)

deploy: .venv/deploy ## the function in the cloud, see docs/deploy.md; ARGS="up", "status", "promote", ...
	@$(BIN)/python -m deploy $(or $(ARGS),up)

bench: .venv/development .cache/tensorflow ## measure what one could take instead, and what it costs; writes bench/RESULTS.md and docs/cost.md
	@$(BIN)/python -m bench $(INTERPRETER_OPTION)
	@$(BIN)/python -m bench.cost

fuzz: .venv/development ## fuzz image bytes and payloads, MINUTES=30 each
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	@$(BIN)/python -m tests.fuzz images --minutes $(MINUTES)
	@$(BIN)/python -m tests.fuzz payloads --minutes $(MINUTES)

soak: .venv/development ## send one warm process 100 000 requests of every kind, then more from threads
	@$(BIN)/python -m tests.soak

screenshots: .venv/development ## take pictures of the page, in a Chromium; writes build/screenshots/ and examples/page*.png
	@$(BIN)/python -m tests.screenshots

train: .venv/development ## train the network, VERSION=10, on MNIST; DATA=folder of its IDX files, else they are downloaded
	@$(BIN)/python -m export.train $(VERSION_OPTION) $(DATA_OPTION) $(ARGS)

export: .venv/development ## write the trained network to export/; VERSION and DATA as for train
	@$(BIN)/python -m export.export $(VERSION_OPTION) $(DATA_OPTION)

evaluate: .venv/development ## measure what the model reads, and write its card; DATA as for train
	@$(BIN)/python -m export.evaluate $(DATA_OPTION)

clean: ## delete everything that was made, but for hours of training in training/
	@rm -rf .venv .cache build dist

.venv/bin/python:
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "mnist-infer runs on Linux x86-64, as the cloud does: use such a machine or a container."; exit 1; }
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed, and none is on the PATH: install one, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c '$(SUPPORTED)' || { echo "$(PYTHON) is not Python 3.10 to 3.13."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) has no venv module: install it (Debian: python3-venv)."; exit 1; }

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "installing $< (TensorFlow is 200 MB: this takes a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/development: requirements-dev.txt $(addprefix requirements-,$(addsuffix .txt,relink serve browser deploy))
.venv/serve: requirements-serve.txt
.venv/deploy: requirements-deploy.txt
.venv/development .venv/serve .venv/deploy: .venv/runtime
	@echo "installing $(firstword $(filter requirements%,$^))"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(firstword $(filter requirements%,$^))
	@touch $@

.venv/relink: requirements-relink.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The tests load the model in every TensorFlow that is named, and each is a library of 0.5 GB.
.cache/tensorflow: testbed/tensorflow_libraries.py | .venv/relink
	@$(BIN)/python -m testbed.tensorflow_libraries $@ && touch $@
