/** Bad days of a plain MQTT broker and of the network before it, each switched by itself; all off at first. */
export interface MqttFaults {
  /** Messages are taken over; so many acknowledgements (PUBACK) get lost. */
  loseAcknowledgements: number;
  /** So many messages of stations arrive twice, and are acknowledged twice. */
  acknowledgeTwice: number;
  /** So many messages to stations are delivered twice, each with an identifier of its own. */
  deliverTwice: number;
  /** Acknowledgements come so much later, ms. */
  delayAcknowledgementsMs: number;
  /** So many next messages to stations end in the middle of their bytes, and the link with them. */
  cutMidMessage: number;
  /**
   * So many messages aren't taken over, and a quota is said to be exceeded: PUBACK 0x97 in MQTT 5. 3.1.1 has no word for
   * it, so the broker hangs up.
   */
  throttleMessages: number;
  /** The same for requests for the twin. */
  throttleRequests: number;
  /** At the next message the broker hangs up for this reason, which 3.1.1 can't tell (MQTT 5 §3.14.2.1). */
  hangUpWith?: number | undefined;
  /** Larger packets end the connection: DISCONNECT 0x95, where there are such words. */
  packetBytesMax: number;
  /** Whether CONNACK says so (MQTT 5 §3.2.2.3.6). */
  isBoundTold: boolean;
  /** So many messages to stations have an alias instead of their topic, although none was offered (§3.3.2.3.4). */
  unknownAlias: number;
  /** CONNECT is refused with this return code of 3.1.1 (table 3.1) or reason code of MQTT 5 (§3.2.2.2). */
  refuseConnect?: number | undefined;
}

export const noMqttFaults = (): MqttFaults => ({
  loseAcknowledgements: 0,
  acknowledgeTwice: 0,
  deliverTwice: 0,
  delayAcknowledgementsMs: 0,
  cutMidMessage: 0,
  throttleMessages: 0,
  throttleRequests: 0,
  packetBytesMax: Infinity,
  isBoundTold: false,
  unknownAlias: 0,
});

type Counted = {
  [Name in keyof MqttFaults]-?: MqttFaults[Name] extends number ? Name : never;
}[keyof MqttFaults];

/** Counts one down; false when none is left. */
export function takeOne(faults: MqttFaults, name: Counted): boolean {
  if (faults[name] <= 0) return false;
  faults[name]--;
  return true;
}
