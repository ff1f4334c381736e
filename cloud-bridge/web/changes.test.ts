import { expect, test } from "vitest";
import type { Twin } from "../api/contract.ts";
import { ApiProblem } from "./api-client.ts";
import { createChanges } from "./changes.ts";

const TWIN: Twin = {
  station: "demo-lake",
  desired: {},
  reported: {},
  settings: [],
  convergence: { converged: true, since: null, why: [], digest: "", reportedDigest: null },
};
const CHANGE = { station: "demo-lake", path: "devices/pump/target", value: 900 };

function room(answer: (token: string) => Promise<Twin>) {
  let held: string | undefined;
  const sent: unknown[] = [];
  const twins: Twin[] = [];
  const changes = createChanges({
    api: {
      setDesired: (station, patch, token) => {
        sent.push([station, patch, token]);
        return answer(token);
      },
    },
    token: {
      get: () => held,
      set: (token) => {
        held = token;
      },
      clear: () => {
        held = undefined;
      },
    },
    onTwin: (twin) => twins.push(twin),
    onChange: () => undefined,
  });
  return { changes, sent, twins, held: () => held };
}

test("the first change asks for the token and then goes on by itself", async () => {
  const { changes, sent, twins } = room(async () => TWIN);
  await changes.send(CHANGE);
  expect(sent).toEqual([]);
  expect(changes.asking()?.change).toEqual(CHANGE);
  await changes.giveToken("secret");
  expect(sent).toEqual([["demo-lake", { devices: { pump: { target: 900 } } }, "secret"]]);
  expect(twins).toEqual([TWIN]);
  expect(changes.asking()).toBeUndefined();
  expect(changes.all().size).toBe(0);
});

test("a token that isn't accepted is forgotten and asked for again", async () => {
  const { changes, held } = room(async () => Promise.reject(new ApiProblem(401, "no such token")));
  await changes.send(CHANGE);
  await changes.giveToken("wrong");
  expect(held()).toBeUndefined();
  expect(changes.asking()).toEqual({ change: CHANGE, why: "no such token" });
});

test("a refused change keeps its reason beside its setting, and the token", async () => {
  const { changes, held } = room(async () => Promise.reject(new ApiProblem(400, "above 1000 mbar")));
  await changes.send(CHANGE);
  await changes.giveToken("secret");
  expect(changes.all().get(CHANGE.path)?.problem).toBe("above 1000 mbar");
  expect(held()).toBe("secret");
});

test("no token, no change", async () => {
  const { changes, sent } = room(async () => TWIN);
  await changes.send(CHANGE);
  changes.withholdToken();
  expect(changes.asking()).toBeUndefined();
  expect(sent).toEqual([]);
});
