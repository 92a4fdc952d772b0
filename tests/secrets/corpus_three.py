"""A third corpus of 60 secrets and 40 look-alikes, written after the first and the second had been passed."""

from __future__ import annotations

from corpus_maker import ALNUM, BASE64, DIGITS, HEX, LOWER, UPPER, Case, Maker, b64, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(193).table(SECRETS, ALIKE)
    _made(m)
    return m.cases


SECRETS = (
    ("env dump", "SHELL=/bin/bash\nSTABILITY_API_KEY=«A32»\nLANG=C.UTF-8", "SHELL=/bin/bash", "LANG=C.UTF-8"),
    ("env dump", "HF_TOKEN=«hf|_|L34» CUDA_VISIBLE_DEVICES=0,1 python a.py", "CUDA_VISIBLE_DEVICES=0,1 python a.py"),
    ("env dump", "{'WANDB_API_KEY': '«H40»', 'WANDB_PROJECT': 'vlm'}", "'WANDB_PROJECT': 'vlm'"),
    ("env dump", "ENV DASHSCOPE_API_KEY «s|k-|A32»\nENV MODE prod", "ENV MODE prod"),
    ("env dump", "ARG PIP_TOKEN=«A40»\nRUN pip install torch", "RUN pip install torch"),
    ("yaml", "wandb:\n  api_key: «A20»\n  entity: acme", "entity: acme"),
    ("yaml", 'credentials: {user: svc, password: "«A20»"}', "user: svc"),
    ("yaml", "password: >-\n  «A20»\nhost: db", "host: db"),
    ("json", '{"llm":{"provider":"acme","apiKey":"«A20»","temperature":0}}', '"temperature":0'),
    ("json", '{"headers": {"X-Auth-Token": "«A20»", "Accept": "*/*"}}', '"Accept": "*/*"'),
    ("python", "conn = psycopg2.connect(host='db', password='«A20»', dbname='x')", "dbname='x'"),
    ("python", "r = requests.get(u, auth=HTTPBasicAuth('bob', '«A20»'))", "requests.get"),
    ("python", 'openai.api_key="«A20»"', "openai.api_key"),
    ("python", "secrets = dict(token='«A20»', other=1)", "other=1"),
    ("python", "TOKEN: Final[str] = '«A20»'", "Final[str]"),
    ("js", "const apiKey = `«A20»`;", "const apiKey"),
    ("cli", "oras login ghcr.io -u bob -p «A20»", "oras login ghcr.io"),
    ("cli", "vllm serve a/b --port 80 --api-key=«A20» --dtype half", "--dtype half"),
    ("cli", "lmdeploy serve api_server a/b --api-keys «A20»", "lmdeploy serve api_server a/b"),
    ("cli", "aws configure set aws_secret_access_key «A20»«?|A20»", "aws configure set"),
    ("cli", "7z x data.7z -p«A20»", "7z x data.7z"),
    ("cli", "unzip -P «A20» data.zip", "data.zip"),
    ("cli", "mc alias set minio http://minio:9000 admin «A20»", "http://minio:9000"),
    ("cli", "npm config set //r.acme.io/:_authToken «np|m_|A36»", "npm config set"),
    ("netrc", "machine huggingface.co login bob password «A36» # home", "machine huggingface.co"),
    ("header", "curl https://api.acme.io -H 'Authorization: Basic «b64|A20|:»' -d x", "-d x"),
    ("header", "api-key: «A24»\ncontent-type: application/json", "content-type: application/json"),
    ("header", "headers={'Ocp-Apim-Subscription-Key': '«A24»'}", "headers="),
    ("url", "https://acme.cos.ap-guangzhou.myqcloud.com/m.bin?q-sign-algorithm=sha1&q-ak=«?|AK|ID|A32»&q-signature=«H64»", "acme.cos.ap-guangzhou.myqcloud.com/m.bin"),
    ("url", "wss://api.acme.io/v1/stream?token=«A26»", "wss://api.acme.io/v1/stream"),
    ("url", "https://«A26»:x-oauth-basic@github.com/acme/x.git", "github.com/acme/x.git"),
    ("url", "rtsp://admin:«A26»@cam:554/1", "cam:554/1"),
    ("sentence", "Default password is '«A12»'.", "Default password"),
    ("sentence", "wifi password «A12»", "wifi"),
    ("sentence", "pw: «A12»", "pw"),
    ("sentence", "use this key: «A24»", "use this"),
    ("sentence", "密钥 = «A24»", "密钥"),
    ("sentence", "用户名：root 密码：«A12» 端口：22", "端口：22"),
    ("sentence", "我的令牌是「«A24»」", "我的令牌"),
    ("sentence", "用的是阿里云的key（«s|k-|H32»），报错401", "报错401"),
    ("sentence", "My token is «hf|_|L34», please help", "please help"),
    ("key", "cat ~/.ssh/id_ed25519\n«PEM|OPENSSH PRIVATE»\nuser typed exit", "user typed exit"),
    ("unnamed", "export A=«gl|pat-|W20»", "export A="),
    ("unnamed", "bot «xo|xp-|D12|-|A24»", "bot"),
    ("unnamed", "(«AK|IA|U16»)"),
    ("home", '"/home/«=dmitri.k»/ws/llava/train.py", line 3', "ws/llava/train.py"),
    ("home", "/cluster/home/«=nguyenv»/env", "/env"),
    ("home", "/Users/«=sofia»/Library/Caches/pip and /data/«=sofia»/ckpt/a", "Library/Caches/pip", "ckpt/a"),
    ("home", "D:\\Users\\«=paul_b»\\hf", "hf"),
    ("host", "sunli@«=h100-node2»:~$ ls\nrank0 on «=h100-node2» failed", "rank0 on"),
    ("host", "Host key verification failed for «=gpu7.lab.kestrel.edu»\nssh root@«=gpu7.lab.kestrel.edu»", "Host key verification failed"),
    ("ip", '«=192.168.1.77» - - [05/Jan/2026] "POST /v1/chat/completions HTTP/1.1" 200 OK', "200 OK"),
    ("ip", "NCCL INFO NET/Socket : Using [0]eth0:«=172.17.0.9»<0>", "NET/Socket"),
    ("ip", "export NO_PROXY=localhost,«=10.55.1.20»", "localhost"),
    ("email", "mail to: «=chen_yu@lab.heron.ac.jp»", "mail to"),
    ("mac", "HWaddr «=00:1B:21:3C:9D:F0»", "HWaddr"),
)  # fmt: skip

