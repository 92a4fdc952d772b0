"""Entry of every probe child: ``python -I -S -B <this folder> PART JSON``.

PART is a module of this folder with a list ``GROUPS``; JSON holds fd, nonce, deadline (seconds) and what the
part needs. Kept tiny: a script is compiled at each start, the modules it imports are not.
"""
import sys

from entry import main

sys.exit(main(sys.argv[1:]))
