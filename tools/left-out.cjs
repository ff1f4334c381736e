// Stands in the agent's bundle for parts of its dependencies that it never calls: web sockets and SOCKS proxies of MQTT
// clients, which speak over our own TLS socket. Whoever calls them all the same is told.
class LeftOut {
  constructor() {
    throw new Error("left out of this bundle: MQTT goes over TLS only (tools/build.mjs)");
  }
}
module.exports = Object.assign(LeftOut, { WebSocket: LeftOut, SocksClient: LeftOut, default: LeftOut });