ALIKE = {
    "word": (
        "tokenizer.pad_token = tokenizer.eos_token", "'input_ids', 'attention_mask', 'pixel_values', 'image_grid_thw'", "key_cache.shape == value_cache.shape",
        "generate(**inputs, max_new_tokens=128, pad_token_id=0)", "Cannot access gated repo for url",
        "You are trying to access a gated repo. Make sure to have access to it", "Invalid username or password.", "Repository Not Found ... authenticated",
        "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER]", "TOKENIZERS_PARALLELISM=false", "token_dropout=0.1 key_dim=64", "session_options.intra_op_num_threads=4",
        "secret weapon", "auth_backend=None", "pass --trust-remote-code to load", "passed=12 failed=0", "VLLM_ATTENTION_BACKEND=FLASH_ATTN", "HF_HUB_DISABLE_TELEMETRY=1",
        "--password-file /run/secrets/db", "api_key_env: OPENAI_API_KEY", "key not found: image", "令牌数量超出限制：2048", "密码学库 cryptography 42.0.5", "请设置 HF_TOKEN 环境变量",
    ),
    "place": (
        "/data/models/Qwen2-VL/model.safetensors", "10.3.5.147 curand", "nvidia-nvjitlink-cu12 12.4.127", "http://0.0.0.0:23333", "/mnt/data/home", "127.0.0.1 - - GET /",
        "C:\\ProgramData\\conda", "eth0: up", "GPU-0 and GPU-1", "\\d+\\w+ in a pattern", "see README.md:12:34", "root:x:0:0:root:/root:/bin/bash",
    ),
}  # fmt: skip


def _made(m: Maker) -> None:
    """What no template says: keys in other forms, one body in several places."""
    s = m.body(ALNUM, 26)
    m.secret("url", f"next={url('https://a/?access_token=' + s)}", s, "next=")
    p, rows = m.pem("EC PRIVATE", 2, "\\n")
    m.secret("key", f'TLS_KEY="{p}" NEXT=1', rows, "NEXT=1")
    p, rows = m.pem("RSA PRIVATE", 3)
    m.secret("key", "\n".join(f"{n:4d} | {row}" for n, row in enumerate(p.split("\n"), 1)), rows)
    s = m.body(BASE64, 40)
    m.secret(
        "aws", f"{m.key('AK', 'IA', alphabet=UPPER + DIGITS, length=16)}:{s}", s
    ) if "/" not in s and "+" not in s else m.secret("aws", f"secret: {s}", s)
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"Already on {g[:8]}",
        f"snapshot_download(repo_id='a/b', revision='{g}')",
        f"/root/.cache/huggingface/hub/models--a--b/blobs/{h}.incomplete",
        f"Digest: sha256:{h}",
        f"graph hash f{m.body(LOWER + DIGITS, 50)}",
        f"inductor cache /tmp/torchinductor_root/{m.body(LOWER + DIGITS, 2)}/c{m.body(LOWER + DIGITS, 50)}.py",
        f"content-md5: {b64(m.body(ALNUM, 16))}",
        f"container id {h[:12]}",
        f"conda build h{m.body(HEX, 7)}_0",
        f"llama.cpp build 4567 ({g[:8]})",
        f"req-{m.body(HEX, 32)} finished",
        f"https://gist.github.com/acme/{m.body(HEX, 32)}",
    )
