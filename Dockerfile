# The image for `prepare` (migrations) and `serve`. The build needs only the registry of the base image and PyPI.
FROM python:3.11-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
# Dependencies first: they change seldom, so changes of the code reuse their layer.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --all-extras

FROM python:3.11-slim-bookworm
ENV HOST=0.0.0.0 \
    PATH=/opt/venv/bin:$PATH \
    PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY manage.py openapi.yaml asyncapi.yaml ./
COPY wire wire
COPY accounts accounts
COPY eventlog eventlog
COPY api api
COPY realtime realtime
COPY staff staff
COPY contracts contracts
COPY settings settings
# In a clone made under umask 077 only the owner can read the files.
RUN chmod -R a+rX . && python -m compileall -q .
# A number, not a name, so that an orchestrator can check that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
# serve stops gracefully on SIGTERM; in exec form the signal reaches it.
CMD ["python", "manage.py", "serve"]
