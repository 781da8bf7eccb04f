// SPDX-License-Identifier: MIT
#ifndef SWEEPD_CVECTORMATH_H
#define SWEEPD_CVECTORMATH_H

#include <stdbool.h>
#include <stddef.h>

// Inner loops that need vector instructions beyond what the manifest's baseline allows: each function is compiled for
// several generations of processors, and the best for the machine is taken when the program is loaded.

// values[i] = e^values[i], to 2 units in the last place; gradual underflow, 0 below -745.2, infinity above 709.8, NaN
// stays.
void cvectormath_exp(double *values, ptrdiff_t count);

// Squared distances of `count` points to one:
//     squares[i] = sum over f of weights[f] * (points[i + f * stride] - point[f * pointStride])^2
// or, for a categorical feature f, of weights[f] where the two differ.
void cvectormath_squared_distances(
    const double *points, ptrdiff_t count, ptrdiff_t stride, const double *point, ptrdiff_t pointStride,
    const double *weights, const bool *categorical, ptrdiff_t features, double *squares);

// Matern-5/2: replaces squared distances r^2 by variance * (1 + s + s^2/3) * e^-s with s = sqrt(5 r^2). With `slopes`
// not null also slopes[i] = 5/3 * variance * (1 + s) * e^-s.
void cvectormath_matern52(double *squares, double *slopes, ptrdiff_t count, double variance);

// 0 for no values.
double cvectormath_sum_of_squares(const double *values, ptrdiff_t count);

// The largest of 0 and the values.
double cvectormath_largest(const double *values, ptrdiff_t count);

#endif
