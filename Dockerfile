# A hub, and the command line to look into it. Everything is set by SETPOINT_… variables: see docs/deploy.md.
# It speaks in clear inside of the containers' network: publish it through a proxy with TLS, or give it a certificate.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/setpoint \
 && /opt/setpoint/bin/pip install --no-cache-dir -c constraints.txt '.[hub,tui]'

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 setpoint
COPY --from=build /opt/setpoint /opt/setpoint
ENV PATH=/opt/setpoint/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SETPOINT_HOST=0.0.0.0 \
    SETPOINT_ALLOW_PLAINTEXT=true \
    SETPOINT_PORT=8430
USER setpoint
EXPOSE 8430
# Alive, not ready: a hub that waits for PostgreSQL must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"SETPOINT_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["setpoint"]
CMD ["hub"]
