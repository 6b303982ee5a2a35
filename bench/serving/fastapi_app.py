"""FastAPI: a function that is no coroutine, which it calls in its threads; uvicorn has two worker processes."""

from fastapi import FastAPI
from pydantic import BaseModel

from mnist_infer.config import load_settings
from mnist_infer.model import load_model
from mnist_infer.pipeline import run

settings = load_settings()
session = load_model(settings).session
app = FastAPI()


class Payload(BaseModel):
    """What a request holds."""

    image_base64: str


@app.post("/predict")
def predict(payload: Payload) -> dict[str, int]:
    """Answer a request."""
    return {"result": run(payload.model_dump(), session, settings).digit}
