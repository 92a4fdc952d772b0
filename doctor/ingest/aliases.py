"""Names under which people and programs mention distributions."""

from __future__ import annotations

# Distributions whose versions people and programs name, as they are named.
_SAME = """
    accelerate aiohttp auto-gptq autoawq bitsandbytes ctranslate2 datasets decord deepspeed diffusers einops
    fastapi faster-whisper flash-attn flashinfer-python flax fschat gptqmodel gradio hf-transfer hf-xet httpx
    huggingface-hub jax jaxlib keras llama-cpp-python llamafactory llava lmdeploy mmcv mmengine modelscope
    ms-swift ninja numpy onnxruntime onnxruntime-gpu open-clip-torch openai optimum outlines pandas peft
    pillow pip protobuf pydantic pyzmq qwen-vl-utils ray requests safetensors scipy sentencepiece setuptools
    sgl-kernel sglang spacy starlette streamlit tensorflow tf-keras tiktoken timm tokenizers torch torchao
    torchaudio torchvision transformers triton trl uvicorn vllm wheel xformers xgrammar
""".split()  # noqa: SIM905 - a list of words reads best as words
PACKAGES = dict(zip(_SAME, _SAME, strict=True)) | {
    "pytorch": "torch",
    "huggingface hub": "huggingface-hub",
    "flash attention": "flash-attn",
    "flash-attention": "flash-attn",
    "flashinfer": "flashinfer-python",
    "pil": "pillow",
    "opencv": "opencv-python",
    "zmq": "pyzmq",
}
