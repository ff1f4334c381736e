/**
 * `pump-station metrics`: the running agent in Prometheus' text format (exposition format 0.0.4), for node_exporter's
 * textfile collector or whatever scrapes a command. No port is opened for it.
 */
import { askAgent } from "../control/client.ts";
import type { AgentStatus } from "../status.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { EXIT } from "./exit.ts";

export const addMetrics: AddCommand = (program, deps, finish) => {
  program
    .command("metrics")
    .description("the same as numbers for Prometheus (node_exporter's textfile collector)")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .addHelpText(
      "after",
      examples("pump-station metrics > pump-station.prom.new && mv pump-station.prom.new pump-station.prom"),
    )
    .action((options: { control: string }) => finish(metrics(deps, options.control)));
};

async function metrics(deps: CliDeps, control: string): Promise<number> {
  deps.out(metricsText((await askAgent(deps.connectControl, control, "status")) as AgentStatus));
  return EXIT.ok;
}

type Labels = Readonly<Record<string, string>>;
type Value = readonly [number | undefined, Labels?];

interface Metric {
  readonly name: string;
  readonly kind: "gauge" | "counter";
  readonly help: string;
  readonly of: (status: AgentStatus) => readonly Value[];
}

const gauge = (name: string, help: string, of: (status: AgentStatus) => number | undefined): Metric => ({
  name,
  kind: "gauge",
  help,
  of: (status) => [[of(status)]],
});
const counter = (name: string, help: string, of: (status: AgentStatus) => number): Metric => ({
  ...gauge(name, help, of),
  kind: "counter",
});
const perDevice = (
  name: string,
  kind: Metric["kind"],
  help: string,
  of: (device: AgentStatus["devices"][number]) => number | undefined,
): Metric => ({
  name,
  kind,
  help,
  of: ({ devices }) => devices.map((device) => [of(device), { device: device.device, type: device.type }]),
});

const seconds = (ms: number): number => ms / 1_000;
const isTrue = (fact: boolean): number => (fact ? 1 : 0);

/** Base units and names as Prometheus asks for (seconds, bytes, `_total` for what only grows). */
const METRICS: readonly Metric[] = [
  {
    name: "pump_station_info",
    kind: "gauge",
    help: "Which agent this is.",
    of: ({ station, version }) => [[1, { station, version }]],
  },
  gauge("pump_station_uptime_seconds", "Since the agent was started.", ({ uptimeMs }) => seconds(uptimeMs)),
  gauge("pump_station_clock_set", "1 when something vouches for the clock.", (one) => isTrue(!one.isClockUnset)),
  gauge("pump_station_description_good", "1 when the station file is what runs.", (one) =>
    isTrue(one.description.runs === "file"),
  ),
  perDevice("pump_station_device_good", "gauge", "1 when the newest sample has values.", ({ health }) =>
    isTrue(health === "good"),
  ),
  perDevice("pump_station_device_age_seconds", "gauge", "Age of the newest sample.", ({ ageMs }) =>
    ageMs === null ? undefined : seconds(ageMs),
  ),
  perDevice("pump_station_device_polls_total", "counter", "How often it was asked.", ({ polls }) => polls),
  perDevice("pump_station_device_failures_total", "counter", "How often it didn't answer well.", (one) => one.failures),
  gauge("pump_station_alarms_active", "Alarms that hold.", ({ activeAlarms }) => activeAlarms.length),
  gauge("pump_station_buffer_waiting_samples", "Not yet accepted by the cloud.", ({ buffer }) => buffer.waiting),
  gauge("pump_station_buffer_oldest_waiting_seconds", "Age of the oldest of them.", (one) =>
    Math.round(one.buffer.waitingHours * 3_600),
  ),
  gauge("pump_station_buffer_room_seconds", "How long the cloud may be away before a reading is dropped.", (one) =>
    one.buffer.roomDays === undefined ? undefined : Math.round(one.buffer.roomDays * 86_400),
  ),
  gauge("pump_station_buffer_bytes", "Size of the buffer's file.", ({ buffer }) => buffer.bytes),
  gauge("pump_station_buffer_limit_bytes", "What it may grow to.", ({ buffer }) => buffer.bytesMax),
  counter("pump_station_buffer_accepted_samples_total", "Accepted by the cloud.", ({ buffer }) => buffer.accepted),
  counter("pump_station_buffer_stored_samples_total", "Confirmed as stored.", ({ buffer }) => buffer.receipted),
  counter("pump_station_buffer_dropped_samples_total", "Never accepted, and gone.", ({ buffer }) => buffer.dropped),
  counter(
    "pump_station_buffer_dropped_unconfirmed_samples_total",
    "Accepted, and gone before anybody confirmed them.",
    ({ buffer }) => buffer.droppedUnconfirmed,
  ),
  gauge("pump_station_flash_good", "1 when the medium takes what is written.", ({ buffer }) =>
    isTrue(buffer.medium.state === "good"),
  ),
  counter("pump_station_flash_failures_total", "How often it didn't.", ({ buffer }) => buffer.medium.failures),
  gauge("pump_station_uplink_connected", "1 when connected; away on purpose counts.", ({ uplink }) =>
    isTrue(uplink.connected || uplink.isAwayOnPurpose),
  ),
  counter("pump_station_uplink_messages_total", "Messages accepted.", ({ uplink }) => uplink.messages),
  counter("pump_station_uplink_payload_bytes_total", "Their payload.", ({ uplink }) => uplink.bytes),
  gauge("pump_station_month_used_bytes", "All bytes of the interface this month.", ({ month }) => month.usedBytes),
  gauge("pump_station_month_forecast_bytes", "At the month's end.", ({ month }) => month.forecastBytes),
  gauge("pump_station_month_budget_bytes", "What is allowed.", ({ month }) => month.budgetBytes),
  gauge("pump_station_month_step", "What is done without to stay within; 0: nothing.", ({ month }) => month.step),
  gauge(
    "pump_station_settings_unconverged",
    "Cloud settings that don't run as desired.",
    ({ settings }) => settings.filter(({ converged }) => !converged).length,
  ),
  gauge("pump_station_resident_bytes", "Memory of the agent.", (one) => one.process.rssBytes),
  counter("pump_station_cpu_seconds_total", "Its processor time.", (one) => seconds(one.process.cpuMs)),
];

export const metricsText = (status: AgentStatus): string => METRICS.map((metric) => textOf(metric, status)).join("");

/** "" when there is no value: a metric that isn't known is left out, never 0. */
function textOf({ name, kind, help, of }: Metric, status: AgentStatus): string {
  const lines = of(status).flatMap(([value, labels]) =>
    value === undefined ? [] : [`${name}${inBraces(labels)} ${value}\n`],
  );
  return lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}

const inBraces = (labels: Labels | undefined): string =>
  labels === undefined
    ? ""
    : `{${Object.entries(labels)
        .map(([key, value]) => `${key}="${escaped(value)}"`)
        .join(",")}}`;

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
