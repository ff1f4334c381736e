import { expect, test } from "vitest";
import { createApi } from "./api-client.ts";

const answering = (status: number, body: string) =>
  createApi({ fetch: async () => new Response(body, { status, headers: { "content-type": "application/json" } }) });

test("a refusal speaks with the bridge's own words and advice", async () => {
  const body = JSON.stringify({ error: "range", message: "1200 mbar is above 1000 mbar.", advice: "Lower it." });
  await expect(answering(400, body).twin("demo-lake")).rejects.toMatchObject({
    status: 400,
    message: "1200 mbar is above 1000 mbar. Lower it.",
  });
});

test("a refusal without words gets the status's, even when it isn't JSON", async () => {
  await expect(answering(401, "{}").stations()).rejects.toThrow("didn't accept this access token");
  await expect(answering(502, "<html>").stations()).rejects.toThrow("The bridge answered 502.");
  await expect(answering(200, "<html>").stations()).rejects.toThrow("not JSON");
});

test("a bridge that is away is status 0", async () => {
  const api = createApi({ fetch: () => Promise.reject(new TypeError("fetch failed")) });
  await expect(api.stations()).rejects.toMatchObject({ status: 0, message: "The bridge can't be reached." });
});

test("setting a value carries the token and nothing else does", async () => {
  const asked: [string, RequestInit | undefined][] = [];
  const api = createApi({
    fetch: async (url, init) => {
      asked.push([url, init]);
      return new Response("{}");
    },
  });
  await api.setDesired("demo-lake", { upload: { interval: 5 } }, "secret");
  await api.readings("demo-lake", "pump", 1000);
  expect(asked[0]).toMatchObject([
    "api/stations/demo-lake/twin/desired",
    { method: "PATCH", headers: { authorization: "Bearer secret" }, body: '{"upload":{"interval":5}}' },
  ]);
  expect(asked[1]).toEqual(["api/stations/demo-lake/readings?device=pump&from=1000&order=desc&limit=20000", undefined]);
});
