// SPDX-License-Identifier: MIT
#include <cblas.h>
#include <lapacke.h>
// The alternatives system may point cblas.h at another BLAS' header; the library linked is OpenBLAS all the same.
extern void openblas_set_num_threads(int num_threads);
extern char *openblas_get_config(void);
