"""A sixth corpus of 60 secrets and 61 look-alikes: more tools, calls and sentences."""

from __future__ import annotations

from corpus_maker import Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    return Maker(6006).table(SECRETS, ALIKE).cases


SECRETS = (
    ("hf", "HfApi(token=\"«h|f_|L34»\").upload_folder(repo_id='a/b')", "upload_folder"),
    ("hf", "huggingface_hub.login('«h|f_|L34»', add_to_git_credential=True)", "add_to_git_credential=True"),
    ("hf", "docker build --build-arg HF_TOKEN=«h|f_|L34» -t vlm .", "-t vlm ."),
    ("hf", 'curl -L -H "Authorization: Bearer «h|f_|L34»" https://huggingface.co/a/b/resolve/main/x.safetensors -o x', "resolve/main/x.safetensors"),
    ("hf", "aria2c --header='Authorization: Bearer «h|f_|L34»' -x 8 https://huggingface.co/a/b", "-x 8"),
    ("hf", "git config --global credential.helper store && echo https://user:«h|f_|L34»@huggingface.co >> ~/.git-credentials", "credential.helper store"),
    ("ms", "from modelscope import HubApi; HubApi().login('«X»')", "HubApi()"),
    ("ms", "export MODELSCOPE_SDK_TOKEN='«X»'", "MODELSCOPE_SDK_TOKEN"),
    ("aliyun", "export ALIYUN_AK=«LT|AI5t|A16» ALIYUN_SK=«A30»", "ALIYUN_SK"),
    ("aliyun", "ossfs bucket /mnt -ourl=oss-cn-beijing.aliyuncs.com -opasswd_file=/etc/p; cat /etc/p: bucket:«LT|AI5t|A16»:«A30»", "/etc/p"),
    ("aws", "[profile vlm]\naws_access_key_id     = «AK|IA|U16»\naws_secret_access_key = «B40»\n", "[profile vlm]"),
    ("aws", "s5cmd --credentials-file c cp; AWS_SECRET_KEY: «B40»", "s5cmd"),
    ("azure", "azcopy copy 'https://acct.blob.core.windows.net/c?sv=2023-01-03&ss=b&sig=«A43»%3D' /data", "/data"),
    ("gcs", "gsutil -o Credentials:gs_oauth2_refresh_token=1//«W60» cp a b", "cp a b"),
    ("openai", '{"error": {"message": "Incorrect API key provided: «s|k-|A20»***. You can find"}}', "Incorrect API key"),
    ("openai", "llm = ChatOpenAI(openai_api_key='«A40»', openai_api_base='http://localhost:8000/v1')", "http://localhost:8000/v1"),
    ("openai", "--openai-api-key «A32» --port 9000", "--port 9000"),
    ("vllm", "python -m vllm.entrypoints.openai.api_server --model a/b --api-key «A16» --port 8000", "--port 8000"),
    ("vllm", "INFO api_server.py:528] args: Namespace(api_key='«A16»', host=None, port=8000)", "port=8000"),
    ("sglang", "python -m sglang.launch_server --model-path a/b --api-key '«A16»' --tp 2", "--tp 2"),
    ("gradio", "demo.launch(server_port=7860, auth=lambda u, p: p == '«A12»')", "server_port=7860"),
    ("gradio", "gr.load('models/a/b', hf_token='«h|f_|L34»')", "models/a/b"),
    ("dashscope", "os.environ['DASHSCOPE_API_KEY'] = '«s|k-|H32»'", "DASHSCOPE_API_KEY"),
    ("zhipu", "ZHIPU_API_KEY: «H32».«A16»", "ZHIPU_API_KEY"),
    ("moonshot", "Authorization:Bearer «s|k-|A48»", "Authorization"),
    ("qianfan", "https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id=Vb2nQ&client_secret=«A32»", "grant_type=client_credentials"),
    ("spark", "appid=5c2f&api_secret=«A32»&api_key=«H32»", "appid=5c2f"),
    ("feishu", "FEISHU_APP_SECRET=«A32»", "FEISHU_APP_SECRET"),
    ("wecom", "corpsecret=«W43»&corpid=ww1", "corpid=ww1"),
    ("wandb", "wandb: Paste an API key from your profile and hit enter: «H40»", "hit enter"),
    ("wandb", "WANDB_API_KEY=«H40» torchrun --nproc_per_node 8 train.py", "torchrun --nproc_per_node 8 train.py"),
    ("ssh", "Host gpu\n  HostName «=203.0.113.91»\n  User «=liuqiang»\n  IdentityFile ~/.ssh/id_rsa", "IdentityFile"),
    ("ssh", "scp -P 2222 m.bin «=sunli»@«=198.51.100.44»:/data", ":/data"),
    ("ssh", "rsync -avz a/ «=chenwei»@«=storage-2.lab.wombat.edu.cn»:/mnt/b/", ":/mnt/b/"),
    ("ssh", "Permission denied (publickey,password). «=zhouyan»@«=10.1.7.23»", "Permission denied"),
    ("mount", "mount -t cifs //nas/share /mnt -o username=bob,password=«A14»,vers=3.0", "vers=3.0"),
    ("mount", "s3fs b /mnt -o passwd_file=/etc/x -o use_cache=/tmp; echo A0QBJUJ91ZYGC5WTQCY6:«B40» > /etc/x", "use_cache=/tmp"),
    ("db", "jdbc:mysql://db:3306/x?user=vlm&password=«A14»&useSSL=false", "useSSL=false"),
    ("db", "optuna create-study --storage mysql://vlm:«A14»@db/x", "optuna create-study"),
    ("redis", "Redis(host='r', port=6379, password='«A14»')", "port=6379"),
    ("pip", "pip install --index-url https://bob:«A20»@pkgs.dev.azure.com/x/_packaging/y/pypi/simple torch", "pypi/simple torch"),
    ("pip", "WARNING: Retrying ... '/simple/torch/' https://__token__:«gl|pat-|W20»@gitlab.acme.io/api/v4", "'/simple/torch/'"),
    ("uv", "uv pip install x --extra-index-url=https://«A40»@repo.acme.io/simple", "repo.acme.io/simple"),
    ("conda", "conda config --add channels https://conda.acme.io/t/«W32»/private", "conda config --add channels"),
    ("k8s", 'env:\n  - name: HF_TOKEN\n    value: "«h|f_|L34»"\n  - name: PORT\n    value: "80"', "name: PORT"),
    ("k8s", "kubectl create secret docker-registry r --docker-username=bob --docker-password=«A16» --docker-email=x", "--docker-username=bob"),
    ("compose", "environment:\n  HUGGING_FACE_HUB_TOKEN: «h|f_|L34»\n  NCCL_DEBUG: INFO", "NCCL_DEBUG: INFO"),
    ("jwt", "x-forwarded-access-token: «J»", "x-forwarded-access-token"),
    ("jwt", "ws://127.0.0.1:8000/ws?access_token=«J»&v=1", "&v=1"),
    ("jupyter", "http://127.0.0.1:8888/?token=«H48»", "http://127.0.0.1:8888/"),
    ("pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n«PEM|ENCRYPTED PRIVATE»", "BEGIN CERTIFICATE"),
    ("zh", "服务器密码：«A12»\nIP：«=198.51.100.7»\n端口：22022", "端口：22022"),
    ("zh", "我的 HF token 是 «h|f_|L34» ，麻烦看下", "麻烦看下"),
    ("zh", "用户名 admin 密码 «A12» 登录后台", "登录后台"),
    ("zh", "api_key填写：«s|k-|H32»", "api_key"),
    ("en", "password is: «A12» (temporary)", "(temporary)"),
    ("id", 'tmux: [0] 0:python*  "«=huangbo»@«=ws-3090-2»: ~/LLaVA"', "tmux"),
    ("id", "Cannot open /data/home/«=gaofei»/ckpt/model.bin", "ckpt/model.bin"),
    ("id", "Author: Xu Jing <«=xujing_96@quokka.com»>\nDate: Mon", "Date: Mon"),
    ("id", "enp5s0: inet «=192.168.50.12» netmask 255.255.255.0 ether «=d8:5e:d3:11:22:33»", "netmask 255.255.255.0"),
)  # fmt: skip

