/** `records:` of a read, and the channels that stand in them. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { framedShape } from "../schema/framed.ts";
import type { ByteOrder, FieldSpec, RecordChannelSpec, RecordsSpec } from "../spec.ts";
import { type ByteChannelShape, channelOf, fieldOf, needKey, stepOf } from "./channels.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

type RecordsShape = NonNullable<z.output<typeof framedShape>["reads"][string]["records"]>;
type Spot = NonNullable<RecordsShape["key"]>;

export function recordsOf(judge: Judge, at: Path, shape: RecordsShape, byte: ByteOrder): RecordsSpec | undefined {
  const spotOf = (key: string, spot: Spot): FieldSpec =>
    fieldOf(judge, [...at, key], spot.byte, spot.as, { "byte-order": spot["byte-order"] }, { byte });
  const { count, key, length } = shape;
  const own = shape["length-at"];
  if ((length === undefined) === (own === undefined)) {
    judge.report(at, say.recordsNeedLength(), "key");
    return undefined;
  }
  const field = own && spotOf("length-at", own);
  return {
    from: shape.from,
    ...(count ? { count: spotOf("count", count) } : {}),
    ...(key ? { key: spotOf("key", key) } : {}),
    length:
      own && field
        ? { field, extra: own.counts === "rest" ? own.byte + Number(own.as.slice(1)) / 8 : 0 }
        : (length ?? 1),
  };
}

export function recordChannelOf(
  judge: Judge,
  at: Path,
  name: string,
  shape: ByteChannelShape,
  byte: ByteOrder,
): RecordChannelSpec | undefined {
  if (shape.formula !== undefined) judge.report(at, say.fieldOrFormula(), "key");
  if (shape.byte === undefined) needKey(judge, at, "byte");
  if (shape.as === undefined) needKey(judge, at, "as");
  if (shape.byte === undefined || shape.as === undefined || shape.record === undefined) return undefined;
  const field = fieldOf(judge, at, shape.byte, shape.as, shape, { byte });
  return { channel: channelOf(judge, at, name, shape, stepOf(field)), record: shape.record, field };
}
