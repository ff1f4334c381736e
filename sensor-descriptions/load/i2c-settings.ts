/** Settings of a chip: the steps that write a value, and the channel in which it is read back. */
import type * as z from "zod";
import type { I2cStepSpec } from "../i2c/i2c-spec.ts";
import { say } from "../messages.ts";
import type { Setting } from "../model.ts";
import type { i2cShape } from "../schema/i2c.ts";
import type { ChannelSpec } from "../spec.ts";
import { settingIn } from "./controls.ts";
import type { Surroundings } from "./device-type.ts";
import { type Fields, type StepDefaults, stepOf, stepsOf } from "./i2c-steps.ts";
import { VALUE } from "./i2c-writes.ts";

type Shape = z.output<typeof i2cShape>;

interface BuiltSetting {
  readonly setting: Setting;
  readonly steps: readonly I2cStepSpec[];
}

/** What the file says besides: `constants` are the names that were read before anything is set. */
interface Known {
  readonly channels: readonly ChannelSpec[];
  readonly fields: Fields;
  readonly constants: readonly string[];
}

export function settingsOf(around: Surroundings, shape: Shape, defaults: StepDefaults, known: Known): BuiltSetting[] {
  const channels = known.channels.map(({ channel }) => channel);
  return Object.entries(shape.settings ?? {}).flatMap(([name, said]) => {
    const setting = settingIn(around.judge, name, said, channels, false);
    const steps = setting && stepsOfSetting(around, name, said, shape, defaults, known);
    return setting && steps ? [{ setting, steps }] : [];
  });
}

function stepsOfSetting(
  around: Surroundings,
  name: string,
  said: NonNullable<Shape["settings"]>[string],
  { channels }: Shape,
  defaults: StepDefaults,
  { fields, constants }: Known,
): readonly I2cStepSpec[] | undefined {
  const { judge } = around;
  const at = ["settings", name];
  const readBack = said["read-back"];
  const source = fields.find((field) => field.name === channels[readBack]?.field);
  const value = { readBack, field: source && "field" in source ? source.field : undefined };
  const reported = judge.problems.length;
  const hasWrite = judge.document.has([...at, "write"]);
  const hasSteps = judge.document.has([...at, "steps"]);
  if (hasWrite === hasSteps || (hasSteps && said.with)) {
    judge.report(at, say.settingWriteOrSteps(), "key");
    return undefined;
  }
  const steps = hasWrite
    ? stepOf(around, at, { write: said.write, with: said.with }, defaults, constants, value)
    : stepsOf(around, [...at, "steps"], said.steps ?? [], defaults, constants, value);
  if (judge.problems.length === reported && !steps.some(usesValue)) judge.report(at, say.settingUnwritten(), "key");
  return steps;
}

const usesValue = (step: I2cStepSpec): boolean =>
  "filled" in step && (step.filled ?? []).some(({ formula }) => formula.names.includes(VALUE));
