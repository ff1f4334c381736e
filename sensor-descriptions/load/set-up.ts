/** `set-up:` of devices on serial lines: what all of them say alike. */
import { say } from "../messages.ts";
import type { SetUpSpec } from "../set-up.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export interface SetUpStepShape {
  readonly wait?: number | undefined;
  readonly optional?: boolean | undefined;
  readonly "each-time"?: boolean | undefined;
}

interface SetUpShape<Step extends SetUpStepShape> {
  readonly "set-up"?: readonly Step[] | undefined;
  readonly "set-up-when-refused"?: readonly number[] | undefined;
}

/** What a step that isn't a wait consists of: the key that says it is one, and all keys of its own. */
interface AskKeys<Step> {
  readonly first: keyof Step & string;
  readonly keys: readonly (keyof Step & string)[];
}

/** `askOf` undefined: something was reported. */
export function setUpOf<Step extends SetUpStepShape, Ask>(
  judge: Judge,
  shape: SetUpShape<Step>,
  asks: AskKeys<Step>,
  canRefuse: boolean,
  askOf: (at: Path, step: Step) => Ask | undefined,
): SetUpSpec<Ask> | undefined {
  const { "set-up": steps, "set-up-when-refused": whenRefused = [] } = shape;
  const again = ["set-up-when-refused"];
  if (whenRefused.length > 0 && !steps) judge.report(again, say.setUpMissing(), "key");
  if (whenRefused.length > 0 && !canRefuse) judge.report(again, say.nothingRefuses(), "key");
  if (!steps) return undefined;
  return { steps: steps.flatMap((step, i) => stepOf(judge, i, step, asks, askOf)), whenRefused };
}

function stepOf<Step extends SetUpStepShape, Ask>(
  judge: Judge,
  index: number,
  step: Step,
  { first, keys }: AskKeys<Step>,
  askOf: (at: Path, step: Step) => Ask | undefined,
): SetUpSpec<Ask>["steps"] {
  const at = ["set-up", index];
  const isAsked = keys.some((key) => step[key] !== undefined) || step.optional !== undefined;
  if ((step.wait === undefined) !== isAsked || (isAsked && step[first] === undefined)) {
    // A key that stands there with a wrong value was told of.
    if (!judge.document.has([...at, first])) judge.report(at, say.setUpStepUnclear(first));
    else if (step.wait !== undefined) judge.report([...at, "wait"], say.setUpStepUnclear(first), "key");
    return [];
  }
  const isEachTime = step["each-time"] === true;
  if (step.wait !== undefined) return [{ do: "wait", ms: step.wait, isEachTime }];
  const ask = askOf(at, step);
  return ask === undefined ? [] : [{ do: "ask", step: index + 1, isOptional: step.optional === true, isEachTime, ask }];
}
