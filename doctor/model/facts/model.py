"""Facts about the model the user wants to run (``--model``, or what the script loads)."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("model.asked", "text", "what the user named: repo id or path", "path"),
    fact("model.kind", "text", "repo, folder, file, invalid"),
    fact("model.path", "path", "folder its files were read from", "path"),
    fact("model.cached", "bool", "all files needed to load are on this machine"),
    fact("model.revision", "text", "commit of the snapshot read"),
    fact("model.type", "text", "model_type of config.json"),
    fact("model.architectures", "list", "architectures of config.json"),
    fact("model.dtype", "text", "torch_dtype / dtype of config.json"),
    fact("model.quant", "text", "quant_method of config.json: bitsandbytes, gptq, awq, fp8 ..."),
    fact("model.rope_type", "text", "rope_scaling type of config.json"),
    fact("model.remote_code", "bool", "config.json has an auto_map (needs trust_remote_code)"),
    fact(
        "model.imports",
        "records",
        "names that the Python files of its repository import from transformers, huggingface_hub or accelerate, and other modules",
        "path",
        module="text",
        name="text",
        file="path",
        guarded="bool",
        resolves="bool",
        want="text",  # distribution that usually serves it
    ),
    fact("model.saved_with", "version", "transformers_version of config.json"),
    fact("model.formats", "list", "weight formats present: safetensors, bin, gguf, pt"),
    fact("model.weight_bytes", "bytes", "sum of the weight files"),
    fact("model.params", "int", "parameters counted from safetensors headers"),
    fact("model.shards_missing", "int", "weight files that the index names and that are not there"),
    fact("model.files_missing", "list", "other files a load needs and that are not there"),
    fact("model.chat_template", "bool", "a chat template is present"),
    fact("model.tokenizer", "text", "fast, sentencepiece, none"),
    fact("model.tokenizer_merges", "text", "form of the merges in tokenizer.json: texts, or pairs (tokenizers 0.20 and later); absent without merges"),
    fact("model.tokenizer_class", "text", "tokenizer_class of tokenizer_config.json"),
    fact("model.adapter_keys", "list", "settings in adapter_config.json of a LoRA adapter; absent for other folders"),
    fact(
        "model.refs",
        "records",
        "other repositories or paths that its config names (vision tower, base model)",
        "path",
        id="text",
        key="text",  # mm_vision_tower, vision_tower, _name_or_path, base_model_name_or_path
        kind="text",  # repo or path
        cached="bool",
        problem="text",  # dangling, loop, not-a-model, wrong-parent, missing
    ),
    fact("model.near", "list", "cached ids that differ from the asked one only in case, version or suffix"),
    fact(
        "model.links",
        "records",
        "symlinks in the way to the model",
        "path",
        path="path",
        target="path",
        problem="text",  # dangling, loop, permission, wrong-parent, nested, bare (a snapshot without weights),
        # parent-missing (a script would make it)
    ),
)
