/**
 * A station as a model in DTDL version 3 (Azure/opendigitaltwins-dtdl), for clouds that want one: an Interface for each
 * type of device, and one for the station with a Component for each device.
 *
 *   channel → Telemetry (semantic type and unit of the QuantitativeTypes extension where there is one)
 *   setting → writable Property     command → Command     alarm → Telemetry, true while it holds
 *
 * What every station has beside its description: how often a device is asked (`every`) and how it is (`health`); the
 * component `upload`, and `live`, which makes it report every few seconds for a while.
 *
 * DTDL names hold letters, digits and underscores, and are unique within an Interface: "too-hot" is too_hot, and a
 * channel that shares its name with a setting or command is called NAME_reading.
 */
import { keptChannels } from "../kept-channels.ts";
import type { Channel, Device, Station } from "../model.ts";

export interface DtdlInterface {
  readonly "@context": readonly string[];
  readonly "@id": string;
  readonly "@type": "Interface";
  readonly displayName: string;
  readonly contents: readonly DtdlContent[];
}

type DtdlContent = { readonly "@type": string | readonly string[]; readonly name: string } & Readonly<
  Record<string, unknown>
>;

/** A command of the station itself, whatever is wired to it. */
export interface DtdlCommand {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly { readonly name: string; readonly schema: "string" | "boolean" }[];
}

/** The station first, then the types that it uses; ready to be written as one JSON file. */
export function dtdlFrom(station: Station, commands: readonly DtdlCommand[] = []): readonly DtdlInterface[] {
  const types = new Map(station.devices.map((device) => [device.type, device]));
  const components = station.devices.map((device) => ({
    "@type": "Component",
    name: dtdlName(device.name),
    displayName: device.name,
    schema: modelId(device.type),
  }));
  return [
    interfaceOf(modelId("station", station.name), station.label, [
      ...components.filter(({ name }) => name !== UPLOAD_COMPONENT.name && name !== LIVE.name),
      UPLOAD_COMPONENT,
      LIVE,
      ...commands.map(stationCommand),
    ]),
    interfaceOf(UPLOAD_COMPONENT.schema, "Upload", [UPLOAD_INTERVAL]),
    ...[...types].map(([type, device]) => interfaceOf(modelId(type), type, contentsOf(device))),
  ];
}

/** undefined where a station's name is no DTMI: one that begins with a digit, or is too long. */
export function stationModelId(name: string): string | undefined {
  const id = modelId("station", name);
  return /^[A-Za-z]/.test(name) && id.length <= DTMI_MAX ? id : undefined;
}

/** Of an Interface. */
const DTMI_MAX = 128;

const DESCRIPTION_MAX = 512;
/** Its answer is {text, body?}, whose shape is the command's own (docs/commands.md): DTDL is told of none. */
const stationCommand = ({ name, description, fields }: DtdlCommand): DtdlContent => ({
  "@type": "Command",
  name: dtdlName(name),
  displayName: name,
  description: description.slice(0, DESCRIPTION_MAX),
  ...(fields.length > 0 && {
    request: {
      name: "arguments",
      nullable: true,
      schema: {
        "@type": "Object",
        fields: fields.map((field) => ({ name: dtdlName(field.name), displayName: field.name, schema: field.schema })),
      },
    },
  }),
});

/** Of their own namespace, so that a station can't be taken for a type. */
const modelId = (...path: readonly string[]): string => `dtmi:pump_station:${path.map(dtdlName).join(":")};1`;

const DISPLAY_NAME_MAX = 64;
const interfaceOf = (id: string, label: string, contents: readonly DtdlContent[]): DtdlInterface => ({
  "@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"],
  "@id": id,
  "@type": "Interface",
  displayName: label.slice(0, DISPLAY_NAME_MAX),
  contents,
});

function contentsOf(device: Device): DtdlContent[] {
  const own = device.settings.map((setting) => ({
    "@type": typed("Property", setting.unit),
    name: dtdlName(setting.name),
    displayName: setting.name,
    description: `${setting.range.low} to ${setting.range.high}${setting.onlyWhen ? `, only when ${setting.onlyWhen.text}` : ""}`,
    schema: schemaOf(device.channels.find(({ name }) => name === setting.readBack)),
    writable: true,
    ...unitOf(setting.unit),
  }));
  const settings = [...own, ...[EVERY, HEALTH].filter(({ name }) => own.every((other) => other.name !== name))];
  const commands = device.commands.map(({ name, confirm }) => ({
    "@type": "Command",
    name: dtdlName(name),
    displayName: name,
    ...(confirm ? { description: `done when ${confirm.text}` } : {}),
  }));
  const alarms = device.alarms.map(({ name, when, severity }) => ({
    "@type": "Telemetry",
    name: dtdlName(`alarm-${name}`),
    displayName: name,
    description: `${severity}: ${when.text}`,
    schema: "boolean",
  }));
  const taken = new Set([...settings, ...commands, ...alarms].map(({ name }) => name));
  const channels = keptChannels(device).map((channel) => {
    const name = dtdlName(channel.name);
    return {
      "@type": typed("Telemetry", channel.unit),
      name: taken.has(name) ? `${name}_reading` : name,
      displayName: channel.name,
      schema: schemaOf(channel),
      ...unitOf(channel.unit),
    };
  });
  return [...channels, ...settings, ...commands, ...alarms];
}

