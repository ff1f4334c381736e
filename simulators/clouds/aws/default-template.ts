/** The template that a local cloud begins with: the one of docs/aws-iot-core.md. */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export const DEFAULT_TEMPLATE = "pump-stations";

export const defaultTemplate = (): JsonObject => ({
  Parameters: { ThingName: { Type: "String" }, SerialNumber: { Type: "String" } },
  Resources: {
    thing: {
      Type: "AWS::IoT::Thing",
      Properties: { ThingName: { Ref: "ThingName" }, AttributePayload: { serialNumber: { Ref: "SerialNumber" } } },
      OverrideSettings: { AttributePayload: "MERGE" },
    },
    certificate: {
      Type: "AWS::IoT::Certificate",
      Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "Active" },
    },
    policy: { Type: "AWS::IoT::Policy", Properties: { PolicyName: "pump-station" } },
  },
});
