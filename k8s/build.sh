#!/usr/bin/env bash
# Writes k8s/built: the output of `kubectl kustomize` for each folder. The tests check it, and
# `kubectl apply -f` takes it. Needs kubectl or kustomize. The digest in the first line covers every
# input and the output: a test notices if one was changed without the others.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if command -v kubectl >/dev/null; then build=(kubectl kustomize); else build=(kustomize build); fi
inputs=$(find base components overlays monitoring rabbitmq rabbitmq-topology -type f | LC_ALL=C sort | xargs sha256sum)

mkdir -p built
for folder in overlays/* monitoring rabbitmq rabbitmq-topology; do
  body=$("${build[@]}" "$folder")
  digest=$(printf '%s\n%s\n' "$inputs" "$body" | sha256sum | cut -d' ' -f1)
  printf '# Built from k8s/%s by k8s/build.sh; do not edit. %s\n%s\n' "$folder" "$digest" "$body" >"built/$(basename "$folder").yaml"
done
