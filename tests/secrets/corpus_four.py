"""A fourth corpus, of 35 secrets and 30 look-alikes: calls and lists of arguments, and more sentences."""

from __future__ import annotations

from corpus_maker import Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(777).table(SECRETS, ALIKE)
    _made(m)
    return m.cases


SECRETS = (
    ("env", "export QWEN_API_KEY=«A32»;export B=1", "export B=1"),
    ("env", "HUNYUAN_SECRET_KEY='«A32»'", "HUNYUAN_SECRET_KEY"),
    ("key", "key «sk|-ws-|A48»"),
    ("key", "[«s|k-svcacct-|W80»]"),
    ("git", "fatal: unable to access 'https://x-access-token:«gh|s_|A36»@github.com/a/b/': 403", "github.com/a/b/", "403"),
    ("json", '{"access_token":"«A40»","token_type":"bearer","expires_in":3599}', '"expires_in":3599'),
    ("json", "'refresh_token': '«A40»'"),
    ("py", "client = MongoClient('mongodb://root:«A22»@10.0.0.5:27017/?authSource=admin')", "authSource=admin"),
    ("py", "os.environ.setdefault('HF_TOKEN', '«A22»')", "os.environ.setdefault"),
    ("py", "os.environ.update(OPENAI_API_KEY='«A22»', X='1')", "X='1'"),
    ("py", 'os.putenv("WANDB_API_KEY", "«A22»")', "os.putenv"),
    ("py", "parser.add_argument('--api_key', default='«A22»')", "parser.add_argument"),
    ("py", "assert token == '«A22»'", "assert token"),
    ("py", 'headers = {"Authorization": f"Bearer «A22»"}', "headers"),
    ("py", "api.set_access_token('«A22»')", "set_access_token"),
    ("cli", "huggingface-cli login --token '«A22»'", "huggingface-cli login"),
    ("cli", "curl -X POST -d 'password=«A22»&user=a' https://a.io", "https://a.io"),
    ("cli", 'curl --header "X-API-KEY:«A22»" https://a.io', "https://a.io"),
    ("cli", 'http POST a.io Authorization:"Token «A22»"', "http POST a.io"),
    ("cli", "ssh-keygen -t rsa -N «A22» -f id", "-f id"),
    ("yaml", "  - HF_TOKEN=«A22»\n  - NCCL_DEBUG=INFO", "NCCL_DEBUG=INFO"),
    ("yaml", "env: {name: HF_TOKEN, value: «A22»}", "HF_TOKEN"),
    ("ini", "password=«A22» ; the db one", "the db one"),
    ("log", "[DEBUG] using token=«A22»... (cached)", "(cached)"),
    ("log", 'loaded secret "«A22»" from vault', "from vault"),
    ("zh", "数据库口令：«A12»（测试环境）", "测试环境"),
    ("zh", "密码为 «A12» ，请保密", "请保密"),
    ("zh", "token填的是«A20»，不对吗", "不对吗"),
    ("zh", "appsecret：«H32»"),
    ("id", "drwxr-xr-x 5 wanglei wanglei 4096 Jan  1 00:00 «=/home/wanglei»/LISA", "LISA"),
    ("id", "/home/«=k.tanaka»@acme.io/envs", "envs"),
    ("id", "Running on http://«=203.0.113.8»:7860", ":7860"),
    ("id", "worker «=10.42.0.17»:5000 lost", ":5000"),
    ("id", "logged in as «=bob.smith@wigeon.dev»", "logged in as"),
)  # fmt: skip

ALIKE = {
    "word": (
        "token = tokenizer.encode(x)", "pad_token='[PAD]'", "api_key=settings.api_key", "password=password", "secret_name: hf", "a = token", "key='image'",
        "key=lambda x: x[1]", "passwd: unchanged", "torch.Size([1, 3, 336, 336])", "WARNING: token count 4096 exceeds 2048", "session_id=1", "auth=None",
        "bearer of bad news", "author=Li", "monkey=1", "keyword=value", "cookie jar", "--token-limit 4096", "model_key=vision_tower.0.weight",
        "Qwen2VLImageProcessorFast", "FlashAttention2ForwardKernelSm90", "AutoModelForVision2Seq", "c10d::ProcessGroupNCCL::WorkNCCL", "NCCL_IB_HCA=mlx5_0,mlx5_1",
        "CUDA_MODULE_LOADING=LAZY", "10.2.10.91", "11.6.3.83", "libcublasLt.so.12.4.5.8", "cu121-cp310-cp310-manylinux1_x86_64",
    ),
}  # fmt: skip


def _made(m: Maker) -> None:
    """What no template says: keys in other forms, one body in several places."""
    p, rows = m.pem("OPENSSH PRIVATE", 4)
    m.secret("pem", "SSH_KEY: |\n    " + p.replace("\n", "\n    ") + "\nNEXT: 1", rows, "NEXT: 1")
