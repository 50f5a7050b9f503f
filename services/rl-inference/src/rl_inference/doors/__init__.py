"""Open Inference Protocol and Connect RPC: bytes in, arrays to the data plane, bytes out."""
