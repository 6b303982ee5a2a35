# A container image function: the same handler.py, behind the HTTP server of `python -m mnist_infer serve`.
#
#   docker build -t mnist-infer .                           on CPUs
#   docker build -t mnist-infer --build-arg DEVICE=gpu .    TensorFlow with CUDA
#   docker run --rm -p 9000:9000 --read-only --tmpfs /tmp mnist-infer

FROM python:3.11-slim-bookworm

ARG DEVICE=cpu

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
COPY requirements.txt requirements-serve.txt ./

# The CUDA build is the same TensorFlow under another name; its packages stay where pip puts them, because its library
# looks for CUDA beside itself. The .pyc files are made here: nothing can be written later.
RUN if [ "$DEVICE" = gpu ]; then \
        sed -i -E 's/^tensorflow-cpu==/tensorflow[and-cuda]==/' requirements.txt; \
    fi && \
    pip install --no-cache-dir --compile -r requirements.txt -r requirements-serve.txt

COPY handler.py LICENSE ./
COPY mnist_infer mnist_infer
COPY export export
# Whatever modes the files have where the image is built, the user below can read them.
RUN chmod -R a+rX . && \
    python -m compileall -q handler.py mnist_infer && \
    useradd --no-create-home --uid 10001 function

USER 10001
EXPOSE 9000

# An image of the event type: --type event, with --entry where it should not be `demo`.
ENTRYPOINT ["python", "-m", "mnist_infer", "serve", "--host", "0.0.0.0", "--port", "9000"]
CMD ["--type", "web"]
