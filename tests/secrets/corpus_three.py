"""A third corpus of 60 secrets and 40 look-alikes, written after the first and the second had been passed."""

from __future__ import annotations

from corpus_maker import ALNUM, BASE64, DIGITS, HEX, LETTERS, LOWER, UPPER, WORDY, Case, Maker, b64, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(193)
    _keys(m)
    _texts(m)
    _people(m)
    _alike(m)
    return m.cases


def _keys(m: Maker) -> None:
    s = m.body(ALNUM, 32)
    m.secret(
        "env dump", f"SHELL=/bin/bash\nSTABILITY_API_KEY={s}\nLANG=C.UTF-8", s, ["SHELL=/bin/bash", "LANG=C.UTF-8"]
    )
    s = m.key("hf", "_", alphabet=LETTERS, length=34)
    m.secret(
        "env dump", f"HF_TOKEN={s} CUDA_VISIBLE_DEVICES=0,1 python a.py", s, "CUDA_VISIBLE_DEVICES=0,1 python a.py"
    )
    s = m.body(HEX, 40)
    m.secret("env dump", f"{{'WANDB_API_KEY': '{s}', 'WANDB_PROJECT': 'vlm'}}", s, "'WANDB_PROJECT': 'vlm'")
    s = m.key("s", "k-", alphabet=ALNUM, length=32)
    m.secret("env dump", f"ENV DASHSCOPE_API_KEY {s}\nENV MODE prod", s, "ENV MODE prod")
    s = m.body(ALNUM, 40)
    m.secret("env dump", f"ARG PIP_TOKEN={s}\nRUN pip install torch", s, "RUN pip install torch")
    s = m.body(ALNUM, 20)
    m.secret("yaml", f"wandb:\n  api_key: {s}\n  entity: acme", s, "entity: acme")
    s = m.body(ALNUM, 20)
    m.secret("yaml", f'credentials: {{user: svc, password: "{s}"}}', s, "user: svc")
    s = m.body(ALNUM, 20)
    m.secret("yaml", f"password: >-\n  {s}\nhost: db", s, "host: db")
    s = m.body(ALNUM, 20)
    m.secret("json", f'{{"llm":{{"provider":"acme","apiKey":"{s}","temperature":0}}}}', s, '"temperature":0')
    s = m.body(ALNUM, 20)
    m.secret("json", f'{{"headers": {{"X-Auth-Token": "{s}", "Accept": "*/*"}}}}', s, '"Accept": "*/*"')
    s = m.body(ALNUM, 20)
    m.secret("python", f"conn = psycopg2.connect(host='db', password='{s}', dbname='x')", s, "dbname='x'")
    s = m.body(ALNUM, 20)
    m.secret("python", f"r = requests.get(u, auth=HTTPBasicAuth('bob', '{s}'))", s, "requests.get")
    s = m.body(ALNUM, 20)
    m.secret("python", f'openai.api_key="{s}"', s, "openai.api_key")
    s = m.body(ALNUM, 20)
    m.secret("python", f"secrets = dict(token='{s}', other=1)", s, "other=1")
    s = m.body(ALNUM, 20)
    m.secret("python", f"TOKEN: Final[str] = '{s}'", s, "Final[str]")
    s = m.body(ALNUM, 20)
    m.secret("js", f"const apiKey = `{s}`;", s, "const apiKey")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"oras login ghcr.io -u bob -p {s}", s, "oras login ghcr.io")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"vllm serve a/b --port 80 --api-key={s} --dtype half", s, "--dtype half")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"lmdeploy serve api_server a/b --api-keys {s}", s, "lmdeploy serve api_server a/b")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"aws configure set aws_secret_access_key {s}{m.body(ALNUM, 20)}", s, "aws configure set")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"7z x data.7z -p{s}", s, "7z x data.7z")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"unzip -P {s} data.zip", s, "data.zip")
    s = m.body(ALNUM, 20)
    m.secret("cli", f"mc alias set minio http://minio:9000 admin {s}", s, "http://minio:9000")
    s = m.key("np", "m_", alphabet=ALNUM, length=36)
    m.secret("cli", f"npm config set //r.acme.io/:_authToken {s}", s, "npm config set")
    s = m.body(ALNUM, 36)
    m.secret("netrc", f"machine huggingface.co login bob password {s} # home", s, "machine huggingface.co")
    s = b64(m.body(ALNUM, 20) + ":")
    m.secret("header", f"curl https://api.acme.io -H 'Authorization: Basic {s}' -d x", s, "-d x")
    s = m.body(ALNUM, 24)
    m.secret("header", f"api-key: {s}\ncontent-type: application/json", s, "content-type: application/json")
    s = m.body(ALNUM, 24)
    m.secret("header", f"headers={{'Ocp-Apim-Subscription-Key': '{s}'}}", s, "headers=")
    s = m.body(HEX, 64)
    m.secret(
        "url",
        f"https://acme.cos.ap-guangzhou.myqcloud.com/m.bin?q-sign-algorithm=sha1&q-ak={m.key('AK', 'ID', length=32)}&q-signature={s}",
        s,
        "acme.cos.ap-guangzhou.myqcloud.com/m.bin",
    )
    s = m.body(ALNUM, 26)
    m.secret("url", f"wss://api.acme.io/v1/stream?token={s}", s, "wss://api.acme.io/v1/stream")
    s = m.body(ALNUM, 26)
    m.secret("url", f"https://{s}:x-oauth-basic@github.com/acme/x.git", s, "github.com/acme/x.git")
    s = m.body(ALNUM, 26)
    m.secret("url", f"rtsp://admin:{s}@cam:554/1", s, "cam:554/1")
    s = m.body(ALNUM, 26)
    m.secret("url", f"next={url('https://a/?access_token=' + s)}", s, "next=")


