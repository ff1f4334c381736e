/** The page: three files, by name, from wherever the build has put them. */
import type { FastifyInstance } from "fastify";
import { ApiError } from "./errors.ts";

/** The bytes of one of the page's files; undefined when the page isn't built. */
export type Page = (name: PageFile) => Uint8Array | undefined;
export type PageFile = keyof typeof CONTENT_TYPES;

const CONTENT_TYPES = {
  "index.html": "text/html; charset=utf-8",
  "app.js": "text/javascript; charset=utf-8",
  "app.css": "text/css; charset=utf-8",
} as const;

export function addPageRoutes(app: FastifyInstance, page: Page): void {
  for (const name of Object.keys(CONTENT_TYPES) as PageFile[]) {
    app.get(name === "index.html" ? "/" : `/${name}`, async (_, reply) => {
      const bytes = page(name);
      if (!bytes) throw new ApiError(404, "no-page", `the page's file ${name} is missing`, "npm run build makes it");
      return reply.header("content-type", CONTENT_TYPES[name]).send(Buffer.from(bytes));
    });
  }
}
