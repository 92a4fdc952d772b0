"""A corpus of 150 secrets and 100 look-alikes: other providers, other tools, other places than those of the rules' authors."""

from __future__ import annotations

from corpus_maker import ALNUM, BASE64, DIGITS, HEX, LETTERS, LOWER, UPPER, WORDY, Case, Maker, b64, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(41)
    _clouds(m)
    _hubs(m)
    _models(m)
    _chinese(m)
    _files(m)
    _environments(m)
    _addresses(m)
    _headers(m)
    _sentences(m)
    _encoded(m)
    _identities(m)
    _hashes(m)
    _words(m)
    _paths(m)
    return m.cases


def _hf(m: Maker) -> str:
    return m.key("h", "f_", alphabet=LETTERS, length=34)


def _clouds(m: Maker) -> None:
    k, s = m.key("AK", "IA", alphabet=UPPER + DIGITS, length=16), m.body(BASE64, 40)
    m.secret(
        "aws",
        f"[default]\naws_access_key_id={k}\naws_secret_access_key={s}\nregion=us-east-1",
        [k, s],
        "region=us-east-1",
    )
    s = m.body(BASE64, 40)
    m.secret(
        "aws",
        f"boto3.client('s3', aws_secret_access_key='{s}', region_name='eu-west-1')",
        s,
        ["boto3.client", "eu-west-1"],
    )
    k = m.key("AS", "IA", alphabet=UPPER + DIGITS, length=16)
    m.secret(
        "aws",
        f"botocore.exceptions.ClientError: The AWS Access Key Id {k} you provided does not exist in our records.",
        k,
        "does not exist in our records",
    )
    s = m.body(BASE64, 300)
    m.secret("aws", f'"SessionToken": "{s}", "Expiration": "2026-01-01T00:00:00Z"', s, "2026-01-01T00:00:00Z")
    s = m.body(BASE64, 86) + "=="
    m.secret("azure", f"export AZURE_STORAGE_KEY={s}", s, "AZURE_STORAGE_KEY")
    s = m.body(BASE64, 43) + "="
    m.secret(
        "azure",
        f"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey={s}",
        s,
        "acme.servicebus.windows.net",
    )
    s = m.body(ALNUM + "~._-", 40)
    m.secret("azure", f"AZURE_CLIENT_SECRET={s}", s, "AZURE_CLIENT_SECRET")
    s = m.body(HEX, 32)
    m.secret(
        "azure",
        f"AzureOpenAI(azure_endpoint='https://x.openai.azure.com', api_key='{s}')",
        s,
        "https://x.openai.azure.com",
    )
    p, rows = m.pem("PRIVATE", 6, "\\n")
    m.secret(
        "gcp",
        f'{{"type": "service_account", "project_id": "vlm-demo", "private_key_id": "{m.body(HEX, 40)}", "private_key": "{p}\\n"}}',
        rows,
        ["service_account", "vlm-demo"],
    )
    s = m.key("AI", "za", alphabet=WORDY, length=35)
    m.secret("gcp", f"genai.configure(api_key={s!r})", s, "genai.configure")
    s = m.key("ya", "29.", alphabet=WORDY, length=150)
    m.secret("gcp", f"gcloud auth print-access-token\n{s}\n$ ", s, "print-access-token")
    s = m.key("GOC", "SPX-", alphabet=WORDY, length=28)
    m.secret("gcp", f'"client_secret":"{s}","redirect_uris":["http://localhost"]', s, "http://localhost")
    s = m.key("dop", "_v1_", alphabet=HEX, length=64)
    m.secret("digitalocean", f"doctl auth init -t {s}", s, "doctl auth init")
    s = m.body(WORDY, 40)
    m.secret("cloudflare", f"CLOUDFLARE_API_TOKEN: {s}", s, "CLOUDFLARE_API_TOKEN")
    s = m.key("v1.0-", alphabet=HEX, length=24) + "-" + m.body(HEX, 146)
    m.secret("cloudflare", f"origin_ca_key = {s}", s)
    s = m.key("FL", "Wsecret_", alphabet=ALNUM, length=40)
    m.secret("other cloud", f"LAMBDA_API_KEY={s}", s, "LAMBDA_API_KEY")
    s = m.body(HEX, 64)
    m.secret("other cloud", f"vast.ai: api key = {s}", s, "vast.ai")
    s = m.key("rp", "a_", alphabet=UPPER + DIGITS, length=40)
    m.secret("runpod", f"runpodctl config --apiKey {s}", s, "runpodctl config")
    s = m.key("hv", "s.", alphabet=ALNUM, length=90)
    m.secret("vault", f"vault login {s}", s, "vault login")
    s = m.body(ALNUM, 24)
    m.secret(
        "oss",
        f"s3fs bucket /mnt -o passwd_file=/x -o url=https://minio:9000; MINIO_ROOT_PASSWORD={s}",
        s,
        "https://minio:9000",
    )
    s = m.body(BASE64, 40)
    m.secret("rclone", f"[s3]\ntype = s3\nsecret_access_key = {s}\nacl = private", s, ["type = s3", "acl = private"])


