/** Golden tokens: a published one, and those of Microsoft's own package. */
import azureCommon from "azure-iot-common";
import { describe, expect, it } from "vitest";
import { deriveDeviceKey, isSignedWith, makeSas, parseSas } from "./sas.ts";

const { SharedAccessSignature } = azureCommon;
const KEY = Buffer.from("a key for tests, 32 bytes long..").toString("base64");

describe("a shared access signature", () => {
  it.each([
    ["my-hub.azure-devices.net/devices/gw1", 1_793_000_000],
    ["localhost:8883/devices/a%b+c", 1],
    ["0ne00000001/registrations/sn-1", 4_000_000_000],
  ])("for %s is that of Microsoft's package", (resource, endS) => {
    const theirs = SharedAccessSignature.create(encodeURIComponent(resource), "", KEY, endS).toString();
    const ours = makeSas({ resource, key: KEY, endS });
    const token = parseSas(theirs);
    expect(parseSas(ours)).toEqual(token);
    expect(token).toMatchObject({ resource, endS });
    expect(typeof token === "object" && isSignedWith(token, KEY)).toBe(true);
  });

  it("is what it was: golden", () => {
    expect(makeSas({ resource: "my-hub.azure-devices.net/devices/gw1", key: KEY, endS: 1_793_000_000 })).toBe(
      "SharedAccessSignature sr=my-hub.azure-devices.net%2Fdevices%2Fgw1&sig=qatxXEvwuFGkCW8XC4hxssDb7j7SaBwoM%2FgMUQJiKh8%3D&se=1793000000",
    );
  });

  it("doesn't fit another key, another end or another resource", () => {
    const token = parseSas(makeSas({ resource: "h/devices/a", key: KEY, endS: 10 }));
    if (typeof token === "string") throw new Error(token);
    expect(isSignedWith(token, KEY)).toBe(true);
    expect(isSignedWith(token, Buffer.alloc(32).toString("base64"))).toBe(false);
    expect(isSignedWith({ ...token, endS: 11 }, KEY)).toBe(false);
    expect(isSignedWith({ ...token, encodedResource: "h%2Fdevices%2Fb" }, KEY)).toBe(false);
  });

  it.each([
    ["", /does not begin/],
    ["SharedAccessSignature", /does not begin/],
    ["SharedAccessSignature sig=a&se=1", /no sr/],
    ["SharedAccessSignature sr=a&se=1", /no sig/],
    ["SharedAccessSignature sr=a&sig=b", /no se/],
    ["SharedAccessSignature sr=a&sig=b&se=soon", /no number/],
    ["SharedAccessSignature sr=%&sig=b&se=1", /not URL-encoded/],
  ])("%s says what it lacks", (text, why) => {
    expect(parseSas(text)).toMatch(why);
  });
});

describe("the key of a device in an enrolment group", () => {
  // Microsoft Learn, "How to provision devices using symmetric key enrollment groups": the page's own example.
  it("is the published one", () => {
    expect(
      deriveDeviceKey(
        "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
        "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6",
      ),
    ).toBe("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
  });
});
