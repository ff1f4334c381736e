/** What the world below a cloud's messages tells of itself: the network, and what a connection costs on it. */
/** The network as the kernel sees it. Cheap: asked every few seconds. */
export interface Network {
  /** The interface of the default route, unless the configuration names one; undefined: there is no way out. */
  interface(): string | undefined;
  /** There is a way out, and the interface carries. */
  isUp(): boolean;
  /**
   * What is behind the interface, as far as can be told: "wwan0", "wlan0 via 192.168.1.1". What was learned of one
   * network (how long it keeps an idle connection) holds for that one.
   */
  name(): string | undefined;
  /** Bytes since boot, or since the interface was made; undefined when there is no such interface. */
  counters(name: string): { readonly rx: number; readonly tx: number } | undefined;
}

/** What one connection has cost so far. */
export interface LinkUse {
  /** TCP payload, both ways: TLS with its handshake, and MQTT. Headers and acknowledgements of TCP/IP are not in it. */
  readonly bytes: number;
  /** Sent, answered or not. */
  readonly pings: number;
  /** Begun with the TLS session of an earlier connection, which spares the certificates. */
  readonly isResumed: boolean;
}
