/** The station file: what is wired to this board. */
import * as z from "zod";
import * as s from "../scalars.ts";
import { DAY, named } from "./keys.ts";
import { preprocessKeys } from "./preprocess.ts";

const port = z.strictObject({
  serial: s.text().optional().describe("device path, best one that names the plug: /dev/serial/by-path/…"),
  i2c: s.text().optional().describe("device path: /dev/i2c-1, or a link to one"),
  gpio: s.text().optional().describe("the chip by its label: pinctrl-bcm2711"),
  counter: s.text().optional().describe("a counter of the kernel by its name: cat /sys/bus/counter/devices/*/name"),
  simulator: s.text().optional().describe("Unix socket of a simulator that plays this port"),
  note: s.text().optional(),
});
export const deviceKeys = {
  type: s.name(),
  port: s.text(),
  address: s.text().optional(),
  pin: s.pin().optional().describe("the line's number on its chip, or its name: gpioinfo"),
  every: s.duration(100, DAY).optional(),
  faster: z.strictObject({ when: s.text(), every: s.duration(100, DAY) }).optional(),
  "on-site": z
    .strictObject({ when: s.text(), "at-most": s.duration(60_000, DAY).optional() })
    .optional()
    .describe("a key switch: while somebody is on site the cloud moves nothing and alarms page nobody"),
  ...preprocessKeys,
  paused: s.text().optional().describe("why it is not asked; delete the line to go on"),
  note: s.text().optional(),
};
export const stationShape = z.strictObject({
  format: s.format().describe("version of the language: 1"),
  station: s.name().describe("the name the cloud knows; never reuse another station's"),
  label: s.text().optional(),
  place: z.strictObject({ altitude: s.quantity().optional(), "time-zone": s.timeZone().optional() }).optional(),
  ports: named(port),
  // What else a device takes is said by the `needs:` of its type.
  devices: named(z.object(deviceKeys).catchall(z.unknown())),
});
