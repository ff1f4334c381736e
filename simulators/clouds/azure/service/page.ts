/** The page that watches a local hub: one file, no build. Everything from outside is shown as text, never as markup. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Local IoT Hub</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
  body { margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
  h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
  table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
  td, th { padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
  td.what { overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 13px; }
  pre { overflow: auto; background: #8881; padding: .6rem; margin: 0; font-size: 13px; max-height: 26rem; }
  .twin { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
  button, select, input { font: inherit; } .bad { color: #c33; }
  #lost:not([hidden]) { display: block; padding: .5rem; background: #c332; }
</style>
<h1>Local IoT Hub</h1>
<p id="lost" hidden>The hub does not answer; it may have been stopped.</p>
<p id="usage"></p>
<h2>Devices</h2>
<table><thead><tr><th>Device<th>State<th>Proof<th>Waiting messages<th>Last heard<th></tr></thead><tbody id="devices"></tbody></table>
<h2>Cloud settings (twin) of <select id="chosen" aria-label="device"></select></h2>
<div class="twin"><div>desired<pre id="desired"></pre></div><div>reported<pre id="reported"></pre></div></div>
<h2>Faults waiting to strike</h2>
<p><label>on <select id="on"></select></label> <label>do <select id="does"></select></label>
<label>times <input id="times" type="number" value="1" min="1" size="4"></label>
<button id="add">Add</button> <button id="clear">Remove all</button> <span id="problem" class="bad" role="alert"></span></p>
<pre id="faults"></pre>
<h2>What happened</h2>
<table><thead><tr><th>Time (UTC)<th>Device<th>What<th></tr></thead><tbody id="events"></tbody></table>
<script>
const $ = (id) => document.getElementById(id);
const row = (...cells) => {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const box = line.insertCell();
    if (cell instanceof Node) box.append(cell); else box.textContent = cell;
  }
  return line;
};
const button = (text, run) => {
  const made = document.createElement("button");
  made.textContent = text;
  made.onclick = () => run().catch(show);
  return made;
};
const show = (error) => { $("problem").textContent = error ? error.message : ""; };
const call = async (method, path, body) => {
  const answer = await fetch(path, { method, ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.Message);
  return json;
};
const ACTIONS = {
  "lose": { do: "lose" }, "lose the answer": { do: "lose-answer" }, "twice": { do: "twice" },
  "delay 5 s": { do: "delay", ms: 5000 }, "refuse 429": { do: "refuse", status: 429 },
  "refuse 429 without a body": { do: "refuse", status: 429, body: "empty" }, "refuse 500": { do: "refuse", status: 500 },
  "refuse (connect: code 3)": { do: "refuse", status: 3 }, "cut before": { do: "cut", when: "before" },
  "cut after": { do: "cut", when: "after" }, "cut in the middle": { do: "cut", when: "middle" }, "go silent": { do: "silent" },
};
for (const name of Object.keys(ACTIONS)) $("does").append(new Option(name));
for (const name of ["telemetry", "connect", "subscribe", "twin-get", "twin-report", "method-answer", "ping", "desired", "method", "cloud-to-device"]) $("on").append(new Option(name));
$("add").onclick = () => call("POST", "/local/faults", { on: $("on").value, times: Number($("times").value), ...ACTIONS[$("does").value] }).then(() => show(), show);
$("clear").onclick = () => call("DELETE", "/local/faults").then(() => show(), show);

let last = 0;
const look = async () => {
  const [devices, usage, faults, news] = await Promise.all([
    call("GET", "/devices"), call("GET", "/local/usage"), call("GET", "/local/faults"), call("GET", "/local/events?since=" + last),
  ]);
  $("usage").textContent = usage.messages + " of " + usage.messagesPerDay + " metered messages used on " + usage.day;
  $("devices").replaceChildren(...devices.map((device) => row(
    device.deviceId, device.status === "enabled" ? device.connectionState : "disabled", device.authentication.type,
    device.cloudToDeviceMessageCount, device.lastActivityTime.startsWith("1970") ? "never" : device.lastActivityTime.slice(11, 19),
    device.connectionState === "Connected" ? button("Throw out", () => call("POST", "/local/devices/" + encodeURIComponent(device.deviceId) + "/disconnect", { how: "fin" })) : "",
  )));
  const chosen = $("chosen").value || devices[0]?.deviceId;
  const names = devices.map(({ deviceId }) => deviceId);
  if ([...$("chosen").options].map(({ value }) => value).join() !== names.join()) {
    $("chosen").replaceChildren(...names.map((name) => new Option(name)));
    if (chosen) $("chosen").value = chosen;
  }
  if (chosen && names.includes(chosen)) {
    const { properties } = await call("GET", "/twins/" + encodeURIComponent(chosen));
    for (const side of ["desired", "reported"]) {
      const { $metadata, ...rest } = properties[side];
      $(side).textContent = JSON.stringify(rest, null, 2);
    }
  }
  $("faults").textContent = faults.map(({ id, fault, left }) => id + ": " + JSON.stringify(fault) + " (" + left + " times more)").join("\\n") || "none";
  for (const { sequence, atMs, device, kind, ...rest } of news.events) {
    last = sequence;
    const { system, base64, text, ...short } = rest;
    const what = kind === "telemetry" ? { ...short, body: text ?? "base64 " + base64.slice(0, 200) } : rest;
    const line = row(new Date(atMs).toISOString().slice(11, 23), device, kind, JSON.stringify(what));
    line.lastChild.className = "what";
    $("events").prepend(line);
    if ($("events").rows.length > 300) $("events").lastChild.remove();
  }
};
const loop = async () => {
  try { await look(); $("lost").hidden = true; } catch { $("lost").hidden = false; }
  setTimeout(loop, 1000);
};
loop();
</script>
</html>
`;