def _hubs(m: Maker) -> None:
    t = _hf(m)
    m.secret(
        "hf", f"hf auth login --token {t} --add-to-git-credential", t, ["hf auth login", "--add-to-git-credential"]
    )
    t = _hf(m)
    m.secret(
        "hf",
        f"huggingface_hub.errors.HfHubHTTPError: 403 Forbidden: token {t} lacks scope inference",
        t,
        ["403 Forbidden", "lacks scope inference"],
    )
    t = _hf(m)
    m.secret(
        "hf",
        f"Token is valid (permission: read).\n{t}\nYour token has been saved to ~/.cache/huggingface/token",
        t,
        "Your token has been saved to ~/.cache/huggingface/token",
    )
    t = _hf(m)
    m.secret(
        "hf",
        f"git clone https://hf_user:{t}@huggingface.co/meta-llama/Llama-3.2-11B-Vision",
        t,
        "meta-llama/Llama-3.2-11B-Vision",
    )
    t = _hf(m)
    m.secret(
        "hf",
        f"docker run -e HF_TOKEN={t} -p 8080:80 ghcr.io/huggingface/text-generation-inference:3.0",
        t,
        ["-p 8080:80", "text-generation-inference:3.0"],
    )
    t = _hf(m)
    m.secret("hf", f"login(token='{t}', new_session=False)", t, ["login(", "new_session=False"])
    t = _hf(m)
    m.secret("hf", f"[stored]\nhf_token = {t}\n[other]\nhf_token = {t}", t, ["[stored]", "[other]"])
    t = _hf(m)
    m.secret(
        "hf",
        f'curl -L -H "authorization: Bearer {t}" https://huggingface.co/api/models/a/b',
        t,
        "https://huggingface.co/api/models/a/b",
    )
    t = _hf(m)
    m.secret("hf", f"'{t}'", t)
    t = m.key("api", "_org_", alphabet=LETTERS, length=34)
    m.secret("hf", f"InferenceClient({t})", t, "InferenceClient")
    s = m.uuid()
    m.secret("modelscope", f"modelscope login --token {s}", s, "modelscope login")
    s = m.key("ms", "-", alphabet=HEX, length=8) + m.uuid()[8:]
    m.secret("modelscope", f"HubApi().login('{s}')", s, "HubApi")
    s = m.uuid()
    m.secret(
        "modelscope",
        f"git clone https://oauth2:{s}@www.modelscope.cn/qwen/Qwen-VL.git",
        s,
        "www.modelscope.cn/qwen/Qwen-VL.git",
    )
    s = m.body(HEX, 40)
    m.secret("wandb", f"wandb: Paste an API key from your profile and hit enter: {s}", s, "hit enter")
    s = m.body(HEX, 40)
    m.secret("wandb", f'wandb.login(key="{s}")', s, "wandb.login")
    s = m.body(HEX, 40)
    m.secret("wandb", f"!wandb login --relogin {s}", s, "wandb login")
    s = m.body(HEX, 40)
    m.secret("wandb", f"machine api.wandb.ai login user password {s}", s, "api.wandb.ai")
    s = m.body(ALNUM, 25)
    m.secret("comet", f"COMET_API_KEY={s}\nCOMET_WORKSPACE=vlm", s, "COMET_WORKSPACE=vlm")
    s = m.body(ALNUM, 25)
    m.secret("comet", f"comet_ml.Experiment(api_key='{s}', project_name='llava')", s, "project_name='llava'")
    s = b64(f'{{"api_address":"https://app.neptune.ai","api_key":"{m.uuid()}"}}')
    m.secret("neptune", f"NEPTUNE_API_TOKEN={s}", s, "NEPTUNE_API_TOKEN")
    s = m.body(ALNUM, 20)
    m.secret("swanlab", f"swanlab login -k {s}", s, "swanlab login")
    s = m.body(HEX, 32)
    m.secret(
        "kaggle", f"KAGGLE_USERNAME=alice KAGGLE_KEY={s} kaggle datasets download -d a/b", s, "kaggle datasets download"
    )
    s = m.body(HEX, 40)
    m.secret(
        "clearml",
        f'api {{\n  credentials {{ "access_key" = "{m.body(UPPER + DIGITS, 20)}"  "secret_key" = "{s}" }}\n}}',
        s,
        "credentials",
    )
    s = m.key("gh", "u_", alphabet=ALNUM, length=36)
    m.secret(
        "github",
        f"remote: https://x-access-token:{s}@github.com/acme/vlm.git (fetch)",
        s,
        "github.com/acme/vlm.git (fetch)",
    )
    s = m.key("github", "_pat_", alphabet=ALNUM, length=22) + "_" + m.body(ALNUM, 59)
    m.secret("github", f"pip install 'vlm @ git+https://{s}@github.com/acme/vlm@v1.0'", s, "@github.com/acme/vlm@v1.0")
    s = m.key("gl", "dt-", alphabet=WORDY, length=20)
    m.secret("gitlab", f"CI_DEPLOY_PASSWORD={s}", s, "CI_DEPLOY_PASSWORD")
    s = m.key("gl", "cbt-", alphabet=ALNUM, length=28)
    m.secret(
        "gitlab",
        f"--index-url https://gitlab-ci-token:{s}@gitlab.acme.io/api/v4/projects/7/packages/x/simple",
        s,
        "gitlab.acme.io/api/v4/projects/7/packages/x/simple",
    )
    s = m.body(ALNUM, 32)
    m.secret(
        "gitee",
        f"https://gitee.com/api/v5/user?access_token={s}&page=2",
        s,
        ["https://gitee.com/api/v5/user", "page=2"],
    )
    s = m.key("dckr", "_pat_", alphabet=WORDY, length=27)
    m.secret("docker", f"echo {s} | docker login -u alice --password-stdin", s, "--password-stdin")
    s = m.body(ALNUM, 18)
    m.secret("docker", f"docker login registry.acme.io -u deploy -p {s}", s, "docker login registry.acme.io")


