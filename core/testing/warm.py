"""What `core.testing.process` does once for all commands: imported by the process that they are forked from.

The plugins of this repository are loaded as the server would; a process that does not list them does not notice, as
everything declared is told apart by its plugin. One that is broken is left to the commands to tell.
"""

from __future__ import annotations

import contextlib

import core.cli.configuring
import core.cli.data
import core.cli.documents
import core.cli.editing
import core.cli.ending
import core.cli.reference
import core.cli.serving
import core.cli.tasks  # noqa: F401
import server
from core.plugins.host import Host
from core.plugins.manifest import FIRST_PARTY, available

with contextlib.suppress(Exception):
    server.compose_schema(Host([key for key, (folder, _) in available().items() if folder.parent == FIRST_PARTY]))
