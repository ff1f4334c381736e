/** `"10 {value}"`: constant bytes and placeholders, filled in by the host and read by the device's side. */
import { createField, type Field } from "../fields/fields.ts";
import type { DecodedValue, Values } from "../model.ts";
import type { FieldSpec, Template } from "../spec.ts";

export interface BodyTemplate {
  readonly parts: readonly TemplatePart[];
  readonly length: number;
  /** How many bytes are constant: of two templates that match, the one with more of them is meant. */
  readonly constantBytes: number;
  /** The constant bytes at its beginning. */
  readonly beginning: Uint8Array;
  /** `valueOf` undefined: the placeholder's bytes stay 0. Throws RangeError when a value doesn't fit its coding. */
  fill(valueOf: (placeholder: string) => number | undefined): Uint8Array;
  matches(data: Uint8Array, at: number, length: number): boolean;
  /** Values of the placeholders in a body that matches. */
  values(data: Uint8Array, at: number): Values;
  /** The bytes of a placeholder in a filled body; empty when the template has no such placeholder. */
  bytesOf(placeholder: string, body: Uint8Array): Uint8Array;
}

export type TemplatePart =
  | { readonly at: number; readonly bytes: Uint8Array }
  | { readonly at: number; readonly placeholder: string; readonly field: FieldSpec };

/** `fieldOf` gives the coding of a placeholder; zeros fill the body up to `fixedLength`. */
export function createTemplate(
  template: Template,
  fieldOf: (placeholder: string) => FieldSpec,
  fixedLength = 0,
): BodyTemplate {
  const constants: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const holes: { readonly at: number; readonly name: string; readonly spec: FieldSpec; readonly field: Field }[] = [];
  let length = 0;
  for (const part of template) {
    if ("bytes" in part) {
      constants.push({ at: length, bytes: part.bytes });
      length += part.bytes.length;
    } else {
      const spec = { ...fieldOf(part.placeholder), at: 0 };
      const field = createField(spec);
      holes.push({ at: length, name: part.placeholder, spec, field });
      length += field.size;
    }
  }
  if (fixedLength > 0 && length > fixedLength) {
    throw new Error(`a request's body of ${length} bytes doesn't fit into a frame whose bodies have ${fixedLength}`);
  }
  if (length < fixedLength) constants.push({ at: length, bytes: new Uint8Array(fixedLength - length) });
  const size = Math.max(length, fixedLength);
  return {
    parts: [...constants, ...holes.map(({ at, name, spec }) => ({ at, placeholder: name, field: spec }))],
    length: size,
    constantBytes: constants.reduce((sum, { bytes }) => sum + bytes.length, 0),
    beginning: constants[0]?.at === 0 ? constants[0].bytes : new Uint8Array(),
    fill: (valueOf) => {
      const body = new Uint8Array(size);
      for (const { at, bytes } of constants) body.set(bytes, at);
      for (const { at, name, field } of holes) {
        const value = valueOf(name);
        if (value !== undefined) field.write(body, at, value);
      }
      return body;
    },
    matches: (data, at, bodyLength) =>
      bodyLength === size && constants.every((part) => part.bytes.every((byte, i) => data[at + part.at + i] === byte)),
    values: (data, at) => {
      const values = new Map<string, DecodedValue>();
      for (const hole of holes) values.set(hole.name, hole.field.read(data, at + hole.at));
      return values;
    },
    bytesOf: (placeholder, body) => {
      const hole = holes.find(({ name }) => name === placeholder);
      return hole === undefined ? new Uint8Array() : body.slice(hole.at, hole.at + hole.field.size);
    },
  };
}
