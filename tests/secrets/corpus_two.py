"""A second corpus, of 60 secrets and 40 look-alikes, written after the patterns had been mended with the first one."""

from __future__ import annotations

from corpus_maker import ALNUM, BASE64, DIGITS, HEX, LETTERS, LOWER, UPPER, WORDY, Case, Maker, b64, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(97)
    _tools(m)
    _logs(m)
    _files(m)
    _people(m)
    _alike(m)
    return m.cases


def _tools(m: Maker) -> None:
    s = m.body(ALNUM, 24)
    m.secret("redis", f"redis-cli -h cache -a {s} ping", s, "-h cache")
    s = m.body(ALNUM, 18)
    m.secret(
        "mongo",
        f"mongosh --host db -u admin -p {s} --authenticationDatabase admin",
        s,
        "--authenticationDatabase admin",
    )
    s = m.body(ALNUM, 30)
    m.secret("helm", f"helm install vllm ./chart --set secrets.hfToken={s},replicas=2", s, "replicas=2")
    s = m.body(ALNUM, 24)
    m.secret("kubectl", f"kubectl create secret generic hf --from-literal=HF_TOKEN={s} -n vlm", s, "-n vlm")
    s = m.key("gh", "p_", alphabet=ALNUM, length=36)
    m.secret(
        "git",
        f"git remote set-url origin https://alice:{s}@github.com/acme/vlm.git && git push",
        s,
        "github.com/acme/vlm.git && git push",
    )
    s = m.body(ALNUM, 20)
    m.secret("git", f"git config --global http.extraHeader 'Authorization: Bearer {s}'", s, "http.extraHeader")
    s = m.body(ALNUM, 16)
    m.secret("expect", f"sshpass -p{s} scp model.bin root@10.0.0.3:/data", s, "model.bin")
    s = m.body(ALNUM, 16)
    m.secret("openssl", f"openssl enc -aes-256-cbc -pass pass:{s} -in a", s, "-aes-256-cbc")
    s = m.body(ALNUM, 20)
    m.secret("mlflow", f"MLFLOW_TRACKING_USERNAME=a MLFLOW_TRACKING_PASSWORD={s} mlflow ui", s, "mlflow ui")
    s = m.body(HEX, 40)
    m.secret("gradio", f"demo.launch(auth=('admin', '{s}'), share=True)", s, "share=True")
    s = m.body(ALNUM, 20)
    m.secret("label studio", f"label-studio start --username a@b.io --password {s}", s, "label-studio start")
    s = m.key("hf", "_", alphabet=LETTERS, length=34)
    m.secret("notebook", f"!huggingface-cli download a/b --token={s}", s, "a/b")
    s = m.key("hf", "_", alphabet=LETTERS, length=34)
    m.secret("notebook", f"%env HF_TOKEN={s}", s, "%env")
    s = m.key("hf", "_", alphabet=LETTERS, length=34)
    m.secret("pipeline", f"pipeline('image-to-text', model='a/b', use_auth_token=\"{s}\", device=0)", s, "device=0")
    s = m.body(ALNUM, 32)
    m.secret("ngrok", f"ngrok config add-authtoken {s}", s, "ngrok config")
    s = m.key("tskey", "-auth-", alphabet=ALNUM, length=12) + "-" + m.body(ALNUM, 28)
    m.secret("tailscale", f"tailscale up --authkey={s}", s, "tailscale up")


