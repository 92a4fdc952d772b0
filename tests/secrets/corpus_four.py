"""A fourth corpus, of 35 secrets and 30 look-alikes: calls and lists of arguments, and more sentences."""

from __future__ import annotations

from corpus_maker import ALNUM, HEX, WORDY, Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(777)
    _first(m)
    _second(m)
    _alike(m)
    return m.cases


def _first(m: Maker) -> None:
    s = m.body(ALNUM, 32)
    m.secret("env", f"export QWEN_API_KEY={s};export B=1", s, "export B=1")
    s = m.body(ALNUM, 32)
    m.secret("env", f"HUNYUAN_SECRET_KEY='{s}'", s, "HUNYUAN_SECRET_KEY")
    s = m.key("sk", "-ws-", alphabet=ALNUM, length=48)
    m.secret("key", f"key {s}", s)
    s = m.key("s", "k-svcacct-", alphabet=WORDY, length=80)
    m.secret("key", f"[{s}]", s)
    s = m.key("gh", "s_", alphabet=ALNUM, length=36)
    m.secret(
        "git",
        f"fatal: unable to access 'https://x-access-token:{s}@github.com/a/b/': 403",
        s,
        ["github.com/a/b/", "403"],
    )
    s = m.body(ALNUM, 40)
    m.secret("json", f'{{"access_token":"{s}","token_type":"bearer","expires_in":3599}}', s, '"expires_in":3599')
    s = m.body(ALNUM, 40)
    m.secret("json", f"'refresh_token': '{s}'", s)
    s = m.body(ALNUM, 22)
    m.secret(
        "py", f"client = MongoClient('mongodb://root:{s}@10.0.0.5:27017/?authSource=admin')", s, "authSource=admin"
    )
    s = m.body(ALNUM, 22)
    m.secret("py", f"os.environ.setdefault('HF_TOKEN', '{s}')", s, "os.environ.setdefault")
    s = m.body(ALNUM, 22)
    m.secret("py", f"os.environ.update(OPENAI_API_KEY='{s}', X='1')", s, "X='1'")
    s = m.body(ALNUM, 22)
    m.secret("py", f'os.putenv("WANDB_API_KEY", "{s}")', s, "os.putenv")
    s = m.body(ALNUM, 22)
    m.secret("py", f"parser.add_argument('--api_key', default='{s}')", s, "parser.add_argument")
    s = m.body(ALNUM, 22)
    m.secret("py", f"assert token == '{s}'", s, "assert token")
    s = m.body(ALNUM, 22)
    m.secret("py", f'headers = {{"Authorization": f"Bearer {s}"}}', s, "headers")
    s = m.body(ALNUM, 22)
    m.secret("py", f"api.set_access_token('{s}')", s, "set_access_token")
    s = m.body(ALNUM, 22)
    m.secret("cli", f"huggingface-cli login --token '{s}'", s, "huggingface-cli login")


def _second(m: Maker) -> None:
    s = m.body(ALNUM, 22)
    m.secret("cli", f"curl -X POST -d 'password={s}&user=a' https://a.io", s, "https://a.io")
    s = m.body(ALNUM, 22)
    m.secret("cli", f'curl --header "X-API-KEY:{s}" https://a.io', s, "https://a.io")
    s = m.body(ALNUM, 22)
    m.secret("cli", f'http POST a.io Authorization:"Token {s}"', s, "http POST a.io")
    s = m.body(ALNUM, 22)
    m.secret("cli", f"ssh-keygen -t rsa -N {s} -f id", s, "-f id")
    s = m.body(ALNUM, 22)
    m.secret("yaml", f"  - HF_TOKEN={s}\n  - NCCL_DEBUG=INFO", s, "NCCL_DEBUG=INFO")
    s = m.body(ALNUM, 22)
    m.secret("yaml", f"env: {{name: HF_TOKEN, value: {s}}}", s, "HF_TOKEN")
    s = m.body(ALNUM, 22)
    m.secret("ini", f"password={s} ; the db one", s, "the db one")
    s = m.body(ALNUM, 22)
    m.secret("log", f"[DEBUG] using token={s}... (cached)", s, "(cached)")
    s = m.body(ALNUM, 22)
    m.secret("log", f'loaded secret "{s}" from vault', s, "from vault")
    s = m.body(ALNUM, 12)
    m.secret("zh", f"数据库口令：{s}（测试环境）", s, "测试环境")
    s = m.body(ALNUM, 12)
    m.secret("zh", f"密码为 {s} ，请保密", s, "请保密")
    s = m.body(ALNUM, 20)
    m.secret("zh", f"token填的是{s}，不对吗", s, "不对吗")
    s = m.body(HEX, 32)
    m.secret("zh", f"appsecret：{s}", s)
    p, rows = m.pem("OPENSSH PRIVATE", 4)
    m.secret("pem", "SSH_KEY: |\n    " + p.replace("\n", "\n    ") + "\nNEXT: 1", rows, "NEXT: 1")
    m.secret("id", "drwxr-xr-x 5 wanglei wanglei 4096 Jan  1 00:00 /home/wanglei/LISA", "/home/wanglei", "LISA")
    m.secret("id", "/home/k.tanaka@acme.io/envs", "k.tanaka", "envs")
    m.secret("id", "Running on http://203.0.113.8:7860", "203.0.113.8", ":7860")
    m.secret("id", "worker 10.42.0.17:5000 lost", "10.42.0.17", ":5000")
    m.secret("id", "logged in as bob.smith@wigeon.dev", "bob.smith@wigeon.dev", "logged in as")


def _alike(m: Maker) -> None:
    m.keep(
        "word",
        "token = tokenizer.encode(x)",
        "pad_token='[PAD]'",
        "api_key=settings.api_key",
        "password=password",
        "secret_name: hf",
        "a = token",
        "key='image'",
        "key=lambda x: x[1]",
        "passwd: unchanged",
        "torch.Size([1, 3, 336, 336])",
        "WARNING: token count 4096 exceeds 2048",
        "session_id=1",
        "auth=None",
        "bearer of bad news",
        "author=Li",
        "monkey=1",
        "keyword=value",
        "cookie jar",
        "--token-limit 4096",
        "model_key=vision_tower.0.weight",
        "Qwen2VLImageProcessorFast",
        "FlashAttention2ForwardKernelSm90",
        "AutoModelForVision2Seq",
        "c10d::ProcessGroupNCCL::WorkNCCL",
        "NCCL_IB_HCA=mlx5_0,mlx5_1",
        "CUDA_MODULE_LOADING=LAZY",
        "10.2.10.91",
        "11.6.3.83",
        "libcublasLt.so.12.4.5.8",
        "cu121-cp310-cp310-manylinux1_x86_64",
    )
