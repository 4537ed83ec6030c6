/** What an algorithm reports of its run. */
export type ReportedMetrics = Readonly<Record<string, number | string | boolean>>;

/** The vendor's bounds, for one run. */
export const metricsMax = 25;
export const metricsBytesMax = 25 * 1024;

/** Names that the platform adds itself. */
const reserved: ReadonlySet<string> = new Set([
  'request_id',
  'timestamp',
  'duration_milliseconds',
  'algorithm_owner',
  'algorithm_name',
  'algorithm_version',
]);

export type ParsedInsights =
  | { readonly kind: 'metrics'; readonly metrics: ReportedMetrics }
  /** For the author of the algorithm: what is wrong. */
  | { readonly kind: 'refused'; readonly message: string };

const refused = (message: string): ParsedInsights => ({ kind: 'refused', message });

const isEntry = (value: unknown): value is { insight_key: string; insight_value: unknown } =>
  typeof value === 'object' &&
  value !== null &&
  'insight_key' in value &&
  typeof value.insight_key === 'string' &&
  'insight_value' in value;

/** Numbers, texts and truth values stay what they are; anything else becomes its JSON. */
const valueOf = (value: unknown): number | string | boolean =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : JSON.stringify(value);

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads `[{"insight_key":…,"insight_value":…}]`. Pure; never throws. */
export const parseInsights = (text: string): ParsedInsights => {
  const entries = parse(text);
  if (!Array.isArray(entries)) return refused('Send a JSON array of {"insight_key": name, "insight_value": value}.');
  const metrics: Record<string, number | string | boolean> = {};
  for (const entry of entries as readonly unknown[]) {
    if (!isEntry(entry) || entry.insight_key === '') {
      return refused('Every entry needs a text insight_key and an insight_value.');
    }
    if (reserved.has(entry.insight_key))
      return refused(`${entry.insight_key} is added by the platform; choose another name.`);
    metrics[entry.insight_key] = valueOf(entry.insight_value);
  }
  return { kind: 'metrics', metrics };
};
