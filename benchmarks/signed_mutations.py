"""Change one bit of a signed report many times: how many changes does `validate-pdf` find without the audit trail?

    python benchmarks/signed_mutations.py SIGNED.pdf ROOT.pem [COUNT]

Half of the places are drawn from the whole file, half from the messages of the signatures, which no signature covers.
"""

import re
import sys
from pathlib import Path
from random import Random

from inspect_tool.errors import ReadError
from inspect_tool.verify import pdf_check


def main() -> None:
    data, root = Path(sys.argv[1]).read_bytes(), pdf_check.certificates(Path(sys.argv[2]))
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    random = Random(20261127)
    holes = [found.span() for found in re.finditer(rb"/Contents <[0-9A-F]{1000,}>", data)]
    signed = len(pdf_check.signatures(data, root, "file"))
    places = [random.randrange(len(data)) for _ in range(count // 2)]
    places += [random.randrange(*random.choice(holes)) for _ in range(count - count // 2)]
    missed = []
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << random.randrange(8)
        try:
            found = pdf_check.signatures(bytes(changed), root, "file")
        except ReadError:
            continue
        if len(found) == signed and not any(item.problems for item in found):
            missed.append(place)
    print(f"{signed} signatures, {len(places)} changes of one bit, {len(missed)} not found: {missed}")


if __name__ == "__main__":
    main()
