/* The smallest test frame that tells where it failed; runs on the host and under QEMU. */
#ifndef NOCTIS_CHECK_H
#define NOCTIS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

extern int checks_failed, tests_run;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            checks_failed++;                                                                       \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
        }                                                                                          \
    } while (0)

#define CHECK_EQUAL(got, wanted)                                                                   \
    do {                                                                                           \
        long long got_ = (long long)(got), wanted_ = (long long)(wanted);                          \
        if (got_ != wanted_) {                                                                     \
            checks_failed++;                                                                       \
            printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, wanted_);      \
        }                                                                                          \
    } while (0)

#define RUN(test)                                                                                  \
    do {                                                                                           \
        int before_ = checks_failed;                                                               \
        test();                                                                                    \
        tests_run++;                                                                               \
        if (checks_failed != before_) {                                                            \
            printf("FAILED %s\n", #test);                                                          \
            if (getenv("STOP_AT_FIRST") != NULL) {                                                 \
                exit(1);                                                                           \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define TEST_MAIN                                                                                  \
    int checks_failed, tests_run;
#define TEST_RESULT()                                                                              \
    (printf("%d passed, %d failed\n", tests_run - (checks_failed != 0), checks_failed != 0),       \
     checks_failed != 0)

#endif
