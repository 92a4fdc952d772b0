"""An eighth corpus: passwords as people make them, columns that name users, and code that only computes a credential."""

from __future__ import annotations

from corpus_maker import Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    return Maker(80808).table(SECRETS, ALIKE).cases


SECRETS = (
    ("split", "HF_TOKEN=«h|f_|L17»\\\n«A17» python run.py", "python run.py"),
    ("pair", "modal token set --token-id «ak-|A22» --token-secret «as-|A22»", "modal token set"),
    ("pair", "mc alias set lab http://127.0.0.1:9000 «U20» «B40»", "mc alias set lab http://127.0.0.1:9000"),
    ("below", "ssh -p 41822 root@connect.westc.gadwall.cn\n«=ZWtSlXSOZu4d»", "41822"),
    ("sentence", "pwd为 «=root#5879Qnz»，VNC端口5901", "VNC端口5901"),
    ("sentence", "vncserver密码:«=Tiger&9335Qsg»", "vncserver"),
    ("sentence", "授权码 «A24» （一次性）", "授权码"),
    ("sentence", "密钥为 «A24»（必须以 sk 开头）", "必须以 sk 开头"),
    ("sentence", "口令：«=Moon,77;dev»。", "口令"),
    ("option", "python app.py --gradio-auth admin:«=Spring.2426!th» --listen", "--gradio-auth admin:", "--listen"),
    ("option", "curl -x http://10.8.0.1:3128 -U proxyuser:«=Qwe*0353devsa» https://a.io/simple", "https://a.io/simple"),
    ("option", "curl -u a:«=Lab.1122zZ» -U b:«=Lab.3344zZ» https://a.io", "https://a.io"),
    ("option", "http -a svc:«=Lab_5566zZ» POST a.io/v1", "POST a.io/v1"),
    ("option", "redis-cli -h cache -p 6379 -a «=Zhang*2569!po» ping", "-p 6379", "ping"),
    ("option", "--openai-key TEXT  [env var: OPENAI_KEY; default: «A30»]", "env var: OPENAI_KEY"),
    ("option", "  --api-key KEY  the key of the server (default: «H32»)", "the key of the server"),
    ("setting", "requirepass «=Cluster_4230devve»", "requirepass"),
    ("setting", "masterauth «=Cluster_4230devvF»\nmaxmemory 2gb", "maxmemory 2gb"),
    ("header", "send: b'POST /v1 HTTP/1.1\\r\\nAuthorization: Bearer «A40»\\r\\nContent-Length: 12\\r\\n'", "Content-Length: 12"),
    ("header", "Set-Cookie: sid=«H32»; Path=/; HttpOnly", "Path=/; HttpOnly"),
    ("script", 'spawn ssh root@a.io\nexpect "*assword:"\nsend "«=MyhqMDaCt33s»\\r"', "expect"),
    ("script", "child.expect('password:')\nchild.sendline('«=MyhqMDaCt33t»')", "child.expect"),
    ("code", "password = '«=Safe[1]word»'", "password"),
    ("ini", "password = «=hunter2hunter»\nport = 22", "port = 22"),
    ("wsl", "\\\\wsl.localhost\\Ubuntu-22.04\\home\\«=yuhan_c»\\LLaVA", "Ubuntu-22.04"),
    ("wsl", "\\\\wsl$\\Ubuntu\\home\\«=yuhan_c»\\LLaVA", "Ubuntu"),
    ("column", "drwxr-xr-x 5 «=maojun» «=maojun» 4096 Jun  7 12:00 ckpt", "4096 Jun  7 12:00 ckpt"),
    ("column", "-rw-r--r-- 1 root «=vlmlab» 512 Jun  7 12:00 a.py", "root", "a.py"),
    ("column", "«=maojun»    41234 99.1  3.2 23456789 1234 ?  Rl  12:00 9:59 python train.py", "python train.py"),
    ("column", "«=maojun»    41234       1  0 12:00 ?        00:00:01 python train.py", "python train.py"),
    ("column", "  41234 «=maojun»    20   0   12.3g   2.1g  1.0g R 100.0  1.6  12:00.01 python", "python"),
    ("column", " 4431 gpu train «=qianduo» R 1:02 1 (None)", "gpu train", "R 1:02"),
    ("column", "«=maojun»   pts/3        2024-06-07 12:00", "pts/3"),
    ("column", "«=maojun»:x:1001:1001::/opt/a:/bin/bash", "/bin/bash"),
)  # fmt: skip

