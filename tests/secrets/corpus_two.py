"""A second corpus, of 60 secrets and 40 look-alikes, written after the patterns had been mended with the first one."""

from __future__ import annotations

from corpus_maker import ALNUM, DIGITS, HEX, LETTERS, LOWER, WORDY, Case, Maker, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(97).table(SECRETS, ALIKE)
    _made(m)
    return m.cases


SECRETS = (
    ("redis", "redis-cli -h cache -a «A24» ping", "-h cache"),
    ("mongo", "mongosh --host db -u admin -p «A18» --authenticationDatabase admin", "--authenticationDatabase admin"),
    ("helm", "helm install vllm ./chart --set secrets.hfToken=«A30»,replicas=2", "replicas=2"),
    ("kubectl", "kubectl create secret generic hf --from-literal=HF_TOKEN=«A24» -n vlm", "-n vlm"),
    ("git", "git remote set-url origin https://alice:«gh|p_|A36»@github.com/acme/vlm.git && git push", "github.com/acme/vlm.git && git push"),
    ("git", "git config --global http.extraHeader 'Authorization: Bearer «A20»'", "http.extraHeader"),
    ("expect", "sshpass -p«A16» scp model.bin root@10.0.0.3:/data", "model.bin"),
    ("openssl", "openssl enc -aes-256-cbc -pass pass:«A16» -in a", "-aes-256-cbc"),
    ("mlflow", "MLFLOW_TRACKING_USERNAME=a MLFLOW_TRACKING_PASSWORD=«A20» mlflow ui", "mlflow ui"),
    ("gradio", "demo.launch(auth=('admin', '«H40»'), share=True)", "share=True"),
    ("label studio", "label-studio start --username a@b.io --password «A20»", "label-studio start"),
    ("notebook", "!huggingface-cli download a/b --token=«hf|_|L34»", "a/b"),
    ("notebook", "%env HF_TOKEN=«hf|_|L34»", "%env"),
    ("pipeline", 'pipeline(\'image-to-text\', model=\'a/b\', use_auth_token="«hf|_|L34»", device=0)', "device=0"),
    ("ngrok", "ngrok config add-authtoken «A32»", "ngrok config"),
    ("tailscale", "tailscale up --authkey=«tskey|-auth-|A12|-|A28»", "tailscale up"),
    ("trace", 'DEBUG:urllib3.connectionpool:https://api.acme.io:443 "GET /v1/models?api_key=«A40» HTTP/1.1" 401 None', "401 None", "/v1/models"),
    ("trace", "openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided: «s|k-|A40». You can find your API key at https://platform.openai.com/account/api-keys.'}}", "Error code: 401"),
    ("trace", "send: b'GET /api/whoami-v2 HTTP/1.1\\r\\nHost: huggingface.co\\r\\nauthorization: Bearer «A40»\\r\\n\\r\\n'", "Host: huggingface.co"),
    ("trace", 'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "db" failed: password=«A22» user=svc dbname=runs', "dbname=runs"),
    ("locals", "    self.token = '«A24»'", "self.token"),
    ("locals", "│ api_key = '«A24»' │", "api_key"),
    ("config", "Config(model=ModelConfig(id='a/b'), auth=AuthConfig(secret='«A24»', ttl=60))", "ttl=60"),
    ("config", "hydra: +wandb.api_key=«A24» +trainer.gpus=2", "+trainer.gpus=2"),
    ("config", "EngineArgs(model='a', hf_token='«A24»', seed=0)", "seed=0"),
    ("powershell", "PS C:\\> $env:OPENAI_API_KEY='«A26»'; python a.py", "python a.py"),
    ("cmd", "C:\\>set AZURE_KEY=«A26»&& python a.py", "python a.py"),
    ("gh actions", "  env:\n    CIVITAI_TOKEN: «A26»\n    PYTHONUNBUFFERED: 1", "PYTHONUNBUFFERED: 1"),
    ("ecs", '{"name": "API_SECRET", "value": "«A26»"}, {"name": "MODE", "value": "prod"}', '"value": "prod"'),
    ("env table", "| MINIMAX_TOKEN | «A26» |\n| MODE | prod |", "| MODE | prod |"),
    ("jwt", "supabase anon «J» ok", "supabase", "ok"),
    ("unnamed", "«A48»"),
    ("uv.toml", '[[index]]\nname = "acme"\nurl = "https://__token__:«A20»@pkgs.acme.io/simple"', 'name = "acme"'),
    ("poetry", '[http-basic.acme]\nusername = "bob"\npassword = "«A20»"', "[http-basic.acme]"),
    ("npmrc", "//npm.acme.io/:_auth=«b64|bob:|A16»", "npm.acme.io"),
    ("smb", "username=bob\npassword=«A16»\ndomain=ACME", "domain=ACME"),
    ("fstab", "//nas/models /mnt cifs username=bob,password=«A16»,uid=1000 0 0", "uid=1000"),
    ("wpa", 'psk="«A16»"'),
    ("django", "SECRET_KEY = 'django-insecure-«H64»'", "SECRET_KEY"),
    ("age", "# public key: age1abc\n«AG|E-SECRET-KEY-1|U58»"),
    ("fernet", "FERNET_KEY=«B43|=»", "FERNET_KEY"),
    ("htpasswd", "alice:«$2b$12$|A53»"),
    ("chinese", "百度智能云 API Key: «l32»，Secret Key: «?|l32»", "百度智能云"),
    ("chinese", "账号 admin 密码 «A10» 登录不上", "登录不上"),
    ("chinese", "登录密码为：«A10»。", "登录密码"),
    ("home", "cd /home/«=l.becker2»/vlm && source .venv/bin/activate", "vlm && source .venv/bin/activate"),
    ("home", "PosixPath('/home/«=guojing»/data/coco')", "data/coco"),
    ("home", "file:///C:/Users/«=Anna%20Schmidt»/model.gguf", "model.gguf"),
    ("home", "PATH=/home/«=tanaka»/bin:/home/«=tanaka»/.local/bin:/usr/bin", ".local/bin:/usr/bin"),
    ("host", "(base) «=sunli»@«=a6000x8»:/data$ python a.py", "python a.py"),
    ("host", "Node: «=worker-gpu-x91».eu.acme.io\nHostname: «=worker-gpu-x91».eu.acme.io", "Node"),
    ("ip", "dist_init_method=tcp://«=10.1.44.203»:23456", ":23456"),
    ("ip", "Last login: Mon Jan  5 10:11:12 2026 from «=203.0.113.199»", "Last login"),
    ("ip", "nameserver «=172.16.5.4»", "nameserver"),
    ("email", "Signed-off-by: Kim Minsu <«=minsu.kim@acme.co.kr»>", "Signed-off-by"),
    ("gpu", "GPU UUID                              : GPU-«=0d41f2ab-77aa-41b0-8c1e-3a2f51c0ddee»", "GPU UUID"),
)  # fmt: skip

