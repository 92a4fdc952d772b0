"""``python -m doctor`` is the same program as ``vlmdoctor``."""

from doctor.cli import main

if __name__ == "__main__":
    main(prog_name="vlmdoctor")
