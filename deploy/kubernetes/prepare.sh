#!/bin/sh
# Prints the secrets and config maps of the gate, from a home folder that `sallyport init` has made:
#   ./prepare.sh HOME SETTINGS CERTIFICATES | kubectl apply -f -
# Run it again when policies, trust file or settings have changed. The keys of builders and approvers stay where they are.
# Whose clients the gate believes, beside its own authority: CERTIFICATES/authority-*.crt.
set -eu
usage="usage: $0 HOME SETTINGS CERTIFICATES"
home=${1:?"$usage"} settings=${2:?"$usage"} certificates=${3:?"$usage"}
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  sed -e 's|^policies:.*|policies: [/etc/sallyport-policies]|' \
    -e 's|^log:$|log:\
  folder: /var/lib/sallyport/log\
  memory: /var/lib/sallyport/keys/log.memory|' \
    -e 's|^build:$|build:\
  blobs: /var/lib/sallyport/blobs|' "$home/sallyport.yaml"
  cat "$settings"
} >"$work/sallyport.yaml"
# The log as it was begun; it counts once, see begin/, and is not in the home folder any more when it lives on the volume.
if [ -e "$home/log" ]; then tar -C "$home" -cf "$work/begin.tar" log keys/log.memory; fi
cat "$certificates/ca.crt" >"$work/ca.crt"
for authority in "$certificates"/authority-*.crt; do
  if [ -e "$authority" ]; then cat "$authority"; fi
done >>"$work/ca.crt"
make() {
  kubectl --namespace sallyport-system create "$@" --dry-run=client -o yaml
  echo ---
}
keys=$home/keys
make secret generic sallyport-keys --from-file="$keys/log.pem" --from-file="$keys/log.pass" --from-file="$keys/log-ml-dsa.pem"
make secret generic sallyport-tls --from-file="$certificates/tls.crt" --from-file="$certificates/tls.key" \
  --from-file="$work/ca.crt"
if [ -e "$home/log" ]; then make secret generic sallyport-begin --from-file="$work/begin.tar"; fi
make configmap sallyport-config --from-file="$work/sallyport.yaml" --from-file="$home/trust.yaml"
make configmap sallyport-policies --from-file="$home/policies"
