/** The table of commands as documents want it: Markdown for people, DTDL for clouds. */
import type { DtdlCommand } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import * as z from "zod";
import { STATION_COMMANDS, type StationCommand } from "./table.ts";

interface Argument {
  readonly name: string;
  readonly type: "text" | "yes or no";
  readonly description: string;
  readonly isOptional: boolean;
}

const COMMANDS: readonly (readonly [string, StationCommand])[] = Object.entries(STATION_COMMANDS);

const argumentsOf = ({ arguments: shape }: StationCommand): readonly Argument[] =>
  Object.entries(shape.shape).map(([name, type]) => {
    const { description = "", type: kind } = z.toJSONSchema(type as z.ZodType, { io: "input" });
    return {
      name,
      type: kind === "boolean" ? "yes or no" : "text",
      description,
      isOptional: (type as z.ZodType).safeParse(undefined).success,
    };
  });

/** A section for each command, for docs/commands.md. */
export const commandsMarkdown = (): string =>
  COMMANDS.map(([name, command]) =>
    [
      `### \`${name}\``,
      command.description,
      argumentsOf(command)
        .map(({ name: key, description, isOptional }) => `- \`${key}\`${isOptional ? "" : " (needed)"}: ${description}`)
        .join("\n") || "No arguments.",
      `Answers in \`body\`: ${command.answer}. Time limit: ${command.limitMs / 1000} s. ${
        command.kind === "read" ? "Changes nothing, and overtakes what does." : "Waits for those before it."
      }`,
    ].join("\n\n"),
  ).join("\n\n");

/** For the station's own Interface. */
export const stationDtdlCommands = (): readonly DtdlCommand[] =>
  COMMANDS.map(([name, command]) => ({
    name,
    description: command.description,
    fields: argumentsOf(command).map((argument) => ({
      name: argument.name,
      schema: argument.type === "text" ? "string" : "boolean",
    })),
  }));
