"""The words of ``vlmdoctor fit`` in English and Chinese; both tables have the same keys (a test sees to it)."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "fits": "FITS: {model} needs {need} of {room}; {spare} to spare.",
        "tight": "FITS, BUT TIGHTLY: {model} needs {need} of {room}; only {spare} to spare.",
        "no": "DOES NOT FIT: {model} needs {need}; there are {room}, {missing} too little.",
        "unknown": "NOT SHOWN TO FIT: what is known of {model} needs {need} of {room}; not known: {unknown}.",
        "no-device": "No usable GPU was found here. {model} would need {need}.",
        "cards": "Cards that hold it: {cards}.",
        "no.card": "No single card in the table holds it.",
        "where": "Where the memory goes, at the peak ({peak})",
        "total": "total",
        "setup": (
            "{engine}, {dtype}, {attention} attention; {prompt} tokens in ({image} of "
            "images), {new} out; batch {batch}; KV cache {kv} a token"
        ),
        "params": "{params} parameters",
        "phases": "Beyond the weights: {phases}",
        "device": "{name}: {total}, {free} free",
        "holds": "held now by {name} (process {pid}): {size}",
        "options": "What to change, best quality first",
        "leaves": "needs {total}, leaves {spare}",
        "nothing": "None of the known changes makes it fit on these devices.",
        "notes": "Notes",
        "source": "source: {source}",
        "unknown.size": "unknown size",
        "peak.load": "loading", "peak.vision": "vision tower", "peak.prefill": "prompt", "peak.decode": "answer",
        "note.profile": (
            "Nothing of it is in the cache of this machine: numbers from the shipped profile "
            "{name} ({hub})."
        ),
        "note.files": "Numbers from the files in {path}.",
        "note.config": "No readable safetensors headers: parameters are counted from config.json.",
        "note.damage": "The files are not whole: {what}",
        "note.experts": (
            "{quant} works on linear layers; the fused experts are none in current "
            "transformers and stay 16 bit."
        ),
        "note.fp32": "The checkpoint is fp32: pass dtype=torch.bfloat16 to halve it.",
        "note.dtype4": "transformers 4 loads fp32 unless told otherwise, twice as much: pass torch_dtype ({dtype}).",
        "note.logits": (
            "This transformers release computes logits for the whole prompt: {size}. From "
            "{version} on only for the last token."
        ),
        "note.twice": "{model} is loaded twice; sharing one instance saves its weights.",
        "note.context": "{engine} reserves the cache for the model's full {tokens} tokens unless a limit is set.",
        "note.vllm": "CUDA graphs are not counted (some hundred MiB; --enforce-eager leaves them out).",
        "step.sdpa": "fused attention instead of eager",
        "step.upgrade": "transformers {version} or newer: logits of the last token only",
        "step.dtype": "16 bit instead of 32 bit weights",
        "step.quant": "weights in {quant}",
        "step.checkpoint": "a checkpoint in {quant}",
        "step.file": "weights in {quant}",
        "step.tower": "vision tower on the CPU (slower, same answers)",
        "step.batch": "one prompt at a time",
        "step.image": "smaller images: {limit}",
        "step.frames": "{count} frames of the video",
        "step.context": "cache for {tokens} tokens",
        "step.share": "another share of the device",
        "step.kv": "KV cache in {kv}",
        "step.layers": "{count} layers on the GPU, the rest on the CPU (slower)",
        "step.free": "end {name} (process {pid}), which holds {size}",
        "step.second": "a second card ({name})",
        "step.spread": "over {count} devices",
        "spread": "Spread over {count} devices: {flags}",
        "note.noclass": "{engine} has no class of its own for {kind}; see whether yours loads it at all.",
        "note.lisa": (
            "LISA's chat.py and app.py put everything on one GPU; to use several, give its from_pretrained "
            "the device_map and leave their .cuda() out."
        ),
        "step.engine": "{engine} with {quant}",
        "step.offload": "{size} in the CPU's memory (much slower, same answers)",
        "part.language model": "language model", "part.embeddings": "embeddings", "part.lm_head": "output layer",
        "part.vision tower": "vision tower", "part.text tower": "text tower", "part.projector": "projector",
        "part.Q-Former": "Q-Former", "part.image newline": "image newline", "part.segmenter": "segmenter (SAM)",
        "part.mask projection": "mask projection", "part.quantisation constants": "quantisation constants",
        "part.KV cache": "KV cache", "part.vision activations": "vision activations",
        "part.pixel values": "pixel values", "part.segmenter activations": "segmenter activations",
        "part.language activations": "language activations", "part.inputs kept": "features and embeddings",
        "part.logits": "logits", "part.unpacked weights": "unpacked weights",
        "part.matrix being quantised": "matrix being quantised", "part.compute buffer": "compute buffer",
        "part.allocator slack": "allocator slack", "part.CUDA context": "CUDA context",
        "part.left by the fixed split": "left by the fixed split", "part.scratch buffer": "scratch buffer",
        "part.rotary tables": "rotary tables", "part.audio tower": "audio tower", "part.video tower": "video tower",
        "part.visual embeddings": "visual embeddings", "part.high-resolution tower": "high-resolution tower",
    },
    "zh": {
        "fits": "放得下：{model} 需要 {need}，可用 {room}，剩余 {spare}。",
        "tight": "勉强放得下：{model} 需要 {need}，可用 {room}，仅剩 {spare}。",
        "no": "放不下：{model} 需要 {need}，可用 {room}，还差 {missing}。",
        "unknown": "无法确认放得下：{model} 已知部分需要 {need}，可用 {room}；未知部分：{unknown}。",
        "no-device": "本机没有可用的 GPU。{model} 需要 {need}。",
        "cards": "放得下的显卡：{cards}。",
        "no.card": "表中没有单张显卡放得下。",
        "where": "峰值时（{peak}）显存的去向",
        "total": "合计",
        "setup": (
            "{engine}，{dtype}，{attention} 注意力；输入 {prompt} 个 token（其中图像 {image}），输出 {new}；批大小 "
            "{batch}；KV 缓存每 token {kv}"
        ),
        "params": "{params} 参数",
        "phases": "权重之外：{phases}",
        "device": "{name}：共 {total}，空闲 {free}",
        "holds": "目前被 {name}（进程 {pid}）占用：{size}",
        "options": "可以怎样调整（质量优先）",
        "leaves": "需要 {total}，剩余 {spare}",
        "nothing": "已知的调整都不能让它在这些设备上放下。",
        "notes": "说明",
        "source": "来源：{source}",
        "unknown.size": "大小未知",
        "peak.load": "加载", "peak.vision": "视觉编码", "peak.prefill": "处理输入", "peak.decode": "生成回答",
        "note.profile": "本机缓存中没有它，数字来自内置配置 {name}（{hub}）。",
        "note.files": "数字来自 {path} 中的文件。",
        "note.config": "没有可读的 safetensors 头部：参数量由 config.json 计算。",
        "note.damage": "文件不完整：{what}",
        "note.experts": "{quant} 只作用于线性层；在当前 transformers 中合并的专家不是线性层，仍为 16 位。",
        "note.fp32": "该检查点是 fp32：传入 dtype=torch.bfloat16 可减半。",
        "note.dtype4": "transformers 4 不指定时按 fp32 加载，占用翻倍：请传入 torch_dtype（{dtype}）。",
        "note.logits": "这个 transformers 版本为整个输入计算 logits：{size}。从 {version} 起只计算最后一个 token。",
        "note.twice": "{model} 被加载了两次；共用一个实例可省下一份权重。",
        "note.context": "不设上限时，{engine} 会按模型的全部 {tokens} 个 token 预留缓存。",
        "note.vllm": "未计入 CUDA graph（数百 MiB；--enforce-eager 可关闭）。",
        "step.sdpa": "用融合注意力代替 eager",
        "step.upgrade": "transformers {version} 或更新：只计算最后一个 token 的 logits",
        "step.dtype": "权重用 16 位代替 32 位",
        "step.quant": "权重用 {quant}",
        "step.checkpoint": "使用 {quant} 检查点",
        "step.file": "权重用 {quant}",
        "step.tower": "视觉编码器放在 CPU（更慢，结果相同）",
        "step.batch": "一次只处理一个输入",
        "step.image": "缩小图像：{limit}",
        "step.frames": "视频取 {count} 帧",
        "step.context": "缓存只留 {tokens} 个 token",
        "step.share": "调整占用显存的比例",
        "step.kv": "KV 缓存用 {kv}",
        "step.layers": "{count} 层放在 GPU，其余放在 CPU（更慢）",
        "step.free": "结束 {name}（进程 {pid}），它占用 {size}",
        "step.second": "再加一张 {name}",
        "step.spread": "分布到 {count} 张卡",
        "spread": "分布到 {count} 张卡：{flags}",
        "note.noclass": "{engine} 没有 {kind} 专用的模型类；请先确认你的版本能加载它。",
        "note.lisa": (
            "LISA 的 chat.py 和 app.py 把整个模型放在一张卡上；要用多张卡，需在 from_pretrained 中加上 device_map，"
            "并去掉其中的 .cuda()。"
        ),
        "step.engine": "改用 {engine}，{quant}",
        "step.offload": "{size} 放在内存中（慢得多，结果相同）",
        "part.language model": "语言模型", "part.embeddings": "词嵌入", "part.lm_head": "输出层",
        "part.vision tower": "视觉编码器", "part.text tower": "文本编码器", "part.projector": "投影层",
        "part.Q-Former": "Q-Former", "part.image newline": "图像换行向量", "part.segmenter": "分割模型 (SAM)",
        "part.mask projection": "掩码投影", "part.quantisation constants": "量化常数",
        "part.KV cache": "KV 缓存", "part.vision activations": "视觉激活",
        "part.pixel values": "像素输入", "part.segmenter activations": "分割激活",
        "part.language activations": "语言激活", "part.inputs kept": "特征与嵌入",
        "part.logits": "logits", "part.unpacked weights": "解包的权重",
        "part.matrix being quantised": "正在量化的矩阵", "part.compute buffer": "计算缓冲区",
        "part.allocator slack": "分配器余量", "part.CUDA context": "CUDA 上下文",
        "part.left by the fixed split": "固定比例留下的空闲", "part.scratch buffer": "临时缓冲区",
        "part.rotary tables": "旋转位置编码表", "part.audio tower": "音频编码器", "part.video tower": "视频编码器",
        "part.visual embeddings": "视觉词嵌入", "part.high-resolution tower": "高分辨率编码器",
    },
}  # fmt: skip


def say(language: str, key: str, /, **values: object) -> str:
    """One phrase; an unknown part of a model keeps its own name."""
    table = WORDS[language]
    return table[key].format(**values) if key in table else key.partition(".")[2]
