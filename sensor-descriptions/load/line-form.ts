/** What stands around every line (`line:`, `request-line:`), or around several that are one message (`block:`). */
import type * as z from "zod";
import { checksumNames, isChecksumName } from "../checksum/checksum.ts";
import type { LineCheckSpec, LineForm } from "../lines/lines-spec.ts";
import { say } from "../messages.ts";
import type { linesShape } from "../schema/lines.ts";
import type { CheckSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

type Shape = z.output<typeof linesShape>;
type LineShape = NonNullable<Shape["line"]>;
type BlockShape = NonNullable<Shape["block"]>;
type CheckShape = NonNullable<LineShape["check"]> | NonNullable<BlockShape["check"]>;

/** Answers and reports, and requests. */
export function lineForms(judge: Judge, shape: Shape): { line: LineForm; requestLine: LineForm } {
  if (shape.line && shape.block) judge.report(["block"], say.lineOrBlock(), "key");
  const plain = lineOf(judge, ["line"], shape.line ?? {});
  const line = shape.block ? blockOf(judge, shape.block) : plain;
  return { line, requestLine: shape["request-line"] ? lineOf(judge, ["request-line"], shape["request-line"]) : plain };
}

function lineOf(judge: Judge, at: Path, shape: LineShape): LineForm {
  const separator = shape.separator ?? ",";
  if (shape.end === "") judge.report([...at, "end"], say.lineNeedsEnd());
  const check = shape.check && checkOf(judge, [...at, "check"], shape.check);
  return {
    begin: shape.begin ?? "",
    end: shape.end === undefined || shape.end === "" ? "\r\n" : shape.end,
    separator: separator === "spaces" || separator === "before-sign" ? separator : { text: separator },
    ...(check ? { check } : {}),
    isBlock: false,
  };
}

function blockOf(judge: Judge, shape: BlockShape): LineForm {
  const at = ["block"];
  if (shape["line-end"] === "") judge.report([...at, "line-end"], say.lineNeedsEnd());
  const check = shape.check && checkOf(judge, [...at, "check"], shape.check);
  const end = shape.end ?? "";
  const hasMark = shape.check?.after !== undefined && shape.check.after !== "";
  if (shape.check ? !hasMark : end === "") judge.report(at, say.blockNeedsEnd(shape.check !== undefined), "key");
  return {
    begin: shape.begin ?? "",
    end: shape.check || end !== "" ? end : "\r\n",
    separator: { text: shape["line-end"] || "\r\n" },
    ...(check ? { check } : {}),
    isBlock: true,
  };
}

function checkOf(judge: Judge, at: Path, shape: CheckShape): LineCheckSpec | undefined {
  const check = sumOrCrc(judge, at, shape);
  if (!check) return undefined;
  const { over = { first: "content", last: "content" } } = shape;
  return {
    check,
    after: shape.after ?? "",
    isOptional: "may-be-missing" in shape && shape["may-be-missing"] === true,
    coversBegin: over.first === "begin",
    coversAfter: over.last === "after",
    written: "written" in shape && shape.written === "bytes" ? "bytes" : "hex-digits",
    byteOrder: ("byte-order" in shape ? shape["byte-order"] : undefined) ?? "big-endian",
  };
}

function sumOrCrc(judge: Judge, at: Path, { sum, crc }: CheckShape): CheckSpec | undefined {
  if ((sum === undefined) === (crc === undefined)) judge.report(at, say.framePartNeeds("check", "sum"), "key");
  if (crc === undefined) return sum && { kind: sum };
  if (isChecksumName(crc)) return { kind: "crc", name: crc };
  judge.report([...at, "crc"], say.unknownChecksum(crc, nearestWord(crc, checksumNames)));
  return undefined;
}
