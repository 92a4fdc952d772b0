"""A corpus of 150 secrets and 100 look-alikes: other providers, other tools, other places than those of the rules' authors."""

from __future__ import annotations

from corpus_maker import ALNUM, BASE64, DIGITS, HEX, LOWER, WORDY, Case, Maker, b64, url


def corpus() -> list[Case]:
    """All cases, the same each time."""
    m = Maker(41).table(SECRETS, ALIKE)
    _made(m)
    return m.cases


SECRETS = (
    ("aws", "[default]\naws_access_key_id=«AK|IA|U16»\naws_secret_access_key=«B40»\nregion=us-east-1", "region=us-east-1"),
    ("aws", "boto3.client('s3', aws_secret_access_key='«B40»', region_name='eu-west-1')", "boto3.client", "eu-west-1"),
    ("aws", "botocore.exceptions.ClientError: The AWS Access Key Id «AS|IA|U16» you provided does not exist in our records.", "does not exist in our records"),
    ("aws", '"SessionToken": "«B300»", "Expiration": "2026-01-01T00:00:00Z"', "2026-01-01T00:00:00Z"),
    ("azure", "export AZURE_STORAGE_KEY=«B86|==»", "AZURE_STORAGE_KEY"),
    ("azure", "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=«B43|=»", "acme.servicebus.windows.net"),
    ("azure", "AzureOpenAI(azure_endpoint='https://x.openai.azure.com', api_key='«H32»')", "https://x.openai.azure.com"),
    ("gcp", "gcloud auth print-access-token\n«ya|29.|W150»\n$ ", "print-access-token"),
    ("gcp", '"client_secret":"«GOC|SPX-|W28»","redirect_uris":["http://localhost"]', "http://localhost"),
    ("digitalocean", "doctl auth init -t «dop|_v1_|H64»", "doctl auth init"),
    ("cloudflare", "CLOUDFLARE_API_TOKEN: «W40»", "CLOUDFLARE_API_TOKEN"),
    ("cloudflare", "origin_ca_key = «v1.0-|H24|-|H146»"),
    ("other cloud", "LAMBDA_API_KEY=«FL|Wsecret_|A40»", "LAMBDA_API_KEY"),
    ("other cloud", "vast.ai: api key = «H64»", "vast.ai"),
    ("runpod", "runpodctl config --apiKey «rp|a_|U40»", "runpodctl config"),
    ("vault", "vault login «hv|s.|A90»", "vault login"),
    ("oss", "s3fs bucket /mnt -o passwd_file=/x -o url=https://minio:9000; MINIO_ROOT_PASSWORD=«A24»", "https://minio:9000"),
    ("rclone", "[s3]\ntype = s3\nsecret_access_key = «B40»\nacl = private", "type = s3", "acl = private"),
    ("hf", "hf auth login --token «h|f_|L34» --add-to-git-credential", "hf auth login", "--add-to-git-credential"),
    ("hf", "huggingface_hub.errors.HfHubHTTPError: 403 Forbidden: token «h|f_|L34» lacks scope inference", "403 Forbidden", "lacks scope inference"),
    ("hf", "Token is valid (permission: read).\n«h|f_|L34»\nYour token has been saved to ~/.cache/huggingface/token", "Your token has been saved to ~/.cache/huggingface/token"),
    ("hf", "git clone https://hf_user:«h|f_|L34»@huggingface.co/meta-llama/Llama-3.2-11B-Vision", "meta-llama/Llama-3.2-11B-Vision"),
    ("hf", "docker run -e HF_TOKEN=«h|f_|L34» -p 8080:80 ghcr.io/huggingface/text-generation-inference:3.0", "-p 8080:80", "text-generation-inference:3.0"),
    ("hf", "login(token='«h|f_|L34»', new_session=False)", "login(", "new_session=False"),
    ("hf", "[stored]\nhf_token = «h|f_|L34»\n[other]\nhf_token = «h|f_|L34»", "[stored]", "[other]"),
    ("hf", 'curl -L -H "authorization: Bearer «h|f_|L34»" https://huggingface.co/api/models/a/b', "https://huggingface.co/api/models/a/b"),
    ("hf", "'«h|f_|L34»'"),
    ("hf", "InferenceClient(«api|_org_|L34»)", "InferenceClient"),
    ("modelscope", "modelscope login --token «X»", "modelscope login"),
    ("modelscope", "git clone https://oauth2:«X»@www.modelscope.cn/qwen/Qwen-VL.git", "www.modelscope.cn/qwen/Qwen-VL.git"),
    ("wandb", "wandb: Paste an API key from your profile and hit enter: «H40»", "hit enter"),
    ("wandb", 'wandb.login(key="«H40»")', "wandb.login"),
    ("wandb", "!wandb login --relogin «H40»", "wandb login"),
    ("wandb", "machine api.wandb.ai login user password «H40»", "api.wandb.ai"),
    ("comet", "COMET_API_KEY=«A25»\nCOMET_WORKSPACE=vlm", "COMET_WORKSPACE=vlm"),
    ("comet", "comet_ml.Experiment(api_key='«A25»', project_name='llava')", "project_name='llava'"),
    ("neptune", 'NEPTUNE_API_TOKEN=«b64|{"api_address":"https://app.neptune.ai","api_key":"|X|"}»', "NEPTUNE_API_TOKEN"),
    ("swanlab", "swanlab login -k «A20»", "swanlab login"),
    ("kaggle", "KAGGLE_USERNAME=alice KAGGLE_KEY=«H32» kaggle datasets download -d a/b", "kaggle datasets download"),
    ("clearml", 'api {\n  credentials { "access_key" = "«?|U20»"  "secret_key" = "«H40»" }\n}', "credentials"),
    ("github", "remote: https://x-access-token:«gh|u_|A36»@github.com/acme/vlm.git (fetch)", "github.com/acme/vlm.git (fetch)"),
    ("github", "pip install 'vlm @ git+https://«github|_pat_|A22|_|A59»@github.com/acme/vlm@v1.0'", "@github.com/acme/vlm@v1.0"),
    ("gitlab", "CI_DEPLOY_PASSWORD=«gl|dt-|W20»", "CI_DEPLOY_PASSWORD"),
    ("gitlab", "--index-url https://gitlab-ci-token:«gl|cbt-|A28»@gitlab.acme.io/api/v4/projects/7/packages/x/simple", "gitlab.acme.io/api/v4/projects/7/packages/x/simple"),
    ("gitee", "https://gitee.com/api/v5/user?access_token=«A32»&page=2", "https://gitee.com/api/v5/user", "page=2"),
    ("docker", "echo «dckr|_pat_|W27» | docker login -u alice --password-stdin", "--password-stdin"),
    ("docker", "docker login registry.acme.io -u deploy -p «A18»", "docker login registry.acme.io"),
    ("dashscope", "dashscope.api_key = '«s|k-|H32»'  # 通义千问", "# 通义千问"),
    ("deepseek", "DeepSeek 的 key 是 «s|k-|H32»，请不要外传", "DeepSeek", "请不要外传"),
    ("moonshot", "MOONSHOT_API_KEY=«s|k-|A48»", "MOONSHOT_API_KEY"),
    ("zhipu", "client = ZhipuAI(api_key='«H32|.|A16»')", "ZhipuAI"),
    ("volcengine", "ARK_API_KEY=«X»", "ARK_API_KEY"),
    ("volcengine", "VOLC_ACCESSKEY=«AK|LT|A42»\nVOLC_SECRETKEY=«B58|==»", "VOLC_ACCESSKEY"),
    ("tencent", "TENCENTCLOUD_SECRET_ID=«AK|ID|A32»\nTENCENTCLOUD_SECRET_KEY=«A32»", "TENCENTCLOUD_SECRET_ID"),
    ("baidu", "QIANFAN_AK=«A24»", "QIANFAN_AK"),
    ("baidu", "https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id=«?|A24»&client_secret=«A32»", "aip.baidubce.com/oauth/2.0/token"),
    ("baidu", "Authorization: Bearer «bce|-v3/ALTAK-|A21|/|H40»", "Authorization"),
    ("aliyun", "ossutil config -e oss-cn-hangzhou.aliyuncs.com -i «LT|AI5t|A20» -k «A30»", "oss-cn-hangzhou.aliyuncs.com"),
    ("aliyun", "accessKeySecret: «A30»", "accessKeySecret"),
    ("huawei", "obsutil config -i=«?|U20» -k=«A40» -e=obs.cn-north-4.myhuaweicloud.com", "obs.cn-north-4.myhuaweicloud.com"),
    ("iflytek", "SPARK_API_SECRET=«l32»", "SPARK_API_SECRET"),
    ("minimax", "MINIMAX_API_KEY=«J»", "MINIMAX_API_KEY"),
    ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/«X»", "open.feishu.cn"),
    ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=«X»", "qyapi.weixin.qq.com"),
    ("dingtalk", "钉钉机器人加签密钥 «SE|C|H64»", "钉钉机器人"),
    ("autodl", "ssh -p 38076 root@connect.westb.seetacloud.com  密码 «A12»", "ssh -p 38076"),
    ("netrc", "machine nexus.acme.io\nlogin ci\npassword «A16»\n", "machine nexus.acme.io"),
    ("netrc", "default login anonymous password «A16»"),
    ("pypirc", "[pypi]\n  username = __token__\n  password = «py|pi-AgEI|W160»", "[pypi]"),
    ("docker config", '{"auths": {"https://index.docker.io/v1/": {"auth": "«b64|alice:|A14»"}}, "credsStore": "desktop"}', "credsStore"),
    ("docker config", '"identitytoken": "«A40»"'),
    ("kubeconfig", "- name: dev\n  user:\n    token: «J»", "name: dev"),
    ("kubernetes", "kind: Secret\nmetadata:\n  name: hf\ndata:\n  HF_TOKEN: «b64|A30»", "kind: Secret", "name: hf"),
    ("kubernetes", '        - name: HUGGING_FACE_HUB_TOKEN\n          value: "«h|f_|L34»"', "HUGGING_FACE_HUB_TOKEN"),
    ("kubernetes", '      env:\n        - name: DB_PASSWORD\n          value: «A22»\n        - name: PORT\n          value: "8000"', "DB_PASSWORD", '"8000"'),
    ("compose", "services:\n  vllm:\n    environment:\n      HF_TOKEN: «h|f_|L34»\n      VLLM_PORT: 8000", "VLLM_PORT: 8000"),
    ("putty", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n«B64»\nPrivate-MAC: «?|H64»", "ssh-ed25519"),
    ("npmrc", "//registry.acme.io/:_authToken=«npm|_|A36»\nstrict-ssl=false", "strict-ssl=false"),
    ("git-credentials", "https://alice:«A15»@git.acme.io", "git.acme.io"),
    ("conda", "channels:\n  - https://conda.acme.io/t/«A30»/main\n  - defaults", "defaults"),
    ("wireguard", "[Interface]\nPrivateKey = «A24»abcdefghijklmnopqr0=\nAddress = x", "[Interface]"),
    ("bash", 'declare -x HF_TOKEN="«h|f_|L34»"\ndeclare -x HOME="/root"\ndeclare -x WANDB_API_KEY="«A24»"', 'declare -x HOME="/root"'),
    ("powershell", "Name                           Value\n----                           -----\nHF_TOKEN                       «h|f_|L34»\nOS                             Windows_NT", "Windows_NT"),
    ("powershell", "AZURE_OPENAI_API_KEY           «A24»\nCUDA_PATH                      C:\\CUDA", "CUDA_PATH"),
    ("fish", "set -gx MY_SECRET «A30»\nset -gx EDITOR vim", "set -gx EDITOR vim"),
    ("docker inspect", '"Env": ["HF_TOKEN=«h|f_|L34»", "PATH=/usr/bin", "NVIDIA_VISIBLE_DEVICES=all"]', "NVIDIA_VISIBLE_DEVICES=all"),
    ("docker inspect", '                "POSTGRES_PASSWORD=«A26»",\n                "PGDATA=/var/lib/postgresql/data"', "PGDATA=/var/lib/postgresql/data"),
    ("repr", "environ({'PATH': '/usr/bin', 'REDIS_PASSWORD': '«A26»', 'HOME': '/root'})", "'HOME': '/root'"),
    ("repr", "Namespace(model='a/b', api_key='«A26»', port=8000)", "model='a/b'", "port=8000"),
    ("repr", "INFO args: {'model': 'a/b', 'hf_token': '«A26»', 'max_model_len': 4096}", "'max_model_len': 4096"),
    ("json", '{\n  "password": "«A26»",\n  "max_tokens": 512\n}', '"max_tokens": 512'),
    ("toml", '[llm]\napi_key = "«A26»"\nmodel = "qwen"', 'model = "qwen"'),
    ("ini", "[db]\nuser = vlm\npasswd: «A26»", "user = vlm"),
    ("xml", "<server><id>central</id><password>«A26»</password></server>", "<id>central</id>"),
    ("properties", "spring.datasource.password=«A26»", "spring.datasource"),
    ("sbatch", "#SBATCH --export=ALL,WANDB_API_KEY=«A20»,MODE=train", "MODE=train"),
    ("systemd", 'Environment="VLLM_API_KEY=«A20»"', "Environment="),
    ("process list", "root  1234  0.0  python -m vllm.entrypoints.openai.api_server --model a/b --api-key «A20» --port 8000", "--model a/b", "--port 8000"),
    ("split lines", "export OPENAI_API_KEY=\\\n  «A20»\nexport X=1", "export X=1"),
    ("multi line", 'SECRET_KEY = """\n«A30»\n"""'),
    ("tf", 'variable "db_password" {\n  default = "«A28»"\n}', "variable"),
    ("pip", "Looking in indexes: https://reader:«A18»@nexus.acme.io/repository/pypi-all/simple", "nexus.acme.io/repository/pypi-all/simple"),
    ("pip", "pip install -i https://«A30»@pkgs.acme.io/simple torch", "pkgs.acme.io/simple", "torch"),
    ("pip", "extra-index-url = https://build:«l52»@pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/", "pkgs.dev.azure.com/org/_packaging/feed/pypi/simple/"),
    ("proxy", "http_proxy=http://zhang:«A16»@10.0.0.9:7890 https_proxy=http://zhang:«A16»@10.0.0.9:7890", "http_proxy=", ":7890"),
    ("jdbc", "jdbc:postgresql://db:5432/x?user=svc&password=«A12»&ssl=true", "db:5432/x", "ssl=true"),
    ("odbc", "Driver={ODBC Driver 18};Server=db;Uid=svc;Pwd=«A12»;Encrypt=yes;", "Encrypt=yes"),
    ("jupyter", "    http://127.0.0.1:8888/tree?token=«H48»", "http://127.0.0.1:8888/tree"),
    ("signed", "https://cas-bridge.xethub.hf.co/xet/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Signature=«H64»&x-id=GetObject", "cas-bridge.xethub.hf.co", "x-id=GetObject"),
    ("signed", "https://bucket.oss-cn-beijing.aliyuncs.com/m.bin?OSSAccessKeyId=«?|LT|AI|A20»&Expires=1767225600&Signature=«W60»", "bucket.oss-cn-beijing.aliyuncs.com/m.bin"),
    ("sas", "azcopy copy 'https://a.blob.core.windows.net/c?sp=r&sv=2023&sr=c&sig=«A43»%3D' .", "a.blob.core.windows.net"),
    ("telegram", "https://api.telegram.org/bot«D10|:AA|W33»/sendMessage", "api.telegram.org"),
    ("discord", "https://discord.com/api/webhooks/«?|D18»/«W68»", "discord.com"),
    ("header", "{'User-Agent': 'x/1.0', 'Authorization': 'Bearer «A40»', 'Accept': '*/*'}", "x/1.0", "'Accept': '*/*'"),
    ("header", "> x-api-key: «A40»\n> anthropic-version: 2023-06-01", "anthropic-version: 2023-06-01"),
    ("header", "Set-Cookie: sessionid=«A40»; Path=/; HttpOnly"),
    ("header", "requests.get(url, headers={'PRIVATE-TOKEN': '«A40»'}, timeout=3)", "timeout=3"),
    ("header", "proxy-authorization: basic «b64|alice:|A12»"),
    ("header", "Authorization: AWS4-HMAC-SHA256 Credential=«?|AK|IA|U16»/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=«H64»"),
    ("header", "Authorization: Token «A40»"),
    ("jwt", "openai.AuthenticationError: Error code: 401 - invalid jwt «J»", "401"),
    ("jwt", "access_token=«J»&expires_in=3600", "expires_in=3600"),
    ("cookie", "m_session_id=«A32»; csrf_session_id=«?|A32»"),
    ("curl", "curl -u alice:«A20» https://acme.io/x", "https://acme.io/x"),
    ("wget", "wget --user=alice --password=«A20» https://acme.io/x", "https://acme.io/x"),
    ("sentence", "服务器密码是«A12»，用户名是root", "服务器密码"),
    ("sentence", "root密码：«A12»"),
    ("sentence", "我的 API Key：«A12» 能帮我看看吗", "能帮我看看吗"),
    ("sentence", "The password is «A14» and the port is 22.", "the port is 22"),
    ("sentence", "my password: «A14»"),
    ("sentence", "«s|k-|A48» is what I used", "is what I used"),
    ("sentence", "I used `«s|k-|A48»`", "I used"),
    ("sentence", "mysql -uroot -p«A10» -h db", "-h db"),
    ("sentence", "PGPASSWORD=«A10» psql -h db", "psql -h db"),
    ("sentence", "jupyter notebook --NotebookApp.password='«A14»' --port=8888", "--port=8888"),
    ("url-encoded", "redirect=https%3A%2F%2Fx%2F%3Ftoken%3D«h|f_|L34»%26a%3D1", "redirect="),
    ("escaped", '"{\\"api_key\\": \\"«A30»\\", \\"n\\": 1}"', '\\"n\\": 1'),
    ("base64", "Authorization: Basic «b64|user:|A20»"),
    ("ansi", "\x1b[1;32mHF_TOKEN\x1b[0m=\x1b[33m«h|f_|L34»\x1b[0m"),
    ("html", "<pre>HF_TOKEN=«h|f_|L34»</pre>", "<pre>"),
    ("home", "/home/«=zhang.san»/miniconda3/envs/qwen/bin/python", "miniconda3/envs/qwen/bin/python"),
    ("home", "FileNotFoundError: [Errno 2] No such file or directory: '/home/«=wangxiaoming»/LLaVA/ckpt/model-00001.safetensors'", "LLaVA/ckpt/model-00001.safetensors"),
    ("home", "C:\\Users\\«=lihua»\\AppData\\Local\\Programs\\Python\\Python310\\python.exe", "Programs\\Python\\Python310\\python.exe"),
    ("home", "C:\\\\Users\\\\«=Zhang San»\\\\.cache\\\\huggingface", "huggingface"),
    ("home", "/mnt/c/Users/«=jdoe42»/project/run.py", "project/run.py"),
    ("home", "/Users/«=maria-garcia»/venv/lib/python3.11/site-packages/torch", "site-packages/torch"),
    ("home", "/data1/home/«=chenwei»/.cache/huggingface/hub", "huggingface/hub"),
    ("home", "/export/home/«=okafor»/vlm", "vlm"),
    ("share", "\\\\«=fileserver07»\\models\\llava", "models\\llava"),
    ("host", "«=liuyang»@«=dgx-a100-03»:~$ nvidia-smi", "nvidia-smi"),
    ("host", "[«=wuhan_lab»@«=gpunode-41» LISA]$ python chat.py", "python chat.py"),
    ("host", "hostname: «=trainbox-eu-7»", "hostname"),
    ("host", "SLURM_JOB_NODELIST=«=quokka-b-»[11-14]", "SLURM_JOB_NODELIST"),
    ("host", "ssh «=zhaoliu»@«=login3.hpc.acme.edu.cn» -p 2222", "-p 2222"),
    ("email", "please contact «=li.lei-2024@mails.acme.edu.cn» for access", "for access"),
    ("ip", "tcp://«=192.168.31.77»:29500 timed out", ":29500"),
    ("ip", "MASTER_ADDR=«=10.233.64.12»", "MASTER_ADDR"),
    ("ip", "inet «=172.20.3.44»/16 brd 172.20.255.255 scope global eth0", "scope global eth0"),
    ("ip", "Connecting to «=198.51.100.23»:443... failed", "failed"),
    ("mac", "ether «=9c:6b:00:4e:12:ab»  txqueuelen 1000", "txqueuelen 1000"),
    ("gpu", "GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-«=b7c1a9d2-1c11-5f6e-9a3b-4d21e0c9f8aa»)", "NVIDIA A100-SXM4-80GB"),
    ("serial", "    Serial Number                         : «=1324123052345»", "Serial Number"),
)  # fmt: skip

ALIKE = {
    "address": (
        "#0 0x00007f2b4c1d9a3e in c10::cuda::CUDACachingAllocator", "frame #3: <unknown function> + 0xd6df4 (0x7f9a2c2d6df4 in /lib/libstdc++.so.6)",
        "RIP: 0010:nv_ioctl+0x3d/0x90 [nvidia]", "<object at 0x7fd2d00b1c40>", "Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>", "00000000:3B:00.0",
    ),
    "placeholder": (
        "HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "export HF_TOKEN=hf_...", "token=hf_YOUR_TOKEN_HERE", "OPENAI_API_KEY=sk-xxxx", "api_key='sk-...'",
        "--token <HF_TOKEN>", "HF_TOKEN=${HF_TOKEN}", "password: ********", "Authorization: Bearer $HF_TOKEN", "Authorization: Bearer <token>",
        "api_key=os.getenv('OPENAI_API_KEY')", "token: ${{ secrets.HF_TOKEN }}", "token=None", "use_auth_token=True", "hf auth login --token", "api_key: null",
        "password =", "HF_TOKEN is not set", "WANDB_API_KEY: unset", "--api-key", 'token = ""', "API_KEY=changeme", "https://user:password@host/simple",
        "https://<user>:<password>@host/x", "ssh user@host", "user@example.com",
    ),
    "word": (
        "pad_token=<|endoftext|>, eos_token='</s>', bos_token_id=1", "max_tokens=1024 top_p=0.9", "prompt_tokens: 1843, completion_tokens: 87", "num_image_tokens = 576",
        "image_token_index: 32000", "token_type_ids=None", "tokens/s: 43.2", "Key 'vision_tower' not found",
        'Missing key(s) in state_dict: "lm_head.weight", "model.norm.weight"', "KeyError: 'past_key_values'", "key_states = key_states.transpose(1, 2)",
        "num_key_value_heads: 8", "cache_key = hash(config)", "AttributeError: 'Session' object has no attribute 'auth'", "public key authentication failed",
        "Enter passphrase for key: ", "password authentication is disabled", "the secret sauce is data", "author: nobody", "Bearer authentication required",
        "token: expired", "credentials not found", "session state: healthy", "cookiecutter-2.6.0", "passlib 1.7.4", "keyring==25.2.1 secretstorage==3.3.3",
        "tokenizers 0.19.1", "sentencepiece 0.2.0", "pytest-asyncio pyjwt 2.8.0", "compass 1.0", "bypass=true", "root user test admin", "run as root or as another user",
        "user test passed, admin page failed", "the host node runs docker",
    ),
    "path": (
        "/root/miniconda3/envs/llava/bin/python", "/workspace/LLaVA/llava/serve/cli.py", "/opt/conda/lib/python3.10/site-packages/torch/lib/libc10.so",
        "~/.cache/huggingface/token", "HF_TOKEN_PATH=/root/hf/token", "/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/dev/nvidia0 /dev/nvidia-uvm",
        "C:\\Windows\\System32\\nvcuda.dll", "/home/user/app", "/home/ubuntu/run.py", "/etc/ssl/certs/ca-certificates.crt", "http://127.0.0.1:8000/v1", "0.0.0.0:8000",
        "localhost:7860", "NCCL version 2.20.5+cuda12.4", "cudnn 8.9.7.29", "Driver Version: 535.183.01", "libnvinfer.so.8.6.1.6", "==1.2.3.4",
        "git@github.com:QwenLM/Qwen2-VL.git", "https://github.com/haotian-liu/LLaVA/issues/1234",
        "https://huggingface.co/Qwen/Qwen2-VL-7B-Instruct/resolve/main/config.json", "torch-2.5.1+cu124-cp311-cp311-win_amd64.whl",
        "nvidia_cublas_cu12-12.4.5.8-py3-none-manylinux2014_x86_64.whl", "Qwen2.5-VL-72B-Instruct-AWQ", "OpenGVLab/InternVL2_5-78B", "sm_90a compute_89",
        "2026-01-02 03:04:05.678901", "pid=12345 uid=1000", "ratio 12:34:56", "llm-awq/w4-g128",
    ),
}  # fmt: skip


def _made(m: Maker) -> None:
    """What no template says: keys in other forms, one body in several places."""
    s = m.body(ALNUM + "~._-", 40)
    m.secret("azure", f"AZURE_CLIENT_SECRET={s}", s, "AZURE_CLIENT_SECRET")
    p, rows = m.pem("PRIVATE", 6, "\\n")
    m.secret(
        "gcp",
        f'{{"type": "service_account", "project_id": "vlm-demo", "private_key_id": "{m.body(HEX, 40)}", "private_key": "{p}\\n"}}',
        rows,
        ["service_account", "vlm-demo"],
    )
    s = m.key("AI", "za", alphabet=WORDY, length=35)
    m.secret("gcp", f"genai.configure(api_key={s!r})", s, "genai.configure")
    s = m.key("ms", "-", alphabet=HEX, length=8) + m.uuid()[8:]
    m.secret("modelscope", f"HubApi().login('{s}')", s, "HubApi")
    rows = (
        ("OPENAI_API_KEY", ("s", "k-"), ALNUM, 48),
        ("OPENAI_API_KEY", ("s", "k-proj-"), WORDY, 156),
        ("ANTHROPIC_API_KEY", ("s", "k-ant-api03-"), WORDY, 95),
        ("GROQ_API_KEY", ("gs", "k_"), ALNUM, 52),
        ("MISTRAL_API_KEY", ("",), ALNUM, 32),
        ("COHERE_API_KEY", ("",), ALNUM, 40),
        ("TOGETHER_API_KEY", ("",), HEX, 64),
        ("FIREWORKS_API_KEY", ("f", "w_"), ALNUM, 24),
        ("OPENROUTER_API_KEY", ("s", "k-or-v1-"), HEX, 64),
        ("XAI_API_KEY", ("xa", "i-"), ALNUM, 80),
        ("REPLICATE_API_TOKEN", ("r", "8_"), ALNUM, 37),
        ("NVIDIA_API_KEY", ("nv", "api-"), WORDY, 64),
        ("PERPLEXITY_API_KEY", ("pp", "lx-"), ALNUM, 48),
        ("ELEVENLABS_API_KEY", ("s", "k_"), HEX, 48),
        ("LANGSMITH_API_KEY", ("lsv", "2_pt_"), HEX, 32),
        ("TAVILY_API_KEY", ("tv", "ly-dev-"), ALNUM, 32),
        ("VOYAGE_API_KEY", ("p", "a-"), WORDY, 43),
        ("CEREBRAS_API_KEY", ("cs", "k-"), LOWER + DIGITS, 48),
        ("JINA_API_KEY", ("ji", "na_"), ALNUM, 60),
    )
    forms = (
        "{name}={key}",
        'os.environ["{name}"] = "{key}"',
        "export {name}='{key}'",
        "  {name}: {key}",
        '$env:{name} = "{key}"',
        "set -x {name} {key}",
        '"{name}": "{key}",',
        "- {name}={key}",
        "setx {name} {key}",
        "{name} = {key}  # do not commit",
        "Authorization: Bearer {key}",
        "Incorrect API key provided: {key}.",
    )
    for number, (name, prefix, alphabet, length) in enumerate(rows):
        key = m.key(*prefix, alphabet=alphabet, length=length)
        text = forms[number % len(forms)].format(name=name, key=key)
        m.secret("model provider", text, key, [name] if name in text else [])
    s = m.key("s", "k-", alphabet=LOWER, length=48)
    m.secret("siliconflow", f"SILICONFLOW_API_KEY: '{s}'", s, "SILICONFLOW_API_KEY")
    s = m.body(ALNUM + "!%^", 14)
    m.secret(
        "pypirc",
        f"[internal]\nrepository: https://nexus.acme.io/repository/pypi/\nusername: alice\npassword: {s}",
        s,
        "https://nexus.acme.io/repository/pypi/",
    )
    s = b64(m.pem("RSA PRIVATE", 3)[0])
    m.secret("kubeconfig", f"users:\n- name: dev\n  user:\n    client-key-data: {s}", s, "client-key-data")
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
    s = m.body(ALNUM, 10)
    m.secret(
        "sentence",
        f"echo '{s}' | sudo -S apt install x",
        s,
        "apt install x",
    )
    s = "sha1:" + m.body(HEX, 12) + ":" + m.body(HEX, 40)
    m.secret("sentence", f"c.NotebookApp.password = u'{s}'", s.split(":")[2], "NotebookApp.password")
    s = m.body(ALNUM, 14)
    m.secret("url-encoded", f"https://alice:{url('p@' + s + '/#')}@acme.io/x", s, "acme.io/x")
    g, h = m.body(HEX, 40), m.body(HEX, 64)
    m.keep(
        "hash",
        f"HEAD is now at {g[:7]} Fix typo",
        f"commit {g} (HEAD -> main, origin/main)",
        f"git checkout {g}",
        f"Your branch is at {g[:12]}",
        f"models--Qwen--Qwen2-VL-7B-Instruct/snapshots/{g}/model.safetensors.index.json",
        f"refs/main: {g}",
        f"{h}  model-00001-of-00005.safetensors",
        f"blobs/{h} -> ../../blobs/{h}",
        f"expected sha256 {h}",
        f"torch/__init__.py,sha256={m.body(WORDY, 43)},87654",
        "torch-2.4.0.dist-info/RECORD,,",
        f"--hash=sha256:{h} \\",
        f"docker pull vllm/vllm-openai@sha256:{h}",
        f'etag: "{m.body(HEX, 32)}"',
        f"oid sha256:{h}\nsize 4943162240",
        f"revision='{g}'",
        f"trust_remote_code revision={g}",
        f"a{m.body(HEX, 7)}..b{m.body(HEX, 7)}  main -> origin/main",
        f"Git commit: {g[:10]}-dirty",
        f"Downloading model-{h[:16]}.gguf",
        f"vllm 0.6.3.post2.dev171+g{g[:8]}",
        "flash_attn-2.6.3+cu123torch2.4cxx11abiFALSE-cp310-cp310-linux_x86_64.whl",
        f"cache key: {m.body(HEX, 16)}",
        f"md5sum: {m.body(HEX, 32)}  a.tar.gz",
        f"triton cache /root/.triton/cache/{m.body(LOWER + '234567', 52)}/kernel.so",
        f"torch_extensions/py310_cu121/fused_adam/{m.body(HEX, 8)}.o",
        f"xet hash {h}",
    )
    m.keep(
        "uuid",
        f"run id {m.uuid()}",
        f"chatcmpl-{m.body(HEX, 32)}",
        f"request_id: cmpl-{m.body(HEX, 32)}",
        f"x-request-id: {m.uuid()}",
        f"Root=1-{m.body(HEX, 8)}-{m.body(HEX, 24)};{m.uuid()}",
        f"kernel-{m.uuid()}.json",
        f"partition UUID={m.uuid()} / ext4",
        f"/tmp/pip-install-{m.body(LOWER + DIGITS, 8)}/flash-attn_{m.body(HEX, 32)}/setup.py",
        "pod vllm-6d4cf56db6-x7k2p evicted",
        "(EngineCore_DP0 pid=2211)",
    )