ALIKE = {
    "alike": (
    "model.language_model.layers.0.self_attn.k_proj.weight", "Key 'vision_config' not found", "key: 'pixel_values' shape: (1, 3, 448, 448)", "tokens = 1024", "num_image_tokens=576",
    'image_token="<image>"', "<|endoftext|>", "token 151643 out of range", "HF_TOKEN is not set", "HF_TOKEN=", "export HF_TOKEN=", "OPENAI_API_KEY=EMPTY", "--api-key token-abc123",
    "token=True", "use_auth_token=True", "token: Optional[str] = None", "password: str = Field(...)", "secret: !Ref MySecret", "api_key: ${OPENAI_API_KEY}", "api_key={{ env.KEY }}",
    "Bearer <token>", "Authorization: Bearer $HF_TOKEN", "https://<user>:<password>@host/x", "https://user:password@host/x", "http://proxy:port", "ssh -p 22 user@host",
    "git@github.com:QwenLM/Qwen2.5-VL.git", "git+https://github.com/huggingface/transformers@v4.49.0-Qwen2.5-VL", "transformers @ git+https://github.com/huggingface/transformers.git@8ee50537fe7613b87881cd043a85971c85e99519",
    "flash_attn-2.7.4.post1+cu12torch2.5cxx11abiFALSE-cp311-cp311-linux_x86_64.whl", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "commit 8ee50537fe7613b87881cd043a85971c85e99519",
    "snapshots/66285546d2b821cf421d4f5eb2576359d3770cd3/model-00001-of-00005.safetensors", "ETag mismatch: 1f9f3c4d5e6a7b8c9d0e1f2a3b4c5d6e vs 0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d",
    "job id 8f14e45fceea167a5a36dedd4bea2543", "Request chatcmpl-8f14e45fceea167a5a36dedd4bea2543", "cmpl-2f1e0d9c8b7a", "run-20240601_101010-abc123de", "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    "torch.distributed.DistStoreError: key 0/0 not found", "TCPStore(127.0.0.1:29500)", "master_port=29501", "NCCL INFO Bootstrap : Using lo:127.0.0.1<0>", "NCCL version 2.21.5+cuda12.4",
    "libnvrtc.so.12.4.127", "nvidia-cufft-cu12==11.2.1.3", "cudnn 9.1.0.70", "Driver Version: 560.35.05", "0000:ca:00.0", "0x7ffd5a3c1b20", "ptxas 12.4.131", "10.0.26100.1742",
    "basic usage of the token classifier", "the pass rate is 97.5", "the key difference: attention sinks", "user root is not in the sudoers file", "root cause analysis", "keyboard interrupt", "author: The Qwen team",
    "session started at 12:00", "cookiecutter template",
    ),
}  # fmt: skip