def _models(m: Maker) -> None:
    rows = (
        ("OPENAI_API_KEY", ("s", "k-"), ALNUM, 48), ("OPENAI_API_KEY", ("s", "k-proj-"), WORDY, 156), ("ANTHROPIC_API_KEY", ("s", "k-ant-api03-"), WORDY, 95),
        ("GROQ_API_KEY", ("gs", "k_"), ALNUM, 52), ("MISTRAL_API_KEY", ("",), ALNUM, 32), ("COHERE_API_KEY", ("",), ALNUM, 40), ("TOGETHER_API_KEY", ("",), HEX, 64),
        ("FIREWORKS_API_KEY", ("f", "w_"), ALNUM, 24), ("OPENROUTER_API_KEY", ("s", "k-or-v1-"), HEX, 64), ("XAI_API_KEY", ("xa", "i-"), ALNUM, 80),
        ("REPLICATE_API_TOKEN", ("r", "8_"), ALNUM, 37), ("NVIDIA_API_KEY", ("nv", "api-"), WORDY, 64), ("PERPLEXITY_API_KEY", ("pp", "lx-"), ALNUM, 48),
        ("ELEVENLABS_API_KEY", ("s", "k_"), HEX, 48), ("LANGSMITH_API_KEY", ("lsv", "2_pt_"), HEX, 32), ("TAVILY_API_KEY", ("tv", "ly-dev-"), ALNUM, 32),
        ("VOYAGE_API_KEY", ("p", "a-"), WORDY, 43), ("CEREBRAS_API_KEY", ("cs", "k-"), LOWER + DIGITS, 48), ("JINA_API_KEY", ("ji", "na_"), ALNUM, 60),
    )  # fmt: skip
    forms = (
        "{name}={key}", 'os.environ["{name}"] = "{key}"', "export {name}='{key}'", "  {name}: {key}", '$env:{name} = "{key}"', "set -x {name} {key}",
        '"{name}": "{key}",', "- {name}={key}", "setx {name} {key}", "{name} = {key}  # do not commit", "Authorization: Bearer {key}", "Incorrect API key provided: {key}.",
    )  # fmt: skip
    for number, (name, prefix, alphabet, length) in enumerate(rows):
        key = m.key(*prefix, alphabet=alphabet, length=length)
        text = forms[number % len(forms)].format(name=name, key=key)
        m.secret("model provider", text, key, [name] if name in text else [])


