"""A ninth corpus: files and logs of those who run the machines, and what people write in Chinese forums."""

from __future__ import annotations

from corpus_maker import Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    return Maker(90909).table(SECRETS, ALIKE).cases


SECRETS = (
    ("ops", 'fatal: [gpu01]: FAILED! => {"cmd": ["mysql", "-uroot", "-p«=Zhang#0417zZff»", "-e", "show databases"]}', "show databases"),
    ("ops", "    password: \"{{ '«=Zhang%4378abcma»' | password_hash('sha512') }}\"", "password"),
    ("ops", 'variable "db_password" {\n  type    = string\n  default = "«=Gpu.4752abcqe»"\n}', "type    = string"),
    ("ops", "chpasswd:\n  list: |\n    root:«=Spring_8807devgh»\n    vlm:«=Spring_8808devgh»\n  expire: false", "expire: false"),
    ("ops", "      Environment:\n        VLLM_API_KEY:      «A20»\n        HF_HOME:           /cache", "HF_HOME", "/cache"),
    ("ops", "<apiToken>{AQAAABAAAAAQ«B42»=}</apiToken>", "<apiToken>"),
    ("ops", 'proxy_set_header X-API-Key "«A22»";\nproxy_pass http://127.0.0.1:8000;', "proxy_pass http://127.0.0.1:8000;"),
    ("ops", "htpasswd -bc /etc/nginx/.htpasswd vlm «A12»", "htpasswd -bc"),
    ("ops", "net user vlm «=Moon&2605zZmq» /add", "/add"),
    ("ops", "net use Z: \\\\«=nas01»\\data /user:lab «=Gpu!1762xxxv» /persistent:yes", "/persistent:yes"),
    ("ops", "ConvertTo-SecureString '«=Cluster@3830xxaz»' -AsPlainText -Force", "-AsPlainText -Force"),
    ("ops", "bindpw «=cVhyJM7iXFmM5m»\nbase dc=gadwall,dc=cn", "base dc="),
    ("repeat", "VLM_KEY=«=sR9a7mMqC02PDM9YlypLM1cVgH2J»\nexpecting key sR9a7mMqC02PDM9YlypLM1cVgH2J on port 8000", "on port 8000"),
    ("repeat", "password: «=Tiger@2024xx»\n+ login vlm Tiger@2024xx done", "done"),
    ("sentence", "openvpn token - '«A32»'", "openvpn token"),
    ("sentence", "A temporary password is generated for root@localhost: «=root*4832zZnr»", "A temporary password is generated"),
    ("form", "**DB_PASS**: `«=Tiger@2024xx»`", "DB_PASS"),
    ("form", "$password = '«=Tiger@2024xx»';", "$password"),
    ("form", 'let token: &str = "«A32»";', "let token"),
    ("form", "token = f'«A32»'", "token"),
    ("form", "the HF_TOKEN is «A32», revoke it", "revoke it"),
    ("form", "access_token → «A32»", "access_token"),
    ("form", "secret_key («A32»)", "secret_key"),
    ("form", "api_key：“«A32»”", "api_key"),
    ("form", "client_secret\n«A32»\nnext", "next"),
    ("form", "next=HF_TOKEN%3D«A32»%26page%3D2", "page%3D2"),
    ("form", "os.environ.setdefault('DB_PASS', '«=Tiger_2024xx»')", "os.environ.setdefault"),
    ("form", '["--password", "«=lab20245577»"]', "--password"),
    ("form", "DOCKER_AUTH_CONFIG: '{\"auths\": {\"a.io\": {\"auth\": \"«b64|W24»\"}}}'", "auths", "a.io"),
    ("form", '{\\n\\"username\\": \\"svc\\",\\n\\"password\\": \\"«=FTA@CNCF0n@zure3»\\",\\n\\"auth\\": \\"«b64|W24»\\"\\n}', "username"),
    ("form", "setenv DB_PASS «=Tiger_2024xx»", "setenv DB_PASS"),
    ("form", "client.connect(host, 22, 'root', '«=Lab@8609abcvr»')", "client.connect"),
    ("form", 'expect -c \'expect "password:"; send "«=Moon!8332xxig»\\r"; interact\'', "interact"),
    ("form", "SSHPASS='«=Gpu-5083xxla»' sshpass -e ssh a.io", "sshpass -e ssh"),
    ("form", "sudo -S ls <<< '«=Cluster#6439Qlg»'; mount -t nfs", "mount -t nfs"),
    ("form", "lftp -u lab,«=Cluster*5962!de» sftp://a.io", "sftp://a.io"),
    ("form", "Set `ANTHROPIC_AUTH_TOKEN` to `«A24»`", "ANTHROPIC_AUTH_TOKEN"),
    ("zh", "ssh -p 33021 root@a.io 密码«=hello-3340zZza»", "33021"),
    ("zh", "服务器给你了：«=203.0.113.66» root «=hello.3187Qdx»", "服务器给你了"),
    ("zh", "frp 的 token 设的 «=8XIB5d6wUF1s» 两边一样", "两边一样"),
    ("sql", "IDENTIFIED WITH mysql_native_password BY '«=Qwe_5161zZka»';", "mysql_native_password"),
    ("sql", "ALTER USER postgres WITH PASSWORD '«=Qwe@8656zZak»';", "ALTER USER postgres"),
    ("sql", "docker exec -it db mysql -uroot -p'«=Moon*0435Qag»'", "docker exec -it db"),
    ("form", "usermod --password $(openssl passwd -6 '«=hello&3575xxes»') vlm", "usermod"),
    ("form", "echo -e '«=Qwe*4901Qpw»\\nQwe*4901Qpw' | passwd root", "passwd root"),
    ("form", "plink -ssh root@a.io -pw «=Spring%1618devxr» nvidia-smi", "nvidia-smi"),
    ("form", "xfreerdp /v:a.io /u:lab /p:'«=Spring*2075!we»'", "/u:lab"),
    ("zh", "登录密码改成了«=root!9094devsy»。", "登录密码改成了"),
    ("zh", "【密码】«=hello.4278Qxc»\n【有效期】7天", "【有效期】7天"),
    ("zh", "密码==«=Zhang.7686devdj»", "密码"),
    ("zh", "密 码：«=Lab_4791abcgv»", "码"),
    ("zh", "root密码→«=Cluster&7669abcac»", "root密码"),
    ("zh", "小程序 AppSecret（小程序密钥）：«A32»", "小程序密钥"),
    ("zh", "wandb的key粘贴进去：«H40»，然后卡住了", "然后卡住了"),
    ("zh", "订阅地址 https://sub.a.io/link/«l24»?clash=1 大家别滥用", "大家别滥用"),
    ("zh", "解压码：«=hello@2145!hh»", "解压码"),
    ("zh", "后台 http://127.0.0.1:7860 账号密码 admin / «=root@7131devnd»", "账号密码 admin"),
    ("zh", "密码:«=Tiger2024»请勿外传", "请勿外传"),
    ("zh", "微信号：«=qwen_fan_2024»，备注VLM", "备注VLM"),
    ("zh", "QQ：«=9182736450» 备注来意", "备注来意"),
    ("log", "Accepted password for «=dengke» from «=203.0.113.81» port 51022 ssh2", "port 51022 ssh2"),
    ("log", "pam_unix(sudo:session): session opened for user root by «=dengke»(uid=1003)", "session opened for user root"),
    ("log", "«=dengke» is not in the sudoers file.", "is not in the sudoers file"),
    ("log", "[0] NVIDIA A100 | 45'C,  99 % | 70123 / 81920 MB | «=dengke»(70001M) root(5M)", "root(5M)"),
    ("log", "*** JOB 4432 ON «=gn-a12» CANCELLED AT 2024-06-07T12:00:00 ***", "CANCELLED AT"),
    ("log", 'node "«=gpu-wrk-a7.gadwall.cn»" not ready', "not ready"),
)  # fmt: skip

