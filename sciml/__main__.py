"""`python -m sciml` is the command line."""

import sys

from sciml.cli.main import main

sys.exit(main())
