"""``python -m doctor`` is the same program as ``vlmdoctor``."""

from doctor.start import run

if __name__ == "__main__":
    run()