def _chinese(m: Maker) -> None:
    s = m.key("s", "k-", alphabet=HEX, length=32)
    m.secret("dashscope", f"dashscope.api_key = '{s}'  # 通义千问", s, "# 通义千问")
    s = m.key("s", "k-", alphabet=HEX, length=32)
    m.secret("deepseek", f"DeepSeek 的 key 是 {s}，请不要外传", s, ["DeepSeek", "请不要外传"])
    s = m.key("s", "k-", alphabet=ALNUM, length=48)
    m.secret("moonshot", f"MOONSHOT_API_KEY={s}", s, "MOONSHOT_API_KEY")
    s = m.body(HEX, 32) + "." + m.body(ALNUM, 16)
    m.secret("zhipu", f"client = ZhipuAI(api_key='{s}')", s, "ZhipuAI")
    s = m.uuid()
    m.secret("volcengine", f"ARK_API_KEY={s}", s, "ARK_API_KEY")
    s = m.key("AK", "LT", alphabet=ALNUM, length=42)
    u = m.body(BASE64, 58) + "=="
    m.secret("volcengine", f"VOLC_ACCESSKEY={s}\nVOLC_SECRETKEY={u}", [s, u], "VOLC_ACCESSKEY")
    s, u = m.key("AK", "ID", alphabet=ALNUM, length=32), m.body(ALNUM, 32)
    m.secret("tencent", f"TENCENTCLOUD_SECRET_ID={s}\nTENCENTCLOUD_SECRET_KEY={u}", [s, u], "TENCENTCLOUD_SECRET_ID")
    s = m.body(ALNUM, 24)
    m.secret("baidu", f"QIANFAN_AK={s}", s, "QIANFAN_AK")
    s = m.body(ALNUM, 32)
    m.secret(
        "baidu",
        f"https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id={m.body(ALNUM, 24)}&client_secret={s}",
        s,
        "aip.baidubce.com/oauth/2.0/token",
    )
    s = m.key("bce", "-v3/ALTAK-", alphabet=ALNUM, length=21) + "/" + m.body(HEX, 40)
    m.secret("baidu", f"Authorization: Bearer {s}", s, "Authorization")
    s, u = m.key("LT", "AI5t", alphabet=ALNUM, length=20), m.body(ALNUM, 30)
    m.secret(
        "aliyun",
        f"ossutil config -e oss-cn-hangzhou.aliyuncs.com -i {s} -k {u}",
        [s, u],
        "oss-cn-hangzhou.aliyuncs.com",
    )
    u = m.body(ALNUM, 30)
    m.secret("aliyun", f"accessKeySecret: {u}", u, "accessKeySecret")
    u = m.body(ALNUM, 40)
    m.secret(
        "huawei",
        f"obsutil config -i={m.body(UPPER + DIGITS, 20)} -k={u} -e=obs.cn-north-4.myhuaweicloud.com",
        u,
        "obs.cn-north-4.myhuaweicloud.com",
    )
    s = m.body(LOWER + DIGITS, 32)
    m.secret("iflytek", f"SPARK_API_SECRET={s}", s, "SPARK_API_SECRET")
    s = m.jwt()
    m.secret("minimax", f"MINIMAX_API_KEY={s}", s, "MINIMAX_API_KEY")
    s = m.key("s", "k-", alphabet=LOWER, length=48)
    m.secret("siliconflow", f"SILICONFLOW_API_KEY: '{s}'", s, "SILICONFLOW_API_KEY")
    s = m.uuid()
    m.secret("feishu", f"https://open.feishu.cn/open-apis/bot/v2/hook/{s}", s, "open.feishu.cn")
    s = m.uuid()
    m.secret("wecom", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={s}", s, "qyapi.weixin.qq.com")
    s = m.key("SE", "C", alphabet=HEX, length=64)
    m.secret("dingtalk", f"钉钉机器人加签密钥 {s}", s, "钉钉机器人")
    s = m.body(ALNUM, 12)
    m.secret("autodl", f"ssh -p 38076 root@connect.westb.seetacloud.com  密码 {s}", s, "ssh -p 38076")


def _files(m: Maker) -> None:
    s = m.body(ALNUM, 16)
    m.secret("netrc", f"machine nexus.acme.io\nlogin ci\npassword {s}\n", s, "machine nexus.acme.io")
    s = m.body(ALNUM, 16)
    m.secret("netrc", f"default login anonymous password {s}", s)
    s = m.key("py", "pi-AgEI", alphabet=WORDY, length=160)
    m.secret("pypirc", f"[pypi]\n  username = __token__\n  password = {s}", s, "[pypi]")
    s = m.body(ALNUM + "!%^", 14)
    m.secret(
        "pypirc",
        f"[internal]\nrepository: https://nexus.acme.io/repository/pypi/\nusername: alice\npassword: {s}",
        s,
        "https://nexus.acme.io/repository/pypi/",
    )
    s = b64("alice:" + m.body(ALNUM, 14))
    m.secret(
        "docker config",
        f'{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{s}"}}}}, "credsStore": "desktop"}}',
        s,
        "credsStore",
    )
    s = m.body(ALNUM, 40)
    m.secret("docker config", f'"identitytoken": "{s}"', s)
    s = b64(m.pem("RSA PRIVATE", 3)[0])
    m.secret("kubeconfig", f"users:\n- name: dev\n  user:\n    client-key-data: {s}", s, "client-key-data")
    s = m.jwt()
    m.secret("kubeconfig", f"- name: dev\n  user:\n    token: {s}", s, "name: dev")
    s = b64(m.body(ALNUM, 30))
    m.secret(
        "kubernetes", f"kind: Secret\nmetadata:\n  name: hf\ndata:\n  HF_TOKEN: {s}", s, ["kind: Secret", "name: hf"]
    )
    t = _hf(m)
    m.secret(
        "kubernetes", f'        - name: HUGGING_FACE_HUB_TOKEN\n          value: "{t}"', t, "HUGGING_FACE_HUB_TOKEN"
    )
    s = m.body(ALNUM, 22)
    m.secret(
        "kubernetes",
        f'      env:\n        - name: DB_PASSWORD\n          value: {s}\n        - name: PORT\n          value: "8000"',
        s,
        ["DB_PASSWORD", '"8000"'],
    )
    t = _hf(m)
    m.secret(
        "compose",
        f"services:\n  vllm:\n    environment:\n      HF_TOKEN: {t}\n      VLLM_PORT: 8000",
        t,
        "VLLM_PORT: 8000",
    )
    for kind in ("OPENSSH PRIVATE", "EC PRIVATE", "ENCRYPTED PRIVATE", "DSA PRIVATE"):
        p, rows = m.pem(kind, 5)
        m.secret("private key", f"$ cat key\n{p}\n$ ls\n", rows, ["$ cat key", "$ ls"])
    rows = tuple(m.body(BASE64, 64) for _ in range(4))
    mark = "-" * 5
    m.secret(
        "private key",
        f"{mark}BEGIN PGP PRIVATE KEY BLOCK{mark}\nVersion: GnuPG v2\n\n"
        + "\n".join(rows)
        + f"\n=ab12\n{mark}END PGP PRIVATE KEY BLOCK{mark}",
        rows,
    )
    rows = tuple(m.body(BASE64, 64) for _ in range(3))
    m.secret(
        "private key",
        f"{mark}BEGIN RSA PRIVATE KEY{mark}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{m.body(HEX.upper(), 32)}\n\n"
        + "\n".join(rows),
        rows,
    )
    rows = tuple(m.body(BASE64, 70) for _ in range(3))
    m.secret(
        "private key",
        "  > " + f"{mark}BEGIN PRIVATE KEY{mark}\n  > " + "\n  > ".join(rows) + f"\n  > {mark}END PRIVATE KEY{mark}",
        rows,
    )
    s = m.body(BASE64, 64)
    m.secret(
        "putty",
        f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{s}\nPrivate-MAC: {m.body(HEX, 64)}",
        s,
        "ssh-ed25519",
    )
    s = m.key("npm", "_", alphabet=ALNUM, length=36)
    m.secret("npmrc", f"//registry.acme.io/:_authToken={s}\nstrict-ssl=false", s, "strict-ssl=false")
    s = m.body(ALNUM, 15)
    m.secret("git-credentials", f"https://alice:{s}@git.acme.io", s, "git.acme.io")
    s = m.body(ALNUM, 30)
    m.secret("conda", f"channels:\n  - https://conda.acme.io/t/{s}/main\n  - defaults", s, "defaults")
    s = m.body(ALNUM, 24)
    m.secret("wireguard", f"[Interface]\nPrivateKey = {s}abcdefghijklmnopqr0=\nAddress = x", s, "[Interface]")


def _environments(m: Maker) -> None:
    t, s = _hf(m), m.body(ALNUM, 24)
    m.secret(
        "bash",
        f'declare -x HF_TOKEN="{t}"\ndeclare -x HOME="/root"\ndeclare -x WANDB_API_KEY="{s}"',
        [t, s],
        'declare -x HOME="/root"',
    )
    t = _hf(m)
    m.secret(
        "powershell",
        f"Name                           Value\n----                           -----\nHF_TOKEN                       {t}\nOS                             Windows_NT",
        t,
        "Windows_NT",
    )
    s = m.body(ALNUM, 24)
    m.secret(
        "powershell", f"AZURE_OPENAI_API_KEY           {s}\nCUDA_PATH                      C:\\CUDA", s, "CUDA_PATH"
    )
    s = m.body(ALNUM, 30)
    m.secret("fish", f"set -gx MY_SECRET {s}\nset -gx EDITOR vim", s, "set -gx EDITOR vim")
    t = _hf(m)
    m.secret(
        "docker inspect",
        f'"Env": ["HF_TOKEN={t}", "PATH=/usr/bin", "NVIDIA_VISIBLE_DEVICES=all"]',
        t,
        "NVIDIA_VISIBLE_DEVICES=all",
    )
    s = m.body(ALNUM, 26)
    m.secret(
        "docker inspect",
        f'                "POSTGRES_PASSWORD={s}",\n                "PGDATA=/var/lib/postgresql/data"',
        s,
        "PGDATA=/var/lib/postgresql/data",
    )
    s = m.body(ALNUM, 26)
    m.secret("repr", f"environ({{'PATH': '/usr/bin', 'REDIS_PASSWORD': '{s}', 'HOME': '/root'}})", s, "'HOME': '/root'")
    s = m.body(ALNUM, 26)
    m.secret("repr", f"Namespace(model='a/b', api_key='{s}', port=8000)", s, ["model='a/b'", "port=8000"])
    s = m.body(ALNUM, 26)
    m.secret(
        "repr", f"INFO args: {{'model': 'a/b', 'hf_token': '{s}', 'max_model_len': 4096}}", s, "'max_model_len': 4096"
    )
    s = m.body(ALNUM, 26)
    m.secret("json", f'{{\n  "password": "{s}",\n  "max_tokens": 512\n}}', s, '"max_tokens": 512')
    s = m.body(ALNUM, 26)
    m.secret("toml", f'[llm]\napi_key = "{s}"\nmodel = "qwen"', s, 'model = "qwen"')
    s = m.body(ALNUM, 26)
    m.secret("ini", f"[db]\nuser = vlm\npasswd: {s}", s, "user = vlm")
    s = m.body(ALNUM, 26)
    m.secret("xml", f"<server><id>central</id><password>{s}</password></server>", s, "<id>central</id>")
    s = m.body(ALNUM, 26)
    m.secret("properties", f"spring.datasource.password={s}", s, "spring.datasource")
    s = m.body(ALNUM, 20)
    m.secret("sbatch", f"#SBATCH --export=ALL,WANDB_API_KEY={s},MODE=train", s, "MODE=train")
    s = m.body(ALNUM, 20)
    m.secret("systemd", f'Environment="VLLM_API_KEY={s}"', s, "Environment=")
    s = m.body(ALNUM, 20)
    m.secret(
        "process list",
        f"root  1234  0.0  python -m vllm.entrypoints.openai.api_server --model a/b --api-key {s} --port 8000",
        s,
        ["--model a/b", "--port 8000"],
    )
    s = m.body(ALNUM, 20)
    m.secret("split lines", f"export OPENAI_API_KEY=\\\n  {s}\nexport X=1", s, "export X=1")
    s = m.body(ALNUM, 30)
    m.secret("multi line", f'SECRET_KEY = """\n{s}\n"""', s)
    s = m.body(ALNUM, 28)
    m.secret("tf", f'variable "db_password" {{\n  default = "{s}"\n}}', s, "variable")


def _addresses(m: Maker) -> None:
    s = m.body(ALNUM, 18)
    m.secret(
        "pip",
        f"Looking in indexes: https://reader:{s}@nexus.acme.io/repository/pypi-all/simple",
        s,
        "nexus.acme.io/repository/pypi-all/simple",
    )
    s = m.body(ALNUM, 30)
    m.secret("pip", f"pip install -i https://{s}@pkgs.acme.io/simple torch", s, ["pkgs.acme.io/simple", "torch"])
    s = m.body(LOWER + DIGITS, 52)
    m.secret(
        "pip",
        f"extra-index-url = https://build:{s}@pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/",
        s,
        "pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/",
    )
    for scheme, rest in (
        ("mongodb+srv", "cluster0.acme.net/db?retryWrites=true"),
        ("mysql+pymysql", "db:3306/runs"),
        ("amqp", "rabbit:5672//"),
        ("ftp", "files.acme.io/a.zip"),
        ("clickhouse", "ch:9000"),
        ("smb", "nas/share"),
    ):
        s = m.body(ALNUM, 16)
        m.secret("url password", f"{scheme}://svc:{s}@{rest}", s, [scheme, rest])
    s = m.body(ALNUM, 16)
    m.secret(
        "proxy",
        f"http_proxy=http://zhang:{s}@10.0.0.9:7890 https_proxy=http://zhang:{s}@10.0.0.9:7890",
        s,
        ["http_proxy=", ":7890"],
    )
    s = m.body(ALNUM, 12)
    m.secret("jdbc", f"jdbc:postgresql://db:5432/x?user=svc&password={s}&ssl=true", s, ["db:5432/x", "ssl=true"])
    s = m.body(ALNUM, 12)
    m.secret("odbc", f"Driver={{ODBC Driver 18}};Server=db;Uid=svc;Pwd={s};Encrypt=yes;", s, "Encrypt=yes")
    s = m.body(HEX, 48)
    m.secret("jupyter", f"    http://127.0.0.1:8888/tree?token={s}", s, "http://127.0.0.1:8888/tree")
    s = m.body(HEX, 64)
    m.secret(
        "signed",
        f"https://cas-bridge.xethub.hf.co/xet/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Signature={s}&x-id=GetObject",
        s,
        ["cas-bridge.xethub.hf.co", "x-id=GetObject"],
    )
    s = m.body(WORDY, 60)
    m.secret(
        "signed",
        f"https://bucket.oss-cn-beijing.aliyuncs.com/m.bin?OSSAccessKeyId={m.key('LT', 'AI', length=20)}&Expires=1767225600&Signature={s}",
        s,
        "bucket.oss-cn-beijing.aliyuncs.com/m.bin",
    )
    s = m.body(ALNUM, 43)
    m.secret(
        "sas",
        f"azcopy copy 'https://a.blob.core.windows.net/c?sp=r&sv=2023&sr=c&sig={s}%3D' .",
        s,
        "a.blob.core.windows.net",
    )
    s = m.body(DIGITS, 10) + ":AA" + m.body(WORDY, 33)
    m.secret("telegram", f"https://api.telegram.org/bot{s}/sendMessage", s, "api.telegram.org")
    s = m.body(WORDY, 68)
    m.secret("discord", f"https://discord.com/api/webhooks/{m.body(DIGITS, 18)}/{s}", s, "discord.com")


def _headers(m: Maker) -> None:
    s = m.body(ALNUM, 40)
    m.secret(
        "header",
        f"{{'User-Agent': 'x/1.0', 'Authorization': 'Bearer {s}', 'Accept': '*/*'}}",
        s,
        ["x/1.0", "'Accept': '*/*'"],
    )
    s = m.body(ALNUM, 40)
    m.secret("header", f"> x-api-key: {s}\n> anthropic-version: 2023-06-01", s, "anthropic-version: 2023-06-01")
    s = m.body(ALNUM, 40)
    m.secret("header", f"Set-Cookie: sessionid={s}; Path=/; HttpOnly", s)
    s = m.body(ALNUM, 40)
    m.secret("header", f"requests.get(url, headers={{'PRIVATE-TOKEN': '{s}'}}, timeout=3)", s, "timeout=3")
    s = b64("alice:" + m.body(ALNUM, 12))
    m.secret("header", f"proxy-authorization: basic {s}", s)
    s = m.body(HEX, 64)
    m.secret(
        "header",
        f"Authorization: AWS4-HMAC-SHA256 Credential={m.key('AK', 'IA', alphabet=UPPER + DIGITS, length=16)}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={s}",
        s,
    )
    s = m.body(ALNUM, 40)
    m.secret("header", f"Authorization: Token {s}", s)
    s = m.jwt()
    m.secret("jwt", f"openai.AuthenticationError: Error code: 401 - invalid jwt {s}", s, "401")
    s = m.jwt()
    m.secret("jwt", f"access_token={s}&expires_in=3600", s, "expires_in=3600")
    s = m.body(ALNUM, 32)
    m.secret("cookie", f"m_session_id={s}; csrf_session_id={m.body(ALNUM, 32)}", s)
    s = m.body(ALNUM, 20)
    m.secret("curl", f"curl -u alice:{s} https://acme.io/x", s, "https://acme.io/x")
    s = m.body(ALNUM, 20)
    m.secret("wget", f"wget --user=alice --password={s} https://acme.io/x", s, "https://acme.io/x")


def _sentences(m: Maker) -> None:
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"服务器密码是{s}，用户名是root", s, "服务器密码")
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"root密码：{s}", s)
    s = m.body(ALNUM, 12)
    m.secret("sentence", f"我的 API Key：{s} 能帮我看看吗", s, "能帮我看看吗")
    s = m.body(ALNUM, 14)
    m.secret("sentence", f"The password is {s} and the port is 22.", s, "the port is 22")
    s = m.body(ALNUM, 14)
    m.secret("sentence", f"my password: {s}", s)
    s = m.key("s", "k-", alphabet=ALNUM, length=48)
    m.secret("sentence", f"{s} is what I used", s, "is what I used")
    s = m.key("s", "k-", alphabet=ALNUM, length=48)
    m.secret("sentence", f"I used `{s}`", s, "I used")
    s = m.body(ALNUM, 10)
    m.secret("sentence", f"mysql -uroot -p{s} -h db", s, "-h db")
    s = m.body(ALNUM, 10)
    m.secret("sentence", f"PGPASSWORD={s} psql -h db", s, "psql -h db")
    s = m.body(ALNUM, 10)
    m.secret(
        "sentence",
        f"sudo -S <<< '{s}' apt install x" if False else f"echo '{s}' | sudo -S apt install x",
        s,
        "apt install x",
    )
    s = m.body(ALNUM, 14)
    m.secret("sentence", f"jupyter notebook --NotebookApp.password='{s}' --port=8888", s, "--port=8888")
    s = "sha1:" + m.body(HEX, 12) + ":" + m.body(HEX, 40)
    m.secret("sentence", f"c.NotebookApp.password = u'{s}'", s.split(":")[2], "NotebookApp.password")