ALIKE = {
    "symbol": (
        "undefined symbol: _ZN3c1017RegisterOperatorsD1Ev", "_ZN2at4_ops19empty_memory_format4callEN3c108ArrayRefINS2_6SymIntEEENS2_8optionalINS2_10ScalarTypeEEE",
        "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8>", "Qwen2_5_VLForConditionalGeneration",
        "LlavaNextVideoForConditionalGenerationOutput", "MllamaForConditionalGenerationModelTesterConfigV2", "CUBLAS_STATUS_NOT_INITIALIZED",
        "flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, 128, 64, 4>>", "torch.ops.torchvision.nms",
        "sm80_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize128x128x32_stage4_warpsize2x2x1_tensor16x8x16_execute_kernel__51_cublas",
    ),
    "word": (
        "Unable to obtain HF_TOKEN from secrets", "Please provide either the path to a local folder or the repo_id. token=<TOKEN>",
        "If this is a private repository, make sure to pass a token having permission", "ValueError: The following `model_kwargs` are not used: ['token_type_ids']",
        "use_fast_tokenizer=True", "eos_token_id=[151645, 151643]", "key_padding_mask=None, need_weights=False", "AssertionError: password mismatch",
        "Authorization failed", "secretly upgraded", "session.run(None, inputs)", "auth: false", "max_position_embeddings=32768, tie_word_embeddings=False",
        "Set the environment variable OPENAI_API_KEY", "api_key: str = 'EMPTY'", "export WANDB_API_KEY=<your key>", "hidden_states.shape = (1, 729, 1152)", "passes: 12",
        "monkeypatch key binding ctrl-c",
    ),
    "place": (
        "/home/jovyan/work", "tcp://127.0.0.1:29500", "http://[::1]:8000", "version 1.2.3.4 of nccl", "root@localhost", "C:\\Users\\Public\\models",
        "/usr/local/cuda-12.4/bin/nvcc", "cuda:0 and cuda:1", "docker.io/library/python:3.11-slim", "registry.acme.io/vlm:1.0",
    ),
}  # fmt: skip


def _made(m: Maker) -> None:
    """What no template says: keys in other forms, one body in several places."""
    s = m.body(LETTERS + DIGITS, 44)
    m.secret("unnamed", f"what is this: {s} ?", s, "what is this")
    s = m.body(ALNUM, 20)
    m.secret(
        "pip.conf",
        f"[global]\nindex-url = https://{url('bob@acme.io')}:{s}@pkgs.acme.io/simple",
        s,
        "pkgs.acme.io/simple",
    )
    p, rows = m.pem("PRIVATE", 4)
    m.secret("tls", "tls.key: |\n  " + p.replace("\n", "\n  "), rows, "tls.key")
    p, rows = m.pem("RSA PRIVATE", 3)
    m.secret("tls", f"ssl_context = {p!r}", rows, "ssl_context")
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"git+https://github.com/huggingface/transformers@{g}",
        f"sha256:{h[:12]}",
        f"docker image {h[:12]} vllm/vllm-openai:v0.6.3",
        f"'_commit_hash': '{g}'",
        f"uv pip install vllm --extra-index-url https://wheels.vllm.ai/{g}",
        f"nvidia_nccl_cu12-2.20.5.dist-info/RECORD,sha256={m.body(WORDY, 43)},2041",
        f"Created wheel for flash-attn: filename=flash_attn-2.6.3-cp310-cp310-linux_x86_64.whl size=187309225 sha256={h}",
        f"Stored in directory: /root/.cache/pip/wheels/{h[:2]}/{h[2:4]}/{h[4:6]}/{h[6:62]}",
        f"rev: {g}",
        f"lock hash {h}",
        f"blake3 {h}",
        f"run-{m.body(DIGITS, 8)}_{m.body(DIGITS, 6)}-{m.body(LOWER + DIGITS, 8)}",
        f"wandb: View run at https://wandb.ai/acme/llava/runs/{m.body(LOWER + DIGITS, 8)}",
    )
