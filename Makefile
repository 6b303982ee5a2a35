# `make` alone lists the targets.

# What would send packages or imports elsewhere than to .venv and this folder stays outside. Indexes, proxies, certificates
# and everything else that pip is told stay in force.
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_REQUIRE_VIRTUALENV PIP_DRY_RUN PIP_NO_DEPS PIP_REQUIRE_HASHES
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH PYTHONPLATLIBDIR PYTHONEXECUTABLE
unexport PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDEVMODE
# Set, because a pip.conf may say it too, and pip heeds the environment before that.
export PIP_USER := no

SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.10; do \
	$$python -I -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)
PIP := 26.3
BIN := .venv/bin
# .venv is made anew where its Python no longer starts, or no longer finds its packages: it was removed or replaced.
STALE := $(shell $(BIN)/python -I -c 'import pip' 2>/dev/null || echo stale)
ARGS ?=
DATA ?=
VERSION ?=
MINUTES ?= 30
PORT ?= 8000
INTERPRETER ?=
# A path for the shell, whatever letters it has.
quote = '$(subst ','\'',$(value $(1)))'
INTERPRETER_OPTION := $(if $(value INTERPRETER),--interpreter $(call quote,INTERPRETER))
DATA_OPTION := $(if $(value DATA),--data $(call quote,DATA))
VERSION_OPTION := $(if $(VERSION),--version $(VERSION))

.PHONY: help demo serve test test-rest test-all check zip verify-relink verify-zip deploy bench fuzz soak screenshots train export evaluate clean stale

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

demo: .venv/runtime ## run the example events and pictures through the function
	@$(BIN)/python -m mnist_infer demo

serve: .venv/runtime ## the page and the function on this machine; PORT=8000
	@$(BIN)/python -m mnist_infer serve --port $(PORT)

# Three processes on two cores, because many tests wait for servers; a file's tests share what is dear to make.
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

test: .venv/test ## run the tests that need nothing but Python; a minute
	@$(PYTEST) -m quick

test-rest: .venv/development .cache/tensorflow ## run the others: a browser, a sandbox, other TensorFlows, what takes long
	@$(PYTEST) -m 'not quick'

test-all: test test-rest ## run all tests

check: .venv/development ## lint, and check the types
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/hadolint Dockerfile

zip: .venv/numpy ## build dist/mnist_infer.zip for the cloud; INTERPRETER=a Python 3.10, where none is on the PATH
	@$(BIN)/python build_zip.py $(INTERPRETER_OPTION)

verify-relink: .venv/test ## hold the zip's TensorFlow against the wheel's, bit for bit; twenty minutes
	@$(BIN)/python -m tests.verify_relink

verify-zip: .venv/test ## run the zip in a sandbox like the cloud's
	@$(BIN)/python -m tests.verify_zip $(INTERPRETER_OPTION)

deploy: .venv/deploy ## the function in the cloud, see docs/deploy.md; ARGS="up", "status", "promote", ...
	@$(BIN)/python -m deploy $(or $(ARGS),up)

bench: .venv/bench .cache/tensorflow ## measure what one could take instead, and what it costs; writes bench/RESULTS.md and docs/cost.md
	@$(BIN)/python -m bench $(INTERPRETER_OPTION)

fuzz: .venv/fuzz ## fuzz image bytes and payloads, MINUTES=30 each
	@$(BIN)/python -m tests.fuzz images --minutes $(MINUTES)
	@$(BIN)/python -m tests.fuzz payloads --minutes $(MINUTES)

soak: .venv/test ## send one warm process 100 000 requests of every kind, then more from threads
	@$(BIN)/python -m tests.soak

screenshots: .venv/browser ## take pictures of the page, in a Chromium; writes build/screenshots/ and examples/page*.png
	@$(BIN)/python -m tests.screenshots

train: .venv/train ## train the network, VERSION=10, on MNIST; DATA=folder of its IDX files, else they are downloaded
	@$(BIN)/python -m export.train $(VERSION_OPTION) $(DATA_OPTION) $(ARGS)

export: .venv/train ## write the trained network to export/; VERSION and DATA as for train
	@$(BIN)/python -m export.export $(VERSION_OPTION) $(DATA_OPTION)

evaluate: .venv/train ## measure what the model reads, and write its card; DATA as for train
	@$(BIN)/python -m export.evaluate $(DATA_OPTION)

clean: ## delete everything that was made, but for hours of training in training/
	@rm -rf .venv .cache build dist

# A file .venv/NAME says that this has worked after the installation of NAME.
WORKS_pip-$(PIP) := import pip; assert pip.__version__ == "$(PIP)"
WORKS_numpy := import numpy
WORKS_runtime := import numpy, PIL, requests, tensorflow, waitress
WORKS_deploy := import crcmod, qcloud_cos, tencentcloud, tomli
WORKS_test := import hypothesis, pytest, tomli, trustme, xdist
WORKS_browser := import axe_playwright_python, playwright
WORKS_train := import matplotlib, scipy, skimage, sklearn, tqdm
WORKS_bench := import matplotlib, pytest, scipy
WORKS_fuzz := import atheris, pytest
WORKS_development := import capstone, mypy, playwright, pytest, ruff, sklearn

# $(call install,ARGUMENTS OF PIP): one pip at a time. A package whose installation was broken off has no INSTALLER yet, and
# is taken away first, because pip would take it for whole.
define install
	@exec 9<.venv && flock 9 && \
	for package in .venv/lib/python*/site-packages/*.dist-info; do \
		test -e "$$package/INSTALLER" || rm -rf "$$package"; \
	done && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.txt $(1)
	@$(BIN)/python -c '$(WORKS_$(@F))' 2>/dev/null || { \
		echo "pip reports success, but in .venv this fails: $(BIN)/python -c '$(WORKS_$(@F))'"; \
		echo "Perhaps pip is told to install elsewhere: $(BIN)/python -m pip config list"; exit 1; }
	@touch $@
endef

.venv/pip-$(PIP): $(STALE)
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "mnist-infer runs on Linux x86-64, as the cloud does: use such a machine or a container."; exit 1; }
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed, and none is on the PATH: install one, or name it with PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c '$(SUPPORTED)' || { echo "$(PYTHON) is not Python 3.10 to 3.13."; exit 1; }
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "$(PYTHON) cannot make .venv: see above (Debian: apt-get install python3-venv)."; exit 1; }
	$(call install,pip==$(PIP))

.venv/runtime: requirements.txt requirements-serve.txt .venv/pip-$(PIP)
	@echo "installing $< (TensorFlow is 200 MB: this takes a minute)"
	$(call install,-r requirements.txt -r requirements-serve.txt)

# With it `make zip` links TensorFlow's library again, and that one it downloads by itself.
.venv/numpy: requirements.txt .venv/pip-$(PIP)
	$(call install,numpy)

.venv/deploy .venv/test .venv/browser .venv/train .venv/bench .venv/fuzz .venv/development: .venv/%: pyproject.toml .venv/runtime
	@echo "installing the dependency group $* of pyproject.toml"
	$(call install,--group $*)

# The tests load the model in every TensorFlow that is named, and each is a library of 0.5 GB.
.cache/tensorflow: testbed/tensorflow_libraries.py | .venv/numpy
	@$(BIN)/python -m testbed.tensorflow_libraries $@ && touch $@
