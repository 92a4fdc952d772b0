"""Secrets and identities go, what a report needs stays. All secrets here are made up on the spot."""

import random
import re
import string
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doctor.collect import literals, secrets_text
from doctor.collect import secretforms as forms
from doctor.collect.literals import holds
from doctor.collect.redact import Redactor
from doctor.collect.secretwords import strength
from doctor.model.facts import find
from doctor.model.snapshot import Snapshot

if sys.version_info >= (3, 11):
    from re import _parser as sre_parse
else:
    import sre_parse

R = random.Random(11)
ALNUM, HEX = string.ascii_letters + string.digits, "0123456789abcdef"


def body(chars=ALNUM, length=36):
    return "7" + "".join(R.choice(chars) for _ in range(length - 1))


FORMS = [
    "HF_TOKEN={}",
    "export MY_SECRET='{}'",
    '{{"api_key": "{}"}}',
    "{{'passwd': '{}'}}",
    "os.environ['OPENAI_API_KEY'] = '{}'",
    "Authorization: Bearer {}",
    "curl -H 'X-Api-Key: {}' https://api.example.com/v1",
    "curl -u alice:{} https://x.example/y",
    "https://bob:{}@git.example.com/x.git",
    "socks5h://u:{}@10.1.2.3:1080",
    "machine api.example.com\n  login user\n  password {}",
    "python serve.py --api-key {} --port 8000",
    "jupyter lab --ServerApp.token='{}'",
    "http://gpu:8888/lab?token={}",
    "https://x.example/a?X-Amz-Signature={}&b=1",
    "密码：{}，请勿外传",
    "登录密码是{}。",
    "the password is {}, do not tell",
    "Server=db;Uid=sa;Pwd={};",
    "ENV MODELSCOPE_TOKEN {}",
    "secretAccessKey: {}",
    "PGPASSWORD={} psql",
    "<password>{}</password>",
    "wandb login {}",
    "docker login -u bob -p {} reg.example.com",
    "//reg.example.com/:_authToken={}",
    '{{"auths":{{"registry.example.io":{{"auth":"{}"}}}}}}',
    "https://oapi.dingtalk.com/robot/send?access_token={}",
    "https://hooks.slack.com/services/T0/B0/{}",
]
PREFIXES = ["h" + "f_", "s" + "k-", "gh" + "p_", "gl" + "pat-", "nv" + "api-", "gs" + "k_", "AI" + "za", "np" + "m_", "LT" + "AI", "AK" + "IA"]
KEPT = [
    "commit 7f2c1e9b0a4d5c6e8f90123456789abcdef01234",
    "sha256:3f9a1c7be2d84a10ff3f9a1c7be2d84a10ff3f9a1c7be2d84a10ff3f9a1c7be2",
    "revision='a272c74b2481d8aff3aa6fc2c4bf891fe57334fb'",
    "torch==2.0.1+cu117 nvidia-cublas-cu12==12.4.5.8",
    "upgrade from 12.1.3.1 to 12.4.5.8; TensorRT 10.0.1.6",
    "Running on local URL:  http://127.0.0.1:7860",
    "00000000:65:00.0 Off  12:34:56,789",
    "pad_token_id=32000 max_new_tokens=512 image_token='<image>'",
    "HF_TOKEN: not set, token=None, HF_TOKEN_PATH=/root/.cache/huggingface/token",
    "tokenizer='Qwen/Qwen2-VL-7B-Instruct'",
    "key: model.layers.0.self_attn.q_proj.weight",
    "vllm serve --api-key EMPTY",
    "export OPENAI_API_KEY=$OPENAI_API_KEY",
    "git@github.com:haotian-liu/LLaVA.git",
    "PWD=/root/autodl-tmp/LLaVA",
    "def f(token: str, api_key: Optional[str] = None) -> None:",
    "password=getpass.getpass(), token=token",
    "password authentication was removed",
    "undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationESsE",
    "c10::cuda::add std::bad_alloc",
    "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.65 GiB total capacity)",
    "/root/autodl-fs/hub/models--openai--clip-vit-large-patch14",
]


