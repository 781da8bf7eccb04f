#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real Slurm on this machine, for tests: munged, slurmctld and slurmd on loopback, all of it below one folder.

    slurm_bed.py check           are the programs here?  (exit code 3 and what to install when they are not)
    slurm_bed.py start DIR       start, wait for an idle node, print one line of JSON with what clients need
    slurm_bed.py stop DIR        kill the jobs, end every process
    slurm_bed.py status DIR      the bed's processes, one a line (exit code 3 when there is none)

It runs as whoever calls it, root or not: the daemons, and the jobs, are that user's. One node, `bed`, with invented
CPUs and two invented GPUs (`--gpus`); two partitions, `test` (the default) and `short` (at most a minute). No
accounting (so no sacct), no cgroups: memory is reserved but nobody enforces it.

Time in Slurm: slurmctld looks at time limits every 30 s, which is compiled in, so a time limit is enforced up to 30 s
late, and `--signal=…@N` comes N to N+60 s before the limit. A requeued job waits for two minutes, unless
`scontrol update jobid=ID starttime=now` ends the wait.
"""

import argparse
import ctypes
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

PROGRAMS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "slurmstepd": "slurmd",
    "sbatch": "slurm-client",
    "scancel": "slurm-client",
    "scontrol": "slurm-client",
    "sinfo": "slurm-client",
    "squeue": "slurm-client",
}
# Daemons live where an ordinary user's PATH does not go.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])
# slurmstepd's and munged's sockets lie below the folder, and a socket's path has at most 107 bytes.
LONGEST_FOLDER = 70

MARK = "# Written by slurm_bed.py"
CONFIGURATION = MARK + """
ClusterName=bed
SlurmctldHost={host}({address})
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
{communication}AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldDebug=verbose
SlurmdDebug=verbose
LogTimeFormat=iso8601_ms
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2,bf_interval=2
KillWait={kill_wait}
UnkillableStepTimeout=20
CompleteWait=0
InactiveLimit=0
MinJobAge=600
ReturnToService=2
SlurmdTimeout=60
TCPTimeout=2
MessageTimeout=10
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=bed NodeHostname={host} NodeAddr={address} CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=test Nodes=bed Default=YES DefaultTime=5 MaxTime=60 DefMemPerCPU=64 State=UP
PartitionName=short Nodes=bed DefaultTime=1 MaxTime=1 DefMemPerCPU=64 State=UP
"""


class BedError(Exception):
    """What the caller is told, with the exit code."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def find(program):
    return shutil.which(program, path=SEARCH_PATH)


def check():
    """Raises with what is missing."""
    if not sys.platform.startswith("linux"):
        raise BedError("the Slurm bed needs Linux", 3)
    missing = sorted(name for name in PROGRAMS if not find(name))
    if missing:
        packages = sorted({PROGRAMS[name] for name in missing})
        raise BedError(
            f"not installed: {', '.join(missing)}; "
            f"apt-get install --no-install-recommends {' '.join(packages)}"
            " (or slurm-wlm and munge, which bring all of them)",
            3,
        )
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise BedError(f"the user id {os.getuid()} has no entry in /etc/passwd, and Slurm wants a name", 3)


