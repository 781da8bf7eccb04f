// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CProcess.h"

#include <sys/xattr.h>

bool sweepd_is_delegated(const char *path) {
    // The user's service manager may only set the first.
    const char *names[] = {"user.delegate", "trusted.delegate"};
    for (int index = 0; index < 2; index++) {
        char value = 0;
        if (getxattr(path, names[index], &value, 1) == 1 && value == '1') return true;
    }
    return false;
}
