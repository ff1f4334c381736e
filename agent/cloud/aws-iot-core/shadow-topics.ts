/**
 * Topics of a thing's shadow (AWS IoT developer guide, "Device Shadow MQTT topics"):
 *
 *   $aws/things/{thing}/shadow/…                 the classic shadow
 *   $aws/things/{thing}/shadow/name/{shadow}/…   a named one
 *
 *   get, update                                  station → cloud; the answers come on the four below
 *   get/accepted, get/rejected, update/accepted, update/rejected
 *   update/delta                                 what is desired and not reported so; after each update that leaves any
 *   delete/accepted                              somebody has deleted the shadow
 */
export const SHADOW_NAME = /^[A-Za-z0-9:_-]{1,64}$/;

export const ANSWERS = [
  "get/accepted",
  "get/rejected",
  "update/accepted",
  "update/rejected",
  "update/delta",
  "delete/accepted",
] as const;
export type Answer = (typeof ANSWERS)[number];

export const shadowTopicsOf = (thing: string, shadow: string | undefined) => {
  const root = `$aws/things/${thing}/shadow${shadow === undefined ? "" : `/name/${shadow}`}`;
  return {
    get: `${root}/get`,
    update: `${root}/update`,
    /** One by one: the guide advises against wildcards here, since more topics may be added below. */
    down: ANSWERS.map((answer) => `${root}/${answer}`),
    /** undefined when it is none of this shadow's. */
    answerOf: (topic: string): Answer | undefined => ANSWERS.find((answer) => topic === `${root}/${answer}`),
  };
};