class Bed:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.configuration = self.folder / "slurm.conf"
        self.pid_file = self.folder / "bed.pid"
        self.log = self.folder / "bed.log"

    # What clients need.

    @property
    def environment(self):
        return {"SLURM_CONF": str(self.configuration), "PATH": SEARCH_PATH}

    def run(self, *command, timeout=15):
        """A Slurm command's standard output; None when it fails or hangs."""
        # Other SLURM_ and SBATCH_ variables are options: those of a job that the test itself may run in.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
        try:
            done = subprocess.run(
                command, env=inherited | self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    # Files.

    def clear(self):
        """Empties the folder of an earlier bed, jobs included; a folder with anything else in it is refused."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not any(self.folder.iterdir()):
            return
        if not self.configuration.exists() or not self.configuration.read_text().startswith(MARK):
            raise BedError(f"{self.folder}: not empty, and not an earlier bed's", 2)
        # The configuration goes last: until then the folder can be told to be ours.
        for entry in sorted(self.folder.iterdir(), key=lambda entry: entry == self.configuration):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def write_files(self, cpus, kill_wait):
        self.configuration.write_text(MARK)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(mode=0o700)
        key = self.folder / "munge.key"
        descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(128))
        host = socket.gethostname().split(".")[0]
        address, communication = loopback_of(host)
        # A GPU is a character device whose name ends in its number; nobody opens these.
        for number in range(2):
            (self.folder / f"gpu{number}").symlink_to("/dev/null")
        (self.folder / "gres.conf").write_text(f"NodeName=bed Name=gpu File={self.folder}/gpu[0-1]\n")
        controller_port, node_port = free_ports(2, address)
        self.configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder, host=host, address=address, communication=communication,
                user=pwd.getpwuid(os.getuid()).pw_name, controller_port=controller_port, node_port=node_port,
                cpus=cpus, memory=1024 * cpus, kill_wait=kill_wait,
            )
        )

    def tails(self, lines=15):
        """The ends of the logs, for error messages."""
        parts = []
        for name in ("bed.log", "munged.log", "slurmctld.log", "slurmd.log"):
            path = self.folder / name
            if path.exists():
                end = path.read_text(errors="replace").splitlines()[-lines:]
                parts.append(f"--- {name}\n" + "\n".join(end))
        return "\n".join(parts)

    # The supervisor, seen from the commands.

    def supervisor(self):
        """The supervisor's process id; None when it does not run."""
        try:
            pid, birth = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if birth_of(int(pid)) == birth else None

    def start(self, cpus, kill_wait, owner, timeout):
        check()
        if len(os.fsencode(self.folder)) > LONGEST_FOLDER:
            raise BedError(f"{self.folder}: longer than {LONGEST_FOLDER} bytes, too long for the sockets in it", 2)
        if self.supervisor():
            raise BedError(f"{self.folder}: a bed runs there already", 2)
        deadline = time.monotonic() + timeout
        # Between the choice of a free port and its use another process may take it.
        for attempt in range(3):
            self.clear()
            self.write_files(cpus, kill_wait)
            self.launch(owner)
            if self.wait_until_idle(deadline):
                return
            if "Address already in use" not in self.tails(50):
                break
        message = f"Slurm did not get an idle node within {timeout:g} s\n{self.tails()}"
        self.stop()
        raise BedError(message)

    def launch(self, owner):
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), "supervise", str(self.folder)]
                + (["--owner", str(owner)] if owner else []),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        self.pid_file.write_text(f"{process.pid} {birth_of(process.pid)}\n")
        self.child = process

    def wait_until_idle(self, deadline):
        while time.monotonic() < deadline and self.child.poll() is None:
            if (self.run("sinfo", "--noheader", "--format=%T") or "").split()[:1] == ["idle"]:
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        pid = self.supervisor()
        if not pid:
            self.pid_file.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while self.supervisor():
            if hasattr(self, "child"):
                self.child.poll()
            if time.monotonic() > deadline:
                for process in [*descendants(pid), pid]:
                    kill(process)
                break
            time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)


