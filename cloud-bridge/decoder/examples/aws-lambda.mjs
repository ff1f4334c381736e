// AWS Lambda: messages as JSON lines in the log. Behind an IoT rule with a Lambda action,
//   SELECT encode(*, 'base64') AS payload, topic(3) AS station FROM 'ps/1/+/+/+'
// or behind a Kinesis stream of a rule `SELECT * FROM 'ps/1/+/+/+'` with the partition key ${topic(3)}.
import { documentsOf } from "@pump-station/decoder";
import { createSchemaFiles } from "./schema-files.mjs";

export const handlerWith = (schemas, write) => async (event) => {
  const messages = event.Records
    ? event.Records.map(({ kinesis }) => ({ station: kinesis.partitionKey, payload: kinesis.data }))
    : [event];
  let count = 0;
  for (const { station, payload } of messages) {
    const documents = await documentsOf(Buffer.from(payload, "base64"), schemas);
    for (const document of documents) await write({ station, ...document });
    count += documents.length;
  }
  return { documents: count };
};

const writeLine = (document) => console.log(JSON.stringify(document));
export const handler = handlerWith(createSchemaFiles(process.env.SCHEMAS_FOLDER ?? "/mnt/schemas"), writeLine);
