"""Which calls matter, by name. Sources: the loaders, switches and pitfalls of the libraries' public interfaces."""

# Calls that put weights into memory. Tokenizers, processors and configurations are cheap and are not counted.
WEIGHTS = frozenset("""from_pretrained from_quantized load_pretrained_model pipeline LLM Llama AsyncLLMEngine Engine
load_model load_model_and_preprocess create_model_and_transforms load_checkpoint_and_dispatch from_ckpt
load_llava_model build_model SentenceTransformer GPTQModel from_single_file Llava""".split())
LIGHT = ("Tokenizer", "Processor", "Config", "FeatureExtractor", "Scheduler", "TokenizerFast", "ImageProcessorFast")

# Calls whose first argument or keyword names a repository or a folder.
LOADERS = WEIGHTS | frozenset("""snapshot_download hf_hub_download cached_download load_dataset list_repo_files
repo_info model_info load_adapter try_to_load_from_cache cached_file AsyncEngineArgs EngineArgs ChatModel
load_state_dict_from_url torch_load get_peft_model_state_dict load_tokenizer get_tokenizer
PreTrainedTokenizerFast from_file""".split())
REPO_KEYWORDS = ("pretrained_model_name_or_path", "repo_id", "model", "model_path", "model_id", "model_name",
                 "pretrained", "checkpoint", "ckpt", "model_base", "base_model", "path", "model_name_or_path",
                 "model_tag", "clip_model_path", "mmproj", "from_pretrained", "vision_tower", "tokenizer_file")
# Loaders that are plain names in many programs: only these modules' own ones, or names that nobody defines.
COMMON = {
    "pipeline": ("transformers", "lmdeploy", "diffusers"), "LLM": ("vllm", "tensorrt_llm"), "Llama": ("llama_cpp",),
    "Engine": ("sglang",), "load_model": ("whisper", "clip", "llava", "deepseek_vl", "lavis"),
    "build_model": ("lavis", "timm"), "load_dataset": ("datasets",), "Llava": ("llama_cpp",),
    "PreTrainedTokenizerFast": ("transformers",), "from_file": ("tokenizers",),
}

MOVES = frozenset("cuda to half float bfloat16 cpu to_empty".split())
# Methods that matter on whatever object they are called.
METHODS = frozenset("""cuda half bfloat16 generate chat apply_chat_template batch_decode empty_cache launch
get_vision_tower resize_token_embeddings merge_and_unload enable_model_cpu_offload enable_input_require_grads
gradient_checkpointing_enable load_state_dict encode_images get_image_features
get_model_name_from_path process_images load_pretrained_model from_pretrained from_quantized
convert exif_transpose set_start_method model_rebuild textsize getsize thumbnail""".split())
# Functions that matter by their full name or by its beginning (a trailing dot).
CALLS = """input open eval exec huggingface_hub. vllm. lmdeploy. sglang. llama_cpp. bitsandbytes.
auto_gptq. gptqmodel. awq. exllamav2. peft. accelerate. datasets. deepspeed. flash_attn. xformers. optimum.
qwen_vl_utils. modelscope. openai. gradio. streamlit. fastapi. uvicorn. flask. aiohttp. torch.cuda. torch.device
torch.compile
torch.load torch.set_default_dtype torch.set_default_device torch.set_default_tensor_type torch.autocast
torch.distributed. torch.multiprocessing. torch.backends. torch.set_grad_enabled torch.quantization. torch.jit.
PIL.Image.open PIL.ImageOps. PIL.ImageDraw. PIL.ImageFont. cv2.imread cv2.imshow cv2.VideoCapture decord. av.open
multiprocessing. subprocess. os.system os.popen os.symlink os.chdir os.fork os.putenv tempfile. shutil.rmtree
requests. httpx. diffusers. sentence_transformers. open_clip. clip.load timm. torchvision.io. torchcodec. ray.
segment_anything. asyncio.run asyncio.get_event_loop locale. socket. signal.""".split()
WHOLE = frozenset(name for name in CALLS if not name.endswith("."))
STARTS = tuple(name for name in CALLS if name.endswith("."))

# Of transformers only what decides how a model is loaded and run; its output classes would drown the rest.
TRANSFORMERS = frozenset("""pipeline BitsAndBytesConfig GPTQConfig AwqConfig HqqConfig QuantoConfig TorchAoConfig
FineGrainedFP8Config TextStreamer TextIteratorStreamer GenerationConfig Trainer TrainingArguments set_seed
Seq2SeqTrainer HfArgumentParser from_config register from_model_config logging.set_verbosity_error""".split())
# Methods that give the same object back: a model stays the model that was loaded.
SAME = frozenset("""eval cuda cpu to half float bfloat16 train requires_grad_ merge_and_unload tie_weights
to_bettertransformer share_memory convert copy resize""".split())

# Libraries that read environment variables when they are imported.
HUB_READERS = frozenset("""huggingface_hub transformers datasets diffusers accelerate peft vllm sentence_transformers
tokenizers timm open_clip evaluate optimum auto_gptq awq gptqmodel gradio lmdeploy sglang trl llava""".split())
TORCH_READERS = frozenset("""torch torchvision torchaudio transformers vllm accelerate peft diffusers deepspeed
bitsandbytes lightning pytorch_lightning timm open_clip clip sentence_transformers auto_gptq awq gptqmodel xformers
flash_attn lmdeploy sglang trl llava segment_anything""".split())
NUMERIC_READERS = TORCH_READERS | frozenset("numpy scipy sklearn cv2 pandas tensorflow paddle numexpr".split())


def readers(variable):
    """Libraries that take ``variable`` into account when they are imported, so that a later assignment is lost."""
    if variable.startswith(("HF_", "TRANSFORMERS_", "HUGGINGFACE_", "HUGGING_FACE_", "DIFFUSERS_", "USE_T")):
        return HUB_READERS
    if variable.startswith(("OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_")):
        return NUMERIC_READERS
    if variable.startswith(("CUDA_", "PYTORCH_", "TORCH_", "NCCL_", "CUBLAS_", "NVIDIA_")):
        return TORCH_READERS
    return NUMERIC_READERS | HUB_READERS


def loads_weights(name, method):
    """Does this call bring weights into memory? ``name`` is the dotted name."""
    owner = name.split(".")[-2] if "." in name else ""
    return method in WEIGHTS and known_loader(name, method) and not owner.endswith(LIGHT)


def known_loader(name, method):
    """A loader's own name, or a common word from a library in which it means loading."""
    if method not in COMMON:
        return True
    return name.split(".")[0] in COMMON[method]


def matters(name, method):
    """Is this call reported?"""
    if method in LOADERS:
        return known_loader(name, method) or name.startswith(STARTS)
    if name.startswith("transformers."):
        return method in TRANSFORMERS or method in METHODS
    return method in METHODS or name in WHOLE or name.startswith(STARTS)