class Supervisor:
    """Parent of the three daemons, and reaper of whatever they leave: so that nothing can outlive the bed."""

    def __init__(self, bed, owner):
        self.bed = bed
        self.owner = owner
        self.owner_birth = birth_of(owner) if owner else None
        self.ending = False
        self.daemons = {}

    def run(self):
        # PR_SET_CHILD_SUBREAPER: jobs, whose parents leave them, become children of this process and not of init.
        if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) != 0:
            print(f"no subreaper: {os.strerror(ctypes.get_errno())}", flush=True)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.end)
        try:
            self.start_daemons()
            while not self.ending and self.is_wanted():
                self.reap()
                dead = [name for name, process in self.daemons.items() if process.poll() is not None]
                if dead:
                    print(f"ended by itself: {', '.join(dead)}", flush=True)
                    return 1
                time.sleep(0.1)
            return 0
        finally:
            self.shut_down()

    def end(self, *_):
        self.ending = True

    def is_wanted(self):
        return not self.owner or birth_of(self.owner) == self.owner_birth

    def start_daemons(self):
        folder = self.bed.folder
        # --force: the folders above need not be open to other users, who have no business here.
        self.start(
            "munged", "--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket",
            f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed",
            "--num-threads=2",
        )
        self.wait_for(lambda: (folder / "munge.socket").exists())
        self.start("slurmctld", "-D", "-f", str(self.bed.configuration))
        self.wait_for(lambda: "UP" in (self.bed.run("scontrol", "ping") or ""))
        self.start("slurmd", "-D", "-f", str(self.bed.configuration))

    def start(self, name, *arguments):
        if self.ending:
            return
        self.daemons[name] = subprocess.Popen(
            [find(name), *arguments], env=clean_environment() | self.bed.environment, stdin=subprocess.DEVNULL,
            start_new_session=True, cwd=self.bed.folder,
        )

    def wait_for(self, condition):
        while not self.ending and not condition():
            if any(process.poll() is not None for process in self.daemons.values()):
                return
            time.sleep(0.05)

    def reap(self):
        """Collects orphans of jobs, and leaves the daemons to their Popen."""
        known = {process.pid for process in self.daemons.values()}
        for pid in children(os.getpid()):
            if pid not in known:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass

    def shut_down(self):
        """No daemon is asked politely, no job either: nothing of the bed's state is wanted any more."""
        deadline = time.monotonic() + 10
        # Until they are collected, too: a corpse that is left to init may stay for a while.
        while (left := descendants(os.getpid()) or children(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                kill(pid)
            for process in self.daemons.values():
                process.poll()
            self.reap()
            time.sleep(0.02)
        print(f"stopped{', left: ' + str(left) if left else ''}", flush=True)


def clean_environment():
    return {k: os.environ[k] for k in ("HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME") if k in os.environ}


def loopback_of(host):
    """The address that Slurm's daemons listen on, and the line of the configuration for it.

    They can be held to the address that the host's name has, and to no other: where that is loopback, they are.
    Elsewhere they listen everywhere, and munge keeps strangers out.
    """
    try:
        address = socket.gethostbyname(host)
    except OSError:
        raise BedError(f"the host's own name '{host}' does not resolve; add it to /etc/hosts as 127.0.1.1", 3)
    if address.startswith("127."):
        return address, "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n"
    return "127.0.0.1", ""


def free_ports(count, address):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind((address, 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def stat_of(pid):
    """The fields of /proc/PID/stat after the command's name; None when there is no such process, or only its corpse."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields if fields[0] not in "ZX" else None


def birth_of(pid):
    """When it began: with it a process id cannot mean somebody else."""
    fields = stat_of(pid)
    return fields[19] if fields else None


def parents():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(entry), int(fields[1]), fields[0]


def children(parent):
    return [pid for pid, ppid, _ in parents() if ppid == parent]


def descendants(root):
    """Living ones, parents before children."""
    table = list(parents())
    found, level = [], {root}
    while level:
        level = {pid for pid, ppid, _ in table if ppid in level and pid != root}
        found += sorted(level)
    alive = {pid for pid, _, state in table if state not in "ZX"}
    return [pid for pid in found if pid in alive]


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def command_line(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
    return text.strip()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check")
    for name in ("start", "stop", "status", "supervise"):
        command = commands.add_parser(name)
        command.add_argument("folder", metavar="DIR")
        if name in ("start", "supervise"):
            command.add_argument("--owner", type=int, metavar="PID", help="stop by itself when this process ends")
        if name == "start":
            command.add_argument("--cpus", type=int, default=4, help="CPUs to pretend (default 4)")
            command.add_argument("--kill-wait", type=int, default=2, help="KillWait, in seconds (default 2)")
            command.add_argument("--timeout", type=float, default=40, help="seconds to wait for an idle node")
    options = parser.parse_args()
    # A caller's thread that blocks signals (Swift's Process is called on such ones) hands that down to all of Slurm.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        if options.command == "check":
            check()
            version = subprocess.run([find("slurmctld"), "-V"], capture_output=True, text=True).stdout.strip()
            print(f"{version}, as {pwd.getpwuid(os.getuid()).pw_name}")
            return 0
        bed = Bed(options.folder)
        if options.command == "start":
            bed.start(options.cpus, options.kill_wait, options.owner, options.timeout)
            print(json.dumps({"conf": str(bed.configuration), "env": bed.environment}))
        elif options.command == "stop":
            bed.stop()
        elif options.command == "status":
            pid = bed.supervisor()
            if not pid:
                print("no bed runs there")
                return 3
            for process in [pid, *descendants(pid)]:
                print(process, command_line(process))
        else:
            return Supervisor(bed, options.owner).run()
    except BedError as error:
        print(f"slurm_bed: {error}", file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