@pytest.mark.parametrize("form", FORMS)
def test_values_of_credentials_go(form):
    secret = body()
    text = Redactor().text(form.format(secret))
    assert secret not in text
    assert secret[:8] not in text
    assert Redactor().text(text) == text


@pytest.mark.parametrize("prefix", PREFIXES)
def test_provider_tokens_go_wherever_they_stand(prefix):
    token = prefix + body(string.ascii_uppercase + string.digits if prefix.endswith("IA") else ALNUM)
    for form in ("login({}).", "x {} y", "\x1b[33m{}\x1b[0m", "A%3D{}%26x", "({})", "“{}”"):
        assert token[4:] not in Redactor().text(form.format(token))


def test_private_keys_go_also_when_cut_off():
    kind = "RSA PRIVATE" + " KEY"
    lines = "\n".join(body(length=64) for _ in range(3))
    for text in (f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----", f"-----BEGIN {kind}-----\n{lines}\n"):
        out = Redactor().text("before\n" + text + "\nafter: see")
        assert not any(line in out for line in lines.split("\n"))
        assert "before" in out


@pytest.mark.parametrize("text", KEPT)
def test_look_alikes_stay(text):
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("text", "gone", "stays"),
    [
        ("/home/xiaoming/envs/llava", "xiaoming", "envs/llava"),
        ("/data/home/wangfang/LISA/chat.py", "wangfang", "LISA/chat.py"),
        ("C:\\Users\\Carol Danvers\\AppData", "Carol Danvers", "AppData"),
        ("(llava) chenlong@gpu-17.lab.example.edu:~/LLaVA$ ls", "chenlong", "LLaVA"),
        ("[li@node-4 LLaVA]$ ls", "node-4", "LLaVA"),
        ("Linux gpu-17 5.15.0-113-generic", "gpu-17", "5.15.0-113"),
        ("controller http://10.20.30.40:21001 refused", "10.20.30.40", ":21001"),
        ("MASTER_ADDR=10.0.0.12", "10.0.0.12", "MASTER_ADDR"),
        ("listening on [2001:db8:85a3::8a2e:370:7334]:7860", "8a2e:370", ":7860"),
        ("Author: Li <li.lei@example.com.cn>", "li.lei", "Author"),
        ("https://3f9a1c7be2d84a10ff.gradio.live", "3f9a1c7be2d84a10ff", "gradio.live"),
        ("UUID: GPU-2dee1e25-b3b5-007e-2b55-79f2d0f2ebe5", "2dee1e25", "UUID: GPU-"),
        ("link/ether 3c:ec:ef:12:34:56", "3c:ec:ef", "link/ether"),
    ],
)
def test_identities_become_placeholders(text, gone, stays):
    out = Redactor().text(text)
    assert gone not in out
    assert stays in out


def test_equal_names_get_equal_placeholders():
    out = Redactor().text("/home/anna/a /home/bert/b /home/anna/c")
    assert out == "/home/<user-1>/a /home/<user-2>/b /home/<user-1>/c"


def test_own_home_user_and_host():
    redactor = Redactor("/home/anna", "anna", "box-7")
    assert redactor.text("/home/anna/x '/home/anna' /home/annabel/y") == "~/x '~' /home/<user-2>/y"  # the first number is our own user's
    assert "anna" not in redactor.text("/scratch/anna/data")
    assert "box-7" not in redactor.text("run on box-7: ok")


def test_user_root_eats_no_words():
    redactor = Redactor("/root", "root", "localhost")
    assert redactor.text("/root/x: root cause, rootless, /opt/root/y") == "~/x: root cause, rootless, /opt/root/y"


def test_bytes_that_are_no_text_are_shown_escaped():
    assert Redactor().text("a\udcffb\ud800") == "a\\xffb\\ud800"


def test_facts_by_their_mark():
    secret = body()
    facts = {
        "host.name": "gpu-17",
        "host.user": "anna",
        "python.prefix": "/home/anna/envs/llava",
        "pip.index": f"https://anna:{secret}@mirror.example.com/simple",
        "python.requires": {"llava": [f"x @ git+https://t:{secret}@git.example.com/x"]},
        "env.HTTPS_PROXY": f"http://u:{secret}@10.0.0.1:3128",
        "dist.torch": "2.1.2+cu118",
        "disks": [{"role": "home", "path": "/home/anna", "free": 7}],
    }
    snapshot = Snapshot(facts, {"dists": f"cannot open /home/anna/x: password={secret}"})
    out = Redactor("/home/anna", "anna", "gpu-17").snapshot(snapshot)
    assert secret not in repr(out)
    assert "anna" not in repr(out)
    assert out.facts["dist.torch"] == "2.1.2+cu118"
    assert out.facts["disks"] == [{"role": "home", "path": "~", "free": 7}]
    assert out.facts["host.name"] == "<host-1>"


