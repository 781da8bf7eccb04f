# SPDX-License-Identifier: MIT
"""The client's version, apart from everything that would have to be imported to know it."""

VERSION = "0.1.0"
