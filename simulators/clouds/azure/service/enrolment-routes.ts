/** Enrolments of the provisioning service; registrations as Azure spells them. */
import type { Dps } from "../dps.ts";
import type { Enrolment } from "../enrolments.ts";
import { ServiceError } from "../errors.ts";
import type { Fault } from "../faults.ts";
import type { Route, RouteCall } from "./api.ts";
import { bodyOf, enrolmentAuthOf, REQUESTS } from "./requests.ts";
import { eventView } from "./views.ts";

export function enrolmentRoutes(dps: Dps): readonly Route[] {
  return [
    ["GET", /^\/enrollments$/, () => ({ json: dps.enrolments().filter(({ isGroup }) => !isGroup) })],
    ["GET", /^\/enrollmentGroups$/, () => ({ json: dps.enrolments().filter(({ isGroup }) => isGroup) })],
    ["PUT", /^\/enrollments\/([^/]+)$/, (call) => enrol(dps, call, false)],
    ["PUT", /^\/enrollmentGroups\/([^/]+)$/, (call) => enrol(dps, call, true)],
    ["DELETE", /^\/enrollments\/([^/]+)$/, (call) => remove(dps, call)],
    ["DELETE", /^\/enrollmentGroups\/([^/]+)$/, (call) => remove(dps, call)],
    ["GET", /^\/registrations$/, () => ({ json: dps.assignments() })],
    [
      "GET",
      /^\/local\/dps\/events$/,
      ({ query }) => ({
        json: { last: dps.events.last, events: dps.events.since(Number(query.get("since")) || 0).map(eventView) },
      }),
    ],
    [
      "POST",
      /^\/local\/dps\/faults$/,
      ({ body }) => ({ status: 201, json: { id: dps.faults.add(bodyOf(REQUESTS.fault, body) as Fault) } }),
    ],
    [
      "DELETE",
      /^\/local\/dps\/faults$/,
      () => {
        dps.faults.clear();
        return { json: {} };
      },
    ],
  ];
}

function enrol(dps: Dps, { names: [name = ""], body }: RouteCall, isGroup: boolean) {
  const { attestation, deviceId, hub, desired, provisioningStatus } = bodyOf(REQUESTS.enrolment, body);
  if (isGroup && attestation.type === "selfSigned")
    throw new ServiceError(400, 400004, "a group has keys or authorities, not one certificate");
  const enrolment: Enrolment = {
    name,
    isGroup,
    auth: enrolmentAuthOf(attestation),
    ...(deviceId !== undefined && { deviceId }),
    ...(hub !== undefined && { hub }),
    ...(desired && { desired }),
  };
  dps.enrol(enrolment);
  if (provisioningStatus === "disabled") dps.setEnabled(name, false);
  return { json: enrolment };
}

function remove(dps: Dps, { names: [name = ""] }: RouteCall) {
  dps.remove(name);
  return { json: {} };
}
