/** The page's units against the station's table of settings: outside of `web/`, whose walls keep the agent away. */
import { TUNED_PUMP } from "@pump-station/agent/testing/tuned-pump.ts";
import { declaredSettings } from "@pump-station/agent/twin/declared-settings.ts";
import { UPLOAD_SETTINGS } from "@pump-station/agent/twin/known-settings.ts";
import type { Channel } from "@pump-station/sensor-descriptions/model.ts";
import { expect, test } from "vitest";
import type { StreamChannel } from "./api/contract.ts";
import { unitText } from "./web/format.ts";
import { settingUnit } from "./web/setting-units.ts";

const target: StreamChannel = { name: "target", kind: "gauge", unit: "Cel", resolution: 0.1 };
const streamed = ({ name, kind, unit, resolution }: Channel): StreamChannel => ({ name, kind, unit, resolution });

test("each setting of a device is shown in the unit in which the station takes it", () => {
  const declared = [...declaredSettings(TUNED_PUMP).values()];
  const shown = declared.map(({ key }) => [key, settingUnit(`devices/pump/${key}`, TUNED_PUMP.channels.map(streamed))]);
  expect(shown).toEqual(declared.map(({ key, shape }) => [key, unitText(shape.unit)]));
});

test("each setting of the station, too; live is in seconds", () => {
  const words: Readonly<Record<string, string>> = { "MB/month": "MB a month" };
  for (const { name, shape } of UPLOAD_SETTINGS) {
    const unit = shape.kind === "number" ? shape.unit : "";
    expect([name, settingUnit(`upload/${name}`, [target])]).toEqual([name, words[unit] ?? unit]);
  }
  expect(settingUnit("live", [target])).toBe("s");
});

test.each([
  ["target", "°C"],
  ["alarm-too-hot-until-target-at-most-2", "°C"],
  ["lights", ""],
])("%s of a device's hardware is in %j", (name, unit) => {
  expect(settingUnit(`devices/pump/${name}`, [target])).toBe(unit);
});
