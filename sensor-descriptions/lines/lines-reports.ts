/** Lines that a device sends by itself, found among all that come, and written as the device would. */

import type { Report, SerialProtocol } from "../model.ts";
import type { Lines } from "./lines-messages.ts";
import { beginsLike, constantLetters, filled } from "./text-template.ts";

export function createLineReports(lines: Lines): Required<Pick<SerialProtocol, "listen" | "report">> {
  return {
    listen: (address) => {
      const splitter = lines.answers.createSplitter();
      const kinds = kindsOf(lines, address);
      let otherFrames = 0;
      return {
        get otherFrames() {
          return otherFrames;
        },
        get strayBytes() {
          return splitter.strayBytes;
        },
        push: (bytes) => {
          const found: Report[] = [];
          splitter.push(bytes, ({ content, isIntact, bytes: frame }) => {
            if (!isIntact) return;
            const kind = kinds.find(({ begins, body }) => beginsLike(begins, content) && body.isMeant(content));
            if (kind?.report === undefined) otherFrames++;
            else found.push({ read: kind.report, frame, values: kind.body.decode(content) });
          });
          return found;
        },
      };
    },
    report: (address, read, values) => {
      const found = lines.reports.find(({ name }) => name === read);
      if (found === undefined) throw new Error(`report ${read}: the protocol has no such report`);
      return lines.answers.wrap(found.body.encode(filled(found.answer, addressOnly(lines, address)), values));
    },
  };
}

/**
 * Longest beginning first; answers to requests are no reports. Those that may begin with anything are left out, unless
 * something is known to be an answer.
 */
export function kindsOf(lines: Lines, address: number, isAnyAnswer = false) {
  const textOf = addressOnly(lines, address);
  const asked = lines.asked.filter(
    ({ answer, isUnanswered }) => (isAnyAnswer && isUnanswered !== true) || constantLetters(answer) > 0,
  );
  return [
    ...lines.reports.map(({ name, answer, body }) => ({ report: name, begins: filled(answer, textOf), body })),
    ...asked.map(({ kind, name, answer, body }) => ({
      report: undefined,
      asked: `${kind} ${name}`,
      begins: filled(answer, textOf),
      body,
    })),
  ].sort((a, b) => b.begins.length - a.begins.length);
}

/** Only the address is known; where a value stands, the beginning that is looked for would end: any letter is taken. */
const addressOnly =
  (lines: Lines, address: number) =>
  (placeholder: string): string =>
    placeholder === "address" ? lines.addressText(address) : "?";
