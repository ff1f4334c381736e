/**
 * Units by their UCUM names (ucum.org), with what people write instead, and how they convert.
 * value in base unit = value · factor + offset. Units of different dimensions never convert.
 */
import { nearestWord } from "./spelling.ts";

interface Unit {
  readonly name: string;
  readonly dimension: string;
  readonly factor: number;
  readonly offset: number;
}

type Row = readonly [name: string, factor: number, also?: string, offset?: number];

/** Dimension → its units; the first is the base. A second reading offered for a bare number is the next common one. */
const TABLE: Record<string, readonly Row[]> = {
  temperature: [
    ["Cel", 1, "°C degC ℃ C"],
    ["[degF]", 5 / 9, "°F degF ℉ F", -160 / 9],
    ["K", 1, "", -273.15],
  ],
  length: [["mm", 1], ["m", 1000], ["cm", 10], ["km", 1e6], ["um", 1e-3, "µm μm"], ["[in_i]", 25.4, "in inch"], ["[ft_i]", 304.8, "ft"]],
  pressure: [["mbar", 1], ["kPa", 10], ["hPa", 1], ["Pa", 0.01], ["bar", 1000], ["MPa", 10_000], ["[psi]", 68.947_572_931_683_6, "psi"], ["cbar", 10], ["mm[Hg]", 1.333_22, "mmHg"], ["[in_i'Hg]", 33.863_788, "inHg"]],
  time: [["s", 1, "sec"], ["min", 60], ["h", 3600], ["d", 86_400], ["ms", 1e-3], ["us", 1e-6, "µs μs"]],
  current: [["A", 1], ["mA", 1e-3], ["uA", 1e-6, "µA μA"]],
  voltage: [["V", 1], ["mV", 1e-3], ["uV", 1e-6, "µV μV"], ["kV", 1e3]],
  power: [["W", 1], ["kW", 1e3], ["mW", 1e-3]],
  "apparent power": [["V.A", 1, "VA"], ["kV.A", 1e3, "kVA"]],
  "reactive power": [["var", 1, "VAr"], ["kvar", 1e3, "kVAr"]],
  energy: [["kW.h", 1, "kWh"], ["W.h", 1e-3, "Wh"], ["J", 1 / 3.6e6]],
  resistance: [["Ohm", 1, "Ω ohm"], ["kOhm", 1e3, "kΩ"]],
  frequency: [["Hz", 1, "/s"], ["kHz", 1e3], ["/min", 1 / 60, "rpm 1/min"]],
  volume: [["L", 1, "l"], ["m3", 1000, "m³"], ["mL", 1e-3, "ml"]],
  "pulses by volume": [["/L", 1, "/l pulses/L pulses/l Imp/L imp/L"], ["/m3", 1e-3, "/m³ pulses/m³ Imp/m³"]],
  flow: [["L/s", 1, "l/s"], ["L/min", 1 / 60, "l/min"], ["L/h", 1 / 3600, "l/h"], ["m3/h", 1 / 3.6, "m³/h"], ["m3/s", 1000, "m³/s"]],
  speed: [["m/s", 1], ["km/h", 1 / 3.6], ["[kn_i]", 1852 / 3600, "kn kt"], ["[mi_i]/h", 0.447_04, "mph"]],
  rain: [["mm/h", 1], ["[in_i]/h", 25.4, "in/h"]],
  angle: [["deg", 1, "°"]],
  ratio: [["%", 1, "%RH %rH"], ["[ppm]", 1e-4, "ppm"], ["[ppb]", 1e-7, "ppb"]],
  conductivity: [["uS/cm", 1, "µS/cm μS/cm"], ["mS/cm", 1000], ["S/m", 10_000]],
  concentration: [["mg/L", 1, "mg/l"], ["ug/L", 1e-3, "µg/l"], ["mg/m3", 1e-3, "mg/m³"], ["ug/m3", 1e-6, "µg/m³ μg/m³"]],
  acidity: [["[pH]", 1, "pH"]],
  turbidity: [["[NTU]", 1, "NTU"]],
  illuminance: [["lx", 1, "lux"]],
  irradiance: [["W/m2", 1, "W/m²"]],
  mass: [["kg", 1], ["g", 1e-3], ["t", 1000]],
  level: [["dB", 1]],
  data: [["By", 1, "B byte"]],
}; // biome-ignore format: a table

const UNITS = new Map<string, Unit>();
for (const [dimension, rows] of Object.entries(TABLE)) {
  for (const [name, factor, also = "", offset = 0] of rows) {
    for (const word of [name, ...also.split(" ").filter(Boolean)]) UNITS.set(word, { name, dimension, factor, offset });
  }
}

export const isKnownUnit = (word: string): boolean => UNITS.has(word);

/** "°C" → "Cel", "kWh" → "kW.h"; an unknown unit keeps its name. */
export const ucumName = (word: string): string => UNITS.get(word)?.name ?? word;

/** How a person reads the unit: "Cel" → "°C". */
export const spokenUnit = (name: string): string => SPOKEN[name] ?? name;

const SPOKEN: Readonly<Record<string, string>> = {
  Cel: "°C",
  "[degF]": "°F",
  "[in_i]": "in",
  "[ft_i]": "ft",
  "[psi]": "psi",
  "[mi_i]/h": "mph",
  "/L": "pulses/L",
  "mm[Hg]": "mmHg",
  "[in_i'Hg]": "inHg",
  "[in_i]/h": "in/h",
};

export const nearestUnit = (word: string): string | undefined => nearestWord(word, UNITS.keys());

/** What is easily taken for another; for the rest it is the next common unit of the same dimension. */
const RIVALS: Readonly<Record<string, string>> = { m: "[ft_i]", mm: "[in_i]" };

/** The unit itself and the one that a bare number could also have meant. */
export function likelyUnits(name: string): string[] {
  const unit = UNITS.get(name);
  const others = ((unit && TABLE[unit.dimension]) ?? []).map(([word]) => word);
  const rival = RIVALS[name] ?? others.find((word) => word !== unit?.name);
  return [name, ...(rival === undefined ? [] : [rival])].map(spokenUnit);
}

/**
 * Undefined when the units measure different things. A `difference` (a correction, a step) converts without the
 * offset of its scale: 1 K more is 1 °C more.
 */
export function convert(
  value: number,
  from: string,
  to: string,
  kind: "value" | "difference" = "value",
): number | undefined {
  const [a, b] = [UNITS.get(from), UNITS.get(to)];
  if (from === to || (a && b && a.name === b.name)) return value;
  if (!a || !b || a.dimension !== b.dimension) return undefined;
  if (kind === "difference") return tidy((value * a.factor) / b.factor);
  return tidy((value * a.factor + a.offset - b.offset) / b.factor);
}

/** 0.1 · 3 is 0.30000000000000004: fifteen digits are what was written. */
const tidy = (value: number): number => Number(value.toPrecision(15));
