"""`python -m relink FOLDER OUTPUT`: link TensorFlow's libraries again. `--help` has the options."""

import sys

from relink.cli import main

sys.exit(main())
