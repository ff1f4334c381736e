/** Reads device files, each once, however many devices are of its type and however many files extend it. */
import { runExamples } from "../examples.ts";
import { norMore, type Said, say } from "../messages.ts";
import { hasErrors, inReadingOrder, type Problem } from "../problems.ts";
import { deviceShapes, isKnownKey, type ProtocolName } from "../schema.ts";
import { nearestWord } from "../spelling.ts";
import { capped } from "./capped.ts";
import { type Base, type DeviceType, readDeviceType } from "./device-type.ts";
import { extendDocument, sectionAt } from "./extends.ts";
import { readDocument, type SourceDocument, type SourceFile } from "./source-document.ts";

export type FindType = (type: string) => SourceFile | undefined;

export interface LoadedType {
  /** Only when no problem is an error. */
  readonly type?: DeviceType;
  /** Instead of it, when nothing but its examples is wrong: what it says of bytes can be explained. */
  readonly unproved?: DeviceType;
  readonly problems: readonly Problem[];
  /** The file and those that it extends, as far as there are any: for code frames. */
  readonly files: readonly SourceFile[];
}

export interface TypeReader {
  read(file: SourceFile): LoadedType;
}

interface ReadType extends LoadedType {
  readonly document: SourceDocument;
}

export const EXTENDS_MAX = 8;

export function createTypeReader(find: FindType, knownTypes: readonly string[]): TypeReader {
  const read = new Map<string, ReadType>();
  const documents = new Map<string, SourceDocument>();
  const documentOf = (file: SourceFile): SourceDocument => {
    const document = documents.get(file.path) ?? readDocument(file, isKnownKey);
    documents.set(file.path, document);
    return document;
  };
  const readFile = (file: SourceFile): ReadType => {
    const own = documentOf(file);
    const wanted = baseNameOf(own);
    if (wanted === undefined) return finished(file, own, undefined);
    const refused = refusal(file, wanted, find, documentOf, knownTypes);
    const baseFile = find(wanted);
    const refusedWith = (said: Said, base?: ReadType, at = "extends"): ReadType => ({
      document: own,
      problems: inReadingOrder([...own.problems, own.problem([at], said), ...(base?.problems ?? [])]),
      files: [file, ...(base?.files ?? [])],
    });
    if (refused || !baseFile) return refusedWith(refused ?? say.unknownType(wanted, undefined, knownTypes));
    const base = readOnce(baseFile);
    if (!base.type) return refusedWith(say.deviceFileBroken(wanted), base);
    const protocol = sectionAt(own.tree)["protocol"];
    if (typeof protocol === "string" && isOther(protocol, base.type.kind))
      return refusedWith(say.extendsOtherProtocol(wanted, base.type.kind, protocol), undefined, "protocol");
    const document = extendDocument(own, base.document, wanted, base.problems);
    return finished(file, document, { type: base.type, tree: base.document.tree, changes: own.tree });
  };
  const readOnce = (file: SourceFile): ReadType => {
    const known = read.get(file.path) ?? readFile(file);
    read.set(file.path, known);
    return known;
  };
  return { read: readOnce };
}

function finished(file: SourceFile, document: SourceDocument, base: Base | undefined): ReadType {
  const { type, problems } = readDeviceType(file, document, base);
  const failed = (type ? runExamples(type) : []).flatMap(({ example, failures }) =>
    failures.map((failure) => {
      const { place, inheritedFrom, name } = example;
      const said =
        inheritedFrom === undefined ? say.exampleFails(failure) : say.inheritedFails(name, inheritedFrom, failure);
      return document.problem(place, said);
    }),
  );
  // What stands at lines of the base was said when that was read.
  const own = capped(
    inReadingOrder(
      onceEach(
        [...problems, ...failed].filter(({ path }) => path === file.path),
        document.lineOf(["extends"]),
      ),
    ),
  );
  const files = [file, ...(base?.type.files ?? [])];
  const isUnproved = hasErrors(own) && !hasErrors(problems);
  return {
    document,
    files,
    problems: own,
    ...(type && (isUnproved ? { unproved: type } : hasErrors(own) ? {} : { type })),
  };
}

/**
 * What one line of this file spoils in its base is told once, and how much more of it there is. What only `extends:`
 * itself could be blamed for isn't told beside other mistakes: it comes from them.
 */
function onceEach(problems: readonly Problem[], extendsLine: number): Problem[] {
  const isVague = ({ code, line }: Problem): boolean => code === NO_LONGER_FITS && line === extendsLine;
  const areOthers = hasErrors(problems.filter((problem) => !isVague(problem)));
  const consequences = new Map<string, Problem[]>();
  for (const problem of problems) {
    if (areOthers && isVague(problem)) continue;
    const key = problem.code === NO_LONGER_FITS ? `${problem.line}:${problem.column}` : "";
    const known = consequences.get(key);
    if (known) known.push(problem);
    else consequences.set(key, [problem]);
  }
  return [...consequences].flatMap(([key, [first, ...more]]) => {
    if (key === "" || !first) return first ? [first, ...more] : [];
    return [{ ...first, message: more.length === 0 ? first.message : first.message + norMore(more.length) }];
  });
}

const NO_LONGER_FITS = "D551";

function baseNameOf({ tree }: SourceDocument): string | undefined {
  const said = sectionAt(tree)["extends"];
  return typeof said === "string" && said !== "" ? said : undefined;
}

/** Both modes of Modbus are one protocol here; an unknown word is told with the rest of the file. */
const isOther = (protocol: string, kind: ProtocolName): boolean =>
  Object.entries(deviceShapes).some(([name, shape]) => name === protocol && shape !== deviceShapes[kind]);

const typeNameOf = (file: SourceFile): string => (file.path.split("/").at(-1) ?? "").replace(/\.yaml$/, "");

/** The whole way is looked at first: each file of a circle says so by itself, whichever is read first. */
function refusal(
  file: SourceFile,
  wanted: string,
  find: FindType,
  documentOf: (file: SourceFile) => SourceDocument,
  knownTypes: readonly string[],
): Said | undefined {
  const way = [typeNameOf(file)];
  for (let next: string | undefined = wanted; next !== undefined; ) {
    if (next === way[0]) return say.extendsItself([...way, next]);
    // A circle further up is told there.
    if (way.includes(next)) return undefined;
    if (way.length > EXTENDS_MAX) return say.extendsTooMany(EXTENDS_MAX, way);
    const found = find(next);
    if (!found) return next === wanted ? say.unknownType(next, nearestWord(next, knownTypes), knownTypes) : undefined;
    way.push(next);
    next = baseNameOf(documentOf(found));
  }
  return undefined;
}