const dtdlName = (name: string): string => name.replaceAll("-", "_");

const schemaOf = (channel: Channel | undefined): unknown =>
  channel?.states
    ? {
        "@type": "Enum",
        valueSchema: "integer",
        enumValues: [...channel.states].map(([enumValue, name]) => ({ name: dtdlName(name), enumValue })),
      }
    : "double";

const typed = (element: string, unit: string): string | readonly string[] => {
  const known = QUANTITIES[unit];
  return known ? [element, known[0]] : element;
};

/** A unit that the extension doesn't know is told to people only: `unit` stands for its own names alone. */
const unitOf = (unit: string): { unit?: string; comment?: string } => {
  const known = QUANTITIES[unit];
  if (known) return { unit: known[1] };
  return unit === "" ? {} : { comment: `UCUM unit: ${unit}` };
};

/** UCUM → semantic type and unit of dtmi:dtdl:extension:quantitativeTypes;1. */
// biome-ignore format: a table
const QUANTITIES: Readonly<Record<string, readonly [type: string, unit: string]>> = {
  Cel: ["Temperature", "degreeCelsius"], "[degF]": ["Temperature", "degreeFahrenheit"], K: ["Temperature", "kelvin"],
  mm: ["Length", "millimetre"], cm: ["Length", "centimetre"], m: ["Length", "metre"], km: ["Length", "kilometre"],
  um: ["Length", "micrometre"], "[in_i]": ["Length", "inch"], "[ft_i]": ["Length", "foot"],
  mbar: ["Pressure", "millibar"], hPa: ["Pressure", "hectopascal"], Pa: ["Pressure", "pascal"],
  kPa: ["Pressure", "kilopascal"], bar: ["Pressure", "bar"], "[psi]": ["Pressure", "poundPerSquareInch"],
  s: ["TimeSpan", "second"], min: ["TimeSpan", "minute"], h: ["TimeSpan", "hour"], d: ["TimeSpan", "day"],
  ms: ["TimeSpan", "millisecond"], us: ["TimeSpan", "microsecond"],
  A: ["Current", "ampere"], mA: ["Current", "milliampere"], uA: ["Current", "microampere"],
  V: ["Voltage", "volt"], mV: ["Voltage", "millivolt"], uV: ["Voltage", "microvolt"], kV: ["Voltage", "kilovolt"],
  W: ["Power", "watt"], kW: ["Power", "kilowatt"], mW: ["Power", "milliwatt"],
  "kW.h": ["Energy", "kilowattHour"], "W.h": ["Energy", "wattHour"], J: ["Energy", "joule"],
  Ohm: ["Resistance", "ohm"], kOhm: ["Resistance", "kiloohm"],
  Hz: ["Frequency", "hertz"], kHz: ["Frequency", "kilohertz"], "/min": ["AngularVelocity", "revolutionPerMinute"],
  L: ["Volume", "litre"], m3: ["Volume", "cubicMetre"], mL: ["Volume", "millilitre"],
  "L/s": ["VolumeFlowRate", "litrePerSecond"], "L/min": ["VolumeFlowRate", "litrePerMinute"],
  "L/h": ["VolumeFlowRate", "litrePerHour"], "m3/h": ["VolumeFlowRate", "cubicMetrePerHour"],
  "m3/s": ["VolumeFlowRate", "cubicMetrePerSecond"],
  "m/s": ["Velocity", "metrePerSecond"], "km/h": ["Velocity", "kilometrePerHour"], "[kn_i]": ["Velocity", "knot"],
  deg: ["Angle", "degreeOfArc"], "%": ["RelativeHumidity", "percent"],
  "[ppm]": ["Concentration", "partsPerMillion"], "[ppb]": ["Concentration", "partsPerBillion"],
  lx: ["Illuminance", "lux"], "W/m2": ["Irradiance", "wattPerSquareMetre"],
  kg: ["Mass", "kilogram"], g: ["Mass", "gram"], t: ["Mass", "tonne"], By: ["DataSize", "byte"],
};

const seconds = (name: string, description: string) => ({
  "@type": ["Property", "TimeSpan"],
  name,
  displayName: name,
  description,
  schema: "double",
  writable: true,
  unit: "second",
});
const EVERY = seconds("every", "how often the device is asked; null: as its file says");
const HEALTH = { "@type": "Property", name: "health", displayName: "health", schema: "string" };
const UPLOAD_INTERVAL = seconds("interval", "how often what was measured is sent; null: as agent.yaml says");
const UPLOAD_COMPONENT = {
  "@type": "Component",
  name: "upload",
  displayName: "upload",
  // Two segments: no type of device can be called so.
  schema: modelId("agent", "upload"),
};
const LIVE = {
  "@type": "Property",
  name: "live",
  displayName: "live",
  description: "uploads every so many seconds, until then (ms since 1970, at most 30 min ahead)",
  writable: true,
  schema: {
    "@type": "Object",
    fields: [
      { name: "every", schema: "double" },
      { name: "until", schema: "long" },
    ],
  },
};
