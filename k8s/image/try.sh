#!/usr/bin/env bash
# Builds the image and runs it as Kubernetes would, without a Docker engine: a base from Debian's
# packages and this machine's Node.js (mmdebstrap), the Dockerfile unchanged (buildah, chroot), then
# a gateway as user 1000 on a read-only root, and commands next to it. As root, on Debian:
#   apt-get install --no-install-recommends mmdebstrap buildah
# It leaves only the base, which takes longest and is used again. To remove that:
#   rm -r "${TMPDIR:-/tmp}/warren-image"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=${TMPDIR:-/tmp}/warren-image
mkdir -p "$work"

# In namespaces of its own: mounts and processes end with the script, however it ends. The files
# that it wrote are removed from outside, where nothing is mounted on them.
if [ -z "${IN_NAMESPACES:-}" ]; then
  trap 'rm -rf --one-file-system "$work"/{storage,run,data,tmp,gateway.log,received}' EXIT
  IN_NAMESPACES=1 unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash k8s/image/try.sh
  exit
fi

export BUILDAH_ISOLATION=chroot
store=(--storage-driver vfs --root "$work/storage" --runroot "$work/run")
image=warren:try
step() { printf '\n== %s\n' "$*"; }

step 'base: Debian 12 and Node.js'
if [ ! -f "$work/base.tar" ]; then
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,libstdc++6 bookworm "$work/base.unfinished.tar"
  mv "$work/base.unfinished.tar" "$work/base.tar"
fi
npm_root=$(npm root --global 2>/dev/null)
base=$(buildah "${store[@]}" from scratch)
buildah "${store[@]}" add --quiet "$base" "$work/base.tar" / >/dev/null
buildah "${store[@]}" copy --quiet "$base" "$(readlink -f "$(command -v node)")" /usr/local/bin/node >/dev/null
buildah "${store[@]}" copy --quiet "$base" "$npm_root/npm" /usr/local/lib/node_modules/npm >/dev/null
# The authorities that this machine trusts. If packages come through a proxy, its authority is one.
buildah "${store[@]}" copy --quiet "$base" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
buildah "${store[@]}" run "$base" -- sh -c 'for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "/usr/local/bin/$name"; done'
buildah "${store[@]}" config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$base"
buildah "${store[@]}" commit --quiet "$base" warren-base >/dev/null

step 'the image, from the Dockerfile'
buildah "${store[@]}" bud --quiet --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --build-arg BASE=warren-base --format docker --tag "$image" . >/dev/null
size() { buildah "${store[@]}" inspect --type image --format '{{.FromImageID}}' "$1" >/dev/null && buildah "${store[@]}" images --format '{{.Size}}' "$1"; }
echo "base $(size warren-base), image $(size "$image")"
buildah "${store[@]}" inspect --type image --format 'labels {{range $name, $value := .Docker.Config.Labels}}{{println $name $value}}{{end}}' "$image" | grep image
buildah "${store[@]}" inspect --type image --format 'user {{.Docker.Config.User}}, command {{.Docker.Config.Cmd}}, volumes {{.Docker.Config.Volumes}}' "$image"

# The image's own environment, and what an operator sets; paths as in the container.
container=$(buildah "${store[@]}" from --pull-never "$image")
mapfile -t environment < <(buildah "${store[@]}" inspect --type image --format '{{range .Docker.Config.Env}}{{println .}}{{end}}' "$image" | grep .)
root=$(buildah "${store[@]}" mount "$container")
mkdir -p "$work/data" "$work/tmp"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
for name in data tmp; do
  chown 1000:1000 "$work/$name"
  mount --bind "$work/$name" "$root/$name"
done
mount -t proc proc "$root/proc"

free_port() { node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }
port=$(free_port) ops=$(free_port)
settings=(WARREN_LOG_FORMAT=pretty "WARREN_PORT=$port" "WARREN_OPS_PORT=$ops" WARREN_TCP_PORT=off WARREN_DRAIN=2s)
secret='WARREN_JWT_SECRET=the secret of a trial, at least 32 bytes long'
# Runs in the working folder of the image, as `docker exec` does.
in_image=(chroot --userspec=1000:1000 "$root" env -i "${environment[@]}" "${settings[@]}")
in_app=("${in_image[@]}" "$secret" sh -c 'cd /app && exec "$@"' sh)

step 'without a secret of its own it refuses to listen for other machines'
"${in_image[@]}" sh -c 'cd /app && exec node node_modules/warren/bin/warren.js start' && exit 1 || echo "exit status $?"

step 'as user 1000, on a read-only root'
"${in_app[@]}" sh -c 'id -u; touch /app/mine || true; exec node --enable-source-maps node_modules/warren/bin/warren.js start' >"$work/gateway.log" 2>&1 &
pid=$!
healthcheck=$(node -e '
  const line = require("node:fs").readFileSync("Dockerfile", "utf8").split("\n").find((one) => one.startsWith("HEALTHCHECK"))
  console.log(JSON.parse(line.slice(line.indexOf("[")))[2])')
for _ in $(seq 150); do "${in_app[@]}" node -e "$healthcheck" && break || sleep 0.2; done
"${in_app[@]}" node -e "$healthcheck" && echo 'the health check of the Dockerfile succeeds'
curl -fsS "http://127.0.0.1:$ops/readyz"
sed -n 1,2p "$work/gateway.log"

step 'the SBOM, in the image'
"${in_app[@]}" node -e '
  const { bomFormat, specVersion, components } = require("/app/node_modules/warren/sbom.cdx.json")
  console.log(bomFormat, specVersion, components.length, "components")'

step 'npx warren, in the image'
"${in_app[@]}" npx warren --version
"${in_app[@]}" npx warren check-config | grep -E '^WARREN_(HOST|DATA_DIR)='
"${in_app[@]}" npx warren tail alice --count 1 >"$work/received" &
subscriber=$!
for _ in $(seq 150); do curl -fsS "http://127.0.0.1:$ops/metrics" | grep -q '^warren_subscriptions{transport="graphql-ws"} 1$' && break || sleep 0.2; done
"${in_app[@]}" npx warren publish --client alice '{"from": "the image"}'
wait "$subscriber"
cat "$work/received"
echo "in /data: $(ls -A "$work/data" | tr '\n' ' ')"

step 'SIGTERM'
kill -TERM "$pid"
wait "$pid" && echo 'exit status 0'