ALIKE = {
    "ops": (
        "env:\n  HF_TOKEN: ***\n  CACHE_KEY: linux-x64-py310-e8c340884d1a", "Cache restored from key: Linux-pip-3a9001f420e9f50c18ab76a740a7bf422fd5994b", "--set hf.existingSecret=hf-token --set hf.secretKey=token",
        "secretName: hf-token-secret\n      optional: true", "password: \"{{ lookup('env', 'DB_PASSWORD') }}\"", 'variable "hf_token" {\n  type      = string\n  sensitive = true\n}', "password = var.db_password",
        "chpasswd:\n  expire: false", "net use Z: /delete", "RUN --mount=type=secret,id=hf_token python download.py",
    ),
    "zh": (
        "需要先申请 token 才能下载 Llama-3.2-11B-Vision", "密码不能为空，长度 8-20 位", "密码错误次数过多", "密钥长度是 256 位", "swanlab_token: SwanLab的api-key。", "（可选）JUDGE0_X_AUTH_TOKEN: judge0访问Token。",
        "MASTER_ADDR: torchrun中`--master_addr`的参数透传。", "微信交流群", "QQ 群已满",
    ),
    "code": (
        "key_states (1, 28, 1024, 128)", "token_ids [151644, 872]", "('hf_token', 'Qwen/Qwen2.5-VL-7B')", "$token = $env:HF_TOKEN", "auth_token = f'{prefix}_{name}'", "access_token\nrefresh_token\n",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D PYTHON_VERSION=3.11.9", "signal.connect(sender, 'on_load', 'reload')", "cat <<< 'token count: 12'",
        "- **token** (`str`) — The token to use as HTTP bearer authorization.", "密钥 → ~/.ssh/id_ed25519.pub", "token is InternVL2-8B's <IMG_CONTEXT>",
        "const token = await getToken()", "self.cache[token] = word", "q_rot, q_pass = q[..., :rotary_dim], q[..., rotary_dim:]", "def __init__(self, token: int = -1):", "hostname = hostname[1:-1]", "nodelist=nodelist,",
        "ANSWER_TOKEN = 'Answer: '", "token_healing = healing", "pass_lora_temp = none_tensor", "--moe_token_dispatcher_type flex", "The token:\n\n$$-\\log P_S(y^*_t)$$", "api_key=gpt4_key,",
    ),
}  # fmt: skip
