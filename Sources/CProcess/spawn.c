// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct failure {
    int stage;
    int error;
};

// Marks every descriptor from 3 on close-on-exec, so that none of the coordinator's sockets, databases or locks reaches
// a child, and the error pipe still works until the exec.
static void seal_descriptors(void) {
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int descriptor = 3; descriptor < end; descriptor++) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

static void fail(int error_pipe, int stage) {
    struct failure failure = {stage, errno};
    ssize_t ignored = write(error_pipe, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

// Lowers the limit of private writable memory, and never raises one that is lower already.
static int limit_data(rlim_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0) return -1;
    if (limit.rlim_max > bytes) limit.rlim_max = bytes;
    if (limit.rlim_cur > bytes) limit.rlim_cur = bytes;
    return setrlimit(RLIMIT_DATA, &limit);
}

// Runs between vfork and exec: async-signal-safe calls only, and no return.
static void become(
    const char *path, char *const *arguments, char *const *environment, const char *directory, int output,
    struct sweepd_enclosure enclosure, int error_pipe, pid_t parent) {
    if (setpgid(0, 0) != 0) fail(error_pipe, SWEEPD_SPAWN_SETUP);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(error_pipe, SWEEPD_SPAWN_SETUP);
    // The parent may have died before the line above took effect.
    if (getppid() != parent) _exit(127);
    // "0" is the writer itself: the child shares the agent's memory until it execs, but is a process of its own. All it
    // ever allocates is charged to the group.
    if (enclosure.group >= 0 && write(enclosure.group, "0", 1) != 1) fail(error_pipe, SWEEPD_SPAWN_ENCLOSURE);

    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, NULL);

    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        fail(error_pipe, SWEEPD_SPAWN_SETUP);
    seal_descriptors();
    if (chdir(directory) != 0) fail(error_pipe, SWEEPD_SPAWN_DIRECTORY);
    if (enclosure.data_limit > 0 && limit_data((rlim_t)enclosure.data_limit) != 0)
        fail(error_pipe, SWEEPD_SPAWN_ENCLOSURE);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
    fail(error_pipe, SWEEPD_SPAWN_EXEC);
}

struct sweepd_spawn_result sweepd_spawn(
    const char *path, char *const *arguments, char *const *environment, const char *directory, int output,
    struct sweepd_enclosure enclosure) {
    struct sweepd_spawn_result result = {-1, SWEEPD_SPAWN_FORK, 0};
    int error_pipe[2];
    if (pipe2(error_pipe, O_CLOEXEC) != 0) {
        result.error = errno;
        return result;
    }
    // 0, 1 and 2 are about to be overwritten in the child: a daemon that closed them must not lose its pipes so.
    const int child_output = fcntl(output, F_DUPFD_CLOEXEC, 3);
    const int child_pipe = fcntl(error_pipe[1], F_DUPFD_CLOEXEC, 3);
    if (child_output < 0 || child_pipe < 0) {
        result.error = errno;
        if (child_output >= 0) close(child_output);
        if (child_pipe >= 0) close(child_pipe);
        close(error_pipe[0]);
        close(error_pipe[1]);
        return result;
    }

    // No handler of ours may run in the child, which shares this thread's memory until it execs.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    // vfork, because copying the page tables of a coordinator with a large store for each trial is dear.
    pid_t pid = vfork();
    if (pid == 0) become(path, arguments, environment, directory, child_output, enclosure, child_pipe, parent);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(error_pipe[1]);
    close(child_pipe);
    close(child_output);

    if (pid < 0) {
        result.error = fork_error;
        close(error_pipe[0]);
        return result;
    }
    struct failure failure;
    ssize_t size;
    do {
        size = read(error_pipe[0], &failure, sizeof failure);
    } while (size < 0 && errno == EINTR);
    close(error_pipe[0]);
    if (size == (ssize_t)sizeof failure) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        result.stage = failure.stage;
        result.error = failure.error;
        return result;
    }
    result.pid = pid;
    result.stage = SWEEPD_SPAWN_STARTED;
    return result;
}

struct sweepd_exit sweepd_reap(pid_t pid) {
    struct sweepd_exit result = {0, -1, 0, 0};
    int status = 0;
    struct rusage usage;
    pid_t reaped;
    do {
        reaped = wait4(pid, &status, WNOHANG, &usage);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == 0) return result;
    if (reaped < 0) {
        result.ended = -1;
        return result;
    }
    result.ended = 1;
    result.peak_memory = (int64_t)usage.ru_maxrss * 1024;
    if (WIFSIGNALED(status))
        result.signal = WTERMSIG(status);
    else
        result.code = WEXITSTATUS(status);
    return result;
}

int sweepd_process_descriptor(pid_t pid) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    if (descriptor >= 0) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
}

int64_t sweepd_own_peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

int sweepd_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}
