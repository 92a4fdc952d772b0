"""What a program surely imports: branches, functions and files that only these import are no certainty."""

from test_source import facts

BRANCH = """import argparse
args = argparse.ArgumentParser().parse_args()
if args.fast:
    import deepspeed
else:
    import torch
if __name__ == "__main__":
    import timm
"""


def guards(found):
    return {row["module"]: row["guarded"] for row in found["src.imports"]}


def test_a_branch_may_not_be_taken(tmp_path):
    found = guards(facts(tmp_path, {"demo.py": BRANCH}))
    assert (found["deepspeed"], found["torch"], found["timm"]) == (True, True, False)


def test_a_file_that_only_a_function_imports(tmp_path):
    files = {
        "demo.py": "import helper\ndef fast():\n    import kernels_of_ours\n",
        "helper.py": "import einops\n",
        "kernels_of_ours.py": "import triton\n",
    }
    found = guards(facts(tmp_path, files))
    assert (found["einops"], found["triton"]) == (False, True)


def test_what_no_program_at_the_top_imports(tmp_path):
    below = {"train/mem.py": "import flash_attn\n"}
    found = guards(facts(tmp_path, {"app.py": "import torch\n", **below}, what=["."]))
    assert (found["torch"], found["flash_attn"]) == (False, True)
    (tmp_path / "app.py").unlink()
    assert guards(facts(tmp_path, below, what=["."]))["flash_attn"] is False, "nothing at the top: each start counts"


def test_requirements_are_read_before_programs(tmp_path):
    found = facts(tmp_path, {"app.py": "import torch\n", "requirements.txt": "torch==2.1.2\n"}, what=["."])
    assert [path.rpartition("/")[2] for path in found["src.files"]] == ["requirements.txt", "app.py"]
