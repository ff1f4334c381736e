/**
 * What an IoT Hub allows, each with its unit. Sources: Microsoft's pages "IoT Hub quotas and throttling", "Communicate
 * with an IoT hub using MQTT", "Understand and use device twins", "Control access by shared access signatures".
 */

/** Body, system properties, and names and values of application properties together. */
export const TELEMETRY_BYTES_MAX = 256 * 1024;
/** A cloud-to-device message with its properties. */
export const CLOUD_TO_DEVICE_BYTES_MAX = 64 * 1024;
/** Cloud-to-device messages that wait for one device. */
export const MAILBOX_MESSAGES_MAX = 50;
/** Default life of a cloud-to-device message, and how often it is handed out before it is given up. */
export const MAILBOX_LIFE_MS = 3_600_000;
export const MAILBOX_DELIVERIES_MAX = 10;

export const SUBSCRIPTIONS_MAX = 5;
/** The hub waits 1.5 times the client's keep-alive, and never longer than 29.45 minutes. */
export const SILENCE_MS_MAX = 1_767_000;
export const SILENCE_PER_KEEP_ALIVE = 1.5;
/** Nobody documents how long a socket may stay without CONNECT; long enough for LTE, short enough for a probe. */
export const CONNECT_WITHIN_MS = 60_000;
/** A topic may have 65,535 bytes; the payload is checked by the rule of its operation. */
export const PACKET_BYTES_MAX = TELEMETRY_BYTES_MAX + 2 * 65_535;

export const TWIN_DESIRED_BYTES_MAX = 32 * 1024;
export const TWIN_REPORTED_BYTES_MAX = 32 * 1024;
export const TWIN_TAGS_BYTES_MAX = 8 * 1024;
export const TWIN_DEPTH_MAX = 10;
export const TWIN_KEY_BYTES_MAX = 1024;
export const TWIN_STRING_BYTES_MAX = 4 * 1024;
/** −2^52 … 2^52 − 1 */
export const TWIN_INTEGER_MAX = 2 ** 52 - 1;
export const TWIN_INTEGER_MIN = -(2 ** 52);

export const METHOD_PAYLOAD_BYTES_MAX = 128 * 1024;
/** Time limits of a method call in seconds: for the answer, and for a device that isn't connected yet. */
export const METHOD_RESPONSE_S = { min: 5, max: 300, normal: 30 } as const;
export const METHOD_CONNECT_S = { min: 0, max: 300, normal: 0 } as const;
/** Calls that wait for an answer, over all devices: a bound for this process, not one of Azure's. */
export const METHODS_WAITING_MAX = 1_000;

/** Events that are remembered for who asks later; older ones are gone. A bound for this process. */
export const EVENTS_MAX = 5_000;
/** Devices of one local hub; Azure allows a million. A bound for this process. */
export const DEVICES_MAX = 10_000;
export const FAULTS_MAX = 1_000;

/** Letters, digits and these signs; case matters. */
export const DEVICE_ID = /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/;