def _encoded(m: Maker) -> None:
    t = _hf(m)
    m.secret("url-encoded", f"redirect=https%3A%2F%2Fx%2F%3Ftoken%3D{t}%26a%3D1", t, "redirect=")
    s = m.body(ALNUM, 14)
    m.secret("url-encoded", f"https://alice:{url('p@' + s + '/#')}@acme.io/x", s, "acme.io/x")
    s = m.body(ALNUM, 30)
    m.secret("escaped", f'"{{\\"api_key\\": \\"{s}\\", \\"n\\": 1}}"', s, '\\"n\\": 1')
    s = b64("user:" + m.body(ALNUM, 20))
    m.secret("base64", f"Authorization: Basic {s}", s)
    t = _hf(m)
    m.secret("ansi", f"\x1b[1;32mHF_TOKEN\x1b[0m=\x1b[33m{t}\x1b[0m", t)
    t = _hf(m)
    m.secret("html", f"<pre>HF_TOKEN={t}</pre>", t, "<pre>")


def _identities(m: Maker) -> None:
    m.secret("home", "/home/zhang.san/miniconda3/envs/qwen/bin/python", "zhang.san", "miniconda3/envs/qwen/bin/python")
    m.secret(
        "home",
        "FileNotFoundError: [Errno 2] No such file or directory: '/home/wangxiaoming/LLaVA/ckpt/model-00001.safetensors'",
        "wangxiaoming",
        "LLaVA/ckpt/model-00001.safetensors",
    )
    m.secret(
        "home",
        r"C:\Users\lihua\AppData\Local\Programs\Python\Python310\python.exe",
        "lihua",
        r"Programs\Python\Python310\python.exe",
    )
    m.secret("home", r"C:\\Users\\Zhang San\\.cache\\huggingface", "Zhang San", "huggingface")
    m.secret("home", "/mnt/c/Users/jdoe42/project/run.py", "jdoe42", "project/run.py")
    m.secret(
        "home", "/Users/maria-garcia/venv/lib/python3.11/site-packages/torch", "maria-garcia", "site-packages/torch"
    )
    m.secret("home", "/data1/home/chenwei/.cache/huggingface/hub", "chenwei", "huggingface/hub")
    m.secret("home", "/export/home/okafor/vlm", "okafor", "vlm")
    m.secret("share", r"\\fileserver07\models\llava", "fileserver07", r"models\llava")
    m.secret("host", "liuyang@dgx-a100-03:~$ nvidia-smi", ["liuyang", "dgx-a100-03"], "nvidia-smi")
    m.secret("host", "[wuhan_lab@gpunode-41 LISA]$ python chat.py", ["wuhan_lab", "gpunode-41"], "python chat.py")
    m.secret("host", "hostname: trainbox-eu-7", "trainbox-eu-7", "hostname")
    m.secret("host", "SLURM_JOB_NODELIST=quokka-b-[11-14]", "quokka-b-", "SLURM_JOB_NODELIST")
    m.secret("host", "ssh zhaoliu@login3.hpc.acme.edu.cn -p 2222", ["zhaoliu", "login3.hpc.acme.edu.cn"], "-p 2222")
    m.secret(
        "email",
        "please contact li.lei-2024@mails.acme.edu.cn for access",
        "li.lei-2024@mails.acme.edu.cn",
        "for access",
    )
    m.secret("ip", "tcp://192.168.31.77:29500 timed out", "192.168.31.77", ":29500")
    m.secret("ip", "MASTER_ADDR=10.233.64.12", "10.233.64.12", "MASTER_ADDR")
    m.secret("ip", "inet 172.20.3.44/16 brd 172.20.255.255 scope global eth0", "172.20.3.44", "scope global eth0")
    m.secret("ip", "Connecting to 198.51.100.23:443... failed", "198.51.100.23", "failed")
    m.secret("mac", "ether 9c:6b:00:4e:12:ab  txqueuelen 1000", "9c:6b:00:4e:12:ab", "txqueuelen 1000")
    m.secret(
        "gpu",
        "GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-b7c1a9d2-1c11-5f6e-9a3b-4d21e0c9f8aa)",
        "b7c1a9d2-1c11-5f6e-9a3b-4d21e0c9f8aa",
        "NVIDIA A100-SXM4-80GB",
    )
    m.secret("serial", "    Serial Number                         : 1324123052345", "1324123052345", "Serial Number")


