/** Bounds of AWS IoT Core (general reference, "AWS IoT Core endpoints and quotas"), with the unit of each. */

/** A shadow's desired and reported together, as compact JSON; metadata isn't counted. */
export const SHADOW_BYTES_MAX = 8 * 1024;
/** Levels inside desired, and inside reported. */
export const SHADOW_DEPTH_MAX = 8;
export const CLIENT_TOKEN_BYTES_MAX = 64;
/** Shadow requests of one connection that wait for their answer. */
export const SHADOW_REQUESTS_IN_FLIGHT_MAX = 10;
/** A deleted shadow's version goes on for so long. */
export const DELETED_VERSION_KEPT_MS = 48 * 3_600_000;
export const MESSAGE_BYTES_MAX = 128 * 1024;
export const TOPIC_BYTES_MAX = 256;
export const TOPIC_SLASHES_MAX = 7;
export const CLIENT_ID_BYTES_MAX = 128;
export const SUBSCRIPTIONS_MAX = 50;
export const FILTERS_PER_SUBSCRIBE_MAX = 8;
/** PUBLISH packets of one connection in a second; more are throttled. */
export const PUBLISHES_PER_SECOND_MAX = 100;
/** Messages to a client that wait for its PUBACK. */
export const IN_FLIGHT_MAX = 100;
/** What a client asks for is raised or lowered into this, s. */
export const KEEP_ALIVE_S_MIN = 30;
export const KEEP_ALIVE_S_MAX = 1_200;
/** A connection without traffic for so many keep-alives is closed (MQTT 3.1.1 §3.1.2.10). */
export const KEEP_ALIVE_PATIENCE = 1.5;
/** A persistent session outlives its connection by this. */
export const SESSION_KEPT_MS = 3_600_000;
/** What waits in it is sent again at this pace. */
export const REPLAYS_PER_SECOND_MAX = 10;
/** What waits in it at most (ours: the service bounds the rate, not the count). */
export const QUEUED_MAX = 1_000;
/** Messages are metered in units of this, topic and payload together. */
export const METERED_BYTES = 5 * 1024;
/** Events kept for the service API (ours). */
export const EVENTS_MAX = 10_000;
/** A job's document (API reference, CreateJob). */
export const JOB_DOCUMENT_BYTES_MAX = 32 * 1024;
/** A notification lists at most so many executions (developer guide, "Job executions limits"). */
export const JOBS_LISTED_MAX = 10;
/** What a thing says of a job's state: names, and values. */
export const STATUS_DETAIL_KEY_MAX = 128;
export const STATUS_DETAIL_CHARACTERS_MAX = 1024;
/** Seven days. */
export const STEP_TIMEOUT_MINUTES_MAX = 10_080;
/** A certificate that no template has made a thing's by then is deleted (developer guide, "CreateCertificateFromCsr"). */
export const OWNERSHIP_TOKEN_MS = 3_600_000;
