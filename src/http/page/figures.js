// What two reports of an engine say about the time between them, and numbers as people read them.
// docs/OPERATIONS.md has the fields of a report. Pure functions; nothing here knows the page.

const nanoseconds = 1e9;

// The largest value that falls into a bucket of src/base/histogram.h, which cuts each doubling
// into 64 ranges.
function highestOf(bucket) {
  const octave = Math.floor(bucket / 64);
  const shift = octave > 1 ? octave - 1 : 0;
  return (bucket - shift * 64 + 1) * 2 ** shift - 1;
}

// Pairs of bucket and count, in order: what was counted since the older ones were read.
function countsBetween(older, newer) {
  const before = new Map(older);
  return newer
    .map(([bucket, count]) => [bucket, count - (before.get(bucket) ?? 0)])
    .filter(([, count]) => count > 0);
}

// The value that a share q of the values do not exceed; null if there are none.
export function quantile(counts, q, max = Infinity) {
  const values = counts.reduce((sum, [, count]) => sum + count, 0);
  const wanted = Math.max(Math.ceil(q * values), 1);
  let seen = 0;
  for (const [bucket, count] of counts) {
    seen += count;
    if (seen >= wanted) return Math.min(highestOf(bucket), max);
  }
  return null;
}

const onCores = (report) => report.workers.filter((worker) => !worker.device);
const coresOf = (report) => new Set(onCores(report).map((worker) => worker.core)).size;
const hasDevice = (report) => report.workers.some((worker) => worker.device);

export function laneFigures(older, newer, name) {
  const [from, to] = [older.lanes[name], newer.lanes[name]];
  const passed = newer.now_ns - older.now_ns;
  const rate = (before, after) => ((after - before) * nanoseconds) / passed;
  const counts = countsBetween(from.whole_buckets.counts, to.whole_buckets.counts);
  return {
    textsPerSecond: rate(from.completed.ok, to.completed.ok),
    tokensPerSecond: rate(from.tokens, to.tokens),
    share: hasDevice(newer)
      ? (to.device_ns - from.device_ns) / passed
      : (to.cpu_ns - from.cpu_ns) / (passed * coresOf(newer)),
    refusedPerSecond: rate(from.completed.refused, to.completed.refused),
    p50: quantile(counts, 0.5, to.whole_buckets.max),
    p99: quantile(counts, 0.99, to.whole_buckets.max),
  };
}

// What each client got between two reports, the busiest first.
export function clientFigures(older, newer) {
  const before = new Map(older.clients.map((client) => [client.id, client]));
  const passed = newer.now_ns - older.now_ns;
  return newer.clients
    .map((client) => {
      const texts = client.texts - (before.get(client.id)?.texts ?? 0);
      return { ...client, textsPerSecond: (texts * nanoseconds) / passed };
    })
    .sort((a, b) => b.textsPerSecond - a.textsPerSecond || b.texts - a.texts || a.id - b.id);
}

// The last reports of one engine. Another engine, or a pause in which nobody looked, begins anew.
export class History {
  constructor(reportsMax = 61, pauseMax = 5 * nanoseconds) {
    this.reports = [];
    this.reportsMax = reportsMax;
    this.pauseMax = pauseMax;
  }

  add(report) {
    const last = this.newest;
    if (last && report.now_ns === last.now_ns) return;
    const goesOn =
      last &&
      report.pid === last.pid &&
      report.uptime_ns > last.uptime_ns &&
      report.now_ns - last.now_ns < this.pauseMax;
    this.reports = goesOn ? [...this.reports, report].slice(-this.reportsMax) : [report];
  }

  clear() {
    this.reports = [];
  }

  get newest() {
    return this.reports.at(-1);
  }

  // The newest that is at least so old, else the oldest.
  before(seconds) {
    const old = this.reports.findLast(
      (report) => this.newest.now_ns - report.now_ns >= seconds * nanoseconds,
    );
    return old ?? this.reports[0];
  }

  // One value for each pair of neighbours, oldest first.
  series(value) {
    return this.reports.slice(1).map((report, index) => value(this.reports[index], report));
  }
}

// ---- as people read them

// Three digits where it is not whole.
function brief(value) {
  if (value >= 99.5 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value >= 9.95 ? value.toFixed(1) : value.toFixed(2);
}

export function count(value) {
  if (value >= 999_500) return `${brief(value / 1e6)}M`;
  if (value >= 9_995) return `${brief(value / 1e3)}k`;
  return brief(value);
}

export function rate(value) {
  return value >= 9.95 ? count(Math.round(value)) : String(Math.round(value * 10) / 10);
}

// [number, unit]
export function duration(ns) {
  if (ns === null || ns === undefined) return ["–", ""];
  if (ns < 999_500) return [brief(Math.round(ns / 1e3)), "µs"];
  if (ns < 999_500_000) return [brief(ns / 1e6), "ms"];
  if (ns < 99.5 * nanoseconds) return [brief(ns / nanoseconds), "s"];
  if (ns < 5400 * nanoseconds) return [brief(Math.round(ns / 60e9)), "min"];
  if (ns < 48 * 3600e9) return [brief(Math.round(ns / 3600e9)), "h"];
  return [brief(Math.round(ns / 86400e9)), "days"];
}

export function percent(share) {
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

export function mebibytes(bytes) {
  return `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MiB`;
}
