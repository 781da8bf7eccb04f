// SPDX-License-Identifier: MIT
#include "CVectorMath.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__gnu_linux__)
// x86-64-v3 has AVX2 and FMA. A resolver picks one of the two when the program is loaded.
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif

#pragma clang fp contract(fast)

// Straight-line code, so that a loop around it becomes vector instructions.
//
// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2)/2, e^r by its series up to r^13/13!, whose rest is below
// 5e-18. ln 2 in two parts (Cody and Waite): the upper has 21 zero bits at its end, so n times it is exact. 2^n in two
// factors, so that results below 2^-1022 are rounded once and not lost.
static inline double exponential(double x) {
    const double shift = 0x1.8p52 + 2048;
    const double low = -746, high = 710;
    double clamped = x < low ? low : x;
    clamped = clamped > high ? high : clamped;
    const double shifted = clamped * 0x1.71547652b82fep0 + shift;
    const double n = shifted - shift;
    const double r = (clamped - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    // Pairs first: a chain half as long.
    const double r2 = r * r, r4 = r2 * r2;
    const double p0 = 0.5 + r * (1.0 / 6), p2 = 1.0 / 24 + r * (1.0 / 120), p4 = 1.0 / 720 + r * (1.0 / 5040);
    const double p6 = 1.0 / 40320 + r * (1.0 / 362880), p8 = 1.0 / 3628800 + r * (1.0 / 39916800);
    const double p10 = 1.0 / 479001600 + r * (1.0 / 6227020800);
    const double p = r + r2 * ((p0 + r2 * p2) + r4 * ((p4 + r2 * p6) + r4 * (p8 + r2 * p10)));
    // The lowest bits of `shifted` are n + 2048: halves of it, rounded down and up, become biased exponents.
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits &= 0xfff;
    const uint64_t half = bits >> 1;
    const uint64_t first_bits = (half - 1) << 52, second_bits = (bits - half - 1) << 52;
    double first, second;
    memcpy(&first, &first_bits, sizeof first);
    memcpy(&second, &second_bits, sizeof second);
    const double result = (first + first * p) * second;
    return x == x ? result : x;
}

MULTIVERSIONED
void cvectormath_exp(double *values, ptrdiff_t count) {
#pragma clang loop interleave_count(2)
    for (ptrdiff_t i = 0; i < count; i++) values[i] = exponential(values[i]);
}

// As many numbers as an AVX register holds; narrower machines take two for it. Never an argument: how a vector is handed
// over depends on the processor.
typedef double vector __attribute__((vector_size(32)));
typedef int64_t mask __attribute__((vector_size(32)));

MULTIVERSIONED
void cvectormath_squared_distances(
    const double *restrict points, ptrdiff_t count, ptrdiff_t stride, const double *restrict point,
    ptrdiff_t pointStride, const double *restrict weights, const bool *restrict categorical, ptrdiff_t features,
    double *restrict squares) {
    // A block of sums stays in registers while the features pass by.
    enum { VECTORS = 4, WIDTH = sizeof(vector) / sizeof(double), BLOCK = VECTORS * WIDTH };
    ptrdiff_t start = 0;
    for (; start + BLOCK <= count; start += BLOCK) {
        vector sums[VECTORS] = {{0}};
        for (ptrdiff_t f = 0; f < features; f++) {
            const double *column = points + start + f * stride;
            const double here = point[f * pointStride], weight = weights[f];
            vector values[VECTORS];
            memcpy(values, column, sizeof values);
            if (categorical[f]) {
                const vector all = {weight, weight, weight, weight};
#pragma unroll
                for (int i = 0; i < VECTORS; i++) sums[i] += (vector)((mask)all & (values[i] != here));
            } else {
#pragma unroll
                for (int i = 0; i < VECTORS; i++) {
                    const vector difference = values[i] - here;
                    sums[i] += difference * difference * weight;
                }
            }
        }
        memcpy(squares + start, sums, sizeof sums);
    }
    for (ptrdiff_t i = start; i < count; i++) {
        double sum = 0;
        for (ptrdiff_t f = 0; f < features; f++) {
            const double difference = points[i + f * stride] - point[f * pointStride];
            sum += categorical[f] ? (difference == 0 ? 0 : weights[f]) : difference * difference * weights[f];
        }
        squares[i] = sum;
    }
}

MULTIVERSIONED
void cvectormath_matern52(double *restrict squares, double *restrict slopes, ptrdiff_t count, double variance) {
    if (slopes == NULL) {
#pragma clang loop interleave_count(2)
        for (ptrdiff_t i = 0; i < count; i++) {
            const double s = __builtin_elementwise_sqrt(5 * squares[i]);
            squares[i] = variance * (1 + s * (1 + s * (1.0 / 3))) * exponential(-s);
        }
    } else {
#pragma clang loop interleave_count(2)
        for (ptrdiff_t i = 0; i < count; i++) {
            const double s = __builtin_elementwise_sqrt(5 * squares[i]);
            const double scaled = variance * exponential(-s);
            slopes[i] = (5.0 / 3) * (1 + s) * scaled;
            squares[i] = (1 + s * (1 + s * (1.0 / 3))) * scaled;
        }
    }
}

MULTIVERSIONED
double cvectormath_sum_of_squares(const double *values, ptrdiff_t count) {
    vector sums[2] = {{0}};
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8) {
        vector pair[2];
        memcpy(pair, values + i, sizeof pair);
        sums[0] += pair[0] * pair[0];
        sums[1] += pair[1] * pair[1];
    }
    const vector both = sums[0] + sums[1];
    double sum = (both[0] + both[1]) + (both[2] + both[3]);
    for (; i < count; i++) sum += values[i] * values[i];
    return sum;
}

MULTIVERSIONED
double cvectormath_largest(const double *values, ptrdiff_t count) {
    vector largest = {0};
    ptrdiff_t i = 0;
    for (; i + 4 <= count; i += 4) {
        vector next;
        memcpy(&next, values + i, sizeof next);
        largest = __builtin_elementwise_max(largest, next);
    }
    double result = 0;
    for (int lane = 0; lane < 4; lane++) result = largest[lane] > result ? largest[lane] : result;
    for (; i < count; i++) result = values[i] > result ? values[i] : result;
    return result;
}
