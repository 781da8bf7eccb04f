# SPDX-License-Identifier: MIT
"""What a run needs of the machine: two network namespaces with a cable between them, a small disk, another clock.

Each has `is_possible`, so that a run without the rights for it does something else instead and says so.
"""

import contextlib
import functools
import glob
import os
import shutil
import subprocess
import time
from pathlib import Path


def _works(*command):
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _do(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Cable:
    """The coordinator's side and the workers' side, each a network namespace, and what can be cut between them."""

    def __init__(self, name):
        self.name = name
        self.coordinator, self.workers = f"sc{name}", f"sw{name}"
        self.address, self._other = "10.97.0.1", "10.97.0.2"
        self._blackholes = set()

    @staticmethod
    @functools.cache
    def is_possible():
        """Return whether namespaces can be made here."""
        if os.geteuid() != 0:
            return False
        name = f"sp{os.getpid()}"
        try:
            return _works("ip", "netns", "add", name) and _works(
                "ip", "-n", name, "link", "add", "a0", "type", "veth", "peer", "name", "b0"
            )
        finally:
            _works("ip", "netns", "del", name)

    def __enter__(self):
        for space in (self.coordinator, self.workers):
            _do("ip", "netns", "add", space)
            _do("ip", "-n", space, "link", "set", "lo", "up")
        _do("ip", "-n", self.coordinator, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        _do("ip", "-n", self.coordinator, "link", "set", "v1", "netns", self.workers)
        for space, device, address in self._ends():
            _do("ip", "-n", space, "addr", "add", f"{address}/24", "dev", device)
            _do("ip", "-n", space, "link", "set", device, "up")
        return self

    def _ends(self):
        return (self.coordinator, "v0", self.address), (self.workers, "v1", self._other)

    def __exit__(self, *_):
        for space in (self.coordinator, self.workers):
            _works("ip", "netns", "del", space)

    def inside(self, space):
        """Return the words before a command that is to run there."""
        return ["nsenter", f"--net=/run/netns/{space}"]

    def cut(self, how):
        """Cut both ways (`down`), or what one side sends (`to-coordinator`, `to-workers`)."""
        if how == "down":
            _works("ip", "-n", self.workers, "link", "set", "v1", "down")
        else:
            space, target = (
                (self.workers, self.address) if how == "to-coordinator" else (self.coordinator, self._other)
            )
            _works("ip", "-n", space, "route", "add", "blackhole", f"{target}/32")
            self._blackholes.add((space, target))

    def mend(self):
        """Undo every cut."""
        for space, target in self._blackholes:
            _works("ip", "-n", space, "route", "del", "blackhole", f"{target}/32")
        self._blackholes.clear()
        _works("ip", "-n", self.workers, "link", "set", "v1", "up")


class SmallDisk:
    """A file system of a few MiB for the data directory."""

    def __init__(self, path, mebibytes):
        self.path, self._size = Path(path), mebibytes
        self._ballast = self.path / "ballast"

    @staticmethod
    @functools.cache
    def is_possible():
        """Return whether a file system can be mounted here."""
        return os.geteuid() == 0 and _works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")

    def __enter__(self):
        self.path.mkdir(mode=0o700)
        _do("mount", "-t", "tmpfs", "-o", f"size={self._size}m,mode=0700", "sweepd-chaos", str(self.path))
        return self

    def __exit__(self, *_):
        for _ in range(20):
            if _works("umount", str(self.path)):
                return
            time.sleep(0.1)
        _works("umount", "-l", str(self.path))

    def fill(self):
        """Take all the space there is."""
        with contextlib.suppress(OSError), open(self._ballast, "ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)

    def free(self):
        """Give it back."""
        self._ballast.unlink(missing_ok=True)


class WallClock:
    """A clock of the coordinator's own that jumps while it runs, by libfaketime; timers' clocks are left alone."""

    def __init__(self, folder):
        self._file = Path(folder) / "clock"
        self.jump(0)

    @staticmethod
    @functools.cache
    def library():
        """Return where libfaketime is, or None."""
        return next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)

    def environment(self):
        """Return what the coordinator's environment must hold."""
        return {
            "LD_PRELOAD": self.library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def words(self):
        """Return the words before the coordinator's command: the library swallows the arguments of whom it meets first."""
        return ["env"]

    @staticmethod
    def forget(process_id):
        """Remove what the library leaves of a process that was killed."""
        for path in glob.glob(f"/dev/shm/*faketime_*_{process_id}"):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def jump(self, seconds):
        """Set the clock so far off the machine's, in one step."""
        temporary = self._file.with_name("clock.new")
        temporary.write_text(f"{seconds:+d}\n")
        temporary.rename(self._file)


@functools.cache
def has_time_namespaces():
    """Return whether a process can be given another time since boot."""
    return _works("unshare", "-T", "--boottime", "1000", "true")


def booted(offset):
    """Return the words before a command that is to run as if the machine had been up for `offset` seconds more."""
    return ["unshare", "-T", "--boottime", str(offset), "--monotonic", str(offset), "--fork", "--kill-child"]