def _texts(m: Maker) -> None:
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"Default password is '{s}'.", s, "Default password")
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"wifi password {s}", s, "wifi")
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"pw: {s}", s, "pw")
    s = m.body(ALNUM, 24)
    m.secret("sentence", f"use this key: {s}", s, "use this")
    s = m.body(ALNUM, 24)
    m.secret("sentence", f"密钥 = {s}", s, "密钥")
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"用户名：root 密码：{s} 端口：22", s, "端口：22")
    s = m.body(ALNUM, 24)
    m.secret("sentence", f"我的令牌是「{s}」", s, "我的令牌")
    s = m.key("s", "k-", alphabet=HEX, length=32)
    m.secret("sentence", f"用的是阿里云的key（{s}），报错401", s, "报错401")
    s = m.key("hf", "_", alphabet=LETTERS, length=34)
    m.secret("sentence", f"My token is {s}, please help", s, "please help")
    p, rows = m.pem("OPENSSH PRIVATE", 4)
    m.secret("key", f"cat ~/.ssh/id_ed25519\n{p}\nuser typed exit", rows, "user typed exit")
    p, rows = m.pem("EC PRIVATE", 2, "\\n")
    m.secret("key", f'TLS_KEY="{p}" NEXT=1', rows, "NEXT=1")
    p, rows = m.pem("RSA PRIVATE", 3)
    m.secret("key", "\n".join(f"{n:4d} | {row}" for n, row in enumerate(p.split("\n"), 1)), rows)
    s = m.key("gl", "pat-", alphabet=WORDY, length=20)
    m.secret("unnamed", f"export A={s}", s, "export A=")
    s = m.key("xo", "xp-", alphabet=DIGITS, length=12) + "-" + m.body(ALNUM, 24)
    m.secret("unnamed", f"bot {s}", s, "bot")
    s = m.key("AK", "IA", alphabet=UPPER + DIGITS, length=16)
    m.secret("unnamed", f"({s})", s)
    s = m.body(BASE64, 40)
    m.secret(
        "aws", f"{m.key('AK', 'IA', alphabet=UPPER + DIGITS, length=16)}:{s}", s
    ) if "/" not in s and "+" not in s else m.secret("aws", f"secret: {s}", s)


