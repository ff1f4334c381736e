/**
 * A station as a model in DTDL version 3 (Azure/opendigitaltwins-dtdl), for clouds that want one: an Interface for each
 * type of device, and one for the station with a Component for each device.
 *
 *   channel → Telemetry (semantic type and unit of the QuantitativeTypes extension where there is one)
 *   setting → writable Property     command → Command     alarm → Telemetry, true while it holds
 *
 * What every station has beside its description (settings of how it asks, keeps and sends; commands) is passed in by
 * whoever knows it. Devices of a type share its Interface unless what is declared on site makes them differ: then each
 * has its own, of the station's namespace.
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

/** A value that can be set, by its name in the portable twin. */
export interface DtdlSetting {
  readonly name: string;
  readonly description: string;
  readonly value:
    | "number"
    | "text"
    | { readonly choices: readonly string[] }
    | { readonly fields: readonly DtdlField[] };
  /** UCUM */
  readonly unit?: string;
}

interface DtdlField {
  readonly name: string;
  /** A time: ms since 1970. */
  readonly is: "number" | "time" | "text" | "yes or no";
}

/** Of every station. */
export interface DtdlOwn {
  readonly commands: readonly DtdlCommand[];
  readonly settings: readonly DtdlSetting[];
  readonly components: readonly { readonly name: string; readonly settings: readonly DtdlSetting[] }[];
  deviceSettings(device: Device): readonly DtdlSetting[];
  /** Names under which no device can stand in the twin: those have no component. */
  readonly ownKeys: ReadonlySet<string>;
}

const NOTHING_OWN: DtdlOwn = {
  commands: [],
  settings: [],
  components: [],
  deviceSettings: () => [],
  ownKeys: new Set(),
};

/** The station first, then what it is made of; ready to be written as one JSON file. */
export function dtdlFrom(station: Station, own: DtdlOwn = NOTHING_OWN): readonly DtdlInterface[] {
  const devices = station.devices.filter(({ name }) => !own.ownKeys.has(name));
  const { schemas, interfaces } = deviceInterfaces(station, devices, own);
  const contents: readonly DtdlContent[] = [
    ...devices.map(({ name }) => componentOf(name, schemas.get(name) ?? "")),
    ...own.components.map(({ name }) => componentOf(name, ownModelId(name))),
    ...own.settings.map(settingProperty),
  ];
  const taken = new Set(contents.map(({ name }) => name));
  const commands = own.commands.map(stationCommand).filter(({ name }) => !taken.has(name));
  return [
    interfaceOf(modelId("station", station.name), station.label, [...contents, ...commands]),
    ...own.components.map(({ name, settings }) => interfaceOf(ownModelId(name), name, settings.map(settingProperty))),
    ...interfaces,
  ];
}

function deviceInterfaces(station: Station, devices: readonly Device[], own: DtdlOwn) {
  const schemas = new Map<string, string>();
  const interfaces: DtdlInterface[] = [];
  for (const type of new Set(devices.map((device) => device.type))) {
    const group = devices.filter((device) => device.type === type);
    const contents = group.map((device) => contentsOf(device, own.deviceSettings(device)));
    const isOne = new Set(contents.map((one) => JSON.stringify(one))).size === 1;
    for (const [at, { name }] of group.entries()) {
      const id = isOne ? modelId(type) : modelId("station", station.name, name);
      schemas.set(name, id);
      if (at === 0 || !isOne) interfaces.push(interfaceOf(id, isOne ? type : name, contents[at] ?? []));
    }
  }
  return { schemas, interfaces };
}

const componentOf = (name: string, schema: string): DtdlContent => ({
  "@type": "Component",
  name: dtdlName(name),
  displayName: name,
  schema,
});

/** Two segments: no type of device can be called so. */
const ownModelId = (name: string): string => modelId("agent", name);

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

function contentsOf(device: Device, ofStation: readonly DtdlSetting[]): DtdlContent[] {
  const own = device.settings.map((setting) => ({
    "@type": typed("Property", setting.unit),
    name: dtdlName(setting.name),
    displayName: setting.name,
    description: `${setting.range.low} to ${setting.range.high}${setting.onlyWhen ? `, only when ${setting.onlyWhen.text}` : ""}`,
    schema: schemaOf(device.channels.find(({ name }) => name === setting.readBack)),
    writable: true,
    ...unitOf(setting.unit),
  }));
  const settings = [...own, ...ofStation.map(settingProperty), HEALTH];
  const commands = device.commands.map(({ name, confirm }) => ({
    "@type": "Command",
    name: dtdlName(name),
    displayName: name,
    ...(confirm ? { description: `done when ${confirm.text}` } : {}),
  }));
  const set = new Set([...settings, ...commands].map(({ name }) => name));
  const alarms = device.alarms.map(({ name, when, severity }) => ({
    "@type": "Telemetry",
    name: free(dtdlName(`alarm-${name}`), set, "_active"),
    displayName: name,
    description: `${severity}: ${when.text}`,
    schema: "boolean",
  }));
  const taken = new Set([...settings, ...commands, ...alarms].map(({ name }) => name));
  const channels = keptChannels(device).map((channel) => {
    return {
      "@type": typed("Telemetry", channel.unit),
      name: free(dtdlName(channel.name), taken, "_reading"),
      displayName: channel.name,
      schema: schemaOf(channel),
      ...unitOf(channel.unit),
    };
  });
  return [...channels, ...settings, ...commands, ...alarms];
}

const free = (name: string, taken: ReadonlySet<string>, ending: string): string =>
  taken.has(name) ? `${name}${ending}` : name;

/** A name of the portable twin as it stands in a hub's. */
export const dtdlName = (name: string): string => name.replaceAll("-", "_");

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

const HEALTH = { "@type": "Property", name: "health", displayName: "health", schema: "string" };

const settingProperty = ({ name, description, value, unit = "" }: DtdlSetting): DtdlContent => ({
  "@type": typed("Property", unit),
  name: dtdlName(name),
  displayName: name,
  description: description.slice(0, DESCRIPTION_MAX),
  schema: valueSchema(value),
  writable: true,
  ...unitOf(unit),
});

const FIELD_SCHEMAS = { number: "double", time: "long", text: "string", "yes or no": "boolean" } as const;

function valueSchema(value: DtdlSetting["value"]): unknown {
  if (value === "number" || value === "text") return FIELD_SCHEMAS[value];
  if ("choices" in value) {
    const enumValues = value.choices.map((choice) => ({ name: dtdlName(choice), enumValue: choice }));
    return { "@type": "Enum", valueSchema: "string", enumValues };
  }
  const fields = value.fields.map(({ name, is }) => ({
    name: dtdlName(name),
    displayName: name,
    schema: FIELD_SCHEMAS[is],
  }));
  return { "@type": "Object", fields };
}
