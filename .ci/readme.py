"""Print the shell block that follows `<!-- NAME -->` in the README."""

import re
import sys
from pathlib import Path

readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
found = re.search(rf"<!-- {sys.argv[1]} -->\s*```sh\n(.*?)```", readme, re.S)
if found is None:
    sys.exit(f"README.md has no sh block after <!-- {sys.argv[1]} -->")
print(found[1])
