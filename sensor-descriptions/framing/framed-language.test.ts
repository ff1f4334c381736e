import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import type { SerialProtocol } from "../model.ts";
import { cobs } from "./cobs.ts";

const FOLDER = join(import.meta.dirname, "../testing/devices");
const textOf = (name: string): string => readFileSync(join(FOLDER, `${name}.yaml`), "utf8");
const protocolOf = (name: string, edit: (text: string) => string = (text) => text): SerialProtocol => {
  const { type, problems } = loadDeviceType({ path: `${name}.yaml`, text: edit(textOf(name)) });
  if (!type) throw new Error(problems.map(({ message }) => message).join("\n"));
  return type.protocol(type.examples[0]?.given ?? new Map()) as SerialProtocol;
};
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const letters = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const nothing = () => undefined;

/** What is said about a file in which `from` has become `to`. */
const said = (name: string, from: string | RegExp, to: string): string[] => {
  const text = textOf(name);
  expect(text.replace(from, to)).not.toBe(text);
  return loadDeviceType({ path: `${name}.yaml`, text: text.replace(from, to) }).problems.map(({ code }) => code);
};

describe("COBS codes the examples of its paper's kind", () => {
  it.each([
    ["00", "01 01"],
    ["00 00", "01 01 01"],
    ["11 22 00 33", "03 11 22 02 33"],
    ["11 22 33 44", "05 11 22 33 44"],
    ["11 00 00 00", "02 11 01 01 01"],
  ])("%s", (plain, sent) => {
    const data = bytes(plain);
    expect(Uint8Array.from(cobs.wrap(data, 0, data.length))).toEqual(bytes(sent));
    const into = new Uint8Array(1_024);
    const length = cobs.unwrap(bytes(sent), 0, bytes(sent).length, into, 0);
    expect(into.slice(0, length)).toEqual(data);
  });

  it.each([253, 254, 255, 509])("%i bytes without a zero, and with one behind them", (count) => {
    for (const data of [new Uint8Array(count).fill(7), Uint8Array.of(...new Uint8Array(count).fill(7), 0)]) {
      const sent = Uint8Array.from(cobs.wrap(data, 0, data.length));
      expect(sent.includes(0)).toBe(false);
      const into = new Uint8Array(1_024);
      expect(into.slice(0, cobs.unwrap(sent, 0, sent.length, into, 0))).toEqual(data);
    }
  });
});

describe("sequence numbers", () => {
  const slip = protocolOf("slip");
  const answerTo = (turn: number): Uint8Array => {
    const [request] = slip.deviceSide(0).push(slip.read(0, "weather", nothing, turn).request);
    if (request?.kind !== "read") throw new Error("not heard");
    return request.answer(
      new Map([
        ["direction", 1],
        ["speed", 0],
      ]),
    );
  };

  it("an answer with another number is not the answer, but counted; the right one behind it is", () => {
    const recogniser = slip.read(0, "weather", nothing, 9).recognise();
    expect(recogniser.push(answerTo(8))).toBeUndefined();
    expect(recogniser.otherFrames).toBe(1);
    expect(recogniser.push(answerTo(9))?.kind).toBe("answer");
  });

  it("a turn that doesn't fit is sent as far as it fits", () => {
    expect(slip.read(0, "weather", nothing, 256 + 9).request).toEqual(slip.read(0, "weather", nothing, 9).request);
  });
});

describe("on a noisy line", () => {
  it("two frames may share the mark between them", () => {
    const sps30 = protocolOf("stuffed-flags");
    const device = sps30.deviceSide(0);
    expect(device.push(bytes("7E 00 01 00 FE 7E 00 00 02 01 03 F9 7E")).map(({ kind }) => kind)).toEqual([
      "command",
      "command",
    ]);
  });

  it("a packet with a wrong check is named, and the next mark is a new beginning", () => {
    const slip = protocolOf("slip");
    const recogniser = slip.read(0, "weather", nothing, 5).recognise();
    expect(recogniser.push(bytes("C0 05 81 00 01 00 00 FF FF C0"))).toMatchObject({ kind: "bad", reason: "checksum" });
    const other = slip.read(0, "weather", nothing, 5).recognise();
    expect(other.push(bytes("C0 05 81 00 01"))).toBeUndefined();
    const [request] = slip.deviceSide(0).push(slip.read(0, "weather", nothing, 5).request);
    if (request?.kind !== "read") throw new Error("not heard");
    const answer = request.answer(
      new Map([
        ["direction", 1],
        ["speed", 0],
      ]),
    );
    expect(other.push(answer)?.kind).toBe("answer");
  });

  it("what has no end for longer than a frame can be is noise up to the next mark", () => {
    const slip = protocolOf("slip");
    const device = slip.deviceSide(0);
    const request = slip.read(0, "weather", nothing, 5).request;
    expect(device.push(new Uint8Array(5_000).fill(0x41))).toEqual([]);
    expect(device.push(request).map(({ kind }) => kind)).toContain("read");
  });

  it("a start inside a stuffed frame begins a new one", () => {
    const xbee = protocolOf("stuffed-by-length");
    const [report] = xbee.listen?.(0).push(bytes("7E 00 02 23 7E 00 02 23 7D 31 CB")) ?? [];
    expect(report).toMatchObject({ read: "modem", values: new Map([["state", 17]]) });
  });
});