def _hashes(m: Maker) -> None:
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"HEAD is now at {g[:7]} Fix typo", f"commit {g} (HEAD -> main, origin/main)", f"git checkout {g}", f"Your branch is at {g[:12]}",
        f"models--Qwen--Qwen2-VL-7B-Instruct/snapshots/{g}/model.safetensors.index.json", f"refs/main: {g}", f"{h}  model-00001-of-00005.safetensors",
        f"blobs/{h} -> ../../blobs/{h}", f"expected sha256 {h}", f"torch/__init__.py,sha256={m.body(WORDY, 43)},87654", "torch-2.4.0.dist-info/RECORD,,",
        f"--hash=sha256:{h} \\", f"docker pull vllm/vllm-openai@sha256:{h}", f'etag: "{m.body(HEX, 32)}"', f"oid sha256:{h}\nsize 4943162240",
        f"revision='{g}'", f"trust_remote_code revision={g}", f"a{m.body(HEX, 7)}..b{m.body(HEX, 7)}  main -> origin/main", f"Git commit: {g[:10]}-dirty",
        f"Downloading model-{h[:16]}.gguf", f"vllm 0.6.3.post2.dev171+g{g[:8]}", "flash_attn-2.6.3+cu123torch2.4cxx11abiFALSE-cp310-cp310-linux_x86_64.whl",
        f"cache key: {m.body(HEX, 16)}", f"md5sum: {m.body(HEX, 32)}  a.tar.gz", f"triton cache /root/.triton/cache/{m.body(LOWER + '234567', 52)}/kernel.so",
        f"torch_extensions/py310_cu121/fused_adam/{m.body(HEX, 8)}.o", f"xet hash {h}",
    )  # fmt: skip
    m.keep(
        "uuid",
        f"run id {m.uuid()}", f"chatcmpl-{m.body(HEX, 32)}", f"request_id: cmpl-{m.body(HEX, 32)}", f"x-request-id: {m.uuid()}", f"Root=1-{m.body(HEX, 8)}-{m.body(HEX, 24)};{m.uuid()}",
        f"kernel-{m.uuid()}.json", f"partition UUID={m.uuid()} / ext4", f"/tmp/pip-install-{m.body(LOWER + DIGITS, 8)}/flash-attn_{m.body(HEX, 32)}/setup.py",
        "pod vllm-6d4cf56db6-x7k2p evicted", "(EngineCore_DP0 pid=2211)",
    )  # fmt: skip
    m.keep(
        "address", "#0 0x00007f2b4c1d9a3e in c10::cuda::CUDACachingAllocator", "frame #3: <unknown function> + 0xd6df4 (0x7f9a2c2d6df4 in /lib/libstdc++.so.6)",
        "RIP: 0010:nv_ioctl+0x3d/0x90 [nvidia]", "<object at 0x7fd2d00b1c40>", "Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>", "00000000:3B:00.0",
    )  # fmt: skip


