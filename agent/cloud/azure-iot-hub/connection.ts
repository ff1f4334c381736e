/** One connection to a hub as a CloudConnection: time limits on every call, the twin in its portable form, one end. */
import { MESSAGE_BYTES_MAX, PUBLISH_DEADLINE_MS } from "../../limits.ts";
import type { DesiredDocument } from "../../wire/twin-document.ts";
import type { Chance, Clock, HubAnswer, HubConnection, HubMessage, HubMethodCall, Log, Timers } from "../../world.ts";
import { type CloudConnection, CloudError, type Message } from "../cloud.ts";
import { createCommandDesk } from "../command-desk.ts";
import { createInbox } from "../inbox.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { createSilence } from "../silence.ts";
import { commandOf } from "./methods.ts";
import { type Components, desiredFromHub, hubFrom, reportedFromHub } from "./plug-and-play.ts";
import { documentIn, refusalOf, twinIn } from "./requests.ts";

/** Twin requests go without acknowledgement: what isn't answered by then was lost on its way, or for ever. */
const TWIN_DEADLINE_MS = 60_000;
const EARLY_MESSAGES_MAX = 32;
/** More calls than a desk has room for are answered at once. */
const METHODS_MAX = 16;

export interface TwinHearing {
  /**
   * The last twin request wasn't answered. A hub that has forgotten the subscription answers on a new connection; one
   * that still doesn't there doesn't answer at all, and leaving it each time would only cost.
   */
  isDeaf: boolean;
}

export interface ConnectionDeps {
  readonly hub: HubConnection;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly keepAlive: KeepAlive;
  readonly components: () => Components;
  readonly hearing: TwinHearing;
  /** The hub knows this device, its key or its certificate no more. */
  readonly onRefused: () => void;
}

export interface AzureConnection extends CloudConnection {
  /** Ends it, with a reason of our own. */
  leave(reason: string): Promise<void>;
  /** Something is under way that would have to be sent again. */
  isBusy(): boolean;
}

/** Listens at once. */
export function createAzureConnection(deps: ConnectionDeps): AzureConnection {
  const { hub, log, chance, components, hearing } = deps;
  let underWay = 0;
  let endedBecause: string | undefined;
  const leave = async (reason: string): Promise<void> => {
    endedBecause ??= reason;
    silence.end();
    await hub.close();
  };
  const silence = createSilence({
    ...deps,
    ping: (deadlineMs) => limited(deps.timers, "ping", deadlineMs, () => hub.ping()),
    onDead: leave,
  });
  const ask = async <T>(
    what: string,
    deadlineMs: number,
    send: () => Promise<T>,
    late?: () => "reconnect" | "retry",
  ): Promise<T> => {
    underWay++;
    try {
      return await silence.exchange(() => limited(deps.timers, what, deadlineMs, send, late));
    } catch (error) {
      // What a time limit cuts off is never answered later: the connection goes with it.
      if (error instanceof NoAnswer && error.next === "reconnect") await leave(error.message);
      throw error;
    } finally {
      underWay--;
    }
  };

  const askTwin = async (what: string, send: () => Promise<HubAnswer>): Promise<HubAnswer> => {
    const answer = await ask(what, TWIN_DEADLINE_MS, send, () => {
      const wasDeaf = hearing.isDeaf;
      hearing.isDeaf = true;
      return wasDeaf ? "retry" : "reconnect";
    });
    hearing.isDeaf = false;
    const refusal = refusalOf(what, answer, chance);
    if (refusal?.next === "reprovision") {
      deps.onRefused();
      await leave(refusal.message);
    }
    if (refusal) throw refusal;
    return answer;
  };

  const desired = createInbox<DesiredDocument>(EARLY_MESSAGES_MAX);
  const ledger = createInbox<Uint8Array>(EARLY_MESSAGES_MAX);
  hub.onDesired((patch) => {
    silence.heard();
    const document = documentIn(patch);
    if (!document) log("warn", "hub-patch-malformed", {});
    else desired.put({ ...desiredFromHub(document, components()), $version: document.$version });
  });
  hub.onMessage(({ properties, payload }) => {
    silence.heard();
    if (properties["kind"] === "ledger") ledger.put(payload);
    else log("debug", "hub-message-unclaimed", { kind: properties["kind"], bytes: payload.length });
  });
  const commands = createMethodDesk(deps, (send) => ask("answer a method", PUBLISH_DEADLINE_MS, send));
  hub.onMethod((call) => {
    silence.heard();
    commands.arrive(call);
  });
  hub.onClosed(() => silence.end());

  return {
    publish: async (message) => {
      if (message.payload.length > MESSAGE_BYTES_MAX) {
        throw new CloudError("drop-and-report", `send ${message.payload.length} bytes: at most ${MESSAGE_BYTES_MAX}`);
      }
      await ask("send", PUBLISH_DEADLINE_MS, () => hub.send(hubMessage(message)));
    },
    getTwin: async () => {
      const { body } = await askTwin("twin get", () => hub.getTwin());
      const { desired: wanted, reported } = twinIn(body);
      return {
        desired: { ...desiredFromHub(wanted, components()), $version: wanted.$version },
        reported: { ...reportedFromHub(reported, components()), $version: reported.$version },
      };
    },
    report: async (patch) => {
      const { version } = await askTwin("twin report", () => hub.report(hubFrom(patch, components())));
      return { version: version ?? 0 };
    },
    onDesired: (listener) => desired.listen(listener),
    onCommand: (listener) => commands.listen(listener),
    onLedger: (listener) => ledger.listen(listener),
    onClosed: (listener) => hub.onClosed((reason) => listener(endedBecause ?? reason)),
    use: () => ({ ...hub.use(), quietMs: silence.quietMs() }),
    isBusy: () => underWay > 0,
    leave,
    close: () => leave("closed by us"),
  };
}

