/** MQTT topic filters. Pure. */

/** MQTT 3.1.1 §4.7: "+" is one level, "#" the rest. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const given = topic.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (given[index] === undefined || (level !== "+" && level !== given[index])) return false;
  }
  return wanted.length === given.length;
}
