/** What a protocol of text lines is compiled from; the rest of the seam is `spec.ts`. */
import type { Condition, SerialQuirks, SerialSettings, SerialTiming } from "../model.ts";
import type { SetUpSpec } from "../set-up.ts";
import type { ByteOrder, CheckSpec, Formula, SpecChannel } from "../spec.ts";

/** "spaces": one or more blanks; "before-sign": each field begins with + or − ("+21.5-3.0"). */
export type LineSeparator = { readonly text: string } | "spaces" | "before-sign";

/** Stands behind `after` (which may be empty in a line), over the content and what else it covers. */
export interface LineCheckSpec {
  readonly check: CheckSpec;
  readonly after: string;
  readonly isOptional: boolean;
  readonly coversBegin: boolean;
  readonly coversAfter: boolean;
  /** Bytes only in blocks: one of them might be what ends a line. */
  readonly written: "hex-digits" | "bytes";
  readonly byteOrder: ByteOrder;
}

/** What every line has around its content. */
export interface LineForm {
  readonly begin: string;
  /** Of a block with a check it may be empty: that block ends with its check. */
  readonly end: string;
  readonly separator: LineSeparator;
  readonly check?: LineCheckSpec;
  /** Several lines that belong together: each of them is a field, and `separator` is what ends a line. */
  readonly isBlock: boolean;
}

/** How a number is written. */
export interface NumeralSpec {
  readonly as: "decimal" | "hex";
  /** Places behind the point; undefined: as many as the value has. */
  readonly decimals?: number;
  /** All digits of the number, also those behind the point; undefined: as many as it takes. */
  readonly digits?: number;
  /** What fills up missing digits. */
  readonly fill?: "zeros" | "blanks";
  /** + or −; else only −. */
  readonly sign?: "always";
  /** "implied": none is written, the last `decimals` digits stand behind it. */
  readonly decimalMark?: "comma" | "implied";
}

/** One value in a line, as text. */
export interface TextFieldSpec extends NumeralSpec {
  /** Place from 0 in the line, or in the group; undefined: the field that begins with `beginsWith`. */
  readonly place?: number;
  /** The group of this name. */
  readonly group?: string;
  /** "?" is any letter. */
  readonly beginsWith: string;
  readonly endsWith: string;
  /** value = number in the text · scale + offset. */
  readonly scale: number;
  /** Scale and offset by the text at that place of the line or the group; `scale` and `offset` are the first of them. */
  readonly unitAt?: {
    readonly place: number;
    readonly scales: ReadonlyMap<string, { readonly scale: number; readonly offset: number }>;
  };
  readonly offset: number;
  /** Texts that have a name, by the number under which they travel (`numberOfText`); undefined: it is a number. */
  readonly states?: ReadonlyMap<number, string>;
  /** Texts that mean: no sensor. An empty field always does. */
  readonly noSensor: readonly string[];
}

export interface LineChannelSpec {
  readonly channel: SpecChannel;
  readonly validWhen?: Condition;
  readonly source:
    | { readonly from: "text"; readonly text: TextFieldSpec }
    | { readonly from: "formula"; readonly formula: Formula };
}

/** `"T={value}"`; {address} is the device's address. */
export type TextTemplate = readonly ({ readonly text: string } | { readonly placeholder: string })[];

export interface LineReadSpec {
  readonly name: string;
  /** Undefined: the device sends it by itself. */
  readonly send?: TextTemplate;
  /** How the line begins; "?" is any letter. */
  readonly answer: TextTemplate;
  /** Only lines in which these fields have these texts. */
  readonly where: ReadonlyMap<number, string>;
  /** While one of these fields has another text, all others are "no-sensor". */
  readonly validWhen?: ReadonlyMap<number, string>;
  /** Repeated groups of fields: the first field of the first one, fields of each, and the place of its name. */
  readonly groups?: { readonly from: number; readonly length: number; readonly name: number };
  readonly channels: readonly LineChannelSpec[];
}

export interface LinesSpec {
  readonly protocol: "lines";
  readonly serial: SerialSettings;
  readonly timing: SerialTiming;
  readonly quirks?: SerialQuirks;
  readonly line: LineForm;
  readonly requestLine: LineForm;
  /** How {address} is written. */
  readonly addressAs: NumeralSpec;
  /** How a refusal begins; the number behind it is its code. */
  readonly refusal?: string;
  readonly refusals?: ReadonlyMap<number, string>;
  /** Without `answer` nothing answers it. */
  readonly setUp?: SetUpSpec<{ readonly send: TextTemplate; readonly answer?: TextTemplate }>;
  readonly reads: readonly LineReadSpec[];
  readonly settings: readonly {
    readonly name: string;
    readonly write: TextTemplate;
    /** Undefined: nothing answers it. */
    readonly answer?: TextTemplate;
    readonly field: TextFieldSpec;
  }[];
  readonly commands: readonly { readonly name: string; readonly send: TextTemplate; readonly answer?: TextTemplate }[];
}
