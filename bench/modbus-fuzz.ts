/** Damaged Modbus streams at both sides: `npm run bench -- modbus-fuzz [streams] [seed]`. */
import { fuzzModbus } from "@pump-station/sensor-descriptions/modbus/modbus-fuzz.ts";

const RUNS = 200_000;
const SEED = 1;

export function run(options: readonly string[]): void {
  const [runs = RUNS, seed = SEED] = options.map(Number).filter(Number.isFinite);
  const startedMs = performance.now();
  const { streams, bytes, answers, requests, bad } = fuzzModbus({ runs, seed });
  const seconds = (performance.now() - startedMs) / 1000;
  const shown = (count: number): string => count.toLocaleString("en");
  console.log(
    `modbus-fuzz: ${shown(streams)} damaged streams (${shown(bytes)} bytes, seed ${seed}) in ${seconds.toFixed(1)} s: ` +
      `${shown(answers)} answers and ${shown(requests)} requests taken, each proved; ${shown(bad)} told as damaged`,
  );
}