def _words(m: Maker) -> None:
    m.keep(
        "placeholder",
        "HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "export HF_TOKEN=hf_...", "token=hf_YOUR_TOKEN_HERE", "OPENAI_API_KEY=sk-xxxx", "api_key='sk-...'", "--token <HF_TOKEN>",
        "HF_TOKEN=${HF_TOKEN}", "password: ********", "Authorization: Bearer $HF_TOKEN", "Authorization: Bearer <token>", "api_key=os.getenv('OPENAI_API_KEY')", "token: ${{ secrets.HF_TOKEN }}",
        "token=None", "use_auth_token=True", "hf auth login --token", "api_key: null", "password =", "HF_TOKEN is not set", "WANDB_API_KEY: unset", "--api-key", 'token = ""', "API_KEY=changeme",
        "https://user:password@host/simple", "https://<user>:<password>@host/x", "ssh user@host", "user@example.com",
    )  # fmt: skip
    m.keep(
        "word",
        "pad_token=<|endoftext|>, eos_token='</s>', bos_token_id=1", "max_tokens=1024 top_p=0.9", "prompt_tokens: 1843, completion_tokens: 87", "num_image_tokens = 576",
        "image_token_index: 32000", "token_type_ids=None", "tokens/s: 43.2", "Key 'vision_tower' not found", 'Missing key(s) in state_dict: "lm_head.weight", "model.norm.weight"',
        "KeyError: 'past_key_values'", "key_states = key_states.transpose(1, 2)", "num_key_value_heads: 8", "cache_key = hash(config)", "AttributeError: 'Session' object has no attribute 'auth'",
        "public key authentication failed", "Enter passphrase for key: ", "password authentication is disabled", "the secret sauce is data", "author: nobody", "Bearer authentication required",
        "token: expired", "credentials not found", "session state: healthy", "cookiecutter-2.6.0", "passlib 1.7.4", "keyring==25.2.1 secretstorage==3.3.3", "tokenizers 0.19.1", "sentencepiece 0.2.0",
        "pytest-asyncio pyjwt 2.8.0", "compass 1.0", "bypass=true", "root user test admin", "run as root or as another user", "user test passed, admin page failed", "the host node runs docker",
    )  # fmt: skip


