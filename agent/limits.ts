/** Every bound with its unit and its reason. `limits.test.ts` asserts how they relate. */

/** A frame that has not ended after this many bytes is no frame. Modbus RTU: 256; our baseboards: 260. */
export const FRAME_BYTES_MAX = 1024;
/**
 * A wall clock that shows less than this is wrong, whoever vouches for it: this program did not exist then. Without a
 * battery a board begins in 1970 or at its image's date. 2026-11-01 00:00 UTC, ms since 1970; raised with each release.
 */
export const BUILD_DATE_MS = Date.UTC(2026, 10, 1);
/** Metering units of hubs are 4 KB; a message closes below that with room for the header and the property bag. */
export const MESSAGE_BYTES_TARGET = 3_500;
/** When more waits than so many messages hold, a minute or two over LTE, it is a backlog: it goes beside what is new… */
export const BACKLOG_MESSAGES = 64;
/** …of which the newest so many go before it: more than an upload interval brings to a station that is connected. */
export const LIVE_MESSAGES = 4;
/** The largest message we ever send; IoT Hub takes 256 KB, AWS 128 KB. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
/** A sealed batch never holds more samples than this, so that decoding is bounded. */
export const BATCH_SAMPLES_MAX = 20_000;
/** …nor more values: constant columns take hardly a byte, and each value takes 8 bytes and more once decoded. */
export const BATCH_VALUES_MAX = 400_000;
/** What may inflate from a message: 20,000 samples of 32 channels with 8 bytes each, rounded up. */
export const INFLATED_BYTES_MAX = 8 * 1024 * 1024;
/** Staged in RAM when the disk fails; then the oldest goes, counted. 10,000 samples of 20 channels are about 4 MB. */
export const RAM_RING_SAMPLES_MAX = 10_000;
/** The buffer's file when the configuration says nothing: a month at 20 channels / 10 s takes about 67 MB. */
export const BUFFER_BYTES_DEFAULT = 128 * 1024 * 1024;
/** Averages that take the place of what waits, when so configured: what meteorology averages over (WMO-No. 8). */
export const THIN_TO_MS_DEFAULT = 600_000;
/** …and, when that won't do, of so many times it: 10 min become an hour, then six. */
export const THIN_TO_TIMES = [1, 6, 36] as const;
/** Control socket: one request line. */
export const CONTROL_LINE_BYTES_MAX = 64 * 1024;
/** Twin document, each side (AWS IoT Core: 8 KB). */
export const TWIN_BYTES_MAX = 8 * 1024;
/** A publish that isn't acknowledged within this time counts as lost, and the link with it. */
export const PUBLISH_DEADLINE_MS = 30_000;
export const CONNECT_TIMEOUT_MS = 30_000;
/** A ping that isn't answered within this time is lost: an LTE modem wakes from idle in 2 s, and TCP repeats within it. */
export const PING_DEADLINE_MS = 20_000;
/** Keep-alive announced to a broker at least: detection of a dead link costs a ping each time. */
export const KEEP_ALIVE_S_MIN = 30;
/** …and at most: Azure IoT Hub closes after 1.5 times the announced time, at most 1767 s. */
export const KEEP_ALIVE_S_MAX = 1_177;
/** The last ping before the announced time goes so much earlier: it may be repeated on its way. */
export const KEEP_ALIVE_MARGIN_S = 10;
/** What is learned begins here: every mobile network that is known keeps an idle connection for a minute. */
export const KEEP_ALIVE_FIRST_S = 60;
/** Networks of which something is remembered: home, workshop, and a SIM card that was changed now and then. */
export const NETWORKS_MAX = 8;
/** Somebody who watches live looks away sooner or later, and forgets to say so. */
export const LIVE_MS_MAX = 1_800_000;
/** A silence that was lost is tried once more after this time: carriers change their boxes. */
export const SILENCE_RETRY_MS = 7 * 86_400_000;
/** Back-off with full jitter: from 1 s doubling to 10 min. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 600_000;
/** A certificate's next one is asked for when so much of its life is over… */
export const RENEW_AFTER_LIFE = 2 / 3;
/** …plus up to so much of it by the station's name, so that a fleet that was enrolled on one day doesn't come on one. */
export const RENEW_SPREAD_LIFE = 1 / 10;
/** Attempts to get a certificate: from a minute, doubling; a third of a life is left, and a refusal is somebody's decision. */
export const ENROL_PAUSE_FIRST_MS = 60_000;
export const ENROL_PAUSE_MAX_MS = 6 * 3_600_000;
/** A new certificate that is refused so often in a row is given up, and another one asked for. */
export const NEW_CERTIFICATE_REFUSALS_MAX = 3;
/** Whoever answers an enrolment signs with a local key. */
export const ENROL_ANSWER_MS = 60_000;
/** A certificate with what is above it; ours have 700 bytes. */
export const CERTIFICATE_BYTES_MAX = 16 * 1024;
/** Penalty box: a device that misses this many polls in a row is probed instead of polled. */
export const PENALTY_AFTER_MISSES = 3;
/** …at most this rarely. */
export const PROBE_EVERY_MAX_MS = 60_000;
/** Settings are read back at least this often. */
export const READ_BACK_EVERY_MS = 600_000;
/** The whole twin is fetched on every connection, and on one that stands so often: 1.4 to 3.5 KB each time. */
export const TWIN_FETCH_EVERY_MS = 86_400_000;
/** Settings that can cut the link are rolled back when the cloud hasn't heard the station for so long of open hours… */
export const LINK_TRIAL_MS = 1_800_000;
/** …or when the process has started so often meanwhile: a station that reboots again and again isn't on trial for ever. */
export const LINK_TRIAL_STARTS_MAX = 5;
/** Rolled back while the network itself was away, they are tried again, so often in all. */
export const LINK_TRIALS_MAX = 3;
/** Rolled back while the network was there, they wait for a link that has stood so long: four times a trial's outage… */
export const LINK_REST_FIRST_MS = 7_200_000;
/** …then so many times as long: 2 h, 8 h, 32 h, 128 h… */
export const LINK_REST_GROWTH = 4;
/** …so often: values that do cut the link cost five trials of half an hour, spread over a week. */
export const LINK_RESTS_MAX = 4;
/** A silence between two acknowledged messages says no more than this of a link that stands; uploads are seldom rarer. */
export const LINK_STANDS_MS = 3_600_000;
/** How much of the wait a restart may forget; each note writes the state file, about 1 KB of flash. */
export const LINK_REST_SAVE_MS = 3_600_000;
/** So many ends out of order within so long start the last good settings. */
export const CRASHES_MAX = 3;
export const CRASHES_WITHIN_MS = 600_000;
/** Settings with which a process lived this long are good. */
export const SETTLED_AFTER_MS = 600_000;
/** A version that ended a process is tried once more after so long (a power cut looks the same), so often in all. */
export const REFUSED_RETRY_MS = 1_800_000;
export const REFUSED_TRIES_MAX = 2;
/** Alarm transitions per alarm and hour before "flapping". */
export const ALARM_TRANSITIONS_PER_HOUR_MAX = 6;
/** Reported patches: at most one an hour unless a state changes. */
export const REPORT_QUIET_MS = 3_600_000;
/** I2C: a transfer that takes longer is stuck (clock stretching of known chips ends within 100 ms). */
export const I2C_DEADLINE_MS = 1_000;
/** Serial write deadline on top of the line time: serialport loops for ever on a 0-byte write. */
export const SERIAL_WRITE_SLACK_MS = 500;
/** A port that failed is tried again after 1 s, doubling to this. */
export const PORT_RETRY_MAX_MS = 30_000;
/** A device that sends by itself is waited for this long: known ones (NMEA, dust sensors) send every 1 to 3 s. */
export const REPORT_WAIT_MS = 10_000;
/** A report that changes a state is a sample of its own, this often: a relay that chatters must not fill the buffer. */
export const REPORT_AT_ONCE_EVERY_MS = 1_000;
/** A report that was told counts as "unchanged" for this many intervals of its device without another one. */
export const REPORT_INTERVALS_MAX = 3;
/** After this many timeouts in a row of a read over registers that no channel needs, a part without them is tried. */
export const WITHOUT_HOLES_AFTER_TIMEOUTS = 3;
/** What a device says of itself in words: so many texts, each so long (an identification object has 245 bytes). */
export const INFO_TEXTS_MAX = 32;
export const INFO_LENGTH_MAX = 245;
/** A device that doesn't answer what it says of itself is asked for it in so many polls, then not before it comes back. */
export const TEXTS_TRIES = 3;
/** `explain` knows the newest exchange of so many kinds for each device (reads, settings, commands, reports)… */
export const TRAFFIC_KINDS_MAX = 32;
/** …each with so many bytes heard: the longest frame, and as much noise before it… */
export const TRAFFIC_BYTES_MAX = 2 * FRAME_BYTES_MAX;
/** …and of a chip so many transfers, of its preparation and of its measurement. */
export const TRAFFIC_TRANSFERS_MAX = 64;
/** A new description is tried until each judged device was polled so often… */
export const TRIAL_POLLS = 10;
/** …at least this long: a device that has to warm up or to be found again gets its time… */
export const TRIAL_MIN_MS = 120_000;
/** …and no longer than this, however seldom a device is polled: somebody may wait in the rain for the verdict. */
export const TRIAL_MAX_MS = 900_000;
/** How often a trial is looked at. */
export const TRIAL_LOOK_MS = 1_000;
/** A saved file is read when it has stayed the same for this long… */
export const SETTLE_MS = 2_000;
/** …or for this long if it looks cut (empty, no line end, the beginning of what it was): a copy over LTE may stall. */
export const SETTLE_CUT_MS = 20_000;
/** Rejected descriptions that are kept by name; each is at most a few files of 64 KiB. */
export const REJECTED_MAX = 10;
/** Readings that one window of a filter keeps: an hour of one a second, and some. 20 channels of them are about 2 MB. */
export const FILTER_VALUES_MAX = 4_000;
/** Recordings of ports at a time: a technician's and QA's, and one that was forgotten. */
export const TAPS_MAX = 3;
/** Fetched several times a second: a line at 115200 Bd brings at most a few hundred portions meanwhile. */
export const TAP_EVENTS_MAX = 2_000;
/** A recorder that fetches nothing for so long has gone. */
export const TAP_FORGOTTEN_AFTER_MS = 10_000;
/** A recording of a port: a day of a line that is asked once a second is about 20 MB. */
export const BUS_RECORDING_BYTES_MAX = 32 * 1024 * 1024;
/** Of a file that is read at once: descriptions have 64 KiB, the largest recording of a bus some megabytes. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Commands that change something wait for each other, this many at most: more than a person presses. */
export const COMMANDS_IN_LINE_MAX = 8;
/** Commands that only read run side by side, this many at most: a page that asks for everything at once. */
export const COMMANDS_READING_MAX = 4;
/** A command that changes something waits this long for those before it; then it is told that it hasn't run. */
export const COMMAND_WAIT_MS = 25_000;
/** What a device's command may take beside its own `within`: the port's turn, a poll of a dead device before it. */
export const DEVICE_COMMAND_MS = 20_000;
/** One that goes on after its time limit is given up after so long: ports have deadlines, so that it hangs for ever. */
export const COMMAND_LATE_MS = 600_000;
/** JSON of an answer's body: fits a message of ours with what is around it (Azure's direct methods take 128 KB). */
export const COMMAND_BODY_BYTES_MAX = 48 * 1024;
/** The audit: so many files of so many commands each; one is written at a command's begin and at its end. */
export const AUDIT_FILES = 8;
export const AUDIT_FILE_ENTRIES = 25;
/** What one command may say in the audit: characters of its arguments, of its answer, of the JSON of its body. */
export const AUDIT_TEXT_MAX = 500;
/** Answers kept whole in RAM for a command that comes twice; the audit keeps their status and text. */
export const ANSWERS_KEPT = 8;
/** Nobody works on a station for longer; who does says so once more. */
export const ON_SITE_MS_MAX = 24 * 3_600_000;
/** Less is a mistake in the unit. */
export const ON_SITE_MS_MIN = 60_000;
/** After a reboot whose clock nobody vouches for, on-site mode goes on for this long at most. */
export const ON_SITE_UNSURE_MS = 15 * 60_000;
/** Between the answer to `restart` and the end: time for the answer to leave over LTE. */
export const RESTART_AFTER_MS = 3_000;
/** A description from the cloud as it is sent: a station with thirty own device files takes 60 KiB. */
export const UPDATE_PACKED_BYTES_MAX = 1024 * 1024;
/** …and what it may become, all of it in memory at once for a moment. */
export const UPDATE_UNPACKED_BYTES_MAX = 4 * 1024 * 1024;
/** …in so many files, of 64 KiB at most each. */
export const UPDATE_FILES_MAX = 200;
/** Written to the medium in pieces of this size: a lost link costs less than one, and 1 MiB is 16 writes. */
export const DOWNLOAD_PIECE_BYTES = 64 * 1024;
/** A server that sends nothing for so long is gone. */
export const DOWNLOAD_IDLE_MS = 60_000;
/** One request: 1 MiB at 2 kB/s takes nine minutes, and the next request goes on where this one ended. */
export const DOWNLOAD_DEADLINE_MS = 900_000;
/** A server that says no (403, 404) may have been given a wrong file, which people mend in hours. */
export const DOWNLOAD_REFUSED_RETRY_MS = 3_600_000;
/** A description that came from the cloud has this long to show that the cloud is still reached, at least… */
export const UPDATE_PROOF_MIN_MS = 3_600_000;
/** …or so many upload intervals, which the month's budget may make eight times as long… */
export const UPDATE_PROOF_INTERVALS = 24;
/** …or until the upload windows have come round: they open once a week at the rarest. */
export const UPDATE_PROOF_WINDOWS_MS = 8 * 86_400_000;
/** So many processes may begin with an update that isn't proved: more have been ended by it. */
export const UPDATE_STARTS_MAX = 3;
/** Copies of what updates replaced that are kept beside the files, one per update. */
export const UPDATE_BACKUPS_MAX = 5;
/** Descriptions that ran, of which the texts are kept, to say what was changed since. */
export const UPDATE_HISTORY_MAX = 4;
/** Log records kept in RAM for diagnostics: the newest so many, each cut at so many characters; at most 0.5 MB. */
export const LOG_RECORDS_KEPT = 1_000;
export const LOG_RECORD_CHARACTERS_MAX = 500;
/** A packed file of diagnostics; larger parts of it are cut until it fits. */
export const DIAGNOSTICS_BYTES_MAX = 512 * 1024;
/** A file goes in parts: short enough for 2 s of a bad LTE link each, and for every cloud's message. */
export const FILE_PART_BYTES = 32 * 1024;
/** In smaller ones where a broker takes no more; below this, and above so many parts, nobody would put it together. */
export const FILE_PART_BYTES_MIN = 512;
export const FILE_PARTS_MAX = 64;
/** Between two parts of a file everything else has the link to itself for so long. */
export const FILE_PART_PAUSE_MS = 2_000;
/** A file that couldn't be sent within this time is given up. */
export const FILE_LIFE_MS = 24 * 3_600_000;
/** …and each start of the agent counts as so much of it, also on a board that doesn't know how long it was off. */
export const FILE_LIFE_PER_START_MS = 3_600_000;
/** A description's archive is handed over in parts of so many bytes: as Base64 one of them fits a message. */
export const DESCRIPTION_PART_BYTES = 32 * 1024;
/** Whether the description has to be handed over is looked at so often. */
export const HAND_OVER_LOOK_MS = 60_000;
