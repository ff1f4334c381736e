import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { expect, test } from "vitest";
import { mayPublish, maySubscribe } from "./permissions.ts";

const lake = { station: "lake", role: "station", by: "password" } as const;

test("a station may publish where it has something to say, and nowhere else", () => {
  const own = topicsOf("lake");
  expect(mayPublish(lake, own.message("normal", { kind: "batch" }))).toBe(true);
  expect(mayPublish(lake, own.twinReport("7"))).toBe(true);
  expect(mayPublish(lake, own.alive)).toBe(true);
  for (const topic of [
    topicsOf("pond").message("normal", { kind: "batch" }),
    own.ledger,
    own.twinDesired,
    own.commandCall("1"),
    "ps/1/lake/normal/",
    "ps/1/lake/normal/a/b",
    "ps/1/lake/+/x",
    "$SYS/x",
    "ps/1/lake/normal/+",
  ])
    expect(mayPublish(lake, topic), topic).toBe(false);
});

test("a station may listen to what is meant for it, and to nothing wider", () => {
  for (const filter of topicsOf("lake").down) expect(maySubscribe(lake, filter), filter).toBe(true);
  expect(maySubscribe(lake, topicsOf("lake").twinFull("7"))).toBe(true);
  for (const filter of ["#", "ps/1/lake/#", "ps/1/+/ledger", "ps/1/pond/ledger", "ps/1/lake/twin/+", "$SYS/#"])
    expect(maySubscribe(lake, filter), filter).toBe(false);
});

test("who enrols may ask for a certificate and hear the answer, nothing else; a station may ask in passing when it has one", () => {
  const own = topicsOf("lake");
  const enrolling = { station: "lake", role: "enrolling", by: "token" } as const;
  expect(mayPublish(enrolling, own.enrolRequest("1"))).toBe(true);
  expect(maySubscribe(enrolling, own.enrolAnswer("1"))).toBe(true);
  for (const filter of own.down) expect(maySubscribe(enrolling, filter), filter).toBe(false);
  for (const topic of [own.alive, own.message("normal", {}), topicsOf("pond").enrolRequest("1"), own.enrolAnswer("1")])
    expect(mayPublish(enrolling, topic), topic).toBe(false);
  expect(mayPublish(lake, own.enrolRequest("1"))).toBe(false);
  expect(maySubscribe(lake, own.enrolAnswer("1"))).toBe(false);
  const certified = { ...lake, by: "certificate" } as const;
  expect(mayPublish(certified, own.enrolRequest("1"))).toBe(true);
  expect(maySubscribe(certified, own.enrolAnswer("1"))).toBe(true);
  expect(mayPublish(certified, own.enrolDescription("1"))).toBe(false);
  expect(mayPublish(certified, topicsOf("pond").enrolRequest("1"))).toBe(false);
});
