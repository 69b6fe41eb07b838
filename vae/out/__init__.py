"""What leaves: a model as ONNX, as `torch.export` programs, as a zip, on the Hub; its codes as a table."""

TABLES = {"csv": "{name}-codes.csv", "parquet": "{name}-codes.parquet", "npz": "{name}-codes.npz"}
# What a model can become, and what that file is called.
EXPORTS = {"folder": "{name}.zip", "onnx": "{name}-onnx.zip", "torch": "{name}-torch-export.zip", **TABLES}
