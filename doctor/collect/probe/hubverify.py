"""Full check of every repository of a cache: ``python hubverify.py FOLDER [ID ...]`` prints one JSON object a line.

A line is ``{"id", "files", "problems": [...]}``; the last one ``{"end": repositories}``. Exit 1 with ``{"error": ...}``
when the folder cannot be listed. For ``vlmdoctor cache verify``.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # an isolated interpreter leaves it out

import hubcheck  # noqa: E402
import hubscan  # noqa: E402
from modeldir import problem  # noqa: E402


def verify(root, folder):
    """One repository: what names tell, then every file of every snapshot."""
    repo = hubscan.scan_repo(root, folder, links=True)
    problems = hubcheck.cheap(repo) + hubcheck.stale_locks(root, folder)
    for commit in sorted(repo.snapshots):
        path = os.path.join(repo.path, "snapshots", commit)
        try:
            found = hubcheck.Judged(path, models=False).problems
        except OSError as error:
            found = [problem("permission", path, os.strerror(error.errno or 0))]
        known = {(p["kind"], os.path.basename(p["path"])) for p in problems}
        problems.extend(p for p in found if (p["kind"], os.path.basename(p["path"])) not in known)
    return {"id": repo.id, "type": repo.kind, "files": repo.files, "problems": problems}


def main(argv):
    root, wanted = argv[0], set(argv[1:])
    try:
        folders = hubscan.repo_folders(root)
    except OSError as error:
        sys.stdout.write(json.dumps({"error": os.strerror(error.errno or 0)}) + "\n")
        return 1
    folders = [f for f in folders if not wanted or hubscan.repo_name(f)[1] in wanted]
    for folder in folders:
        sys.stdout.write(json.dumps(verify(root, folder)) + "\n")
    sys.stdout.write(json.dumps({"end": len(folders)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
