/** `correct:` from the text of the file to its meaning; units are those of the channel. */
import { say } from "../messages.ts";
import type { Device } from "../model.ts";
import type { Correction } from "../preprocessing.ts";
import { type Quantity, readNumber, readQuantity } from "../quantities.ts";
import type { Failure } from "../scalars.ts";
import { nearestWord } from "../spelling.ts";
import type { Judge } from "./judge.ts";
import type { Path, Tree } from "./source-document.ts";

/** As it stands in the file: amounts still in their own units. */
export type CorrectionText =
  | { readonly offset: Quantity }
  | { readonly points: readonly { readonly read: Quantity; readonly really: Quantity }[] }
  | { readonly polynomial: readonly number[] };

/** At x = 1000, x⁵ is 10¹⁵: beyond that, a double's digits are gone. */
const POLYNOMIAL_MAX = 6;
const POINTS_MAX = 32;

const KEYS = ["polynomial"];
const countOf = (points: number): string => (points < 2 ? "one point is not enough" : `${points} points are too many`);

type Fail = (at: Path, failure: Failure) => void;

/** "-0.4 °C", a list of "3.2 mbar is really 0 mbar", or a section with `polynomial:`; undefined when `fail` was told. */
export function readCorrection(node: Tree, fail: Fail): CorrectionText | undefined {
  if (typeof node === "string") {
    const offset = readQuantity(node.trim());
    if ("ok" in offset) return { offset: offset.ok };
    return void fail([], / is(?: really)? /.test(node) ? { said: say.badPoints(countOf(1), POINTS_MAX) } : offset);
  }
  return Array.isArray(node) ? pointsFrom(node, fail) : polynomialFrom(node, fail);
}

function pointsFrom(nodes: readonly Tree[], fail: Fail): CorrectionText | undefined {
  if (nodes.length < 2 || nodes.length > POINTS_MAX)
    return void fail([], { said: say.badPoints(countOf(nodes.length), POINTS_MAX) });
  const points = nodes.flatMap((node, index) => {
    const [, first, second] = (typeof node === "string" ? /^(.+?) is really (.+)$/.exec(node.trim()) : null) ?? [];
    if (first === undefined || second === undefined) {
      fail([index], { said: say.noPoint(typeof node === "string" ? node : "…") });
      return [];
    }
    const [read, really] = [readQuantity(first.trim()), readQuantity(second.trim())];
    for (const one of [read, really]) if ("said" in one) fail([index], one);
    return "ok" in read && "ok" in really ? [{ read: read.ok, really: really.ok }] : [];
  });
  return points.length === nodes.length ? { points } : undefined;
}

function polynomialFrom(node: { readonly [key: string]: Tree }, fail: Fail): CorrectionText | undefined {
  const { polynomial, ...others } = node;
  const [other] = Object.keys(others);
  if (other !== undefined) return void fail([], { said: say.unknownKey(other, nearestWord(other, KEYS), KEYS) });
  if (!Array.isArray(polynomial) || polynomial.length < 2 || polynomial.length > POLYNOMIAL_MAX) {
    return void fail(["polynomial"], { said: say.noPolynomial(POLYNOMIAL_MAX) });
  }
  const factors = polynomial.flatMap((text, index) => {
    const number = typeof text === "string" ? readNumber(text.trim()) : { said: say.noPolynomial(POLYNOMIAL_MAX) };
    if ("ok" in number) return [number.ok];
    fail(["polynomial", index], number);
    return [];
  });
  return factors.length === polynomial.length ? { polynomial: factors } : undefined;
}

/** In the channel's unit; undefined when something was reported. */
export function correctionOf(judge: Judge, at: Path, text: CorrectionText, unit: string): Correction | undefined {
  if ("polynomial" in text) return text;
  if ("offset" in text) return judge.quantity(at, text.offset, unit, "difference");
  const points = text.points.flatMap(({ read, really }, index) => {
    const [a, b] = [read, really].map((quantity) => judge.quantity([...at, index], quantity, unit));
    return a === undefined || b === undefined ? [] : [{ read: a, really: b, index }];
  });
  if (points.length < text.points.length) return undefined;
  points.sort((a, b) => a.read - b.read);
  const twice = points.find((point, index) => point.read === points[index - 1]?.read);
  if (twice)
    judge.report([...at, twice.index], say.badPoints("two points are at the same value of the sensor", POINTS_MAX));
  return { points: points.map(({ read, really }) => ({ read, really })) };
}

/** A setting is read back in this channel: corrected, it would never show what was set. */
export const isReadBack = (device: Pick<Device, "settings">, channel: string): boolean =>
  device.settings.some(({ readBack }) => readBack === channel);