class NoAnswer extends CloudError {}

/** Rejects with NoAnswer after `ms`. */
const limited = <T>(
  timers: Timers,
  what: string,
  ms: number,
  act: () => Promise<T>,
  next: () => "reconnect" | "retry" = () => "reconnect",
): Promise<T> =>
  new Promise((resolve, reject) => {
    const late = (): void => reject(new NoAnswer(next(), `${what}: no answer within ${ms / 1000} s`));
    const cancel = timers.after(ms, late);
    void act().then(resolve, reject).finally(cancel);
  });

/** Who may have to be read without our decoder is marked as JSON, so that the hub can route by the body, too. */
const hubMessage = ({ lane, properties, payload }: Message): HubMessage => ({
  properties: { ...properties, lane },
  payload,
  ...(properties["kind"] === "alarms" && { isJson: true }),
});

/** The desk of plain MQTT, with methods for calls. */
function createMethodDesk(deps: ConnectionDeps, ask: (send: () => Promise<void>) => Promise<void>) {
  const { hub, chance, log } = deps;
  /** By command id: the hub's requests that wait for its answer; who repeats a call gets one each. */
  const requests = new Map<string, string[]>();
  const answer = async (request: string, status: number, payload: object): Promise<void> => {
    try {
      await ask(() => hub.answer(request, status, payload));
    } catch (error) {
      // The caller's own time limit tells it.
      log("warn", "command-answer-lost", { request, status, error: String(error) });
    }
  };
  const desk = createCommandDesk({
    log,
    answer: async (id, { status, ...payload }) => {
      const [request, ...others] = requests.get(id) ?? [];
      if (others.length > 0) requests.set(id, others);
      else requests.delete(id);
      if (request !== undefined) await answer(request, status, payload);
    },
  });
  return {
    arrive: (call: HubMethodCall): void => {
      const command = commandOf(call);
      if (typeof command === "string") return void answer(call.request, 400, { text: command });
      if (requests.size >= METHODS_MAX) return void answer(call.request, 429, { text: "too many commands in line" });
      // The hub's request ids begin anew with each connection, and a command's id is remembered.
      const id = command.id ?? Buffer.from(chance.bytes(8)).toString("hex");
      requests.set(id, [...(requests.get(id) ?? []), call.request]);
      desk.arrive(id, new TextEncoder().encode(JSON.stringify(command.call)));
    },
    listen: (listener: Parameters<typeof desk.listen>[0]) => desk.listen(listener),
  };
}
