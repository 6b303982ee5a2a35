"""`python -m mnist_infer`: the function on a developer's machine."""

import sys

from mnist_infer.local.cli import main

sys.exit(main())
