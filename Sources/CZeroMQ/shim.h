// SPDX-License-Identifier: MIT
// Glibc's module map leaves eventfd out.
#include <sys/eventfd.h>
#include <zmq.h>
