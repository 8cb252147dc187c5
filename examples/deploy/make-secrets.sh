#!/bin/sh
# Makes what compose.yaml needs and nobody else may see: certificates of an authority of its own, passwords of the roles,
# the API's token. What is there already stays. ./make-secrets.sh [directory]
set -eu
dir=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$dir"
cd "$dir"

# Containers run as another user and are given single files of this directory, which nobody else may enter: see chmod.
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825"
[ -e ca.pem ] || openssl req -x509 $ec -subj "/CN=natstate authority" -keyout ca-key.pem -out ca.pem 2> openssl.log
for node in nats-1 nats-2 nats-3; do
  [ -e $node.pem ] || openssl req -x509 $ec -CA ca.pem -CAkey ca-key.pem -subj "/CN=$node" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "subjectAltName=DNS:$node,DNS:localhost,IP:127.0.0.1" \
    -keyout $node-key.pem -out $node.pem 2> openssl.log
done
[ -e http-token ] || openssl rand -hex 32 > http-token
# Beginning with a letter: digits only would be read as a number.
for role in PROCESSOR PUBLISHER READER OPERATOR; do
  grep -qs "^NATS_${role}_PASSWORD=" passwords.env || echo "NATS_${role}_PASSWORD=p$(openssl rand -hex 16)" >> passwords.env
done
if [ ! -e nats-url ]; then
  password=$(sed -n 's/^NATS_PROCESSOR_PASSWORD=//p' passwords.env)
  echo "tls://processor:$password@nats-1:4222,tls://processor:$password@nats-2:4222,tls://processor:$password@nats-3:4222" > nats-url
fi
rm -f openssl.log
chmod 644 nats-*.pem ca.pem http-token nats-url
