// SPDX-License-Identifier: MIT
#ifndef SWEEPD_CPROCESS_H
#define SWEEPD_CPROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// What Swift cannot do itself: code between fork and exec must not allocate, lock or call into a runtime.

/// Which step of starting a child failed.
enum sweepd_spawn_stage {
    SWEEPD_SPAWN_STARTED = 0,
    /// No process could be made (EAGAIN, ENOMEM, EMFILE): not the command's fault.
    SWEEPD_SPAWN_FORK = 1,
    /// The working directory could not be entered.
    SWEEPD_SPAWN_DIRECTORY = 2,
    /// Standard input, output or the process group could not be set up.
    SWEEPD_SPAWN_SETUP = 3,
    /// The executable could not be started.
    SWEEPD_SPAWN_EXEC = 4,
    /// The control group could not be joined, or the limit not be set.
    SWEEPD_SPAWN_ENCLOSURE = 5,
};

struct sweepd_spawn_result {
    /// The child, which leads a process group of the same number; -1 unless `stage` is SWEEPD_SPAWN_STARTED.
    pid_t pid;
    /// One of `sweepd_spawn_stage`.
    int stage;
    /// errno of the step that failed.
    int error;
};

/// What holds a child and all it starts.
struct sweepd_enclosure {
    /// `cgroup.procs` of its control group, open for writing: it is joined before the exec. -1: none.
    int group;
    /// RLIMIT_DATA in bytes: private writable memory of each process. 0: as it is.
    int64_t data_limit;
};

/// Starts `path` (no search) in its own process group, with /dev/null as standard input, `output` as standard output
/// and standard error, no other descriptor, default signal dispositions and an empty signal mask.
///
/// The kernel kills the child (PR_SET_PDEATHSIG) when the calling THREAD ends, not only the process: call it only from
/// a thread that outlives the child.
struct sweepd_spawn_result sweepd_spawn(
    const char *path, char *const *arguments, char *const *environment, const char *directory, int output,
    struct sweepd_enclosure enclosure);

/// How a child ended.
struct sweepd_exit {
    /// 1: it ended and is reaped; 0: it still runs; -1: there is no such child.
    int ended;
    /// The exit code, or -1 when a signal killed it.
    int code;
    /// The signal that killed it, or 0.
    int signal;
    /// The largest resident set in bytes of it or any descendant it waited for. Never below this process's own resident
    /// set at the time of the spawn: exec carries the figure over.
    int64_t peak_memory;
};

/// Reaps the child if it has ended; never waits.
struct sweepd_exit sweepd_reap(pid_t pid);

/// This process's largest resident set so far, in bytes.
int64_t sweepd_own_peak_memory(void);

/// A pipe whose ends are close-on-exec from birth; 0, or -1 and errno.
int sweepd_pipe(int *read_end, int *write_end);

/// A descriptor that polls readable once the process has ended; -1 where the kernel has none.
int sweepd_process_descriptor(pid_t pid);

/// The process's start in clock ticks since boot (field 22 of /proc/PID/stat): with the pid it names a process for good.
/// False when there is no such process.
bool sweepd_process_start(pid_t pid, uint64_t *ticks);

/// Whether systemd marked the control group (a folder) as left to others to divide.
bool sweepd_is_delegated(const char *path);

/// Forks the guard: a process that survives this one's death by any signal and then kills every process group written
/// to `*write_end`, one line each: "+PGID\n" to remember, "-PGID\n" to forget, and every process that was started with
/// SWEEPD_AGENT=TOKEN in its environment, after the line "=TOKEN\n". A line "/PATH\n" names a control group, all of which
/// is killed first. It ends when the last copy of the write end is closed. Returns its pid, or -1 and errno.
///
/// Call it while the process has one thread and before libzmq's context exists.
pid_t sweepd_guard_start(int *write_end);

/// A Unix stream listener at `path` that never blocks; -1 and errno (ENAMETOOLONG beyond 107 bytes).
int sweepd_listen(const char *path);

/// The next waiting connection, not blocking; -1 and errno.
int sweepd_accept(int listener);

/// From here on the calling thread takes no processor from another when it wakes (SCHED_BATCH), and is as nice as said.
/// Where the kernel refuses, nothing changes.
void sweepd_thread_gives_way(int niceness);

#endif
