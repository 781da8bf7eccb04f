// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CProcess.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// Async-signal-safe: the guard calls it after fork.
bool sweepd_process_start(pid_t pid, uint64_t *ticks) {
    char path[32] = "/proc/";
    size_t length = 6;
    char digits[16];
    size_t count = 0;
    if (pid <= 0) return false;
    for (pid_t rest = pid; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count > 0) path[length++] = digits[--count];
    memcpy(path + length, "/stat", 6);

    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    char text[1024];
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) return false;
    text[size] = 0;

    // The second field is the name in parentheses and may hold spaces and parentheses itself.
    char *cursor = strrchr(text, ')');
    if (!cursor) return false;
    for (int field = 2; field < 22; field++) {
        cursor = strchr(cursor, ' ');
        if (!cursor) return false;
        cursor++;
    }
    uint64_t value = 0;
    if (*cursor < '0' || *cursor > '9') return false;
    for (; *cursor >= '0' && *cursor <= '9'; cursor++) value = value * 10 + (uint64_t)(*cursor - '0');
    *ticks = value;
    return true;
}
