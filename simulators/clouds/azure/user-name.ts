/**
 * Who a client says it is:
 *
 *   IoT Hub   {hub}/{device}/?api-version=2021-04-12[&model-id={dtmi}][&DeviceClientType=…]
 *   DPS       {scope}/registrations/{registration}/api-version=2019-03-31[&ClientVersion=…]
 */
export interface HubUser {
  readonly host: string;
  readonly device: string;
  readonly apiVersion: string;
  readonly modelId?: string;
  readonly clientType?: string;
}

export interface DpsUser {
  readonly scope: string;
  readonly registration: string;
  readonly apiVersion: string;
}

/** Twins over MQTT began with 2016-11-14; a version is a day, some with "-preview". */
const API_VERSION = /^20\d\d-[01]\d-[0-3]\d(-preview)?$/;

/** Returns the user, or a sentence that says what is wrong with the name. */
export function parseHubUser(text: string): HubUser | string {
  const [host, device, query, ...more] = text.split("/");
  if (!host || !device || query === undefined)
    return `the user name ${text} is not {hub}/{device}/?api-version=2021-04-12`;
  // Modules ({hub}/{device}/{module}/?api-version=…) belong to IoT Edge; this hub has none.
  if (more.length > 0 && !query.startsWith("?"))
    return `the user name ${text} is a module's; this hub has only devices`;
  const fields = new URLSearchParams([query, ...more].join("/").replace(/^\?/, ""));
  const apiVersion = fields.get("api-version");
  if (!apiVersion) return `the user name ${text} has no api-version`;
  if (!API_VERSION.test(apiVersion)) return `the user name's api-version=${apiVersion} is no version`;
  const [modelId, clientType] = [fields.get("model-id"), fields.get("DeviceClientType")];
  return {
    host: host.toLowerCase(),
    device,
    apiVersion,
    ...(modelId && { modelId }),
    ...(clientType && { clientType }),
  };
}

export function parseDpsUser(text: string): DpsUser | string {
  const found = /^([^/]+)\/registrations\/([^/]+)\/(.*)$/.exec(text);
  const [scope, registration, query] = found?.slice(1) ?? [];
  if (!scope || !registration || query === undefined)
    return `the user name ${text} is not {scope}/registrations/{registration}/api-version=2019-03-31`;
  const apiVersion = new URLSearchParams(query.replace(/^\?/, "")).get("api-version");
  if (!apiVersion) return `the user name ${text} has no api-version`;
  if (!API_VERSION.test(apiVersion)) return `the user name's api-version=${apiVersion} is no version`;
  return { scope, registration, apiVersion };
}