def _logs(m: Maker) -> None:
    s = m.body(ALNUM, 40)
    m.secret(
        "trace",
        f'DEBUG:urllib3.connectionpool:https://api.acme.io:443 "GET /v1/models?api_key={s} HTTP/1.1" 401 None',
        s,
        ["401 None", "/v1/models"],
    )
    s = m.key("s", "k-", alphabet=ALNUM, length=40)
    m.secret(
        "trace",
        f"openai.AuthenticationError: Error code: 401 - {{'error': {{'message': 'Incorrect API key provided: {s}. You can find your API key at https://platform.openai.com/account/api-keys.'}}}}",
        s,
        "Error code: 401",
    )
    s = m.body(ALNUM, 40)
    m.secret(
        "trace",
        f"send: b'GET /api/whoami-v2 HTTP/1.1\\r\\nHost: huggingface.co\\r\\nauthorization: Bearer {s}\\r\\n\\r\\n'",
        s,
        "Host: huggingface.co",
    )
    s = m.body(ALNUM, 22)
    m.secret(
        "trace",
        f'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "db" failed: password={s} user=svc dbname=runs',
        s,
        "dbname=runs",
    )
    s = m.body(ALNUM, 24)
    m.secret("locals", f"    self.token = '{s}'", s, "self.token")
    s = m.body(ALNUM, 24)
    m.secret("locals", f"│ api_key = '{s}' │", s, "api_key")
    s = m.body(ALNUM, 24)
    m.secret("config", f"Config(model=ModelConfig(id='a/b'), auth=AuthConfig(secret='{s}', ttl=60))", s, "ttl=60")
    s = m.body(ALNUM, 24)
    m.secret("config", f"hydra: +wandb.api_key={s} +trainer.gpus=2", s, "+trainer.gpus=2")
    s = m.body(ALNUM, 24)
    m.secret("config", f"EngineArgs(model='a', hf_token='{s}', seed=0)", s, "seed=0")
    s = m.body(ALNUM, 26)
    m.secret("powershell", f"PS C:\\> $env:OPENAI_API_KEY='{s}'; python a.py", s, "python a.py")
    s = m.body(ALNUM, 26)
    m.secret("cmd", f"C:\\>set AZURE_KEY={s}&& python a.py", s, "python a.py")
    s = m.body(ALNUM, 26)
    m.secret("gh actions", f"  env:\n    CIVITAI_TOKEN: {s}\n    PYTHONUNBUFFERED: 1", s, "PYTHONUNBUFFERED: 1")
    s = m.body(ALNUM, 26)
    m.secret(
        "ecs", f'{{"name": "API_SECRET", "value": "{s}"}}, {{"name": "MODE", "value": "prod"}}', s, '"value": "prod"'
    )
    s = m.body(ALNUM, 26)
    m.secret("env table", f"| MINIMAX_TOKEN | {s} |\n| MODE | prod |", s, "| MODE | prod |")
    s = (
        m.key("ey", "J", alphabet=WORDY, length=34)
        + "."
        + m.key("ey", "J", alphabet=WORDY, length=80)
        + "."
        + m.body(WORDY, 86)
    )
    m.secret("jwt", f"supabase anon {s} ok", s, ["supabase", "ok"])
    s = m.body(LETTERS + DIGITS, 44)
    m.secret("unnamed", f"what is this: {s} ?", s, "what is this")
    s = m.body(ALNUM, 48)
    m.secret("unnamed", f"{s}", s)


def _files(m: Maker) -> None:
    s = m.body(ALNUM, 20)
    m.secret(
        "pip.conf",
        f"[global]\nindex-url = https://{url('bob@acme.io')}:{s}@pkgs.acme.io/simple",
        s,
        "pkgs.acme.io/simple",
    )
    s = m.body(ALNUM, 20)
    m.secret(
        "uv.toml", f'[[index]]\nname = "acme"\nurl = "https://__token__:{s}@pkgs.acme.io/simple"', s, 'name = "acme"'
    )
    s = m.body(ALNUM, 20)
    m.secret("poetry", f'[http-basic.acme]\nusername = "bob"\npassword = "{s}"', s, "[http-basic.acme]")
    s = b64("bob:" + m.body(ALNUM, 16))
    m.secret("npmrc", f"//npm.acme.io/:_auth={s}", s, "npm.acme.io")
    s = m.body(ALNUM, 16)
    m.secret("smb", f"username=bob\npassword={s}\ndomain=ACME", s, "domain=ACME")
    s = m.body(ALNUM, 16)
    m.secret("fstab", f"//nas/models /mnt cifs username=bob,password={s},uid=1000 0 0", s, "uid=1000")
    s = m.body(ALNUM, 16)
    m.secret("wpa", f'psk="{s}"', s)
    p, rows = m.pem("PRIVATE", 4)
    m.secret("tls", "tls.key: |\n  " + p.replace("\n", "\n  "), rows, "tls.key")
    p, rows = m.pem("RSA PRIVATE", 3)
    m.secret("tls", f"ssl_context = {p!r}", rows, "ssl_context")
    s = m.body(HEX, 64)
    m.secret("django", f"SECRET_KEY = 'django-insecure-{s}'", s, "SECRET_KEY")
    s = m.key("AG", "E-SECRET-KEY-1", alphabet=UPPER + DIGITS, length=58)
    m.secret("age", f"# public key: age1abc\n{s}", s)
    s = m.body(BASE64, 43) + "="
    m.secret("fernet", f"FERNET_KEY={s}", s, "FERNET_KEY")
    s = "$2b$12$" + m.body(ALNUM, 53)
    m.secret("htpasswd", f"alice:{s}", s)
    s = m.body(LOWER + DIGITS, 32)
    m.secret("chinese", f"百度智能云 API Key: {s}，Secret Key: {m.body(LOWER + DIGITS, 32)}", s, "百度智能云")
    s = m.body(ALNUM, 10)
    m.secret("chinese", f"账号 admin 密码 {s} 登录不上", s, "登录不上")
    s = m.body(ALNUM, 10)
    m.secret("chinese", f"登录密码为：{s}。", s, "登录密码")