def _paths(m: Maker) -> None:
    m.keep(
        "path",
        "/root/miniconda3/envs/llava/bin/python", "/workspace/LLaVA/llava/serve/cli.py", "/opt/conda/lib/python3.10/site-packages/torch/lib/libc10.so", "~/.cache/huggingface/token", "HF_TOKEN_PATH=/root/hf/token",
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/dev/nvidia0 /dev/nvidia-uvm", "C:\\Windows\\System32\\nvcuda.dll", "/home/user/app", "/home/ubuntu/run.py", "/etc/ssl/certs/ca-certificates.crt",
        "http://127.0.0.1:8000/v1", "0.0.0.0:8000", "localhost:7860", "NCCL version 2.20.5+cuda12.4", "cudnn 8.9.7.29", "Driver Version: 535.183.01", "libnvinfer.so.8.6.1.6", "==1.2.3.4",
        "git@github.com:QwenLM/Qwen2-VL.git", "https://github.com/haotian-liu/LLaVA/issues/1234", "https://huggingface.co/Qwen/Qwen2-VL-7B-Instruct/resolve/main/config.json",
        "torch-2.5.1+cu124-cp311-cp311-win_amd64.whl", "nvidia_cublas_cu12-12.4.5.8-py3-none-manylinux2014_x86_64.whl", "Qwen2.5-VL-72B-Instruct-AWQ", "OpenGVLab/InternVL2_5-78B", "sm_90a compute_89",
        "2026-01-02 03:04:05.678901", "pid=12345 uid=1000", "ratio 12:34:56", "llm-awq/w4-g128",
    )  # fmt: skip