ALIKE = {
    "who": (
        "password=None, username=None, token=None", "[pypi]\nusername = __token__", "def login(username: str, password: str, api_key: Optional[str] = None) -> Session:",
        "hostname: str", "master_addr = os.getenv('MASTER_ADDR', '127.0.0.1')", "self.hostname = get_local_ip()", "hostname = parsed.hostname", "MASTER_ADDR=xxx.xxx.xxx.xxx",
        "MASTER_ADDR: Pass-through for the `--master_addr` parameter", "from deepseek_vl2.models.processing import VLChatProcessor", "s.connect(('8.8.8.8', 80))", "curl http://169.254.169.254/latest",
        "Serial: advance the state per position", "/path/to/your/home/miniconda3/bin/activate", "/github/home/.cache/huggingface", "re.sub(r'\\\\begin\\s', r'\\\\begin', text)", 'a + "\\\\VC\\\\Tools\\\\MSVC"',
        "from huggingface_hub import whoami\nfrom packaging import version", "[username@hostname workdir]# rpm -qa", "-rw-r--r-- 1 root root 512 Jun  7 12:00 a.py",
        "root    41234 99.1  3.2 23456789 1234 ?  Rl  12:00 9:59 python train.py",
    ),
    "code": (
        "password = getpass.getpass('Password: ')", "token = generate_ids[j].item()", "token_positions = safe_logical * compress_ratio", "n_token = output.generate_token_len",
        "replace_token = video_inputs", "token_seq: torch.Tensor,", "api_keys: list[str] | str | None = None,", "moe_token_dispatcher_type: Literal['allgather', 'alltoall']", "request_api_key = authorization[7:]",
        "safe_pass = safe['label'].isin(['1', '3'])", "a_token_scale=DataType.void,", "if 'OCR token: ' in prompt and len(prompt.split('a')) == 3:", "logits[0, bad_token] = 100.0",
        "token_repetition_penalty = 1.025", "compiled_token_counts='1,2,3,8,16'", "assert p.api_key == 'sk-test-key'", "FEISHU_APP_SECRET: ${{secrets.FEISHU_APP_SECRET}}",
    ),
    "text": (
        "{'loss': 1.47, 'token_acc': 0.65511727, 'epoch': 0.01}", "'token_acc': '0.6399'", "PyJWT==2.8.0 tiktoken==0.6.0", "OPENAI_API_KEY=sk-123456", "OPENAI_API_KEY: sk-empty",
        "secretKeyRef:\n  name: hf-secret\n  key: token", "hub_token: Authentication token for private models.", "First pass: Calculate runs of filled cells", "api_key: 访问需要使用的密钥",
        "取采样 token 的 logp（`prompt_logprobs=0`）", "pass base64 data instead of paths", "Do not pass cu13.0 or cu12.8", "check that your changes pass flake8 and the tests", "besides eos_token and`suffix[-1]`.",
        "https://discuss.pytorch.org/t/how-to-delete-a-tensor-in-gpu-2/48879/32", "hub_token可以在这里找到: https://modelscope.cn/my/myaccesstoken", "git config --global --add safe.directory /work && ls",
        "docker run --user root -e NVIDIA_DISABLE_REQUIRE=1 --pull never", 'echo "${REGISTRY_PASSWORD}" | docker login -u "${REGISTRY_USER}" --password-stdin', "wandb login $WANDB_API_KEY",
    ),
}  # fmt: skip
