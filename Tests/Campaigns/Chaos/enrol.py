# SPDX-License-Identifier: MIT
"""Takes an invitation from standard input and leaves a connection file, as a worker on another machine would."""

import pathlib
import sys

from sweepd import _invitation

_invitation.accepted(sys.stdin.readline(), pathlib.Path(sys.argv[1]))