def _people(m: Maker) -> None:
    m.secret("home", '"/home/dmitri.k/ws/llava/train.py", line 3', "dmitri.k", "ws/llava/train.py")
    m.secret("home", "/cluster/home/nguyenv/env", "nguyenv", "/env")
    m.secret(
        "home", "/Users/sofia/Library/Caches/pip and /data/sofia/ckpt/a", "sofia", ["Library/Caches/pip", "ckpt/a"]
    )
    m.secret("home", r"D:\Users\paul_b\hf", "paul_b", "hf")
    m.secret("host", "sunli@h100-node2:~$ ls\nrank0 on h100-node2 failed", "h100-node2", "rank0 on")
    m.secret(
        "host",
        "Host key verification failed for gpu7.lab.kestrel.edu\nssh root@gpu7.lab.kestrel.edu",
        "gpu7.lab.kestrel.edu",
        "Host key verification failed",
    )
    m.secret(
        "ip", '192.168.1.77 - - [05/Jan/2026] "POST /v1/chat/completions HTTP/1.1" 200 OK', "192.168.1.77", "200 OK"
    )
    m.secret("ip", "NCCL INFO NET/Socket : Using [0]eth0:172.17.0.9<0>", "172.17.0.9", "NET/Socket")
    m.secret("ip", "export NO_PROXY=localhost,10.55.1.20", "10.55.1.20", "localhost")
    m.secret("email", "mail to: chen_yu@lab.heron.ac.jp", "chen_yu@lab.heron.ac.jp", "mail to")
    m.secret("mac", "HWaddr 00:1B:21:3C:9D:F0", "00:1B:21:3C:9D:F0", "HWaddr")


def _alike(m: Maker) -> None:
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"Already on {g[:8]}", f"snapshot_download(repo_id='a/b', revision='{g}')", f"/root/.cache/huggingface/hub/models--a--b/blobs/{h}.incomplete", f"Digest: sha256:{h}",
        f"graph hash f{m.body(LOWER + DIGITS, 50)}", f"inductor cache /tmp/torchinductor_root/{m.body(LOWER + DIGITS, 2)}/c{m.body(LOWER + DIGITS, 50)}.py", f"content-md5: {b64(m.body(ALNUM, 16))}",
        f"container id {h[:12]}", f"conda build h{m.body(HEX, 7)}_0", f"llama.cpp build 4567 ({g[:8]})", f"req-{m.body(HEX, 32)} finished", f"https://gist.github.com/acme/{m.body(HEX, 32)}",
    )  # fmt: skip
    m.keep(
        "word",
        "tokenizer.pad_token = tokenizer.eos_token", "'input_ids', 'attention_mask', 'pixel_values', 'image_grid_thw'", "key_cache.shape == value_cache.shape", "generate(**inputs, max_new_tokens=128, pad_token_id=0)",
        "Cannot access gated repo for url", "You are trying to access a gated repo. Make sure to have access to it", "Invalid username or password.", "Repository Not Found ... authenticated", "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER]",
        "TOKENIZERS_PARALLELISM=false", "token_dropout=0.1 key_dim=64", "session_options.intra_op_num_threads=4", "secret weapon", "auth_backend=None", "pass --trust-remote-code to load", "passed=12 failed=0",
        "VLLM_ATTENTION_BACKEND=FLASH_ATTN", "HF_HUB_DISABLE_TELEMETRY=1", "--password-file /run/secrets/db", "api_key_env: OPENAI_API_KEY", "key not found: image", "令牌数量超出限制：2048", "密码学库 cryptography 42.0.5", "请设置 HF_TOKEN 环境变量",
    )  # fmt: skip
    m.keep(
        "place",
        "/data/models/Qwen2-VL/model.safetensors", "10.3.5.147 curand", "nvidia-nvjitlink-cu12 12.4.127", "http://0.0.0.0:23333", "/mnt/data/home", "127.0.0.1 - - GET /", "C:\\ProgramData\\conda", "eth0: up", "GPU-0 and GPU-1",
        "\\d+\\w+ in a pattern", "see README.md:12:34", "root:x:0:0:root:/root:/bin/bash",
    )  # fmt: skip
