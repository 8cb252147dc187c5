/**
 * SHA-256 of the archives of the nats-server that is fetched, by name: what a mirror, or whoever sits between, says of
 * them has to be the same. A platform that is not listed here has the release's own SHA256SUMS only, which is said.
 */
export const KNOWN_CHECKSUMS: Readonly<Record<string, string>> = {
  "nats-server-v2.15.1-linux-amd64.tar.gz": "bf5edc7b1ce98e885c368cb43a886eb148dc5d0551d99f3cf6141fb5e1954c70",
  "nats-server-v2.15.1-linux-arm64.tar.gz": "e2fbab4cad7d3c76e3052eb959570393c9d73ba756b70bf8e9eea61e9ae6d49c",
  "nats-server-v2.15.1-linux-arm7.tar.gz": "ddac3887f9b0e17d657d1124bfd648d2f3d98b8b12a0918a0443eff079d2c238",
  "nats-server-v2.15.1-linux-386.tar.gz": "9fde80807787a77e25d0143b0835b8a7de8b735e9ebe01fcbcf0205e00f7f06b",
  "nats-server-v2.15.1-linux-ppc64le.tar.gz": "4918414d24b16c30e71352e362b2d89e9e47c557514cefb5d4c6f2523cfee73d",
  "nats-server-v2.15.1-linux-s390x.tar.gz": "478644ef83c46f585f9714b05201b5596e718cdd55ef295fb31abef6a71b4646",
  "nats-server-v2.15.1-linux-riscv64.tar.gz": "0c7f51bdf9712e2c69336722fca636a3b038181ff843390c00a4e287ad462086",
  "nats-server-v2.15.1-linux-loong64.tar.gz": "c0875670e7a5fda318e4114cd549b39c77f3294ebb32f90f78c6e7c83635d8d9",
};
