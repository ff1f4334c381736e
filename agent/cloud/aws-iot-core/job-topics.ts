/**
 * Topics of AWS IoT Jobs (developer guide, "Jobs device MQTT API"), as far as the station uses them:
 *
 *   $aws/things/{thing}/jobs/…
 *   notify-next                                    which job is next has changed
 *   $next/get          → $next/get/accepted, $next/get/rejected
 *   {job}/update       → {job}/update/accepted, {job}/update/rejected
 *
 * `start-next` isn't used: it begins a job before anybody has looked at its document, and what was begun can't be
 * declined for certain.
 */
export type JobAnswer = "notify-next" | "get/accepted" | "get/rejected" | "update/accepted" | "update/rejected";

const ANSWER = /^(?:notify-next|\$next\/(get\/(?:accepted|rejected))|[\w-]+\/(update\/(?:accepted|rejected)))$/;

export const jobTopicsOf = (thing: string) => {
  const root = `$aws/things/${thing}/jobs`;
  return {
    next: `${root}/$next/get`,
    update: (job: string) => `${root}/${job}/update`,
    /** AWS answers who asked without these, too; others may not. */
    down: [
      `${root}/notify-next`,
      ...["accepted", "rejected"].flatMap((end) => [`${root}/$next/get/${end}`, `${root}/+/update/${end}`]),
    ],
    /** undefined when it is none of this thing's. */
    answerOf: (topic: string): JobAnswer | undefined => {
      if (!topic.startsWith(`${root}/`)) return undefined;
      const found = ANSWER.exec(topic.slice(root.length + 1));
      return found ? ((found[1] ?? found[2] ?? "notify-next") as JobAnswer) : undefined;
    },
  };
};
