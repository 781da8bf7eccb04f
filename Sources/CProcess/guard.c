// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CProcess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// More slots than any machine has; a group beyond them is still covered by its leader's PR_SET_PDEATHSIG.
enum { CAPACITY = 4096 };

struct group {
    pid_t id;
    uint64_t start;
    bool has_start;
};

static struct group groups[CAPACITY];
static int group_count;

static void remember(pid_t id) {
    if (id <= 1 || group_count == CAPACITY) return;
    struct group *group = &groups[group_count++];
    group->id = id;
    group->has_start = sweepd_process_start(id, &group->start);
}

static void forget(pid_t id) {
    for (int index = 0; index < group_count; index++) {
        if (groups[index].id == id) {
            groups[index] = groups[--group_count];
            return;
        }
    }
}

static void kill_groups(void) {
    for (int index = 0; index < group_count; index++) {
        uint64_t start;
        // The number may have gone to someone else, if the leader ended unnoticed.
        bool is_alive = sweepd_process_start(groups[index].id, &start);
        if (is_alive && groups[index].has_start && start != groups[index].start) continue;
        kill(-groups[index].id, SIGKILL);
    }
}

// "SWEEPD_AGENT=" and the token, as it stands in the environment of everything the agent started; empty: not told yet.
static char mark[128];

// Whether an entry of the process's environment is the mark.
static bool is_marked(const char *pid) {
    char path[64] = "/proc/";
    strncat(path, pid, 32);
    strcat(path, "/environ");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    size_t length = strlen(mark);
    size_t matched = 0;
    bool can_match = true;
    bool is_found = false;
    char buffer[4096];
    ssize_t size;
    while (!is_found && (size = read(file, buffer, sizeof buffer)) > 0) {
        for (ssize_t index = 0; index < size && !is_found; index++) {
            if (buffer[index] == 0) {
                is_found = can_match && matched == length;
                matched = 0;
                can_match = true;
            } else if (can_match && matched < length && buffer[index] == mark[matched]) {
                matched++;
            } else {
                can_match = false;
            }
        }
    }
    close(file);
    return is_found;
}

// What left its group (setsid) still has the environment it was started with. False when nothing was found.
static bool kill_marked(void) {
    DIR *folder = opendir("/proc");
    if (!folder) return false;
    bool is_found = false;
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t id = (pid_t)atol(entry->d_name);
        if (id <= 1 || id == getpid() || !is_marked(entry->d_name)) continue;
        if (kill(id, SIGKILL) == 0) is_found = true;
    }
    closedir(folder);
    return is_found;
}

// The control group's cgroup.kill; empty: there is none.
static char group_kill[1024];

static void kill_control_group(void) {
    if (group_kill[0] == 0) return;
    int file = open(group_kill, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t ignored = write(file, "1", 1);
    (void)ignored;
    close(file);
}

static void kill_all(void) {
    kill_control_group();
    kill_groups();
    if (mark[0] == 0) return;
    // Again until none is left: they may be starting others. A process that is ending has no environment any more.
    for (int round = 0; round < 200 && kill_marked(); round++) usleep(5000);
}

static void guard(int read_end) {
    setsid();
    prctl(PR_SET_NAME, "sweepd-guard");
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &ignore, NULL);
    // Where the parent was started without standard streams, the pipe may be one of them.
    int high = fcntl(read_end, F_DUPFD, 4);
    if (high >= 0) read_end = high;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        for (int standard = 0; standard < 3; standard++) dup2(null, standard);
    // It must hold none of its parent's descriptors, above all not the lock on the data directory.
    if (read_end != 3) dup2(read_end, 3);
    if (syscall(SYS_close_range, 4u, ~0u, 0u) != 0)
        for (int descriptor = 4; descriptor < 65536; descriptor++) close(descriptor);
    int ignored = chdir("/");
    (void)ignored;

    char sign = 0;
    long number = 0;
    // A token or a path.
    char word[sizeof group_kill - 16];
    size_t word_length = 0;
    char buffer[4096];
    for (;;) {
        ssize_t size = read(3, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        for (ssize_t index = 0; index < size; index++) {
            char character = buffer[index];
            if ((sign == '=' || sign == '/') && character != '\n') {
                if (word_length < sizeof word - 1) word[word_length++] = character;
            } else if (character == '+' || character == '-' || character == '=' || character == '/') {
                sign = character;
                number = 0;
                word_length = 0;
            } else if (character >= '0' && character <= '9' && number < 100000000) {
                number = number * 10 + (character - '0');
            } else if (character == '\n') {
                if (sign == '+') remember((pid_t)number);
                if (sign == '-') forget((pid_t)number);
                word[word_length] = 0;
                if (sign == '=' && word_length > 0 && word_length < sizeof mark - 16) {
                    strcpy(mark, "SWEEPD_AGENT=");
                    strcat(mark, word);
                }
                if (sign == '/' && word_length > 0 && word_length < sizeof word - 1) {
                    strcpy(group_kill, "/");
                    strcat(group_kill, word);
                    strcat(group_kill, "/cgroup.kill");
                }
                sign = 0;
            }
        }
    }
    kill_all();
    _exit(0);
}

pid_t sweepd_guard_start(int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    pid_t pid = fork();
    if (pid < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        errno = error;
        return -1;
    }
    if (pid == 0) {
        close(ends[1]);
        guard(ends[0]);
    }
    close(ends[0]);
    *write_end = ends[1];
    return pid;
}
