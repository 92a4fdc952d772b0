"""Code that protoc generated: since protobuf 26 it names the version it was made for and refuses an older runtime."""
import os

import dists
import paths
from patterns import compiled

HEAD = 1024  # bytes; the version stands in a comment at the top
# One generated file of each distribution; all files of a release are made by one protoc.
FILES = {
    "sentencepiece": "sentencepiece/sentencepiece_model_pb2.py",
    "onnx": "onnx/onnx_ml_pb2.py",
    "tensorboard": "tensorboard/compat/proto/event_pb2.py",
    "tensorboardx": "tensorboardX/proto/event_pb2.py",
    "tensorflow": "tensorflow/core/framework/graph_pb2.py",
    "grpcio-status": "grpc_status/rpc_status.py",
    "googleapis-common-protos": "google/rpc/status_pb2.py",
    "tritonclient": "tritonclient/grpc/model_config_pb2.py",
    "ray": "ray/core/generated/common_pb2.py",
    "opentelemetry-proto": "opentelemetry/proto/common/v1/common_pb2.py",
    "mlflow": "mlflow/protos/service_pb2.py",
}
_VERSION = rb"(?m)^# Protobuf Python Version: (\d+\.\d+(?:\.\d+)?)"


def read(ctx):
    """python.protobuf_code."""
    found = []
    for dist in dists.listing(ctx).seen.values():
        name = FILES.get(dist.name)
        path = os.path.join(dist.folder, *name.split("/")) if name else None
        match = compiled(_VERSION).search(paths.read(path, HEAD) or b"") if path else None
        if match:
            found.append({"dist": dist.name, "file": path, "version": match.group(1).decode("ascii")})
    return {"python.protobuf_code": found}
