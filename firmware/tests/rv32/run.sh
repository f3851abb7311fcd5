#!/bin/sh
# Cross-compile the core for rv32imc (the ESP32-C3's instructions), run the unit and power-cut tests
# under QEMU, print the sizes. Skipped with a reason where Debian's packages are missing.
set -eu
cd "$(dirname "$0")/../.."
REBOOTS=${REBOOTS:-3000}
CC=riscv64-unknown-elf-gcc
QEMU=qemu-system-riscv32
# No more than this may the core need on the device.
MOST_TEXT=49152
MOST_RAM=16384

for need in $CC $QEMU; do
    if ! command -v "$need" > /dev/null; then
        echo "firmware-rv32: skipped, no $need (Debian: gcc-riscv64-unknown-elf" \
            "picolibc-riscv64-unknown-elf qemu-system-misc)"
        exit 0
    fi
done
if ! $CC --specs=picolibc.specs -E -include stdio.h -x c /dev/null > /dev/null 2>&1; then
    echo "firmware-rv32: skipped, no picolibc (Debian: picolibc-riscv64-unknown-elf)"
    exit 0
fi

BUILD=build/rv32
mkdir -p $BUILD/core
TARGET="-march=rv32imc -mabi=ilp32 --specs=picolibc.specs -std=c11 -ffp-contract=off"
TARGET="$TARGET -ffunction-sections -fdata-sections -Icore/include -Iports/host"

for source in core/src/*.c; do
    $CC $TARGET -Os -Wall -Wextra -Werror -c "$source" -o "$BUILD/core/$(basename "$source" .c).o"
done

# What a firmware would link: every entry of the core, soft floats and the C library included.
$CC $TARGET -Os tests/rv32/size.c $BUILD/core/*.o -lm -nostartfiles -Wl,--gc-sections \
    -Wl,-e,device_main -Wl,--no-warn-mismatch -T tests/rv32/size.ld -o $BUILD/size.elf
riscv64-unknown-elf-size $BUILD/core/*.o
riscv64-unknown-elf-size $BUILD/size.elf | tee $BUILD/size.txt
set -- $(tail -n 1 $BUILD/size.txt)
echo "rv32imc: text $1 bytes (at most $MOST_TEXT), static RAM $(($2 + $3)) (at most $MOST_RAM)"
[ "$1" -le $MOST_TEXT ] && [ $(($2 + $3)) -le $MOST_RAM ]
if riscv64-unknown-elf-nm $BUILD/core/*.o | grep -E ' U (malloc|calloc|realloc|free|sbrk)$'; then
    echo "the core asks for a heap"
    exit 1
fi

LINK="--oslib=semihost --crt0=hosted -T tests/rv32/virt.ld -Wl,--gc-sections"
HOST="ports/host/nor_ram.c ports/host/board.c"
$CC $TARGET -O1 tests/unit/*.c $HOST $BUILD/core/*.o -lm $LINK -o $BUILD/unit.elf
$CC $TARGET -O1 -DREBOOTS=$REBOOTS tests/powercut/*.c $HOST $BUILD/core/*.o -lm $LINK -o $BUILD/powercut.elf

run() {
    timeout 600 $QEMU -M virt -bios none -nographic -semihosting-config \
        "enable=on,target=native" -kernel "$BUILD/$1.elf" < /dev/null
}
run unit
run powercut
