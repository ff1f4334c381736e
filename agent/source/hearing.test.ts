import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEchoFilter } from "./echo.ts";
import { createHearing, type Hearer, UNASKED_BYTES_MAX } from "./hearing.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Reports are what stands between < and >. */
function createListener(): Hearer & { heard: string; times: number[] } {
  let open = "";
  const hearer = {
    heard: "",
    times: [] as number[],
    hear: (bytes: Uint8Array, bootMs: number) => {
      hearer.heard += textOf(bytes);
      hearer.times.push(bootMs);
      const frames = [...(open + textOf(bytes)).matchAll(/<[^<>]*>/g)].map(([frame]) => frame);
      open = (open + textOf(bytes)).replaceAll(/<[^<>]*>/g, "").replace(/^[^<]*/, "");
      return frames.map(bytesOf);
    },
    closed: () => {
      open = "";
    },
  };
  return hearer;
}

function createBench() {
  const clock = { now: 0, bootMs: () => clock.now };
  return { clock, hearing: createHearing(clock) };
}

/** Cuts a text into portions at random places. */
const portions = (text: string) =>
  fc
    .uniqueArray(fc.nat(text.length), { maxLength: 6 })
    .map((cuts) => [0, ...cuts.sort((a, b) => a - b), text.length])
    .map((at) => at.slice(1).map((end, index) => text.slice(at[index], end)));

describe("what belongs to no answer", () => {
  it("reaches those who send by themselves, in any portions, and the answer doesn't (property)", () => {
    const around = fc.constantFrom("", "<1>", "noise", "<22><3>", "<4");
    fc.assert(
      fc.property(
        fc
          .tuple(around, around)
          .chain(([before, after]) =>
            fc.tuple(fc.constant(before), fc.constant(after), portions(`${before}ANSWER${after}`)),
          ),
        ([before, after, parts]) => {
          const { hearing } = createBench();
          const listener = createListener();
          hearing.attach(listener);
          let heard = "";
          hearing.listen(
            (bytes) => {
              heard += textOf(bytes);
              if (heard.includes("ANSWER")) hearing.endListening(bytesOf("ANSWER"));
            },
            () => {},
          );
          for (const part of parts) hearing.hear(bytesOf(part));
          expect(listener.heard).toBe(before + after);
          const rest = (before + after).replaceAll(/<[^<>]*>/g, "");
          expect(textOf(hearing.takeUnasked().bytes)).toBe(rest);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("keeps the time of each portion, however long the conversation takes", () => {
    const { clock, hearing } = createBench();
    const listener = createListener();
    hearing.attach(listener);
    hearing.listen(
      () => {},
      () => {},
    );
    clock.now = 10;
    hearing.hear(bytesOf("<1>"));
    clock.now = 20;
    hearing.hear(bytesOf("<2>"));
    clock.now = 500;
    hearing.endListening();
    expect(listener.times).toEqual([10, 20]);
  });

  it("is kept within a bound, and all of it is counted, on a line that never stops", () => {
    for (const isShared of [false, true]) {
      for (const isListening of [false, true]) {
        const { hearing } = createBench();
        if (isShared) hearing.attach(createListener());
        if (isListening)
          hearing.listen(
            () => {},
            () => {},
          );
        for (let at = 0; at < 10_000; at++) hearing.hear(new Uint8Array(100));
        hearing.endListening();
        const { bytes, uncounted } = hearing.takeUnasked();
        expect(bytes.length).toBeLessThanOrEqual(UNASKED_BYTES_MAX);
        // Without reports, what a conversation hears is its own to count.
        if (isShared || !isListening) expect(bytes.length + uncounted).toBe(1_000_000);
        expect(hearing.takeUnasked()).toEqual({ bytes: new Uint8Array(0), uncounted: 0 });
      }
    }
  });
});

describe("the echo of a request", () => {
  const request = Uint8Array.of(1, 6, 0, 16, 0, 200, 0x88, 0x59);
  const through = (parts: readonly Uint8Array[]): number[] => {
    const filter = createEchoFilter(request);
    return [...parts.flatMap((part) => [...filter.take(part)]), ...(filter.end() ?? [])];
  };

  it("is taken off, in any portions, and the answer behind it stays, though it is the same (property)", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 15 }), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, (places) => {
        const whole = Uint8Array.of(...request, ...request);
        const at = [0, ...places.sort((a, b) => a - b), whole.length];
        expect(through(at.slice(1).map((end, index) => whole.subarray(at[index], end)))).toEqual([...request]);
      }),
      { numRuns: 500 },
    );
  });

  it("is taken off when some of its bytes were damaged, or one got lost", () => {
    const answer = [1, 3, 2, 7, 7, 9, 9];
    for (let at = 0; at < request.length; at++) {
      const damaged = Uint8Array.from(request, (byte, index) => (index === at ? byte ^ 0x41 : byte));
      expect(through([damaged, Uint8Array.from(answer)])).toEqual(answer);
      if (at === request.length - 1) continue;
      const lost = request.filter((_, index) => index !== at);
      expect(through([Uint8Array.of(...lost, ...answer)]), `without byte ${at}`).toEqual(answer);
    }
  });

  it("that never comes takes nothing away: an adapter may have no echo after all", () => {
    const answer = [9, 3, 4, 1, 2, 3, 4, 0xab, 0xcd];
    expect(through([Uint8Array.from(answer)])).toEqual(answer);
    expect(through(answer.map((byte) => Uint8Array.of(byte)))).toEqual(answer);
  });
});
