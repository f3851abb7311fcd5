#!/bin/sh
# Fuzz each target for a bounded time, from the corpus that is kept beside it.
set -eu
cd "$(dirname "$0")/../.."
SECONDS_EACH=${SECONDS_EACH:-60}
CLANG=$(command -v clang || command -v clang-14 || true)
if [ -z "$CLANG" ] || ! echo 'int LLVMFuzzerTestOneInput(void){return 0;}' |
    $CLANG -x c - -fsanitize=fuzzer -o /dev/null 2> /dev/null; then
    echo "firmware-fuzz: skipped, no clang with libFuzzer (Debian: clang-14 libclang-rt-14-dev)"
    exit 0
fi
mkdir -p build/fuzz
FLAGS="-std=c11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
for target in ${TARGETS:-radar answer flash manifest setup}; do
    $CLANG $FLAGS -ffp-contract=off -Icore/include -Iports/host core/src/*.c ports/host/nor_ram.c \
        "tests/fuzz/fuzz_$target.c" -lm -o "build/fuzz/fuzz_$target"
    mkdir -p "build/fuzz/corpus_$target"
    "build/fuzz/fuzz_$target" -max_total_time="$SECONDS_EACH" -print_final_stats=1 -max_len=2048 \
        -artifact_prefix="build/fuzz/$target-" "build/fuzz/corpus_$target" \
        "tests/fuzz/corpus/$target" > "build/fuzz/$target.log" 2>&1 ||
        { tail -40 "build/fuzz/$target.log"; exit 1; }
    echo "$target: $(grep -o 'number_of_executed_units: .*' "build/fuzz/$target.log"), nothing found"
done
