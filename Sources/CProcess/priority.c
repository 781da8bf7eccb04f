// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "CProcess.h"

#include <sched.h>
#include <sys/resource.h>

void sweepd_thread_gives_way(int niceness) {
    struct sched_param parameter = {0};
    sched_setscheduler(0, SCHED_BATCH, &parameter);
    // Linux takes "the process 0" for the calling thread.
    setpriority(PRIO_PROCESS, 0, niceness);
}