describe("reports among answers", () => {
  const pms = protocolOf("reports");
  const values = new Map([
    ["pm2", 7],
    ["version", 1],
    ["errors", 0],
  ]);

  it("are other frames to whoever waits for an answer, and found by whoever listens", () => {
    const report = pms.report?.(0, "air", values) ?? new Uint8Array();
    const answer = bytes("42 4D 00 04 E1 00 01 74");
    const recogniser = pms.command(0, "passive").recognise();
    expect(recogniser.push(report)).toBeUndefined();
    expect(recogniser.otherFrames).toBe(1);
    expect(recogniser.push(answer)?.kind).toBe("answer");
    const listener = pms.listen?.(0);
    const heard = [...Uint8Array.of(0x42, ...answer, ...report, 0x4d)].flatMap(
      (byte) => listener?.push(Uint8Array.of(byte)) ?? [],
    );
    expect(heard).toEqual([{ read: "air", frame: report, values }]);
    expect(listener?.otherFrames).toBe(1);
  });

  it("aren't asked for", () => {
    expect(pms.reads).toMatchObject([{ name: "air", isReport: true }]);
    expect(() => pms.read(0, "air", nothing)).toThrow(/no such read/);
  });
});

describe("refusals", () => {
  it("have the name that the file gives their code", () => {
    const lines = protocolOf("lines-asked");
    expect(lines.set(2, "target", 30).recognise().push(letters("ERR2\r\n"))).toMatchObject({
      kind: "refused",
      code: 2,
      name: "out of range",
    });
  });
});

describe("lines", () => {
  const nmea = protocolOf("lines-nmea");

  it("without their optional check count, with a wrong or half one they don't", () => {
    const push = (line: string) => nmea.listen?.(0).push(letters(line)).length;
    expect(push("$WIMWV,214.8,R,0.1,K,A*28\r\n")).toBe(1);
    expect(push("$WIMWV,214.8,R,0.1,K,A\r\n")).toBe(1);
    expect(push("$WIMWV,214.9,R,0.1,K,A*28\r\n")).toBe(0);
    expect(push("$WIMWV,214.8,R,0.1,K,A*2\r\n")).toBe(0);
  });

  it("with other texts in the fields that were named are others", () => {
    const listener = nmea.listen?.(0);
    expect(listener?.push(letters("$WIMWV,214.8,T,0.1,K,A\r\n"))).toEqual([]);
    expect(listener?.otherFrames).toBe(1);
  });

  it("say in another field in which unit a number is: an unknown one is no value, the device's side says the first", () => {
    const cup = protocolOf("lines-units");
    const speed = (line: string) => cup.listen?.(0).push(letters(line))[0]?.values.get("speed");
    expect(speed("$WIMWV,90.0,R,10.0,M,A\r\n")).toBe(10);
    expect(speed("$WIMWV,90.0,R,36.0,K,A\r\n")).toBeCloseTo(10, 9);
    expect(speed("$WIMWV,90.0,R,10.0,N,A\r\n")).toBeCloseTo(5.144444, 6);
    for (const unit of ["X", "", "m", "MM"]) expect(speed(`$WIMWV,90.0,R,10.0,${unit},A\r\n`)).toBe("malformed");
    expect(speed("$WIMWV,90.0,R,10.0\r\n")).toBe("no-sensor");
    const values = new Map<string, number>(Object.entries({ direction: 90, speed: 10, status: 65 }));
    expect(new TextDecoder().decode(cup.report?.(0, "wind", values))).toBe("$WIMWV,90.0,R,10,M,A*36\r\n");
  });

  it("may call their own values void: nothing counts but the field that says so", () => {
    const cup = protocolOf("lines-units");
    const [report] = cup.listen?.(0).push(letters("$WIMWV,90.0,R,10.0,M,V\r\n")) ?? [];
    expect(report?.values).toEqual(
      new Map<string, unknown>(Object.entries({ direction: "no-sensor", speed: "no-sensor", status: 0x56 })),
    );
  });

  it("give letters the same number whatever else the file says", () => {
    const [report] = nmea.listen?.(0).push(letters("noise$WIMWV,1,R,x,K,V\r\n")) ?? [];
    expect(report?.values).toEqual(
      new Map<string, unknown>([
        ["direction", 1],
        ["speed", "malformed"],
        ["status", 0x56],
      ]),
    );
  });
});

