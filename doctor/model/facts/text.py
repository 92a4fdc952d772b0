"""Facts that only a pasted or captured text can give."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("log.lines", "list", "the text, line by line, escapes removed, capped", "free"),
    fact("log.exceptions", "records", "exceptions in the order raised, root cause first", "free", type="text", message="text", line="int", chained="text"),
    fact("log.frames", "records", "frames of the traceback that raised the root of the last chain", "path", file="path", line="int", function="text", library="text"),
    fact("log.raised_by", "text", "library whose frame raised"),
    fact("log.called_by", "text", "last frame of the user's own code", "path"),
    fact("log.oom", "map", "numbers of an out-of-memory line in bytes: tried, total, free, in_use, allocated, reserved, device"),
    fact("log.exit_signal", "int", "signal that ended the program"),
    fact("log.exit_status", "int", "exit status of the program"),
    fact("log.kind", "list", "parts recognised: traceback, collect_env, nvidia-smi, pip-list ..."),
    fact("log.healthy", "bool", "the text shows a program that works"),
    fact("log.stuck", "text", "what a program that seems stuck was doing: downloading, loading-shards, compiling, cpu-vision"),
    fact("log.double_load", "bool", "the checkpoint shards were loaded twice"),
    fact("log.commands", "list", "commands that were typed", "free"),
    fact("log.wheels", "records", "wheel file names", "", name="text", version="version", python="text", abi="text", platform="text"),
    fact("log.not_found", "records", "requirements that the resolver found no distribution for", "", name="text", spec="text"),
    fact("log.cuda", "version", "a CUDA version the text names without saying whether it is the driver's, the toolkit's or torch's"),
    fact("log.cuda_available", "bool", "what torch.cuda.is_available() answered, as a report says"),
    fact("smoke.tier", "int", "highest smoke tier that passed"),
    fact("smoke.results", "records", "smoke steps", "free", tier="int", step="text", ok="bool", seconds="float", detail="text"),
)
