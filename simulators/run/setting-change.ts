/** A desired value on its way down to the hardware and back up: written, read back, reported. */
import type { Device, Setting } from "@pump-station/sensor-descriptions/model.ts";
import type { CheckDeps } from "./check.ts";
import type { Link } from "./links.ts";

/** Three links that share the change; the first makes it, once, at a moment when the board may take it. */
export function changeLink({ witness, api, station }: CheckDeps, device: Device, setting: Setting): readonly Link[] {
  const path = `devices/${device.name}/${setting.name}`;
  let asked: { readonly value: number; readonly atMs: number } | undefined;

  const askOnce = async (): Promise<string | undefined> => {
    if (asked) return undefined;
    const now = (await witness.evidence()).now[device.name] ?? {};
    const current = now[setting.readBack];
    if (current === undefined) return `the board of ${device.name} has no ${setting.readBack}`;
    if (setting.onlyWhen?.test((channel) => now[channel]) === false) return `waiting until ${setting.onlyWhen.text}`;
    const value = anotherValue(setting, current);
    await api.setDesired(station.name, { devices: { [device.name]: { [setting.name]: value } } });
    const last = (await witness.journal(device.name)).at(-1)?.atMs ?? 0;
    asked = { value, atMs: last };
    return undefined;
  };
  const since = async (did: "set" | "answered") => {
    const entries = await witness.journal(device.name);
    return entries.filter((entry) => entry.did === did && entry.atMs >= (asked?.atMs ?? 0));
  };
  const isWritten = async () =>
    (await since("set")).find(({ values, refused }) => refused === undefined && values[setting.name] === asked?.value);

  return [
    {
      name: "desired change by UART",
      look: async () => {
        const waiting = await askOnce();
        if (waiting !== undefined) return { missing: waiting };
        const written = await isWritten();
        if (!written) return { missing: `${path} = ${asked?.value} was asked; the board saw no such write` };
        return { seen: `PATCH ${path} = ${asked?.value} ${setting.unit}; the board took a write of ${asked?.value}` };
      },
    },
    {
      name: "read back",
      look: async () => {
        const written = await isWritten();
        if (!asked || !written) return { missing: "nothing was written yet" };
        const after = (await since("answered")).find(
          ({ atMs, values }) => atMs >= written.atMs && values[setting.readBack] === asked?.value,
        );
        if (!after) return { missing: `the board was not asked for ${setting.readBack} after the write` };
        return {
          seen: `${setting.readBack} = ${asked.value} asked of the board ${after.atMs - written.atMs} ms after the write`,
        };
      },
    },
    {
      name: "reported with acknowledgement",
      look: async () => {
        if (!asked) return { missing: "nothing was asked yet" };
        const found = (await api.twin(station.name)).settings.find((it) => it.path === path);
        if (!found) return { missing: `the twin has no ${path}` };
        const { reported, ac, av, ad, desiredVersion } = found;
        const said = `reported ${reported}, ac ${ac}, av ${av} of version ${desiredVersion}${ad ? `, "${ad}"` : ""}`;
        const isDone = reported === asked.value && ac === 200 && av === desiredVersion;
        return isDone ? { seen: said } : { missing: said };
      },
    },
  ];
}

/** The middle of what is allowed, or one step from it. */
function anotherValue({ range, step = (range.high - range.low) / 10 }: Setting, current: number): number {
  const middle = range.low + Math.round((range.high - range.low) / 2 / step) * step;
  return Math.abs(middle - current) < step / 2 ? middle + step : middle;
}