def _people(m: Maker) -> None:
    m.secret(
        "home", "cd /home/l.becker2/vlm && source .venv/bin/activate", "l.becker2", "vlm && source .venv/bin/activate"
    )
    m.secret("home", "PosixPath('/home/guojing/data/coco')", "guojing", "data/coco")
    m.secret("home", "file:///C:/Users/Anna%20Schmidt/model.gguf", "Anna%20Schmidt", "model.gguf")
    m.secret("home", "PATH=/home/tanaka/bin:/home/tanaka/.local/bin:/usr/bin", "tanaka", ".local/bin:/usr/bin")
    m.secret("host", "(base) sunli@a6000x8:/data$ python a.py", ["sunli", "a6000x8"], "python a.py")
    m.secret("host", "Node: worker-gpu-x91.eu.acme.io\nHostname: worker-gpu-x91.eu.acme.io", "worker-gpu-x91", "Node")
    m.secret("ip", "dist_init_method=tcp://10.1.44.203:23456", "10.1.44.203", ":23456")
    m.secret("ip", "Last login: Mon Jan  5 10:11:12 2026 from 203.0.113.199", "203.0.113.199", "Last login")
    m.secret("ip", "nameserver 172.16.5.4", "172.16.5.4", "nameserver")
    m.secret("email", "Signed-off-by: Kim Minsu <minsu.kim@acme.co.kr>", "minsu.kim@acme.co.kr", "Signed-off-by")
    m.secret(
        "gpu",
        "GPU UUID                              : GPU-0d41f2ab-77aa-41b0-8c1e-3a2f51c0ddee",
        "0d41f2ab-77aa-41b0-8c1e-3a2f51c0ddee",
        "GPU UUID",
    )


def _alike(m: Maker) -> None:
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"git+https://github.com/huggingface/transformers@{g}", f"sha256:{h[:12]}", f"docker image {h[:12]} vllm/vllm-openai:v0.6.3", f"'_commit_hash': '{g}'",
        f"uv pip install vllm --extra-index-url https://wheels.vllm.ai/{g}", f"nvidia_nccl_cu12-2.20.5.dist-info/RECORD,sha256={m.body(WORDY, 43)},2041",
        f"Created wheel for flash-attn: filename=flash_attn-2.6.3-cp310-cp310-linux_x86_64.whl size=187309225 sha256={h}",
        f"Stored in directory: /root/.cache/pip/wheels/{h[:2]}/{h[2:4]}/{h[4:6]}/{h[6:62]}", f"rev: {g}", f"lock hash {h}", f"blake3 {h}",
        f"run-{m.body(DIGITS, 8)}_{m.body(DIGITS, 6)}-{m.body(LOWER + DIGITS, 8)}", f"wandb: View run at https://wandb.ai/acme/llava/runs/{m.body(LOWER + DIGITS, 8)}",
    )  # fmt: skip
    m.keep(
        "symbol",
        "undefined symbol: _ZN3c1017RegisterOperatorsD1Ev", "_ZN2at4_ops19empty_memory_format4callEN3c108ArrayRefINS2_6SymIntEEENS2_8optionalINS2_10ScalarTypeEEE",
        "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8>", "Qwen2_5_VLForConditionalGeneration", "LlavaNextVideoForConditionalGenerationOutput",
        "MllamaForConditionalGenerationModelTesterConfigV2", "CUBLAS_STATUS_NOT_INITIALIZED", "flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, 128, 64, 4>>",
        "torch.ops.torchvision.nms", "sm80_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize128x128x32_stage4_warpsize2x2x1_tensor16x8x16_execute_kernel__51_cublas",
    )  # fmt: skip
    m.keep(
        "word",
        "Unable to obtain HF_TOKEN from secrets", "Please provide either the path to a local folder or the repo_id. token=<TOKEN>", "If this is a private repository, make sure to pass a token having permission",
        "ValueError: The following `model_kwargs` are not used: ['token_type_ids']", "use_fast_tokenizer=True", "eos_token_id=[151645, 151643]", "key_padding_mask=None, need_weights=False",
        "AssertionError: password mismatch", "Authorization failed", "secretly upgraded", "session.run(None, inputs)", "auth: false", "max_position_embeddings=32768, tie_word_embeddings=False",
        "Set the environment variable OPENAI_API_KEY", "api_key: str = 'EMPTY'", "export WANDB_API_KEY=<your key>", "hidden_states.shape = (1, 729, 1152)", "passes: 12", "monkeypatch key binding ctrl-c",
    )  # fmt: skip
    m.keep(
        "place",
        "/home/jovyan/work", "tcp://127.0.0.1:29500", "http://[::1]:8000", "version 1.2.3.4 of nccl", "root@localhost", "C:\\Users\\Public\\models", "/usr/local/cuda-12.4/bin/nvcc", "cuda:0 and cuda:1",
        "docker.io/library/python:3.11-slim", "registry.acme.io/vlm:1.0",
    )  # fmt: skip