def test_root_stays_root():
    assert Redactor("/root", "root", "vm").value(find("host.user"), "root") == "root"


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("HF_TOKEN", 2), ("apiKey", 2), ("aws_access_key_id", 2), ("数据库密码", 2), ("PGPASSWORD", 2), ("key", 1), ("auth", 1),
        ("pad_token_id", 0), ("max_new_tokens", 0), ("tokenizer", 0), ("HF_TOKEN_PATH", 0), ("KeyError", 0), ("monkey", 0), ("PWD", 0),
    ],
)
def test_names_of_credentials(name, sure):
    assert strength(name) == sure


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*FORMS, *KEPT, "\n", "/home/", "://", "@", "token=", '"', "'", "\\", "BEGIN PRIVATE KEY-----"]), max_size=6))
def test_a_second_pass_changes_nothing(parts):
    redactor = Redactor()
    once = redactor.text(" ".join(parts).replace("{}", "Abc123456789xyz"))
    assert redactor.text(once) == once


@pytest.mark.parametrize("bait", ["-----BEGIN PRIVATE KEY-----", "1.1.1.1.", "http://", 'key: "', "a.b@", "::", "login x password ", "/home/a"])
def test_time_is_linear(bait):
    text = (bait * 100_000)[:200_000]
    began = time.process_time()
    Redactor("/home/anna", "anna", "box-7").text(text)
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("row", secrets_text.RULES, ids=lambda row: row[2][:20])
def test_no_credential_is_shorter_than_its_row_says(row):
    _, least, pattern, _ = row
    assert sre_parse.parse(pattern).getwidth()[0] >= least


@pytest.mark.parametrize("form", forms.PREFIXES, ids=lambda form: form[:20])
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_every_token_passes_the_looks_before_its_pattern(form, data):
    token = data.draw(st.from_regex(re.sub(r"\(\?=[^)]*\)", "", form), fullmatch=True))
    for around in ("{}", "see {} here", "a/{}/b", "x=%2F{}", "令牌{}"):
        found = re.search(forms.PREFIX, around.format(token))
        low = around.format(token).lower()
        assert not found or (holds(low, forms.STARTS) and secrets_text.may_start(low))


@settings(max_examples=200, deadline=None)
@given(st.text(sorted(forms.WORD), max_size=120), st.sampled_from(forms.NAMES + forms.STARTS))
def test_one_word_needs_the_patterns_of_words_only(text, middle):
    word = text[:60] + middle + text[60:]
    if forms.WORD.issuperset(word):
        for _, _, pattern, replace in set(secrets_text.RULES) - set(secrets_text.IN_A_WORD):
            assert re.sub(pattern, replace, word) == word


def test_what_was_seen_before_is_redacted_alike():
    redactor = Redactor(home="/home/ann", user="ann", host="gpu17")
    texts = ["ann@gpu17: /home/ann/x", "HF_TOKEN=hf_" + "a1B2" * 9, "tokenizers_token=" + "k3Y9" * 8]
    assert [redactor.text(text) for text in texts] == [redactor.text(text) for text in texts]
    assert not any("a1B2" in redactor.text(text) or "k3Y9" in redactor.text(text) for text in texts)


def test_a_large_text_is_searched_by_its_lines_and_redacted_as_a_small_one():
    body = "made-up" + "Value77xq" * 2
    small = f"epoch 1\nexport HF_TOKEN={body}\nuser: alice@example.com\n"
    large = "loss 0.1 at step 20\n" * (literals.LARGE // 10) + small
    redacted = Redactor().text
    assert redacted(large).endswith(redacted(small))
    assert body not in redacted(large)
    assert len(literals.searched(large)) < 200
