/** `npm run prove` as a program, with the bundles that `npm run build` has made. */
import { fileURLToPath } from "node:url";
import { type Ran, runProgram } from "./programs.ts";

const PROVE = fileURLToPath(new URL("../../../tools/prove.mjs", import.meta.url));
const seed = process.env["SEED"] ?? `${Date.now() % 1_000_000}`;

/** Its exit code on a machine that can't do it. */
export const UNAVAILABLE = 69;

export const prove = (...words: readonly string[]): Promise<Ran> =>
  runProgram(PROVE, ...words, "--built", "--seed", seed);
