import iotCommon from "azure-iot-common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../world.ts";
import { type AccessKey, derivedKey, readAccessKey, tokenFor } from "./shared-access.ts";

const KEY = Buffer.from("0123456789abcdef0123456789abcdef").toString("base64");
const RESOURCE = "my-hub.azure-devices.net/devices/gw1";
const read = (text: string): AccessKey | string => readAccessKey(text);

describe("a shared access signature", () => {
  it("is made as it always was", () => {
    const token = tokenFor({ resource: RESOURCE, key: new Secret(KEY), untilMs: 1_800_000_000_999 });
    expect(token.reveal()).toBe(
      "SharedAccessSignature sr=my-hub.azure-devices.net%2Fdevices%2Fgw1&sig=Hcn92ugtezaZCqL8uVs371wNQkGDwIXvgCEFGd6X9NM%3D&se=1800000000",
    );
    expect(`${token.toString()} ${JSON.stringify({ token })}`).toBe('*** {"token":"***"}');
  });

  it("is signed as Microsoft's own library signs it, whatever key, resource and policy", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 64 }),
        fc.stringMatching(/^[a-z0-9.-]{1,30}\/devices\/[A-Za-z0-9-]{1,20}$/),
        fc.integer({ min: 1, max: 4_000_000_000 }),
        fc.constantFrom(undefined, "registration"),
        (bytes, resource, endS, policy) => {
          const key = Buffer.from(bytes).toString("base64");
          const ours = tokenFor({
            resource,
            key: new Secret(key),
            untilMs: endS * 1000,
            ...(policy !== undefined && { policy }),
          });
          const theirs = iotCommon.SharedAccessSignature.create(
            encodeURIComponent(resource),
            policy ?? "",
            key,
            endS,
          ) as unknown as { sig: string };
          expect(ours.reveal()).toContain(`&sig=${theirs.sig}&se=${endS}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("a device's key of an enrolment group is the HMAC-SHA256 of its registration id", () => {
    expect(derivedKey(new Secret(KEY), "demo-lake").reveal()).toBe("qA4nKWw1WB0uCBh1b0SZAf4EBc6Rk2HqHS7xTAqpsj4=");
  });
});

describe("an access-key-file", () => {
  it("holds a key, or a device's connection string", () => {
    expect(read(`${KEY}\n`)).toMatchObject({ key: expect.any(Secret) as Secret });
    const found = read(`HostName=My-Hub.azure-devices.net;DeviceId=gw1;SharedAccessKey=${KEY}`);
    if (typeof found === "string") throw new Error(found);
    expect(found).toMatchObject({ hub: "my-hub.azure-devices.net", device: "gw1" });
    expect(found.key.reveal()).toBe(KEY);
  });

  it.each([
    ["", /copy the device's primary key/],
    ["not a key", /copy the device's primary key/],
    ["AAAA", /copy the device's primary key/],
    [`HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=${KEY}`, /connection string of the hub/],
    ["HostName=h;DeviceId=gw1;x509=true", /without SharedAccessKey/],
    [`HostName=h;SharedAccessKey=${KEY}`, /without HostName or DeviceId/],
  ])("says of %j what is wrong, and to do", (text, words) => {
    expect(read(text)).toMatch(words);
  });

  it("is never repeated in what is said about it", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8 }), (text) => {
        const said = read(text);
        if (typeof said === "string") expect(said).not.toContain(text);
      }),
    );
  });
});
