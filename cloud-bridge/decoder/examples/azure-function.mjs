// Azure Functions (Node.js, model v4): an IoT Hub's messages, from its Event Hub endpoint, as JSON into another Event Hub.
import { app } from "@azure/functions";
import { documentsOf } from "@pump-station/decoder";
import { createSchemaFiles } from "./schema-files.mjs";

export const handlerWith = (schemas) => async (messages, context) => {
  const about = context.triggerMetadata?.systemPropertiesArray ?? [];
  const documents = [];
  for (const [at, bytes] of messages.entries()) {
    const station = about[at]?.["iothub-connection-device-id"];
    for (const document of await documentsOf(bytes, schemas)) documents.push({ station, ...document });
  }
  return documents;
};

app.generic("decode", {
  trigger: {
    type: "eventHubTrigger",
    name: "messages",
    connection: "IOT_HUB_EVENTS",
    eventHubName: "%IOT_HUB_EVENTS_NAME%",
    cardinality: "many",
    dataType: "binary", // app.eventHub drops it, and then the host takes each message for JSON and fails
  },
  return: { type: "eventHub", connection: "READINGS", eventHubName: "%READINGS_NAME%" },
  handler: handlerWith(createSchemaFiles(process.env.SCHEMAS_FOLDER ?? "/schemas")),
});
