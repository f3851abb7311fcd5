"""Print core/src/cosine_table.h: `python tools/cosine_table.py > core/src/cosine_table.h`."""

import math
import sys

TURN, Q14, ROW = 300, 16384, 12


def main() -> None:
    values = [round(Q14 * math.cos(2 * math.pi * i / TURN)) for i in range(TURN)]
    rows = [", ".join(map(str, values[at : at + ROW])) for at in range(0, TURN, ROW)]
    sys.stdout.write(
        "/* cos(2 pi i / 300) in Q14, one turn in an epoch's 300 windows. Made by"
        " tools/cosine_table.py. */\n"
        "#ifndef NOCTIS_COSINE_TABLE_H\n#define NOCTIS_COSINE_TABLE_H\n\n#include <stdint.h>\n\n"
        f"static const int16_t cosine_q14[{TURN}] = {{\n"
        + "".join(f"    {row},\n" for row in rows)
        + "};\n\n#endif\n"
    )


if __name__ == "__main__":
    main()
