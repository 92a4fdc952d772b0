"""Import names whose distribution has another name, and what the standard library lost and gained.

Source of the first table: the top-level modules inside the distributions' own wheels; names that only differ by case
or ``-``/``_`` need no row. Source of the others: "What's New in Python" 3.8 to 3.14, sections Removed and New Modules.
"""

WANT = dict(line.split(None, 1) for line in """
cv2 opencv-python
PIL pillow
yaml pyyaml
sklearn scikit-learn
skimage scikit-image
bs4 beautifulsoup4
attr attrs
dateutil python-dateutil
dotenv python-dotenv
git gitpython
Crypto pycryptodome
OpenSSL pyopenssl
jwt pyjwt
serial pyserial
usb pyusb
zmq pyzmq
fitz pymupdf
docx python-docx
pptx python-pptx
magic python-magic
ruamel.yaml ruamel-yaml
google.protobuf protobuf
google.generativeai google-generativeai
pkg_resources setuptools
setuptools setuptools
_distutils_hack setuptools
pynvml nvidia-ml-py
tensorrt_llm tensorrt-llm
pycuda pycuda
flash_attn flash-attn
flash_attn_2_cuda flash-attn
flash_attn_interface flash-attn-3
xformers xformers
awq autoawq
awq_ext autoawq-kernels
auto_gptq auto-gptq
exllamav2_ext exllamav2
llama_cpp llama-cpp-python
ctransformers ctransformers
qwen_vl_utils qwen-vl-utils
qwen_omni_utils qwen-omni-utils
deepseek_vl deepseek-vl
deepseek_vl2 deepseek-vl2
janus janus
llava llava
lisa lisa
minigpt4 minigpt4
mplug_owl mplug-owl
mplug_owl2 mplug-owl2
videollava videollava
internvl internvl
cogvlm cogvlm
segment_anything segment-anything
sam2 sam-2
groundingdino groundingdino-py
open_clip open-clip-torch
clip clip
cn_clip cn-clip
lavis salesforce-lavis
open_flamingo open-flamingo
mmcv mmcv
mmengine mmengine
mmdet mmdet
mmseg mmsegmentation
detectron2 detectron2
pytorch_lightning pytorch-lightning
lightning lightning
torch_geometric torch-geometric
torch_scatter torch-scatter
torch_sparse torch-sparse
pytorch3d pytorch3d
pytorchvideo pytorchvideo
hydra hydra-core
omegaconf omegaconf
huggingface_hub huggingface-hub
hf_transfer hf-transfer
hf_xet hf-xet
sentence_transformers sentence-transformers
transformers_stream_generator transformers-stream-generator
lm_eval lm-eval
swift ms-swift
llamafactory llamafactory
modelscope modelscope
deepspeed deepspeed
fairscale fairscale
apex apex
bitsandbytes bitsandbytes
gptqmodel gptqmodel
hqq hqq
eetq eetq
optimum optimum
onnxruntime onnxruntime
onnx onnx
tensorrt tensorrt
openvino openvino
decord decord
eva_decord eva-decord
av av
ffmpeg ffmpeg-python
moviepy moviepy
imageio_ffmpeg imageio-ffmpeg
pycocotools pycocotools
pycocoevalcap pycocoevalcap
lvis lvis
faiss faiss-cpu
umap umap-learn
hdbscan hdbscan
Levenshtein levenshtein
editdistance editdistance
rouge_score rouge-score
sacrebleu sacrebleu
easyocr easyocr
paddleocr paddleocr
paddle paddlepaddle
pytesseract pytesseract
fontTools fonttools
mpl_toolkits matplotlib
pylab matplotlib
IPython ipython
ipywidgets ipywidgets
sse_starlette sse-starlette
multipart python-multipart
python_multipart python-multipart
socketio python-socketio
engineio python-engineio
socks pysocks
websocket websocket-client
gradio_client gradio-client
gradio_imageslider gradio-imageslider
streamlit_chat streamlit-chat
flask_cors flask-cors
fastchat fschat
opencc opencc
jieba jieba
pypinyin pypinyin
whisper openai-whisper
faster_whisper faster-whisper
soundfile soundfile
librosa librosa
absl absl-py
wandb wandb
tensorboardX tensorboardx
prettytable prettytable
termcolor termcolor
psycopg2 psycopg2-binary
MySQLdb mysqlclient
win32api pywin32
win32con pywin32
pythoncom pywin32
nltk nltk
spacy spacy
shortuuid shortuuid
markdown2 markdown2
tree_sitter tree-sitter
natten natten
causal_conv1d causal-conv1d
mamba_ssm mamba-ssm
triton triton
selective_scan_cuda mamba-ssm
icetk icetk
sparse_attention sparse-attention
typing_extensions typing-extensions
async_timeout async-timeout
charset_normalizer charset-normalizer
pydantic_settings pydantic-settings
einops_exts einops-exts
addict addict
shapely shapely
osgeo gdal
tqdm tqdm
model_worker fschat
ultralytics ultralytics
vllm_flash_attn vllm
""".strip().splitlines())

# Several distributions serve the same import name; any of them will do.
SAME_MODULE = {
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu12", "faiss-gpu-cu11"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"), "pynvml": ("nvidia-ml-py", "pynvml"),
    "mmcv": ("mmcv", "mmcv-full", "mmcv-lite"), "clip": ("clip", "openai-clip"), "PIL": ("pillow", "pillow-simd"),
    "triton": ("triton", "pytorch-triton", "triton-windows", "pytorch-triton-rocm"),
    "paddle": ("paddlepaddle", "paddlepaddle-gpu"),
    "Crypto": ("pycryptodome", "pycrypto"), "sam2": ("sam-2", "sam2"), "hydra": ("hydra-core",), "git": ("gitpython",),
    "multipart": ("python-multipart", "multipart"), "attr": ("attrs",), "llama_cpp": ("llama-cpp-python",),
}

# Module -> first Python (minor of 3) that lacks it.
LOST = {name: minor for minor, names in {
    9: "_bootlocale dummy_threading macpath", 10: "formatter parser symbol", 11: "binhex",
    12: "asynchat asyncore distutils imp smtpd",
    13: "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd "
        "sunau telnetlib uu xdrlib",
}.items() for name in names.split()}
# Module -> first Python (minor of 3) that has it.
GAINED = {"dataclasses": 7, "contextvars": 7, "graphlib": 9, "zoneinfo": 9, "tomllib": 11, "annotationlib": 14,
          "compression": 14, "concurrent.interpreters": 14}
