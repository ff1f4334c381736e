import { expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { watchLink } from "./link-watch.ts";

it("a network that comes up, or becomes another one, is told once, within seconds", async () => {
  const time = createSimulatedTime();
  const state = { up: true, name: "wwan0" };
  let told = 0;
  const stop = new AbortController();
  const network = {
    interface: () => state.name,
    name: () => state.name,
    isUp: () => state.up,
    counters: () => undefined,
  };
  const running = watchLink({ ...time, network, onUp: () => told++ }, stop.signal);
  await time.advance(60_000);
  expect(told).toBe(0);
  state.up = false;
  await time.advance(60_000);
  state.up = true;
  await time.advance(5_000);
  expect(told).toBe(1);
  await time.advance(60_000);
  state.name = "eth0 via 10.0.0.1";
  await time.advance(60_000);
  expect(told).toBe(2);
  stop.abort();
  await running;
});
