# syntax=docker/dockerfile:1

# The same Debian as below, so that the binary finds the libc that it was linked with.
FROM rust:1.95-bookworm AS build
WORKDIR /src
# Dependencies first, with empty sources: this layer is made anew only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && \
    echo 'fn main() {}' > src/main.rs && \
    touch src/lib.rs && \
    cargo build --release --locked && \
    rm -r src
# What is compiled in: screens, styles, schema, docs, example and golden paths.
COPY .sqlx .sqlx
COPY migrations migrations
COPY templates templates
COPY static static
COPY docs docs
COPY example example
COPY golden-paths golden-paths
COPY src src
# Copied files keep their time, which may be before the build above; a new one makes cargo look again.
ENV SQLX_OFFLINE=true
RUN touch src/lib.rs src/main.rs && \
    cargo build --release --locked && \
    install -D -m 755 target/release/slipway /out/slipway && \
    install -d -m 755 /out/data

FROM debian:bookworm-slim
# Git writes and serves the repositories of the local code host; the certificates are for GitHub and other hosts.
# The newest of both is wanted, not a version that was current once.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates git && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /out/slipway /usr/local/bin/slipway
# A number, so that Kubernetes can see that it is not root. A new volume takes over this owner.
COPY --from=build --chown=10001:10001 /out/data /var/lib/slipway
USER 10001:10001
# Everything that it writes is here and in /tmp, so the root may be read-only.
VOLUME /var/lib/slipway
ENV SLIPWAY_DATA_DIR=/var/lib/slipway \
    SLIPWAY_LISTEN=0.0.0.0:8080 \
    SLIPWAY_LOG_FORMAT=json
EXPOSE 8080
# Ready is: the database answers and the workers are up. There is no curl, but bash opens a connection.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && IFS= read -r line <&3 && [[ $line == *' 200 '* ]]"]
# There is no Postgres in this image: give DATABASE_URL.
ENTRYPOINT ["slipway"]
CMD ["serve"]