describe("an example may show", () => {
  /** The codes of the problems when `example` is added. */
  const withExample = (name: string, example: string, edit: (text: string) => string = (text) => text) =>
    loadDeviceType({ path: `${name}.yaml`, text: edit(textOf(name)) + example }).problems.map(({ code }) => code);

  it("a value that is malformed, though the device's side has nothing to say it with", () => {
    const received = `  - name: "no number"
    from: "computed from the sentence MWV"
    read: wind
    received: "$WIMWV,045,R,1#.63,N,A\\r\\n"
`;
    expect(withExample("lines-units", `${received}    gives: { speed: malformed }\n`)).toEqual([]);
    expect(withExample("lines-units", `${received}    gives: { speed: 1.63 }\n`)).toEqual(["D602"]);
  });

  it("a refusal without a number", () => {
    const example = `  - name: "no"
    from: "computed from the protocol"
    command: reset
    answer: "ERR\\r\\n"
    refused: 0
`;
    expect(withExample("lines-asked", example)).toEqual([]);
    expect(withExample("lines-asked", example, (text) => text.replace("{ 2:", "{ 0: none, 2:"))).toEqual(["D602"]);
  });
});

describe("what is wrong is said", () => {
  it.each([
    ["records", /length: 3\n/, "length: 3\n      length-at: { byte: 1, as: u8, counts: rest }\n", "D440"],
    ["end-mark", /byte: 1,/, "record: 1, byte: 1,", "D441"],
    ["slip", /send: "01"/, 'send: "01"\n    by-itself: true', "D442"],
    ["slip", /\n {4}answer: "81"/, "", "D443"],
    ["stuffed-flags", /, xor: 20/, "", "D444"],
    ["stuffed-dle", /"10 10" }/, '"10 10 10" }', "D445"],
    ["stuffed-dle", /{ 10: "10 10" }/, '{ 10: "1B 10" }', "D446"],
    ["slip", /wrapping: slip/, 'wrapping: slip\nstuffing: { escape: 7D, xor: 20, escaped: "7E" }', "D447"],
    ["hex-digits", /.*part: start.*\n/, "", "D448"],
    ["records", /.*part: length.*\n/, "", "D449"],
    ["stuffed-flags", /escape: 7D/, 'escape: "7D 7D"', "D450"],
    ["header-check", /.*part: address.*\n/, "", "D523"],
    ["lines-signs", /\{address\}/g, "0", "D523"],
    ["reports", /received: /, 'answer: "00"\n    received: ', "D451"],
    ["lines-asked", /separator: ";", end: "\\r\\n"/, 'separator: ";", end: ""', "D453"],
    ["lines-asked", /"{address}R\?"/, '"{address}R?\\r"', "D454"],
    ["lines-nmea", /field: 1, decimals: 1, unit: deg/, "decimals: 1, unit: deg", "D455"],
    ["lines-nmea", /.*groups:.*\n/, "", "D456"],
    ["lines-nmea", /A: valid/, "ACTIVATED: valid", "D457"],
    ["lines-nmea", /A: valid/, "A: valid, 65: right", "D458"],
    ["lines-nmea", /field: 3, decimals: 1/, "field: 3", "D459"],
    ["lines-units", /unit: m\/s,/, "unit: m/s, scale: 2,", "D481"],
    ["lines-units", /units: {.*?}/, "units: {}", "D482"],
    ["lines-units", /K: km\/h/, "K: kmh", "D303"],
    ["lines-units", /K: km\/h/, "K: °C", "D304"],
    ["lines-units", /unit: m\/s, resolution/, "resolution", "D304"],
    ["lines-asked", /"{address}S={value}", answer/, '"{address}{value}", answer', "D332"],
    ["lines-asked", /answer: "OK"/, 'answer: "OK€"', "D330"],
    ["lines-asked", /answer: "OK"/, "answer: 'OK\\q'", "D331"],
  ])("%s with %s instead", (name, from, to, code) => {
    expect(said(name, from, to)).toContain(code);
  });

  it("that a code apart from the body needs to know its end", () => {
    const unwrapped = textOf("reports").replace(/ {2}- { part: length.*\n/, "  - { part: code, length: 1 }\n");
    expect(loadDeviceType({ path: "reports.yaml", text: unwrapped }).problems.map(({ code }) => code)).toContain(
      "D452",
    );
  });
});
