# Any image with Node.js 20 or later, its npm and glibc works. k8s/image/try.sh passes one made from
# Debian's packages.
# By digest, because a tag can be moved. docs/guides/deploy.md describes its origin, and how to use
# another.
ARG BASE=node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

# On the builder's own platform, for every platform: nothing is compiled at installation, and npm
# takes the prebuilt files of another processor on request. So no build runs in an emulator.
FROM --platform=${BUILDPLATFORM} ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without scripts: no dependency of the gateway is compiled at installation, and `prepare` needs the
# source.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json build.ts bundle.ts ./
COPY src src
RUN npm run build:gateway
# amd64 or arm64, from BuildKit. Without it: the builder's own. npm installs the files of libsql for
# musl too, which this base does not need. The SBOM is of what is installed then, so npm must not miss
# packages of the build.
ARG TARGETARCH
RUN npm ci --omit=dev --ignore-scripts --os=linux --libc=glibc \
      --cpu="$(case "$TARGETARCH" in '') node -p process.arch ;; amd64) echo x64 ;; *) echo "$TARGETARCH" ;; esac)" \
    && rm -rf node_modules/@libsql/*-musl \
    && npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx >sbom.cdx.json
# The tree of the final image. Where an installation would put it: in the package's own folder, npx
# would first link it into a cache.
RUN mkdir -p /data /image/app /image/usr/local/bin && mv node_modules /image/app/ \
    && mkdir /image/app/node_modules/warren && mv dist sbom.cdx.json /image/app/node_modules/warren/ \
    && ln -s ../warren/bin/warren.js /image/app/node_modules/.bin/warren \
    && ln -s /app/node_modules/.bin/warren /image/usr/local/bin/warren

FROM ${BASE}
# The version of package.json. `docker build` sets the other two: docs/guides/deploy.md.
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Warren" \
      org.opencontainers.image.description="GraphQL subscription gateway for RabbitMQ" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
WORKDIR /app
COPY --from=build /image /
COPY --from=build --chown=1000:1000 /data /data
COPY package.json LICENSE README.md node_modules/warren/
COPY bin node_modules/warren/bin
COPY schema node_modules/warren/schema
COPY docs node_modules/warren/docs
# With a read-only root, the gateway writes only to /data (if there is no PostgreSQL or no secret of
# your own) and npx to /tmp.
# Probes and Prometheus reach the ops port from outside the container; publish it to nothing else.
ENV WARREN_HOST=0.0.0.0 \
    WARREN_OPS_HOST=0.0.0.0 \
    WARREN_DATA_DIR=/data \
    HOME=/tmp \
    npm_config_cache=/tmp/.npm \
    npm_config_update_notifier=false
VOLUME /data
USER 1000:1000
EXPOSE 4000 4001
# Checks /livez, not /readyz: while its broker is away a gateway keeps its clients, and must not be
# restarted for that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.WARREN_OPS_PORT ?? 4002}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No entry point, so that `docker run … npx warren token --client alice` runs that command.
CMD ["node", "node_modules/warren/bin/warren.js", "start"]
