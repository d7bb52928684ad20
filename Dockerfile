# One image for every process of the application; docker-compose.yml says which command it runs.
FROM python:3.11.14-slim-bookworm AS packages
WORKDIR /srv
COPY requirements.txt .
# Outside of the final stage: pip's cache and its build tools stay behind.
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.txt

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home waybill \
 && install --directory --owner waybill /var/lib/waybill/outgoing
COPY --from=packages /venv /venv
WORKDIR /srv
# Owned by root: a process that is broken into cannot rewrite its own code.
COPY manage.py gunicorn.conf.py ./
COPY orders_project orders_project
COPY orders orders
COPY inventory inventory
COPY payments payments
COPY shipping shipping
COPY notifications notifications
COPY audit audit
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=orders_project.settings OUTGOING_DIR=/var/lib/waybill/outgoing
USER waybill
CMD ["gunicorn", "--bind", "0.0.0.0:8000"]
