/**
 * Which examples of its base still hold for a file that extends it. An example goes when it shows a conversation that
 * the file changes (its frame or steps, the read's or the write's bytes, `let:` lines); of one that stays, the values of
 * channels that the file changes or takes away are no longer compared. A range or a note changes no value.
 */
import { formulaName } from "../formula/formula.ts";
import type { Base } from "./device-type.ts";
import type { Example } from "./examples-of-type.ts";
import { isSection, NONE, type Section, sectionAt } from "./extends.ts";
import type { Need } from "./needs.ts";
import type { Tree } from "./source-document.ts";

/** Keys of a file that no example shows, or that are looked at one by one. */
const APART: ReadonlySet<string> = new Set([
  "format", "type", "extends", "label", "source", "protocol", "every", "needs", "alarms", "examples", "serial", "timing", "quirks",
  "pulses", "channels", "reads", "settings", "commands", "refusals", "let",
]); // biome-ignore format: a table
const SAME_VALUE: ReadonlySet<string> = new Set(["range", "note", "filter"]);
const ONLY_CHANNELS: ReadonlySet<string> = new Set(["channels"]);
const SAME_WRITE: ReadonlySet<string> = new Set(["range", "step", "only-when", "confirm", "within", "note"]);

/** `merged`: what the file and its base say together. */
export function inheritedExamples(base: Base, merged: Tree | undefined, needs: ReadonlyMap<string, Need>): Example[] {
  const { type, tree } = base;
  const own = sectionAt(base.changes);
  const lets = sectionAt(tree, "let");
  if (own["protocol"] !== undefined && own["protocol"] !== type.kind) return [];
  const isOtherConversation = Object.keys(own).some((key) => !APART.has(key));
  if (isOtherConversation || Object.keys(sectionAt(own, "let")).some((name) => Object.hasOwn(lets, name))) return [];
  const changed = changedChannels(own, merged);
  return type.examples.flatMap((example) => {
    if (showsChange(example, base, own, changed)) return [];
    const gives = new Map([...example.gives].filter(([name]) => !changed.has(name)));
    if (gives.size === 0 && example.gives.size > 0 && !example.sent) return [];
    const inheritedFrom = example.inheritedFrom ?? type.originOf(example.place);
    return [{ ...example, place: ["extends"], inheritedFrom, gives, given: givenTo(example, needs) }];
  });
}

/** Also those that are computed from one that is changed. */
function changedChannels(own: Section, merged: Tree | undefined): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const [name, channel] of channelsIn(own)) {
    if (!isSection(channel) || Object.keys(channel).some((key) => !SAME_VALUE.has(key))) changed.add(name);
  }
  const formulas = channelsIn(merged).flatMap(([name, channel]): [string, string][] => {
    const formula = isSection(channel) ? channel["formula"] : undefined;
    return typeof formula === "string" ? [[name, formula]] : [];
  });
  for (let before = -1; changed.size > 0 && before < changed.size; ) {
    before = changed.size;
    const words = new Set([...changed].map(formulaName));
    for (const [name, formula] of formulas)
      if (formula.match(/\w+/g)?.some((word) => words.has(word))) changed.add(name);
  }
  return changed;
}

const channelsIn = (tree: Tree | undefined): [string, Tree][] => [
  ...Object.entries(sectionAt(tree, "channels")),
  ...Object.keys(sectionAt(tree, "reads")).flatMap((read) =>
    Object.entries(sectionAt(tree, "reads", read, "channels")),
  ),
];

function showsChange({ shows }: Example, { type, tree }: Base, own: Section, changed: ReadonlySet<string>): boolean {
  const inBase = sectionAt(tree, "reads");
  const isChanged = (section: string, name: string, same: ReadonlySet<string>): boolean => {
    const said = sectionAt(own, section)[name];
    return said === NONE || (isSection(said) && Object.keys(said).some((key) => !same.has(key)));
  };
  // Requests that are planned from channels are other ones when the channels are.
  const isPlanned = shows.kind === "read" && type.kind.startsWith("modbus") && !Object.hasOwn(inBase, shows.read);
  if (isPlanned && Object.keys(sectionAt(own, "channels")).some((name) => changed.has(name))) return true;
  if (shows.kind === "read") return isChanged("reads", shows.read, ONLY_CHANNELS);
  if (shows.kind === "command") return isChanged("commands", shows.command, SAME_WRITE);
  if (shows.kind !== "set") return false;
  const readBack = type.settings.find(({ name }) => name === shows.setting)?.readBack ?? "";
  return changed.has(readBack) || isChanged("settings", shows.setting, SAME_WRITE);
}

/** What the base gave them, whatever the defaults are now; and what is only needed now. */
function givenTo(example: Example, needs: ReadonlyMap<string, Need>): ReadonlyMap<string, number> {
  const given = new Map<string, number>();
  for (const need of needs.values()) if (need.default !== undefined) given.set(need.name, need.default);
  for (const [name, value] of example.given) if (needs.has(name) || name === "altitude") given.set(name, value);
  return given;
}
