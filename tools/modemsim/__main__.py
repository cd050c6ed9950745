"""python -m modemsim"""

import sys

from .serve import main

sys.exit(main())
