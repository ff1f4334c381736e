// Keeps schemas as files of a folder that outlives the function: an Azure Files or EFS share that is mounted.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A SchemaStore. Rejects with what the file system says, but a schema that isn't there is undefined. */
export const createSchemaFiles = (folder) => ({
  async get(hash) {
    try {
      return JSON.parse(await readFile(join(folder, `${hash}.json`), "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
  },
  async set(hash, schema) {
    await mkdir(folder, { recursive: true });
    // Under its name only when it is whole: two instances may write the same one.
    const draft = join(folder, `${hash}.${process.pid}.${process.hrtime.bigint()}`);
    await writeFile(draft, JSON.stringify(schema));
    await rename(draft, join(folder, `${hash}.json`));
  },
});
