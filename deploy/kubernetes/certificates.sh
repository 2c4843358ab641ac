#!/bin/sh
# Makes an authority, a certificate for the gate and one for the API server: ca.crt, tls.crt, tls.key, client.crt, client.key.
# The key of the authority is not kept, so nobody can make another certificate that either would believe; run it again to
# renew, then renew the webhook and the files of the API server.
#   ./certificates.sh FOLDER [NAME…]     more names or addresses: DNS:gate.example, IP:192.0.2.1
set -eu
folder=${1:?"usage: $0 FOLDER [DNS:name | IP:address …]"}
shift
names=DNS:sallyport.sallyport-system.svc
for name in "$@"; do names=$names,$name; done
umask 077
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days "${DAYS:-365}" -subj /CN=sallyport-ca \
  -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign \
  -keyout "$work/ca.key" -out "$work/ca.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
issue() { # FILE SUBJECT USAGE [SUBJECTALTNAME]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$2" \
    -keyout "$work/$1.key" -out "$work/$1.csr" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  {
    if [ -n "${4:-}" ]; then echo "subjectAltName=$4"; fi
    echo basicConstraints=critical,CA:FALSE
    echo keyUsage=critical,digitalSignature
    echo "extendedKeyUsage=$3"
  } >"$work/extensions"
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -days "${DAYS:-365}" \
    -extfile "$work/extensions" -out "$work/$1.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}
issue tls sallyport serverAuth "$names"
issue client kube-apiserver clientAuth
for file in ca.crt tls.crt tls.key client.crt client.key; do mv "$work/$file" "$folder/$file"; done
echo "$folder: ca.crt, tls.crt and tls.key for $names; client.crt and client.key for the API server"
