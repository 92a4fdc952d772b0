"""Entry of every probe child: ``python -I -S -B <this file> PART JSON``.

PART is a module of this folder with a list ``GROUPS`` (or several, with commas); JSON holds fd, nonce, deadline
(seconds) and what the part needs. Kept tiny: a script is compiled at each start, the modules it imports are not.
Started as a file and not as a folder, which would cost the import of runpy.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from entry import main  # noqa: E402 - the folder must be on the path first

sys.exit(main(sys.argv[1:]))
