"""A seventh corpus: who and where, and the places that the others left out."""

from __future__ import annotations

from corpus_maker import Case, Maker


def corpus() -> list[Case]:
    """All cases, the same each time."""
    return Maker(7337).table(SECRETS, ALIKE).cases


SECRETS = (
    ("home", "/mnt/c/Users/«=xiaofeng»/Desktop/llava/demo.py", "Desktop/llava/demo.py"),
    ("home", "/public/home/«=zhengyi»/anaconda3/envs/lisa/lib/python3.10", "anaconda3/envs/lisa/lib/python3.10"),
    ("home", "file:///C:/Users/«=Bob%20Lee»/models/config.json", "models/config.json"),
    ("home", "PS C:\\Users\\«=tanaka»> python demo.py", "python demo.py"),
    ("home", "C:\\\\Users\\\\«=wang_lei»\\\\.cache\\\\huggingface", ".cache\\\\huggingface"),
    ("home", "HOME=/home/«=sunqi»\nPWD=/home/«=sunqi»/vlm", "vlm"),
    ("home", "OSError: [Errno 13] Permission denied: '/home/«=heyan»/.triton/cache'", ".triton/cache'"),
    ("home", "cd ~«=liufan»/LLaVA && ls", "/LLaVA && ls"),
    ("prompt", "[«=wuting»@«=node-17» LLaVA]$ nvidia-smi", "LLaVA]$ nvidia-smi"),
    ("prompt", "«=macbook-of-li»:~ «=lihua»$ python3", "python3"),
    ("prompt", "(base) «=yangyu»@«=ubuntu-4090»:/data/vlm$ python a.py", "/data/vlm$ python a.py"),
    ("prompt", "root@autodl-container-«=7c2f4bb1ae-91d3c2f0»:~/autodl-tmp# python a.py", "autodl-tmp# python a.py"),
    ("host", "Linux «=a100-srv-3» 5.15.0-91-generic #101-Ubuntu SMP x86_64", "5.15.0-91-generic"),
    ("host", "srun: job 123 queued on «=gpu-n042.smew-lab.edu.cn»", "srun: job 123"),
    ("host", "SLURMD_NODENAME=«=gn-r07-12»", "SLURMD_NODENAME"),
    ("host", "Hostname: «=dl-ws3090-2»", "Hostname"),
    ("host", "[W socket.cpp:663] The client socket has failed to connect to [«=train-07.gadwall.cn»]:29500", ":29500"),
    ("host", "Connecting to «=nas3.lab.garganey.cn» («=172.18.4.9») port 22", "port 22"),
    ("ip", "http://«=192.0.2.44»:8000/v1/models", ":8000/v1/models"),
    ("ip", "inet6 «=fe80::d25f:64ff:fe12:3456»/64 scope link", "scope link"),
    ("ip", "remote: «=100.64.12.7»:22 closed", ":22 closed"),
    ("ip", "Name or service not known: «=10.255.3.4»", "Name or service not known"),
    ("mac", "ether «=52-54-00-ab-cd-ef» txqueuelen 1000", "txqueuelen 1000"),
    ("mail", "Signed-off-by: Liu Yu <«=liuyu.ml@wigeon.cn»>", "Signed-off-by"),
    ("mail", "mailto:«=k.mueller@uni-wigeon.de»", "mailto:"),
    ("mail", "Committer: root <root@«=vm-10-206-0-12.localdomain»>", "Committer"),
    ("share", "Running on public URL: https://«=d41d8cd98f00b204e9».gradio.live", ".gradio.live"),
    ("share", "https://«=a1b2-203-0-113-7».ngrok-free.app/docs", ".ngrok-free.app/docs"),
    ("share", "ssh -p 31022 root@«=region-42».seetacloud.com", "ssh -p 31022"),
    ("gpu", "GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-«=5b0f2a3c-1d4e-4f60-8a9b-0c1d2e3f4a5b»)", "NVIDIA A100-SXM4-80GB"),
    ("gpu", "<serial>«=1324021012345»</serial>", "serial"),
    ("gpu", "<uuid>GPU-«=5b0f2a3c-1d4e-4f60-8a9b-0c1d2e3f4a5c»</uuid>", "uuid"),
    ("id", "System UUID: «=4C4C4544-0042-3510-8054-B7C04F503332»", "System UUID"),
    ("id", "/etc/machine-id: «=3b1c9f0a7d5e42c1b8a6d4e2f0c1b3a5»", "/etc/machine-id"),
    ("zh", "用户名：«=zhaolei» 主机名：«=lab-3090-1»", "主机名"),
    ("zh", "联系电话：«=13800138000»", "联系电话"),
    ("zh", "服务器地址 «=59.110.23.45» 端口 22", "端口 22"),
    ("cred", "rsync --password-file=/x; RSYNC_PASSWORD='«A12»'", "RSYNC_PASSWORD"),
    ("cred", "smbclient //nas/x -U bob%«A12»", "smbclient"),
    ("cred", "influx -token «W80»==", "influx"),
    ("cred", "hdfs dfs -Dfs.s3a.secret.key=«B40» -ls /", "-ls /"),
    ("cred", "spark.hadoop.fs.s3a.secret.key «B40»", "spark.hadoop.fs.s3a.secret.key"),
    ("cred", "label-studio-sdk: Client(url='http://x', api_key='«H40»')", "http://x"),
    ("cred", "DVC: Access Key: «AK|IA|U16»; Secret: «B40»;", "DVC"),
    ("cred", "Traceback: requests.exceptions.HTTPError: 401 for url: https://api.x.ai/v1/models?key=«A32»", "https://api.x.ai/v1/models"),
    ("cred", "export HF_TOKEN=«h|f_|L34»", "HF_TOKEN"),
    ("cred", "git push https://oauth2:«W26»@jihulab.com/a/b.git main", "jihulab.com/a/b.git main"),
    ("cred", "$env:HF_TOKEN='«h|f_|L34»'; python a.py", "python a.py"),
    ("cred", "set HF_TOKEN=«h|f_|L34»", "HF_TOKEN"),
    ("cred", "token：«h|f_|L34»；model：Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
)  # fmt: skip

ALIKE = {
    "who": (
        "/home/user/.cache", "/root/LLaVA", "/home/ubuntu/vlm", "/Users/Shared/models", "root@localhost:~#", "user@host:~$", "ubuntu@ip", "git@github.com:a/b.git",
        "torch@2.1", "numpy@latest", "transformers@main", "@staticmethod", "a@b", "127.0.0.1:8080", "http://localhost:3000", "0.0.0.0", "::1", "255.255.255.0",
        "CUDA 12.1.105", "version 10.1.243", "cudnn 8.9.2.26", "12.4.99.1", "nvidia-cublas-cu12 12.1.3.1", "GPU 00000000:3B:00.0", "CPU 64-127", "node0 cpus: 0 1 2 3", "NUMA node0 CPU(s): 0-31",
        "Linux 5.15.0-91-generic", "uuid: None", "serial: N/A", "host: 0.0.0.0", "hostname: localhost", "username: root", "Author: The HuggingFace Inc. team", "maintainer: unknown",
        "License-File: LICENSE", "phone book dataset", "User-Agent: python-requests/2.31", "Mobile-VLM 1.7B", "tel: none", "mac os 14.5", "id: 12345", "uid=0(root) gid=0(root) groups=0(root)",
        "usage: demo.py [-h] [--user USER] [--host HOST]", "home directory not found", "users: 3", "load average: 0.10, 0.20, 0.30", "2024-01-02 03:04:05", "00:11:22", "3:10 pm", "1.2.3",
    ),
}  # fmt: skip
